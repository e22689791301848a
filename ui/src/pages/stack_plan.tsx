import { Button, Checkbox, Group } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { call, type Plan, useGet } from "../api/client";
import { isFinal } from "../api/keep";
import { useParam } from "../app/search";
import { useSession } from "../app/session";
import { Back, Card, Cli, Page, useRun } from "../components/bits";
import { Icon } from "../components/icon";
import { Problem } from "../components/problem";
import { PlanView, planWords, RunOf, useUpdate } from "../components/run";
import { Loader } from "@mantine/core";

/** StackPlan is one page in three states: what would happen, what happens, what came of it. */
export default function StackPlan() {
  const { stack: name } = useParams({ strict: false }) as { stack: string };
  const [run, setRun] = useParam("run");
  const [force, setForce] = useState(false);
  const [plan, setPlan] = useState<Plan>();
  const [planning, doPlan, problem] = useRun();
  const [starting, start, refused] = useRun();
  const { may } = useSession();
  const stack = useGet("GET /v1/stacks/{stack}", { path: { stack: name } });
  const update = useUpdate(run || undefined);
  const ended = Boolean(update.data && isFinal(update.data.state));
  const go = useNavigate();
  const key = useRef("");
  const look = () =>
    void doPlan(async () => {
      setPlan(undefined);
      key.current = crypto.getRandomValues(new Uint32Array(4)).join("-");
      setPlan(await call("POST /v1/stacks/{stack}/plan", { path: { stack: name } }));
    });
  const first = useRef(look);
  useEffect(() => {
    if (!run) first.current();
  }, [run]);
  const deploy = () =>
    void start(async () => {
      // The same key: a second click starts no second deploy.
      const u = await call("POST /v1/executions", { body: { type: "DeployStack", params: force ? { stack: name, force: true } : { stack: name } }, headers: { "Idempotency-Key": `ui-${key.current}` } });
      setRun(u.id);
    });
  const nothing = plan && planWords(plan) === "nothing to do";
  return (
    <Page
      title={
        <>
          <Back to="/stacks/$stack" params={{ stack: name }}>{name}</Back>
          <span className="titlerow">Deploy {name}</span>
        </>
      }
      sub={
        <span className="steps">
          <span className={run ? "" : "on"}>Plan</span>
          <i />
          <span className={run && !ended ? "on" : ""}>Run</span>
          <i />
          <span className={run && ended ? "on" : ""}>Result</span>
        </span>
      }
      actions={<Cli>{run ? `rinca update show ${run}` : `rinca stack deploy ${name}${force ? " --force" : ""}`}</Cli>}
    >
      {run ? (
        <Card flush>
          <RunOf id={run} close={() => void go({ to: "/stacks/$stack", params: { stack: name } })} again={() => setRun("")} />
        </Card>
      ) : (
        <Card
          flush
          title={planning ? "Working out what would change" : plan ? `The plan: ${planWords(plan)}` : "The plan"}
          actions={
            may("Execute", "Stack", name) && (
              <Button variant="default" onClick={look} disabled={planning}>
                Plan again
              </Button>
            )
          }
        >
          {planning && (
            <Group p="lg">
              <Loader size="sm" aria-label="Planning" />
              <span className="dim">The source is fetched and compared with what runs. Nothing is changed.</span>
            </Group>
          )}
          {problem ? <Problem error={problem} title="There is no plan: a deploy would fail like this" retry={look} /> : null}
          {plan && <PlanView plan={plan} />}
          {plan && (
            <Group p="sm" justify="flex-end" style={{ borderTop: "1px solid var(--r-line)" }}>
              {stack.data?.after?.length ? <span className="dim small grow" style={{ minWidth: 180 }}>It waits for {stack.data.after.join(", ")} to be well.</span> : <span className="grow" />}
              <Checkbox size="xs" label="Recreate every service" checked={force} onChange={(e) => setForce(e.currentTarget.checked)} />
              <Button loading={starting} disabled={!may("Execute", "Stack", name) || (nothing && !force)} leftSection={<Icon name="run" size={14} />} onClick={deploy}>
                {nothing && !force ? "Nothing to deploy" : "Deploy"}
              </Button>
            </Group>
          )}
          {refused ? <Problem error={refused} /> : null}
        </Card>
      )}
    </Page>
  );
}
