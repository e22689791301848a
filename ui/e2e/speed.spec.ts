// How fast the pages are, as figures: a line of JSON each, nothing asserted.
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rinca } from "./host";
import { signIn, test } from "./world";
import type { Page } from "@playwright/test";

const say = (name: string, ours: number, goal: number, note: string) => console.log(JSON.stringify({ name, ours: Math.round(ours * 10) / 10, goal, note }));
const middle = (v: number[]) => v.sort((a, b) => a - b)[Math.floor(v.length / 2)] ?? 0;
const docker = (...args: string[]) => execFileSync("docker", args, { encoding: "utf8" });

test("a thousand stacks", async ({ page, watch }) => {
  watch.allow.push(/./);
  await signIn(page);
  await page.evaluate(async () => {
    const files = [{ path: "compose.yaml", content: "services:\n  app:\n    image: none\n" }];
    for (let i = 0; i < 1000; i += 20)
      await Promise.all(Array.from({ length: 20 }, (_, j) => fetch("/v1/stacks", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ name: `many-${String(i + j).padStart(4, "0")}`, source: { kind: "inline", files } }) })));
  });
  // The page itself looks, at each frame: to ask it from outside takes longer
  // than what is measured.
  await page.addInitScript(() => {
    const there = () => document.querySelector("main h1") && !document.querySelector("main .mantine-Skeleton-root");
    const look = () => (there() ? requestAnimationFrame(() => setTimeout(() => performance.mark("there"))) : requestAnimationFrame(look));
    look();
  });
  for (const path of ["/", "/stacks", "/secrets", "/rotation", "/procedures", "/sync", "/activity", "/servers", "/settings", "/stacks/many-0001"]) {
    const load: number[] = [];
    for (let n = 0; n < 9; n++) {
      await page.goto("about:blank");
      await page.goto(path, { waitUntil: "commit" });
      load.push(await page.evaluate(() => new Promise<number>((done) => new PerformanceObserver((l) => done(l.getEntries()[0]?.startTime ?? 0)).observe({ type: "mark", buffered: true }))));
    }
    if (path === "/stacks") await page.getByRole("link", { name: "many-0001" }).waitFor({ timeout: 1000 });
    say("page-usable-ms", middle(load), 500, `${path} with 1,000 stacks, from the start of the navigation until a frame with its data was drawn; files from the browser's cache; from ${Math.round(load[0] ?? 0)} to ${Math.round(load.at(-1) ?? 0)}`);
  }
  await page.goto("/stacks");
  await page.getByRole("link", { name: "many-0001" }).waitFor();
  const keys: number[] = [];
  await page.getByLabel("Filter stacks").focus();
  for (const key of ["m", "a", "n", "y", "-", "0", "5", "5"]) {
    keys.push(
      await page.evaluate(async (k) => {
        const input = document.activeElement as HTMLInputElement;
        const begin = performance.now();
        const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set;
        set?.call(input, input.value + k);
        input.dispatchEvent(new Event("input", { bubbles: true }));
        await new Promise((r) => requestAnimationFrame(() => setTimeout(r)));
        return performance.now() - begin;
      }, key),
    );
  }
  say("filter-keystroke-ms", Math.max(...keys), 50, "the slowest of eight keys, until the next frame was drawn");
});

test("logs", async ({ page, watch }) => {
  test.setTimeout((10 + Number(process.env.MINUTES ?? 2)) * 60_000);
  watch.allow.push(/./);
  const dir = mkdtempSync(join(tmpdir(), "speed-"));
  docker("build", "-q", "--help"); // it is there
  execFileSync("sh", ["-c", `cp "$(command -v busybox)" ${dir}/busybox && tar -C ${dir} -c busybox | docker import - speed/busybox`]);
  const compose = "services:\n  app:\n    image: speed/busybox\n    network_mode: none\n    stop_grace_period: 1s\n    command: [/busybox, sh, -c, 'i=0; while [ $$i -lt 100000 ]; do i=$$((i+1)); echo line $$i of many, of about the length that lines have; done; while :; do i=$$((i+1)); echo tick $$i; /busybox sleep 0.05; done']\n";
  writeFileSync(join(dir, "compose.yaml"), compose);
  rinca(["stack", "create", "chatter", "--file", join(dir, "compose.yaml"), "--no-secrets", "--verify-settle", "3s"]);
  rinca(["stack", "deploy", "chatter"]);
  await signIn(page);
  await page.goto("/stacks/chatter?tab=logs");
  await page.getByRole("combobox", { name: "Lines of each container" }).click();
  const begin = Date.now();
  await page.getByRole("option", { name: "All lines" }).click();
  const count = () => page.evaluate(() => Number(/([\d,]+) lines/.exec(document.body.innerText)?.[1]?.replace(/\D/g, "") ?? 0));
  while ((await count()) < 100_000) await page.waitForTimeout(100);
  say("log-100000-lines-ms", Date.now() - begin, 0, "until all of them are on the page");
  const frames = await page.evaluate(async () => {
    const box = document.querySelector('[role="log"]') as HTMLElement;
    const scroller = box.scrollHeight > box.clientHeight ? box : (box.closest(".log") as HTMLElement);
    const taken: number[] = [];
    let last = performance.now();
    for (let i = 0; i < 120; i++) {
      scroller.scrollTop = (scroller.scrollHeight * i) / 120;
      await new Promise((r) => requestAnimationFrame(r));
      taken.push(performance.now() - last);
      last = performance.now();
    }
    return taken.sort((a, b) => a - b);
  });
  say("log-scroll-frame-ms", frames[Math.floor(frames.length * 0.95)] ?? 0, 50, "95% of frames while 100,000 lines are scrolled through");
  await page.getByRole("button", { name: /Follow/ }).first().click();
  const late: number[] = [];
  for (let n = 0; n < 9; n++) {
    const mark = `mark-${n}-${Date.now()}`;
    const seen = page.evaluate(
      (m) =>
        new Promise<number>((resolve) => {
          const look = () => (document.querySelector('[role="log"]')?.textContent?.includes(m) ? resolve(Date.now()) : requestAnimationFrame(look));
          look();
        }),
      mark,
    );
    docker("exec", "chatter-app-1", "/busybox", "sh", "-c", `echo ${mark} > /proc/1/fd/1`);
    const done = Date.now(); // the line was written before that
    late.push(Math.max(0, (await seen) - done));
  }
  say("log-line-on-screen-ms", middle(late), 200, "from the end of the command that wrote a line in the container until it is on the page, among 20 lines a second");
  const heap = async (p: Page) => {
    const session = await p.context().newCDPSession(p);
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = (await session.send("Runtime.getHeapUsage")) as { usedSize: number };
    await session.detach();
    return usedSize / 1e6;
  };
  const minutes = Number(process.env.MINUTES ?? 2);
  const first = await heap(page);
  await page.waitForTimeout(minutes * 60_000);
  say("log-follow-megabytes", (await heap(page)) - first, 0, `more of the heap after ${minutes} minutes of following 20 lines a second, from ${Math.round(first)} MB`);
});
