// One vocabulary of states: a colour, an icon and a word. Unknown is never green.
import type { DriftKey, StackState, Update } from "../api/client";
import { Icon, type IconName } from "./icon";

type Tone = "good" | "warn" | "bad" | "busy" | "mute";

const looks: Record<string, [Tone, IconName, string?]> = {
  healthy: ["good", "ok"], running: ["busy", "run"], done: ["good", "ok"], starting: ["busy", "wait"],
  unhealthy: ["bad", "bad"], stopped: ["mute", "stop"], down: ["mute", "stop", "not deployed"], unknown: ["mute", "unknown"],
  queued: ["mute", "wait"], succeeded: ["good", "ok"], failed: ["bad", "bad"], canceled: ["mute", "bad"], interrupted: ["warn", "warn"],
  proven: ["good", "ok", "in step"], held: ["mute", "lock", "held back"], stale: ["warn", "drift", "out of date"], edited: ["bad", "drift", "changed by hand"],
  planned: ["mute", "wait"], waiting: ["warn", "wait"], rolling_back: ["warn", "undo", "rolling back"], rolled_back: ["warn", "undo", "rolled back"],
  create: ["good", "plus"], recreate: ["warn", "rotation"], start: ["busy", "run"], remove: ["bad", "trash"], keep: ["mute", "ok", "stays as it is"],
  CRITICAL: ["bad", "bad", "critical"], WARNING: ["warn", "warn", "warning"], OK: ["good", "ok", "resolved"],
  reachable: ["good", "ok"], unreachable: ["bad", "bad"], update: ["warn", "edit"], delete: ["bad", "trash"], open: ["warn", "bell"],
};

/** Chip shows a state. A stack that runs without a health check is well, an update that runs is busy. */
export function Chip({ state, text, tone, icon }: { state?: string; text?: string; tone?: Tone; icon?: IconName }) {
  const [t, i, word] = looks[state ?? ""] ?? ["mute", "unknown"];
  return (
    <span className={`chip ${tone ?? t}`}>
      <Icon name={icon ?? i} size={13} />
      {text ?? word ?? state}
    </span>
  );
}

export function StackChip({ state }: { state?: StackState }) {
  const status = state?.status ?? "unknown";
  return status === "running" ? <Chip state="running" tone="good" icon="ok" /> : <Chip state={status} />;
}

export function UpdateChip({ state }: { state: Update["state"] }) {
  return <Chip state={state} />;
}

export function DriftChip({ state, outdated }: { state: DriftKey["state"]; outdated?: boolean }) {
  if (outdated) return <Chip tone="mute" icon="unknown" text="not checked since" />;
  return <Chip state={state} />;
}
