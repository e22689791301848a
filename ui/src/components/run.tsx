// How an execution goes: its stages, what it plans, and what it says.
import { Button, Group } from "@mantine/core";
import { useCallback, useEffect, useMemo, useState } from "react";
import { call, type Plan, type ServicePlan, type Update, useGet } from "../api/client";
import { isFinal } from "../api/keep";
import { type Happening, useStream } from "../api/stream";
import { useNavigate } from "@tanstack/react-router";
import { useSession } from "../app/session";
import { useRun } from "./bits";
import { Chip } from "./state";
import { Icon, type IconName } from "./icon";
import { type Entry, Lines } from "./lines";
import { LogView } from "./logview";
import { failed } from "./problem";
import { Lasting } from "./time";

const marks: Record<string, IconName> = { succeeded: "ok", failed: "bad", running: "run", queued: "wait", canceled: "bad", interrupted: "warn" };

/** Stages shows the steps of an update; one of them can be chosen. */
export function Stages({ update, chosen, choose }: { update: Update; chosen?: string; choose?: (stage?: string) => void }) {
  const stages = update.stages ?? [];
  if (!stages.length) return <div className="dim pad">{isFinal(update.state) ? "It ended before its first stage" : "Waiting for its turn"}</div>;
  return (
    <ol className="stages" aria-label="Stages">
      {stages.map((s, i) => (
        <li key={`${s.name}-${i}`} className={s.state}>
          <button type="button" aria-pressed={chosen === s.name} onClick={() => choose?.(chosen === s.name ? undefined : s.name)}>
            <span className="mark">
              <Icon name={marks[s.state] ?? "wait"} size={14} label={s.state} />
            </span>
            <span className="grow">
              <span className="name">{s.name}</span>
              {s.note && <span className="dim small note">{s.note}</span>}
            </span>
            <span className="dim small">
              <Lasting from={s.started_at} to={s.ended_at} />
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

/** useLines follows the lines of an update: those that are kept, then those that come. */
export function useLines(id: string): Lines {
  const lines = useMemo(() => {
    void id;
    return new Lines();
  }, [id]);
  useStream(
    useCallback(
      (h: Happening) => {
        if (h.type === "line" && h.event.update === id) lines.add([{ ...(h.event.data as Entry), seq: h.seq }]);
      },
      [id, lines],
    ),
  );
  useEffect(() => {
    const stop = new AbortController();
    void (async () => {
      for (let after = 0; ; ) {
        const page = await call("GET /v1/updates/{id}/lines", { path: { id }, query: { after, limit: 5000 }, signal: stop.signal });
        lines.add(page.lines);
        if (page.lines.length < 5000 || page.next === after) return;
        after = page.next;
      }
    })().catch(() => undefined);
    return () => stop.abort();
  }, [id, lines]);
  return lines;
}

/** RunView is a whole update, live: stages beside lines. */
export function RunView({ update, height }: { update: Update; height?: string }) {
  const [stage, setStage] = useState<string>();
  const lines = useLines(update.id);
  return (
    <div className="run">
      <Stages update={update} chosen={stage} choose={setStage} />
      <LogView lines={lines} label={`Lines of ${update.execution.type}`} stage={stage} height={height} name={`${update.target.id}-${update.id}`} empty={isFinal(update.state) ? "It said nothing, or its lines are not kept any more" : "Waiting for the first line"} />
    </div>
  );
}

const reasons: Record<string, string> = {
  new: "new", image: "image", config: "configuration", environment: "environment", env_file: "environment file", secret: "secret", config_file: "configuration file", mount: "mounted file",
  dependency: "depends on", forced: "forced", stopped: "it is stopped", scale: "number of containers", gone: "in no file any more", again: "failed the last time",
};

/** PlanView says what would happen to each service, and why. Names only: a plan has no values. */
export function PlanView({ plan }: { plan: Plan }) {
  const changed = plan.services.filter((s) => s.change !== "keep");
  const kept = plan.services.filter((s) => s.change === "keep");
  return (
    <div>
      <ul className="plan" aria-label="Plan">
        {changed.map((s) => (
          <li key={s.service}>
            <Chip state={s.change} />
            <strong>{s.service}</strong>
            <span className="why">
              <Reasons service={s} />
            </span>
          </li>
        ))}
        {(plan.resources ?? []).map((r) => (
          <li key={r}>
            <Chip state="create" />
            <span>{r}</span>
          </li>
        ))}
      </ul>
      {kept.length > 0 && (
        <div className="dim pad small">
          {changed.length ? "Not touched: " : "Nothing differs. Not touched: "}
          {kept.map((s) => s.service).join(", ")}
        </div>
      )}
    </div>
  );
}

export function Reasons({ service }: { service: Pick<ServicePlan, "reasons"> }) {
  return (
    <>
      {(service.reasons ?? []).map((r, i) => (
        <span key={i} className="reason">
          {reasons[r.kind] ?? r.kind}
          {r.names?.length ? ": " : ""}
          {(r.names ?? []).map((n) => (
            <code key={n}>{n}</code>
          ))}
        </span>
      ))}
    </>
  );
}

/** planWords is a plan in one line. */
export function planWords(plan: Plan): string {
  const count = new Map<string, number>();
  for (const s of plan.services) count.set(s.change, (count.get(s.change) ?? 0) + 1);
  const words = [...count].filter(([c]) => c !== "keep").map(([c, n]) => `${n} to ${c}`);
  return words.length ? words.join(", ") : "nothing to do";
}

export function useUpdate(id: string | undefined) {
  return useGet("GET /v1/updates/{id}", { path: { id: id ?? "" } }, { enabled: Boolean(id), refetchInterval: (q) => (q.state.data && isFinal(q.state.data.state) ? false : 10_000) });
}

/** Cancel ends an update that has not ended, for those who may. */
export function Cancel({ update: u }: { update: Update }) {
  const { may } = useSession();
  const [busy, run] = useRun();
  if (isFinal(u.state) || !may("Execute", u.target.type, u.target.id)) return null;
  return (
    <Button variant="default" loading={busy} onClick={() => void run(() => call("POST /v1/updates/{id}/cancel", { path: { id: u.id } }).catch((e: unknown) => failed(e, "It was not canceled")))}>
      Cancel
    </Button>
  );
}

/** useRunProcedure starts a procedure, and shows its run. While it does, the first result is the procedure's name: a second click starts no second run. */
export function useRunProcedure(): [string, (name: string, params?: Record<string, string>) => Promise<void>] {
  const [started, setStarted] = useState("");
  const go = useNavigate();
  const start = async (procedure: string, params?: Record<string, string>) => {
    setStarted(procedure);
    try {
      const u = await call("POST /v1/executions", { body: { type: "RunProcedure", params: { procedure, ...(params ? { params } : {}) } } });
      await go({ to: "/activity/$id", params: { id: u.id } });
    } catch (e) {
      setStarted("");
      failed(e);
    }
  };
  return [started, start];
}

/** RunOf is the run that was started here, until it is closed. */
export function RunOf({ id, close, again }: { id: string; close: () => void; again?: () => void }) {
  const q = useUpdate(id);
  const u = q.data;
  if (!u) return <div className="pad dim">Starting</div>;
  return (
    <div>
      <Group gap="sm" p="sm" className="rowline">
        <Chip state={u.state} />
        <strong>{u.execution.type}</strong>
        <span className="grow dim">{u.summary}</span>
        <Lasting from={u.started_at} to={u.ended_at} />
        <Cancel update={u} />
        {isFinal(u.state) && u.state !== "succeeded" && again && <Button onClick={again}>Plan again</Button>}
        {isFinal(u.state) && (
          <Button variant="default" onClick={close}>
            Close
          </Button>
        )}
      </Group>
      {u.error && <Failure update={u} />}
      <RunView update={u} height="42vh" />
    </div>
  );
}

/** Failure says why an update failed, and what became of what it changed. */
export function Failure({ update }: { update: Update }) {
  if (!update.error && !update.rolled_back) return null;
  const stage = (update.stages ?? []).find((s) => s.state === "failed");
  return (
    <div className="problem" role="alert">
      <Icon name="warn" size={20} />
      <div className="grow">
        {update.error && (
          <strong>
            {stage ? `${stage.name}: ` : ""}
            {update.error.message}
          </strong>
        )}
        {update.error?.hint && <div>{update.error.hint}</div>}
        {update.rolled_back && <div>Put back: {update.rolled_back}</div>}
      </div>
    </div>
  );
}
