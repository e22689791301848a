import { Button, PasswordInput, PinInput, Stack, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { call, useGet } from "../api/client";
import { takeEnd } from "../app/mark";
import { useRun } from "../components/bits";
import { Problem } from "../components/problem";

/** SignIn is what somebody sees who is not signed in, or has to choose a password of their own first. */
export function SignIn({ change, done }: { change: boolean; done: () => void }) {
  const [must, setMust] = useState(change);
  return (
    <main className="signin">
      <div className="card">
        <div className="brand">
          <img src="/favicon.svg" alt="" width={30} height={30} />
          <span>Rinca</span>
        </div>
        {must ? <NewPassword done={done} /> : <Credentials next={(m) => (m ? setMust(true) : done())} />}
      </div>
    </main>
  );
}

function Credentials({ next }: { next: (mustChange: boolean) => void }) {
  const form = useRef<HTMLFormElement>(null);
  const [ended] = useState(takeEnd);
  const [code, setCode] = useState(false);
  const [busy, run, error] = useRun();
  useOIDC(next);
  const submit = (totp = "") =>
    run(async () => {
      const data = new FormData(form.current ?? undefined);
      const out = await call("POST /v1/login", { body: { username: String(data.get("username")), password: String(data.get("password")), totp: totp || undefined, cookie: true } });
      if (out.totp_required) return setCode(true);
      form.current?.reset();
      next(Boolean(out.must_change_password));
    });
  return (
    <form
      ref={form}
      onSubmit={(e) => {
        e.preventDefault();
        void submit();
      }}
    >
      <Stack gap="sm">
        <h1>Sign in</h1>
        {ended && <div className="note">Your session has ended. What was not saved was not sent.</div>}
        <div className={code ? "none" : undefined}>
          <Stack gap="sm">
            <TextInput name="username" label="User" autoComplete="username" required autoFocus />
            <PasswordInput name="password" label="Password" autoComplete="current-password" required visibilityToggleButtonProps={{ "aria-label": "Show the password" }} />
          </Stack>
        </div>
        {code && (
          <div>
            <div id="code" className="field lbl">
              Code of your second factor
            </div>
            <PinInput length={6} type="number" oneTimeCode autoFocus aria-labelledby="code" onComplete={(v) => void submit(v)} />
          </div>
        )}
        {error ? <Problem error={error} /> : null}
        {!code && (
          <Button type="submit" loading={busy} size="sm">
            Sign in
          </Button>
        )}
        <Provider />
      </Stack>
    </form>
  );
}

function NewPassword({ done }: { done: () => void }) {
  const [busy, run, error, clear] = useRun();
  const [problem, setProblem] = useState("");
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        const form = e.currentTarget;
        const data = new FormData(form);
        const wanted = String(data.get("new"));
        setProblem(wanted === data.get("again") ? "" : "The two are not the same");
        if (wanted !== data.get("again")) return;
        void run(async () => {
          await call("POST /v1/me/password", { body: { old: String(data.get("old")), new: wanted } });
          form.reset();
          done();
        });
      }}
      onChange={clear}
    >
      <Stack gap="sm">
        <h1>Choose a password</h1>
        <div className="dim">The one that you signed in with counts once. The new one is known to you alone.</div>
        <PasswordInput name="old" label="Password until now" autoComplete="current-password" required autoFocus visibilityToggleButtonProps={{ "aria-label": "Show the password" }} />
        <PasswordInput name="new" label="New password" description="Twelve characters at least; a few words are good" autoComplete="new-password" required minLength={12} visibilityToggleButtonProps={{ "aria-label": "Show the password" }} />
        <PasswordInput name="again" label="New password once more" autoComplete="new-password" required error={problem} visibilityToggleButtonProps={{ "aria-label": "Show the password" }} />
        {error ? <Problem error={error} /> : null}
        <Button type="submit" loading={busy} size="sm">
          Set the password
        </Button>
      </Stack>
    </form>
  );
}

const verifierKey = "rinca-oidc";

/** Provider offers the identity provider, where the server has one. */
function Provider() {
  const there = useGet("GET /v1/version").data?.oidc;
  if (!there) return null;
  const go = async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    const verifier = base64url(bytes);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
    sessionStorage.setItem(verifierKey, verifier);
    location.assign(`/v1/oidc/login?${new URLSearchParams({ challenge: base64url(digest), return: "/" })}`);
  };
  return (
    <Button variant="default" size="sm" onClick={() => void go()}>
      Sign in with your identity provider
    </Button>
  );
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** useOIDC takes up a login that comes back from the identity provider. */
function useOIDC(next: (mustChange: boolean) => void) {
  const once = useRef(false);
  useEffect(() => {
    const code = new URLSearchParams(location.hash.slice(1)).get("code");
    const verifier = sessionStorage.getItem(verifierKey);
    if (!code || !verifier || once.current) return;
    once.current = true;
    sessionStorage.removeItem(verifierKey);
    history.replaceState(null, "", location.pathname);
    call("POST /v1/oidc/exchange", { body: { code, verifier, cookie: true } }).then((out) => next(Boolean(out.must_change_password)), () => undefined);
  }, [next]);
}
