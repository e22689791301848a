import { Button, Select, TextInput } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useMemo } from "react";
import { type StackSummary, useGet } from "../api/client";
import { useParam, useTyped } from "../app/search";
import { useSession } from "../app/session";
import { Card, Cli, Empty, Loaded, many, Page } from "../components/bits";
import { Icon } from "../components/icon";
import { DriftChip, StackChip } from "../components/state";
import { type Column, Table } from "../components/table";
import { Ago } from "../components/time";

const groups: Record<string, string[]> = { well: ["healthy", "running", "done"], bad: ["unhealthy"], starting: ["starting"], off: ["stopped", "down"], unknown: ["unknown"] };

export default function Stacks() {
  const [text, setText] = useTyped("q");
  const [status, setStatus] = useParam("status");
  const [tag, setTag] = useParam("tag");
  const go = useNavigate();
  const { may } = useSession();
  const stacks = useGet("GET /v1/stacks");
  const states = useGet("GET /v1/states");
  const drift = useGet("GET /v1/drift");
  const drifts = useMemo(() => new Map((drift.data?.stacks ?? []).map((d) => [d.stack, d])), [drift.data]);
  const filter = useDeferredValue(text);
  const rows = useMemo(() => {
    const low = filter.toLowerCase();
    return (stacks.data ?? []).filter((s) => {
      const is = states.data?.[s.name]?.status ?? "unknown";
      return (!low || `${s.name} ${s.description ?? ""} ${s.server ?? "local"} ${(s.tags ?? []).join(" ")} ${s.source.repo ?? ""}`.toLowerCase().includes(low)) && (!status || groups[status]?.includes(is)) && (!tag || s.tags?.includes(tag));
    });
  }, [stacks.data, states.data, filter, status, tag]);
  const columns: Column<StackSummary>[] = [
    { title: "Stack", sort: (s) => s.name, show: (s) => <Link to="/stacks/$stack" params={{ stack: s.name }} className="mainlink">{s.name}</Link>, width: "160px" },
    { title: "State", sort: (s) => states.data?.[s.name]?.status ?? "", show: (s) => <StackChip state={states.data?.[s.name]} />, width: "120px" },
    { title: "Services", show: (s) => <Services n={states.data?.[s.name]?.services} />, width: "80px", minor: true },
    { title: "Values", show: (s) => (drifts.has(s.name) ? <DriftChip state={drifts.get(s.name)?.state as "proven"} outdated={drifts.get(s.name)?.outdated} /> : <span className="dim">–</span>), width: "145px", minor: true },
    { title: "Server", sort: (s) => s.server || "local", show: (s) => s.server || "local", width: "85px" },
    { title: "Source", show: (s) => <SourceWords stack={s} />, minor: true },
    { title: "After", show: (s) => (s.after?.length ? s.after.join(", ") : <span className="dim">–</span>), minor: true, width: "105px" },
    { title: "Changed", sort: (s) => s.updated_at ?? "", show: (s) => <Ago at={s.updated_at} />, width: "115px", minor: true },
  ];
  const tags = [...new Set((stacks.data ?? []).flatMap((s) => s.tags ?? []))].sort();
  return (
    <Page
      title="Stacks"
      sub={stacks.data ? (rows.length === stacks.data.length ? "" : `${rows.length} of `) + many(stacks.data.length, "stack") : " "}
      actions={
        <>
          <Cli>rinca stack list</Cli>
          {may("Write", "Stack") && (
            <Button leftSection={<Icon name="plus" size={15} />} onClick={() => void go({ to: "/stacks/new" })}>
              Add a stack
            </Button>
          )}
        </>
      }
      wide
    >
      <div className="filters">
        <TextInput data-filter aria-label="Filter stacks" placeholder="Filter  /" value={text} onChange={(e) => setText(e.currentTarget.value)} leftSection={<Icon name="search" size={15} />} />
        <Select aria-label="State" data={[{ value: "", label: "Every state" }, { value: "well", label: "Well" }, { value: "bad", label: "Unhealthy" }, { value: "starting", label: "Starting" }, { value: "off", label: "Not running" }, { value: "unknown", label: "Unknown" }]} value={status} onChange={(v) => setStatus(v ?? "")} w={150} />
        {tags.length > 0 && <Select aria-label="Tag" data={[{ value: "", label: "Every tag" }, ...tags.map((t) => ({ value: t, label: t }))]} value={tag} onChange={(v) => setTag(v ?? "")} w={150} />}
      </div>
      <Card flush>
        <Loaded query={stacks} lines={8}>
          {(all) => (
            <Table
              label="Stacks"
              rows={rows}
              columns={columns}
              id={(s) => s.name}
              open={(s) => void go({ to: "/stacks/$stack", params: { stack: s.name } })}
              empty={all.length ? <Empty icon="search" title="No stack matches" action={<Button variant="default" onClick={() => void go({ to: "/stacks", search: {} as never })}>Show all</Button>} /> : <Empty icon="stacks" title="There are no stacks yet">{may("Write", "Stack") ? "A stack is a folder with a compose file, in a Git repository or on the host." : "You see those that you may read."}</Empty>}
            />
          )}
        </Loaded>
      </Card>
    </Page>
  );
}

function Services({ n }: { n?: { status: string }[] }) {
  if (!n?.length) return <span className="dim">–</span>;
  const ok = n.filter((s) => groups.well?.includes(s.status)).length;
  return <span className={ok === n.length ? "num" : "num warn-t"}>{ok} of {n.length}</span>;
}

export function SourceWords({ stack }: { stack: Pick<StackSummary, "source"> }) {
  const s = stack.source;
  if (s.kind === "git") {
    const repo = (s.repo ?? "").replace(/^.*[/:]([^/]+\/[^/]+?)(\.git)?$/, "$1");
    return <span className="dim">{repo}{s.path ? ` · ${s.path}` : ""}{s.branch ? ` @ ${s.branch}` : ""}</span>;
  }
  return <span className="dim">{s.kind === "host" ? s.dir : `${many((s.files ?? []).length, "file")} kept here`}</span>;
}
