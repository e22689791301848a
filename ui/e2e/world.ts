// What every journey watches: errors in the console, reports of the policy,
// requests to anywhere else, and every byte that the browser receives.
import { test as base, expect, type Page } from "@playwright/test";
import { readFileSync } from "node:fs";

export const user = process.env.RINCA_USER ?? "demo";
export const password = process.env.RINCA_PASSWORD ?? (process.env.RINCA_PASSWORD_FILE ? readFileSync(process.env.RINCA_PASSWORD_FILE, "utf8").trim() : "");
/** Values that must never reach a browser. */
export const canaries = (process.env.RINCA_CANARIES ? readFileSync(process.env.RINCA_CANARIES, "utf8") : "").split("\n").filter((v) => v.length >= 8);

export interface Watch {
  problems: string[];
  /** Answers with these statuses are expected. */
  allow: RegExp[];
}

export const test = base.extend<{ watch: Watch }>({
  watch: [
    async ({ page, baseURL }, use) => {
      const watch: Watch = { problems: [], allow: [] };
      const reading: Promise<void>[] = [];
      await page.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
      });
      page.on("console", (m) => {
        if (m.type() === "error") watch.problems.push(`console: ${m.text()} ${m.location().url}`);
      });
      page.on("pageerror", (e) => watch.problems.push(`page: ${e.message}`));
      page.on("request", (r) => {
        if (!r.url().startsWith(baseURL ?? "") && !/^(data|blob):/.test(r.url())) watch.problems.push(`elsewhere: ${r.url()}`);
        for (const c of canaries) if (r.url().includes(c)) watch.problems.push(`a value in an address: ${r.url().slice(0, 60)}`);
      });
      page.on("response", (r) => {
        if (/text\/event-stream/.test(r.headers()["content-type"] ?? "")) return;
        reading.push(
          r.text().then(
            (text) => {
              for (const c of canaries) if (text.includes(c)) watch.problems.push(`a value in the answer of ${r.url()}`);
            },
            () => undefined,
          ),
        );
      });
      await use(watch);
      await Promise.all(reading);
      const text = await page.evaluate(() => document.documentElement.outerHTML + JSON.stringify({ ...localStorage, ...sessionStorage })).catch(() => "");
      for (const c of canaries) if (text.includes(c)) watch.problems.push("a value is left in the page");
      expect(watch.problems.filter((p) => !watch.allow.some((a) => a.test(p)))).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

export async function signIn(page: Page, name = user, word = password) {
  await page.goto("/");
  await page.getByLabel("User").fill(name);
  await page.getByRole("textbox", { name: "Password" }).fill(word);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("navigation", { name: "Pages" }).or(page.getByRole("navigation", { name: "Main pages" })).first()).toBeVisible();
}

export const everyPage: [string, string][] = [
  ["overview", "/"],
  ["stacks", "/stacks"],
  ["stack-services", "/stacks/authentik"],
  ["stack-logs", "/stacks/authentik?tab=logs"],
  ["stack-deployments", "/stacks/authentik?tab=deployments"],
  ["stack-config", "/stacks/authentik?tab=config"],
  ["stack-env", "/stacks/authentik?tab=env"],
  ["stack-drift", "/stacks/authentik?tab=drift"],
  ["stack-plan", "/stacks/authentik/plan"],
  ["stack-new", "/stacks/new"],
  ["secrets", "/secrets"],
  ["secrets-used", "/secrets?ref=postgres.env"],
  ["secrets-matrix", "/secrets?view=matrix"],
  ["rotation", "/rotation"],
  ["rotation-runs", "/rotation?tab=history"],
  ["rotation-policy", "/rotation?tab=policy"],
  ["procedures", "/procedures"],
  ["schedules", "/procedures?tab=schedules"],
  ["webhooks", "/procedures?tab=webhooks"],
  ["procedure-new", "/procedures/new?make=1"],
  ["sync", "/sync"],
  ["activity", "/activity"],
  ["alerts", "/activity?tab=alerts"],
  ["servers", "/servers"],
  ["settings", "/settings"],
  ["settings-vault", "/settings?tab=vault"],
  ["settings-git", "/settings?tab=git"],
  ["settings-alerters", "/settings?tab=alerters"],
  ["settings-users", "/settings?tab=users"],
  ["settings-groups", "/settings?tab=groups"],
  ["settings-account", "/settings?tab=account"],
  ["settings-audit", "/settings?tab=audit"],
  ["welcome", "/welcome"],
];
