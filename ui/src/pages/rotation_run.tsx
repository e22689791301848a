import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { call, useGet } from "../api/client";
import { useSession } from "../app/session";
import { Back, Card, Cli, Facts, isGone, Loaded, Page, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { Problem } from "../components/problem";
import { RunView, useUpdate } from "../components/run";
import { Chip } from "../components/state";
import { Ago, Lasting } from "../components/time";
import { Items } from "./rotation";
import { WavesView } from "./rotation_waves";

const final = ["succeeded", "rolled_back", "failed", "canceled"];

export default function RotationRun() {
  const { id } = useParams({ strict: false }) as { id: string };
  const q = useGet("GET /v1/rotations/{id}", { path: { id } }, { refetchInterval: (x) => (x.state.data && final.includes(x.state.data.state) ? false : 2000), retry: (n, e) => n < (e.status === 404 ? 4 : 1), retryDelay: 500 });
  const update = useUpdate(id);
  const client = useQueryClient();
  const go = useNavigate();
  const [busy, run, error] = useRun();
  const { may } = useSession();
  const [undo, setUndo] = useState(false);
  const again = () => client.invalidateQueries({ queryKey: ["GET /v1/rotations/{id}"] });
  const back = <Back to="/rotation" search={{ tab: "history" } as never}>Rotation</Back>;
  if (!q.data || isGone(q.error)) {
    return (
      <Page title={back}>
        <Card>
          <Loaded query={q}>{() => null}</Loaded>
        </Card>
      </Page>
    );
  }
  const r = q.data;
  const mine = (r.stacks ?? []).every((s) => may("Execute", "Stack", s.stack));
  return (
    <Page
      wide
      title={
        <>
          {back}
          <span className="titlerow">
            {(r.items ?? []).map((i) => i.title).join(", ") || "Rotation"} <Chip state={r.state} />
          </span>
        </>
      }
      sub={r.waits ? `Waits for ${r.waits}` : r.summary}
      actions={
        <>
          <Cli>{`rinca rotate show ${r.id}`}</Cli>
          {r.state === "waiting" && mine && (
            <Button loading={busy} onClick={() => void run(async () => (await call("POST /v1/rotations/{id}/approve", { path: { id }, query: { plan: r.plan } }), again()))}>
              Approve
            </Button>
          )}
          {!final.includes(r.state) && mine && (
            <Button variant="default" color="red" loading={busy} onClick={() => void run(async () => (await call("POST /v1/rotations/{id}/cancel", { path: { id } }), again()))}>
              {r.state === "running" ? "Stop, and put everything back" : "Cancel"}
            </Button>
          )}
          {r.state === "succeeded" && mine && !r.undone_by && !r.undoes && (
            <Button variant="default" leftSection={<Icon name="undo" size={14} />} onClick={() => setUndo(true)}>
              Undo
            </Button>
          )}
        </>
      }
    >
      {error ? <Problem error={error} /> : null}
      {(r.undone_by || r.undoes) && (
        <div className="note">
          <Icon name="undo" />
          <span>
            {r.undone_by ? "It was undone: " : "It took back what an earlier one brought: "}
            <Link to="/rotation/$id" params={{ id: r.undone_by || r.undoes || "" }}>the other run</Link>
          </span>
        </div>
      )}
      {r.error && (
        <div className="problem" role="alert">
          <Icon name="warn" size={20} />
          <div className="grow">
            <strong>{r.failed && !r.error.message.startsWith(r.failed) ? `${r.failed}: ` : ""}{r.error.message}</strong>
            {r.error.hint && <div>{r.error.hint}</div>}
            {r.state === "rolled_back" && <div>Everything is as it was before. The version is in quarantine.</div>}
            {r.lines?.length ? <pre className="code">{r.lines.join("\n")}</pre> : null}
          </div>
        </div>
      )}
      <Card title="Waves" flush>
        <WavesView run={r} />
      </Card>
      <Card title={r.undoes ? "What was taken back" : "What changed"} flush>
        <Items run={r} />
      </Card>
      {update.data && (
        <Card title="As it happens" flush>
          <RunView update={update.data} height="40vh" />
        </Card>
      )}
      <Card title="About this run">
        <Facts items={[["Asked for by", r.operator], ["Because of", r.cause], ["Approved by", r.approved_by], ["Asked for", <Ago key="c" at={r.created_at} />], ["Took", <Lasting key="l" from={r.started_at} to={r.ended_at} />]]} />
      </Card>
      <Confirm
        opened={undo}
        close={() => setUndo(false)}
        title="Undo this rotation"
        action="Undo"
        run={async () => {
          const u = await call("POST /v1/rotations/{id}/undo", { path: { id } });
          await go({ to: "/rotation/$id", params: { id: u.id } });
        }}
      >
        Its stacks get back what they had before, and the versions that it brought go into quarantine. The vault itself is not changed.
      </Confirm>
    </Page>
  );
}
