package connectapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// What 1Password's Terraform provider (3.3) sends and waits for: it cannot be
// installed where only a module proxy is reached, so its recorded sequence is
// replayed.
func TestTerraformSequence(t *testing.T) {
	w := newWorld(t)
	body := func(password string) string {
		return `{"title":"tf","category":"LOGIN","vault":{"id":"{v}"},"urls":[{"primary":true,"href":""}],"tags":["terraform"],
			"sections":[{"id":"6f1b1c5e-7f1d-4f3a-9c0e-0d9a3c1f1b11","label":"database"}],
			"fields":[{"id":"username","purpose":"USERNAME","type":"STRING","label":"username","value":"u"},
			{"id":"password","purpose":"PASSWORD","type":"CONCEALED","label":"password","value":"` + password + `","generate":false},
			{"id":"notesPlain","purpose":"NOTES","type":"STRING","label":"notesPlain","value":""},
			{"id":"0a7b2d2e-5f5e-4c0f-8f59-0b8d8d0e8c11","type":"STRING","label":"host","value":"db","section":{"id":"6f1b1c5e-7f1d-4f3a-9c0e-0d9a3c1f1b11"}}]}`
	}
	made := w.create(body("one"))
	item := "/v1/vaults/{v}/items/" + made["id"].(string)
	version := func() float64 {
		_, text, _ := w.do("rw", "GET", item, "")
		return object(t, text)["version"].(float64)
	}
	if version() != 1 {
		t.Errorf("after create: version %v", version())
	}
	for _, password := range []string{"two", "two"} { // also when nothing changes
		_, text, _ := w.do("rw", "PUT", item, body(password))
		answered := object(t, text)["version"].(float64)
		if version() != answered+1 {
			t.Errorf("condition not met: item version is %v, expected %v", version(), answered+1)
		}
	}
	_, text, _ := w.do("rw", "GET", item, "")
	for _, id := range []string{"6f1b1c5e-7f1d-4f3a-9c0e-0d9a3c1f1b11", "0a7b2d2e-5f5e-4c0f-8f59-0b8d8d0e8c11"} {
		if !strings.Contains(text, `"id":"`+id+`"`) {
			t.Errorf("the client's id %s is lost: %s", id, text)
		}
	}
	w.do("rw", "DELETE", item, "")
	if status, text, _ := w.do("rw", "GET", item, ""); status != 404 || !strings.Contains(text, "not found") {
		t.Errorf("after delete: %d %s", status, text)
	}
}

// What the External Secrets operator's provider sends, from its source: vault
// by name, item by title, the item twice, a file as "file/ca.pem", a search by
// tag in the client over the whole list, and a pushed item of category SERVER.
func TestExternalSecretsSequence(t *testing.T) {
	w := newWorld(t)
	it := rinca.Item{
		Info:   rinca.Info{VaultID: w.vault, Title: "pg.env", Category: rinca.CategorySecureNote, Tags: []string{"prod"}},
		Fields: []rinca.Field{{Label: "K", Value: rinca.NewSecret("1")}, {Label: "K", Value: rinca.NewSecret("2")}},
		Files:  []rinca.File{{Name: "ca.pem", Content: rinca.NewSecret("pem")}},
	}
	made, err := w.db.Create(t.Context(), it)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := w.do("rw", "GET", "/v1/vaults?filter=title+eq+%22homelab%22", "")
	if strings.Count(text, `"id"`) != 1 || !strings.Contains(text, w.vault) {
		t.Errorf("vault by name: %s", text)
	}
	_, text, _ = w.do("rw", "GET", "/v1/vaults/{v}/items?filter=title+eq+%22pg.env%22", "")
	if !strings.Contains(text, `"vault":{"id":"`+w.vault+`"}`) {
		t.Errorf("list entries name their vault: %s", text)
	}
	for range 2 {
		_, text, _ = w.do("rw", "GET", "/v1/vaults/{v}/items/"+made.ID, "")
	}
	if strings.Count(text, `"label":"K"`) != 2 {
		t.Errorf("duplicate labels are the client's to refuse: %s", text)
	}
	_, text, _ = w.do("rw", "GET", fmt.Sprintf("/v1/vaults/{v}/items/%s/files/%s/content", made.ID, made.Files[0].ID), "")
	if text != "pem" {
		t.Errorf("file: %q", text)
	}
	if _, text, _ = w.do("rw", "GET", "/v1/vaults/{v}/items", ""); !strings.Contains(text, `"tags":["prod"]`) {
		t.Errorf("the list has tags: %s", text)
	}
	if status, text, _ := w.do("rw", "POST", "/v1/vaults/{v}/items", `{"title":"push","category":"SERVER","vault":{"id":"{v}"},"fields":[{"label":"password","type":"CONCEALED","value":"x"}]}`); status != http.StatusOK {
		t.Errorf("push: %d %s", status, text)
	}
	// Its retry is for answers that begin so.
	if status, text, _ := w.do("other", "GET", "/v1/vaults/{v}/items", ""); status != 403 || !strings.Contains(text, `"message":"Authorization`) {
		t.Errorf("403: %d %s", status, text)
	}
}
