import { Button } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { type Alert, type StackState, type Update, useGet } from "../api/client";
import { useSession } from "../app/session";
import { Card, Empty, Loaded, Page } from "../components/bits";
import { Icon, type IconName } from "../components/icon";
import { Chip, UpdateChip } from "../components/state";
import { Ago, ago, isSet, Lasting } from "../components/time";

export default function Overview() {
  const stacks = useGet("GET /v1/stacks");
  const states = useGet("GET /v1/states");
  const updates = useGet("GET /v1/updates", { query: { limit: 500 } });
  const { me, may } = useSession();
  if (stacks.data?.length === 0) return <First />;
  return (
    <Page title={`Hello, ${me.user.name}`} sub="What needs you, what runs, and what comes next">
      <Attention />
      <Tiles states={states.data} updates={updates.data} />
      <div className="grid">
        <Card title="Running now" flush actions={<Link to="/activity">All activity</Link>}>
          <Loaded query={updates}>{(u) => <RunningNow updates={u} />}</Loaded>
        </Card>
        <NextUp />
      </div>
      <Card title="Last 14 days">
        <Loaded query={updates} lines={2}>
          {(u) => <Strip updates={u} />}
        </Loaded>
      </Card>
      <Card title="Done last" flush>
        <Loaded query={updates}>
          {(u) => (
            <ul className="attention">
              {u
                .filter((x) => !x.parent && isSet(x.ended_at))
                .slice(0, 6)
                .map((x) => (
                  <UpdateRow key={x.id} update={x} />
                ))}
            </ul>
          )}
        </Loaded>
        {may("Execute", "Stack") ? null : <div className="pad dim small">You may look; to deploy you need the level Execute on a stack.</div>}
      </Card>
    </Page>
  );
}

export function UpdateRow({ update }: { update: Update }) {
  return (
    <li>
      <UpdateChip state={update.state} />
      <span className="what">
        <Link to="/activity/$id" params={{ id: update.id }}>
          {update.execution.type} {update.target.id}
        </Link>{" "}
        <span className="dim">{update.error?.message ?? update.summary}</span>
      </span>
      <span className="dim small">{update.operator}</span>
      <span className="dim small nowrap">
        <Ago at={update.ended_at || update.created_at} />
      </span>
    </li>
  );
}

function First() {
  const go = useNavigate();
  const { may } = useSession();
  return (
    <Page title="Welcome">
      <Card>
        <Empty icon="stacks" title="There are no stacks yet" action={may("Write", "Stack") ? <Button onClick={() => void go({ to: "/welcome" })}>Set up Rinca</Button> : undefined}>
          {may("Write", "Stack") ? "Connect a vault, say where your compose files are, and deploy the first stack. It takes a few minutes." : "You see here the stacks that you may read. Ask an administrator for the level Read on some."}
        </Empty>
      </Card>
    </Page>
  );
}

interface Item {
  key: string;
  state: string;
  what: ReactNode;
  action: ReactNode;
}

function Attention() {
  const alerts = useGet("GET /v1/alerts", { query: { open: true, limit: 100 } });
  const states = useGet("GET /v1/states");
  const servers = useGet("GET /v1/servers");
  const drift = useGet("GET /v1/drift");
  const items = useMemo(() => {
    const out: Item[] = [];
    const said = new Set<string>();
    for (const a of (alerts.data ?? []).filter((x) => !x.resolved && !x.once)) {
      said.add(`${a.target.type} ${a.target.id}`);
      out.push({ key: a.id, state: a.level, what: <AlertWords alert={a} />, action: a.update ? <Link to="/activity/$id" params={{ id: a.update }}>Open the run</Link> : <Link to="/activity" search={{ tab: "alerts" } as never}>Open</Link> });
    }
    for (const s of servers.data ?? []) {
      if (!s.state.reachable && isSet(s.state.checked_at) && !said.has(`Server ${s.name}`)) {
        out.push({ key: `server ${s.name}`, state: "unreachable", what: <><strong>{s.name}</strong> <span className="dim">does not answer{isSet(s.state.since) ? ` since ${ago(s.state.since)}` : ""}: its stacks are unknown</span></>, action: <Link to="/servers">Open the server</Link> });
      }
    }
    for (const [name, s] of Object.entries(states.data ?? {})) {
      if (s.status === "unhealthy" && !said.has(`Stack ${name}`)) {
        const bad = (s.services ?? []).filter((x) => x.status === "unhealthy").map((x) => x.service);
        out.push({ key: `stack ${name}`, state: "unhealthy", what: <><strong>{name}</strong> <span className="dim">{bad.length ? `${bad.join(", ")} ${bad.length === 1 ? "is" : "are"}` : "is"} unhealthy</span></>, action: <Link to="/stacks/$stack" params={{ stack: name }} search={{ tab: "logs" } as never}>Open the logs</Link> });
      }
    }
    for (const d of drift.data?.stacks ?? []) {
      if (["stale", "edited"].includes(d.state) && !said.has(`Stack ${d.stack}`)) {
        const n = (d.keys ?? []).filter((k) => ["stale", "edited"].includes(k.state)).length;
        out.push({ key: `drift ${d.stack}`, state: d.state, what: <><strong>{d.stack}</strong> <span className="dim">{n} {n === 1 ? "value differs" : "values differ"} from the vault</span></>, action: <Link to="/stacks/$stack" params={{ stack: d.stack }} search={{ tab: "drift" } as never}>Show</Link> });
      }
    }
    return out;
  }, [alerts.data, states.data, servers.data, drift.data]);
  if (!states.data) return null;
  return (
    <Card title={items.length ? `Needs attention (${items.length})` : "Needs attention"} flush>
      {items.length === 0 ? (
        <div className="pad row">
          <Chip state="healthy" text="All is well" />
          <span className="dim">No open alerts, no unhealthy stack, no drift that is known</span>
        </div>
      ) : (
        <ul className="attention">
          {items.slice(0, 12).map((i) => (
            <li key={i.key}>
              <Chip state={i.state} />
              <span className="what">{i.what}</span>
              {i.action}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

export function AlertWords({ alert }: { alert: Alert }) {
  return (
    <>
      <strong>{alert.target.id || alert.type}</strong> <span>{alert.message}</span> <span className="dim small"><Ago at={alert.last_at || alert.at} />{(alert.count ?? 1) > 1 ? `, ${alert.count} times` : ""}</span>
      {alert.hint && <div className="dim small">{alert.hint}</div>}
    </>
  );
}

const good = ["healthy", "running", "done"];

function Tiles({ states, updates }: { states?: Record<string, StackState>; updates?: Update[] }) {
  const drift = useGet("GET /v1/drift");
  const servers = useGet("GET /v1/servers");
  const all = Object.values(states ?? {});
  const count = (f: (s: StackState) => boolean) => all.filter(f).length;
  const ok = count((s) => good.includes(s.status));
  const bad = count((s) => s.status === "unhealthy");
  const busy = count((s) => s.status === "starting");
  const down = count((s) => ["down", "stopped"].includes(s.status));
  const unknown = count((s) => s.status === "unknown");
  const day = (updates ?? []).filter((u) => Date.now() - Date.parse(u.created_at) < 86_400_000 && !u.parent);
  const c = drift.data?.counts as Record<string, number> | undefined;
  const proven = c?.proven ?? 0;
  const off = (c?.stale ?? 0) + (c?.edited ?? 0);
  const up = (servers.data ?? []).filter((s) => s.state.reachable).length;
  return (
    <div className="tiles">
      <Tile to="/stacks" icon="stacks" name="Stacks" value={`${ok} of ${all.length}`} parts={[[ok, "well", "good"], [bad, "unhealthy", "bad"], [busy, "starting", ""], [down, "not running", ""], [unknown, "unknown", "warn"]]} />
      <Tile to="/secrets" icon="secrets" name="Values in step" value={drift.data && proven + off > 0 ? `${proven} of ${proven + off + (c?.unknown ?? 0)}` : "–"} parts={[[off, "differ", "bad"], [c?.unknown ?? 0, "unknown", "warn"], [c?.held ?? 0, "held back", ""]]} none={isSet(drift.data?.at) ? `checked ${ago(drift.data?.at)}` : "not checked yet"} />
      <Tile to="/activity" icon="activity" name="Runs in 24 hours" value={String(day.length)} parts={[[day.filter((u) => u.state === "succeeded").length, "succeeded", "good"], [day.filter((u) => u.state === "failed").length, "failed", "bad"]]} />
      <Tile to="/servers" icon="servers" name="Servers" value={`${up} of ${servers.data?.length ?? 0}`} parts={[[(servers.data?.length ?? 0) - up, "out of reach", "bad"]]} none="all answer" />
    </div>
  );
}

function Tile({ to, icon, name, value, parts, none }: { to: string; icon: IconName; name: string; value: string; parts: [number, string, string][]; none?: string }) {
  const shown = parts.filter(([n]) => n > 0);
  return (
    <Link to={to} className="tile">
      <span className="dim row">
        <Icon name={icon} size={16} />
        {name}
      </span>
      <span className="value">{value}</span>
      <span className="parts">
        {shown.map(([n, word, tone]) => (
          <span key={word} className={tone ? `${tone}-t` : "dim"}>
            {n} {word}
          </span>
        ))}
        {!shown.length && none && <span className="dim">{none}</span>}
      </span>
    </Link>
  );
}

function RunningNow({ updates }: { updates: Update[] }) {
  const now = updates.filter((u) => ["running", "queued"].includes(u.state) && !u.parent);
  if (!now.length) return <div className="pad dim">Nothing runs</div>;
  return (
    <ul className="attention">
      {now.slice(0, 8).map((u) => {
        const stage = (u.stages ?? []).at(-1);
        return (
          <li key={u.id}>
            <UpdateChip state={u.state} />
            <span className="what">
              <Link to="/activity/$id" params={{ id: u.id }}>
                {u.execution.type} {u.target.id}
              </Link>{" "}
              <span className="dim">{stage?.name}</span>
            </span>
            <span className="dim small">
              <Lasting from={u.started_at} to={u.ended_at} />
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function NextUp() {
  const q = useGet("GET /v1/schedules", {}, { retry: false });
  const next = (q.data ?? [])
    .flatMap((s) => (s.next ?? []).slice(0, 1).map((at) => ({ at, target: s.target, disabled: s.schedule.disabled })))
    .filter((s) => !s.disabled)
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .slice(0, 6);
  return (
    <Card title="Next up" flush actions={<Link to="/procedures" search={{ tab: "schedules" } as never}>Schedules</Link>}>
      {next.length === 0 ? (
        <div className="pad dim">Nothing is scheduled</div>
      ) : (
        <ul className="attention">
          {next.map((n) => (
            <li key={`${n.target.type} ${n.target.id} ${n.at}`}>
              <Icon name="wait" size={16} />
              <span className="what">{n.target.id || "Look for changed secrets"}</span>
              <span className="dim small">
                <Ago at={n.at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

/** days counts what succeeded and what failed on each of the last n days. */
export function days(updates: Pick<Update, "state" | "created_at" | "parent">[], n: number, now = new Date()): { day: Date; ok: number; failed: number }[] {
  const out = Array.from({ length: n }, (_, i) => ({ day: new Date(now.getFullYear(), now.getMonth(), now.getDate() - (n - 1 - i)), ok: 0, failed: 0 }));
  for (const u of updates) {
    if (u.parent) continue;
    const at = new Date(u.created_at);
    const slot = out.find((d) => d.day.toDateString() === at.toDateString());
    if (slot && u.state === "succeeded") slot.ok++;
    if (slot && (u.state === "failed" || u.state === "interrupted")) slot.failed++;
  }
  return out;
}

function Strip({ updates }: { updates: Update[] }) {
  const all = days(updates, 14);
  const most = Math.max(1, ...all.map((d) => d.ok + d.failed));
  return (
    <div className="strip" role="img" aria-label={all.map((d) => `${d.day.toLocaleDateString()}: ${d.ok} succeeded, ${d.failed} failed`).join("; ")}>
      {all.map((d) => (
        <div key={d.day.toISOString()} title={`${d.day.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" })}: ${d.ok} succeeded, ${d.failed} failed`}>
          {d.failed > 0 && <div className="bar no" style={{ height: `${(d.failed / most) * 100}%` }} />}
          {d.ok > 0 && <div className="bar ok" style={{ height: `${(d.ok / most) * 100}%` }} />}
          {d.ok + d.failed === 0 && <div className="nil" />}
        </div>
      ))}
    </div>
  );
}
