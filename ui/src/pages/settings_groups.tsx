import { Button, Checkbox, Modal, MultiSelect, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, replace, type Permission, type UserGroup, useGet } from "../api/client";
import { arg, Card, Cli, Empty, Loaded, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { done, Problem } from "../components/problem";
import { Chip } from "../components/state";
import { Table } from "../components/table";

export const kinds = ["Stack", "Server", "Variable", "GitAccount", "Procedure", "ResourceSync", "Alerter", "Repo"] as const;
export type Kind = (typeof kinds)[number];
export const levels = ["None", "Read", "Execute", "Write"] as const;
const words: Record<Kind, string> = { Stack: "Stacks", Server: "Servers", Variable: "Variables", GitAccount: "Git accounts", Procedure: "Procedures", ResourceSync: "Syncs", Alerter: "Alerters", Repo: "Repos" };

export default function Groups() {
  const q = useGet("GET /v1/groups");
  const client = useQueryClient();
  const [form, setForm] = useState<UserGroup | "new">();
  const [gone, setGone] = useState<string>();
  return (
    <>
      <Card
        flush
        title="Groups"
        actions={
          <>
            <Cli>rinca group list</Cli>
            <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setForm("new")}>
              Add a group
            </Button>
          </>
        }
      >
        <Loaded query={q}>
          {(groups) => (
            <Table
              label="Groups"
              rows={groups}
              id={(g) => g.name}
              columns={[
                { title: "Group", sort: (g) => g.name, show: (g) => <span className="mainlink">{g.name}</span> },
                { title: "Members", show: (g) => (g.everyone ? "everyone" : [...(g.users ?? []), ...(g.claims ?? []).map((c) => `all of ${c}`)].join(", ") || <span className="dim">nobody</span>) },
                { title: "May", show: (g) => <Summary group={g} /> },
                {
                  title: "", end: true, width: "170px",
                  show: (g) => (
                    <span className="row" style={{ justifyContent: "flex-end" }}>
                      <Button size="compact-xs" variant="default" onClick={() => setForm(g)}>
                        Change
                      </Button>
                      <Button size="compact-xs" variant="default" color="red" onClick={() => setGone(g.name)}>
                        Delete
                      </Button>
                    </span>
                  ),
                },
              ]}
              empty={<Empty icon="user" title="There are no groups">A group gives several people the same rights: on kinds of resources, or on some by name.</Empty>}
            />
          )}
        </Loaded>
      </Card>
      <div style={{ height: 14 }} />
      <Why />
      <Modal opened={Boolean(form)} onClose={() => setForm(undefined)} title={form === "new" ? "Add a group" : "Change the group"} size="xl">
        {form && <Form group={form === "new" ? undefined : form} close={() => setForm(undefined)} />}
      </Modal>
      <Confirm
        opened={Boolean(gone)}
        close={() => setGone(undefined)}
        title={`Delete ${gone}`}
        name={gone}
        action="Delete"
        run={async () => {
          await call("DELETE /v1/groups/{group}", { path: { group: gone ?? "" } });
          await client.invalidateQueries({ queryKey: ["GET /v1/groups"] });
        }}
      >
        Its members lose what it allows, at once.
      </Confirm>
    </>
  );
}

function Summary({ group }: { group: UserGroup }) {
  const all = Object.entries((group.all ?? {}) as Record<string, { level: string; specific?: string[] }>).filter(([, g]) => g.level !== "None");
  return (
    <span className="row">
      {all.map(([k, g]) => (
        <span key={k} className="tag">
          {words[k as Kind] ?? k}: {g.level}
          {g.specific?.length ? " + Reveal" : ""}
        </span>
      ))}
      {(group.permissions ?? []).map((p, i) => (
        <span key={i} className="tag">
          {p.target.type} {p.target.id}: {p.level}
          {p.specific?.length ? " + Reveal" : ""}
        </span>
      ))}
      {all.length + (group.permissions ?? []).length === 0 && <span className="dim">nothing</span>}
    </span>
  );
}

export interface Grants {
  all: Partial<Record<Kind, { level: string; specific?: string[] }>>;
  permissions: Permission[];
}

/** Matrix sets levels by kind, and exceptions by name. */
export function Matrix({ value, change }: { value: Grants; change: (g: Grants) => void }) {
  const set = (kind: Kind, level: string, reveal: boolean) => {
    const all = { ...value.all };
    if (level === "None") delete all[kind];
    else all[kind] = { level, ...(reveal ? { specific: ["Reveal"] } : {}) };
    change({ ...value, all });
  };
  const setOne = (i: number, p: Permission | null) => change({ ...value, permissions: p ? value.permissions.map((x, j) => (j === i ? p : x)) : value.permissions.filter((_, j) => j !== i) });
  return (
    <>
      <table className="table" aria-label="Rights by kind">
        <thead>
          <tr>
            <th>On all</th>
            {levels.map((l) => (
              <th key={l}>{l}</th>
            ))}
            <th>Reveal values</th>
          </tr>
        </thead>
        <tbody>
          {kinds.map((kind) => {
            const g = value.all[kind];
            const level = g?.level ?? "None";
            const reveal = Boolean(g?.specific?.includes("Reveal"));
            return (
              <tr key={kind}>
                <td data-title="">
                  <strong>{words[kind]}</strong>
                </td>
                {levels.map((l) => (
                  <td key={l} data-title={l}>
                    <input type="radio" name={`level-${kind}`} aria-label={`${l} on all ${words[kind]}`} checked={level === l} onChange={() => set(kind, l, reveal)} />
                  </td>
                ))}
                <td data-title="Reveal values">{(kind === "Variable" || kind === "Stack") && <Checkbox size="xs" aria-label={`Reveal values of ${words[kind]}`} checked={reveal} disabled={level === "None"} onChange={(e) => set(kind, level, e.currentTarget.checked)} />}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <h3>On some, by name</h3>
      {value.permissions.map((p, i) => (
        <div key={i} className="row">
          <Select size="xs" w={140} aria-label="Kind" data={[...kinds]} value={p.target.type} onChange={(v) => v && setOne(i, { ...p, target: { ...p.target, type: v as Kind } })} />
          <TextInput size="xs" className="grow" aria-label="Name or pattern" placeholder="authentik, media-*, or \^db-\" value={p.target.id} onChange={(e) => setOne(i, { ...p, target: { ...p.target, id: e.currentTarget.value } })} />
          <Select size="xs" w={110} aria-label="Level" data={levels.filter((l) => l !== "None")} value={p.level} onChange={(v) => v && setOne(i, { ...p, level: v as Permission["level"] })} />
          <Checkbox size="xs" label="Reveal" checked={Boolean(p.specific?.length)} onChange={(e) => setOne(i, { ...p, specific: e.currentTarget.checked ? ["Reveal"] : undefined })} />
          <Button size="compact-xs" variant="default" aria-label="Remove this line" onClick={() => setOne(i, null)}>
            <Icon name="trash" size={13} />
          </Button>
        </div>
      ))}
      <div>
        <Button size="compact-sm" variant="default" leftSection={<Icon name="plus" size={13} />} onClick={() => change({ ...value, permissions: [...value.permissions, { target: { type: "Stack", id: "" }, level: "Read" }] })}>
          Add a line
        </Button>
      </div>
    </>
  );
}

function Form({ group, close }: { group?: UserGroup; close: () => void }) {
  const client = useQueryClient();
  const users = useGet("GET /v1/users");
  const [name, setName] = useState(group?.name ?? "");
  const [everyone, setEveryone] = useState(group?.everyone ?? false);
  const [members, setMembers] = useState(group?.users ?? []);
  const [claims, setClaims] = useState(group?.claims ?? []);
  const [grants, setGrants] = useState<Grants>({ all: (group?.all ?? {}) as Grants["all"], permissions: group?.permissions ?? [] });
  const [busy, run, error] = useRun();
  return (
    <form
      className="form"
      style={{ maxWidth: "none" }}
      onSubmit={(e) => {
        e.preventDefault();
        void run(async () => {
          const path = { group: name };
          const body = { everyone, users: members, claims, all: grants.all as Record<string, { level: "Read" }>, permissions: grants.permissions.filter((p) => p.target.id) };
          if (group) await replace("GET /v1/groups/{group}", "PUT /v1/groups/{group}", path, { everyone: group.everyone, users: group.users, claims: group.claims, all: group.all, permissions: group.permissions }, body);
          else await call("PUT /v1/groups/{group}", { path, body, headers: { "If-None-Match": "*" } });
          await client.invalidateQueries({ queryKey: ["GET /v1/groups"] });
          done(`${name} is saved`);
          close();
        });
      }}
    >
      {!group && <TextInput label="Name" required value={name} onChange={(e) => setName(e.currentTarget.value.trim())} data-autofocus />}
      <Switch label="Everyone is a member" checked={everyone} onChange={(e) => setEveryone(e.currentTarget.checked)} />
      {!everyone && (
        <div className="two">
          <MultiSelect size="sm" label="Members" data={(users.data ?? []).map((u) => u.name)} value={members} onChange={setMembers} searchable />
          <TagsInput size="sm" label="Groups of the identity provider" value={claims} onChange={setClaims} description="Whoever is in one of them" />
        </div>
      )}
      <Matrix value={grants} change={setGrants} />
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

/** Why explains what somebody may do, and where that comes from. */
function Why() {
  const users = useGet("GET /v1/users");
  const [user, setUser] = useState<string | null>(null);
  const [kind, setKind] = useState<string>("Stack");
  const [name, setName] = useState("");
  const q = useGet("GET /v1/permissions/{user}", { path: { user: user ?? "" }, query: { type: kind, name } }, { enabled: Boolean(user && name), retry: false });
  return (
    <Card title="What may somebody do, and why?" actions={user && name ? <Cli>{`rinca user explain ${arg(user)} ${kind} ${arg(name)}`}</Cli> : undefined}>
      <div className="row">
        <Select aria-label="User" placeholder="User" w={170} data={(users.data ?? []).map((u) => u.name)} value={user} onChange={setUser} searchable />
        <Select aria-label="Kind" w={150} data={[...kinds]} value={kind} onChange={(v) => setKind(v ?? kind)} />
        <TextInput aria-label="Name of the resource" placeholder="Name, such as authentik" value={name} onChange={(e) => setName(e.currentTarget.value)} w={230} />
      </div>
      {q.error ? <Problem error={q.error} /> : null}
      {q.data && (
        <div style={{ marginTop: 12 }}>
          <div className="row">
            <Chip tone={q.data.level === "None" ? "mute" : "good"} icon={q.data.level === "None" ? "lock" : "ok"} text={q.data.level} />
            {q.data.specific?.includes("Reveal") && <Chip tone="warn" icon="eye" text="may reveal values" />}
          </div>
          <ul>
            {q.data.rules.map((r, i) => (
              <li key={i}>{Object.values(r as Record<string, unknown>).filter((v) => typeof v === "string" && v).join(" · ")}</li>
            ))}
          </ul>
          {q.data.rules.length === 0 && <div className="dim">Nothing gives {user} any right on it.</div>}
        </div>
      )}
    </Card>
  );
}
