import { Button } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useGet } from "../api/client";
import { useSession } from "../app/session";
import { Card, MayNot, Page } from "../components/bits";
import { GitForm } from "./settings_git";
import { VaultPanel } from "./settings_vault";
import StackForm from "./stack_form";

const steps = ["Vault", "Git account", "First stack"];

/** Welcome leads through the first minutes: a vault, a source, a stack. */
export default function Welcome() {
  const [step, setStep] = useState(0);
  const go = useNavigate();
  const { admin, may } = useSession();
  const accounts = useGet("GET /v1/git-accounts", {}, { retry: false });
  const made = useRef("");
  if (!admin && !may("Write", "Stack")) return <Page title="Set up Rinca"><MayNot>set up this server</MayNot></Page>;
  return (
    <Page
      title="Set up Rinca"
      sub={
        <span className="steps">
          {steps.map((s, i) => (
            <span key={s} className={i === step ? "on row" : "row"} aria-current={i === step ? "step" : undefined}>
              {i > 0 && <i />}
              {i + 1}. {s}
            </span>
          ))}
        </span>
      }
    >
      {step === 0 && (
        <>
          {admin ? <VaultPanel /> : <Card>An administrator connects the vault.</Card>}
          <div className="row">
            <Button onClick={() => setStep(1)}>Go on</Button>
            <span className="dim small">Compose files that need no secrets deploy without a vault too.</span>
          </div>
        </>
      )}
      {step === 1 && (
        <>
          <Card title="A Git account, for private repositories">
            {(accounts.data?.length ?? 0) > 0 && <p className="dim">There {accounts.data?.length === 1 ? "is one" : `are ${accounts.data?.length}`}: {accounts.data?.map((a) => a.name).join(", ")}</p>}
            <GitForm close={() => setStep(2)} cancel="Skip this: the repository is public" />
          </Card>
        </>
      )}
      {step === 2 && (
        <Card title="The first stack">
          <StackForm
            made={(n) => {
              made.current = n;
            }}
            close={() => void (made.current ? go({ to: "/stacks/$stack/plan", params: { stack: made.current } }) : go({ to: "/" }))}
          />
        </Card>
      )}
      <Link to="/" className="dim small">
        Leave this, and look around
      </Link>
    </Page>
  );
}
