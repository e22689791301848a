package connectapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A file may come within an item; it is kept by later writes that leave it out.
func TestFileWithinItem(t *testing.T) {
	w := newWorld(t)
	id := w.create(`{"title":"f","category":"LOGIN","files":[{"name":"ca.pem","content":"cGVt"}]}`)["id"].(string)
	_, text, _ := w.do("rw", "PATCH", "/v1/vaults/{v}/items/"+id, `[{"op":"replace","path":"/title","value":"g"}]`)
	file := object(t, text)["files"].([]any)[0].(map[string]any)
	if _, text, _ = w.do("r", "GET", file["content_path"].(string), ""); text != "pem" || file["size"] != 3.0 {
		t.Errorf("%v: %q", file, text)
	}
	if status, text, _ := w.do("rw", "POST", "/v1/vaults/{v}/items", `{"title":"f","category":"LOGIN","files":[{"name":"x","content":"~"}]}`); status != 400 {
		t.Errorf("%d %s", status, text)
	}
}

// A token that may write and not read learns nothing from the answers to its
// writes: not a value, and not a title or a label either.
func TestWriterLearnsNothing(t *testing.T) {
	w := newWorld(t)
	id := w.create(note)["id"].(string)
	item := "/v1/vaults/{v}/items/" + id
	for _, c := range [][3]string{
		{"PATCH", item, `[]`},
		{"PATCH", item, `[{"op":"replace","path":"/favorite","value":true}]`},
		{"PUT", item, `{"title":"other","category":"SECURE_NOTE","fields":[{"label":"G","generate":true}]}`},
		{"POST", "/v1/vaults/{v}/items", `{"title":"new","category":"LOGIN","fields":[{"label":"G","generate":true}]}`},
	} {
		status, text, _ := w.do("w", c[0], c[1], c[2])
		if got := object(t, text); status != 200 || len(got) != 4 || got["id"] == "" || got["version"] == nil {
			t.Errorf("%s %s: %d %s", c[0], c[2], status, text)
		}
	}
	for path, want := range map[string]int{item: 403, "/v1/vaults/{v}": 403, "/v1/vaults/{v}/items": 403, item + "/files": 403} {
		if status, text, _ := w.do("w", "GET", path, ""); status != want || strings.Contains(text, "other") {
			t.Errorf("GET %s: %d %s", path, status, text)
		}
	}
}

// Clients write filters in several ways; none of them may turn into "no
// filter", which answers with every item.
func TestFiltersAsClientsEncodeThem(t *testing.T) {
	w := newWorld(t)
	for _, title := range []string{"a & b", "a;b", "a+b", "a b", "100%", "ünï/cödé", `back\slash`} {
		w.create(strings.ReplaceAll(note, `"web.env"`, string(mustJSON(title))))
	}
	for query, want := range map[string]string{
		`filter=title%20eq%20%22a%20&%20b%22`:          "a & b", // encodeURI
		`filter=title%20eq%20%22a+b%22`:                "a+b",
		`filter=title%20eq%20%22a;b%22`:                "a;b",
		`filter=title%20eq%20%22100%25%22`:             "100%",
		`filter=title+eq+%22a+b%22`:                    "a b", // url.QueryEscape
		`filter=title+eq+%22a+%26+b%22`:                "a & b",
		`filter=title+eq+%22a%2Bb%22`:                  "a+b",
		`filter=TITLE+EQ+%22%C3%9CN%C3%8F/c%C3%B6D%22`: "",
		`filter=title+co+%22%C3%9CN%C3%8F/c%C3%B6D%22`: "ünï/cödé",
		`filter=title+eq+%22back%5C%5Cslash%22`:        `back\slash`,
		`x=1&filter=title+eq+%22a%3Bb%22&limit=2`:      "a;b",
	} {
		status, text, _ := w.do("r", "GET", "/v1/vaults/{v}/items/?"+query, "")
		n := 1
		if want == "" {
			n = 0
		}
		if status != 200 || strings.Count(text, `"title"`) != n || (n == 1 && !strings.Contains(text, string(mustJSON(want))[1:len(want)]) && !strings.Contains(text, `\u0026`)) {
			t.Errorf("%s: %d %s", query, status, text)
		}
	}
	for _, query := range []string{
		`filter=title%20eq%20%22100%%22`, `filter=title%20eq%20%22a%20`, `filter=title+eq+%22a&b`, `filter=%zz`, `filter=title`,
		`filter=title+eq+%22a` + strings.Repeat("&", 10_000), `filter=title%20eq%20%22a%00`, `filter=title+pr`, `filter=%22`,
	} {
		if status, text, _ := w.do("r", "GET", "/v1/vaults/{v}/items?"+query, ""); status != 400 || !strings.Contains(text, "Invalid filter") {
			t.Errorf("%.60s: %d %s", query, status, text)
		}
	}
	for _, query := range []string{`filter=name+eq+%22HOMELAB%22`, `filter=title%20eq%20%22homelab%22`, `filter=title+co+%22LAB%22`, ``, `filter=`} {
		if status, text, _ := w.do("r", "GET", "/v1/vaults/?"+query, ""); status != 200 || !strings.Contains(text, "homelab") {
			t.Errorf("%s: %d %s", query, status, text)
		}
	}
}

func TestTagFilterNests(t *testing.T) {
	w := newWorld(t)
	for _, tag := range []string{"prod", "prod/eu", "production", "stack:a", "stack:ab"} {
		w.create(strings.ReplaceAll(note, "stack:web", tag))
	}
	for query, want := range map[string]int{"tag+eq+%22prod%22": 2, "tag+eq+%22PROD/EU%22": 1, "tag+eq+%22stack:a%22": 1, "tag+co+%22prod%22": 3} {
		if _, text, _ := w.do("r", "GET", "/v1/vaults/{v}/items?filter="+query, ""); strings.Count(text, `"title"`) != want {
			t.Errorf("%s: want %d: %s", query, want, text)
		}
	}
}

// Patches of different fields at the same time all take effect.
func TestPatchesAtOnce(t *testing.T) {
	w := newWorld(t)
	id := w.create(note)["id"].(string)
	const n = 12
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			status, text, _ := w.do("rw", "PATCH", "/v1/vaults/{v}/items/"+id, fmt.Sprintf(`[{"op":"add","path":"/fields","value":{"id":"f%d","label":"F%d","value":"v"}}]`, i, i))
			if status != 200 {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	wg.Wait()
	_, text, _ := w.do("r", "GET", "/v1/vaults/{v}/items/"+id, "")
	if got := object(t, text); got["version"] != float64(n+1) || len(got["fields"].([]any)) != n+2 {
		t.Errorf("version %v, %d fields", got["version"], len(got["fields"].([]any)))
	}
}

// A text that Go's decoder would change in passing is refused.
func TestValuesArriveAsSent(t *testing.T) {
	w := newWorld(t)
	for value, status := range map[string]int{
		"\xff": 400, `\ud83d`: 400, `\ude00`: 400, `\ude00\ud83d`: 400, `a\ud83db`: 400,
		`\ud83d\ude00`: 200, `\\ud83d`: 200, `\u0000\r\n\t`: 200, "\u2028\ufffd": 200, `\\\\ud83d\\`: 200,
	} {
		got, text, _ := w.do("rw", "POST", "/v1/vaults/{v}/items", `{"title":"x","category":"LOGIN","fields":[{"value":"`+value+`"}]}`)
		if got != status {
			t.Errorf("%q: %d %s", value, got, text)
		}
	}
	for _, op := range []string{
		`{"op":"replace","path":"/title","value":null}`, `{"op":"replace","path":"/title"}`, `{"op":"replace","path":"/fields/k/type","value":null}`,
		`{"op":"replace","path":"/","value":null}`, `{"op":"add","path":"/fields","value":null}`, `{"op":"replace","path":"/favorite","value":"yes"}`, `null`,
	} {
		id := w.create(note)["id"].(string)
		if status, text, _ := w.do("rw", "PATCH", "/v1/vaults/{v}/items/"+id, "["+op+"]"); status != 400 {
			t.Errorf("%s: %d %s", op, status, text)
		}
	}
}

// A client that goes away takes no entries of the log with it, and a token
// sees its own requests and those to vaults that it may read.
func TestActivityIsKept(t *testing.T) {
	w := newWorld(t)
	w.create(note)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", w.url+"/v1/activity", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.tokens["r"])
	cancel()
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
	}
	w.do("other", "GET", "/v1/vaults", "")
	_, text, header := w.do("r", "GET", "/v1/activity", "")
	if strings.Count(text, "requestId") != 1 || !strings.Contains(text, `"action":"CREATE"`) || header.Get("Content-Range") != "1-1/1" {
		t.Errorf("%v %s", header, text)
	}
	if _, text, _ = w.do("other", "GET", "/v1/activity", ""); strings.Count(text, "requestId") != 1 || !strings.Contains(text, `"userAgent":"Go-http-client/1.1"`) {
		t.Errorf("its own: %s", text)
	}
	for _, query := range []string{"limit=-1", "offset=x", "limit=99999999999999999999"} {
		if status, text, _ := w.do("r", "GET", "/v1/activity?"+query, ""); status != 400 {
			t.Errorf("%s: %d %s", query, status, text)
		}
	}
	if _, text, header = w.do("r", "GET", "/v1/activity?offset=9", ""); text != "[]\n" || header.Get("Content-Range") == "" {
		t.Errorf("behind the end: %v %s", header, text)
	}
}

// The use of a token is noted by the flush of the log, not by a request.
func TestUseIsNoted(t *testing.T) {
	w := newWorld(t)
	w.do("r", "GET", "/v1/vaults", "")
	w.do("rw", "GET", "/v1/activity", "") // flushes
	tokens, err := w.db.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range tokens {
		if used := !token.Used.IsZero(); used != (token.Name == "r" || token.Name == "rw") {
			t.Errorf("%s: used %v", token.Name, used)
		}
	}
}

// A revoked token is refused, a second later at most.
func TestRevoked(t *testing.T) {
	w := newWorld(t)
	if status, _, _ := w.do("r", "GET", "/v1/vaults", ""); status != 200 {
		t.Fatal(status)
	}
	if _, err := w.db.RevokeToken(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		if status, text, _ := w.do("r", "GET", "/v1/vaults", ""); status == 401 && strings.Contains(text, "Invalid bearer token") {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("a revoked token goes on working")
}

func TestHostileRequests(t *testing.T) {
	w := newWorld(t)
	id := w.create(note)["id"].(string)
	item := "/v1/vaults/{v}/items/" + id
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/vaults/{v}/items", "", 400},
		{"POST", "/v1/vaults/{v}/items", "null", 400},
		{"POST", "/v1/vaults/{v}/items", "[]", 400},
		{"POST", "/v1/vaults/{v}/items", strings.Repeat(`{"fields":[`, 20_000), 400},
		{"POST", "/v1/vaults/{v}/items", `{"title":"` + strings.Repeat("x", 5000) + `","category":"LOGIN"}`, 400},
		{"POST", "/v1/vaults/{v}/items", `{"title":"x","category":"CUSTOM"}`, 400},
		{"PUT", item, `{"title":"x","files":[{"id":"none","name":"f"}]}`, 400},
		{"PUT", item, `{"id":"` + strings.Repeat("b", 26) + `","title":"x"}`, 400},
		{"PATCH", item, `[{"op":"replace","path":"/fields/k/value","value":{"a":1}}]`, 400},
		{"PATCH", item, `[{"op":"test","path":"/title","value":"web.env"}]`, 400},
		{"DELETE", "/v1/vaults/{v}/items/" + strings.Repeat("b", 26), "", 404},
		{"GET", item + "/files/none", "", 404},
		{"GET", item + "/files/none/content", "", 404},
		{"GET", "/v1/vaults/{v}/items/../../../health", "", 404},
		{"GET", "/v1/vaults/%2e%2e/items", "", 404},
		{"GET", "/v1/vaults/{v}%2Fitems", "", 400},
		{"GET", "/v1/vaults/UUUUUUUUUUUUUUUUUUUUUUUUUU", "", 400},
		{"DELETE", item + "/", "", 204},
		{"DELETE", item, "", 404},
	} {
		status, text, header := w.do("rw", c.method, c.path, c.body)
		if status != c.status {
			t.Errorf("%s %.60s %.60s: %d %s", c.method, c.path, c.body, status, text)
		}
		if header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", c.path, header.Get("Cache-Control"))
		}
	}
	if _, _, header := w.do("rw", "PUT", "/v1/vaults/", "{}"); header.Get("Allow") != "GET" {
		t.Errorf("405 allows %q", header.Get("Allow"))
	}
}
