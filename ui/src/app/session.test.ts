import { expect, test } from "vitest";
import type { Me } from "../api/client";
import { grantOn, matches } from "./session";

const me = (rights: unknown[], admin = false) => ({ rights, admin }) as unknown as Me;

test("names, patterns and expressions match as on the server", () => {
  for (const [pattern, name, want] of [
    ["web", "web", true],
    ["web", "web2", false],
    ["web-*", "web-1", true],
    ["web-?", "web-12", false],
    ["a.b", "axb", false],
    ["\\^db-[0-9]+$\\", "db-12", true],
    ["\\^db-[0-9]+$\\", "mydb-12", false],
    ["\\(\\", "x", false],
  ] as const)
    expect([pattern, name, matches(pattern, name)]).toEqual([pattern, name, want]);
});

test("the highest level counts, and revealing is a right of its own", () => {
  const who = me([{ all: { Stack: { level: "Read" } } }, { permissions: [{ target: { type: "Stack", id: "web-*" }, level: "Write", specific: ["Reveal"] }] }]);
  expect(grantOn(who, "Stack", "db")).toEqual({ level: "Read", reveal: false });
  expect(grantOn(who, "Stack", "web-1")).toEqual({ level: "Write", reveal: true });
  expect(grantOn(who, "Variable", "X").level).toBe("None");
  expect(grantOn(me([], true), "Variable", "X")).toEqual({ level: "Write", reveal: true });
  expect(grantOn(me([{ all: { Variable: { level: "None", specific: ["Reveal"] } } }]), "Variable", "X").reveal).toBe(false);
});
