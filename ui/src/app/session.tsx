// Who is signed in, and what they may do. What one may not do is not offered;
// the server decides anyway.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, lazy, type ReactNode, Suspense, useContext, useEffect, useMemo, useRef } from "react";
import { ApiError, call, type Me, onSignedOut, useGet } from "../api/client";
import { keepTrue } from "../api/keep";
import { stream } from "../api/stream";
import { Center, Loader } from "@mantine/core";
import { Problem } from "../components/problem";
import { noteEnd, setMark, signedInBefore } from "./mark";
import { untilItAnswers } from "./query";

export type Level = "None" | "Read" | "Execute" | "Write";
const order: Level[] = ["None", "Read", "Execute", "Write"];

interface Session {
  me: Me;
  may: (level: Level, kind: string, name?: string) => boolean;
  reveals: (kind: string, name: string) => boolean;
  admin: boolean;
  signOut: () => Promise<void>;
}

const SignIn = lazy(() => import("../pages/signin").then((m) => ({ default: m.SignIn })));

const Context = createContext<Session | null>(null);

export function useSession(): Session {
  const s = useContext(Context);
  if (!s) throw new Error("nobody is signed in");
  return s;
}

/** matches reports whether the name of a permission covers a resource: a name, a pattern, or \\expression\\. */
export function matches(pattern: string, name: string): boolean {
  try {
    if (pattern.length > 1 && pattern.startsWith("\\") && pattern.endsWith("\\")) return new RegExp(pattern.slice(1, -1)).test(name);
  } catch {
    return false;
  }
  const text = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${text}$`).test(name);
}

type Grant = { level: string; specific?: string[] };

/** grantOn returns the highest level, and whether values may be seen. Without a name it is about any resource of the kind. */
export function grantOn(me: Pick<Me, "rights" | "admin">, kind: string, name?: string): { level: Level; reveal: boolean } {
  if (me.admin) return { level: "Write", reveal: true };
  let level: Level = "None";
  let reveal = false;
  const join = (g?: Grant) => {
    if (!g || g.level === "None") return;
    if (order.indexOf(g.level as Level) > order.indexOf(level)) level = g.level as Level;
    reveal ||= (g.specific ?? []).includes("Reveal");
  };
  for (const r of me.rights) {
    join((r.all as Record<string, Grant> | undefined)?.[kind]);
    for (const p of r.permissions ?? []) {
      if (p.target.type === kind && (name === undefined || matches(p.target.id, name))) join(p as Grant);
    }
  }
  return { level, reveal };
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const me = useGet("GET /v1/me", {}, { retry: untilItAnswers, retryOnMount: false, staleTime: 60_000, refetchInterval: 60_000, refetchOnWindowFocus: true, enabled: signedInBefore() });
  const signedIn = Boolean(me.data) && !me.data?.session?.change_only && !me.data?.user.must_change_password;

  useEffect(
    () =>
      onSignedOut(() => {
        setMark(false);
        noteEnd();
        client.clear();
        location.reload();
      }),
    [client],
  );
  useEffect(() => {
    if (!signedIn) return;
    const off = keepTrue(client);
    stream.start();
    return () => {
      off();
      stream.end();
    };
  }, [client, signedIn]);

  // Who may do other things than before sees other things.
  const rights = me.data && JSON.stringify([me.data.admin, me.data.rights]);
  const before = useRef(rights);
  useEffect(() => {
    if (before.current !== undefined && rights !== before.current) void client.invalidateQueries({ predicate: (q) => q.queryKey[0] !== "GET /v1/me" });
    before.current = rights;
  }, [client, rights]);

  const session = useMemo<Session | null>(() => {
    const who = me.data;
    if (!who) return null;
    return {
      me: who,
      admin: who.admin,
      may: (level, kind, name) => order.indexOf(grantOn(who, kind, name).level) >= order.indexOf(level),
      reveals: (kind, name) => grantOn(who, kind, name).reveal,
      signOut: async () => {
        await call("POST /v1/logout").catch(() => undefined);
        setMark(false);
        location.assign("/");
      },
    };
  }, [me.data]);

  // Who is signed in stays so while the server is away for a moment.
  const refused = me.error instanceof ApiError && me.error.status === 401;
  if (me.error && !refused && !me.data) {
    return (
      <Center mih="100vh" p="lg" component="main">
        <Problem error={me.error} retry={() => void me.refetch()} />
      </Center>
    );
  }
  if (me.isLoading) {
    return (
      <Center mih="100vh" component="main">
        <Loader aria-label="Loading" />
      </Center>
    );
  }
  if (!session || refused || !signedIn) {
    return (
      <Suspense fallback={null}>
        <SignIn
          change={!refused && Boolean(me.data) && !signedIn}
          done={() => {
            setMark(true);
            void me.refetch();
          }}
        />
      </Suspense>
    );
  }
  return <Context.Provider value={session}>{children}</Context.Provider>;
}
