"""1Password's Python client of Connect, through everything its users do."""

import os

from onepasswordconnectsdk import load_dict
from onepasswordconnectsdk.client import FailedToRetrieveItemException, FailedToRetrieveVaultException, new_client
from onepasswordconnectsdk.models import Field, GeneratorRecipe, Item, ItemVault, Section

host, token = os.environ["CONNECT_TEST_HOST"], os.environ["CONNECT_TEST_TOKEN"]
op = new_client(host, token)

assert [v.name for v in op.get_vaults()] == ["homelab"]
v = op.get_vault_by_title("homelab")
assert op.get_vault(v.id).id == v.id

section = Section(id="s1", label="database")
made = op.create_item(
    v.id,
    Item(
        title="py.env",
        category="LOGIN",
        tags=["stack:py"],
        vault=ItemVault(id=v.id),
        sections=[section],
        fields=[
            Field(label="KEY", value="a b$c", type="CONCEALED"),
            Field(label="HOST", value="db", section=section),
            Field(label="GEN", type="CONCEALED", generate=True, recipe=GeneratorRecipe(length=30, character_sets=["LETTERS"])),
        ],
    ),
)
fields = {f.label: f.value for f in made.fields}
assert made.version == 1 and len(fields["GEN"]) == 30 and fields["GEN"].isalpha(), fields.keys()

assert op.get_item("py.env", v.id).id == made.id
assert op.get_item(made.id, v.id).title == "py.env"
assert len([i for i in op.get_items(v.id) if i.title == "py.env"]) == 1
assert load_dict(op, {"key": {"opitem": "py.env", "opfield": ".KEY", "opvault": v.id}})["key"] == "a b$c"

item = op.get_item_by_id(made.id, v.id)
item.title = "py2.env"
op.update_item(made.id, v.id, item)
again = op.get_item_by_id(made.id, v.id)
assert again.version == 2 and again.title == "py2.env"

tls = op.get_item_by_title("tls", v.id)
files = op.get_files(tls.id, v.id)
assert files[0].name == "ca.pem"
assert op.get_file_content(files[0].id, tls.id, v.id).startswith(b"-----BEGIN")

op.delete_item(made.id, v.id)
try:
    op.get_item_by_id(made.id, v.id)
    raise SystemExit("a deleted item was found")
except FailedToRetrieveItemException:
    pass
try:
    new_client(host, "bad").get_vaults()
    raise SystemExit("a bad token works")
except FailedToRetrieveVaultException:
    pass
