import { Button, Select, Tabs, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useMemo, useState } from "react";
import { type Alert, call, type Update, useGet } from "../api/client";
import { useChoice, useParam, useTyped } from "../app/search";
import { useSession } from "../app/session";
import { Card, Cli, Empty, Loaded, Page } from "../components/bits";
import { Icon } from "../components/icon";
import { done, failed } from "../components/problem";
import { Chip, UpdateChip } from "../components/state";
import { Table } from "../components/table";
import { Ago, Lasting } from "../components/time";
import { AlertWords } from "./overview";

export default function Activity() {
  const [tab, setTab] = useChoice("tab", ["updates", "alerts"]);
  return (
    <Page title="Activity" sub="What was done, what runs, and what is wrong" actions={<Cli>{tab === "alerts" ? "rinca alert list" : "rinca update list"}</Cli>} wide>
      <Tabs value={tab} onChange={setTab}>
        <Tabs.List aria-label="Kinds of activity">
          <Tabs.Tab value="updates">Updates</Tabs.Tab>
          <Tabs.Tab value="alerts">Alerts</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="updates" pt="md">
          <Updates />
        </Tabs.Panel>
        <Tabs.Panel value="alerts" pt="md">
          <Alerts />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Updates() {
  const [state, setState] = useParam("state");
  const [text, setText] = useTyped("q");
  const go = useNavigate();
  const first = useGet("GET /v1/updates", { query: { limit: 200, state: state || undefined } });
  const [older, setOlder] = useState<Update[]>([]);
  const [end, setEnd] = useState(false);
  const filter = useDeferredValue(text);
  const rows = useMemo(() => {
    const seen = new Set<string>();
    const low = filter.toLowerCase();
    return [...(first.data ?? []), ...older].filter((u) => {
      if (seen.has(u.id) || (state && u.state !== state)) return false;
      seen.add(u.id);
      return !low || `${u.execution.type} ${u.target.id} ${u.operator} ${u.trigger ?? ""} ${u.cause ?? ""} ${u.summary ?? ""} ${u.error?.message ?? ""}`.toLowerCase().includes(low);
    });
  }, [first.data, older, filter, state]);
  const more = async () => {
    const last = [...(first.data ?? []), ...older].at(-1);
    if (!last) return;
    try {
      const page = await call("GET /v1/updates", { query: { limit: 200, before: last.id, state: state || undefined } });
      setOlder((o) => [...o, ...page]);
      setEnd(page.length < 200);
    } catch (e) {
      failed(e);
    }
  };
  return (
    <>
      <div className="filters" style={{ marginBottom: 12 }}>
        <TextInput data-filter aria-label="Filter updates" placeholder="Filter  /" value={text} onChange={(e) => setText(e.currentTarget.value)} leftSection={<Icon name="search" size={15} />} />
        <Select
          aria-label="State"
          w={150}
          value={state}
          onChange={(v) => {
            setOlder([]);
            setEnd(false);
            setState(v ?? "");
          }}
          data={[{ value: "", label: "Every state" }, ...["running", "queued", "succeeded", "failed", "canceled", "interrupted"].map((s) => ({ value: s, label: s }))]}
        />
      </div>
      <Card flush>
        <Loaded query={first} lines={8}>
          {(all) => (
            <>
              <Table
                label="Updates"
                rows={rows}
                id={(u) => u.id}
                open={(u) => void go({ to: "/activity/$id", params: { id: u.id } })}
                columns={[
                  { title: "Run", show: (u) => <Link to="/activity/$id" params={{ id: u.id }} className="mainlink">{u.execution.type}</Link> },
                  { title: "About", show: (u) => u.target.id || u.target.type },
                  { title: "State", show: (u) => <UpdateChip state={u.state} />, width: "130px" },
                  { title: "What", show: (u) => <span className="dim">{u.error?.message ?? (u.summary || (u.stages ?? []).at(-1)?.name)}</span>, minor: true },
                  { title: "By", show: (u) => <span className="dim">{u.operator}{u.trigger ? ` · ${u.trigger}` : ""}</span>, width: "140px", minor: true },
                  { title: "Took", show: (u) => <Lasting from={u.started_at} to={u.ended_at} />, width: "90px", minor: true },
                  { title: "When", show: (u) => <Ago at={u.created_at} />, width: "110px" },
                ]}
                empty={<Empty icon="activity" title={all.length || state ? "No update matches" : "Nothing was done yet"} />}
              />
              {all.length >= 200 && !end && (
                <div className="pad">
                  <Button variant="default" onClick={() => void more()}>
                    Older ones
                  </Button>
                </div>
              )}
            </>
          )}
        </Loaded>
      </Card>
    </>
  );
}

function Alerts() {
  const [which, setWhich] = useParam("alerts", "open");
  const client = useQueryClient();
  const { may } = useSession();
  const q = useGet("GET /v1/alerts", { query: which === "open" ? { open: true, limit: 200 } : { limit: 200 } });
  const close = async (a: Alert) => {
    try {
      await call("POST /v1/alerts/{alert}/close", { path: { alert: a.id } });
      await client.invalidateQueries({ queryKey: ["GET /v1/alerts"] });
      done("The alert is closed");
    } catch (e) {
      failed(e);
    }
  };
  return (
    <>
      <div className="filters" style={{ marginBottom: 12 }}>
        <Select aria-label="Which alerts" w={150} value={which} onChange={(v) => setWhich(v ?? "open")} data={[{ value: "open", label: "Open" }, { value: "all", label: "All" }]} />
      </div>
      <Card flush>
        <Loaded query={q}>
          {(alerts) => (
            <Table
              label="Alerts"
              rows={alerts}
              id={(a) => a.id}
              columns={[
                { title: "Level", show: (a) => <Chip state={a.resolved ? "OK" : a.level} />, width: "120px" },
                { title: "What", show: (a) => <AlertWords alert={a} /> },
                { title: "Type", show: (a) => <span className="dim">{a.type}</span>, width: "190px", minor: true },
                { title: "Since", show: (a) => <Ago at={a.at} />, width: "110px" },
                { title: "", end: true, width: "170px", show: (a) => (
                  <span className="row" style={{ justifyContent: "flex-end" }}>
                    {a.update && <Link to="/activity/$id" params={{ id: a.update }}>Open the run</Link>}
                    {!a.resolved && !a.once && may("Execute", a.target.type, a.target.id) && <Button size="compact-xs" variant="default" onClick={() => void close(a)}>Close</Button>}
                  </span>
                ) },
              ]}
              empty={<Empty icon="bell" title={which === "open" ? "No open alerts" : "There were no alerts"}>Failed deploys, drift, servers and vaults out of reach show up here, and go to your alerters.</Empty>}
            />
          )}
        </Loaded>
      </Card>
    </>
  );
}
