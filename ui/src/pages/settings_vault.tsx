import { Button, Select, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { call, keyOf, useGet } from "../api/client";
import { Card, Cli, Facts, Loaded, useRun } from "../components/bits";
import { done, Problem } from "../components/problem";
import { typed, WriteOnly } from "../components/secret";
import { Chip } from "../components/state";
import { Ago, isSet } from "../components/time";

const providers: Record<string, string> = { embedded: "Embedded, encrypted, on this host", connect: "1Password Connect", op: "The op command", sdk: "1Password service account" };

export function VaultPanel() {
  const q = useGet("GET /v1/vault", {}, { retry: false });
  const client = useQueryClient();
  const token = useRef<HTMLInputElement>(null);
  const [kind, setKind] = useState("service-account");
  const [host, setHost] = useState("");
  const [busy, run, error] = useRun();
  return (
    <div className="grid">
      <Card title="Vault" actions={<><Cli>rinca token show</Cli><Button variant="default" loading={q.isFetching} onClick={() => void q.refetch()}>Test</Button></>}>
        <Loaded query={q}>
          {(v) => (
            <>
              <div style={{ marginBottom: 10 }}>{v.error ? <Chip state="unreachable" text="does not answer" /> : <Chip state="reachable" text="answers" />}</div>
              {v.error && <div className="bad-t small">{v.error}</div>}
              {!v.provider && <Make />}
              <Facts items={[["Provider", providers[v.provider ?? ""] ?? v.provider], ["Vaults", v.vaults?.join(", ")], ["Token", v.has_token ? <>kept, sealed, since <Ago at={v.set_at} /></> : v.provider === "embedded" ? "none is needed" : "none"], ["Requests since the start", v.budget ? `${v.requests} of ${v.budget}` : v.requests], ["Exported", isSet(v.exported_at) && <Ago key="e" at={v.exported_at} />]]} />
            </>
          )}
        </Loaded>
      </Card>
      <Card title="Connect a 1Password vault">
        <form
          className="form"
          onSubmit={(e) => {
            e.preventDefault();
            const given = typed(token);
            void run(async () => {
              const v = await call("PUT /v1/vault/token", { body: { token: given, kind, host: kind === "connect" ? host : undefined } });
              if (token.current) token.current.value = "";
              client.setQueryData(keyOf("GET /v1/vault"), v);
              done("The token works, and is kept sealed");
            });
          }}
        >
          <div className="dim">An encrypted vault of this server works without this. A token is tried before it is kept, and is never shown again.</div>
          <Select label="What" value={kind} onChange={(v) => setKind(v ?? kind)} data={[{ value: "service-account", label: "Service account" }, { value: "connect", label: "Connect server" }]} />
          {kind === "connect" && <TextInput label="Address" required value={host} onChange={(e) => setHost(e.currentTarget.value)} placeholder="http://connect:8080" />}
          <WriteOnly input={token} label="Token" required />
          {error ? <Problem error={error} /> : null}
          <div>
            <Button type="submit" loading={busy}>
              Try and keep
            </Button>
          </div>
        </form>
      </Card>
    </div>
  );
}

/** Make makes the vault that needs nobody else. */
function Make() {
  const client = useQueryClient();
  const [busy, run, error] = useRun();
  return (
    <div className="form">
      <div>Without 1Password, secrets can be kept on this server, encrypted with the key of its home: keep a copy of rinca.key elsewhere.</div>
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button
          loading={busy}
          onClick={() =>
            void run(async () => {
              client.setQueryData(keyOf("GET /v1/vault"), await call("POST /v1/vault"));
              await client.invalidateQueries({ queryKey: ["GET /v1/vault"] });
              done("The vault is made");
            })
          }
        >
          Make an encrypted vault
        </Button>
        <Cli>rinca init</Cli>
      </div>
    </div>
  );
}
