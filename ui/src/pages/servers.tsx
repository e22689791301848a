import { Button, Modal, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { call, replace, type Server, useGet } from "../api/client";
import { useSession } from "../app/session";
import { Card, Cli, Empty, Facts, Loaded, Page, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { done, Problem } from "../components/problem";
import { typed, WriteOnly } from "../components/secret";
import { Chip } from "../components/state";
import { Ago, isSet } from "../components/time";

export default function Servers() {
  const q = useGet("GET /v1/servers");
  const stacks = useGet("GET /v1/stacks");
  const { may } = useSession();
  const [adding, setAdding] = useState<Server | "new">();
  return (
    <Page
      title="Servers"
      sub="Docker engines that stacks run on"
      actions={
        <>
          <Cli>rinca server list</Cli>
          {may("Write", "Server") && (
            <Button leftSection={<Icon name="plus" size={15} />} onClick={() => setAdding("new")}>
              Add a server
            </Button>
          )}
        </>
      }
    >
      <Loaded query={q}>
        {(servers) =>
          servers.length ? (
            <div className="grid">
              {servers.map((s) => (
                <One key={s.name} server={s} stacks={(stacks.data ?? []).filter((x) => (x.server || "local") === s.name).map((x) => x.name)} edit={() => setAdding(s)} />
              ))}
            </div>
          ) : (
            <Card>
              <Empty icon="servers" title="No server that you may read" />
            </Card>
          )
        }
      </Loaded>
      <Modal opened={Boolean(adding)} onClose={() => setAdding(undefined)} title={adding === "new" ? "Add a server" : "Change the server"} size="lg">
        {adding && <Form server={adding === "new" ? undefined : adding} close={() => setAdding(undefined)} />}
      </Modal>
    </Page>
  );
}

function One({ server, stacks, edit }: { server: Server; stacks: string[]; edit: () => void }) {
  const client = useQueryClient();
  const { may } = useSession();
  const [busy, run, error] = useRun();
  const [gone, setGone] = useState(false);
  const s = server.state;
  return (
    <Card
      title={
        <span className="titlerow">
          {server.name} <Chip state={isSet(s.checked_at) ? (s.reachable ? "reachable" : "unreachable") : "unknown"} text={isSet(s.checked_at) ? (s.reachable ? "answers" : "out of reach") : "not asked yet"} />
        </span>
      }
      actions={
        <>
          {may("Execute", "Server", server.name) && (
            <Button
              variant="default"
              loading={busy}
              onClick={() =>
                void run(async () => {
                  await call("POST /v1/servers/{server}/check", { path: { server: server.name } });
                  await client.invalidateQueries({ queryKey: ["GET /v1/servers"] });
                })
              }
            >
              Check
            </Button>
          )}
          {server.name !== "local" && may("Write", "Server", server.name) && (
            <>
              <Button variant="default" onClick={edit}>
                Change
              </Button>
              <Button variant="default" color="red" onClick={() => setGone(true)} aria-label={`Remove ${server.name}`}>
                <Icon name="trash" size={14} />
              </Button>
            </>
          )}
        </>
      }
    >
      {error ? <Problem error={error} /> : null}
      {s.error && <div className="bad-t small">{s.error}</div>}
      <Facts items={[["Address", <code key="a">{server.address}</code>], ["Engine", s.version && `${s.version} (API ${s.api_version})`], ["System", s.os], ["Containers", s.containers], [s.reachable ? "Answers since" : "Silent since", isSet(s.since) && <Ago key="s" at={s.since} />], ["Checked", <Ago key="c" at={s.checked_at} />]]} />
      <div className="row" style={{ marginTop: 10 }}>
        {stacks.slice(0, 14).map((name) => (
          <Link key={name} to="/stacks/$stack" params={{ stack: name }} className="tag">
            {name}
          </Link>
        ))}
        {stacks.length > 14 && <span className="dim small">and {stacks.length - 14} more</span>}
        {stacks.length === 0 && <span className="dim small">No stack runs here</span>}
      </div>
      <Confirm
        opened={gone}
        close={() => setGone(false)}
        title={`Remove ${server.name}`}
        name={server.name}
        action="Remove"
        run={async () => {
          await call("DELETE /v1/servers/{server}", { path: { server: server.name } });
          await client.invalidateQueries({ queryKey: ["GET /v1/servers"] });
        }}
      >
        Rinca forgets how to reach it. Its containers are left alone.
      </Confirm>
    </Card>
  );
}

function Form({ server, close }: { server?: Server; close: () => void }) {
  const client = useQueryClient();
  const [busy, run, error] = useRun();
  const [address, setAddress] = useState(server?.address ?? "");
  const key = useRef<HTMLTextAreaElement>(null);
  const ssh = address.startsWith("ssh:");
  const tcp = address.startsWith("tcp:");
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault();
        const data = new FormData(e.currentTarget);
        const text = (name: string) => String(data.get(name) ?? "").trim() || undefined;
        const secret = typed(key) || undefined;
        const name = server?.name ?? text("name") ?? "";
        const body = { address, known_hosts: text("known_hosts"), ca: text("ca"), cert: text("cert"), ssh_key: ssh ? secret : undefined, key: tcp ? secret : undefined };
        void run(async () => {
          if (server) await replace("GET /v1/servers/{server}", "PUT /v1/servers/{server}", { server: name }, { address: server.address, known_hosts: server.known_hosts, ca: server.ca, cert: server.cert }, body);
          else await call("POST /v1/servers", { body: { ...body, name } });
          await client.invalidateQueries({ queryKey: ["GET /v1/servers"] });
          done(`${name} is there`);
          close();
        });
      }}
    >
      {!server && <TextInput name="name" label="Name" required placeholder="nas-1" data-autofocus />}
      <TextInput label="Address" required value={address} onChange={(e) => setAddress(e.currentTarget.value)} placeholder="ssh://deploy@nas-1" description="ssh://user@host, tcp://host:2376 with certificates, or unix:///path" />
      {ssh && (
        <>
          <label className="field">
            <span className="lbl">Host keys</span>
            <span className="dim small">Lines as in known_hosts: ssh-keyscan HOST prints them; compare them with the server's own</span>
            <textarea name="known_hosts" rows={3} className="plainarea mono" defaultValue={server?.known_hosts} spellCheck={false} />
          </label>
          <WriteOnly input={key} lines label={server ? "New private key" : "Private key"} description={server?.has_ssh_key ? "One is kept. Leave this empty to keep it" : "Without one, the keys of Rinca's own user are used"} />
        </>
      )}
      {tcp && (
        <>
          <label className="field">
            <span className="lbl">CA, PEM</span>
            <textarea name="ca" rows={3} className="plainarea mono" defaultValue={server?.ca} spellCheck={false} />
          </label>
          <label className="field">
            <span className="lbl">Certificate, PEM</span>
            <textarea name="cert" rows={3} className="plainarea mono" defaultValue={server?.cert} spellCheck={false} />
          </label>
          <WriteOnly input={key} lines label="Key, PEM" description={server?.has_key ? "One is kept. Leave this empty to keep it" : undefined} />
        </>
      )}
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button type="submit" loading={busy}>
          {server ? "Save" : "Add"}
        </Button>
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
