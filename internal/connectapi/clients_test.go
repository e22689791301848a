package connectapi_test

import (
	"strings"
	"testing"
)

// What 1Password's Terraform provider 3.3 sends and waits for. The module
// proxy does not give that version out, so its recorded sequence is replayed;
// test/clients/connect/run.sh terraform runs the newest that it does give.
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
