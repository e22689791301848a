// 1Password's own JavaScript package, unmodified, drives the op on PATH. It
// takes anything on standard error for a failure, and parses the rest as JSON.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const op = require("@1password/op-js");

const dir = process.argv[2]; // for files
const vault = "homelab";
const id = /^[a-z0-9]{26}$/;

function fails(call, message, status = 1) {
  assert.throws(call, (e) => {
    assert(e instanceof op.CLIError, `${e}`);
    assert.match(e.message, message);
    assert.equal(e.status, status);
    assert(!Number.isNaN(e.timestamp.getTime()));
    return true;
  });
}

const tests = {
  async version() {
    assert.match(op.version(), /^2\.\d+\.\d+$/);
    await op.validateCli();
    await op.validateCli(">=2.32.0");
    await assert.rejects(op.validateCli(">=3"), op.ValidationError);
  },

  account() {
    const me = op.whoami();
    assert.deepEqual(Object.keys(me), ["url", "email", "user_uuid", "account_uuid"]);
    const [account] = op.account.list();
    assert.equal(account.account_uuid, me.account_uuid);
    const got = op.account.get();
    assert.equal(got.id, me.account_uuid);
    assert.equal(got.state, "ACTIVE");
    op.setGlobalFlags({ account: account.url, cache: true });
    assert.equal(op.whoami().user_uuid, me.user_uuid);
    op.setGlobalFlags({});
  },

  vaults() {
    const made = op.vault.create("Second Vault", { description: "made by op-js" });
    assert.match(made.id, id);
    assert.equal(op.vault.get(made.id).description, "made by op-js");
    assert.equal(op.vault.get("second vault").id, made.id);
    const names = op.vault.list().map((v) => v.name);
    assert.deepEqual(names.sort(), ["Second Vault", vault]);
    fails(() => op.vault.get("nowhere"), /^"nowhere" isn't a vault in this account\. Specify the vault with its ID or name\.$/);
  },

  items() {
    const made = op.item.create([["username", "text", "created"], ["host", "text", "db.local"], ["conn.secret key", "concealed", "s3cret, really"]], {
      vault, category: "Login", title: "Created Login", url: "https://example.com", tags: ["stack:web", "db"], generatePassword: "letters,digits,20",
    });
    assert.match(made.id, id);
    assert.equal(made.version, 1);
    assert.equal(made.category, "LOGIN");
    assert.deepEqual(made.tags, ["stack:web", "db"]);
    assert.deepEqual(made.urls, [{ primary: true, href: "https://example.com" }]);
    assert.equal(made.additional_information, "created");
    const password = made.fields.find((f) => f.purpose === "PASSWORD");
    assert.match(password.value, /^[A-Za-z0-9]{20}$/);
    assert.equal(password.password_details.strength, "FANTASTIC");
    const field = made.fields.find((f) => f.label === "secret key");
    assert.equal(field.section.label, "conn");
    assert.equal(field.reference, `op://${vault}/Created Login/conn/secret key`);

    const edited = op.item.edit(made.id, [["username", "text", "updated"], ["host", "delete", ""]], { title: "Updated Login", tags: ["stack:web"] });
    assert.equal(edited.version, 2);
    assert.equal(edited.title, "Updated Login");
    assert.deepEqual(edited.tags, ["stack:web"]);
    assert(!edited.fields.some((f) => f.label === "host"));

    const got = op.item.get("updated login", { vault });
    assert.deepEqual(got, op.item.get(made.id));
    assert.equal(op.item.get(made.id, { fields: { label: ["username"] } }).value, "updated");
    assert.equal(op.item.get(made.id, { fields: { label: ["username", "secret key"] } }).length, 2);
    assert(op.item.get(made.id, { fields: { type: ["concealed"] } }).every((f) => f.type === "CONCEALED"));

    const ids = (flags) => op.item.list(flags).map((i) => i.id);
    assert.deepEqual(ids({ vault }), [made.id]);
    assert.deepEqual(ids({ tags: ["stack:web"] }), [made.id]);
    assert.deepEqual(ids({ tags: ["stack"] }), []);
    assert.deepEqual(ids({ categories: ["Login"] }), [made.id]);
    assert.deepEqual(ids({ categories: ["Secure Note"] }), []);
    assert.deepEqual(ids({ favorite: true }), []);
    assert.equal(op.item.list({ long: true })[0].version, 2);

    fails(() => op.item.get("nothing", { vault }), /^"nothing" isn't an item in the "homelab" vault\. Specify the item with its UUID, name, or domain\.$/);
    fails(() => op.item.get("nothing"), /^"nothing" isn't an item\. Specify/);
    fails(() => op.item.get(made.id, { fields: { label: ["nope"] } }), /^"nope" isn't a field in the "Updated Login" item\.$/);
    fails(() => op.item.otp(made.id), /one-time password/);

    assert.equal(op.item.delete(made.id), undefined);
    fails(() => op.item.delete(made.id, { vault }), /isn't an item in the "homelab" vault/);
  },

  oneTimePassword() {
    const seed = "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP";
    const made = op.item.create([["one-time password", "otp", seed]], { vault, category: "Login", title: "With OTP" });
    assert.match(op.item.otp(made.id), /^\d{6}$/);
    assert.match(made.fields.find((f) => f.type === "OTP").totp, /^\d{6}$/);
    assert.equal(op.item.delete(made.id, { archive: true }), undefined);
    fails(() => op.item.get("With OTP", { vault }), /^could not find item With OTP in vault homelab, because it has been deleted or archived\.$/);
    assert.equal(op.item.get("With OTP", { vault, includeArchive: true }).id, made.id);
  },

  templates() {
    const list = op.item.template.list();
    assert.equal(list.length, 22);
    assert(list.some((t) => t.uuid === "003" && t.name === "Secure Note"));
    const login = op.item.template.get("Login");
    assert.deepEqual(login.fields.map((f) => f.id), ["username", "password", "notesPlain"]);
  },

  readAndInject() {
    const value = `line one\nquotes " and ' and $VARS`;
    fs.writeFileSync(path.join(dir, "t.json"), JSON.stringify({ title: "injectable", category: "SECURE_NOTE", fields: [{ label: "foo", type: "CONCEALED", value }] }));
    const made = op.item.create([], { vault, template: path.join(dir, "t.json") });
    const { reference } = made.fields.find((f) => f.label === "foo");
    assert.equal(op.read.parse(reference), value);
    assert.equal(op.read.parse(`op://${vault}/${made.id}/foo?attribute=type`), "CONCEALED");
    op.read.toFile(reference, path.join(dir, "read.txt"), { noNewline: true });
    assert.equal(fs.readFileSync(path.join(dir, "read.txt"), "utf8"), value);
    assert.equal(fs.statSync(path.join(dir, "read.txt")).mode & 0o777, 0o600);
    fails(() => op.read.toFile(reference, path.join(dir, "read.txt")), /^cannot prompt for confirmation\. Use the '-f' or '--force' flag/);
    fails(() => op.read.parse(`op://${vault}/injectable/nope`), /^could not read secret 'op:\/\/homelab\/injectable\/nope': item 'homelab\/injectable' does not have a field 'nope'$/);

    assert.equal(op.inject.data(`foo ${reference}`), `foo ${value}`);
    assert.equal(op.inject.data(`a: {{ ${reference} }}!`), `a: ${value}!`);
    op.inject.toFile(`foo ${reference}\n`, path.join(dir, "injected"), { fileMode: "0640" });
    assert.equal(fs.readFileSync(path.join(dir, "injected"), "utf8"), `foo ${value}\n`);
    assert.equal(fs.statSync(path.join(dir, "injected")).mode & 0o777, 0o640);
    fails(() => op.inject.data(`op://${vault}/nothing/foo`), /^could not resolve item UUID for item nothing: could not find item nothing in vault [a-z0-9]{26}/);
    fails(() => op.inject.data(`${reference}x`), /^item 'homelab\/injectable' does not have a field 'foox'/);
  },

  documents() {
    const made = op.document.create("Created Value", { vault, title: "Created Document", fileName: "created-doc.txt" });
    assert.deepEqual(Object.keys(made), ["uuid", "createdAt", "updatedAt", "vaultUuid"]);
    assert.equal(op.document.get(made.uuid), "Created Value");
    assert.equal(op.document.list({ vault })[0].title, "Created Document");
    assert.equal(op.document.edit(made.uuid, "Updated Value", { title: "Updated Document", fileName: "updated-doc.txt" }), undefined);
    assert.equal(op.item.get(made.uuid).files[0].name, "updated-doc.txt");
    op.document.toFile("updated document", path.join(dir, "doc.txt"));
    assert.equal(fs.readFileSync(path.join(dir, "doc.txt"), "utf8"), "Updated Value");
    const binary = Buffer.from([0, 255, 10, 13, 10, 128]);
    fs.writeFileSync(path.join(dir, "b.bin"), binary);
    const file = op.document.create(path.join(dir, "b.bin"), { vault }, true);
    op.document.toFile(file.uuid, path.join(dir, "b2.bin"));
    assert.deepEqual(fs.readFileSync(path.join(dir, "b2.bin")), binary);
    assert.equal(op.document.delete(made.uuid), undefined);
    fails(() => op.document.get(made.uuid, { vault }), /isn't an item in the "homelab" vault/);
  },
};

(async () => {
  for (const [name, test] of Object.entries(tests)) {
    await test();
    console.log(`ok op-js ${name}`);
  }
})();
