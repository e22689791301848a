// 1Password's JavaScript client of Connect, through everything its users do.
import assert from "node:assert/strict";
import connect from "@1password/connect";

const { OnePasswordConnect, ItemBuilder } = connect;
const serverURL = process.env.CONNECT_TEST_HOST;
const op = OnePasswordConnect({ serverURL, token: process.env.CONNECT_TEST_TOKEN, keepAlive: true });

const vaults = await op.listVaults();
assert.equal(vaults.length, 1);
const v = await op.getVault("homelab");
assert.equal((await op.getVaultById(v.id)).name, "homelab");
assert.equal((await op.getVaultByTitle("homelab")).id, v.id);
assert.ok(vaults[0].updatedAt instanceof Date && !isNaN(vaults[0].updatedAt));

const draft = new ItemBuilder()
  .setCategory("LOGIN")
  .setTitle("js.env")
  .addTag("stack:js")
  .addField({ label: "KEY", value: "a b$c", type: "CONCEALED" })
  .addField({ label: "HOST", value: "db", sectionName: "database" })
  .addField({ label: "GEN", generate: true, recipe: { length: 24, characterSets: ["DIGITS"] }, type: "CONCEALED" })
  .build();
const made = await op.createItem(v.id, draft);
assert.equal(made.version, 1);
assert.match(made.fields.find((f) => f.label === "GEN").value, /^\d{24}$/);

const got = await op.getItem(v.id, "js.env");
assert.equal(got.id, made.id);
assert.equal(got.fields.find((f) => f.label === "KEY").value, "a b$c");
assert.equal((await op.getItemById(v.id, made.id)).title, "js.env");
assert.equal((await op.listItems(v.id)).filter((i) => i.title === "js.env").length, 1);
assert.equal((await op.listItemsByTitleContains(v.id, "js")).length, 1);

got.fields.find((f) => f.label === "KEY").value = "changed";
await op.updateItem(v.id, got);
const again = await op.getItemById(v.id, made.id);
assert.equal(again.version, 2);
assert.equal(again.fields.find((f) => f.label === "KEY").value, "changed");

const tls = await op.getItemByTitle(v.id, "tls");
const files = await op.listFiles(v.id, tls.id);
assert.equal(files[0].name, "ca.pem");
assert.match(await op.getFileContent(v.id, tls.id, files[0].id), /^-----BEGIN/);
assert.equal((await op.getFileById(v.id, tls.id, files[0].id)).name, "ca.pem");

await op.deleteItem(v.id, made.id);
await assert.rejects(op.getItemById(v.id, made.id), (e) => e.status === 404);
await assert.rejects(OnePasswordConnect({ serverURL, token: "bad" }).listVaults(), (e) => e.status === 401);
