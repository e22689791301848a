import { Button, Modal, MultiSelect, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { type Alerter, type AlerterInput, call, replace, useGet } from "../api/client";
import { useSession } from "../app/session";
import { Card, Cli, Empty, Loaded, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { done, failed, Problem } from "../components/problem";
import { typed, WriteOnly } from "../components/secret";
import { Chip } from "../components/state";
import { Table } from "../components/table";
import { Ago } from "../components/time";

const kinds = ["Custom", "Slack", "Discord", "Ntfy", "Gotify", "Pushover", "SMTP", "Shoutrrr"];
const alertTypes = ["StackDeployFailed", "ExportFailed", "RotationFailed", "RotationWaiting", "ResourceSyncFailed", "ResourceSyncPendingUpdates", "ProcedureFailed", "ScheduleRun", "ScheduleMissed", "SecretOverdue", "Drift", "VaultUnreachable", "VaultBudgetLow", "ServerUnreachable", "Custom"];

export default function Alerters() {
  const q = useGet("GET /v1/alerters");
  const client = useQueryClient();
  const { may } = useSession();
  const [form, setForm] = useState<Alerter | "new">();
  const [gone, setGone] = useState<string>();
  const [sent, setSent] = useState<string>();
  const test = (name: string) =>
    call("POST /v1/alerters/{alerter}/test", { path: { alerter: name } }).then(() => done(`${name} took the test alert`), (e: unknown) => failed(e, `${name} did not take the test alert`));
  return (
    <Card
      flush
      title="Alerters"
      actions={
        <>
          <Cli>rinca alerter list</Cli>
          {may("Write", "Alerter") && (
            <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setForm("new")}>
              Add an alerter
            </Button>
          )}
        </>
      }
    >
      <Loaded query={q}>
        {(rows) => (
          <Table
            label="Alerters"
            rows={rows}
            id={(a) => a.name}
            columns={[
              { title: "Name", show: (a) => <span className="row"><span className="mainlink">{a.name}</span>{a.disabled && <Chip tone="mute" icon="stop" text="off" />}</span> },
              { title: "Sends to", show: (a) => a.kind, width: "120px" },
              { title: "Which", show: (a) => <span className="dim">{[a.types?.length ? a.types.join(", ") : "every type", a.levels?.length ? a.levels.join(", ").toLowerCase() : ""].filter(Boolean).join(" · ")}</span> },
              { title: "Changed", show: (a) => <Ago at={a.updated_at} />, width: "120px", minor: true },
              {
                title: "", end: true, width: "260px",
                show: (a) => (
                  <span className="row" style={{ justifyContent: "flex-end" }}>
                    <Button size="compact-xs" variant="default" onClick={() => setSent(a.name)}>Sent</Button>
                    {may("Execute", "Alerter", a.name) && <Button size="compact-xs" variant="default" onClick={() => void test(a.name)}>Test</Button>}
                    {may("Write", "Alerter", a.name) && (
                      <>
                        <Button size="compact-xs" variant="default" onClick={() => setForm(a)}>Change</Button>
                        <Button size="compact-xs" variant="default" color="red" onClick={() => setGone(a.name)}>Remove</Button>
                      </>
                    )}
                  </span>
                ),
              },
            ]}
            empty={<Empty icon="bell" title="Nobody is told">An alerter sends alerts to Slack, Discord, ntfy, mail, or an address of your own.</Empty>}
          />
        )}
      </Loaded>
      <Modal opened={Boolean(form)} onClose={() => setForm(undefined)} title={form === "new" ? "Add an alerter" : "Change the alerter"} size="lg">
        {form && <Form alerter={form === "new" ? undefined : form} close={() => setForm(undefined)} />}
      </Modal>
      <Modal opened={Boolean(sent)} onClose={() => setSent(undefined)} title={`Sent to ${sent}`} size="lg">
        {sent && <Sendings name={sent} />}
      </Modal>
      <Confirm
        opened={Boolean(gone)}
        close={() => setGone(undefined)}
        title={`Remove ${gone}`}
        name={gone}
        action="Remove"
        run={async () => {
          await call("DELETE /v1/alerters/{alerter}", { path: { alerter: gone ?? "" } });
          await client.invalidateQueries({ queryKey: ["GET /v1/alerters"] });
        }}
      >
        Alerts that wait to be sent to it are dropped.
      </Confirm>
    </Card>
  );
}

function Sendings({ name }: { name: string }) {
  const q = useGet("GET /v1/alerters/{alerter}/sendings", { path: { alerter: name }, query: { limit: 50 } });
  return (
    <Loaded query={q}>
      {(rows) =>
        rows.length ? (
          <ul className="attention">
            {rows.map((s) => (
              <li key={s.id}>
                <Chip tone={s.gave_up ? "bad" : s.sent_at ? "good" : "warn"} icon={s.gave_up ? "bad" : s.sent_at ? "ok" : "wait"} text={s.gave_up ? "given up" : s.sent_at ? "sent" : "waits"} />
                <span className="what">
                  {s.alert.message}
                  {s.error && <div className="bad-t small">{s.error}</div>}
                </span>
                <span className="dim small"><Ago at={s.at} /></span>
              </li>
            ))}
          </ul>
        ) : (
          <div className="dim">Nothing was sent yet</div>
        )
      }
    </Loaded>
  );
}

function Form({ alerter, close }: { alerter?: Alerter; close: () => void }) {
  const client = useQueryClient();
  const url = useRef<HTMLInputElement>(null);
  const [name, setName] = useState(alerter?.name ?? "");
  const [kind, setKind] = useState(alerter?.kind ?? "Slack");
  const [types, setTypes] = useState(alerter?.types ?? []);
  const [levels, setLevels] = useState<string[]>(alerter?.levels ?? []);
  const [stacks, setStacks] = useState((alerter?.resources ?? []).map((r) => r.id));
  const [disabled, setDisabled] = useState(alerter?.disabled ?? false);
  const [busy, run, error] = useRun();
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault();
        const address = typed(url);
        void run(async () => {
          const body: AlerterInput = { kind, disabled, types, levels: levels as AlerterInput["levels"], resources: stacks.map((id) => ({ type: "Stack", id })), except: alerter?.except, description: alerter?.description, tags: alerter?.tags, email: alerter?.email, url: address || undefined };
          const path = { alerter: name };
          if (alerter) await replace("GET /v1/alerters/{alerter}", "PUT /v1/alerters/{alerter}", path, { updated_at: alerter.updated_at }, body);
          else await call("PUT /v1/alerters/{alerter}", { path, body, headers: { "If-None-Match": "*" } });
          await client.invalidateQueries({ queryKey: ["GET /v1/alerters"] });
          done(`${name} is saved: test it`);
          close();
        });
      }}
    >
      {!alerter && <TextInput label="Name" required value={name} onChange={(e) => setName(e.currentTarget.value)} data-autofocus />}
      <Select label="Sends to" data={kinds} value={kind} onChange={(v) => setKind(v ?? kind)} />
      <WriteOnly input={url} label="Address" required={!alerter} description={alerter?.has_url ? "One is kept. Leave this empty to keep it" : "It is kept sealed. [[NAME]] in it stands for a variable"} placeholder="https://hooks.slack.com/services/…" />
      <MultiSelect size="sm" label="Types" data={alertTypes} value={types} onChange={setTypes} placeholder={types.length ? "" : "Every type"} searchable />
      <div className="two">
        <MultiSelect size="sm" label="Levels" data={["WARNING", "CRITICAL", "OK"]} value={levels} onChange={setLevels} placeholder={levels.length ? "" : "Every level"} />
        <TagsInput size="sm" label="Stacks" value={stacks} onChange={setStacks} placeholder={stacks.length ? "" : "Every resource"} description="Names or patterns" />
      </div>
      <Switch label="Switched off" checked={disabled} onChange={(e) => setDisabled(e.currentTarget.checked)} />
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button type="submit" loading={busy}>Save</Button>
        <Button variant="default" onClick={close}>Cancel</Button>
      </div>
    </form>
  );
}
