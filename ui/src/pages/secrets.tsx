import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useState } from "react";
import { call, type DriftKey, type UsedBy, useGet } from "../api/client";
import { useChoice, useParam, useTyped } from "../app/search";
import { useSession } from "../app/session";
import { arg, Card, Cli, Empty, Facts, Loaded, many, Page, useRun } from "../components/bits";
import type { GraphNode } from "../components/graph";
import { Icon } from "../components/icon";
import { Problem } from "../components/problem";
import { Chip, DriftChip } from "../components/state";
import { Table } from "../components/table";
import { Ago, ago, isSet } from "../components/time";

const VaultItems = lazy(() => import("./vault_items"));
const ItemDialog = lazy(() => import("./vault_items").then((m) => ({ default: m.ItemDialog })));
const Graph = lazy(() => import("../components/graph").then((m) => ({ default: m.LineageGraph })));

type State = DriftKey["state"];
const rank: State[] = ["proven", "held", "unknown", "stale", "edited"];
const worse = (a: State, b: State) => (rank.indexOf(a) > rank.indexOf(b) ? a : b);

interface Row {
  key: string;
  file: string;
  via: string;
  stacks: Map<string, State>;
  state: State;
}

/** Secrets: where every value comes from, and where it is used. Names only. */
export default function Secrets() {
  const [ref, setRef] = useParam("ref");
  const [text, setText] = useTyped("q");
  const { admin } = useSession();
  const [view, setView] = useChoice("view", ["items", ...(admin ? ["vault"] : []), "list", "matrix"]);
  const drift = useGet("GET /v1/drift");
  const client = useQueryClient();
  const [busy, run, error] = useRun();
  const [item, setItem] = useState<string>();
  const rows = useMemo(() => {
    const out = new Map<string, Row>();
    for (const s of drift.data?.stacks ?? []) {
      for (const k of s.keys ?? []) {
        if (k.via === "environment" || k.via === "mount" || k.via === "config") continue;
        const file = k.file?.split("/").slice(-2).join("/") ?? "";
        const id = `${k.via} ${k.file ?? ""} ${k.key}`;
        const row = out.get(id) ?? { key: k.key, file, via: k.via, stacks: new Map<string, State>(), state: "proven" as State };
        row.stacks.set(s.stack, worse(row.stacks.get(s.stack) ?? "proven", k.state));
        row.state = worse(row.state, k.state);
        out.set(id, row);
      }
    }
    return [...out.values()].sort((a, b) => a.file.localeCompare(b.file) || a.key.localeCompare(b.key));
  }, [drift.data]);
  const low = text.toLowerCase();
  const shown = rows.filter((r) => !low || `${r.key} ${r.file} ${[...r.stacks.keys()].join(" ")}`.toLowerCase().includes(low));
  const check = () =>
    run(async () => {
      await call("POST /v1/drift", { body: {} });
      await client.invalidateQueries({ queryKey: ["GET /v1/drift"] });
    });
  return (
    <Page
      wide
      title="Secrets"
      sub="From the vault, through files, to the containers that read them. No value is shown here."
      actions={
        <>
          <Cli>{ref ? `rinca secret used-by ${arg(ref)}` : "rinca secret list"}</Cli>
          <Button variant="default" loading={busy} onClick={() => void check()}>
            Check all now
          </Button>
          {admin && (
            <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setItem("")}>
              Add an item
            </Button>
          )}
        </>
      }
    >
      {error ? <Problem error={error} /> : null}
      {admin && <Vault />}
      <Finder key={ref} value={ref} find={setRef} />
      {ref && <Used what={ref} close={() => setRef("")} />}
      <Card
        flush
        title={view === "vault" ? "Everything in the vault" : view === "items" ? "What stacks use: items of the vault, and secret variables" : isSet(drift.data?.at) ? `Values, as they were ${ago(drift.data?.at)}` : "Values"}
        actions={
          <>
            <TextInput size="xs" data-filter aria-label="Filter values" placeholder="Filter  /" value={text} onChange={(e) => setText(e.currentTarget.value)} leftSection={<Icon name="search" size={13} />} />
            <SegmentedControl size="xs" aria-label="View" value={view} onChange={setView} data={[{ value: "items", label: "Used" }, ...(admin ? [{ value: "vault", label: "Vault" }] : []), { value: "list", label: "Values" }, { value: "matrix", label: "Matrix" }]} />
          </>
        }
      >
        {view === "items" && <Items filter={low} open={setRef} edit={admin ? setItem : undefined} />}
        {view === "vault" && (
          <Suspense fallback={null}>
            <VaultItems filter={low} edit={setItem} />
          </Suspense>
        )}
        {(view === "list" || view === "matrix") && <Loaded query={drift} lines={6}>
          {() =>
            view === "matrix" ? (
              <Matrix rows={shown} />
            ) : (
              <Table
                label="Values"
                rows={shown}
                id={(r) => `${r.via} ${r.file} ${r.key}`}
                open={(r) => setRef(r.via === "variable" ? r.key : (r.file.split("/").pop() ?? r.key))}
                columns={[
                  { title: "Key", sort: (r) => r.key, show: (r) => <code className="mainlink">{r.key}</code> },
                  { title: "From", sort: (r) => r.file, show: (r) => (r.via === "variable" ? <span className="dim">variable</span> : <code>{r.file}</code>) },
                  { title: "Used by", sort: (r) => r.stacks.size, show: (r) => <span className="row">{[...r.stacks.keys()].slice(0, 4).map((s) => <Link key={s} to="/stacks/$stack" params={{ stack: s }} className="tag">{s}</Link>)}{r.stacks.size > 4 && <span className="dim">and {r.stacks.size - 4} more</span>}</span> },
                  { title: "In step", sort: (r) => rank.indexOf(r.state), show: (r) => <DriftChip state={r.state} />, width: "170px" },
                ]}
                empty={<Empty icon="secrets" title={rows.length ? "No value matches" : "Nothing is known yet"} action={rows.length ? undefined : <Button loading={busy} onClick={() => void check()}>Check now</Button>}>Deploy a stack, or check: then every value that it reads is listed here by name, with where it comes from.</Empty>}
              />
            )
          }
        </Loaded>}
      </Card>
      {item !== undefined && (
        <Suspense fallback={null}>
          <ItemDialog item={item} close={() => setItem(undefined)} kept={(i) => item && i.stacks?.length && setRef(i.title)} />
        </Suspense>
      )}
    </Page>
  );
}

/** Items lists what is in the vault and used by stacks, with its age. */
function Items({ filter, open, edit }: { filter: string; open: (ref: string) => void; edit?: (item: string) => void }) {
  const q = useGet("GET /v1/secrets", {}, { retry: false, staleTime: 60_000 });
  const go = useNavigate();
  const { may } = useSession();
  return (
    <Loaded query={q} lines={6}>
      {(report) => (
        <>
          <Table
            label="Items"
            rows={report.secrets.filter((s) => !filter || `${s.title} ${s.vault_name ?? ""} ${(s.stacks ?? []).join(" ")} ${(s.tags ?? []).join(" ")}`.toLowerCase().includes(filter))}
            id={(s) => `${s.kind} ${s.vault ?? ""} ${s.item ?? ""} ${s.stack ?? ""} ${s.title}`}
            open={(s) => open(s.title)}
            columns={[
              { title: "Item", sort: (s) => s.title, show: (s) => <span className="row"><Icon name={s.kind === "variable" ? "key" : "secrets"} size={15} /><span className="mainlink">{s.title}</span>{s.vault_name && <span className="dim small">{s.vault_name}</span>}</span> },
              { title: "Version", show: (s) => s.version || "", width: "90px", minor: true },
              { title: "Unchanged since", sort: (s) => s.changed_at ?? "", show: (s) => <Ago at={s.changed_at} />, width: "150px" },
              { title: "Goes to", sort: (s) => s.stacks?.length ?? 0, show: (s) => <span className="row">{(s.stacks ?? []).map((n) => <Link key={n} className="tag" to="/stacks/$stack" params={{ stack: n }}>{n}</Link>)}{(s.files ?? []).length > 0 && <span className="dim small">{s.files?.length === 1 ? "1 file" : `${s.files?.length} files`}</span>}</span> },
              { title: "State", show: (s) => <span className="row">{s.overdue && <Chip tone="warn" icon="wait" text={`older than ${s.max_age}`} />}{s.gone && <Chip tone="bad" icon="bad" text="gone from the vault" />}{s.unused && <Chip tone="mute" icon="unknown" text="nothing is known to read it" />}{s.shared_by_many && <Chip tone="warn" icon="warn" text="shared by many" />}{!s.overdue && !s.gone && !s.unused && !s.shared_by_many && <Chip tone="good" icon="ok" text="well" />}</span>, width: "210px" },
              {
                title: "", end: true, width: "150px",
                show: (s) =>
                  s.kind === "item" && (
                    <span className="row" style={{ justifyContent: "flex-end", flexWrap: "nowrap" }}>
                      {edit && !s.gone && (
                        <Button size="compact-xs" variant="default" onClick={() => edit(s.item ?? s.title)} aria-label={`Edit ${s.title}`}>
                          Edit
                        </Button>
                      )}
                      {may("Execute", "Stack") && (
                        <Button size="compact-xs" variant="default" onClick={() => void go({ to: "/rotation", search: { ref: s.title } as never })} aria-label={`Rotate ${s.title}`}>
                          Rotate
                        </Button>
                      )}
                    </span>
                  ),
              },
            ]}
            empty={<Empty icon="secrets" title={report.secrets.length ? "No item matches" : "No stack uses an item yet"}>{edit ? "Add an item that goes to a stack, and deploy that stack." : "Give an item of the vault the tag stack:NAME, and deploy that stack."}</Empty>}
          />
          {(report.notes ?? []).map((n) => (
            <div key={n} className="pad dim small">
              {n}
            </div>
          ))}
        </>
      )}
    </Loaded>
  );
}

function Vault() {
  const v = useGet("GET /v1/vault", {}, { retry: false });
  if (!v.data) return null;
  return (
    <div className="row">
      {v.data.error ? <Chip state="unreachable" text="vault out of reach" /> : <Chip state="reachable" text="vault answers" />}
      <span className="dim small">
        {v.data.provider}
        {v.data.vaults?.length ? `: ${v.data.vaults.join(", ")}` : ""} · {many(v.data.requests, "request")} since the start{v.data.budget ? ` of ${v.data.budget}` : ""}
        {isSet(v.data.exported_at) && <> · exported <Ago at={v.data.exported_at} /></>}
      </span>
      <Link to="/settings" search={{ tab: "vault" } as never} className="small">
        Vault settings
      </Link>
    </div>
  );
}

function Finder({ value, find }: { value: string; find: (v: string) => void }) {
  const [text, setText] = useState(value);
  return (
    <form
      className="filters"
      onSubmit={(e) => {
        e.preventDefault();
        find(text.trim());
      }}
    >
      <TextInput aria-label="Where is it used?" placeholder="op://vault/item, an item's title, or a variable" value={text} onChange={(e) => setText(e.currentTarget.value)} leftSection={<Icon name="secrets" size={15} />} style={{ width: 380 }} />
      <Button type="submit" variant="default" size="sm">
        Where is it used?
      </Button>
    </form>
  );
}

/** lineage makes nodes and edges of the ways that a secret goes. */
export function lineage(used: UsedBy): { nodes: GraphNode[]; edges: [string, string][] } {
  const nodes = new Map<string, GraphNode>();
  const edges = new Set<string>();
  const node = (n: GraphNode) => {
    if (!nodes.has(n.id)) nodes.set(n.id, n);
    return n.id;
  };
  const edge = (a: string, b: string) => edges.add(`${a}\n${b}`);
  for (const u of used.uses) {
    const steps: string[] = [];
    if (u.item) steps.push(node({ id: `item ${u.item}`, text: u.item, icon: "secrets", start: true }));
    if (u.variable) steps.push(node({ id: `variable ${u.variable}`, text: u.variable, icon: "key", start: !u.item }));
    if (u.file) steps.push(node({ id: `file ${u.file}`, text: u.file.split("/").slice(-2).join("/"), icon: "copy" }));
    steps.push(node({ id: `stack ${u.stack}`, text: u.stack, icon: "stacks", to: `/stacks/${encodeURIComponent(u.stack)}` }));
    if (u.service) steps.push(node({ id: `service ${u.stack}/${u.service}`, text: u.service, icon: "servers" }));
    for (let i = 1; i < steps.length; i++) edge(steps[i - 1] as string, steps[i] as string);
  }
  return { nodes: [...nodes.values()], edges: [...edges].map((e) => e.split("\n") as [string, string]) };
}

function Used({ what, close }: { what: string; close: () => void }) {
  const q = useGet("GET /v1/secrets/used-by", { query: { ref: what } }, { retry: false });
  const go = useNavigate();
  const { may } = useSession();
  const graph = useMemo(() => (q.data ? lineage(q.data) : null), [q.data]);
  return (
    <Card
      flush
      title={`Where ${what} is used`}
      actions={
        <>
          {may("Execute", "Stack") && <Button onClick={() => void go({ to: "/rotation", search: { ref: what } as never })}>Rotate</Button>}
          <Button variant="default" onClick={close}>
            Close
          </Button>
        </>
      }
    >
      <Loaded query={q}>
        {(u) => (
          <>
            {(u.items ?? []).map((i) => (
              <div className="pad" key={`${i.vault} ${i.item} ${i.title}`}>
                <Facts items={[["Item", i.title], ["Vault", i.vault_name ?? i.vault], ["Version", i.version], ["Changed", isSet(i.changed_at) && <Ago key="c" at={i.changed_at} />], ["Reaches", `${many(new Set(u.uses.map((x) => x.stack)).size, "stack")}, ${many(u.uses.filter((x) => x.service).length, "service")}`]]} />
              </div>
            ))}
            {graph && graph.nodes.length > 0 && (
              <Suspense fallback={null}>
                <Graph {...graph} />
              </Suspense>
            )}
            <Table
              label="Uses"
              rows={u.uses}
              id={(x) => `${x.stack} ${x.service ?? ""} ${x.file ?? ""} ${x.variable ?? ""} ${x.field ?? ""}`}
              columns={[
                { title: "Stack", show: (x) => <Link className="mainlink" to="/stacks/$stack" params={{ stack: x.stack }}>{x.stack}</Link> },
                { title: "Service", show: (x) => x.service ?? "" },
                { title: "Through", show: (x) => <code>{x.variable ?? x.file}</code> },
                { title: "Field", show: (x) => x.field ?? "", minor: true },
                { title: "Then also", show: (x) => (x as { dependents?: string[] }).dependents?.join(", ") ?? "", minor: true },
              ]}
              empty={<Empty icon="ok" title="Nothing uses it">No stack that you may read reads this.</Empty>}
            />
            {(u.notes ?? []).map((n) => (
              <div key={n} className="pad dim small">
                {n}
              </div>
            ))}
          </>
        )}
      </Loaded>
    </Card>
  );
}

/** Matrix has a row for each key and a column for each stack. */
function Matrix({ rows }: { rows: Row[] }) {
  const stacks = [...new Set(rows.flatMap((r) => [...r.stacks.keys()]))].sort();
  if (!rows.length) return <Empty icon="secrets" title="No value is known, or none matches">Deploy a stack, or check: then every key stands here beside the stacks that have it.</Empty>;
  return (
    <div style={{ overflowX: "auto" }} tabIndex={0} role="group" aria-label="Keys and stacks">
      <table className="table" aria-label="Keys and stacks">
        <thead>
          <tr>
            <th>Key</th>
            {stacks.map((s) => (
              <th key={s}>{s}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={`${r.via} ${r.file} ${r.key}`}>
              <td>
                <code>{r.key}</code>
              </td>
              {stacks.map((s) => {
                const state = r.stacks.get(s);
                return (
                  <td key={s} data-title={s}>
                    {state ? <DriftChip state={state} /> : <span className="dim">–</span>}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
