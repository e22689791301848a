// Keeps what was loaded true: events say what has changed, and that alone is
// asked for again.
import type { QueryClient } from "@tanstack/react-query";
import type { Alert, StackState, Update } from "./schema";
import { keyOf } from "./client";
import { type Happening, stream } from "./stream";

const lists: Record<string, string[]> = {
  Stack: ["GET /v1/stacks", "GET /v1/stacks/{stack}", "GET /v1/webhooks"],
  Server: ["GET /v1/servers", "GET /v1/servers/{server}"],
  Variable: ["GET /v1/variables", "GET /v1/variables/{name}", "GET /v1/variables/{name}/versions"],
  GitAccount: ["GET /v1/git-accounts"],
  Procedure: ["GET /v1/procedures", "GET /v1/procedures/{procedure}", "GET /v1/schedules", "GET /v1/webhooks"],
  ResourceSync: ["GET /v1/syncs", "GET /v1/syncs/{sync}", "GET /v1/webhooks"],
  Repo: ["GET /v1/repos"],
  Alerter: ["GET /v1/alerters"],
  System: ["GET /v1/users", "GET /v1/groups", "GET /v1/vault", "GET /v1/rotation/policy", "GET /v1/secrets/policy"],
};

/** keepTrue makes events change what is kept. */
export function keepTrue(client: QueryClient): () => void {
  const stale = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const later = (endpoint: string) => {
    stale.add(endpoint);
    timer ??= setTimeout(() => {
      timer = undefined;
      const names = [...stale];
      stale.clear();
      for (const name of names) void client.invalidateQueries({ queryKey: [name] });
    }, 250);
  };
  const off = stream.on((h) => apply(client, h, later));
  let before = stream.current();
  const watch = stream.watch(() => {
    const now = stream.current();
    // After a stream that had ended, anything may have changed.
    if (now === "open" && before === "closed") void client.invalidateQueries();
    before = now;
  });
  return () => {
    off();
    watch();
    clearTimeout(timer);
  };
}

export function apply(client: QueryClient, h: Happening, later: (endpoint: string) => void) {
  const { target, data } = h.event;
  switch (h.type) {
    case "update":
      applyUpdate(client, data as Update, later);
      break;
    case "stack": {
      const state = data as StackState;
      if (!target) break;
      client.setQueryData(keyOf("GET /v1/stacks/{stack}/state", { path: { stack: target.id } }), state);
      client.setQueryData<Record<string, StackState>>(keyOf("GET /v1/states"), (old) => old && { ...old, [target.id]: state });
      break;
    }
    case "server":
      later("GET /v1/servers");
      break;
    case "alert":
      later("GET /v1/alerts");
      applyAlert(client, data as Alert);
      break;
    case "rotation":
      later("GET /v1/rotations");
      later("GET /v1/rotations/{id}");
      break;
    case "delivery":
      later("GET /v1/deliveries");
      break;
    case "schedule":
      later("GET /v1/schedules");
      break;
    case "resource":
      for (const endpoint of lists[target?.type ?? ""] ?? []) later(endpoint);
      later("GET /v1/audit");
      break;
  }
}

function applyAlert(client: QueryClient, alert: Alert) {
  client.setQueriesData<Alert[]>({ queryKey: ["GET /v1/alerts"] }, (old) => old?.map((a) => (a.id === alert.id ? alert : a)));
}

function applyUpdate(client: QueryClient, u: Update, later: (endpoint: string) => void) {
  client.setQueryData<Update>(keyOf("GET /v1/updates/{id}", { path: { id: u.id } }), (old) => old && { ...old, ...u, plan: u.plan ?? old.plan });
  client.setQueriesData<Update[]>({ queryKey: ["GET /v1/updates"] }, (old) => old?.map((x) => (x.id === u.id ? { ...x, ...u } : x)));
  if (u.state === "queued" || isFinal(u.state)) later("GET /v1/updates");
  if (!isFinal(u.state)) return;
  if (u.target.type === "Stack") {
    later("GET /v1/drift");
    later("GET /v1/secrets");
  }
  later("GET /v1/rotations");
  later("GET /v1/syncs");
  later("GET /v1/schedules");
}

export function isFinal(state: Update["state"]): boolean {
  return state !== "queued" && state !== "running";
}
