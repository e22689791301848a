// What happens beside the browser: values change in the vault, files in the
// repository, and the server is started again.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
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

/** A server of its own, with an empty home: as somebody has it who has just installed Rinca. */
export class Fresh {
  readonly home = mkdtempSync(join(tmpdir(), "rinca-fresh-"));
  readonly secrets = join(this.home, "secrets");
  url = "";
  oneTime = "";
  private server?: ReturnType<typeof spawn>;

  async start() {
    mkdirSync(this.secrets);
    const { RINCA_PROVIDER: _, RINCA_HOST: __, ...rest } = env;
    const vars = { ...rest, HOME: this.home, RINCA_HOME: join(this.home, "rinca"), DEST_ROOT: this.secrets, XDG_CONFIG_HOME: join(this.home, "config") };
    const server = spawn(`${root}/bin/rinca`, ["serve", "--listen", "127.0.0.1:0"], { env: vars, stdio: ["ignore", "pipe", "ignore"] });
    this.server = server;
    let said = "";
    await new Promise<void>((done, fail) => {
      server.once("exit", () => fail(new Error(`the server ended: ${said}`)));
      server.stdout.on("data", (data) => {
        said += data;
        this.url = /Listening on (\S+)/.exec(said)?.[1] ?? "";
        if (this.url) done();
      });
    });
    this.oneTime = /One-time password, shown only now: (\S+)/.exec(said)?.[1] ?? "";
  }

  /** end removes everything that was made with it. */
  end(project: string) {
    this.server?.kill("SIGKILL");
    for (const id of docker("ps", "-aq", "--filter", `label=com.docker.compose.project=${project}`).split("\n").filter(Boolean)) docker("rm", "-f", id);
    for (const id of docker("network", "ls", "-q", "--filter", `label=com.docker.compose.project=${project}`).split("\n").filter(Boolean)) docker("network", "rm", id);
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** docker asks the engine itself. */
export const docker = (...args: string[]) => execFileSync("docker", args, { env, encoding: "utf8" });

/** restart ends the server and starts it again, at the same address. */
export async function restart(meanwhile?: () => void) {
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
  meanwhile?.();
  const out = openSync(join(demo, "serve.log"), "a");
  const server = spawn(`${root}/bin/rinca`, ["serve", "--listen", new URL(env.RINCA_HOST).host], { env, detached: true, stdio: ["ignore", out, out] });
  server.unref();
  writeFileSync(join(demo, "pid"), `${server.pid}\n`);
}
