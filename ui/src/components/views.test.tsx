import { MantineProvider } from "@mantine/core";
import { act, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { expect, test, vi } from "vitest";
import type { Plan } from "../api/client";
import { days } from "../pages/overview";
import { week } from "../pages/procedures";
import { lineage } from "../pages/secrets";
import { type Grants, Matrix } from "../pages/settings_groups";
import { arg } from "./bits";
import { Confirm } from "./confirm";
import { PlanView, planWords } from "./run";
import { Revealed } from "./secret";
import { ago, lasted, span } from "./time";

const show = (ui: React.ReactNode) => render(<MantineProvider env="test">{ui}</MantineProvider>);

const plan = {
  services: [
    { service: "web", change: "recreate", reasons: [{ kind: "env_file", names: ["DB_PASSWORD"] }] },
    { service: "db", change: "keep" },
  ],
} as unknown as Plan;

test("a plan says what changes, why, and what is not touched", () => {
  show(<PlanView plan={plan} />);
  expect(screen.getByText("web")).toBeTruthy();
  expect(screen.getByText("DB_PASSWORD")).toBeTruthy();
  expect(screen.getByText(/Not touched/).textContent).toContain("db");
  expect(planWords(plan)).toBe("1 to recreate");
  expect(planWords({ services: [] })).toBe("nothing to do");
});

test("the matrix sets levels, and takes Reveal away with the level", () => {
  let got: Grants = { all: {}, permissions: [] };
  function Holder() {
    const [g, set] = useState<Grants>(got);
    return (
      <Matrix
        value={g}
        change={(x) => {
          got = x;
          set(x);
        }}
      />
    );
  }
  show(<Holder />);
  fireEvent.click(screen.getByLabelText("Execute on all Stacks"));
  fireEvent.click(screen.getByLabelText("Reveal values of Stacks"));
  expect(got.all.Stack).toEqual({ level: "Execute", specific: ["Reveal"] });
  fireEvent.click(screen.getByLabelText("None on all Stacks"));
  expect(got.all.Stack).toBeUndefined();
});

test("a value that is revealed hides itself, and is nowhere then", async () => {
  vi.useFakeTimers();
  const { container } = show(<Revealed label="X" may load={() => Promise.resolve("canary-value")} />);
  expect(container.textContent).not.toContain("canary-value");
  fireEvent.click(screen.getByLabelText("Reveal the value of X"));
  await act(() => vi.advanceTimersByTimeAsync(10));
  expect(container.textContent).toContain("canary-value");
  await act(() => vi.advanceTimersByTimeAsync(21_000));
  expect(container.textContent).not.toContain("canary-value");
  fireEvent.click(screen.getByLabelText("Reveal the value of X"));
  await act(() => vi.advanceTimersByTimeAsync(10));
  act(() => void window.dispatchEvent(new Event("blur")));
  expect(container.textContent).not.toContain("canary-value");
  vi.useRealTimers();
});

test("who may not reveal is not offered it", () => {
  show(<Revealed label="X" may={false} load={() => Promise.resolve("x")} />);
  expect(screen.queryByLabelText("Reveal the value of X")).toBe(null);
});

test("what cannot be undone needs its name typed", () => {
  show(
    <Confirm opened close={() => undefined} title="Remove" name="web" action="Remove it" run={() => Promise.resolve()}>
      gone
    </Confirm>,
  );
  const button = screen.getByRole("button", { name: "Remove it" });
  expect(button.hasAttribute("disabled")).toBe(true);
  fireEvent.change(screen.getByLabelText("Type web to confirm"), { target: { value: "web" } });
  expect(button.hasAttribute("disabled")).toBe(false);
});

test("times", () => {
  expect([span(59), span(61), span(7200), span(86400 * 3)]).toEqual(["59 s", "1 min", "2 h", "3 d"]);
  expect(ago("2026-01-01T00:00:00Z", Date.parse("2026-01-01T02:00:00Z"))).toBe("2 h ago");
  expect(ago("0001-01-01T00:00:00Z")).toBe("never");
  expect(lasted("2026-01-01T00:00:00Z", "2026-01-01T00:01:05Z")).toBe("1:05 min");
});

test("days count what was asked for by somebody, not its parts", () => {
  const now = new Date(2026, 0, 14, 12);
  const at = new Date(2026, 0, 13, 9).toISOString();
  const out = days([{ state: "succeeded", created_at: at }, { state: "failed", created_at: at }, { state: "failed", created_at: at, parent: "x" }], 14, now);
  expect(out).toHaveLength(14);
  expect(out[12]).toMatchObject({ ok: 1, failed: 1 });
});

test("the week has the next times of what is switched on", () => {
  const s = (id: string, next: Date, disabled = false) => ({ target: { type: "Procedure", id }, schedule: { text: "x", disabled }, next: [next.toISOString()] }) as never;
  const got = week([s("a", new Date(2026, 0, 15, 2)), s("b", new Date(2026, 0, 16, 2), true), s("c", new Date(2026, 1, 20, 2))], new Date(2026, 0, 14, 12));
  expect(got.map((x) => [x.name, x.day, x.hour])).toEqual([["a", 1, 2]]);
});

test("lineage goes from an item over files to services", () => {
  const { nodes, edges } = lineage({ what: "x", uses: [{ item: "pg", file: "/s/web/pg.env", stack: "web", service: "db" }, { item: "pg", file: "/s/web/pg.env", stack: "web", service: "app" }] } as never);
  expect(nodes.map((n) => n.text)).toEqual(["pg", "web/pg.env", "web", "db", "app"]);
  expect(edges).toHaveLength(4);
});

test("a command that is copied is read back as it was meant", () => {
  expect(arg("op://homelab/db.env/KEY")).toBe("op://homelab/db.env/KEY");
  expect(arg("Export Secrets on Push")).toBe("'Export Secrets on Push'");
  expect(arg("it's $(rm -rf ~)`x`")).toBe("'it'\\''s $(rm -rf ~)`x`'");
  expect(arg("two\nlines")).toBe("'two\nlines'");
  expect(arg("")).toBe("''");
});
