// The stream of what happens: one for all tabs of the browser where it can be
// shared, one for this tab otherwise.
import { useEffect, useSyncExternalStore } from "react";

export interface Happening {
  type: string;
  seq: number;
  /** The event as the server sent it. */
  event: { seq: number; at: string; type: string; update?: string; target?: { type: string; id: string }; data?: unknown };
}

export type StreamState = "connecting" | "open" | "closed";

export const types = ["update", "line", "stack", "server", "resource", "alert", "rotation", "delivery", "schedule"];

type Listener = (h: Happening) => void;

/** A Stream passes events on, each once and in order, whatever the connection does. */
export class Stream {
  private listeners = new Set<Listener>();
  private watchers = new Set<() => void>();
  private state: StreamState = "connecting";
  private seen = 0;
  private stop: (() => void) | null = null;

  constructor(private connect: (s: Stream) => () => void) {}

  start() {
    this.stop ??= this.connect(this);
  }

  end() {
    this.stop?.();
    this.stop = null;
  }

  /** receive takes an event from the connection. What was seen is left out. */
  receive(type: string, seq: number, data: string) {
    if (seq > 0 && seq <= this.seen) return;
    if (seq > 0) this.seen = seq;
    let event: Happening["event"];
    try {
      event = JSON.parse(data) as Happening["event"];
    } catch {
      return;
    }
    for (const f of this.listeners) f({ type, seq, event });
  }

  setState(s: StreamState) {
    if (s === this.state) return;
    this.state = s;
    for (const f of this.watchers) f();
  }

  on(f: Listener): () => void {
    this.listeners.add(f);
    return () => this.listeners.delete(f);
  }

  watch = (f: () => void): (() => void) => {
    this.watchers.add(f);
    return () => this.watchers.delete(f);
  };

  current = (): StreamState => this.state;
}

function shared(s: Stream): () => void {
  const worker = new SharedWorker("/stream.js", { name: "rinca" });
  worker.port.onmessage = (m: MessageEvent<{ state?: StreamState; type?: string; seq?: number; data?: string }>) => {
    const { state, type, seq, data } = m.data;
    if (state) s.setState(state);
    if (type && data !== undefined) s.receive(type, seq ?? 0, data);
  };
  worker.port.start();
  worker.port.postMessage("again");
  const bye = () => worker.port.postMessage("bye");
  window.addEventListener("pagehide", bye);
  return () => {
    window.removeEventListener("pagehide", bye);
    bye();
    worker.port.close();
  };
}

function own(s: Stream): () => void {
  let source: EventSource | null = null;
  let last = "";
  let timer: number | undefined;
  const open = () => {
    source = new EventSource(`/v1/events${last ? `?after=${last}` : ""}`);
    source.onopen = () => s.setState("open");
    for (const type of types) {
      source.addEventListener(type, (e) => {
        last = (e as MessageEvent<string>).lastEventId || last;
        s.receive(type, Number(last), (e as MessageEvent<string>).data);
      });
    }
    source.onerror = () => {
      const closed = source?.readyState === EventSource.CLOSED;
      s.setState(closed ? "closed" : "connecting");
      if (closed) timer = window.setTimeout(open, 3000);
    };
  };
  open();
  return () => {
    window.clearTimeout(timer);
    source?.close();
  };
}

export const stream = new Stream((s) => (typeof SharedWorker === "function" ? shared(s) : own(s)));

export function useStream(f: Listener) {
  useEffect(() => stream.on(f), [f]);
}

export function useStreamState(): StreamState {
  return useSyncExternalStore(stream.watch, stream.current, stream.current);
}
