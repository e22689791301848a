import { expect, test } from "vitest";
import { type Entry, Lines, matcher, pieces, Resume } from "./lines";

const line = (seq: number, text = `line ${seq}`, more: Partial<Entry> = {}): Entry => ({ seq, text, ...more });
const now = (f: () => void) => f();

test("no line is lost or doubled, whatever order they come in", () => {
  const lines = new Lines(0, now);
  lines.add([line(5), line(6)]); // live, before the history is there
  lines.add([1, 2, 3, 4, 5].map((n) => line(n))); // the history
  lines.add([line(6), line(7)]); // again, after a reconnect
  expect(lines.entries.map((l) => l.seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test("lines of containers have no number, and none is left out", () => {
  const lines = new Lines(0, now);
  lines.add([line(0, "same"), line(0, "same")]);
  expect(lines.entries).toHaveLength(2);
});

test("progress replaces itself, and ends with the next line", () => {
  const lines = new Lines(0, now);
  lines.add([line(1, "10 %", { transient: true, service: "db", stage: "Pull" }), line(2, "60 %", { transient: true, service: "db", stage: "Pull" })]);
  expect(lines.entries).toHaveLength(0);
  expect([...lines.progress.values()].map((l) => l.text)).toEqual(["60 %"]);
  lines.add([line(3, "pulled", { service: "db", stage: "Pull" })]);
  expect(lines.progress.size).toBe(0);
});

test("memory has an end", () => {
  const lines = new Lines(1000, now);
  for (let i = 0; i < 100; i++) lines.add(Array.from({ length: 100 }, (_, j) => line(i * 100 + j + 1)));
  expect(lines.entries.length).toBeLessThanOrEqual(1100);
  expect(lines.entries.at(-1)?.seq).toBe(10_000);
});

test("who watches is told once a frame", () => {
  const frames: (() => void)[] = [];
  const lines = new Lines(0, (f) => frames.push(f));
  let told = 0;
  lines.watch(() => told++);
  for (let i = 1; i <= 50; i++) lines.add([line(i)]);
  for (const f of frames) f();
  expect([frames.length, told]).toEqual([1, 1]);
});

test("colours of terminals become classes, and markup stays text", () => {
  expect(pieces("\x1b[31mbad\x1b[0m <b>x</b>")).toEqual([{ text: "bad", style: " a-r" }, { text: " <b>x</b>", style: "" }]);
  expect(pieces("\x1b[2Kclean").map((p) => p.text).join("")).toBe("clean");
});

test("a filter is text or an expression, and a broken one hides nothing", () => {
  expect(matcher("")).toBe(null);
  expect(matcher("ERR")?.("an error")).toBe(true);
  expect(matcher("/^a.c$/")?.("abc")).toBe(true);
  expect(matcher("/^a.c$/")?.("xabc")).toBe(false);
  expect(matcher("/(/")?.("anything")).toBe(true);
});

test("a stream that is taken up again loses nothing and repeats nothing", () => {
  const r = new Resume();
  const line = (second: number, service: string, text = "x") => ({ at: `2026-01-02T03:04:${String(second).padStart(2, "0")}.123456789Z`, service, text });
  expect(r.since()).toBeUndefined();
  // Lines of one container come behind newer ones of another.
  expect([line(30, "a"), line(20, "b"), line(30, "a"), { service: "a", text: "the rest" }, line(31, "b")].map((l) => r.isNew(l))).toEqual([true, true, true, true, true]);
  expect(r.since()).toBe("2026-01-02T03:04:21.123Z");
  r.reopen();
  // The same two at the same moment, one of them new by its number; a late one.
  expect([line(30, "a"), line(30, "a"), { service: "a", text: "the rest" }, line(30, "a"), { service: "a", text: "the rest" }, line(31, "b"), line(29, "b", "late"), line(32, "b")].map((l) => r.isNew(l))).toEqual([false, false, false, true, true, false, true, true]);
});

test("what is remembered of a stream does not grow", () => {
  const r = new Resume();
  for (let n = 0; n < 100_000; n++) r.isNew({ at: new Date(1_700_000_000_000 + n * 100).toISOString(), text: String(n) });
  expect((r as unknown as { recent: unknown[] }).recent.length).toBeLessThan(1100);
});
