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
  /** Errors in the console that are expected: answers with a status, a server that is away. */
  allow: RegExp[];
  /** More values that no answer may have. */
  secrets: string[];
  /** also watches another page: somebody else's. */
  also(page: Page): Promise<void>;
}

const stored = () =>
  document.documentElement.outerHTML + [...document.querySelectorAll("input,textarea")].map((i) => (i as HTMLInputElement).value).join("\n") + JSON.stringify({ ...localStorage, ...sessionStorage });

export const test = base.extend<{ watch: Watch }>({
  watch: [
    async ({ page, baseURL }, use) => {
      const reading: Promise<void>[] = [];
      const pages: Page[] = [];
      const watch: Watch = {
        problems: [], allow: [], secrets: [...canaries],
        also: async (p) => {
          pages.push(p);
          await follow(p);
        },
      };
      const search = (text: string, where: string) => {
        for (const c of watch.secrets) if (text.includes(c)) watch.problems.push(`a value in ${where}`);
      };
      const follow = async (p: Page) => {
        await p.addInitScript(() => {
          document.addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
        });
        p.on("console", (m) => {
          const text = `console: ${m.text()} ${m.location().url}`;
          if (m.type() === "error" && (/policy:|Content Security Policy/i.test(text) || !watch.allow.some((a) => a.test(text)))) watch.problems.push(text);
          search(m.text(), "the console");
        });
        p.on("pageerror", (e) => watch.problems.push(`page: ${e.message}`));
        p.on("request", (r) => {
          if (!r.url().startsWith(baseURL ?? "") && !/^(data|blob):/.test(r.url())) watch.problems.push(`elsewhere: ${r.url()}`);
          search(r.url(), `an address: ${r.url().slice(0, 60)}`);
        });
        p.on("response", (r) => {
          if (/text\/event-stream/.test(r.headers()["content-type"] ?? "")) return; // it does not end; its events are below
          reading.push(r.text().then((text) => search(text, `the answer of ${r.url()}`), () => undefined));
        });
        const events = await p.context().newCDPSession(p);
        await events.send("Network.enable");
        events.on("Network.eventSourceMessageReceived", (e) => search(e.data, "an event"));
      };
      await watch.also(page);
      await use(watch);
      await Promise.race([Promise.all(reading), new Promise((r) => setTimeout(r, 10_000))]); // one that was broken off has no end
      for (const p of pages) search(await p.evaluate(stored).catch(() => ""), "the page, or what it keeps");
      expect(watch.problems).toEqual([]);
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
  ["secrets-vault", "/secrets?view=vault"],
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
