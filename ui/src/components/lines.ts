// A list of lines that grows fast: appended in place, told of once a frame.
import type { Line } from "../api/client";

export interface Entry extends Line {
  seq: number;
}

export class Lines {
  entries: Entry[] = [];
  /** Progress, by what it is of: each replaces the one before. */
  progress = new Map<string, Entry>();
  version = 0;
  private seen = new Set<number>();
  private highest = 0;
  private waiting = false;
  private watchers = new Set<() => void>();

  /** most lines are kept; 0 keeps all. */
  constructor(
    private most = 0,
    private frame: (f: () => void) => void = (f) => requestAnimationFrame(f),
  ) {}

  /** add takes lines in any order, each number once. Number 0 is always new. */
  add(lines: Entry[]) {
    let late = false;
    for (const l of lines) {
      if (l.seq > 0) {
        if (this.seen.has(l.seq)) continue;
        this.seen.add(l.seq);
      }
      if (l.transient) {
        this.progress.set(`${l.service ?? ""}/${l.stage ?? ""}`, l);
        continue;
      }
      if (l.stream !== "pull") this.progress.delete(`${l.service ?? ""}/${l.stage ?? ""}`);
      if (l.seq > 0 && l.seq < this.highest) late = true;
      this.highest = Math.max(this.highest, l.seq);
      this.entries.push(l);
    }
    if (late) this.entries.sort((a, b) => a.seq - b.seq);
    if (this.most && this.entries.length > this.most * 1.1) {
      for (const l of this.entries.splice(0, this.entries.length - this.most)) this.seen.delete(l.seq);
    }
    this.changed();
  }

  clear() {
    this.entries = [];
    this.seen.clear();
    this.progress.clear();
    this.highest = 0;
    this.changed();
  }

  watch = (f: () => void): (() => void) => {
    this.watchers.add(f);
    return () => this.watchers.delete(f);
  };

  current = (): number => this.version;

  private changed() {
    if (this.waiting) return;
    this.waiting = true;
    this.frame(() => {
      this.waiting = false;
      this.version++;
      for (const f of this.watchers) f();
    });
  }
}

export interface Piece {
  text: string;
  style: string;
}

const colours = ["k", "r", "g", "y", "b", "m", "c", "w"];

/** pieces turns the colours that programs write into classes; other controls go. */
export function pieces(text: string): Piece[] {
  if (!text.includes("\x1b")) return [{ text, style: "" }];
  const out: Piece[] = [];
  let style = "";
  // biome-ignore lint: the escape is what is looked for
  const parts = text.split(/\x1b\[([0-9;?]*)([A-Za-z])/);
  for (let i = 0; i < parts.length; i += 3) {
    if (parts[i]) out.push({ text: parts[i] as string, style });
    if (parts[i + 2] !== "m") continue;
    for (const code of (parts[i + 1] || "0").split(";").map(Number)) {
      if (code === 0) style = "";
      else if (code === 1) style += " a-bold";
      else if (code === 2) style += " a-dim";
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) style = `${style.replace(/ a-[krgybmcw]\b/g, "")} a-${colours[code % 10]}`;
      else if (code === 39) style = style.replace(/ a-[krgybmcw]\b/g, "");
    }
  }
  return out;
}

/** matcher reads a filter: plain text, or an expression between slashes. */
export function matcher(filter: string): ((text: string) => boolean) | null {
  if (!filter) return null;
  const m = /^\/(.*)\/i?$/.exec(filter);
  if (m) {
    try {
      const re = new RegExp(m[1] as string, "i");
      return (t) => re.test(t);
    } catch {
      return () => true;
    }
  }
  const low = filter.toLowerCase();
  return (t) => t.toLowerCase().includes(low);
}

/** overlap is how far back a connection is taken up: lines of several containers do not come in the order of their times. */
const overlap = 10_000;

/** A Resume takes up a stream of lines where it ended: none is missing, and none is there twice. */
export class Resume {
  private recent: { at: number; key: string }[] = [];
  private newest = 0;
  private again = new Map<string, number>();
  private skipped = false;

  /** since is where to begin again; undefined before the first line. */
  since(): string | undefined {
    return this.newest ? new Date(this.newest - overlap).toISOString() : undefined;
  }

  /** reopen is called before a connection is made again. */
  reopen() {
    this.again = new Map();
    for (const r of this.recent) this.again.set(r.key, (this.again.get(r.key) ?? 0) + 1);
  }

  /** isNew reports whether a line has not been there yet. */
  isNew(l: Line): boolean {
    if (!l.at) return !this.skipped; // the rest of a long line
    const key = `${l.at} ${l.service ?? ""} ${l.stream ?? ""} ${l.text}`;
    const n = this.again.get(key) ?? 0;
    this.skipped = n > 0;
    if (this.skipped) {
      this.again.set(key, n - 1);
      return false;
    }
    const at = Date.parse(l.at);
    this.recent.push({ at, key });
    this.newest = Math.max(this.newest, at);
    // Trimmed now and then; half of it is kept for nothing at worst.
    if (this.recent.length > 1000 && (this.recent[0]?.at ?? 0) < this.newest - 2 * overlap) this.recent = this.recent.filter((r) => r.at >= this.newest - overlap);
    return true;
  }
}
