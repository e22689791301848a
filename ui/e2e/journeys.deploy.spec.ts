// The work of a platform, from the pages alone: secrets exported before what
// needs them, a rotation that goes back, a sync in part, a server that restarts.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { change, demo, docker, Fresh, push, restart, rinca } from "./host";
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
  await ended(page, "rolled back");
  await expect(page.getByRole("group", { name: "Waves" }).getByRole("heading", { name: "Wave 1" })).toBeVisible();
  await expect(page.getByRole("group", { name: "Waves" }).getByRole("link", { name: "authentik" })).toBeVisible();
  await expect(page.getByRole("alert").getByText(/too short|crashes|exited/).first()).toBeVisible();
  await page.goto("/rotation?tab=quarantine");
  await expect(page.getByRole("table", { name: "Quarantine" }).getByText("postgres.env")).toBeVisible();
  await page.goto("/stacks/authentik");
  await expect(page.getByText("healthy", { exact: true }).first()).toBeVisible({ timeout: 20_000 });

  change(randomBytes(24).toString("base64url"));
  await page.goto("/rotation");
  await page.getByRole("button", { name: "Look what would happen" }).click();
  await page.getByRole("button", { name: "Start", exact: true }).click({ timeout: 20_000 });
  await ended(page, "succeeded");
  await undone(page);
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
  // What is printed while the server is away is there afterwards, too.
  await restart(() => docker("restart", "-t", "1", docker("ps", "-q", "--filter", "label=com.docker.compose.project=authentik", "--filter", "label=com.docker.compose.service=server").trim()));
  await expect.poll(count, { timeout: 30_000 }).toBeGreaterThan(before);
  rinca(["stack", "restart", "authentik", "worker"]);
  const printed = () => rinca(["stack", "logs", "authentik"]).split("\n").filter(Boolean).length;
  await expect.poll(async () => (await count()) === printed(), { timeout: 30_000 }).toBe(true);
  const texts = await page.getByRole("log").locator(".logrow").allTextContents();
  expect(new Set(texts).size).toBe(texts.length);
});

test.describe("somebody who has just installed it", () => {
  const fresh = new Fresh();
  const name = `hello${Date.now() % 100000}`;
  test.use({ baseURL: async ({ viewport: _ }, use) => use(fresh.url) });
  test.beforeAll(() => fresh.start());
  test.afterAll(() => fresh.end(name));

  test("signs in, makes a vault, deploys a stack, gives it a secret, rotates that and takes it back", async ({ page, watch }) => {
    test.setTimeout(240_000);
    await page.goto("/");
    await page.getByLabel("User").fill("admin");
    await page.getByRole("textbox", { name: "Password" }).fill(fresh.oneTime);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("textbox", { name: "Password until now" }).fill(fresh.oneTime);
    await page.getByRole("textbox", { name: "New password", exact: true }).fill("four words are enough");
    await page.getByRole("textbox", { name: "New password once more" }).fill("four words are enough");
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByRole("button", { name: "Set up Rinca" }).click();

    await page.getByRole("button", { name: "Make an encrypted vault" }).click();
    await expect(page.getByText("answers", { exact: true }).first()).toBeVisible();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Skip this: the repository is public" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill(name);
    await page.getByText("Files kept here").click();
    const env = `${fresh.secrets}/${name}/${name}.env`;
    await page.getByRole("textbox", { name: "compose.yaml" }).fill(`services:\n  web:\n    image: rinca-demo/standin:latest\n    stop_grace_period: 1s\n    env_file:\n      - path: ${env}\n        required: false\n`);
    await page.getByRole("button", { name: "Add the stack" }).click();
    await deployed(page);
    await page.goto(`/stacks/${name}`);
    await expect(page.getByText("running", { exact: true }).first()).toBeVisible({ timeout: 20_000 });

    // A secret that only this stack gets.
    const first = `ui-canary-${randomBytes(12).toString("hex")}`;
    watch.secrets.push(first);
    await page.goto("/secrets");
    await page.getByRole("button", { name: "Add an item" }).click();
    await page.getByRole("textbox", { name: "Title" }).fill(`${name}.env`);
    await page.getByLabel("Goes to").first().click();
    await page.getByRole("option", { name }).click();
    await page.getByRole("textbox", { name: "Name of the field" }).fill("APP_PASSWORD");
    await page.getByRole("textbox", { name: "New value of APP_PASSWORD" }).fill(first);
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText(`${name}.env is kept`).first()).toBeVisible();
    await page.goto(`/stacks/${name}/plan`);
    await deployed(page);
    expect(readFileSync(env, "utf8")).toContain(first);

    // Where is it used? Then another value, by a recipe, carried by a rotation.
    await page.goto("/secrets");
    await page.getByRole("button", { name: `Edit ${name}.env` }).first().click();
    await page.getByRole("button", { name: "Generate a value of APP_PASSWORD" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("group", { name: "Lineage" }).getByText(name, { exact: true })).toBeVisible({ timeout: 15_000 });
    await page.getByRole("button", { name: "Rotate", exact: true }).first().click();
    await page.getByRole("button", { name: "Look what would happen" }).click();
    await expect(page.getByText(/^The plan: 1 item/)).toBeVisible({ timeout: 20_000 });
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await ended(page, "succeeded");
    expect(readFileSync(env, "utf8")).not.toContain(first);
    await undone(page);
    expect(readFileSync(env, "utf8")).toContain(first);
  });
});

/** ended waits for the end of the rotation on the page. */
const ended = (page: Page, state: string) => expect(page.getByRole("heading", { level: 1 }).getByText(state, { exact: true })).toBeVisible({ timeout: 90_000 });

/** undone takes the rotation on the page back, which is a run of its own. */
async function undone(page: Page) {
  const run = page.url();
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Undo", exact: true }).click();
  await expect.poll(() => page.url()).not.toBe(run);
  await ended(page, "succeeded");
}

/** deployed starts what the page plans, and waits for its end. */
async function deployed(page: Page) {
  await expect(page.getByText(/^The plan:/)).toBeVisible({ timeout: 20_000 });
  await page.getByRole("button", { name: "Deploy", exact: true }).click();
  await expect(page.getByText("succeeded", { exact: true }).first()).toBeVisible({ timeout: 60_000 });
}

test("a stack is stopped, started and restarted from its menu", async ({ page }) => {
  test.setTimeout(120_000);
  await signIn(page);
  for (const [what, state] of [["Stop", /^stopped$/], ["Start", /^(running|healthy)$/], ["Restart", /^(running|healthy)$/]] as const) {
    await page.goto("/stacks/uptime-kuma");
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: what, exact: true }).click();
    await expect(page.getByRole("dialog").getByText(`rinca stack ${what.toLowerCase()} uptime-kuma`)).toBeVisible();
    await page.getByRole("dialog").getByRole("button", { name: what, exact: true }).click();
    await expect(page.getByText("succeeded", { exact: true }).first()).toBeVisible({ timeout: 30_000 });
    await page.goto("/stacks/uptime-kuma");
    await expect(page.getByText(state).first()).toBeVisible({ timeout: 30_000 });
  }
});
