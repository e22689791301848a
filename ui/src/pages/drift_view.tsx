import { Button, Checkbox } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, type StackDrift } from "../api/client";
import { Card, Cli, Empty, useRun } from "../components/bits";
import { Problem } from "../components/problem";
import { DriftChip } from "../components/state";
import { Table } from "../components/table";
import { Ago } from "../components/time";

const mends: Record<string, string> = { export: "export it again", deploy: "deploy", recreate: "deploy, forced" };
const rank = ["edited", "stale", "unknown", "held", "proven"];

/** DriftView compares what the vault says with what runs, by name. */
export function DriftView({ stack, drift, deploy }: { stack: string; drift?: StackDrift; deploy?: () => void }) {
  const client = useQueryClient();
  const [deep, setDeep] = useState(false);
  const [busy, run, error] = useRun();
  const check = () =>
    run(async () => {
      await call("POST /v1/drift", { body: { stacks: [stack], deep } });
      await client.invalidateQueries({ queryKey: ["GET /v1/drift"] });
    });
  const keys = [...(drift?.keys ?? [])].sort((a, b) => rank.indexOf(a.state) - rank.indexOf(b.state) || a.key.localeCompare(b.key));
  const off = keys.filter((k) => k.state === "stale" || k.state === "edited");
  return (
    <Card
      flush
      title={
        drift ? (
          <span className="row">
            <DriftChip state={drift.state} outdated={drift.outdated} />
            <span className="dim small">
              {drift.proven} of {keys.length} proven, <Ago at={drift.at} />
              {drift.outdated && ". It was deployed since: check again"}
            </span>
          </span>
        ) : (
          "Drift"
        )
      }
      actions={
        <>
          <Cli>{`rinca drift ${stack}${deep ? " --deep" : ""}`}</Cli>
          <Checkbox size="xs" label="Look inside containers" checked={deep} onChange={(e) => setDeep(e.currentTarget.checked)} disabled={!deploy} />
          <Button variant="default" loading={busy} onClick={() => void check()}>
            Check now
          </Button>
          {off.length > 0 && deploy && <Button onClick={deploy}>Plan a deploy</Button>}
        </>
      }
    >
      {error ? <Problem error={error} /> : null}
      {drift?.why && <div className="pad warn-t">{drift.why}</div>}
      <Table
        label="Drift"
        rows={keys}
        id={(k) => `${k.via} ${k.key} ${k.service ?? ""} ${k.file ?? ""}`}
        columns={[
          { title: "Key", show: (k) => <code>{k.key}</code> },
          { title: "Through", show: (k) => k.via.replace("_", " "), width: "120px", minor: true },
          { title: "Service", show: (k) => k.service ?? "", width: "130px" },
          { title: "State", show: (k) => <DriftChip state={k.state} />, width: "160px" },
          { title: "Why", show: (k) => <span className="dim">{k.why}</span> },
          { title: "Mended by", show: (k) => mends[k.mend ?? ""] ?? "", width: "140px", minor: true },
        ]}
        empty={<Empty icon="drift" title="Not checked yet" action={<Button loading={busy} onClick={() => void check()}>Check now</Button>}>The vault, the exported files and the containers are compared by keyed digests. No value is shown.</Empty>}
      />
    </Card>
  );
}
