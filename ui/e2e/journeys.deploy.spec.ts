// The work of a platform, from the pages alone: secrets exported before what
// needs them, a rotation that goes back, a sync in part, a server that restarts.
import { randomBytes } from "node:crypto";
import { change, demo, push, restart, rinca } from "./host";
import { expect, signIn, test } from "./world";

test.skip(!demo, "there is no demo to change things in");

test.beforeAll(() => {
  rinca(["rotate", "policy", "set", "--off"]); // each step is taken here
});

test.afterAll(() => {
  rinca(["rotate", "policy", "set", "--off=false", "--batch", "10s"]);
});

test("op-export, then authentik, which comes after it", async ({ page }) => {
  test.setTimeout(120_000);
  await signIn(page);
  for (const [stack, state] of [["op-export", "done"], ["authentik", "healthy"]] as const) {
    await page.goto(`/stacks/${stack}`);
    await page.getByRole("button", { name: "Plan a deploy" }).first().click();
    await expect(page.getByText(/^The plan:/)).toBeVisible({ timeout: 20_000 });
    if (stack === "authentik") await expect(page.getByText("It waits for op-export to be well")).toBeVisible();
    await page.getByLabel("Recreate every service").check();
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await expect(page.getByRole("list", { name: "Stages" }).getByText("Verify")).toBeVisible({ timeout: 60_000 });
    await expect(page.getByText("succeeded", { exact: true }).first()).toBeVisible({ timeout: 60_000 });
    await page.goto(`/stacks/${stack}`);
    await expect(page.getByText(state, { exact: true }).first()).toBeVisible({ timeout: 20_000 });
  }
  await page.goto("/stacks/op-export?tab=logs");
  await expect(page.getByRole("log").getByText(/postgres\.env/).first()).toBeVisible({ timeout: 15_000 });
});

test("a rotation that fails goes back before the eyes; a newer value goes through, and is undone", async ({ page }) => {
  test.setTimeout(240_000);
  change("short");
  await signIn(page);
  await page.goto("/rotation");
  await page.getByRole("button", { name: "Look what would happen" }).click();
  await expect(page.getByText(/^The plan: 1 item/)).toBeVisible({ timeout: 20_000 });
  await expect(page.getByText("POSTGRES_PASSWORD").first()).toBeVisible();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(page.getByText("rolled back", { exact: true }).first()).toBeVisible({ timeout: 120_000 });
  await expect(page.getByRole("alert").getByText(/too short|crashes|exited/).first()).toBeVisible();
  await page.goto("/rotation?tab=quarantine");
  await expect(page.getByRole("table", { name: "Quarantine" }).getByText("postgres.env")).toBeVisible();
  await page.goto("/stacks/authentik");
  await expect(page.getByText("healthy", { exact: true }).first()).toBeVisible({ timeout: 20_000 });

  change(randomBytes(24).toString("base64url"));
  await page.goto("/rotation");
  await page.getByRole("button", { name: "Look what would happen" }).click();
  await page.getByRole("button", { name: "Start", exact: true }).click({ timeout: 20_000 });
  await expect(page.getByText("succeeded", { exact: true }).first()).toBeVisible({ timeout: 60_000 });
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Undo", exact: true }).click();
  await expect(page.getByText(/was undone|verified|succeeded/).first()).toBeVisible({ timeout: 60_000 });
  await page.goto("/rotation?tab=quarantine");
  await page.getByRole("button", { name: "Let it go" }).click();
  await expect(page.getByText("Nothing is in quarantine")).toBeVisible();
});

test("of a sync one change is applied, and the other one left", async ({ page }) => {
  test.setTimeout(120_000);
  push("sync/platform.toml", (text) => text.replace(/^description = "(.*)"$/gm, (line, words, at: number) => (at < text.indexOf("Weekly Housekeeping") && line.includes("development") ? line : `description = "${words}, again"`)));
  await signIn(page);
  await page.goto("/sync");
  await page.getByRole("link", { name: "homelab" }).click();
  await expect(page.getByText(/^2 changes, /)).toBeVisible({ timeout: 20_000 });
  await page.getByLabel("Apply the change of Procedure Weekly Housekeeping").uncheck();
  await page.getByRole("button", { name: "Apply 1 of 2" }).click();
  await expect(page.getByText("succeeded", { exact: true }).first()).toBeVisible({ timeout: 60_000 });
  await page.getByRole("button", { name: "Look again" }).click();
  await expect(page.getByText(/^1 change, /)).toBeVisible({ timeout: 20_000 });
  await expect(page.getByText("Weekly Housekeeping").first()).toBeVisible();
  await page.goto("/procedures");
  await expect(page.getByText("Write every stack's secrets, and deploy what they change, again")).toBeVisible();
});

test("logs go on after the server has started again, without a line lost or doubled", async ({ page, watch }) => {
  test.setTimeout(120_000);
  watch.allow.push(/ERR_|50[023]|Failed to (load|fetch)/); // while it is away
  await signIn(page);
  await page.goto("/stacks/authentik?tab=logs");
  const count = async () => Number((await page.getByText(/^[\d,]+ lines$/).first().textContent())?.replace(/\D/g, "") ?? 0);
  await expect.poll(count, { timeout: 15_000 }).toBeGreaterThan(0);
  const before = await count();
  await restart();
  await page.waitForTimeout(4000);
  expect(await count()).toBe(before);
  // What the containers say from now on comes by the new connection: as many
  // lines as they print at each start.
  rinca(["stack", "restart", "authentik", "server"]);
  await expect.poll(count, { timeout: 30_000 }).toBeGreaterThan(before);
  const texts = await page.getByRole("log").locator(".logrow").allTextContents();
  expect(new Set(texts).size).toBe(texts.length);
});

test("the first minutes: vault, source, and a stack that runs, and goes again", async ({ page }) => {
  test.setTimeout(150_000);
  await signIn(page);
  await page.goto("/welcome");
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByText("answers", { exact: true }).first()).toBeVisible();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("button", { name: "Skip this: the repository is public" }).click();
  const name = `hello${Date.now() % 100000}`;
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  await page.getByText("Files kept here").click();
  await page.getByRole("textbox", { name: "compose.yaml" }).fill("services:\n  web:\n    image: rinca-demo/standin:latest\n    stop_grace_period: 1s\n");
  await page.getByRole("button", { name: "Add the stack" }).click();
  await expect(page.getByText(/^The plan:/)).toBeVisible({ timeout: 20_000 });
  await page.getByRole("button", { name: "Deploy", exact: true }).click();
  await expect(page.getByText("succeeded", { exact: true }).first()).toBeVisible({ timeout: 60_000 });
  await page.goto(`/stacks/${name}`);
  const more = async (what: string) => {
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: what, exact: true }).click();
    await expect(page.getByText("succeeded", { exact: true }).first()).toBeVisible({ timeout: 30_000 });
    await page.goto(`/stacks/${name}`);
  };
  await more("Stop");
  await expect(page.getByText("stopped", { exact: true }).first()).toBeVisible({ timeout: 30_000 });
  await more("Start");
  await expect(page.getByText("running", { exact: true }).first()).toBeVisible({ timeout: 30_000 });
  rinca(["stack", "destroy", name, "--yes"]);
  rinca(["stack", "delete", name, "--yes"]);
});
