import { Button, Modal, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call, replace, type Repo, type ResourceSync, useGet } from "../api/client";
import { useSession } from "../app/session";
import { Card, Cli, Empty, Loaded, Page, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { CronField } from "../components/cronfield";
import { Icon } from "../components/icon";
import { Problem } from "../components/problem";
import { Table } from "../components/table";
import { Ago } from "../components/time";

/** Sync: resources as TOML files in Git say them. */
export default function Sync() {
  const q = useGet("GET /v1/syncs");
  const { admin } = useSession();
  const go = useNavigate();
  const [adding, setAdding] = useState(false);
  return (
    <Page
      wide
      title="Sync"
      sub="Resources as TOML files in Git say them: look at what differs, and apply what you choose"
      actions={
        <>
          <Cli>rinca sync list</Cli>
          {admin && (
            <Button leftSection={<Icon name="plus" size={15} />} onClick={() => setAdding(true)}>
              Add a sync
            </Button>
          )}
        </>
      }
    >
      <Card flush>
        <Loaded query={q}>
          {(rows) => (
            <Table
              label="Syncs"
              rows={rows}
              id={(s) => s.name}
              open={(s) => void go({ to: "/sync/$sync", params: { sync: s.name } })}
              columns={[
                { title: "Sync", sort: (s) => s.name, show: (s) => <span><Link className="mainlink" to="/sync/$sync" params={{ sync: s.name }}>{s.name}</Link><div className="dim small">{s.description}</div></span> },
                { title: "Source", show: (s) => <code>{s.source.repo ?? s.source.linked ?? s.source.dir}</code> },
                { title: "Files", show: (s) => s.paths?.join(", ") || <span className="dim">all of it</span>, minor: true },
                { title: "Deletes", show: (s) => (s.delete ? "what is in no file" : <span className="dim">nothing</span>), minor: true },
                { title: "Runs", show: (s) => s.schedule?.text || <span className="dim">by hand, by webhook</span>, minor: true },
                { title: "Changed", show: (s) => <Ago at={s.updated_at} />, width: "110px" },
              ]}
              empty={<Empty icon="sync" title="There are no syncs">A sync makes stacks, variables, procedures and groups what TOML files in a repository say. Files in Komodo's form work as they are.</Empty>}
            />
          )}
        </Loaded>
      </Card>
      <div style={{ height: 14 }} />
      <Repos />
      <Modal opened={adding} onClose={() => setAdding(false)} title="Add a sync" size="lg">
        <Form close={(name) => (name ? void go({ to: "/sync/$sync", params: { sync: name } }) : setAdding(false))} />
      </Modal>
    </Page>
  );
}

/** Repos are Git repositories that several stacks and syncs share by name. */
function Repos() {
  const q = useGet("GET /v1/repos");
  const { may } = useSession();
  const client = useQueryClient();
  const [form, setForm] = useState<Repo | "new">();
  const [gone, setGone] = useState<string>();
  return (
    <Card
      flush
      title="Repositories"
      actions={
        <>
          <Cli>rinca repo list</Cli>
          {may("Write", "Repo") && (
            <Button variant="default" leftSection={<Icon name="plus" size={14} />} onClick={() => setForm("new")}>
              Add a repository
            </Button>
          )}
        </>
      }
    >
      <Loaded query={q}>
        {(rows) => (
          <Table
            label="Repositories"
            rows={rows}
            id={(r) => r.name}
            columns={[
              { title: "Name", sort: (r) => r.name, show: (r) => <span><span className="mainlink">{r.name}</span><div className="dim small">{r.description}</div></span> },
              { title: "Address", show: (r) => <code>{r.source.repo}</code> },
              { title: "Branch", show: (r) => r.source.branch || <span className="dim">its default</span>, width: "140px" },
              { title: "Git account", show: (r) => r.source.account || <span className="dim">none</span>, minor: true },
              { title: "Changed", show: (r) => <Ago at={r.updated_at} />, width: "110px", minor: true },
              {
                title: "", end: true, width: "190px",
                show: (r) =>
                  may("Write", "Repo", r.name) && (
                    <span className="row" style={{ justifyContent: "flex-end", flexWrap: "nowrap" }}>
                      <Button size="compact-xs" variant="default" onClick={() => setForm(r)} aria-label={`Change ${r.name}`}>
                        Change
                      </Button>
                      <Button size="compact-xs" variant="default" color="red" onClick={() => setGone(r.name)} aria-label={`Remove ${r.name}`}>
                        Remove
                      </Button>
                    </span>
                  ),
              },
            ]}
            empty={<Empty icon="git" title="No repository has a name">Give one a name to write its address, branch and account once for many stacks.</Empty>}
          />
        )}
      </Loaded>
      <Modal opened={Boolean(form)} onClose={() => setForm(undefined)} title={form === "new" ? "Add a repository" : "Change the repository"} size="lg">
        {form && <RepoForm repo={form === "new" ? undefined : form} close={() => setForm(undefined)} />}
      </Modal>
      <Confirm
        opened={Boolean(gone)}
        close={() => setGone(undefined)}
        title={`Remove ${gone}`}
        name={gone}
        action="Remove"
        run={async () => {
          await call("DELETE /v1/repos/{repo}", { path: { repo: gone ?? "" } });
          await client.invalidateQueries({ queryKey: ["GET /v1/repos"] });
        }}
      >
        One that a stack or a sync names is not removed.
      </Confirm>
    </Card>
  );
}

function RepoForm({ repo, close }: { repo?: Repo; close: () => void }) {
  const client = useQueryClient();
  const accounts = useGet("GET /v1/git-accounts", {}, { retry: false });
  const [account, setAccount] = useState(repo?.source.account ?? null);
  const [busy, run, error] = useRun();
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault();
        const data = new FormData(e.currentTarget);
        const text = (name: string) => String(data.get(name) ?? "").trim() || undefined;
        const name = repo?.name ?? text("name") ?? "";
        void run(async () => {
          const body = { ...repo, name, description: text("description"), source: { ...repo?.source, kind: "git", repo: text("repo"), branch: text("branch"), account: account ?? undefined } } as Repo;
          if (repo) await replace("GET /v1/repos/{repo}", "PUT /v1/repos/{repo}", { repo: name }, { updated_at: repo.updated_at }, body);
          else await call("PUT /v1/repos/{repo}", { path: { repo: name }, body, headers: { "If-None-Match": "*" } });
          await client.invalidateQueries({ queryKey: ["GET /v1/repos"] });
          close();
        });
      }}
    >
      {!repo && <TextInput name="name" label="Name" required placeholder="homelab" data-autofocus />}
      <TextInput name="repo" label="Address" required defaultValue={repo?.source.repo} placeholder="https://github.com/you/homelab.git" />
      <div className="two">
        <TextInput name="branch" label="Branch" defaultValue={repo?.source.branch} placeholder="main" />
        <Select label="Git account" clearable value={account} onChange={setAccount} data={(accounts.data ?? []).map((a) => a.name)} placeholder="None" />
      </div>
      <TextInput name="description" label="Description" defaultValue={repo?.description} />
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button type="submit" loading={busy}>
          Save
        </Button>
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

function Form({ close }: { close: (made?: string) => void }) {
  const client = useQueryClient();
  const accounts = useGet("GET /v1/git-accounts", {}, { retry: false });
  const [s, setS] = useState<Partial<ResourceSync> & { source: ResourceSync["source"] }>({ name: "", source: { kind: "git" } as ResourceSync["source"] });
  const [busy, run, error] = useRun();
  const set = (change: Partial<ResourceSync>) => setS((old) => ({ ...old, ...change }));
  const source = (change: Partial<ResourceSync["source"]>) => setS((old) => ({ ...old, source: { ...old.source, ...change } }));
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault();
        const name = (s.name ?? "").trim();
        void run(async () => {
          await call("PUT /v1/syncs/{sync}", { path: { sync: name }, body: { ...s, name } as ResourceSync, headers: { "If-None-Match": "*" } });
          await client.invalidateQueries({ queryKey: ["GET /v1/syncs"] });
          close(name);
        });
      }}
    >
      <TextInput label="Name" required value={s.name ?? ""} onChange={(e) => set({ name: e.currentTarget.value })} placeholder="infra" data-autofocus />
      <TextInput label="Repository" required value={s.source.repo ?? ""} onChange={(e) => source({ repo: e.currentTarget.value.trim() || undefined })} placeholder="https://github.com/you/homelab.git" />
      <div className="two">
        <TextInput label="Branch" value={s.source.branch ?? ""} onChange={(e) => source({ branch: e.currentTarget.value.trim() || undefined })} placeholder="main" />
        <Select label="Git account" clearable value={s.source.account ?? null} onChange={(v) => source({ account: v ?? undefined })} data={(accounts.data ?? []).map((a) => a.name)} placeholder="None" />
      </div>
      <TagsInput size="sm" label="Files and folders" value={s.paths ?? []} onChange={(v) => set({ paths: v.length ? v : undefined })} placeholder={s.paths?.length ? "" : "All of it"} />
      <CronField value={s.schedule?.text ?? ""} change={(text) => set({ schedule: text ? ({ text } as ResourceSync["schedule"]) : undefined })} />
      <Switch label="Variables too" checked={s.include_variables ?? false} onChange={(e) => set({ include_variables: e.currentTarget.checked || undefined })} />
      <Switch label="Groups of users too" checked={s.include_user_groups ?? false} onChange={(e) => set({ include_user_groups: e.currentTarget.checked || undefined })} />
      <Switch label="Delete what it made and is in no file any more; never secrets" checked={s.delete ?? false} onChange={(e) => set({ delete: e.currentTarget.checked || undefined })} />
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button type="submit" loading={busy}>
          Add, and show what differs
        </Button>
        <Button variant="default" onClick={() => close()}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
