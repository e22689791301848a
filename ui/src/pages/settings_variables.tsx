import { Button, Modal, SegmentedControl, Select, Switch, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useDeferredValue, useRef, useState } from "react";
import { call, type VariableRow, useGet } from "../api/client";
import { useTyped } from "../app/search";
import { useSession } from "../app/session";
import { Card, Cli, CopyButton, Empty, Loaded, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { done, Problem } from "../components/problem";
import { Revealed, typed, WriteOnly } from "../components/secret";
import { Chip } from "../components/state";
import { Table } from "../components/table";
import { Ago } from "../components/time";

const full = (v: Pick<VariableRow, "name" | "stack">) => (v.stack ? `${v.stack}/${v.name}` : v.name);

export default function Variables() {
  const [text, setText] = useTyped("q");
  const q = useGet("GET /v1/variables", { query: { used: true } });
  const client = useQueryClient();
  const { may, reveals } = useSession();
  const [form, setForm] = useState<VariableRow | "new">();
  const [gone, setGone] = useState<VariableRow>();
  const [history, setHistory] = useState<VariableRow>();
  const filter = useDeferredValue(text).toLowerCase();
  const rights = (v: VariableRow) => (level: "Write" | "Read") => may(level, "Variable", full(v)) || Boolean(v.stack && may(level, "Stack", v.stack));
  return (
    <Card
      flush
      title="Variables and secrets"
      actions={
        <>
          <TextInput size="xs" data-filter aria-label="Filter variables" placeholder="Filter  /" value={text} onChange={(e) => setText(e.currentTarget.value)} leftSection={<Icon name="search" size={13} />} />
          <Cli>rinca variable list</Cli>
          {may("Write", "Variable") && (
            <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setForm("new")}>
              Add
            </Button>
          )}
        </>
      }
    >
      <Loaded query={q}>
        {(all) => (
          <Table
            label="Variables"
            rows={all.filter((v) => !filter || `${full(v)} ${v.description ?? ""}`.toLowerCase().includes(filter))}
            id={full}
            columns={[
              {
                title: "Name",
                sort: full,
                show: (v) => (
                  <span className="row">
                    <code className="mainlink">{v.name}</code>
                    <CopyButton value={`[[${v.name}]]`} label={`Copy [[${v.name}]]`} />
                  </span>
                ),
              },
              { title: "Kind", sort: (v) => String(v.secret ?? false), show: (v) => <Chip tone={v.secret ? "busy" : "mute"} icon={v.secret ? "lock" : "key"} text={v.from ? "reference" : v.secret ? "secret" : "variable"} />, width: "120px" },
              { title: "Value", show: (v) => <Value v={v} may={reveals("Variable", full(v)) || Boolean(v.stack && reveals("Stack", v.stack))} /> },
              { title: "For", sort: (v) => v.stack ?? "", show: (v) => (v.stack ? <Link to="/stacks/$stack" params={{ stack: v.stack }}>{v.stack}</Link> : <span className="dim">every stack</span>), width: "130px" },
              { title: "Used by", show: (v) => (v.used_by?.length ? <Link to="/secrets" search={{ ref: v.name } as never}>{v.used_by.length === 1 ? v.used_by[0] : `${v.used_by.length} stacks`}</Link> : <span className="dim">nothing</span>), width: "120px" },
              { title: "Changed", sort: (v) => v.updated_at, show: (v) => <Ago at={v.updated_at} />, width: "110px", minor: true },
              {
                title: "", end: true, width: "190px",
                show: (v) => (
                  <span className="row" style={{ justifyContent: "flex-end", flexWrap: "nowrap" }}>
                    <Button size="compact-xs" variant="default" onClick={() => setHistory(v)}>
                      History
                    </Button>
                    {rights(v)("Write") && (
                      <>
                        <Button size="compact-xs" variant="default" onClick={() => setForm(v)}>
                          Change
                        </Button>
                        <Button size="compact-xs" variant="default" color="red" onClick={() => setGone(v)} aria-label={`Delete ${v.name}`}>
                          <Icon name="trash" size={13} />
                        </Button>
                      </>
                    )}
                  </span>
                ),
              },
            ]}
            empty={<Empty icon="key" title={all.length ? "No variable matches" : "There are no variables"}>[[NAME]] in a compose file or an environment stands for a variable's value. A secret one is write-only.</Empty>}
          />
        )}
      </Loaded>
      <Modal opened={Boolean(form)} onClose={() => setForm(undefined)} title={form === "new" ? "Add a variable" : "Change the variable"} size="lg">
        {form && <Form variable={form === "new" ? undefined : form} close={() => setForm(undefined)} />}
      </Modal>
      <Modal opened={Boolean(history)} onClose={() => setHistory(undefined)} title={`Changes of ${history?.name}`}>
        {history && <History v={history} />}
      </Modal>
      <Confirm
        opened={Boolean(gone)}
        close={() => setGone(undefined)}
        title={`Delete ${gone?.name}`}
        name={gone?.name}
        action="Delete"
        run={async () => {
          if (!gone) return;
          await call("DELETE /v1/variables/{name}", { path: { name: gone.name }, query: { stack: gone.stack } });
          await client.invalidateQueries({ queryKey: ["GET /v1/variables"] });
        }}
      >
        {gone?.used_by?.length ? `It is used by ${gone.used_by.join(", ")}: their next deploy fails.` : "Nothing that you may read uses it."}
      </Confirm>
    </Card>
  );
}

function Value({ v, may }: { v: VariableRow; may: boolean }) {
  if (v.from) return <code>{v.from}</code>;
  if (!v.secret) return <code>{v.value}</code>;
  return <Revealed label={v.name} may={may} load={async () => (await call("GET /v1/variables/{name}/value", { path: { name: v.name }, query: { stack: v.stack } })).value} />;
}

function History({ v }: { v: VariableRow }) {
  const q = useGet("GET /v1/variables/{name}/versions", { path: { name: v.name }, query: { stack: v.stack } });
  return (
    <Loaded query={q}>
      {(versions) => (
        <ul className="attention">
          {[...versions].reverse().map((x) => (
            <li key={x.version}>
              <strong>version {x.version}</strong>
              <span className="what dim">
                {x.from ? <code>{x.from}</code> : x.secret ? "a secret value" : "a value"}, fingerprint <code>{x.digest}</code>
              </span>
              <span className="dim small">
                {x.updated_by} <Ago at={x.updated_at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}

function Form({ variable, close }: { variable?: VariableRow; close: () => void }) {
  const client = useQueryClient();
  const stacks = useGet("GET /v1/stacks");
  const [name, setName] = useState(variable?.name ?? "");
  const [stack, setStack] = useState(variable?.stack ?? "");
  const [kind, setKind] = useState(variable?.from ? "from" : "value");
  const [secret, setSecret] = useState(variable?.secret ?? true);
  const [from, setFrom] = useState(variable?.from ?? "");
  const [description, setDescription] = useState(variable?.description ?? "");
  const value = useRef<HTMLInputElement>(null);
  const [busy, run, error] = useRun();
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault();
        const given = typed(value);
        void run(async () => {
          const body = { description, secret, ...(kind === "from" ? { from } : given || !variable ? { value: given } : {}) };
          await call("PUT /v1/variables/{name}", { path: { name }, query: { stack: stack || undefined }, body, headers: variable ? undefined : { "If-None-Match": "*" } });
          await client.invalidateQueries({ queryKey: ["GET /v1/variables"] });
          done(`${name} is kept: the next deploy of what uses it carries it`);
          close();
        });
      }}
    >
      {!variable && (
        <div className="two">
          <TextInput label="Name" required value={name} onChange={(e) => setName(e.currentTarget.value.trim())} placeholder="SMTP_PASSWORD" error={name && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? "Letters, digits and _, no digit first" : undefined} data-autofocus />
          <Select label="For" value={stack} onChange={(v) => setStack(v ?? "")} data={[{ value: "", label: "Every stack" }, ...(stacks.data ?? []).map((s) => ({ value: s.name, label: s.name }))]} searchable />
        </div>
      )}
      <SegmentedControl aria-label="Where its value is" value={kind} onChange={setKind} data={[{ value: "value", label: "A value" }, { value: "from", label: "A reference into the vault" }]} />
      {kind === "from" ? (
        <TextInput label="Reference" required value={from} onChange={(e) => setFrom(e.currentTarget.value.trim())} placeholder="op://homelab/smtp/password" description="Its value is looked up when it is used, and is kept nowhere" />
      ) : (
        <WriteOnly input={value} label={variable ? "New value" : "Value"} required={!variable} description={variable ? "Leave it empty to keep the value" : undefined} />
      )}
      <Switch label="Secret: its value is never shown" checked={secret} onChange={(e) => setSecret(e.currentTarget.checked)} />
      <TextInput label="Description" value={description} onChange={(e) => setDescription(e.currentTarget.value)} />
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button type="submit" loading={busy}>
          Save
        </Button>
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
