import { QueryClient } from "@tanstack/react-query";
import { expect, test } from "vitest";
import { keyOf, type Update } from "./client";
import { apply } from "./keep";
import { Stream } from "./stream";

const event = (seq: number, type = "line") => JSON.stringify({ seq, at: "2026-01-01T00:00:00Z", type, data: { text: String(seq) } });

test("each event is passed on once, also after a reconnect that repeats some", () => {
  const s = new Stream(() => () => undefined);
  const got: number[] = [];
  s.on((h) => got.push(h.seq));
  for (const n of [3, 4, 4, 5, 3, 6]) s.receive("line", n, event(n));
  s.receive("line", 7, "{broken");
  s.receive("line", 8, event(8));
  expect(got).toEqual([3, 4, 5, 6, 8]);
});

test("an update's events change what is kept, and a final one has the lists asked for again", () => {
  const client = new QueryClient();
  const later: string[] = [];
  const u = { id: "a", state: "running", target: { type: "Stack", id: "web" }, execution: { type: "DeployStack" }, plan: { services: [] } } as unknown as Update;
  client.setQueryData(keyOf("GET /v1/updates/{id}", { path: { id: "a" } }), u);
  client.setQueryData(keyOf("GET /v1/updates", { query: { limit: 50 } }), [u]);
  apply(client, { type: "update", seq: 1, event: { seq: 1, at: "", type: "update", target: u.target, data: { ...u, plan: undefined, state: "failed" } } }, (e) => later.push(e));
  const kept = client.getQueryData<Update>(keyOf("GET /v1/updates/{id}", { path: { id: "a" } }));
  expect(kept?.state).toBe("failed");
  expect(kept?.plan).toBeDefined(); // events leave the plan out
  expect(client.getQueryData<Update[]>(keyOf("GET /v1/updates", { query: { limit: 50 } }))?.[0]?.state).toBe("failed");
  expect(later).toContain("GET /v1/updates");
});
