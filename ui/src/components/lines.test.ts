import { expect, test } from "vitest";
import { type Entry, Lines, matcher, pieces } from "./lines";

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
