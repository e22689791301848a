"""pyonepassword, unmodified, drives the op on PATH.

It gives the global flags before the command, reads item lists from standard
input, and compares error messages.
"""
import json
import pathlib
import subprocess
import sys

from pyonepassword import OP
from pyonepassword.api.authentication import EXISTING_AUTH_AVAIL, EXISTING_AUTH_REQD
from pyonepassword.api.exceptions import (
    OPCmdFailedException,
    OPDocumentGetException,
    OPItemDeleteException,
    OPItemGetException,
    OPItemListException,
    OPVaultGetException,
)
from pyonepassword.api.object_types import (
    OPLoginItemTemplate,
    OPNewConcealedField,
    OPNewStringField,
    OPPasswordRecipe,
)

DIR = pathlib.Path(sys.argv[1])
VAULT = "homelab"


def shell(*args, stdin=b""):
    """What pyonepassword has no call for."""
    return json.loads(subprocess.run(["op", *args, "--format", "json"], input=stdin, capture_output=True, check=True).stdout)


def fails(kind, message, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as e:
        text = e.err_output if isinstance(e, OPCmdFailedException) else str(e)
        assert message in text, text
        return
    raise AssertionError(f"{call} does not fail")


def sign_in():
    OP.check_op_version()
    for how in (EXISTING_AUTH_REQD, EXISTING_AUTH_AVAIL):
        op = OP(existing_auth=how, vault=VAULT)
    accounts = op.signed_in_accounts()
    assert len(accounts) == 1 and len(accounts[0].account_uuid) == 26
    OP(existing_auth=EXISTING_AUTH_REQD, account=accounts[0].account_uuid)
    return op


def vaults(op):
    made = shell("vault", "create", "Second")
    assert {v.name for v in op.vault_list()} == {VAULT, "Second"}
    vault = op.vault_get("Second")
    assert vault.unique_id == made["id"] and vault.item_count == 0
    fails(OPVaultGetException, '"Invalid Vault" isn\'t a vault in this account. Specify the vault with its ID or name.', op.vault_get, "Invalid Vault")


def create(op):
    recipe = OPPasswordRecipe(length=24, digits=True, symbols=False)
    item = op.login_item_create("web", "wendy", password=recipe, url="https://example.com/login", tags=["stack:web"])
    assert item.username == "wendy" and len(item.password) == 24 and item.tags == ["stack:web"]
    assert item.primary_url.href == "https://example.com/login"
    template = OPLoginItemTemplate(
        "sections", "joe", password="pa,ss\"w'ord",
        fields=[OPNewStringField("host", "db.local"), OPNewConcealedField("key", "a=b\\c")],
    )
    made = op.item_create(template)
    assert made.password == "pa,ss\"w'ord"
    assert made.first_field_by_label("host").value == "db.local"
    assert made.first_field_by_label("key").value == "a=b\\c"
    return item


def get(op, item):
    again = op.item_get("web")
    assert again == op.item_get(item.unique_id) and again.title == "web"
    assert op.item_get_password("web") == item.password
    fails(OPItemGetException, '"Invalid Item" isn\'t an item in the "homelab" vault. Specify the item with its UUID, name, or domain.', op.item_get, "Invalid Item")
    shell("item", "create", "--category", "login", "--title", "totp", "--vault", VAULT,
          "one-time password[otp]=otpauth://totp/x?secret=JBSWY3DPEHPK3PXP")
    totp = op.item_get_totp("totp")
    assert len(totp.totp) == 6 and totp.unique_id.startswith("TOTP_")


def edit(op):
    assert op.item_edit_set_password("web", "new password", insecure_operation=True).password == "new password"
    assert len(op.item_edit_generate_password("web", OPPasswordRecipe(length=20, digits=True, symbols=False)).password) == 20
    assert op.item_edit_title("web", "web 2").title == "web 2"
    assert op.item_edit_favorite("web 2", True).favorite is True
    assert op.item_edit_favorite("web 2", False).favorite is False
    assert op.item_edit_tags("web 2", ["a", "b"], append_tags=True).tags == ["stack:web", "a", "b"]
    assert op.item_edit_tags("web 2", ["c"]).tags == ["c"]
    assert op.item_edit_url("web 2", "https://example.org").primary_url.href == "https://example.org"
    item = op.item_edit_add_text_field("web 2", "text value", "Text Field", section_label="Section 01")
    assert item.field_value_by_section_title("Section 01", "Text Field") == "text value"
    item = op.item_edit_add_password_field("web 2", "secret", "Password Field", section_label="Section 01", insecure_operation=True)
    item = op.item_edit_add_url_field("web 2", "https://example.net", "URL Field", section_label="Section 01")
    assert len(item.sections) == 1
    item = op.item_edit_set_text_field("web 2", "other", "Text Field", section_label="Section 01")
    assert item.field_value_by_section_title("Section 01", "Text Field") == "other"
    for label in ("Text Field", "Password Field", "URL Field"):
        item = op.item_edit_delete_field("web 2", label, section_label="Section 01")
    assert len(item.sections) == 0
    assert item["version"] == 16, item["version"]  # one for each edit


def lists(op):
    assert {i.title for i in op.item_list()} == {"web 2", "sections", "totp"}
    assert [i.title for i in op.item_list(tags=["c", "nothing"])] == ["web 2"]
    assert len(op.item_list(categories=["login", "identity", "database"])) == 3
    fails(OPItemListException, '"Invalid Vault" isn\'t a vault in this account.', op.item_list, vault="Invalid Vault")


def documents(op):
    data = bytes(range(256)) * 9
    (DIR / "image.png").write_bytes(data)
    made = shell("document", "create", str(DIR / "image.png"), "--vault", VAULT, "--title", "image")
    assert op.document_get("image") == ("image.png", data)
    (DIR / "new.png").write_bytes(data[::-1])
    op.document_edit("image", str(DIR / "new.png"), file_name="other.png", new_title="image 2")
    assert op.document_get(made["uuid"]) == ("other.png", data[::-1])
    fails(OPDocumentGetException, '"No Document" isn\'t an item in the "homelab" vault.', op.document_get, "No Document")
    op.document_delete("image 2", archive=True)
    fails(OPDocumentGetException, "because it has been deleted or archived.", op.document_get, "image 2")
    assert op.document_get("image 2", include_archive=True)[0] == "other.png"


def delete(op):
    for _ in range(2):
        shell("item", "create", "--category", "login", "--title", "Delete Me", "--vault", VAULT)
    fails(OPItemGetException, 'More than one item matches "Delete Me". Try again and specify the item by its ID: \n\t* for the item "Delete Me" in vault homelab: ', op.item_get, "Delete Me")
    assert len(op.item_delete_multiple(VAULT, title_glob="Delete*", batch_size=1)) == 2
    op.item_delete("web 2")
    fails(OPItemDeleteException, '"web 2" isn\'t an item in the "homelab" vault.', op.item_delete, "web 2")
    op.item_delete_multiple(VAULT, categories=["login"], archive=True)
    assert op.item_list() == []
    assert len(op.item_list(include_archive=True)) == 3


def run(name, test, *args):
    result = test(*args)
    print(f"ok pyonepassword {name}", flush=True)
    return result


op = run("sign in", sign_in)
run("vaults", vaults, op)
item = run("create", create, op)
run("get", get, op, item)
run("edit", edit, op)
run("lists", lists, op)
run("documents", documents, op)
run("delete", delete, op)
