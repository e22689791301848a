import { Button, MultiSelect, Select, SegmentedControl, Switch, TagsInput, Textarea, TextInput } from "@mantine/core";
import "@mantine/core/styles/PillsInput.css";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, replace, type Stack, useGet } from "../api/client";
import { useRun } from "../components/bits";
import { done, Problem } from "../components/problem";

const blank: Stack = { name: "", source: { kind: "git" } } as Stack;

/** StackForm makes a stack, or changes one. */
export default function StackForm({ stack, close, made }: { stack?: Stack; close: () => void; made?: (name: string) => void }) {
  const client = useQueryClient();
  const [s, setS] = useState<Stack>(stack ?? blank);
  const [more, setMore] = useState(Boolean(stack));
  const [busy, run, error] = useRun();
  const servers = useGet("GET /v1/servers");
  const stacks = useGet("GET /v1/stacks");
  const accounts = useGet("GET /v1/git-accounts", {}, { retry: false });
  const set = (change: Partial<Stack>) => setS((old) => ({ ...old, ...change }));
  const source = (change: Partial<Stack["source"]>) => setS((old) => ({ ...old, source: { ...old.source, ...change } }));
  const kind = s.source.kind;
  const nameProblem = s.name && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(s.name) ? "Letters, digits and . _ -" : undefined;
  const save = () =>
    run(async () => {
      const body = { ...s, updated_at: undefined, updated_by: undefined } as unknown as Stack;
      if (stack) {
        // With what the form began with: the page has learned of a change since.
        await replace("GET /v1/stacks/{stack}", "PUT /v1/stacks/{stack}", { stack: stack.name }, { updated_at: s.updated_at }, body);
      } else await call("POST /v1/stacks", { body });
      await client.invalidateQueries({ queryKey: ["GET /v1/stacks"] });
      await client.invalidateQueries({ queryKey: ["GET /v1/stacks/{stack}"] });
      done(stack ? `${s.name} is changed: a deploy brings it to the containers` : `${s.name} is there`);
      made?.(s.name);
      close();
    });
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}
    >
      {!stack && <TextInput label="Name" required value={s.name} onChange={(e) => set({ name: e.currentTarget.value.trim() })} placeholder="authentik" error={nameProblem} description="Items of the vault with the tag stack:NAME are its secrets" data-autofocus />}
      <SegmentedControl aria-label="Where its files are" value={kind} onChange={(v) => setS((old) => ({ ...old, source: { ...old.source, kind: v as "git" } }))} data={[{ value: "git", label: "Git repository" }, { value: "host", label: "Folder on the host" }, { value: "inline", label: "Files kept here" }]} />
      {kind === "git" && (
        <>
          <TextInput label="Repository" required={!s.source.linked} value={s.source.repo ?? ""} onChange={(e) => source({ repo: e.currentTarget.value.trim() || undefined })} placeholder="https://github.com/you/homelab.git" disabled={Boolean(s.source.linked)} />
          <div className="two">
            <TextInput label="Branch" value={s.source.branch ?? ""} onChange={(e) => source({ branch: e.currentTarget.value.trim() || undefined })} placeholder="main" />
            <TextInput label="Path" value={s.source.path ?? ""} onChange={(e) => source({ path: e.currentTarget.value.trim() || undefined })} placeholder="stacks/authentik" description="Folder of the stack in the repository" />
          </div>
          <div className="two">
            <TagsInput label="Compose files" value={s.source.compose_files ?? []} onChange={(v) => source({ compose_files: v.length ? v : undefined })} placeholder={s.source.compose_files?.length ? "" : "compose.yaml"} description="Left empty: the usual names" size="sm" />
            <Select label="Git account" clearable value={s.source.account ?? null} onChange={(v) => source({ account: v ?? undefined })} data={(accounts.data ?? []).map((a) => a.name)} placeholder="None: a public repository" description="Private repositories need one" />
          </div>
        </>
      )}
      {kind === "host" && <TextInput label="Folder" required value={s.source.dir ?? ""} onChange={(e) => source({ dir: e.currentTarget.value.trim() || undefined })} placeholder="/srv/stacks/authentik" />}
      {kind === "inline" && (
        <Textarea
          label="compose.yaml"
          required
          autosize
          minRows={10}
          maxRows={28}
          className="mono"
          value={s.source.files?.[0]?.content ?? ""}
          onChange={(e) => {
            const content = e.currentTarget.value;
            source({ files: [{ path: s.source.files?.[0]?.path ?? "compose.yaml", content }, ...(s.source.files ?? []).slice(1)] });
          }}
          description="Write [[NAME]] where a variable belongs. Never a secret's value"
          spellCheck={false}
        />
      )}
      <div className="two">
        <Select label="Server" value={s.server || "local"} onChange={(v) => set({ server: v === "local" || !v ? undefined : v })} data={[...new Set(["local", ...(servers.data ?? []).map((x) => x.name)])]} />
        <MultiSelect label="Deploy after" size="sm" value={s.after ?? []} onChange={(v) => set({ after: v.length ? v : undefined })} data={(stacks.data ?? []).map((x) => x.name).filter((n) => n !== s.name)} description="Stacks that have to be well first" searchable />
      </div>
      {more ? (
        <>
          <TextInput label="Description" value={s.description ?? ""} onChange={(e) => set({ description: e.currentTarget.value || undefined })} />
          <div className="two">
            <TagsInput label="Tags" size="sm" value={s.tags ?? []} onChange={(v) => set({ tags: v.length ? v : undefined })} />
            <TagsInput label="Profiles" size="sm" value={s.profiles ?? []} onChange={(v) => set({ profiles: v.length ? v : undefined })} />
          </div>
          <TagsInput label="Host paths" size="sm" description="Absolute paths on the host that compose files may read and mount" value={s.host_paths ?? []} onChange={(v) => set({ host_paths: v.length ? v : undefined })} />
          <Textarea label="Environment of the compose files" description="KEY = VALUE lines; [[NAME]] stands for a variable. Secrets belong into the vault" autosize minRows={3} value={s.environment ?? ""} onChange={(e) => set({ environment: e.currentTarget.value || undefined })} spellCheck={false} />
          <Switch label="Look for newer images at every deploy" checked={s.pull ?? false} onChange={(e) => set({ pull: e.currentTarget.checked || undefined })} />
          <Switch label="Deploy newer images when they are found" checked={s.auto_update ?? false} onChange={(e) => set({ auto_update: e.currentTarget.checked || undefined })} />
        </>
      ) : (
        <div>
          <Button variant="subtle" onClick={() => setMore(true)}>
            More settings
          </Button>
        </div>
      )}
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button type="submit" loading={busy} disabled={!s.name || Boolean(nameProblem)}>
          {stack ? "Save" : "Add the stack"}
        </Button>
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
