import { useNavigate } from "@tanstack/react-router";
import { useRef } from "react";
import { useSession } from "../app/session";
import { Card, Cli, MayNot, Page } from "../components/bits";
import StackForm from "./stack_form";

export default function StackNew() {
  const go = useNavigate();
  const { may } = useSession();
  const made = useRef("");
  return (
    <Page title="Add a stack" sub="A folder with a compose file. Its plan is shown before anything is deployed." actions={<Cli>rinca stack create NAME --repo URL --path PATH</Cli>}>
      {!may("Write", "Stack") ? <MayNot>add stacks</MayNot> : <Card>
        <StackForm
          made={(name) => {
            made.current = name;
          }}
          close={() => void (made.current ? go({ to: "/stacks/$stack/plan", params: { stack: made.current } }) : go({ to: "/stacks" }))}
        />
      </Card>}
    </Page>
  );
}
