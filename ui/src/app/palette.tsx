import { Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import "@mantine/spotlight/styles.css";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { createSpotlight } from "@mantine/spotlight";
import { useGet } from "../api/client";
import { Icon, type IconName } from "../components/icon";
import { pages } from "./pages";
import { useSession } from "./session";

const [store, spotlight] = createSpotlight();

/** The palette jumps and acts: it is loaded when it is first asked for. */
export default function Palette({ close }: { close: () => void }) {
  const go = useNavigate();
  const { may } = useSession();
  const stacks = useGet("GET /v1/stacks");
  const servers = useGet("GET /v1/servers");
  const procedures = useGet("GET /v1/procedures", {}, { retry: false });
  const variables = useGet("GET /v1/variables", {}, { retry: false });
  useEffect(() => {
    spotlight.open();
  }, []);
  const actions = useMemo<SpotlightActionData[]>(() => {
    const out: SpotlightActionData[] = pages.map((p) => ({ id: p.path, label: p.title, description: "Page", leftSection: <Icon name={p.icon} />, onClick: () => void go({ to: p.path }) }));
    const act = (id: string, label: string, description: string, icon: IconName, to: string, search = {}) => out.push({ id, label, description, leftSection: <Icon name={icon} />, onClick: () => void go({ to, search: search as never }) });
    if (may("Execute", "Stack")) act("rotate", "Rotate secrets", "Look what has changed in the vault, and carry it to its stacks", "rotation", "/rotation");
    act("undo", "Undo a rotation", "The runs: each that succeeded can be taken back", "undo", "/rotation", { tab: "history" });
    act("drift", "Check drift", "Whether vault, files and containers have the same values", "drift", "/secrets", { view: "list" });
    if (may("Write", "Stack")) act("add stack", "Add a stack", "From a Git repository, or a folder of the host", "plus", "/stacks/new");
    for (const s of stacks.data ?? []) {
      const to = `/stacks/${encodeURIComponent(s.name)}`;
      out.push({ id: `stack ${s.name}`, label: s.name, description: "Stack", leftSection: <Icon name="stacks" />, onClick: () => void go({ to }) });
      if (may("Execute", "Stack", s.name)) out.push({ id: `deploy ${s.name}`, label: `Deploy ${s.name}`, description: "Plan a deploy", leftSection: <Icon name="run" />, onClick: () => void go({ to: `${to}/plan` }) });
      out.push({ id: `logs ${s.name}`, label: `Logs of ${s.name}`, description: "Follow what its containers print", leftSection: <Icon name="activity" />, onClick: () => void go({ to, search: { tab: "logs" } as never }) });
    }
    for (const p of procedures.data ?? []) out.push({ id: `procedure ${p.name}`, label: p.name, description: "Procedure", leftSection: <Icon name="procedures" />, onClick: () => void go({ to: `/procedures/${encodeURIComponent(p.name)}` }) });
    for (const s of servers.data ?? []) out.push({ id: `server ${s.name}`, label: s.name, description: "Server", leftSection: <Icon name="servers" />, onClick: () => void go({ to: "/servers" }) });
    for (const v of variables.data ?? []) out.push({ id: `variable ${v.stack ?? ""} ${v.name}`, label: v.name, description: "Variable: where it is used", leftSection: <Icon name="key" />, onClick: () => void go({ to: "/secrets", search: { ref: v.name } as never }) });
    return out;
  }, [stacks.data, servers.data, procedures.data, variables.data, go, may]);
  return (
    <Spotlight
      store={store}
      actions={actions}
      onSpotlightClose={close}
      shortcut={null}
      highlightQuery
      limit={9}
      scrollable
      maxHeight={460}
      nothingFound="Nothing is called that"
      searchProps={{ placeholder: "A page, a stack, a variable, or something to do", "aria-label": "Search or run" }}
      attributes={{ content: { "aria-label": "Search or run" } }}
    />
  );
}
