// Small things that every page uses.
import { ActionIcon, Group, Skeleton, Stack } from "@mantine/core";
import { Tooltip } from "./tip";
import { createLink } from "@tanstack/react-router";
import { type AnchorHTMLAttributes, type ReactNode, useEffect, useRef, useState } from "react";
import { Icon, type IconName } from "./icon";
import { ApiError } from "../api/client";
import { copied, Problem } from "./problem";

export function Page({ title, sub, actions, children, wide }: { title: ReactNode; sub?: ReactNode; actions?: ReactNode; children: ReactNode; wide?: boolean }) {
  return (
    <div className={wide ? "page wide" : "page"}>
      <div className="head">
        <div className="grow">
          <h1>{title}</h1>
          {sub && <div className="dim sub">{sub}</div>}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </div>
      {children}
    </div>
  );
}

/** Back leads to where a page hangs. */
export const Back = createLink((p: AnchorHTMLAttributes<HTMLAnchorElement>) => (
  <a {...p} className="back dim small">
    <Icon name="left" size={13} /> {p.children}
  </a>
));

export function Card({ title, actions, children, flush, id }: { title?: ReactNode; actions?: ReactNode; children: ReactNode; flush?: boolean; id?: string }) {
  return (
    <section className={flush ? "card flush" : "card"} id={id}>
      {(title || actions) && (
        <div className="cardhead">
          {title && <h2 className="grow">{title}</h2>}
          {actions}
        </div>
      )}
      {children}
    </section>
  );
}

/** Empty says that there is nothing, and what to do about it. */
export function Empty({ icon, title, children, action }: { icon: IconName; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} size={34} />
      <strong>{title}</strong>
      {children && <div className="dim">{children}</div>}
      {action}
    </div>
  );
}

/** isGone reports whether something is not there, or no longer to be seen: what was loaded of it is not true any more. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 403);
}

/** MayNot stands where somebody has no right to do something. */
export function MayNot({ children }: { children: string }) {
  return (
    <Card>
      <Empty icon="lock" title={`You may not ${children}`}>An administrator gives rights in Settings, Groups: there one also sees why somebody may do something.</Empty>
    </Card>
  );
}

/** Loaded shows what was asked for: a skeleton, what failed, or the answer. */
export function Loaded<T>({ query, children, lines = 4 }: { query: { data?: T; error: unknown; refetch: () => unknown }; children: (data: T) => ReactNode; lines?: number }) {
  if (query.data !== undefined && !isGone(query.error)) return <>{children(query.data)}</>;
  if (query.error) return <Problem error={query.error} retry={() => void query.refetch()} />;
  return (
    <Stack gap="xs" p="md" role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton key={i} h={18} w={`${90 - ((i * 13) % 40)}%`} />
      ))}
    </Stack>
  );
}

/** Cli shows the command that does the same. */
/** many writes a number of things. */
export function many(n: number, word: string): string {
  return `${n.toLocaleString()} ${word}${n === 1 ? "" : "s"}`;
}

/** arg writes one argument as a shell reads it back, whatever is in it. */
export function arg(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function useCopy() {
  const [just, setJust] = useState(false);
  useEffect(() => {
    if (!just) return;
    const t = setTimeout(() => setJust(false), 1500);
    return () => clearTimeout(t);
  }, [just]);
  return { copied: just, copy: (text: string) => void copied(text).then(setJust) };
}

export function Cli({ children }: { children: string }) {
  const clip = useCopy();
  return (
    <span className="cli">
      <code>{children}</code>
      <Tooltip label={clip.copied ? "Copied" : "Copy this command"}>
        <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Copy the command ${children}`} onClick={() => clip.copy(children)}>
          <Icon name={clip.copied ? "ok" : "copy"} size={14} />
        </ActionIcon>
      </Tooltip>
    </span>
  );
}

export function CopyButton({ value, label }: { value: string; label: string }) {
  const clip = useCopy();
  return (
    <Tooltip label={clip.copied ? "Copied" : label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={() => clip.copy(value)}>
        <Icon name={clip.copied ? "ok" : "copy"} size={15} />
      </ActionIcon>
    </Tooltip>
  );
}

/** Facts is a list of names and what they are. */
export function Facts({ items }: { items: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {items
        .filter(([, v]) => v !== undefined && v !== "" && v !== null && v !== false)
        .map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd>{v}</dd>
          </div>
        ))}
    </dl>
  );
}

/** useRun runs something for a button: busy while it does, and what failed. */
export function useRun(): [boolean, (f: () => Promise<unknown>) => Promise<boolean>, unknown, () => void] {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const there = useRef(true);
  useEffect(() => {
    there.current = true;
    return () => {
      there.current = false;
    };
  }, []);
  const run = async (f: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await f();
      return true;
    } catch (e) {
      if (there.current) setError(e);
      return false;
    } finally {
      if (there.current) setBusy(false);
    }
  };
  return [busy, run, error, () => setError(null)];
}
