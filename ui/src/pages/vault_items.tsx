import { ActionIcon, Button, Modal, MultiSelect, Select, TagsInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { createRef, type RefObject, useRef, useState } from "react";
import { ApiError, call, keyOf, useGet, type VaultItem } from "../api/client";
import { useSession } from "../app/session";
import { arg, Cli, Empty, Loaded, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { done, Problem } from "../components/problem";
import { Revealed, typed, WriteOnly } from "../components/secret";
import { Table } from "../components/table";
import { Ago } from "../components/time";

const stackTag = "stack:";
const recipes = [
  { value: "generate:32", label: "32 letters and digits" },
  { value: "generate:32:symbols", label: "32 with symbols" },
  { value: "hex:32", label: "32 bytes in hex" },
  { value: "base64:50", label: "50 bytes in base64" },
  { value: "uuid", label: "A UUID" },
  { value: "words:5", label: "Five words" },
];

/** useStale makes lists of items be asked for again after a change. */
function useStale() {
  const client = useQueryClient();
  return async () => {
    await client.invalidateQueries({ queryKey: ["GET /v1/vault/items"] });
    await client.invalidateQueries({ queryKey: ["GET /v1/vault/items/{item}"] });
    // The server remembers its answer for a minute, unless it is asked not to.
    client.setQueryData(keyOf("GET /v1/secrets"), await call("GET /v1/secrets", { query: { fresh: true } }));
  };
}

/** VaultItems lists everything in the vault, also what no stack uses. */
export default function VaultItems({ filter, edit }: { filter: string; edit: (id: string) => void }) {
  const q = useGet("GET /v1/vault/items", {}, { retry: false });
  return (
    <Loaded query={q} lines={6}>
      {(all) => (
        <Table
          label="Items of the vault"
          rows={all.filter((i) => !filter || `${i.title} ${(i.tags ?? []).join(" ")}`.toLowerCase().includes(filter))}
          id={(i) => i.id}
          open={(i) => edit(i.id)}
          columns={[
            { title: "Item", sort: (i) => i.title, show: (i) => <span className="row"><Icon name="secrets" size={15} /><span className="mainlink">{i.title}</span><span className="dim small">{i.vault}</span></span> },
            { title: "Goes to", sort: (i) => i.stacks?.length ?? 0, show: (i) => <span className="row">{(i.stacks ?? []).map((s) => <Link key={s} className="tag" to="/stacks/$stack" params={{ stack: s }}>{s}</Link>)}{!i.stacks?.length && <span className="dim">no stack</span>}</span> },
            { title: "Version", show: (i) => i.version || "", width: "90px", minor: true },
            { title: "Changed", sort: (i) => i.updated_at ?? "", show: (i) => <Ago at={i.updated_at} />, width: "130px", minor: true },
            { title: "", end: true, width: "90px", show: (i) => <Button size="compact-xs" variant="default" onClick={() => edit(i.id)} aria-label={`Edit ${i.title}`}>Edit</Button> },
          ]}
          empty={<Empty icon="secrets" title={all.length ? "No item matches" : "The vault is empty"}>An item that goes to a stack is a file there: each of its fields is a line of it.</Empty>}
        />
      )}
    </Loaded>
  );
}

/** ItemDialog makes an item, or changes the one with that id or title. */
export function ItemDialog({ item, close, kept }: { item?: string; close: () => void; kept?: (i: VaultItem) => void }) {
  return (
    <Modal opened={item !== undefined} onClose={close} title={item ? "Change the item" : "Add an item"} size="lg">
      {item === "" && <ItemForm close={close} kept={kept} />}
      {item && <Existing item={item} close={close} kept={kept} />}
    </Modal>
  );
}

function Existing({ item, close, kept }: { item: string; close: () => void; kept?: (i: VaultItem) => void }) {
  const q = useGet("GET /v1/vault/items/{item}", { path: { item } }, { retry: false, staleTime: 0 });
  return <Loaded query={q}>{(i) => <ItemForm key={`${i.id} ${i.version ?? 0}`} item={i} close={close} kept={kept} />}</Loaded>;
}

interface Row {
  key: string;
  id?: string;
  label: string;
  section?: string;
  /** What becomes of its value. */
  do: "keep" | "type" | "make" | "remove";
  recipe: string;
  input: RefObject<HTMLInputElement | null>;
}

function ItemForm({ item, close, kept }: { item?: VaultItem; close: () => void; kept?: (i: VaultItem) => void }) {
  const stacks = useGet("GET /v1/stacks");
  const stale = useStale();
  const { admin } = useSession();
  const [title, setTitle] = useState(item?.title ?? "");
  const [goes, setGoes] = useState(item?.stacks ?? []);
  const [tags, setTags] = useState((item?.tags ?? []).filter((t) => !t.startsWith(stackTag)));
  const [gone, setGone] = useState(false);
  const n = useRef(0);
  const fresh = (): Row => ({ key: `new ${n.current++}`, label: "", do: "type", recipe: "generate:32", input: createRef() });
  const [rows, setRows] = useState<Row[]>(() =>
    item ? (item.fields ?? []).map((f) => ({ key: f.id, id: f.id, label: f.label || f.id, section: f.section, do: "keep", recipe: "generate:32", input: createRef() })) : [fresh()],
  );
  const [lines, setLines] = useState(false);
  const env = useRef<HTMLTextAreaElement>(null);
  const [busy, run, error] = useRun();
  const change = (key: string, to: Partial<Row>) => setRows((all) => all.map((r) => (r.key === key ? { ...r, ...to } : r)));
  const names = [...new Set([...(stacks.data ?? []).map((s) => s.name), ...goes])].sort();
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault();
        const nameless = rows.some((r) => !r.id && !r.label && (r.do === "make" || typed(r.input)));
        const set = rows
          .filter((r) => r.do === "type" || r.do === "make")
          .map((r) => ({ id: r.id, label: r.id ? undefined : r.label, ...(r.do === "make" ? { recipe: r.recipe } : { value: typed(r.input) }) }))
          .filter((f) => f.id || f.label);
        const body = { title, tags: [...goes.map((s) => stackTag + s), ...tags], set, remove: rows.filter((r) => r.do === "remove").map((r) => r.id ?? ""), env: typed(env) || undefined };
        void run(async () => {
          if (nameless) throw new ApiError(400, "invalid", "A field has a value and no name", "Name it, or remove it");
          const now = item ? await call("PUT /v1/vault/items/{item}", { path: { item: item.id }, body: { ...body, version: item.version || undefined } }) : await call("POST /v1/vault/items", { body });
          await stale();
          done(now.stacks?.length ? `${now.title} is kept: a rotation or the next deploy carries it to ${now.stacks.join(", ")}` : `${now.title} is kept`);
          kept?.(now);
          close();
        });
      }}
    >
      <div className="two">
        <TextInput label="Title" required value={title} onChange={(e) => setTitle(e.currentTarget.value)} placeholder="postgres.env" description="The name of the file that it becomes" error={title && goes.length > 0 && !/^[^.\-/\\][^/\\]*\.env$/.test(title) ? "A file name that ends in .env" : undefined} data-autofocus={!item || undefined} />
        <MultiSelect label="Goes to" description="The stacks that get this file" value={goes} onChange={setGoes} data={names} searchable placeholder={goes.length ? "" : "No stack"} />
      </div>
      <table className="table" aria-label="Fields">
        <thead>
          <tr>
            <th>Field</th>
            <th>Value</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r.key}>
              <td data-title="Field">
                {r.id ? (
                  <span className={r.do === "remove" ? "row gone" : "row"}>
                    <code>{r.label}</code>
                    {r.section && <span className="dim small">{r.section}</span>}
                  </span>
                ) : (
                  <TextInput size="xs" aria-label="Name of the field" value={r.label} onChange={(e) => change(r.key, { label: e.currentTarget.value.trim() })} placeholder="DB_PASSWORD" />
                )}
              </td>
              <td data-title="Value">
                {r.do === "keep" && r.id && item && <Revealed label={r.label} may={admin} load={async () => (await call("GET /v1/vault/items/{item}/fields/{field}/value", { path: { item: item.id, field: r.id ?? "" } })).value} />}
                {r.do === "type" && <WriteOnly input={r.input} label="" required={Boolean(r.id)} name={`New value of ${r.label || "the field"}`} />}
                {r.do === "make" && <Select size="xs" aria-label={`How to make ${r.label || "the field"}`} value={r.recipe} onChange={(v) => change(r.key, { recipe: v ?? r.recipe })} data={recipes} allowDeselect={false} />}
                {r.do === "remove" && <span className="dim">is removed</span>}
              </td>
              <td>
                <span className="row" style={{ justifyContent: "flex-end", flexWrap: "nowrap" }}>
                  {r.do !== "remove" && r.do !== "type" && (
                    <Button size="compact-xs" variant="default" onClick={() => change(r.key, { do: "type" })} aria-label={`Change ${r.label}`}>
                      Change
                    </Button>
                  )}
                  {r.do !== "remove" && r.do !== "make" && (
                    <Button size="compact-xs" variant="default" onClick={() => change(r.key, { do: "make" })} aria-label={`Generate a value of ${r.label || "the field"}`}>
                      Generate
                    </Button>
                  )}
                  {r.id && r.do !== "keep" && (
                    <Button size="compact-xs" variant="default" onClick={() => change(r.key, { do: "keep" })}>
                      Keep
                    </Button>
                  )}
                  {r.do !== "remove" && (
                    <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${r.label || "the field"}`} onClick={() => (r.id ? change(r.key, { do: "remove" }) : setRows((all) => all.filter((x) => x.key !== r.key)))}>
                      <Icon name="trash" size={14} />
                    </ActionIcon>
                  )}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="row">
        <Button size="xs" variant="default" leftSection={<Icon name="plus" size={13} />} onClick={() => setRows((all) => [...all, fresh()])}>
          Field
        </Button>
        {!lines && (
          <Button size="xs" variant="default" onClick={() => setLines(true)}>
            Paste lines
          </Button>
        )}
      </div>
      {lines && <WriteOnly lines input={env} label="Lines of KEY=value" description="As in an .env file: each becomes a field, or the new value of one" placeholder={"DB_HOST=postgres\nDB_PASSWORD=…"} />}
      <TagsInput size="sm" label="Other tags" value={tags} onChange={setTags} description="rinca:hold keeps it from being rotated" />
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button type="submit" loading={busy}>
          Save
        </Button>
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
        {item && (
          <Button variant="default" color="red" onClick={() => setGone(true)}>
            Delete
          </Button>
        )}
        <span className="grow" />
        {item && <Cli>{`rinca item show ${arg(item.title)}`}</Cli>}
      </div>
      <Confirm
        opened={gone}
        close={() => setGone(false)}
        title={`Delete ${item?.title}`}
        name={item?.title}
        action="Delete"
        run={async () => {
          await call("DELETE /v1/vault/items/{item}", { path: { item: item?.id ?? "" } });
          await stale();
          close();
        }}
      >
        It cannot be brought back. {goes.length > 0 && `The file stays on disk until ${goes.join(", ")} is exported with --prune.`}
      </Confirm>
    </form>
  );
}
