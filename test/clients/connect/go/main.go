// Command connect drives 1Password's Go client of Connect through everything
// that its users do.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/1Password/connect-sdk-go/connect"
	"github.com/1Password/connect-sdk-go/onepassword"
)

func check(ok bool, format string, args ...any) {
	if !ok {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
		os.Exit(1)
	}
}

func must[T any](v T, err error) T {
	check(err == nil, "%v", err)
	return v
}

func main() {
	c := connect.NewClient(os.Getenv("CONNECT_TEST_HOST"), os.Getenv("CONNECT_TEST_TOKEN"))
	vaults := must(c.GetVaults())
	check(len(vaults) == 1 && vaults[0].Name == "homelab", "vaults: %+v", vaults)
	v := must(c.GetVaultByTitle("homelab"))
	check(must(c.GetVault(v.ID)).ID == v.ID, "vault by id")

	made := must(c.CreateItem(&onepassword.Item{
		Title: `quo"ted & #1.env`, Category: onepassword.SecureNote, Vault: onepassword.ItemVault{ID: v.ID}, Tags: []string{"stack:web"},
		Sections: []*onepassword.ItemSection{{ID: "s1", Label: "database"}},
		Fields: []*onepassword.ItemField{
			{Type: onepassword.FieldTypeConcealed, Label: "KEY", Value: "a b$c"},
			{Type: onepassword.FieldTypeString, Label: "HOST", Value: "db", Section: &onepassword.ItemSection{ID: "s1"}},
			{Type: onepassword.FieldTypeConcealed, Label: "GEN", Generate: true, Recipe: &onepassword.GeneratorRecipe{Length: 20, CharacterSets: []string{"LETTERS", "DIGITS"}}},
		},
	}, v.ID))
	check(made.Version == 1 && len(made.ID) == 26, "created: version %d", made.Version)
	check(len(made.GetValue("GEN")) == 20, "generated %d characters", len(made.GetValue("GEN")))

	got := must(c.GetItem(made.ID, v.ID))
	check(got.GetValue("KEY") == "a b$c" && got.GetValue("database.HOST") == "db", "by id: %q", got.GetValue("database.HOST"))
	got = must(c.GetItemByTitle(made.Title, v.ID))
	check(got.ID == made.ID, "by title")
	check(len(must(c.GetItems(v.ID))) == 2, "list")
	check(len(must(c.GetItemsByTitle("none", v.ID))) == 0, "list by title")

	got.Fields[0].Value = "changed"
	updated := must(c.UpdateItem(got, v.ID))
	check(updated.Version == 1, "the answer to an update has version %d", updated.Version)
	check(must(c.GetItem(made.ID, v.ID)).Version == 2, "the next read does not have version 2")

	tls := must(c.GetItemByTitle("tls", v.ID))
	files := must(c.GetFiles(tls.ID, v.ID))
	check(len(files) == 1 && files[0].Name == "ca.pem", "files: %+v", files)
	file := must(c.GetFile(files[0].ID, tls.ID, v.ID))
	content := must(c.GetFileContent(file))
	check(strings.HasPrefix(string(content), "-----BEGIN"), "content: %d bytes", len(content))
	path := must(c.DownloadFile(file, os.TempDir(), true))
	defer os.Remove(path)

	check(c.DeleteItem(got, v.ID) == nil, "delete")
	_, err := c.GetItem(made.ID, v.ID)
	check(err != nil && strings.Contains(err.Error(), "Found 0 item"), "after delete: %v", err)

	_, err = connect.NewClient(os.Getenv("CONNECT_TEST_HOST"), "bad").GetVaults()
	check(err != nil && strings.Contains(err.Error(), "Invalid bearer token"), "bad token: %v", err)
}
