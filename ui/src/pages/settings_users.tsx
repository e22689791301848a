import { Button, Menu, Modal, Switch, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, type User, useGet } from "../api/client";
import { useSession } from "../app/session";
import { Card, Cli, Loaded, useRun } from "../components/bits";
import { Confirm } from "../components/confirm";
import { Icon } from "../components/icon";
import { done, failed, Problem } from "../components/problem";
import { Once } from "../components/secret";
import { Chip } from "../components/state";
import { Table } from "../components/table";
import { Ago } from "../components/time";
import { Keys } from "./settings_account";

export default function Users() {
  const q = useGet("GET /v1/users");
  const { me } = useSession();
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [gone, setGone] = useState<string>();
  const [keys, setKeys] = useState<string>();
  const [once, setOnce] = useState<{ user: string; password: string }>();
  const again = () => client.invalidateQueries({ queryKey: ["GET /v1/users"] });
  const change = async (u: User, what: Partial<User>) => {
    try {
      await call("PUT /v1/users/{user}", { path: { user: u.name }, body: { admin: u.admin, disabled: u.disabled, service: u.service, subject: u.subject, ...what } });
      await again();
    } catch (e) {
      failed(e);
    }
  };
  const reset = async (u: User) => {
    try {
      const out = await call("POST /v1/users/{user}/password", { path: { user: u.name }, body: {} });
      if (out.one_time_password) setOnce({ user: u.name, password: out.one_time_password });
    } catch (e) {
      failed(e);
    }
  };
  return (
    <Card
      flush
      title="Users"
      actions={
        <>
          <Cli>rinca user list</Cli>
          <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setAdding(true)}>
            Add a user
          </Button>
        </>
      }
    >
      {once && (
        <div className="pad">
          <Once value={once.password} close={() => setOnce(undefined)}>
            One-time password of <strong>{once.user}</strong>. It is shown this once; they choose their own when they sign in.
          </Once>
        </div>
      )}
      <Loaded query={q}>
        {(users) => (
          <Table
            label="Users"
            rows={users}
            id={(u) => u.name}
            columns={[
              { title: "User", sort: (u) => u.name, show: (u) => <span className="mainlink">{u.name}</span> },
              { title: "Is", show: (u) => <span className="row">{u.admin && <Chip tone="busy" icon="key" text="administrator" />}{u.service && <Chip tone="mute" icon="servers" text="service" />}{u.disabled && <Chip tone="bad" icon="lock" text="disabled" />}{!u.admin && !u.service && !u.disabled && <span className="dim">user</span>}</span> },
              { title: "Second factor", show: (u) => (u.totp ? <Chip tone="good" icon="ok" text="on" /> : <span className="dim">off</span>), width: "130px" },
              { title: "Signs in with", show: (u) => (u.subject ? "identity provider" : u.service ? "API keys" : u.must_change_password ? "one-time password" : "password"), minor: true },
              { title: "Last here", show: (u) => <Ago at={u.last_login} />, width: "120px" },
              {
                title: "", end: true, width: "90px",
                show: (u) =>
                  u.name !== me.user.name && (
                    <Menu position="bottom-end">
                      <Menu.Target>
                        <Button size="compact-xs" variant="default" aria-label={`Change ${u.name}`}>
                          <Icon name="more" size={14} />
                        </Button>
                      </Menu.Target>
                      <Menu.Dropdown>
                        <Menu.Item onClick={() => void change(u, { admin: !u.admin })}>{u.admin ? "Make them no administrator" : "Make them an administrator"}</Menu.Item>
                        <Menu.Item onClick={() => void change(u, { disabled: !u.disabled })}>{u.disabled ? "Let them in again" : "Disable"}</Menu.Item>
                        <Menu.Item onClick={() => setKeys(u.name)}>API keys</Menu.Item>
                        {!u.service && !u.subject && <Menu.Item onClick={() => void reset(u)}>New one-time password</Menu.Item>}
                        <Menu.Item onClick={() => void call("POST /v1/users/{user}/logout", { path: { user: u.name } }).then(() => done(`${u.name} is signed out everywhere`), failed)}>Sign out everywhere</Menu.Item>
                        {u.totp && <Menu.Item onClick={() => void call("DELETE /v1/users/{user}/totp", { path: { user: u.name } }).then(again, failed)}>Take their second factor off</Menu.Item>}
                        <Menu.Item className="bad-t" onClick={() => setGone(u.name)}>
                          Delete
                        </Menu.Item>
                      </Menu.Dropdown>
                    </Menu>
                  ),
              },
            ]}
          />
        )}
      </Loaded>
      <Modal opened={adding} onClose={() => setAdding(false)} title="Add a user">
        <Add
          close={() => setAdding(false)}
          made={(user, password) => {
            void again();
            setAdding(false);
            if (password) setOnce({ user, password });
            else done(`${user} is there`);
          }}
        />
      </Modal>
      <Modal opened={Boolean(keys)} onClose={() => setKeys(undefined)} title={`API keys of ${keys}`} size="xl">
        {keys && <Keys user={keys} />}
      </Modal>
      <Confirm
        opened={Boolean(gone)}
        close={() => setGone(undefined)}
        title={`Delete ${gone}`}
        name={gone}
        action="Delete"
        run={async () => {
          await call("DELETE /v1/users/{user}", { path: { user: gone ?? "" } });
          await again();
        }}
      >
        Their sessions and API keys end at once. What they did stays in the history.
      </Confirm>
    </Card>
  );
}

function Add({ close, made }: { close: () => void; made: (user: string, password?: string) => void }) {
  const [busy, run, error] = useRun();
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault();
        const data = new FormData(e.currentTarget);
        const name = String(data.get("name")).trim();
        void run(async () => {
          const out = await call("POST /v1/users", { body: { name, admin: data.get("admin") === "on" || undefined, service: data.get("service") === "on" || undefined } });
          made(name, out.one_time_password);
        });
      }}
    >
      <TextInput name="name" label="Name" required data-autofocus autoComplete="off" />
      <Switch name="admin" label="Administrator: may do everything" />
      <Switch name="service" label="Service: has API keys and no password" />
      {error ? <Problem error={error} /> : null}
      <div className="row">
        <Button type="submit" loading={busy}>
          Add
        </Button>
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
