import { Tabs } from "@mantine/core";
import { lazy, Suspense } from "react";
import { useChoice } from "../app/search";
import { useSession } from "../app/session";
import { Page } from "../components/bits";

const parts = {
  variables: { title: "Variables and secrets", admin: false, show: lazy(() => import("./settings_variables")) },
  vault: { title: "Vault", admin: true, show: lazy(() => import("./settings_vault").then((m) => ({ default: m.VaultPanel }))) },
  git: { title: "Git accounts", admin: false, show: lazy(() => import("./settings_git").then((m) => ({ default: m.GitAccounts }))) },
  alerters: { title: "Alerters", admin: false, show: lazy(() => import("./settings_alerters")) },
  users: { title: "Users", admin: true, show: lazy(() => import("./settings_users")) },
  groups: { title: "Groups and permissions", admin: true, show: lazy(() => import("./settings_groups")) },
  account: { title: "Your account", admin: false, show: lazy(() => import("./settings_account")) },
  audit: { title: "Audit log", admin: true, show: lazy(() => import("./settings_audit")) },
};

export default function Settings() {
  const { admin } = useSession();
  const shown = Object.entries(parts).filter(([, p]) => admin || !p.admin);
  const [tab, setTab] = useChoice("tab", shown.map(([k]) => k));
  return (
    <Page title="Settings" wide>
      <Tabs value={tab} onChange={setTab}>
        <Tabs.List aria-label="Settings">
          {shown.map(([k, p]) => (
            <Tabs.Tab key={k} value={k}>
              {p.title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {shown.map(([k, p]) => (
          <Tabs.Panel key={k} value={k} pt="md">
            <Suspense fallback={null}>
              <p.show />
            </Suspense>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
