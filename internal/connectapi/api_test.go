package connectapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rinca/internal/connectapi"
	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

// A world is a server over a vault of its own, with a token for every right.
type world struct {
	t      *testing.T
	url    string
	db     *embedded.DB
	vault  string
	tokens map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cfg := embedded.Config{Dir: filepath.Join(t.TempDir(), "home")}
	if err := embedded.Init(t.Context(), cfg, rinca.Secret{}); err != nil {
		t.Fatal(err)
	}
	db, err := embedded.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	v, err := db.CreateVault(t.Context(), "homelab", "")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, vault: v.ID, tokens: map[string]string{"bad": "eyJ.eyJ.x"}}
	for name, token := range map[string]embedded.Token{
		"rw":      {Vaults: map[string]embedded.Right{v.ID: {Read: true, Write: true}}},
		"r":       {Vaults: map[string]embedded.Right{v.ID: {Read: true}}},
		"w":       {Vaults: map[string]embedded.Right{v.ID: {Write: true}}},
		"other":   {Vaults: map[string]embedded.Right{strings.Repeat("z", 26): {Read: true, Write: true}}},
		"expired": {Vaults: map[string]embedded.Right{v.ID: {Read: true}}, Expires: time.Now().Add(-time.Minute)},
	} {
		token.Name = name
		secret, _, err := connectapi.NewToken(t.Context(), db, token)
		if err != nil {
			t.Fatal(err)
		}
		w.tokens[name] = secret.Reveal()
	}
	api := connectapi.New(connectapi.Config{DB: db, MaxInline: 8})
	t.Cleanup(api.Close)
	s := httptest.NewServer(api)
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

// do sends a request as the client with that token and returns status, body
// and headers. "{v}" in the path is the vault.
func (w *world) do(token, method, path, body string) (int, string, http.Header) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+strings.ReplaceAll(path, "{v}", w.vault), strings.NewReader(strings.ReplaceAll(body, "{v}", w.vault)))
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+w.tokens[token])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { w.t.Error("a redirect"); return nil }}
	resp, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if got := resp.Header.Get("1Password-Connect-Version"); got != connectapi.APIVersion {
		w.t.Errorf("%s %s: version header %q", method, path, got)
	}
	return resp.StatusCode, string(data), resp.Header
}

func (w *world) create(body string) map[string]any {
	w.t.Helper()
	status, text, _ := w.do("rw", "POST", "/v1/vaults/{v}/items", body)
	if status != 200 {
		w.t.Fatalf("create: %d %s", status, text)
	}
	return object(w.t, text)
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return m
}

const note = `{"title":"web.env","category":"SECURE_NOTE","vault":{"id":"{v}"},"tags":["stack:web"],
	"fields":[{"id":"k","type":"concealed","label":"KEY","value":"one"},{"id":"e","type":"STRING","label":"EMPTY"}]}`

func TestRights(t *testing.T) {
	w := newWorld(t)
	id := w.create(note)["id"].(string)
	item := "/v1/vaults/{v}/items/" + id
	for _, c := range []struct {
		token, method, path, body string
		status                    int
		text                      string
	}{
		{"", "GET", "/v1/vaults", "", 401, "Invalid bearer token"},
		{"bad", "GET", "/v1/vaults", "", 401, "Invalid bearer token"},
		{"expired", "GET", "/v1/vaults", "", 401, "Invalid bearer token"},
		{"other", "GET", "/v1/vaults", "", 200, "[]"},
		{"other", "GET", item, "", 403, "Authorization: token does not have access to vault"},
		{"r", "GET", item, "", 200, "one"},
		{"r", "DELETE", item, "", 403, "permission to perform delete"},
		{"r", "POST", "/v1/vaults/{v}/items", note, 403, "permission to perform create"},
		{"w", "GET", item, "", 403, "permission to perform read"},
		{"rw", "GET", "/v1/vaults/x/items", "", 400, "Invalid Vault UUID"},
		{"rw", "GET", "/v1/vaults/{v}/items/x", "", 400, "Invalid Item UUID"},
		{"rw", "GET", "/v1/vaults/{v}/items/" + strings.Repeat("a", 26), "", 404, "item aaaaaaaaaaaaaaaaaaaaaaaaaa not found"},
		{"rw", "GET", "/v1/nothing", "", 404, "Not found"},
		{"rw", "PUT", "/v1/vaults", "", 405, "not allowed"},
		{"rw", "GET", "//v1/vaults", "", 404, "Not found"},
		{"", "GET", "/heartbeat", "", 200, "."},
		{"", "GET", "/health", "", 200, `"status":"ACTIVE"`},
		{"", "GET", "/metrics", "", 200, "rinca_connect_requests_total{"},
	} {
		status, text, _ := w.do(c.token, c.method, c.path, c.body)
		if status != c.status || !strings.Contains(text, c.text) {
			t.Errorf("%s %s as %q: %d %s", c.method, c.path, c.token, status, text)
		}
	}
	// A token that may write and not read learns no value from its own writes.
	for _, c := range [][2]string{{"PATCH", `[{"op":"replace","path":"/title","value":"x"}]`}, {"PATCH", `[]`}, {"PUT", note}} {
		if status, text, _ := w.do("w", c[0], item, c[1]); status != 200 || strings.Contains(text, `"value"`) {
			t.Errorf("%s by a writer: %d %s", c[0], status, text)
		}
	}
}

// The answer to a PUT carries the old version, the next GET the new one, and
// a PUT of the same content counts too: Terraform waits for both.
func TestPutAnswersTheOldVersion(t *testing.T) {
	w := newWorld(t)
	id := w.create(note)["id"].(string)
	for want := 1.0; want < 4; want++ {
		status, text, _ := w.do("rw", "PUT", "/v1/vaults/{v}/items/"+id, note)
		if got := object(t, text)["version"]; status != 200 || got != want {
			t.Fatalf("PUT: %d, version %v, want %v", status, got, want)
		}
		_, text, _ = w.do("rw", "GET", "/v1/vaults/{v}/items/"+id+"/", "")
		if got := object(t, text)["version"]; got != want+1 {
			t.Fatalf("GET: version %v, want %v", got, want+1)
		}
	}
}

func TestPatch(t *testing.T) {
	w := newWorld(t)
	id := w.create(note)["id"].(string)
	item := "/v1/vaults/{v}/items/" + id
	for _, c := range []struct {
		ops    string
		status int
		text   string
	}{
		{`[]`, 200, `"version":1`},
		{`[{"op":"replace","path":"/fields/k/value","value":"two"}]`, 200, `"value":"two"`},
		{`[{"op":"add","path":"/fields","value":{"label":"NEW","type":"string","value":"n"}}]`, 200, `"label":"NEW"`},
		{`[{"op":"add","path":"/tags","value":"a"},{"op":"replace","path":"/tags/1","value":"b/c"},{"op":"add","path":"/tags/0","value":"first"}]`, 200, `"tags":["first","stack:web","b/c"]`},
		{`[{"op":"replace","path":"/title","value":"new"},{"op":"replace","path":"/favorite","value":true}]`, 200, `"favorite":true`},
		{`[{"op":"remove","path":"/fields/e"}]`, 200, `"title":"new"`},
		{`[{"op":"replace","path":"/fields/none/value","value":"canary"}]`, 400, "The item doesn't have a none field."},
		{`[{"op":"move","path":"/title"}]`, 400, "Invalid patch operation"},
		{`[{"op":"replace","path":"/version","value":9}]`, 400, "cannot be changed"},
		{`[{"op":"replace","path":"title","value":9}]`, 400, "begins with /"},
		{`[{"op":"replace","path":"/title","value":{"canary":1}}]`, 400, "wrong form"},
		{`[{"op":"remove","path":"/tags/9"}]`, 400, "3 tags"},
		{`{"op":"canary"`, 400, "Invalid JSON"},
		{`[{"op":"replace","path":"/","value":{"title":"whole","category":"SECURE_NOTE","fields":[]}}]`, 200, `"title":"whole"`},
	} {
		status, text, _ := w.do("rw", "PATCH", item, c.ops)
		if status != c.status || !strings.Contains(text, c.text) || strings.Contains(text, "canary") {
			t.Errorf("%s: %d %s", c.ops, status, text)
		}
	}
}

func TestCreate(t *testing.T) {
	w := newWorld(t)
	for body, text := range map[string]string{
		`{"title":"x","category":"DOCUMENT"}`:                                                            "Invalid item category",
		`{"title":"x","category":"NONE"}`:                                                                "Invalid item category",
		`{"title":"","category":"LOGIN"}`:                                                                "doesn't have a title",
		`{"title":"x","category":"LOGIN","vault":{"id":"zzzzzzzzzzzzzzzzzzzzzzzzzz"}}`:                   "does not match the path",
		`{"title":"x","category":"LOGIN","fields":[{"type":"nope"}]}`:                                    "Invalid field type",
		`{"title":"x","category":"LOGIN","fields":[{"generate":true,"recipe":{"length":65}}]}`:           "between 1 and 64",
		`{"title":"x","category":"LOGIN","fields":[{"generate":true,"recipe":{"length":0}}]}`:            "between 1 and 64",
		`{"title":"x","category":"LOGIN","fields":[{"generate":true,"recipe":{"characterSets":["X"]}}]}`: "characterSets",
		`not json canary`: "Invalid JSON",
	} {
		if status, got, _ := w.do("rw", "POST", "/v1/vaults/{v}/items", body); status != 400 || !strings.Contains(got, text) || strings.Contains(got, "canary") {
			t.Errorf("%s: %d %s", body, status, got)
		}
	}
	made := w.create(`{"id":"","title":"g","category":"login","createdAt":"0001-01-01T00:00:00Z","fields":[
		{"purpose":"PASSWORD","generate":true,"recipe":{"length":12,"characterSets":["DIGITS"]}},{"purpose":"USERNAME","value":"u"}],"urls":[{"primary":true,"href":""}]}`)
	password := made["fields"].([]any)[0].(map[string]any)
	if v := password["value"].(string); len(v) != 12 || strings.Trim(v, "0123456789") != "" || password["id"] != "password" || password["type"] != "CONCEALED" {
		t.Errorf("%v", password)
	}
}

func TestFilters(t *testing.T) {
	w := newWorld(t)
	for _, title := range []string{"a.env", `quo"ted`, "B.env"} {
		w.create(strings.ReplaceAll(note, `"web.env"`, string(mustJSON(title))))
	}
	for filter, want := range map[string]int{
		"": 3, `title eq "a.env"`: 1, `title eq "A.ENV"`: 1, `name eq "a.env"`: 1, `title co ".env"`: 2, `title eq "quo"ted"`: 1, `title eq "quo\"ted"`: 1,
		`tag eq "stack:web"`: 3, `tag eq "stack"`: 0, `title eq "none"`: 0,
	} {
		status, text, _ := w.do("r", "GET", "/v1/vaults/{v}/items?filter="+strings.NewReplacer(" ", "+", `"`, "%22", `\`, "%5C").Replace(filter), "")
		if got := strings.Count(text, `"title"`); status != 200 || got != want {
			t.Errorf("%s: %d items, want %d (%d %s)", filter, got, want, status, text)
		}
		if strings.Contains(text, `"fields"`) || (want > 0 && !strings.Contains(text, `"version":1`)) {
			t.Errorf("%s: a list has versions and no fields: %s", filter, text)
		}
	}
	for _, filter := range []string{"x", "title", `title eq "open`, `title+ne+"a"`, `title+eq+a`, `title+eq+"a%5C"`} {
		if status, text, _ := w.do("r", "GET", "/v1/vaults/{v}/items?filter="+strings.NewReplacer(" ", "+", `"`, "%22").Replace(filter), ""); status != 400 {
			t.Errorf("%s: %d %s", filter, status, text)
		}
	}
}

func mustJSON(v any) []byte { b, _ := json.Marshal(v); return b }

func TestFilesAndActivity(t *testing.T) {
	w := newWorld(t)
	made, err := w.db.Create(t.Context(), rinca.Item{
		Info:  rinca.Info{VaultID: w.vault, Title: "tls", Category: rinca.CategorySecureNote},
		Files: []rinca.File{{Name: "ca.pem", Content: rinca.NewSecret("pem")}, {Name: "big", Content: rinca.NewSecret(strings.Repeat("x", 20))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	files := "/v1/vaults/{v}/items/" + made.ID + "/files"
	_, text, _ := w.do("r", "GET", files, "")
	if !strings.Contains(text, `"content_path":"/v1/vaults/`) || strings.Contains(text, `"content":`) {
		t.Error(text)
	}
	_, text, _ = w.do("r", "GET", files+"/"+made.Files[0].ID+"?inline_files=true", "")
	if !strings.Contains(text, `"content":"cGVt"`) {
		t.Error(text)
	}
	if status, text, _ := w.do("r", "GET", files+"?inline_files=true", ""); status != 413 || !strings.Contains(text, "File is too large to inline") {
		t.Errorf("%d %s", status, text)
	}
	status, text, header := w.do("r", "GET", files+"/"+made.Files[0].ID+"/content", "")
	if status != 200 || text != "pem" || header.Get("Content-Disposition") != `attachment; filename="ca.pem"` || header.Get("Content-Length") != "3" {
		t.Errorf("%d %q %v", status, text, header)
	}
	// A PUT without files keeps them.
	if status, _, _ := w.do("rw", "PUT", "/v1/vaults/{v}/items/"+made.ID, note); status != 200 {
		t.Error(status)
	}
	if _, text, _ = w.do("r", "GET", files, ""); !strings.Contains(text, "ca.pem") {
		t.Errorf("the files are gone: %s", text)
	}
	if status, text, _ := w.do("rw", "DELETE", "/v1/vaults/{v}/items/"+made.ID, ""); status != 204 || text != "" {
		t.Errorf("%d %q", status, text)
	}
	_, text, header = w.do("r", "GET", "/v1/activity?limit=2", "")
	if !strings.HasPrefix(header.Get("Content-Range"), "1-2/") || !strings.Contains(text, `"action":"DELETE"`) || strings.Contains(text, "ca.pem") {
		t.Errorf("%v %s", header, text)
	}
	if _, text, _ = w.do("other", "GET", "/v1/activity", ""); text != "[]\n" {
		t.Errorf("a token of another vault sees %s", text)
	}
}
