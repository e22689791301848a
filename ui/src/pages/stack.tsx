import { Button, Checkbox, Menu, Select, Tabs } from "@mantine/core";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { absolute, address, call, type Line, type ServiceState, type Stack, type StackState, useGet } from "../api/client";
import { useKeys } from "../app/keys";
import { useChoice, useParam } from "../app/search";
import { useSession } from "../app/session";
import { arg, Back, Card, Cli, CopyButton, Empty, Facts, isGone, Loaded, Page } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { Lines, Resume } from "../components/lines";
import { LogView } from "../components/logview";
import { Chip, DriftChip, StackChip, UpdateChip } from "../components/state";
import { Table } from "../components/table";
import { Ago, isSet, lasted } from "../components/time";
import { DriftView } from "./drift_view";
import { SourceWords } from "./stacks";

const StackForm = lazy(() => import("./stack_form"));

interface Operation {
  type: string;
  word: string;
  does: string;
}

const operations: Operation[] = [
  { type: "RestartStack", word: "Restart", does: "Each container stops and starts again as it is. What has changed in files or secrets is not taken up: a deploy does that." },
  { type: "StopStack", word: "Stop", does: "The containers stop, and stay. What comes after this stack is not deployed as long as it is stopped." },
  { type: "StartStack", word: "Start", does: "Containers that are stopped start as they are." },
];

export default function StackPage() {
  const { stack: name } = useParams({ strict: false }) as { stack: string };
  const [tab, setTab] = useChoice("tab", ["services", "logs", "deployments", "config", "env", "drift"]);
  const [destroy, setDestroy] = useState(false);
  const [forget, setForget] = useState(false);
  const go = useNavigate();
  const { may } = useSession();
  const stack = useGet("GET /v1/stacks/{stack}", { path: { stack: name } });
  const state = useGet("GET /v1/stacks/{stack}/state", { path: { stack: name } });
  const drift = useGet("GET /v1/drift");
  const updates = useGet("GET /v1/updates", { query: { stack: name, limit: 50 } });
  const mine = drift.data?.stacks.find((d) => d.stack === name);
  const off = (mine?.keys ?? []).filter((k) => k.state === "stale" || k.state === "edited").length;
  const runs = may("Execute", "Stack", name);
  const writes = may("Write", "Stack", name);
  const plan = () => void go({ to: "/stacks/$stack/plan", params: { stack: name } });
  useKeys([
    { keys: "d", does: "Plan a deploy", run: () => runs && plan() },
    { keys: "l", does: "Logs", run: () => setTab("logs") },
  ]);
  const [asking, setAsking] = useState<Operation>();
  const operate = async (type: string) => {
    const u = await call("POST /v1/executions", { body: { type, params: { stack: name } } });
    await go({ to: "/activity/$id", params: { id: u.id } });
  };
  if (isGone(stack.error)) {
    return (
      <Page
        title={
          <>
            <Back to="/stacks">Stacks</Back>
            <span className="titlerow">{name}</span>
          </>
        }
      >
        <Card>
          <Empty icon="stacks" title="There is no such stack" action={<Button variant="default" onClick={() => void go({ to: "/stacks" })}>Show all stacks</Button>}>
            It was removed, has another name, or you may not read it.
          </Empty>
        </Card>
      </Page>
    );
  }
  const last = updates.data?.find((u) => u.execution.type.startsWith("Deploy"));
  return (
    <Page
      wide
      title={
        <>
          <Back to="/stacks">Stacks</Back>
          <span className="titlerow">
            {name} <StackChip state={state.data} />
            {off > 0 && (
              <button type="button" className="chip warn" style={{ border: 0, cursor: "pointer" }} onClick={() => setTab("drift")}>
                <Icon name="drift" size={13} /> {off} {off === 1 ? "value differs" : "values differ"}
              </button>
            )}
          </span>
        </>
      }
      sub={
        stack.data && (
          <span>
            {stack.data.server || "local"} · <SourceWords stack={stack.data} />
            {last && (
              <>
                {" "}
                · <Link to="/activity/$id" params={{ id: last.id }}>last deploy</Link> <Ago at={last.created_at} /> by {last.operator}
              </>
            )}
          </span>
        )
      }
      actions={
        runs && (
          <>
            <Cli>{`rinca stack plan ${name}`}</Cli>
            <Button leftSection={<Icon name="run" size={14} />} onClick={plan}>
              Plan a deploy
            </Button>
            <Menu position="bottom-end">
              <Menu.Target>
                <Button variant="default" rightSection={<Icon name="down" size={13} />}>
                  More
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {operations.map((o) => (
                  <Menu.Item key={o.type} onClick={() => setAsking(o)}>
                    {o.word}
                  </Menu.Item>
                ))}
                <Menu.Item className="bad-t" onClick={() => setDestroy(true)}>
                  Remove its containers
                </Menu.Item>
                {writes && (
                  <Menu.Item className="bad-t" onClick={() => setForget(true)}>
                    Forget this stack
                  </Menu.Item>
                )}
              </Menu.Dropdown>
            </Menu>
          </>
        )
      }
    >
      <Tabs value={tab} onChange={setTab}>
        <Tabs.List aria-label="Parts of the stack">
          <Tabs.Tab value="services">Services</Tabs.Tab>
          <Tabs.Tab value="logs">Logs</Tabs.Tab>
          <Tabs.Tab value="deployments">Deployments</Tabs.Tab>
          <Tabs.Tab value="config">Config</Tabs.Tab>
          <Tabs.Tab value="env">Env and lineage</Tabs.Tab>
          <Tabs.Tab value="drift">Drift{off ? ` (${off})` : ""}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="services" pt="md">
          <Card flush>
            <Loaded query={state}>{(s) => <Services state={s} deploy={runs ? plan : undefined} />}</Loaded>
          </Card>
          {stack.data && <Links stack={stack.data} />}
        </Tabs.Panel>
        <Tabs.Panel value="logs" pt="md">
          <Logs name={name} services={state.data?.services ?? []} />
        </Tabs.Panel>
        <Tabs.Panel value="deployments" pt="md">
          <Card flush>
            <Loaded query={updates}>
              {(us) => (
                <Table
                  label="Deployments"
                  rows={us}
                  id={(u) => u.id}
                  open={(u) => void go({ to: "/activity/$id", params: { id: u.id } })}
                  columns={[
                    { title: "Run", show: (u) => <Link to="/activity/$id" params={{ id: u.id }} className="mainlink">{u.execution.type}</Link> },
                    { title: "State", show: (u) => <UpdateChip state={u.state} />, width: "130px" },
                    { title: "What", show: (u) => <span className="dim">{u.error?.message ?? u.summary}</span> },
                    { title: "Commit", show: (u) => (u.commit ? <code>{u.commit.slice(0, 8)}</code> : ""), width: "100px", minor: true },
                    { title: "By", show: (u) => `${u.operator}${u.trigger ? ` (${u.trigger})` : ""}`, width: "140px", minor: true },
                    { title: "Took", show: (u) => <span className="num">{isSet(u.ended_at) ? lasted(u.started_at, u.ended_at) : ""}</span>, width: "80px", minor: true },
                    { title: "When", show: (u) => <Ago at={u.created_at} />, width: "110px" },
                  ]}
                  empty={<Empty icon="activity" title="It was never deployed">Plan a deploy to see what it would do.</Empty>}
                />
              )}
            </Loaded>
          </Card>
        </Tabs.Panel>
        <Tabs.Panel value="config" pt="md">
          <Loaded query={stack}>{(s) => <Config stack={s} edit={writes} />}</Loaded>
        </Tabs.Panel>
        <Tabs.Panel value="env" pt="md">
          <Env name={name} stack={stack.data} />
        </Tabs.Panel>
        <Tabs.Panel value="drift" pt="md">
          <DriftView stack={name} drift={mine} deploy={runs ? plan : undefined} />
        </Tabs.Panel>
      </Tabs>
      <Confirm opened={Boolean(asking)} close={() => setAsking(undefined)} title={`${asking?.word} ${name}`} action={asking?.word ?? ""} calm run={() => operate(asking?.type ?? "")}>
        <ul className="plan" aria-label="Plan">
          {(state.data?.services ?? []).map((s) => (
            <li key={s.id}>
              <StackChip state={{ status: s.status }} />
              <strong>{s.service}</strong>
              <span className="dim">{s.text}</span>
            </li>
          ))}
        </ul>
        <p className="dim">{asking?.does}</p>
        <Cli>{`rinca stack ${asking?.word.toLowerCase() ?? ""} ${arg(name)}`}</Cli>
      </Confirm>
      <Confirm
        opened={destroy}
        close={() => setDestroy(false)}
        title={`Remove the containers of ${name}`}
        name={name}
        action="Remove"
        run={() => operate("DestroyStack")}
      >
        <p>
          <Cli>{`rinca stack destroy ${arg(name)}`}</Cli>
        </p>
        Its containers and networks go. Volumes, files and this stack's configuration stay: a deploy brings it back.
      </Confirm>
      <Confirm
        opened={forget}
        close={() => setForget(false)}
        title={`Forget ${name}`}
        name={name}
        action="Forget"
        run={async () => {
          await call("DELETE /v1/stacks/{stack}", { path: { stack: name } });
          void go({ to: "/stacks" });
        }}
      >
        Its configuration and its own variables go. Containers that run, and the history, stay.
      </Confirm>
    </Page>
  );
}

function Services({ state, deploy }: { state: StackState; deploy?: () => void }) {
  if (state.status === "unknown" && state.error) {
    return <Empty icon="unknown" title="Nobody knows how it is">{state.error}</Empty>;
  }
  return (
    <Table<ServiceState>
      label="Services"
      rows={state.services ?? []}
      id={(s) => s.id}
      columns={[
        { title: "Service", sort: (s) => s.service, show: (s) => <span className="mainlink">{s.service}</span> },
        { title: "State", show: (s) => <StackChip state={{ status: s.status }} />, width: "130px" },
        { title: "Engine says", show: (s) => <span className="dim">{s.text}{s.exit_code ? ` · exit ${s.exit_code}` : ""}</span> },
        { title: "Image", show: (s) => <code>{s.image}</code>, minor: true },
        { title: "Container", show: (s) => <span className="dim">{s.container}</span>, minor: true },
        { title: "Ports", show: (s) => (s.ports ?? []).join(", "), minor: true },
      ]}
      empty={<Empty icon="stacks" title="There are no containers" action={deploy && <Button onClick={deploy}>Plan a deploy</Button>}>It was not deployed yet, or its containers were removed.</Empty>}
    />
  );
}

function Links({ stack }: { stack: Stack }) {
  if (!stack.links?.length && !stack.description) return null;
  return (
    <div className="pad row">
      <span className="dim">{stack.description}</span>
      {(stack.links ?? []).filter((l) => /^https?:/.test(l)).map((l) => (
        <a key={l} href={l} target="_blank" rel="noreferrer noopener">
          {l.replace(/^https?:\/\//, "")} <Icon name="external" size={12} />
        </a>
      ))}
    </div>
  );
}

/** Logs follows what the containers print; a connection that ends is taken up where it ended. */
function Logs({ name, services }: { name: string; services: ServiceState[] }) {
  const all = [...new Set(services.map((s) => s.service))];
  const [chosen, setChosen] = useParam("service");
  const [since, setSince] = useParam("since");
  const [tail, setTail] = useParam("tail", "500");
  const [live, setLive] = useState(true);
  const [problem, setProblem] = useState("");
  const lines = useMemo(() => {
    void name;
    return new Lines(200_000);
  }, [name]);
  const key = all.join(",");
  const nosuch = Boolean(chosen) && all.length > 0 && !all.includes(chosen);
  useEffect(() => {
    lines.clear();
    setProblem("");
    if ((!key && !chosen) || nosuch) return;
    let source: EventSource | null = null;
    let timer: number | undefined;
    const seen = new Resume();
    let ended = false;
    const open = () => {
      const from = seen.since();
      seen.reopen();
      source = new EventSource(address("GET /v1/stacks/{stack}/logs", { path: { stack: name }, query: { service: chosen || undefined, tail: from ? 0 : tail, since: from || since || undefined, follow: live } }));
      source.onmessage = (e: MessageEvent<string>) => {
        const l = JSON.parse(e.data) as Line;
        if (seen.isNew(l)) lines.add([{ ...l, seq: 0 }]);
      };
      source.addEventListener("end", () => {
        ended = !live;
        source?.close();
        if (live) timer = window.setTimeout(open, 1500);
      });
      source.addEventListener("error", (e) => {
        if (e instanceof MessageEvent) {
          setProblem((JSON.parse(e.data as string) as { error?: { message: string } }).error?.message ?? "");
          return;
        }
        // The browser would begin at the beginning again: it is taken up after the last line.
        source?.close();
        if (!ended) timer = window.setTimeout(open, 1500);
      });
      source.onopen = () => setProblem("");
    };
    open();
    return () => {
      window.clearTimeout(timer);
      source?.close();
    };
  }, [name, chosen, since, tail, live, key, lines, nosuch]);
  if (nosuch) return <Card><Empty icon="activity" title={`There is no service ${chosen}`} action={<Button variant="default" onClick={() => setChosen("")}>Show every service</Button>}>It has no containers now.</Empty></Card>;
  if (!all.length) return <Card><Empty icon="activity" title="There are no containers, and so no logs">Logs are those of the containers that exist.</Empty></Card>;
  return (
    <Card flush>
      {problem && <div className="pad warn-t">{problem}</div>}
      <LogView
        lines={lines}
        name={name}
        label={`Logs of ${name}`}
        height="calc(100vh - 330px)"
        tools={
          <>
            <Select size="xs" aria-label="Service" w={150} data={[{ value: "", label: "Every service" }, ...all.map((s) => ({ value: s, label: s }))]} value={chosen} onChange={(v) => setChosen(v ?? "")} />
            <Select size="xs" aria-label="Since" w={130} data={[{ value: "", label: "Any time" }, { value: "10m", label: "10 minutes" }, { value: "1h", label: "1 hour" }, { value: "24h", label: "1 day" }]} value={since} onChange={(v) => setSince(v ?? "")} />
            <Select size="xs" aria-label="Lines of each container" w={120} data={[{ value: "100", label: "100 lines" }, { value: "500", label: "500 lines" }, { value: "5000", label: "5,000 lines" }, { value: "0", label: "All lines" }]} value={tail} onChange={(v) => setTail(v ?? "500")} />
            <Checkbox size="xs" label="Live" checked={live} onChange={(e) => setLive(e.currentTarget.checked)} />
          </>
        }
      />
    </Card>
  );
}

function Config({ stack, edit }: { stack: Stack; edit: boolean }) {
  const [editing, setEditing] = useState(false);
  const s = stack.source;
  const webhooks = useGet("GET /v1/webhooks", {}, { retry: false });
  const hook = webhooks.data?.find((w) => w.target?.type === "Stack" && w.target.id === stack.name);
  const urls = Object.entries(hook?.urls ?? {});
  if (editing) {
    return (
      <Suspense fallback={null}>
        <Card title="Change the configuration">
          <StackForm stack={stack} close={() => setEditing(false)} />
        </Card>
      </Suspense>
    );
  }
  return (
    <div className="grid">
      <Card title="Source" actions={edit && <Button variant="default" leftSection={<Icon name="edit" size={14} />} onClick={() => setEditing(true)}>Change</Button>}>
        <Facts items={[["Kind", { git: "Git repository", host: "Folder on the host", inline: "Files kept here" }[s.kind]], ["Repository", s.repo && <code>{s.repo}</code>], ["Taken from the repo", s.linked], ["Branch", s.branch], ["Tag", s.tag], ["Commit", s.commit], ["Path", s.path && <code>{s.path}</code>], ["Folder", s.dir && <code>{s.dir}</code>], ["Compose files", s.compose_files?.join(", ")], ["Git account", s.account]]} />
      </Card>
      <Card title="Deploy">
        <Facts items={[["Server", stack.server || "local"], ["Compose project", stack.project || stack.name], ["After", stack.after?.join(", ")], ["Profiles", stack.profiles?.join(", ")], ["Host paths", stack.host_paths?.map((p) => <div key={p}><code>{p}</code></div>)], ["Newer images", stack.pull ? "looked for at every deploy" : "only missing ones are fetched"], ["Updates of images", stack.auto_update ? "deployed when they are found" : "by hand"], ["Before a deploy", stack.pre_deploy?.command && <code>{stack.pre_deploy.command}</code>], ["After a deploy", stack.post_deploy?.command && <code>{stack.post_deploy.command}</code>], ["Changed", <span key="c"><Ago at={stack.updated_at} /> {stack.updated_by && `by ${stack.updated_by}`}</span>]]} />
      </Card>
      {urls.length > 0 && (
        <Card title="Webhook">
          <div className="dim small">A push to the branch of its source deploys the stack. Put one of these into the repository's settings:</div>
          {urls.map(([from, u]) => (
            <div key={from} className="hookurl">
              <span className="tag">{from}</span>
              <code>{absolute(u)}</code>
              <CopyButton value={absolute(u)} label={`Copy the address for ${from}`} />
            </div>
          ))}
          {!hook?.has_secret && <div className="warn-t small">No secret is set, so deliveries are refused. Set one under Procedures, Webhooks.</div>}
        </Card>
      )}
      {s.kind === "inline" && (s.files ?? []).map((f) => (
        <Card key={f.path} title={f.path} flush>
          <pre className="code">{f.content}</pre>
        </Card>
      ))}
      {stack.environment && (
        <Card title="Environment of the compose files" flush>
          <pre className="code">{stack.environment}</pre>
        </Card>
      )}
    </div>
  );
}

function Env({ name, stack }: { name: string; stack?: Stack }) {
  const drift = useGet("GET /v1/drift");
  const variables = useGet("GET /v1/variables", { query: { stack: name } });
  const keys = drift.data?.stacks.find((d) => d.stack === name)?.keys ?? [];
  return (
    <>
      <Card title="What its containers read" flush>
        <Table
          label="Values of the stack"
          rows={keys}
          id={(k) => `${k.via} ${k.key} ${k.service ?? ""} ${k.file ?? ""}`}
          columns={[
            { title: "Key", sort: (k) => k.key, show: (k) => <code>{k.key}</code> },
            { title: "Through", sort: (k) => k.via, show: (k) => k.via.replace("_", " "), width: "120px" },
            { title: "Service", sort: (k) => k.service ?? "", show: (k) => k.service || <span className="dim">every one</span>, width: "130px" },
            { title: "File", show: (k) => <span className="dim">{k.file}</span>, minor: true },
            { title: "In step with the vault", show: (k) => <DriftChip state={k.state} />, width: "180px" },
            { title: "", show: (k) => <Link to="/secrets" search={{ ref: k.via === "variable" ? k.key : (k.file?.split("/").pop() ?? k.key) } as never}>Used by</Link>, width: "90px", end: true },
          ]}
          empty={<Empty icon="secrets" title="Not looked at yet">The tab Drift compares vault, files and containers, and lists every value by name.</Empty>}
        />
      </Card>
      {(variables.data?.length ?? 0) > 0 && (
        <Card title="Variables of this stack" flush>
          <ul className="attention">
            {variables.data?.map((v) => (
              <li key={v.name}>
                <code className="what">{v.name}</code>
                <Chip tone="mute" icon={v.secret ? "lock" : "key"} text={v.secret ? "secret" : "variable"} />
                <span className="dim small">version {v.version}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {stack?.environment && (
        <Card title="KEY = VALUE of the compose files" flush>
          <pre className="code">{stack.environment}</pre>
        </Card>
      )}
    </>
  );
}

