import { Button, Modal, PasswordInput, PinInput, Select, Switch, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { ApiError, call, keyOf, useGet } from "../api/client";
import { useSession } from "../app/session";
import { arg, Card, Cli, Empty, Loaded, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { done, Problem } from "../components/problem";
import { Once } from "../components/secret";
import { Chip } from "../components/state";
import { Table } from "../components/table";
import { Ago, exact, isSet } from "../components/time";
import { type Grants, Matrix } from "./settings_groups";

export default function Account() {
  return (
    <>
      <Keys />
      <div style={{ height: 14 }} />
      <div className="grid">
        <Password />
        <Factor />
      </div>
      <div style={{ height: 14 }} />
      <Sessions />
    </>
  );
}

/** Keys are the API keys of oneself, or of another user. */
export function Keys({ user }: { user?: string }) {
  const mine = useGet("GET /v1/me/keys", {}, { enabled: !user });
  const theirs = useGet("GET /v1/users/{user}/keys", { path: { user: user ?? "" } }, { enabled: Boolean(user) });
  const q = user ? theirs : mine;
  const [making, setMaking] = useState(false);
  const [once, setOnce] = useState("");
  const [gone, setGone] = useState<string>();
  return (
    <Card
      flush
      title={user ? undefined : "API keys"}
      actions={
        <>
          <Cli>{user ? `rinca apikey list --user ${arg(user)}` : "rinca apikey list"}</Cli>
          <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setMaking(true)}>
            Make a key
          </Button>
        </>
      }
    >
      {once && (
        <div className="pad">
          <Once value={once} close={() => setOnce("")}>
            The new key. It is shown this once, and is kept as a digest alone.
          </Once>
        </div>
      )}
      <Loaded query={q}>
        {(keys) => (
          <Table
            label="API keys"
            rows={keys}
            id={(k) => k.id}
            columns={[
              { title: "Name", show: (k) => <span className="mainlink">{k.name}</span> },
              { title: "May", show: (k) => (k.scope ? <Scope scope={k.scope} /> : user ? "all that they may" : "all that you may") },
              { title: "Last used", show: (k) => <Ago at={k.last_used} />, width: "130px" },
              { title: "Ends", show: (k) => (isSet(k.expires_at) ? <Ago at={k.expires_at} /> : <span className="dim">never</span>), width: "120px" },
              { title: "", end: true, width: "100px", show: (k) => <Button size="compact-xs" variant="default" color="red" onClick={() => setGone(k.name)}>End it</Button> },
            ]}
            empty={<Empty icon="key" title={user ? "There are no API keys" : "You have no API keys"}>Scripts and CI sign in with a key that may do no more than they need.</Empty>}
          />
        )}
      </Loaded>
      <Modal opened={making} onClose={() => setMaking(false)} title="Make an API key" size="xl">
        <MakeKey
          user={user}
          close={() => setMaking(false)}
          made={(key) => {
            setMaking(false);
            setOnce(key);
            void q.refetch();
          }}
        />
      </Modal>
      <Confirm
        opened={Boolean(gone)}
        close={() => setGone(undefined)}
        title={`End the key ${gone}`}
        name={gone}
        action="End it"
        run={async () => {
          await (user ? call("DELETE /v1/users/{user}/keys/{id}", { path: { user, id: gone ?? "" } }) : call("DELETE /v1/me/keys/{id}", { path: { id: gone ?? "" } }));
          await q.refetch();
        }}
      >
        What uses it is refused from now on.
      </Confirm>
    </Card>
  );
}

function Scope({ scope }: { scope: { all?: unknown; permissions?: { target: { type: string; id: string }; level: string }[] } }) {
  return (
    <span className="row">
      {Object.entries((scope.all ?? {}) as Record<string, { level: string }>).map(([k, g]) => (
        <span key={k} className="tag">
          {k}: {g.level}
        </span>
      ))}
      {(scope.permissions ?? []).map((p, i) => (
        <span key={i} className="tag">
          {p.target.type} {p.target.id}: {p.level}
        </span>
      ))}
    </span>
  );
}

const lives: Record<string, number> = { "30": 30, "90": 90, "365": 365, never: 0 };

function MakeKey({ user, close, made }: { user?: string; close: () => void; made: (key: string) => void }) {
  const [bound, setBound] = useState(true);
  const [life, setLife] = useState("90");
  const [grants, setGrants] = useState<Grants>({ all: {}, permissions: [] });
  const [busy, run, error] = useRun();
  return (
    <form
      className="form"
      style={{ maxWidth: "none" }}
      onSubmit={(e) => {
        e.preventDefault();
        const name = String(new FormData(e.currentTarget).get("name")).trim();
        const n = lives[life] ?? 0;
        void run(async () => {
          const body = { name, expires: n ? new Date(Date.now() + n * 86_400_000).toISOString() : undefined, scope: bound ? { all: grants.all as Record<string, { level: "Read" }>, permissions: grants.permissions.filter((p) => p.target.id) } : undefined };
          if (body.scope && !body.scope.permissions.length && !Object.values(body.scope.all).some((g) => g && (g.level as string) !== "None")) throw new ApiError(400, "invalid", "The key may do nothing", "Choose what it may do, or let it do all that its owner may");
          const out = await (user ? call("POST /v1/users/{user}/keys", { path: { user }, body }) : call("POST /v1/me/keys", { body }));
          made(out.key);
        });
      }}
    >
      <div className="two">
        <TextInput name="name" label="Name" required placeholder="ci-deploy" data-autofocus />
        <Select label="Ends in" value={life} onChange={(v) => setLife(v ?? life)} data={[{ value: "30", label: "30 days" }, { value: "90", label: "90 days" }, { value: "365", label: "a year" }, { value: "never", label: "It does not end" }]} />
      </div>
      <Switch label="Bound: it may only do what is chosen here" checked={bound} onChange={(e) => setBound(e.currentTarget.checked)} />
      {bound && <Matrix value={grants} change={setGrants} />}
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button type="submit" loading={busy}>
          Make it
        </Button>
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

function Password() {
  const { me } = useSession();
  const [busy, run, error] = useRun();
  const [problem, setProblem] = useState("");
  if (me.user.subject) return <Card title="Password">You sign in at your identity provider.</Card>;
  return (
    <Card title="Password">
      <form
        className="form"
        onSubmit={(e) => {
          e.preventDefault();
          const form = e.currentTarget;
          const data = new FormData(form);
          if (data.get("new") !== data.get("again")) return setProblem("The two are not the same");
          setProblem("");
          void run(async () => {
            await call("POST /v1/me/password", { body: { old: String(data.get("old")), new: String(data.get("new")) } });
            form.reset();
            done("The password is changed; your other sessions have ended");
          });
        }}
      >
        <input type="text" name="username" autoComplete="username" defaultValue={me.user.name} hidden readOnly />
        <PasswordInput name="old" label="Until now" required autoComplete="current-password" visibilityToggleButtonProps={{ "aria-label": "Show the password" }} />
        <PasswordInput name="new" label="New" required minLength={12} autoComplete="new-password" visibilityToggleButtonProps={{ "aria-label": "Show the password" }} />
        <PasswordInput name="again" label="New, once more" required autoComplete="new-password" error={problem} visibilityToggleButtonProps={{ "aria-label": "Show the password" }} />
        {error ? <Problem error={error} /> : null}
        <div>
          <Button type="submit" loading={busy}>
            Change
          </Button>
        </div>
      </form>
    </Card>
  );
}

function Factor() {
  const { me } = useSession();
  const client = useQueryClient();
  const box = useRef<HTMLElement>(null);
  const [step, setStep] = useState<"" | "on" | "off">("");
  const [busy, run, error, forget] = useRun();
  const finish = (code: string) =>
    run(async () => {
      await call(step === "off" ? "DELETE /v1/me/totp" : "PUT /v1/me/totp", { body: { code } });
      if (box.current) box.current.textContent = "";
      setStep("");
      done(step === "off" ? "The second factor is off" : "The second factor is on");
      await client.invalidateQueries({ queryKey: keyOf("GET /v1/me") });
    });
  const begin = () =>
    run(async () => {
      setStep("on");
      const out = await call("POST /v1/me/totp");
      if (box.current) box.current.textContent = out.secret;
    });
  if (me.user.subject) return null;
  return (
    <Card title={<span className="titlerow">Second factor {me.user.totp ? <Chip tone="good" icon="ok" text="on" /> : <Chip tone="mute" icon="lock" text="off" />}</span>}>
      <div className="form">
        {!step && <div className="dim">A code of six digits from an app on your phone, asked for beside the password.</div>}
        <div className={step === "on" ? "" : "none"}>
          Type this key into the app, and then a code that it shows:
          <div>
            <code ref={box} data-secret className="big" />
          </div>
        </div>
        {step && <PinInput length={6} type="number" oneTimeCode aria-label="Code" onComplete={(v) => void finish(v)} />}
        {error ? <Problem error={error} /> : null}
        <div className="row">
          {!step && (
            <Button variant="default" loading={busy} onClick={() => (me.user.totp ? setStep("off") : void begin())}>
              {me.user.totp ? "Switch it off" : "Switch it on"}
            </Button>
          )}
          {step && (
            <Button
              variant="default"
              onClick={() => {
                if (box.current) box.current.textContent = "";
                forget();
                setStep("");
              }}
            >
              Cancel
            </Button>
          )}
        </div>
      </div>
    </Card>
  );
}

function Sessions() {
  const q = useGet("GET /v1/me/sessions");
  const { me } = useSession();
  const [busy, run] = useRun();
  return (
    <Card
      flush
      title="Sessions"
      actions={
        <Button
          variant="default"
          loading={busy}
          onClick={() =>
            void run(async () => {
              await call("POST /v1/logout-everywhere");
              location.assign("/");
            })
          }
        >
          Sign out everywhere
        </Button>
      }
    >
      <Loaded query={q}>
        {(sessions) => (
          <Table
            label="Sessions"
            rows={sessions}
            id={(s) => s.id}
            columns={[
              { title: "With", show: (s) => <span>{(s.agent ?? "").replace(/^Mozilla.*(Firefox|Edg|Chrome|Safari).*$/, "a browser ($1)").slice(0, 80) || "unknown"} {s.id === me.session?.id && <Chip tone="good" icon="ok" text="this one" />}</span> },
              { title: "Since", show: (s) => <Ago at={s.created_at} />, width: "130px" },
              { title: "Last used", show: (s) => <Ago at={s.last_used} />, width: "130px" },
              { title: "Ends", show: (s) => <span className="dim">{exact(s.expires_at)}</span>, width: "210px", minor: true },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}
