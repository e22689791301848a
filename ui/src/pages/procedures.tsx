import { Button, Menu, Modal, Switch, Tabs, TagsInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { absolute, call, replace, type Procedure, type Scheduled, useGet, type Webhook, type WebhookOf } from "../api/client";
import { useChoice } from "../app/search";
import { useSession } from "../app/session";
import { arg, Card, Cli, Empty, Loaded, Page, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { copied, done, failed, Problem } from "../components/problem";
import { Once, typed, WriteOnly } from "../components/secret";
import { useRunProcedure } from "../components/run";
import { Chip } from "../components/state";
import { Table } from "../components/table";
import { Ago, ago, exact, ofDay } from "../components/time";

export default function Procedures() {
  const [tab, setTab] = useChoice("tab", ["procedures", "schedules", "webhooks"]);
  const go = useNavigate();
  const { may } = useSession();
  return (
    <Page
      wide
      title="Procedures"
      sub="Stages in order, by hand, by schedule or by webhook"
      actions={
        <>
          <Cli>{tab === "webhooks" ? "rinca webhook list" : tab === "schedules" ? "rinca schedule list" : "rinca procedure list"}</Cli>
          {may("Write", "Procedure") && (
            <Button leftSection={<Icon name="plus" size={15} />} onClick={() => void go({ to: "/procedures/$procedure", params: { procedure: "new" }, search: { make: "1" } as never })}>
              Add a procedure
            </Button>
          )}
        </>
      }
    >
      <Tabs value={tab} onChange={setTab}>
        <Tabs.List aria-label="Procedures">
          <Tabs.Tab value="procedures">Procedures</Tabs.Tab>
          <Tabs.Tab value="schedules">Schedules</Tabs.Tab>
          <Tabs.Tab value="webhooks">Webhooks</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="procedures" pt="md">
          <List />
        </Tabs.Panel>
        <Tabs.Panel value="schedules" pt="md">
          <Schedules />
        </Tabs.Panel>
        <Tabs.Panel value="webhooks" pt="md">
          <Webhooks />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function List() {
  const q = useGet("GET /v1/procedures");
  const schedules = useGet("GET /v1/schedules", {}, { retry: false });
  const { may } = useSession();
  const go = useNavigate();
  const [asking, setAsking] = useState<Procedure>();
  const [started, run] = useRunProcedure();
  return (
    <Card flush>
      <Loaded query={q}>
        {(rows) => (
          <Table
            label="Procedures"
            rows={rows}
            id={(p) => p.name}
            open={(p) => void go({ to: "/procedures/$procedure", params: { procedure: p.name } })}
            columns={[
              { title: "Procedure", sort: (p) => p.name, show: (p) => <span><Link className="mainlink" to="/procedures/$procedure" params={{ procedure: p.name }}>{p.name}</Link><div className="dim small">{p.description}</div></span> },
              { title: "Stages", show: (p) => <span className="dim">{p.stages.map((s) => s.name).join(" → ")}</span> },
              { title: "Runs", show: (p) => <When s={schedules.data?.find((s) => s.target.type === "Procedure" && s.target.id === p.name)} text={p.schedule?.text} /> },
              { title: "", end: true, width: "100px", show: (p) => may("Execute", "Procedure", p.name) && <Button size="compact-xs" loading={started === p.name} disabled={Boolean(started)} onClick={() => ((p.parameters ?? []).length ? setAsking(p) : void run(p.name))}>Run</Button> },
            ]}
            empty={<Empty icon="procedures" title="There are no procedures">A procedure runs stages one after another: export the secrets, deploy what uses them, make a backup.</Empty>}
          />
        )}
      </Loaded>
      <Modal opened={Boolean(asking)} onClose={() => setAsking(undefined)} title={`Run ${asking?.name}`}>
        <form
          className="form"
          onSubmit={(e) => {
            e.preventDefault();
            const data = new FormData(e.currentTarget);
            const params = Object.fromEntries((asking?.parameters ?? []).map((p) => [p.name, String(data.get(p.name) ?? "")]).filter(([, v]) => v));
            if (asking) void run(asking.name, params);
          }}
        >
          {(asking?.parameters ?? []).map((p) => (
            <TextInput key={p.name} name={p.name} label={p.name} description={p.description} placeholder={p.default} required={p.required && !p.default} />
          ))}
          <div>
            <Button type="submit" loading={Boolean(started)}>Run</Button>
          </div>
        </form>
      </Modal>
    </Card>
  );
}

function When({ s, text }: { s?: Scheduled; text?: string }) {
  if (!text) return <span className="dim">by hand{" "}</span>;
  return (
    <span>
      {text}
      {s?.error ? <div className="bad-t small">{s.error}</div> : s?.schedule.disabled ? <div className="dim small">switched off</div> : s?.next?.[0] ? <div className="dim small">next <Ago at={s.next[0]} /></div> : null}
    </span>
  );
}

const day = 86_400_000;

/** week puts the next times of schedules into the hours of seven days. */
export function week(all: Pick<Scheduled, "target" | "next" | "schedule">[], from: Date): { at: Date; name: string; kind: string; day: number; hour: number }[] {
  const start = new Date(from.getFullYear(), from.getMonth(), from.getDate()).getTime();
  return all
    .filter((s) => !s.schedule.disabled)
    .flatMap((s) => (s.next ?? []).map((n) => ({ at: new Date(n), name: s.target.id, kind: s.target.type })))
    .map((x) => ({ ...x, day: Math.floor((new Date(x.at.getFullYear(), x.at.getMonth(), x.at.getDate()).getTime() - start + 2 * 3_600_000) / day), hour: x.at.getHours() }))
    .filter((x) => x.day >= 0 && x.day < 7)
    .sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** within counts how often each thing runs. */
function within(items: ReturnType<typeof week>) {
  const out = new Map<string, { first: (typeof items)[number]; times: number }>();
  for (const i of items) {
    const key = `${i.kind} ${i.name}`;
    const known = out.get(key);
    if (known) known.times++;
    else out.set(key, { first: i, times: 1 });
  }
  return [...out.values()];
}

function Schedules() {
  const q = useGet("GET /v1/schedules", { query: { days: 7 } });
  const now = new Date();
  return (
    <>
      <Card flush title="What runs by itself">
        <Loaded query={q}>
          {(rows) => (
            <Table
              label="Schedules"
              rows={rows}
              id={(s) => `${s.target.type} ${s.target.id} ${s.execution}`}
              columns={[
                { title: "What", sort: (s) => s.target.id, show: (s) => (s.target.type === "Procedure" ? <Link className="mainlink" to="/procedures/$procedure" params={{ procedure: s.target.id }}>{s.target.id}</Link> : <span className="mainlink">{s.target.id || s.execution}</span>) },
                { title: "When", show: (s) => <span>{s.schedule.text} {s.schedule.disabled && <Chip tone="mute" icon="stop" text="off" />}{s.error && <div className="bad-t small">{s.error}</div>}{s.cron && <div className="dim small"><code>{s.cron}</code>{s.zone ? ` ${s.zone}` : ""}</div>}</span> },
                { title: "Next", sort: (s) => s.next?.[0] ?? "~", show: (s) => (s.next ?? []).slice(0, 3).map((n) => <div key={n} title={exact(n)} className="small">{ago(n)} <span className="dim">{new Date(n).toLocaleString(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit" })}</span></div>) },
                { title: "Last", show: (s) => (s.last_run ? <Link to="/activity/$id" params={{ id: s.last_run }}><Ago at={s.last} /></Link> : <Ago at={s.last} />), width: "120px" },
                { title: "Missed", show: (s) => (s.missed ? <Chip tone="warn" icon="warn" text={String(s.missed)} /> : ""), width: "90px", minor: true },
              ]}
              empty={<Empty icon="wait" title="Nothing runs by itself">A procedure or a sync with a schedule shows up here, with its next times.</Empty>}
            />
          )}
        </Loaded>
      </Card>
      {(q.data?.length ?? 0) > 0 && (
        <>
          <div style={{ height: 14 }} />
          <Card flush title="The next seven days">
            <Week items={week(q.data ?? [], now)} from={now} />
          </Card>
        </>
      )}
    </>
  );
}

function Week({ items, from }: { items: ReturnType<typeof week>; from: Date }) {
  const hours = [...new Set(items.map((i) => i.hour))].sort((a, b) => a - b);
  if (!hours.length) return <div className="pad dim">Nothing in the next seven days, of the times that are known</div>;
  return (
    <div className="week" tabIndex={0} role="group" aria-label="Week">
      <div className="hd" />
      {Array.from({ length: 7 }, (_, d) => (
        <div key={d} className="hd">
          {new Date(from.getTime() + d * day).toLocaleDateString(undefined, { weekday: "short", day: "numeric" })}
        </div>
      ))}
      {hours.map((h) => [
        <div key={`h${h}`} className="hr">
          {String(h).padStart(2, "0")}:00
        </div>,
        ...Array.from({ length: 7 }, (_, d) => (
          <div key={`${h}-${d}`}>
            {within(items.filter((i) => i.hour === h && i.day === d)).map(({ first: i, times }) =>
              i.kind === "Procedure" ? (
                <Link key={`${i.kind} ${i.name}`} to="/procedures/$procedure" params={{ procedure: i.name }} title={`${ofDay(i.at)} ${i.name}`}>
                  {i.name}
                  {times > 1 && ` ×${times}`}
                </Link>
              ) : (
                <span key={`${i.kind} ${i.name}`} className="tag">{i.name || "rotation"}{times > 1 && ` ×${times}`}</span>
              ),
            )}
          </div>
        )),
      ])}
    </div>
  );
}

function Webhooks() {
  const q = useGet("GET /v1/webhooks");
  const deliveries = useGet("GET /v1/deliveries", { query: { limit: 50 } });
  const client = useQueryClient();
  const { may, admin } = useSession();
  const [secret, setSecret] = useState<WebhookOf | "all">();
  const [once, setOnce] = useState("");
  const [gone, setGone] = useState<WebhookOf>();
  const [when, setWhen] = useState<WebhookOf>();
  const name = (w: WebhookOf) => w.target?.id ?? "every webhook";
  return (
    <>
      {once && (
        <div style={{ marginBottom: 14 }}>
          <Once value={once} close={() => setOnce("")}>
            The new secret. It is shown this once: put it into the settings of the repository.
          </Once>
        </div>
      )}
      <Card flush title="Addresses" actions={admin && <Button variant="default" onClick={() => setSecret("all")}>Secret for all of them</Button>}>
        <Loaded query={q}>
          {(rows) => (
            <Table
              label="Webhooks"
              rows={rows.filter((w) => w.target)}
              id={(w) => `${w.target?.type} ${w.target?.id}`}
              columns={[
                { title: "Starts", sort: name, show: (w) => <span><span className="mainlink">{name(w)}</span><div className="dim small">{w.target?.type}</div></span> },
                { title: "When", show: (w) => <span className="dim">{w.webhook?.disabled ? "switched off" : [w.webhook?.branch && `branch ${w.webhook.branch}`, w.webhook?.tags?.length && `tags ${w.webhook.tags.join(", ")}`, w.webhook?.paths?.length && `files ${w.webhook.paths.join(", ")}`].filter(Boolean).join(" · ") || "a push to its branch"}</span> },
                { title: "Secret", show: (w) => (w.has_secret ? <Chip tone="good" icon="lock" text="set" /> : <Chip tone="warn" icon="warn" text="none: refused" />), width: "140px" },
                {
                  title: "", end: true, width: "430px",
                  show: (w) => (
                    <span className="row" style={{ justifyContent: "flex-end" }}>
                      <Menu position="bottom-end">
                        <Menu.Target>
                          <Button size="compact-xs" variant="default" leftSection={<Icon name="copy" size={13} />}>
                            Copy the address
                          </Button>
                        </Menu.Target>
                        <Menu.Dropdown>
                          {Object.entries({ ...w.urls, ...(w.named_urls ?? {}) }).map(([from, url]) => (
                            <Menu.Item key={from + url} onClick={() => void copied(absolute(url), `The address for ${from} is copied`)}>
                              {from}
                            </Menu.Item>
                          ))}
                        </Menu.Dropdown>
                      </Menu>
                      {w.target && may("Write", w.target.type, w.target.id) && (
                        <>
                          <Button size="compact-xs" variant="default" onClick={() => setWhen(w)}>Which pushes</Button>
                          <Button size="compact-xs" variant="default" onClick={() => setSecret(w)}>Set the secret</Button>
                          {w.has_secret && w.secret === "own" && <Button size="compact-xs" variant="default" color="red" onClick={() => setGone(w)}>Remove it</Button>}
                        </>
                      )}
                    </span>
                  ),
                },
              ]}
              empty={<Empty icon="git" title="There are no webhooks">Every stack, procedure and sync has one. Add a stack, and its address is here.</Empty>}
            />
          )}
        </Loaded>
      </Card>
      <div style={{ height: 14 }} />
      <Card flush title="Deliveries">
        <Loaded query={deliveries}>
          {(rows) => (
            <Table
              label="Deliveries"
              rows={rows}
              id={(d) => d.id}
              columns={[
                { title: "When", show: (d) => <Ago at={d.at} />, width: "110px" },
                { title: "From", show: (d) => <span>{d.provider} <span className="dim">{d.event}</span></span>, width: "150px" },
                { title: "Push", show: (d) => <span>{d.ref?.replace("refs/heads/", "")} {d.commit && <code>{d.commit.slice(0, 8)}</code>} <span className="dim">{d.author}</span></span> },
                { title: "Came to", show: (d) => (d.started?.length ? d.started.map((s) => <Link key={s.update} to="/activity/$id" params={{ id: s.update }}>{s.execution} {s.target.id}{s.joined ? " (joined)" : ""}</Link>) : <span className="dim">{d.waits || d.ignored || d.note}</span>) },
                { title: "", end: true, width: "120px", show: (d) => (d.target ? may("Execute", d.target.type, d.target.id) : admin) && <Button size="compact-xs" variant="default" onClick={() => void call("POST /v1/deliveries/{delivery}/redeliver", { path: { delivery: d.id } }).then(async () => { await client.invalidateQueries({ queryKey: ["GET /v1/deliveries"] }); done("It is delivered again"); }, failed)}>Deliver again</Button> },
              ]}
              empty={<Empty icon="activity" title="Nothing was delivered yet" />}
            />
          )}
        </Loaded>
      </Card>
      <Modal opened={Boolean(secret)} onClose={() => setSecret(undefined)} title="Secret of the webhook">
        {secret && (
          <SecretForm
            of={secret}
            close={(made) => {
              setSecret(undefined);
              if (made) setOnce(made);
              void client.invalidateQueries({ queryKey: ["GET /v1/webhooks"] });
            }}
          />
        )}
      </Modal>
      <Modal opened={Boolean(when)} onClose={() => setWhen(undefined)} title={`Pushes that start ${when?.target?.id ?? ""}`}>
        {when?.target && <WhenForm kind={when.target.type as keyof typeof hooked} name={when.target.id} seen={when.webhook} close={() => setWhen(undefined)} />}
      </Modal>
      <Confirm
        opened={Boolean(gone)}
        close={() => setGone(undefined)}
        title="Remove the secret"
        action="Remove"
        run={async () => {
          if (!gone?.target) return;
          await call("DELETE /v1/webhooks/{kind}/{target}/secret", { path: { kind: gone.target.type, target: gone.target.id } });
          await client.invalidateQueries({ queryKey: ["GET /v1/webhooks"] });
        }}
      >
        Deliveries that are signed with it are refused from now on.
      </Confirm>
    </>
  );
}

const hooked = {
  Stack: { path: "stack", read: "GET /v1/stacks/{stack}", put: "PUT /v1/stacks/{stack}" },
  Procedure: { path: "procedure", read: "GET /v1/procedures/{procedure}", put: "PUT /v1/procedures/{procedure}" },
  ResourceSync: { path: "sync", read: "GET /v1/syncs/{sync}", put: "PUT /v1/syncs/{sync}" },
  Repo: { path: "repo", read: "GET /v1/repos/{repo}", put: "PUT /v1/repos/{repo}" },
} as const;

/** WhenForm says which pushes start something. */
function WhenForm({ kind, name, seen, close }: { kind: keyof typeof hooked; name: string; seen?: Webhook; close: () => void }) {
  const [w, set] = useState<Webhook>(seen ?? {});
  const [busy, run, error] = useRun();
  const client = useQueryClient();
  const put = (part: Partial<Webhook>) => set({ ...w, ...part });
  const of = hooked[kind];
  const flags = [["--branch", w.branch], ["--tags", w.tags?.join(",")], ["--paths", w.paths?.join(",")], ["--path", w.path]].filter(([, v]) => v).map(([f, v]) => `${f} ${arg(v ?? "")}`);
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault();
        void run(async () => {
          await replace(of.read, of.put, { [of.path]: name }, { webhook: seen }, (now) => ({ ...now, webhook: w }));
          await client.invalidateQueries({ queryKey: ["GET /v1/webhooks"] });
          done("It is kept");
          close();
        });
      }}
    >
      <Switch label="Pushes start it" checked={!w.disabled} onChange={(e) => put({ disabled: !e.currentTarget.checked || undefined })} />
      <TextInput label="Branch" description="Or a pattern; * is any. Empty: the branch of its source." value={w.branch ?? ""} onChange={(e) => put({ branch: e.currentTarget.value || undefined })} />
      <TagsInput label="Files" description="Patterns, with * and **. A push that touches none of them starts nothing. None: the files it is made of." value={w.paths ?? []} onChange={(v) => put({ paths: v.length ? v : undefined })} />
      <TagsInput label="Tags" description="Patterns of tags whose push starts it. None: no tag does." value={w.tags ?? []} onChange={(v) => put({ tags: v.length ? v : undefined })} />
      <TextInput label="Name in the address" description="Beside the usual one." value={w.path ?? ""} onChange={(e) => put({ path: e.currentTarget.value || undefined })} />
      {kind === "Stack" && <Switch label="Deploy even when nothing differs" checked={Boolean(w.force)} onChange={(e) => put({ force: e.currentTarget.checked || undefined })} />}
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button type="submit" loading={busy}>
          Keep
        </Button>
        <Cli>{["rinca webhook set", arg(`${of.path}/${name}`), ...flags, w.disabled ? "--disable" : "", w.force ? "--force" : ""].filter(Boolean).join(" ")}</Cli>
      </div>
    </form>
  );
}

function SecretForm({ of, close }: { of: WebhookOf | "all"; close: (made?: string) => void }) {
  const [own, setOwn] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const [busy, run, error] = useRun();
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault();
        const body = own ? { secret: typed(input) } : { generate: true };
        void run(async () => {
          const out = of === "all" ? await call("PUT /v1/webhook-secret", { body }) : await call("PUT /v1/webhooks/{kind}/{target}/secret", { path: { kind: of.target?.type ?? "", target: of.target?.id ?? "" }, body });
          close((out as { secret?: string } | undefined)?.secret);
        });
      }}
    >
      <Switch label="I have one already" checked={own} onChange={(e) => setOwn(e.currentTarget.checked)} />
      {own ? <WriteOnly input={input} label="Secret" required /> : <div className="dim">A new one is made, and shown this once.</div>}
      {error ? <Problem error={error} /> : null}
      <div>
        <Button type="submit" loading={busy}>
          {own ? "Keep it" : "Make one"}
        </Button>
      </div>
    </form>
  );
}

