import { Button } from "@mantine/core";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useGet } from "../api/client";
import { isFinal } from "../api/keep";
import { useSession } from "../app/session";
import { Back, Card, Cli, Facts, Loaded, Page } from "../components/bits";
import { Cancel, Failure, PlanView, RunView, useUpdate } from "../components/run";
import { Chip, UpdateChip } from "../components/state";
import { Ago, Lasting } from "../components/time";

/** UpdatePage is one update: what was asked for, how it went, every line. */
export default function UpdatePage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const q = useUpdate(id);
  const children = useGet("GET /v1/updates", { query: { parent: id, limit: 100 } }, { retry: false });
  const go = useNavigate();
  const { may } = useSession();
  return (
    <Loaded query={q}>
      {(u) => (
        <Page
          wide
          title={
            <>
              <Back to="/activity">Activity</Back>
              <span className="titlerow">
                {u.execution.type} {u.target.id} <UpdateChip state={u.state} />
              </span>
            </>
          }
          sub={u.summary}
          actions={
            <>
              <Cli>{`rinca update show ${u.id}`}</Cli>
              <Cancel update={u} />
              {isFinal(u.state) && u.target.type === "Stack" && u.execution.type.startsWith("Deploy") && may("Execute", "Stack", u.target.id) && (
                <Button onClick={() => void go({ to: "/stacks/$stack/plan", params: { stack: u.target.id } })}>{u.state === "succeeded" ? "Plan again" : "Plan, and try again"}</Button>
              )}
            </>
          }
        >
          <Failure update={u} />
          <Card flush>
            <RunView update={u} height="min(56vh, 640px)" />
          </Card>
          {(children.data?.length ?? 0) > 0 && (
            <Card title="What it started" flush>
              <ul className="attention">
                {[...(children.data ?? [])].reverse().map((c) => (
                  <li key={c.id}>
                    <UpdateChip state={c.state} />
                    <span className="what">
                      <Link to="/activity/$id" params={{ id: c.id }}>
                        {c.execution.type} {c.target.id}
                      </Link>{" "}
                      <span className="dim">{c.error?.message ?? c.summary}</span>
                    </span>
                    <Lasting from={c.started_at} to={c.ended_at} />
                  </li>
                ))}
              </ul>
            </Card>
          )}
          <div className="grid">
            {u.plan && (
              <Card title="The plan that was carried out" flush>
                <PlanView plan={u.plan} />
              </Card>
            )}
            <Card title="About this run">
              <Facts
                items={[
                  ["Asked for by", u.operator],
                  ["Through", u.trigger],
                  ["Because of", u.cause],
                  ["Part of", u.parent && <Link to="/activity/$id" params={{ id: u.parent }}>the run that started it</Link>],
                  ["About", u.target.type === "Stack" ? <Link to="/stacks/$stack" params={{ stack: u.target.id }}>{u.target.id}</Link> : `${u.target.type} ${u.target.id}`],
                  ["Commit", u.commit && <code>{u.commit.slice(0, 12)}</code>],
                  ["Asked for", <Ago key="a" at={u.created_at} />],
                  ["Took", <Lasting key="l" from={u.started_at} to={u.ended_at} />],
                  ["Put back", u.rolled_back && <Chip state="rolled_back" text={u.rolled_back} />],
                ]}
              />
            </Card>
          </div>
        </Page>
      )}
    </Loaded>
  );
}
