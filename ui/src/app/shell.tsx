import { ActionIcon, AppShell, Burger, Group, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { Tooltip } from "../components/tip";
import { useDisclosure } from "@mantine/hooks";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { useGet } from "../api/client";
import { useStreamState } from "../api/stream";
import { Icon } from "../components/icon";
import { Keys } from "./keys";
import { pages } from "./pages";
import { useSession } from "./session";

const Palette = lazy(() => import("./palette"));

export function Shell() {
  const [menu, { toggle, close }] = useDisclosure();
  const [palette, setPalette] = useState(false);
  const path = useRouterState({ select: (s) => s.location.pathname });
  const go = useNavigate();
  const { me, signOut } = useSession();
  useEffect(() => {
    void path;
    close();
  }, [path, close]);
  useEffect(() => {
    const f = (e: KeyboardEvent) => {
      if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") {
        e.preventDefault();
        setPalette(true);
      }
    };
    document.addEventListener("keydown", f);
    return () => document.removeEventListener("keydown", f);
  }, []);
  const page = pages.findLast((p) => (p.path === "/" ? path === "/" : path.startsWith(p.path)));
  useEffect(() => {
    const rest = path.split("/").slice(2).map(decodeURIComponent).join(" ");
    document.title = [rest, page?.title ?? "Rinca", "Rinca"].filter(Boolean).join(" · ");
  }, [page, path]);
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 208, breakpoint: "sm", collapsed: { mobile: !menu } }} padding={0}>
      <a href="#main" className="skip">
        Skip to the page
      </a>
      <AppShell.Header className="top">
        <Burger opened={menu} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
        <Link to="/" className="brand" aria-label="Rinca, overview">
          <img src="/favicon.svg" alt="" width={24} height={24} />
          <span>Rinca</span>
        </Link>
        <UnstyledButton className="find" onClick={() => setPalette(true)}>
          <Icon name="search" size={15} />
          <span className="grow">Search or run</span>
          <kbd aria-hidden="true">Ctrl K</kbd>
        </UnstyledButton>
        <Live />
        <Running />
        <Scheme />
        <Link to="/settings" search={{ tab: "account" } as never} className="me" aria-label={`Account of ${me.user.name}`}>
          <Icon name="user" size={17} />
          <span className="wide-only">{me.user.name}</span>
        </Link>
      </AppShell.Header>
      <AppShell.Navbar className="side" aria-label="Pages">
        {pages.map((p) => (
          <Link key={p.path} to={p.path} className={p === page ? "nav on" : "nav"} aria-current={p === page ? "page" : undefined}>
            <Icon name={p.icon} />
            <span className="grow">{p.title}</span>
            {p.path === "/activity" && <OpenAlerts />}
          </Link>
        ))}
        <div className="grow" />
        <button type="button" className="nav" onClick={() => void signOut()}>
          <Icon name="external" />
          <span className="grow">Sign out</span>
        </button>
        <div className="side-foot dim small">
          <Version />
          <span>
            <kbd>?</kbd> shows the keys
          </span>
        </div>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Suspense fallback={<div className="page dim">Loading</div>}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
      <nav className="phonebar" aria-label="Main pages">
        {pages
          .filter((p) => p.phone)
          .map((p) => (
            <Link key={p.path} to={p.path} className={p === page ? "on" : ""} aria-current={p === page ? "page" : undefined}>
              <Icon name={p.icon} size={20} />
              {p.title}
            </Link>
          ))}
        <button type="button" onClick={toggle}>
          <Icon name="menu" size={20} />
          More
        </button>
      </nav>
      <Keys go={(to) => void go({ to })} />
      {palette && (
        <Suspense fallback={null}>
          <Palette close={() => setPalette(false)} />
        </Suspense>
      )}
    </AppShell>
  );
}

function Version() {
  const v = useGet("GET /v1/version", {}, { staleTime: Number.POSITIVE_INFINITY });
  return <span>{v.data ? `Rinca ${v.data.version}` : ""}</span>;
}

/** Live says when what is shown may be old. */
function Live() {
  const state = useStreamState();
  const [late, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    if (state === "open") return;
    const t = setTimeout(() => setLate(true), 2500);
    return () => clearTimeout(t);
  }, [state]);
  return (
    <span role="status" className="live">
      {late && state !== "open" ? <span className="chip warn">Reconnecting</span> : null}
    </span>
  );
}

function Running() {
  const q = useGet("GET /v1/updates", { query: { state: "running", limit: 50 } });
  const n = (q.data ?? []).filter((u) => u.state === "running").length;
  if (!n) return null;
  return (
    <Link to="/activity" search={{ state: "running" } as never} className="chip busy">
      <span className="pulse" />
      {n} running
    </Link>
  );
}

function OpenAlerts() {
  const q = useGet("GET /v1/alerts", { query: { open: true, limit: 100 } }, { retry: false });
  const n = (q.data ?? []).filter((a) => !a.resolved && !a.once).length;
  return n ? (
    <span className="count" title={`${n} open alerts`}>
      {n}
    </span>
  ) : null;
}

function Scheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const next = colorScheme === "auto" ? "light" : colorScheme === "light" ? "dark" : "auto";
  const words = { auto: "as the system", light: "light", dark: "dark" };
  return (
    <Tooltip label={`Colours: ${words[colorScheme]}`}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Colours: ${words[colorScheme]}. Change to ${words[next]}`} onClick={() => setColorScheme(next)}>
        <Icon name={colorScheme === "auto" ? "auto" : colorScheme === "light" ? "sun" : "moon"} />
      </ActionIcon>
    </Tooltip>
  );
}

export function NotFound() {
  return (
    <div className="page">
      <h1>There is no such page</h1>
      <Group mt="md">
        <Link to="/">To the overview</Link>
      </Group>
    </div>
  );
}
