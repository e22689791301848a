// What happens beside the browser: values change in the vault, files in the
// repository, and the server is started again.
import { execFileSync, spawn } from "node:child_process";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const demo = process.env.RINCA_DEMO_DIR ?? "";
const root = resolve(import.meta.dirname, "../..");
const env = {
  PATH: `${root}/bin:${process.env.PATH}`, HOME: demo, TZ: "UTC", DOCKER_HOST: process.env.DOCKER_HOST ?? "",
  RINCA_HOME: join(demo, "apps01/rinca"), DEST_ROOT: join(demo, "apps01/secrets"), XDG_CONFIG_HOME: join(demo, "config"),
  RINCA_HOST: process.env.RINCA_URL ?? "", RINCA_PROVIDER: "embedded", VAULT: "homelab",
};

/** rinca runs a command as the demo does, and returns what it prints. */
export function rinca(args: string[], input = ""): string {
  return execFileSync(`${root}/bin/rinca`, args, { env, input, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] });
}

/** change gives the database another password, in the vault alone. */
export function change(password: string) {
  rinca(["op", "item", "edit", "postgres.env", "--vault", "homelab", `POSTGRES_PASSWORD=${password}`]);
}

/** push changes a file of the repository. */
export function push(path: string, edit: (text: string) => string) {
  const work = join(demo, "work");
  const file = join(work, path);
  writeFileSync(file, edit(readFileSync(file, "utf8")));
  const git = (...args: string[]) => execFileSync("git", ["-C", work, "-c", "user.name=demo", "-c", "user.email=demo@localhost", ...args], { env, stdio: "ignore" });
  git("commit", "-qam", "Change it");
  git("push", "-q", join(demo, "homelab.git"), "HEAD:main");
}

/** restart ends the server and starts it again, at the same address. */
export async function restart() {
  const pid = Number(readFileSync(join(demo, "pid"), "utf8"));
  process.kill(pid, "SIGTERM");
  for (let n = 0; n < 100; n++) {
    try {
      process.kill(pid, 0);
    } catch {
      break;
    }
    await new Promise((r) => setTimeout(r, 100));
  }
  const out = openSync(join(demo, "serve.log"), "a");
  const server = spawn(`${root}/bin/rinca`, ["serve", "--listen", new URL(env.RINCA_HOST).host], { env, detached: true, stdio: ["ignore", out, out] });
  server.unref();
  writeFileSync(join(demo, "pid"), `${server.pid}\n`);
}
