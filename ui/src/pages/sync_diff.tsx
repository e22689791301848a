import { Button, Checkbox } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { call, type SyncPlan, useGet } from "../api/client";
import { useSession } from "../app/session";
import { arg, Back, Card, Cli, Empty, Facts, Loaded, Page, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { Problem } from "../components/problem";
import { RunOf } from "../components/run";
import { Chip } from "../components/state";

type Change = SyncPlan["changes"][number];
const idOf = (c: Change) => `${c.target.type} ${c.target.id}`;

/** SyncDiff shows what files would change, and applies what is chosen. */
export default function SyncDiff() {
  const { sync: name } = useParams({ strict: false }) as { sync: string };
  const sync = useGet("GET /v1/syncs/{sync}", { path: { sync: name } });
  const plan = useGet("GET /v1/syncs/{sync}/plan", { path: { sync: name } }, { retry: false, staleTime: Number.POSITIVE_INFINITY });
  const [off, setOff] = useState<Set<string>>(new Set());
  const [runs, setRuns] = useState<string[]>([]);
  const [busy, run, error] = useRun();
  const [gone, setGone] = useState(false);
  const client = useQueryClient();
  const go = useNavigate();
  const { may, admin } = useSession();
  const changes = plan.data?.changes ?? [];
  const chosen = changes.filter((c) => !off.has(idOf(c)));
  const toggle = (c: Change) =>
    setOff((old) => {
      const next = new Set(old);
      if (!next.delete(idOf(c))) next.add(idOf(c));
      return next;
    });
  const apply = () =>
    run(async () => {
      const kinds = [...new Set(chosen.map((c) => c.target.type))];
      const parts = off.size === 0 ? [{}] : kinds.map((k) => ({ resource_type: k, resources: chosen.filter((c) => c.target.type === k).map((c) => c.target.id) }));
      const ids: string[] = [];
      for (const part of parts) ids.push((await call("POST /v1/executions", { body: { type: "RunSync", params: { sync: name, ...part } } })).id);
      setRuns(ids);
    });
  return (
    <Page
      wide
      title={
        <>
          <Back to="/sync">Sync</Back>
          <span className="titlerow">{name}</span>
        </>
      }
      sub={sync.data?.description}
      actions={
        <>
          <Cli>{`rinca sync plan --sync ${arg(name)}`}</Cli>
          <Button variant="default" loading={plan.isFetching} onClick={() => void plan.refetch()}>
            Look again
          </Button>
          {admin && (
            <Button variant="default" color="red" aria-label="Remove this sync" onClick={() => setGone(true)}>
              <Icon name="trash" size={14} />
            </Button>
          )}
        </>
      }
    >
      {error ? <Problem error={error} /> : null}
      {runs.map((id) => (
        <Card flush key={id}>
          <RunOf
            id={id}
            close={() => {
              setRuns((r) => r.filter((x) => x !== id));
              void plan.refetch();
            }}
          />
        </Card>
      ))}
      <Card
        flush
        title={plan.data ? `${changes.length} ${changes.length === 1 ? "change" : "changes"}, ${plan.data.unchanged} as the files say` : "What differs"}
        actions={
          changes.length > 0 &&
          may("Execute", "ResourceSync", name) && (
            <Button loading={busy} disabled={!chosen.length} onClick={() => void apply()}>
              {off.size ? `Apply ${chosen.length} of ${changes.length}` : "Apply all"}
            </Button>
          )
        }
      >
        <Loaded query={plan}>
          {(p) => (
            <>
              {(p.warnings ?? []).map((w) => (
                <div key={w} className="pad warn-t small">
                  {w}
                </div>
              ))}
              {!p.changes.length && <Empty icon="ok" title="Nothing differs">Every resource is what the files say.</Empty>}
              {p.changes.map((c) => (
                <div key={idOf(c)} className="rowline">
                  <div className="pad row">
                    <Checkbox size="xs" aria-label={`Apply the change of ${idOf(c)}`} checked={!off.has(idOf(c))} onChange={() => toggle(c)} />
                    <Chip state={c.action} text={c.action} />
                    <span className="grow">
                      <strong>{c.target.id}</strong> <span className="dim">{c.target.type}{c.from ? `, until now ${c.from}` : ""}</span>
                    </span>
                    <code className="dim small">{c.at}</code>
                  </div>
                  {(c.diff ?? []).length > 0 && (
                    <div className="diff" tabIndex={0} role="group" aria-label={`Changes of ${idOf(c)}`}>
                      {(c.diff ?? []).map((l, i) => (
                        <div key={i} className={l.startsWith("+") ? "add" : l.startsWith("-") ? "del" : l.startsWith("@") ? "at" : undefined}>
                          {l}
                        </div>
                      ))}
                    </div>
                  )}
                </div>
              ))}
              {(p.deploy ?? []).length > 0 && <div className="pad dim small">Deployed after it, if they differ: {p.deploy?.join(", ")}</div>}
            </>
          )}
        </Loaded>
      </Card>
      {sync.data && (
        <Card title="Source">
          <Facts items={[["Repository", sync.data.source.repo && <code key="r">{sync.data.source.repo}</code>], ["Taken from the repo", sync.data.source.linked], ["Branch", sync.data.source.branch], ["Files", sync.data.paths?.join(", ") || "all of it"], ["Schedule", sync.data.schedule?.text || "by hand, by webhook"], ["Deletes", sync.data.delete ? "what it made and is in no file; never secrets" : "nothing"]]} />
        </Card>
      )}
      <Confirm
        opened={gone}
        close={() => setGone(false)}
        title={`Remove ${name}`}
        name={name}
        action="Remove"
        run={async () => {
          await call("DELETE /v1/syncs/{sync}", { path: { sync: name } });
          await client.invalidateQueries({ queryKey: ["GET /v1/syncs"] });
          await go({ to: "/sync" });
        }}
      >
        What it has made stays.
      </Confirm>
    </Page>
  );
}
