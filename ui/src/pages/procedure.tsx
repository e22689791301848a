import { Button, Menu, NumberInput, Select, Switch, Tabs, Textarea, TextInput } from "@mantine/core";
import "@mantine/core/styles/NumberInput.css";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { call, replace, type Kind, type Procedure, useGet } from "../api/client";
import { useChoice, useParam } from "../app/search";
import { useSession } from "../app/session";
import { arg, Back, Card, Cli, Empty, Facts, isGone, Loaded, MayNot, Page, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { CronField } from "../components/cronfield";
import { Icon } from "../components/icon";
import { done, Problem } from "../components/problem";
import { useRunProcedure } from "../components/run";
import { Chip, UpdateChip } from "../components/state";
import { Table } from "../components/table";
import { Ago, Lasting } from "../components/time";

type Stage = Procedure["stages"][number];
type Step = Stage["executions"][number];

const blank: Procedure = { name: "", stages: [{ name: "Stage 1", executions: [] }] } as unknown as Procedure;

export default function ProcedurePage() {
  const { procedure: name } = useParams({ strict: false }) as { procedure: string };
  const [make] = useParam("make");
  const q = useGet("GET /v1/procedures/{procedure}", { path: { procedure: name } }, { enabled: !make });
  const { may } = useSession();
  if (make) return <Frame name="">{may("Write", "Procedure") ? <Editor procedure={blank} fresh /> : <MayNot>add procedures</MayNot>}</Frame>;
  if (!q.data || isGone(q.error)) return <Frame name={name}><Loaded query={q}>{() => null}</Loaded></Frame>;
  return <Known procedure={q.data} />;
}

function Frame({ name, children, actions, sub }: { name: string; children: React.ReactNode; actions?: React.ReactNode; sub?: React.ReactNode }) {
  return (
    <Page
      wide
      title={
        <>
          <Back to="/procedures">Procedures</Back>
          <span className="titlerow">{name || "Add a procedure"}</span>
        </>
      }
      sub={sub}
      actions={actions}
    >
      {children}
    </Page>
  );
}

function Known({ procedure }: { procedure: Procedure }) {
  const [tab, setTab] = useChoice("tab", ["stages", "runs", "edit"]);
  const [gone, setGone] = useState(false);
  const go = useNavigate();
  const { may } = useSession();
  const updates = useGet("GET /v1/updates", { query: { procedure: procedure.name, limit: 50 } });
  const writes = may("Write", "Procedure", procedure.name);
  const [started, run] = useRunProcedure();
  return (
    <Frame
      name={procedure.name}
      sub={procedure.description}
      actions={
        <>
          <Cli>{`rinca procedure run ${arg(procedure.name)}`}</Cli>
          {may("Execute", "Procedure", procedure.name) && (
            <Button leftSection={<Icon name="run" size={14} />} loading={Boolean(started)} onClick={() => void run(procedure.name)}>
              Run
            </Button>
          )}
          {writes && (
            <Button variant="default" color="red" aria-label="Remove this procedure" onClick={() => setGone(true)}>
              <Icon name="trash" size={14} />
            </Button>
          )}
        </>
      }
    >
      <Tabs value={tab} onChange={setTab}>
        <Tabs.List aria-label="Parts of the procedure">
          <Tabs.Tab value="stages">Stages</Tabs.Tab>
          <Tabs.Tab value="runs">Runs</Tabs.Tab>
          {writes && <Tabs.Tab value="edit">Change</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="stages" pt="md">
          <Card flush>
            <div className="pstages" tabIndex={0} role="group" aria-label="Stages">
              {procedure.stages.map((s, i) => (
                <div key={i} className="pstage">
                  <strong>
                    {i + 1}. {s.name} {s.disabled && <Chip tone="mute" icon="stop" text="off" />}
                  </strong>
                  {s.executions.map((e, j) => (
                    <div key={j} className="pexec">
                      <span>
                        <strong>{e.execution.type}</strong> {e.disabled && <Chip tone="mute" icon="stop" text="off" />}
                      </span>
                      <code className="small dim">{words(e)}</code>
                    </div>
                  ))}
                  <span className="dim small">
                    If it fails: {s.on_failure === "continue" ? "go on" : "stop"}
                    {s.timeout ? ` · at most ${s.timeout}` : ""}
                  </span>
                </div>
              ))}
            </div>
          </Card>
          <div style={{ height: 14 }} />
          <Card title="When it runs">
            <Facts items={[["Schedule", procedure.schedule?.text || "by hand and by webhook"], ["Time zone", procedure.schedule?.timezone], ["Webhook", procedure.webhook?.disabled ? "off" : procedure.webhook?.path ? `also as /${procedure.webhook.path}` : "its name"], ["At most", procedure.timeout], ["Changed", <span key="c"><Ago at={procedure.updated_at} /> {procedure.updated_by && `by ${procedure.updated_by}`}</span>]]} />
          </Card>
        </Tabs.Panel>
        <Tabs.Panel value="runs" pt="md">
          <Card flush>
            <Loaded query={updates}>
              {(us) => (
                <Table
                  label="Runs"
                  rows={us}
                  id={(u) => u.id}
                  open={(u) => void go({ to: "/activity/$id", params: { id: u.id } })}
                  columns={[
                    { title: "When", show: (u) => <Link className="mainlink" to="/activity/$id" params={{ id: u.id }}><Ago at={u.created_at} /></Link>, width: "130px" },
                    { title: "State", show: (u) => <UpdateChip state={u.state} />, width: "130px" },
                    { title: "What", show: (u) => <span className="dim">{u.error?.message ?? u.summary}</span> },
                    { title: "Because of", show: (u) => <span className="dim">{u.cause || u.operator}</span>, minor: true },
                    { title: "Took", show: (u) => <Lasting from={u.started_at} to={u.ended_at} />, width: "90px" },
                  ]}
                  empty={<Empty icon="activity" title="It never ran" />}
                />
              )}
            </Loaded>
          </Card>
        </Tabs.Panel>
        <Tabs.Panel value="edit" pt="md">
          <Editor procedure={procedure} />
        </Tabs.Panel>
      </Tabs>
      <Confirm
        opened={gone}
        close={() => setGone(false)}
        title={`Remove ${procedure.name}`}
        name={procedure.name}
        action="Remove"
        run={async () => {
          await call("DELETE /v1/procedures/{procedure}", { path: { procedure: procedure.name } });
          void go({ to: "/procedures" });
        }}
      >
        Its schedule and webhook end with it. Its history stays.
      </Confirm>
    </Frame>
  );
}

/** words writes the parameters of an execution in a line. */
export function words(e: Step): string {
  const p = (e.execution.params ?? {}) as Record<string, unknown>;
  return Object.entries(p).map(([k, v]) => `${k}: ${Array.isArray(v) ? v.join(", ") : typeof v === "object" ? JSON.stringify(v) : String(v)}`).join(" · ");
}

function Editor({ procedure, fresh }: { procedure: Procedure; fresh?: boolean }) {
  const [p, setP] = useState(procedure);
  const [busy, run, error] = useRun();
  const go = useNavigate();
  const client = useQueryClient();
  const kinds = useGet("GET /v1/executions", {}, { staleTime: Number.POSITIVE_INFINITY });
  const set = (change: Partial<Procedure>) => setP((old) => ({ ...old, ...change }));
  const stage = (i: number, change: Partial<Stage>) => set({ stages: p.stages.map((s, j) => (j === i ? { ...s, ...change } : s)) });
  const move = (i: number, by: number) => {
    const stages = [...p.stages];
    const [s] = stages.splice(i, 1);
    if (s) stages.splice(i + by, 0, s);
    set({ stages });
  };
  const save = () =>
    run(async () => {
      const body = { ...p, updated_at: undefined, updated_by: undefined } as unknown as Procedure;
      if (fresh) await call("POST /v1/procedures", { body });
      else await replace("GET /v1/procedures/{procedure}", "PUT /v1/procedures/{procedure}", { procedure: p.name }, { updated_at: p.updated_at }, body);
      await client.invalidateQueries({ queryKey: ["GET /v1/procedures"] });
      await client.invalidateQueries({ queryKey: ["GET /v1/procedures/{procedure}"] });
      await client.invalidateQueries({ queryKey: ["GET /v1/schedules"] });
      done(`${p.name} is saved`);
      await go({ to: "/procedures/$procedure", params: { procedure: p.name }, search: {} as never });
    });
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}
    >
      <Card>
        <div className="form">
          {fresh && <TextInput label="Name" required value={p.name} onChange={(e) => set({ name: e.currentTarget.value })} placeholder="Daily Secrets Export" data-autofocus />}
          <TextInput label="Description" value={p.description ?? ""} onChange={(e) => set({ description: e.currentTarget.value || undefined })} />
          <CronField value={p.schedule?.text ?? ""} zone={p.schedule?.timezone} change={(text) => set({ schedule: { ...(p.schedule ?? {}), text } as Procedure["schedule"] })} />
          <div className="two">
            <TextInput label="Time zone" value={p.schedule?.timezone ?? ""} placeholder="Europe/Berlin" description="Left empty: the server's" onChange={(e) => set({ schedule: { ...(p.schedule ?? {}), timezone: e.currentTarget.value || undefined } as Procedure["schedule"] })} />
            <TextInput label="Another name of the webhook" value={p.webhook?.path ?? ""} placeholder="export-secrets" onChange={(e) => set({ webhook: { ...(p.webhook ?? {}), path: e.currentTarget.value || undefined } })} />
          </div>
        </div>
      </Card>
      <div style={{ height: 14 }} />
      <Card flush title="Stages: from left to right; what is in one runs at once">
        <div className="pstages">
          {p.stages.map((s, i) => (
            <div key={i} className="pstage">
              <div className="row" style={{ flexWrap: "nowrap" }}>
                <TextInput size="xs" className="grow" aria-label={`Name of stage ${i + 1}`} value={s.name} onChange={(e) => stage(i, { name: e.currentTarget.value })} />
                <Menu position="bottom-end">
                  <Menu.Target>
                    <Button size="compact-sm" variant="default" aria-label={`Stage ${i + 1}`}>
                      <Icon name="more" size={14} />
                    </Button>
                  </Menu.Target>
                  <Menu.Dropdown>
                    <Menu.Item disabled={i === 0} onClick={() => move(i, -1)}>Earlier</Menu.Item>
                    <Menu.Item disabled={i === p.stages.length - 1} onClick={() => move(i, 1)}>Later</Menu.Item>
                    <Menu.Item onClick={() => stage(i, { disabled: !s.disabled || undefined })}>{s.disabled ? "Switch on" : "Switch off"}</Menu.Item>
                    <Menu.Item className="bad-t" onClick={() => set({ stages: p.stages.filter((_, j) => j !== i) })}>Remove</Menu.Item>
                  </Menu.Dropdown>
                </Menu>
              </div>
              {s.disabled && <Chip tone="mute" icon="stop" text="off" />}
              {s.executions.map((e, j) => (
                <StepForm key={j} step={e} kinds={kinds.data ?? []} change={(x) => stage(i, { executions: x ? s.executions.map((y, k) => (k === j ? x : y)) : s.executions.filter((_, k) => k !== j) })} />
              ))}
              <Button size="compact-sm" variant="default" leftSection={<Icon name="plus" size={13} />} onClick={() => stage(i, { executions: [...s.executions, { execution: { type: "DeployStack", params: { stack: "" } } } as Step] })}>
                Add an execution
              </Button>
              <Select size="xs" label="If it fails" value={s.on_failure || "stop"} onChange={(v) => stage(i, { on_failure: (v === "continue" ? "continue" : undefined) as Stage["on_failure"] })} data={[{ value: "stop", label: "stop" }, { value: "continue", label: "go on" }]} />
            </div>
          ))}
          <Button variant="default" leftSection={<Icon name="plus" size={14} />} style={{ flexShrink: 0 }} onClick={() => set({ stages: [...p.stages, { name: `Stage ${p.stages.length + 1}`, executions: [] } as unknown as Stage] })}>
            Add a stage
          </Button>
        </div>
      </Card>
      {error ? <div style={{ marginTop: 12 }}><Problem error={error} /></div> : null}
      <div className="row" style={{ marginTop: 14 }}>
        <Button type="submit" loading={busy} disabled={!p.name}>
          Save
        </Button>
        <Button variant="default" onClick={() => void go({ to: fresh ? "/procedures" : "/procedures/$procedure", params: { procedure: p.name } as never, search: {} as never })}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

interface Schema {
  properties?: Record<string, { type?: string; items?: { type?: string }; description?: string }>;
  required?: string[];
}

/** StepForm asks for an execution: its kind, and the parameters that the server says the kind has. */
function StepForm({ step, kinds, change }: { step: Step; kinds: Kind[]; change: (s: Step | null) => void }) {
  const stacks = useGet("GET /v1/stacks");
  const procedures = useGet("GET /v1/procedures");
  const kind = kinds.find((k) => k.name === step.execution.type);
  const schema = (kind?.params ?? {}) as Schema;
  const params = (step.execution.params ?? {}) as Record<string, unknown>;
  const put = (name: string, v: unknown) => {
    const next = { ...params, [name]: v };
    if (v === undefined || v === "" || v === false) delete next[name];
    change({ ...step, execution: { ...step.execution, params: next } });
  };
  const names = useMemo(() => Object.keys(schema.properties ?? {}), [schema]);
  const [more, setMore] = useState(false);
  const required = schema.required ?? [];
  const shown = names.filter((n) => more || required.includes(n) || params[n] !== undefined);
  return (
    <div className="pexec">
      <div className="row" style={{ flexWrap: "nowrap" }}>
        <Select size="xs" className="grow" aria-label="Execution" searchable value={step.execution.type} data={kinds.map((k) => k.name)} onChange={(v) => v && change({ ...step, execution: { type: v, params: v.includes("Stack") ? { stack: params.stack ?? "" } : {} } })} />
        <Button size="compact-sm" variant="default" aria-label="Remove this execution" onClick={() => change(null)}>
          <Icon name="trash" size={13} />
        </Button>
      </div>
      {kind && <span className="dim small">{kind.doc}</span>}
      {shown.map((n) => {
        const s = schema.properties?.[n];
        const value = params[n];
        if (n === "stack") return <Select key={n} size="xs" label="stack" searchable data={(stacks.data ?? []).map((x) => x.name)} value={(value as string) || null} onChange={(v) => put(n, v ?? "")} />;
        if (n === "procedure") return <Select key={n} size="xs" label="procedure" searchable data={(procedures.data ?? []).map((x) => x.name)} value={(value as string) || null} onChange={(v) => put(n, v ?? "")} />;
        if (s?.type === "boolean") return <Switch key={n} size="xs" label={n} checked={Boolean(value)} onChange={(e) => put(n, e.currentTarget.checked)} />;
        if (s?.type === "integer") return <NumberInput key={n} size="xs" label={n} value={(value as number) ?? ""} onChange={(v) => put(n, v === "" ? undefined : Number(v))} />;
        if (s?.type === "array") return <Textarea key={n} size="xs" label={`${n}, one a line`} autosize minRows={1} value={((value as string[]) ?? []).join("\n")} onChange={(e) => put(n, e.currentTarget.value ? e.currentTarget.value.split("\n") : undefined)} />;
        return <TextInput key={n} size="xs" label={n} value={String(value ?? "")} onChange={(e) => put(n, e.currentTarget.value)} />;
      })}
      {names.length > shown.length && (
        <button type="button" className="tag" onClick={() => setMore(true)}>
          {names.length - shown.length} more parameters
        </button>
      )}
    </div>
  );
}
