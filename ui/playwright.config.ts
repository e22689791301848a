import { defineConfig } from "@playwright/test";

// The server, its stacks and its engine are real: e2e/run starts them.
export default defineConfig({
  testDir: "e2e",
  timeout: 40_000,
  expect: { timeout: 10_000 },
  workers: 1,
  retries: 1, // a machine that is busy for a moment
  reporter: [["list"]],
  outputDir: "test-results",
  use: {
    baseURL: process.env.RINCA_URL,
    actionTimeout: 10_000,
    trace: "retain-on-failure",
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] },
  },
  projects: [
    { name: "journeys", testMatch: /journey.*\.spec\.ts/ },
    { name: "speed", testMatch: /speed\.spec\.ts/, timeout: 300_000, use: { trace: "off" } },
    { name: "shots", testMatch: /shots\.spec\.ts/, timeout: 300_000 },
  ],
});
