import { Button, Select, TextInput } from "@mantine/core";
import { useDeferredValue, useState } from "react";
import { type AuditEntry, call, useGet } from "../api/client";
import { useParam, useTyped } from "../app/search";
import { Card, Cli, Loaded, useRun } from "../components/bits";
import { Icon } from "../components/icon";
import { Problem } from "../components/problem";
import { Chip } from "../components/state";
import { Table } from "../components/table";
import { Ago } from "../components/time";

export default function Audit() {
  const [text, setText] = useTyped("q");
  const [ok, setOK] = useParam("result");
  const q = useGet("GET /v1/audit", { query: { last: 1000 } });
  const [verified, setVerified] = useState<{ ok: boolean; entries: number; message?: string }>();
  const [busy, run, error] = useRun();
  const filter = useDeferredValue(text).toLowerCase();
  const match = (e: AuditEntry) => (!ok || String(e.ok) === ok) && (!filter || `${e.actor} ${e.action} ${e.target ?? ""} ${e.detail ?? ""} ${e.remote ?? ""} ${e.via ?? ""}`.toLowerCase().includes(filter));
  const save = (rows: AuditEntry[]) => {
    const url = URL.createObjectURL(new Blob([rows.map((r) => JSON.stringify(r)).join("\n")], { type: "application/x-ndjson" }));
    const a = document.createElement("a");
    a.href = url;
    a.download = "audit.ndjson";
    a.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Card
      flush
      title="Audit log"
      actions={
        <>
          <TextInput size="xs" data-filter aria-label="Filter entries" placeholder="Filter  /" value={text} onChange={(e) => setText(e.currentTarget.value)} leftSection={<Icon name="search" size={13} />} />
          <Select size="xs" w={130} aria-label="Result" value={ok} onChange={(v) => setOK(v ?? "")} data={[{ value: "", label: "Every result" }, { value: "true", label: "Done" }, { value: "false", label: "Refused, failed" }]} />
          <Cli>rinca audit verify</Cli>
          <Button variant="default" loading={busy} onClick={() => void run(async () => setVerified(await call("GET /v1/audit/verify")))}>
            Verify
          </Button>
          <Button variant="default" onClick={() => save((q.data ?? []).filter(match))}>
            Export
          </Button>
        </>
      }
    >
      {error ? <Problem error={error} /> : null}
      {verified && (
        <div className="pad">
          {verified.ok ? <Chip tone="good" icon="ok" text={`All ${verified.entries.toLocaleString()} entries hold: none was changed, removed or added`} /> : <Problem error={new Error(verified.message ?? "The log does not hold")} />}
        </div>
      )}
      <Loaded query={q} lines={8}>
        {(entries) => (
          <Table
            label="Audit log"
            rows={[...entries].reverse().filter(match)}
            id={(e) => String(e.seq)}
            columns={[
              { title: "When", show: (e) => <Ago at={e.at} />, width: "110px" },
              { title: "Who", show: (e) => <span className="mainlink">{e.actor}</span>, width: "130px" },
              { title: "Did", show: (e) => <code className="nowrap">{e.action}</code>, width: "190px" },
              { title: "To", show: (e) => e.target ?? "" },
              { title: "Detail", show: (e) => <span className="dim">{e.detail}</span>, minor: true },
              { title: "From", show: (e) => <span className="dim">{e.remote}</span>, width: "130px", minor: true },
              { title: "Result", show: (e) => (e.ok ? <Chip tone="good" icon="ok" text="done" /> : <Chip tone="bad" icon="bad" text="refused or failed" />), width: "160px" },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}
