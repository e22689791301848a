// What people do with the pages, in a browser, against the real server.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";
import { everyPage, expect, signIn, test } from "./world";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const fresh = `ui-canary-${Date.now()}-wX7`;

test("first run: a one-time password becomes a password of one's own", async ({ page, watch }) => {
  const file = process.env.RINCA_ADMIN_FILE;
  test.skip(!file, "the server has no user with a one-time password");
  const once = readFileSync(file ?? "", "utf8").trim().split("\n").at(-1) ?? "";
  watch.allow.push(/40[013]/);
  await page.goto("/");
  await page.getByLabel("User").fill("admin");
  await page.getByRole("textbox", { name: "Password" }).fill("wrong, by mistake");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByRole("textbox", { name: "Password" }).fill(once);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Choose a password" })).toBeVisible();
  await page.getByRole("textbox", { name: "Password until now" }).fill(once);
  await page.getByRole("textbox", { name: "New password", exact: true }).fill("four words are enough");
  await page.getByRole("textbox", { name: "New password once more" }).fill("four words are enough");
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByRole("heading", { name: "Hello, admin" })).toBeVisible();
  expect(await page.evaluate(() => document.cookie)).toBe(""); // no script reads the session
});

test("plan, run, result: a deploy is seen as it happens, and survives a reload", async ({ page }) => {
  await signIn(page);
  await page.getByRole("link", { name: "Stacks", exact: true }).click();
  await page.getByLabel("Filter stacks").fill("authen");
  await expect(page).toHaveURL(/q=authen/);
  await page.getByRole("link", { name: "authentik" }).click();
  await page.getByRole("button", { name: "Plan a deploy" }).first().click();
  await expect(page.getByText(/^The plan:/)).toBeVisible({ timeout: 20_000 });
  await page.getByLabel("Recreate every service").check();
  await page.getByRole("button", { name: "Deploy", exact: true }).click();
  await expect(page.getByRole("list", { name: "Stages" }).getByText("Preflight")).toBeVisible({ timeout: 20_000 });
  await page.reload();
  // The stream itself, not what is asked for now and then.
  await expect(page.locator(".live")).not.toContainText("Reconnecting");
  await expect(page.getByRole("list", { name: "Stages" }).getByText("Verify")).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText("succeeded", { exact: true }).first()).toBeVisible({ timeout: 60_000 });
  // Each line once: what is on the page is what the server keeps.
  const id = new URL(page.url()).searchParams.get("run") ?? "";
  const kept = await page.evaluate(async (u) => ((await (await fetch(`/v1/updates/${u}/lines?limit=5000`)).json()) as { lines: unknown[] }).lines.length, id);
  await expect(page.getByText(`${kept} lines`)).toBeVisible();
});

test("logs are followed, filtered, and kept out of the way of markup", async ({ page }) => {
  await signIn(page);
  await page.goto("/stacks/authentik?tab=logs");
  await expect(page.getByRole("log").locator(".logrow").first()).toBeVisible({ timeout: 15_000 });
  await page.getByLabel("Filter lines").fill("no such line at all");
  await expect(page.getByText("No line matches")).toBeVisible();
});

test("a secret goes in and is not seen again, unless it is revealed, which is written down", async ({ page }) => {
  await signIn(page);
  await page.goto("/settings");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  const name = `UI_TEST_${Date.now()}`;
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  await page.getByRole("textbox", { name: "Value" }).fill(fresh);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(name, { exact: true })).toBeVisible();
  const has = () => page.evaluate((v) => document.documentElement.outerHTML.includes(v) || [...document.querySelectorAll("input,textarea")].some((i) => (i as HTMLInputElement).value.includes(v)) || JSON.stringify({ ...localStorage, ...sessionStorage }).includes(v), fresh);
  await expect.poll(has).toBe(false);
  await page.getByRole("button", { name: `Reveal the value of ${name}` }).click();
  await expect(page.getByText(fresh)).toBeVisible();
  await page.getByRole("button", { name: `Hide the value of ${name}` }).click();
  expect(await has()).toBe(false);
  await page.getByRole("tab", { name: "Audit log" }).click();
  await page.getByLabel("Filter entries").fill(name);
  await expect(page.getByText("variable.reveal").first()).toBeVisible();
  await page.getByRole("button", { name: "Verify", exact: true }).click();
  await expect(page.getByText(/entries hold/)).toBeVisible();
});

test("a save that fails loses nothing that was typed, and nothing of anybody else", async ({ page, watch }) => {
  test.setTimeout(120_000);
  watch.allow.push(/status of (409|412|400)/, /ERR_FAILED/);
  await signIn(page);
  // An item while the server cannot be reached, then with a field that has no name.
  await page.goto("/secrets?view=vault");
  await page.getByRole("button", { name: "Add an item" }).click();
  const dialog = page.getByRole("dialog");
  const title = `once-${Date.now()}.env`;
  await dialog.getByLabel("Title").fill(title);
  await dialog.getByLabel("Name of the field").fill("API_TOKEN");
  await dialog.getByLabel("New value of API_TOKEN").fill("typed-once");
  await page.route(/vault.items|TYPED_TWICE/, (r) => r.abort(), { times: 1 });
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("The server does not answer")).toBeVisible();
  await dialog.getByRole("button", { name: "Field", exact: true }).click();
  await dialog.getByLabel("New value of the field").fill("nameless");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("A field has a value and no name")).toBeVisible();
  await dialog.getByRole("button", { name: "Remove the field" }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole("button", { name: `Edit ${title}` }).click();
  await page.getByRole("button", { name: "Reveal the value of API_TOKEN" }).click();
  await expect(page.getByText("typed-once")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.goto("/settings?tab=audit");
  await expect(page.getByText(`${title} API_TOKEN`).first()).toBeVisible();

  // A variable while the server cannot be reached.
  await page.goto("/settings");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.getByRole("textbox", { name: "Name" }).fill("TYPED_TWICE");
  await dialog.getByRole("textbox", { name: "Value" }).fill("kept-in-the-form");
  await page.route(/vault.items|TYPED_TWICE/, (r) => r.abort(), { times: 1 });
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("The server does not answer")).toBeVisible();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole("button", { name: "Reveal the value of TYPED_TWICE" }).click();
  await expect(page.getByText("kept-in-the-form")).toBeVisible();
  await page.evaluate(async () => (await fetch("/v1/variables/TYPED_TWICE", { method: "DELETE" })).text());

  // A group that is there is not made anew, and what somebody else changed is not undone.
  const put = (path: string, body: unknown) =>
    page.evaluate(
      async ([p, b]) => {
        const answer = await fetch(p as string, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(b) });
        await answer.text(); // what nobody reads does not end
        return answer.status;
      },
      [path, body] as const,
    );
  expect(await put("/v1/groups/journey", { all: { Stack: { level: "Read" } } })).toBeLessThan(300);
  await page.goto("/settings?tab=groups");
  await page.getByRole("button", { name: "Add a group" }).click();
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("journey");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText(/there is a group journey already/i)).toBeVisible();
  await page.keyboard.press("Escape");
  await page.goto("/rotation?tab=policy");
  await page.getByLabel("Collect for").fill("20s");
  const before = await page.evaluate(async () => (await (await fetch("/v1/rotation/policy")).json()) as Record<string, unknown>);
  await put("/v1/rotation/policy", { ...before, interval: "7m" });
  await page.getByRole("button", { name: "Set" }).first().click();
  await expect(page.getByText(/changed it in the meantime/)).toBeVisible();
  await put("/v1/rotation/policy", before);
  await page.evaluate(async (title) => {
    const items = (await (await fetch("/v1/vault/items")).json()) as { id: string; title: string }[];
    await Promise.all(["/v1/groups/journey", ...items.filter((i) => i.title === title).map((i) => `/v1/vault/items/${i.id}`)].map(async (x) => (await fetch(x, { method: "DELETE" })).text()));
  }, title);
});

test("what is not there says so, and leads back", async ({ page, watch }) => {
  watch.allow.push(/status of (404|400)/);
  await signIn(page);
  for (const [path, text] of [["/stacks/nope", "There is no such stack"], ["/procedures/nope", "nope"], ["/rotation/nope", "Rotation"], ["/stacks/authentik?tab=logs&service=gone", "There is no service gone"], ["/activity?state=canceled&q=zzz", "No update matches"], ["/settings?tab=nosuch", "Variables"], ["/stacks/authentik?tab=nosuch", "Engine says"]] as const) {
    await page.goto(path);
    await expect(page.locator("main").getByText(text).first()).toBeVisible();
  }
});

test("where a secret is used, in one step", async ({ page }) => {
  await signIn(page);
  await page.goto("/secrets");
  await page.getByLabel("Where is it used?").fill("postgres.env");
  await page.getByRole("button", { name: "Where is it used?" }).click();
  await expect(page.getByRole("group", { name: "Lineage" }).getByText("authentik", { exact: true })).toBeVisible({ timeout: 15_000 });
});

test("what one may not do is not offered, and the server refuses it all the same", async ({ page, browser, baseURL, watch }) => {
  watch.allow.push(/40[34]/);
  await signIn(page);
  const bob = `bob${Date.now()}`;
  const once = await page.evaluate(async (name) => {
    const post = (method: string, path: string, body: unknown) => fetch(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then((r) => r.json());
    const password = "four words are enough";
    await post("POST", "/v1/users", { name, password, must_change_password: false });
    await post("PUT", `/v1/groups/${name}`, { users: [name], permissions: [{ target: { type: "Stack", id: "authentik" }, level: "Read" }] });
    return password;
  }, bob);
  const other = await browser.newContext({ baseURL });
  const his = await other.newPage();
  await watch.also(his);
  await signIn(his, bob, once);
  await his.goto("/stacks");
  await expect(his.getByRole("link", { name: "authentik" })).toBeVisible();
  await expect(his.getByRole("link", { name: "restic" })).toHaveCount(0);
  await expect(his.getByRole("button", { name: "Add a stack" })).toHaveCount(0);
  await his.goto("/stacks/authentik");
  await expect(his.getByRole("tab", { name: "Services" })).toBeVisible();
  await expect(his.getByRole("button", { name: "Plan a deploy" })).toHaveCount(0);
  const status = await his.evaluate(async () => (await fetch("/v1/executions", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ type: "DeployStack", params: { stack: "authentik" } }) })).status);
  expect(status).toBe(403);
  await other.close();
});

test("the palette and the keys go everywhere", async ({ page }) => {
  await signIn(page);
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder(/A page, a stack/).fill("deploy auth");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/stacks\/authentik\/plan/);
  await page.keyboard.press("g");
  await page.keyboard.press("v");
  await expect(page.getByRole("heading", { name: "Servers" })).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
});

test("which pushes start a stack is changed, and nothing else of it", async ({ page }) => {
  await signIn(page);
  const read = () => page.evaluate(async () => (await (await fetch("/v1/stacks/authentik")).json()) as Record<string, unknown>);
  const before = await read();
  await page.goto("/procedures?tab=webhooks");
  await page.getByRole("row", { name: /authentik/ }).getByRole("button", { name: "Which pushes" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Branch").fill("release/*");
  await form.getByRole("combobox", { name: "Files" }).fill("stacks/web");
  await page.keyboard.press("Enter");
  await expect(form.getByText("rinca webhook set stack/authentik --branch 'release/*' --paths stacks/web")).toBeVisible();
  await form.getByRole("button", { name: "Keep" }).click();
  await expect(page.getByRole("row", { name: /authentik/ })).toContainText("branch release/*");
  const after = await read();
  expect(after.webhook).toEqual({ branch: "release/*", paths: ["stacks/web"] });
  for (const [name, value] of Object.entries(before)) if (!["webhook", "updated_at", "updated_by"].includes(name)) expect([name, after[name]]).toEqual([name, value]);
});

test("on a phone nothing is wider than the screen", async ({ page }) => {
  test.setTimeout(150_000);
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page);
  await page.getByRole("navigation", { name: "Main pages" }).getByText("Stacks").click();
  await expect(page.getByRole("link", { name: "authentik" })).toBeVisible();
  const wide: string[] = [];
  for (const [name, path] of everyPage) {
    await page.goto(path);
    await still(page);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 1) wide.push(`${name}: ${over} px`);
  }
  expect(wide).toEqual([]);
});

/** still waits until everything was asked for and nothing moves any more. */
async function still(page: Page) {
  await page.locator("h1").first().waitFor();
  await page.evaluate(() => Object.assign(window, { size: -1 })); // from now on
  await page.waitForFunction(() => {
    const w = window as unknown as { size?: number; since?: number };
    const size = document.documentElement.outerHTML.length;
    const moves = document.getAnimations().some((a) => a.playState === "running" && a.effect?.getTiming().iterations !== Infinity);
    if (size !== w.size || moves || document.querySelector(".skeleton")) [w.size, w.since] = [size, performance.now()];
    return performance.now() - (w.since ?? 0) > 150;
  });
}

// What widgets of the library get wrong by themselves: the rule, and the widget.
const exempt: [string, RegExp][] = [["aria-required-children", /role="menu"/]]; // it keeps a place for the focus in it

// What lies over a page.
const overlays: [string, string, (page: Page) => Promise<void>][] = [
  ["palette", "/", (page) => page.keyboard.press("Control+k")],
  ["keys", "/", (page) => page.keyboard.press("?")],
  ["variable", "/settings", (page) => page.getByRole("button", { name: "Add", exact: true }).click()],
  ["user", "/settings?tab=users", (page) => page.getByRole("button", { name: "Add a user" }).click()],
  ["group", "/settings?tab=groups", (page) => page.getByRole("button", { name: "Add a group" }).click()],
  ["freeze", "/rotation", (page) => page.getByRole("button", { name: "Freeze" }).click()],
  ["sync", "/sync", (page) => page.getByRole("button", { name: "Add a sync" }).click()],
  ["repo", "/sync", (page) => page.getByRole("button", { name: "Add a repository" }).click()],
  ["menu", "/stacks/authentik", (page) => page.getByRole("button", { name: "More" }).click()],
  ["item", "/secrets?view=vault", async (page) => page.getByRole("button", { name: "Edit postgres.env" }).click()],
  ["item-new", "/secrets", (page) => page.getByRole("button", { name: "Add an item" }).click()],
  ["git", "/settings?tab=git", (page) => page.getByRole("button", { name: "Add an account" }).click()],
  ["pushes", "/procedures?tab=webhooks", (page) => page.getByRole("button", { name: "Which pushes" }).first().click()],
  ["alerter", "/settings?tab=alerters", (page) => page.getByRole("button", { name: "Add an alerter" }).click()],
  ["rotation-run", "/rotation?tab=history", (page) => page.getByRole("table", { name: "Rotations" }).getByRole("row").nth(1).click()],
  ["update", "/activity", (page) => page.getByRole("table").getByRole("row").nth(1).click()],
  ["sync-diff", "/sync", (page) => page.getByRole("link", { name: "homelab" }).click()],
  ["procedure", "/procedures", (page) => page.getByRole("table").getByRole("row").nth(1).click()],
];

const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const ofColour = ["color-contrast", "link-in-text-block"]; // what the other colours can change

const read = (page: Page, only: string[]) =>
  page.evaluate(async (runOnly) => {
    const run = (window as unknown as { axe: { run: (o: unknown) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }).axe;
    return (await run.run({ runOnly })).violations.flatMap((v) => v.nodes.map((n): [string, string] => [v.id, n.html.slice(0, 140)]));
  }, only);

test("everybody can read every page and what lies over it, light and dark", async ({ page }) => {
  test.setTimeout(400_000);
  await page.addInitScript({ path: axe });
  await signIn(page);
  const found: string[] = [];
  const nothing = async () => undefined;
  for (const [name, path, open] of [...everyPage.map(([n, p]) => [n, p, nothing] as const), ...overlays]) {
    await page.emulateMedia({ colorScheme: "light" });
    await page.goto(path);
    await still(page);
    await open(page);
    if (open !== nothing) {
      await page.waitForFunction((from) => location.pathname !== from || document.querySelector('[role="dialog"], [role="menu"]'), path.replace(/\?.*/, "")); // its code may be on the way
      await still(page);
    }
    const violations = await read(page, rules);
    await page.emulateMedia({ colorScheme: "dark" });
    await still(page);
    violations.push(...(await read(page, ofColour)).map(([id, html]): [string, string] => [`${id} in the dark`, html]));
    for (const [id, html] of violations) if (!exempt.some(([rule, widget]) => rule === id && widget.test(html))) found.push(`${name}: ${id} ${html}`);
  }
  expect(found).toEqual([]);
});
