import { Button, Modal, Select, Switch, Tabs, TagsInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { type AgeRule, call, replace, type Rotation as Run, type RotationPolicy, useGet, type Window } from "../api/client";
import { useChoice, useParam } from "../app/search";
import { useSession } from "../app/session";
import { arg, Card, Cli, Empty, Facts, Loaded, many, Page, useRun } from "../components/bits";
import { Icon } from "../components/icon";
import { done, failed, Problem } from "../components/problem";
import { Chip } from "../components/state";
import { Table } from "../components/table";
import { Ago, isSet, Lasting } from "../components/time";
import { WavesView } from "./rotation_waves";

/** Rotation: what changed in the vault, on its way to the stacks that use it. */
export default function Rotation() {
  const [tab, setTab] = useChoice("tab", ["plan", "history", "quarantine", "policy"]);
  const policy = useGet("GET /v1/rotation/policy", {}, { retry: false });
  const quarantine = useGet("GET /v1/quarantine", {}, { retry: false });
  const client = useQueryClient();
  const { admin } = useSession();
  const frozen = policy.data?.frozen;
  const [asking, setAsking] = useState(false);
  const again = () => client.invalidateQueries({ queryKey: ["GET /v1/rotation/policy"] });
  return (
    <Page
      wide
      title={<span className="titlerow">Rotation {frozen && <Chip tone="warn" icon="freeze" text="frozen" />}</span>}
      sub="A changed secret goes to the stacks that use it, in waves, each checked before the next; if one fails, everything is put back."
      actions={
        <>
          <Cli>rinca rotate --plan</Cli>
          {admin &&
            (frozen ? (
              <Button variant="default" onClick={() => void call("POST /v1/rotation/unfreeze").then(again, failed)}>
                Let rotations begin again
              </Button>
            ) : (
              <Button variant="default" leftSection={<Icon name="freeze" size={14} />} onClick={() => setAsking(true)}>
                Freeze
              </Button>
            ))}
        </>
      }
    >
      {frozen && (
        <div className="note warn">
          <Icon name="freeze" />
          <span>
            No rotation begins: {policy.data?.frozen_why || "no reason was given"} ({policy.data?.frozen_by}, <Ago at={policy.data?.frozen_at} />)
          </span>
        </div>
      )}
      <Tabs value={tab} onChange={setTab}>
        <Tabs.List aria-label="Rotation">
          <Tabs.Tab value="plan">What is due</Tabs.Tab>
          <Tabs.Tab value="history">Runs</Tabs.Tab>
          <Tabs.Tab value="quarantine">Quarantine{quarantine.data?.length ? ` (${quarantine.data.length})` : ""}</Tabs.Tab>
          <Tabs.Tab value="policy">Policy</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="plan" pt="md">
          <Due frozen={Boolean(frozen)} />
        </Tabs.Panel>
        <Tabs.Panel value="history" pt="md">
          <History />
        </Tabs.Panel>
        <Tabs.Panel value="quarantine" pt="md">
          <Quarantine />
        </Tabs.Panel>
        <Tabs.Panel value="policy" pt="md">
          <Policy />
        </Tabs.Panel>
      </Tabs>
      <Modal opened={asking} onClose={() => setAsking(false)} title="Freeze rotations">
        <form
          className="form"
          onSubmit={(e) => {
            e.preventDefault();
            const why = String(new FormData(e.currentTarget).get("why") ?? "");
            void call("POST /v1/rotation/freeze", { body: { why } }).then(() => {
              setAsking(false);
              return again();
            }, failed);
          }}
        >
          <div className="dim">Nothing begins until it is lifted. What runs goes on to its end.</div>
          <TextInput name="why" label="Why" placeholder="Moving to the new NAS" data-autofocus />
          <div>
            <Button type="submit">Freeze</Button>
          </div>
        </form>
      </Modal>
    </Page>
  );
}

const isField = (ref: string) => /^op:\/\/[^/]+\/[^/]+\/.+/.test(ref);

/** FieldsOf offers the fields of an item: a new value is made for a field. */
function FieldsOf({ item, pick }: { item: string; pick: (ref: string) => void }) {
  const title = item.replace(/^op:\/\/[^/]+\//, "");
  const q = useGet("GET /v1/vault/items/{item}", { path: { item: title } }, { retry: false });
  return (
    <div>
      <div className="small">Which field of {title} gets a new value?</div>
      <Loaded query={q} lines={1}>
        {(i) => (
          <div className="row">
            {(i.fields ?? []).map((f) => (
              <button key={f.id} type="button" className="tag" onClick={() => pick(`op://${i.vault}/${i.title}/${f.section ? `${f.section}/` : ""}${f.label || f.id}`)}>
                {f.label || f.id}
              </button>
            ))}
            {!i.fields?.length && <span className="dim small">It has no fields</span>}
          </div>
        )}
      </Loaded>
    </div>
  );
}

function Due({ frozen }: { frozen: boolean }) {
  const [given] = useParam("ref");
  const [refs, setRefs] = useState<string[]>(given ? [given] : []);
  const [generate, setGenerate] = useState(false);
  const [plan, setPlan] = useState<Run>();
  const [planning, look, problem] = useRun();
  const [starting, start, refused] = useRun();
  const [now, setNow] = useState(false);
  const go = useNavigate();
  const { may } = useSession();
  const params = () => ({ ...(refs.length ? (generate ? { generate: refs } : { refs }) : {}), ...(now ? { now: true } : {}) });
  const rotate = () =>
    start(async () => {
      const u = await call("POST /v1/executions", { body: { type: "RotateSecrets", params: params() } });
      await go({ to: "/rotation/$id", params: { id: u.id } });
    });
  const nothing = plan && !plan.stacks?.length;
  return (
    <>
      <Card title="What to rotate">
        <div className="form">
          <TagsInput
            size="sm"
            label="Items or fields"
            description="Left empty: everything that has changed in the vault. Press Enter after each"
            placeholder={refs.length ? "" : "op://homelab/postgres.env/POSTGRES_PASSWORD"}
            value={refs}
            onChange={(v) => {
              setRefs(v);
              setPlan(undefined);
            }}
          />
          <Switch
            label="Make new values for these fields first"
            disabled={!refs.length}
            checked={generate}
            onChange={(e) => {
              setGenerate(e.currentTarget.checked);
              setPlan(undefined);
            }}
          />
          {generate && refs.filter((r) => !isField(r)).map((r) => (
            <FieldsOf
              key={r}
              item={r}
              pick={(field) => {
                setRefs((all) => [...all.filter((x) => x !== r), field]);
                setPlan(undefined);
              }}
            />
          ))}
          <div className="row">
            <Button disabled={generate && refs.some((r) => !isField(r))} variant={plan ? "default" : "filled"} loading={planning} onClick={() => void look(async () => setPlan(await call("POST /v1/rotations/plan", { body: params() })))}>
              {plan ? "Plan again" : "Look what would happen"}
            </Button>
            <Cli>{["rinca rotate", generate ? refs.map((r) => `--generate ${arg(r)}`).join(" ") : refs.map(arg).join(" "), "--plan"].filter(Boolean).join(" ")}</Cli>
          </div>
          {problem ? <Problem error={problem} /> : null}
        </div>
      </Card>
      {plan && (
        <>
          <div style={{ height: 14 }} />
          <Card
            flush
            title={nothing ? "Nothing is due: every stack has what the vault says" : `The plan: ${many(plan.items?.length ?? 0, "item")}, ${many(plan.stacks?.length ?? 0, "stack")}, ${many(plan.waves ?? 1, "wave")}`}
            actions={
              !nothing &&
              may("Execute", "Stack") && (
                <>
                  <Switch size="xs" label="Wait for no window" checked={now} onChange={(e) => setNow(e.currentTarget.checked)} />
                  <Button loading={starting} disabled={frozen} onClick={() => void rotate()} leftSection={<Icon name="rotation" size={14} />}>
                    {frozen ? "Frozen" : "Start"}
                  </Button>
                </>
              )
            }
          >
            {refused ? <Problem error={refused} /> : null}
            <Items run={plan} />
            <WavesView run={plan} />
          </Card>
        </>
      )}
    </>
  );
}

/** Items lists what changed in a rotation, by name. */
export function Items({ run }: { run: Run }) {
  if (!run.items?.length) return null;
  return (
    <ul className="attention">
      {run.items.map((i) => (
        <li key={`${i.vault} ${i.item}`}>
          <Icon name="secrets" size={16} />
          <span className="what">
            <Link to="/secrets" search={{ ref: i.title } as never}>
              {i.title}
            </Link>{" "}
            {(i.keys ?? []).map((k) => (
              <code key={k} className="key">
                {k}
              </code>
            ))}{" "}
            {(i.generated ?? []).length > 0 && <span className="dim small">new value for {i.generated?.join(", ")}</span>}
            {i.held && <div className="warn-t small">Held back: {i.held}</div>}
          </span>
          <span className="dim small">version {i.version}</span>
          <span className="row">
            {(i.stacks ?? []).map((s) => (
              <Link key={s} className="tag" to="/stacks/$stack" params={{ stack: s }}>
                {s}
              </Link>
            ))}
          </span>
        </li>
      ))}
    </ul>
  );
}

function History() {
  const q = useGet("GET /v1/rotations", { query: { limit: 100 } });
  const go = useNavigate();
  return (
    <Card flush>
      <Loaded query={q}>
        {(runs) => (
          <Table
            label="Rotations"
            rows={runs}
            id={(r) => r.id}
            open={(r) => void go({ to: "/rotation/$id", params: { id: r.id } })}
            columns={[
              { title: "What", show: (r) => <Link className="mainlink" to="/rotation/$id" params={{ id: r.id }}>{(r.items ?? []).map((i) => i.title).join(", ") || "Look for changes"}</Link> },
              { title: "State", show: (r) => <Chip state={r.state} />, width: "140px" },
              { title: "Came to", show: (r) => <span className="dim">{r.error?.message ?? r.waits ?? r.summary}</span> },
              { title: "Stacks", show: (r) => (r.stacks ?? []).map((s) => s.stack).join(", "), minor: true },
              { title: "Because of", show: (r) => <span className="dim">{r.cause || r.operator}</span>, minor: true },
              { title: "Took", show: (r) => (isSet(r.started_at) ? <Lasting from={r.started_at} to={r.ended_at} /> : ""), width: "90px", minor: true },
              { title: "When", show: (r) => <Ago at={r.created_at} />, width: "110px" },
            ]}
            empty={<Empty icon="rotation" title="Nothing was rotated yet">Change an item in the vault: what uses it shows up under What is due.</Empty>}
          />
        )}
      </Loaded>
    </Card>
  );
}

function Quarantine() {
  const q = useGet("GET /v1/quarantine");
  const { may } = useSession();
  const client = useQueryClient();
  const release = (id: string) =>
    call("POST /v1/quarantine/release", { body: { item: id } }).then(async () => {
      await client.invalidateQueries({ queryKey: ["GET /v1/quarantine"] });
      done("It is let go: the next look carries it to its stacks");
    }, failed);
  return (
    <Card flush>
      <Loaded query={q}>
        {(rows) => (
          <Table
            label="Quarantine"
            rows={rows}
            id={(x) => x.id}
            columns={[
              { title: "Item", show: (x) => <span className="mainlink">{x.title}</span> },
              { title: "Version", show: (x) => x.version, width: "90px" },
              { title: "Why", show: (x) => <span>{x.why}{x.lines?.length ? <pre className="code">{x.lines.join("\n")}</pre> : null}</span> },
              { title: "Stack", show: (x) => x.stack && <Link to="/stacks/$stack" params={{ stack: x.stack }}>{x.stack}</Link>, width: "130px" },
              { title: "Since", show: (x) => <Ago at={x.at} />, width: "110px" },
              { title: "", end: true, width: "170px", show: (x) => <span className="row" style={{ justifyContent: "flex-end" }}>{x.rotation && <Link to="/rotation/$id" params={{ id: x.rotation }}>The run</Link>}{(!x.stack || may("Execute", "Stack", x.stack)) && <Button size="compact-xs" variant="default" onClick={() => void release(x.id)}>Let it go</Button>}</span> },
            ]}
            empty={<Empty icon="ok" title="Nothing is in quarantine">A version of an item that made a stack fail is kept here, away from stacks, until it is changed or let go.</Empty>}
          />
        )}
      </Loaded>
    </Card>
  );
}

function Policy() {
  const q = useGet("GET /v1/rotation/policy");
  const { admin } = useSession();
  const [saved, setSaved] = useState(0);
  return (
    <>
    <Card title="When changes are looked for, and when they are carried out" actions={<Cli>rinca rotate policy</Cli>}>
      <Loaded query={q}>
        {(p) => (
          <>
            <Facts
              items={[
                ["Looks for changes", p.off ? "never: rotations are started by hand" : p.schedule?.text ? p.schedule.text : `every ${p.interval || "minute, or as the vault's budget allows"}`],
                ["Collects changes for", p.batch || "60 s"],
                ["Begins", (p.windows ?? []).map((w) => `${w.days || "every day"} ${w.from} to ${w.to}${w.timezone ? ` (${w.timezone})` : ""}`).join("; ") || "at any time"],
                ["Needs approval", p.approve ? "yes" : "no"],
                ["Services at once", p.at_once || 4],
              ]}
            />
            {admin && <PolicyForm key={saved} now={p} kept={() => setSaved(saved + 1)} />}
          </>
        )}
      </Loaded>
    </Card>
    <div style={{ height: 14 }} />
    <Ages />
    </>
  );
}

/** PolicyForm changes the policy, from what it was when the form was opened. */
function PolicyForm({ now, kept }: { now: RotationPolicy; kept: () => void }) {
  const client = useQueryClient();
  const [busy, run, error] = useRun();
  const [p] = useState(now);
  const [edited, setEdited] = useState<Window[]>();
  return (
    <form
      className="form"
      style={{ marginTop: 16 }}
      onSubmit={(e) => {
        e.preventDefault();
        const data = new FormData(e.currentTarget);
        const body = { ...p, off: data.get("off") === "on" || undefined, approve: data.get("approve") === "on" || undefined, interval: String(data.get("interval") || "") || undefined, batch: String(data.get("batch") || "") || undefined, windows: edited ?? p.windows };
        void run(async () => {
          await replace("GET /v1/rotation/policy", "PUT /v1/rotation/policy", {}, { off: p.off, approve: p.approve, interval: p.interval, batch: p.batch, windows: p.windows, schedule: p.schedule, at_once: p.at_once, frozen: p.frozen }, body as never);
          await client.invalidateQueries({ queryKey: ["GET /v1/rotation/policy"] });
          done("The policy is set");
          kept();
        });
      }}
    >
      <Switch name="off" label="Look for nothing: by hand alone" defaultChecked={p.off} />
      <Switch name="approve" label="A run waits until somebody approves it" defaultChecked={p.approve} />
      <div className="two">
        <TextInput name="interval" label="Look every" placeholder="1m" defaultValue={p.interval} description="A duration such as 90s or 5m" />
        <TextInput name="batch" label="Collect for" placeholder="60s" defaultValue={p.batch} />
      </div>
      <Windows value={edited ?? p.windows ?? []} change={setEdited} />
      {error ? <Problem error={error} /> : null}
      <div>
        <Button type="submit" loading={busy}>
          Set
        </Button>
      </div>
    </form>
  );
}

/** Windows are the times at which a run may begin. */
function Windows({ value, change }: { value: Window[]; change: (w: Window[]) => void }) {
  const at = (i: number, to: Partial<Window>) => change(value.map((w, n) => (n === i ? { ...w, ...to } : w)));
  return (
    <fieldset className="rows">
      <legend>Runs begin {value.length ? "only" : "at any time"}</legend>
      {value.map((w, i) => (
        <div className="row" key={i}>
          <TextInput size="xs" aria-label="Days" placeholder="every day" value={w.days ?? ""} onChange={(e) => at(i, { days: e.currentTarget.value || undefined })} />
          <TextInput size="xs" aria-label="From" placeholder="22:00" required value={w.from} onChange={(e) => at(i, { from: e.currentTarget.value })} w={80} />
          <TextInput size="xs" aria-label="To" placeholder="06:00" required value={w.to} onChange={(e) => at(i, { to: e.currentTarget.value })} w={80} />
          <TextInput size="xs" aria-label="Time zone" placeholder="the server's" value={w.timezone ?? ""} onChange={(e) => at(i, { timezone: e.currentTarget.value.trim() || undefined })} />
          <Button size="compact-xs" variant="default" onClick={() => change(value.filter((_, n) => n !== i))} aria-label={`Remove the time from ${w.from}`}>
            <Icon name="trash" size={13} />
          </Button>
        </div>
      ))}
      <div>
        <Button size="xs" variant="default" leftSection={<Icon name="plus" size={13} />} onClick={() => change([...value, { from: "22:00", to: "06:00" }])}>
          Time
        </Button>
      </div>
    </fieldset>
  );
}

/** Ages say how old secrets may become. */
function Ages() {
  const q = useGet("GET /v1/secrets/policy");
  const { admin } = useSession();
  const client = useQueryClient();
  const [edited, setEdited] = useState<AgeRule[]>();
  const [seen, setSeen] = useState<AgeRule[]>();
  const [busy, run, error] = useRun();
  const [kind, setKind] = useState<"tag" | "item" | "vault" | "all">("tag");
  return (
    <Card title="How old secrets may become" actions={<Cli>rinca secret policy</Cli>}>
      <Loaded query={q}>
        {(p) => {
          const rules = edited ?? p.rules ?? [];
          const edit = (to: AgeRule[]) => {
            if (!edited) setSeen(p.rules);
            setEdited(to);
          };
          return (
            <div className="form">
              {rules.length === 0 && <div className="dim">No rule: nothing becomes overdue. Of several rules the most specific one holds.</div>}
              <ul className="attention">
                {rules.map((r, i) => (
                  <li key={i}>
                    <span className="what">
                      {r.tag ? <>Items tagged <code>{r.tag}</code></> : r.item ? <>The item <code>{r.item}</code></> : r.vault ? <>Everything in the vault <code>{r.vault}</code></> : "Everything"}: at most <strong>{r.max_age}</strong>
                    </span>
                    {admin && (
                      <Button size="compact-xs" variant="default" onClick={() => edit(rules.filter((_, n) => n !== i))}>
                        Remove
                      </Button>
                    )}
                  </li>
                ))}
              </ul>
              {admin && (
                <>
                  <form
                    className="row"
                    onSubmit={(e) => {
                      e.preventDefault();
                      const data = new FormData(e.currentTarget);
                      edit([...rules, { ...(kind === "all" ? {} : { [kind]: String(data.get("what")).trim() }), max_age: String(data.get("age")).trim() }]);
                      e.currentTarget.reset();
                    }}
                  >
                    <Select size="xs" aria-label="What it is about" value={kind} onChange={(v) => setKind((v ?? "tag") as typeof kind)} data={[{ value: "tag", label: "Tag" }, { value: "item", label: "Item" }, { value: "vault", label: "Vault" }, { value: "all", label: "Everything" }]} w={115} allowDeselect={false} />
                    <TextInput size="xs" name="what" aria-label="Its name" required={kind !== "all"} disabled={kind === "all"} placeholder={kind === "tag" ? "database" : kind === "item" ? "postgres.env" : "homelab"} />
                    <TextInput size="xs" name="age" aria-label="Maximum age" required placeholder="90d" w={80} />
                    <Button size="xs" variant="default" type="submit">
                      Add
                    </Button>
                  </form>
                  {error ? <Problem error={error} /> : null}
                  <div className="row">
                    <Button
                      disabled={!edited}
                      loading={busy}
                      onClick={() =>
                        void run(async () => {
                          await replace("GET /v1/secrets/policy", "PUT /v1/secrets/policy", {}, { rules: seen }, { ...p, rules });
                          await client.invalidateQueries({ queryKey: ["GET /v1/secrets/policy"] });
                          setEdited(undefined);
                          done("The rules are set");
                        })
                      }
                    >
                      Set
                    </Button>
                    {edited && (
                      <Button variant="default" onClick={() => setEdited(undefined)}>
                        Leave them as they were
                      </Button>
                    )}
                  </div>
                </>
              )}
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}
