import { Tooltip } from "./tip";
import { useEffect, useState } from "react";

const steps: [number, string][] = [
  [60, "s"],
  [60, "min"],
  [24, "h"],
  [7, "d"],
  [4.35, "w"],
  [12, "mo"],
  [Number.POSITIVE_INFINITY, "y"],
];

/** span writes a number of seconds in the largest unit that fits. */
export function span(seconds: number): string {
  let n = Math.abs(seconds);
  for (const [size, unit] of steps) {
    if (n < size) return `${Math.floor(n)} ${unit}`;
    n /= size;
  }
  return "";
}

/** ago writes a time as a person says it: "4 min ago", "in 2 h". */
export function ago(at: string | undefined, now = Date.now()): string {
  if (!isSet(at)) return "never";
  const s = (now - Date.parse(at as string)) / 1000;
  if (Math.abs(s) < 5) return "just now";
  return s >= 0 ? `${span(s)} ago` : `in ${span(s)}`;
}

/** isSet reports whether a time was set; Go's zero is not. */
export function isSet(at?: string): boolean {
  return Boolean(at) && !at?.startsWith("0001-");
}

// Making one is a hundred times what using one is, and lists have many times.
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hour12: false });

export function exact(at: string): string {
  return exactly.format(new Date(at));
}

/** ofDay writes the time of day. */
export function ofDay(at: Date): string {
  return clock.format(at);
}

/** lasted writes how long something took, or has taken until now. */
export function lasted(from?: string, to?: string, now = Date.now()): string {
  if (!isSet(from)) return "";
  const ms = (isSet(to) ? Date.parse(to as string) : now) - Date.parse(from as string);
  if (ms < 0) return "0.0 s";
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.floor(ms / 1000);
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")} min`;
}

/** useNow returns the time, again and again. */
export function useNow(every: number): number {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    const t = setInterval(() => set(Date.now()), every);
    return () => clearInterval(t);
  }, [every]);
  return now;
}

export function Ago({ at }: { at?: string }) {
  const now = useNow(20_000);
  if (!isSet(at)) return <span className="dim">never</span>;
  return (
    <Tooltip label={exact(at as string)}>
      <time dateTime={at}>{ago(at, now)}</time>
    </Tooltip>
  );
}

export function Lasting({ from, to }: { from?: string; to?: string }) {
  const now = useNow(isSet(to) ? 3_600_000 : 500);
  return <span className="num">{lasted(from, to, now)}</span>;
}
