import { Button, Modal, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { call, replace, type GitAccount, useGet } from "../api/client";
import { useSession } from "../app/session";
import { Card, Cli, Empty, Loaded, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { done, Problem } from "../components/problem";
import { typed, WriteOnly } from "../components/secret";
import { Table } from "../components/table";
import { Ago } from "../components/time";

export function GitAccounts() {
  const q = useGet("GET /v1/git-accounts");
  const client = useQueryClient();
  const { may } = useSession();
  const [form, setForm] = useState<GitAccount | "new">();
  const [gone, setGone] = useState<string>();
  return (
    <Card
      flush
      title="Git accounts"
      actions={
        <>
          <Cli>rinca git account list</Cli>
          {may("Write", "GitAccount") && (
            <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setForm("new")}>
              Add an account
            </Button>
          )}
        </>
      }
    >
      <Loaded query={q}>
        {(rows) => (
          <Table
            label="Git accounts"
            rows={rows}
            id={(a) => a.name}
            columns={[
              { title: "Name", show: (a) => <span className="mainlink">{a.name}</span> },
              { title: "Host", show: (a) => a.host },
              { title: "Signs in with", show: (a) => [a.has_token && "a token", a.has_key && "an SSH key"].filter(Boolean).join(", ") || "nothing" },
              { title: "Changed", show: (a) => <Ago at={a.updated_at} />, width: "120px", minor: true },
              {
                title: "", end: true, width: "190px",
                show: (a) =>
                  may("Write", "GitAccount", a.name) && (
                    <span className="row" style={{ justifyContent: "flex-end", flexWrap: "nowrap" }}>
                      <Button size="compact-xs" variant="default" onClick={() => setForm(a)}>
                        Change
                      </Button>
                      <Button size="compact-xs" variant="default" color="red" onClick={() => setGone(a.name)}>
                        Remove
                      </Button>
                    </span>
                  ),
              },
            ]}
            empty={<Empty icon="git" title="No Git accounts">Public repositories need none. For private ones, add a token or an SSH key: it is kept sealed and never shown.</Empty>}
          />
        )}
      </Loaded>
      <Modal opened={Boolean(form)} onClose={() => setForm(undefined)} title={form === "new" ? "Add a Git account" : "Change the Git account"} size="lg">
        {form && <GitForm account={form === "new" ? undefined : form} close={() => setForm(undefined)} />}
      </Modal>
      <Confirm
        opened={Boolean(gone)}
        close={() => setGone(undefined)}
        title={`Remove ${gone}`}
        name={gone}
        action="Remove"
        run={async () => {
          await call("DELETE /v1/git-accounts/{account}", { path: { account: gone ?? "" } });
          await client.invalidateQueries({ queryKey: ["GET /v1/git-accounts"] });
        }}
      >
        Stacks that use it cannot fetch their source any more.
      </Confirm>
    </Card>
  );
}

export function GitForm({ account, close, cancel }: { account?: GitAccount; close: () => void; cancel?: string }) {
  const client = useQueryClient();
  const [busy, run, error] = useRun();
  const token = useRef<HTMLInputElement>(null);
  const key = useRef<HTMLTextAreaElement>(null);
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault();
        const data = new FormData(e.currentTarget);
        const text = (n: string) => String(data.get(n) ?? "").trim();
        const name = account?.name ?? text("name");
        const body = { host: text("host"), username: text("username") || undefined, known_hosts: text("known_hosts") || undefined, token: typed(token) || undefined, key: typed(key) || undefined };
        void run(async () => {
          const path = { account: name };
          if (account) await replace("GET /v1/git-accounts/{account}", "PUT /v1/git-accounts/{account}", path, { host: account.host, username: account.username, known_hosts: account.known_hosts }, body);
          else await call("PUT /v1/git-accounts/{account}", { path, body, headers: { "If-None-Match": "*" } });
          await client.invalidateQueries({ queryKey: ["GET /v1/git-accounts"] });
          done(`${name} is kept, sealed`);
          close();
        });
      }}
    >
      {!account && <TextInput name="name" label="Name" required placeholder="github" />}
      <div className="two">
        <TextInput name="host" label="Host" required defaultValue={account?.host} placeholder="github.com" description="The credential is sent to no other" />
        <TextInput name="username" label="User" defaultValue={account?.username} placeholder="git" />
      </div>
      <WriteOnly input={token} label="Token, for HTTPS" description={account?.has_token ? "One is kept. Leave this empty to keep it" : "Read access to the repositories is enough"} />
      <WriteOnly input={key} lines label="Private key, for SSH" description={account?.has_key ? "One is kept. Leave this empty to keep it" : undefined} />
      <label className="field">
        <span className="lbl">Host keys, for SSH</span>
        <textarea name="known_hosts" rows={2} className="plainarea mono" defaultValue={account?.known_hosts} spellCheck={false} placeholder="github.com ssh-ed25519 AAAA…" />
      </label>
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button type="submit" loading={busy}>
          Save
        </Button>
        <Button variant="default" onClick={close}>
          {cancel ?? "Cancel"}
        </Button>
      </div>
    </form>
  );
}
