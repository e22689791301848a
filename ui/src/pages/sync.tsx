import { Button, Modal, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call, type ResourceSync, useGet } from "../api/client";
import { useSession } from "../app/session";
import { Card, Cli, Empty, Loaded, Page, useRun } from "../components/bits";
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
      <Modal opened={adding} onClose={() => setAdding(false)} title="Add a sync" size="lg">
        <Form close={(name) => (name ? void go({ to: "/sync/$sync", params: { sync: name } }) : setAdding(false))} />
      </Modal>
    </Page>
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
