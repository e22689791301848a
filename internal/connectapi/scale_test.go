package connectapi_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Five hundred clients at once, while some write: every one is answered.
func TestFiveHundredClients(t *testing.T) {
	w := newWorld(t)
	id := w.create(note)["id"].(string)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 500}}
	defer client.CloseIdleConnections()
	ask := func(method, path, body string) error {
		req, err := http.NewRequestWithContext(t.Context(), method, w.url+strings.ReplaceAll(path, "{v}", w.vault), strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+w.tokens["rw"])
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			return fmt.Errorf("%s %s: %d %s %w", method, path, resp.StatusCode, text, err) //nolint:err113 // a test
		}
		return nil
	}
	start := time.Now()
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			calls := [][3]string{{"GET", "/v1/vaults", ""}, {"GET", "/v1/vaults/{v}/items", ""}, {"GET", "/v1/vaults/{v}/items/" + id, ""}}
			if i%50 == 0 {
				calls = append(calls, [3]string{"PATCH", "/v1/vaults/{v}/items/" + id, `[{"op":"replace","path":"/favorite","value":true}]`})
			}
			for _, c := range calls {
				if err := ask(c[0], c[1], c[2]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("500 clients, 1510 requests: %s", time.Since(start).Round(time.Millisecond))
}

// A list of many items is one answer, quickly.
func TestManyItems(t *testing.T) {
	n := 1000
	if os.Getenv("RINCA_SOAK") != "" {
		n = 10_000
	}
	if dir, err := os.MkdirTemp("/dev/shm", "rinca-test-"); err == nil { //nolint:usetesting // syncing is free there
		t.Cleanup(func() { os.RemoveAll(dir) })
		t.Setenv("TMPDIR", dir)
	}
	w := newWorld(t)
	for i := range n {
		w.create(strings.ReplaceAll(note, "web.env", fmt.Sprintf("%05d.env", i)))
	}
	start := time.Now()
	_, text, _ := w.do("r", "GET", "/v1/vaults/{v}/items", "")
	list := time.Since(start)
	if strings.Count(text, `"version":1`) != n {
		t.Errorf("%d items", strings.Count(text, `"version":1`))
	}
	start = time.Now()
	if _, text, _ = w.do("r", "GET", "/v1/vaults/{v}/items?filter=title+eq+%2200500.env%22", ""); strings.Count(text, `"title"`) != 1 {
		t.Errorf("filter: %.200s", text)
	}
	t.Logf("%d items: first list %s, filter %s", n, list.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
	// What changed is in the next list, also when another process did it.
	made := w.create(note)
	if _, text, _ = w.do("r", "GET", "/v1/vaults/{v}/items", ""); strings.Count(text, `"version":1`) != n+1 {
		t.Errorf("after a create: %d items", strings.Count(text, `"version":1`))
	}
	if err := w.db.Archive(t.Context(), w.vault, made["id"].(string)); err != nil {
		t.Fatal(err)
	}
	if _, text, _ = w.do("r", "GET", "/v1/vaults/{v}/items", ""); strings.Count(text, `"version":1`) != n {
		t.Errorf("after an archive: %d items", strings.Count(text, `"version":1`))
	}
	if list > 2*time.Second {
		t.Errorf("a list of %d items takes %s", n, list)
	}
}
