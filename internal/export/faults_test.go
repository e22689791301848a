package export

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/vault/connect"
)

// A faulty server is the memory vault behind Connect's API, over real HTTP,
// with something in the way.
type faulty struct {
	*testbed
	// fault may answer a request itself; count is how many it has seen.
	fault    func(w http.ResponseWriter, r *http.Request, count int) bool
	mu       sync.Mutex // of fault
	requests atomic.Int64
	server   *httptest.Server
}

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	f := &faulty{testbed: newTestbed(t)}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	p, err := connect.New(connect.Config{
		Host: f.server.URL, Token: rinca.NewSecret("token"), Timeout: 300 * time.Millisecond,
		Sleep: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	f.e.Provider = p
	return f
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := int(f.requests.Add(1))
	f.mu.Lock()
	fault := f.fault
	f.mu.Unlock()
	if fault != nil && fault(w, r, n) {
		return
	}
	f.vault.mu.Lock()
	v := f.vault.vault
	f.vault.mu.Unlock()
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // v1 vaults ID items ID
	switch len(path) {
	case 2:
		f.answer(w, []any{map[string]any{"id": v.ID, "name": v.Name, "contentVersion": v.ContentVersion, "updatedAt": v.UpdatedAt}})
	case 4:
		infos, _ := f.vault.Items(r.Context(), path[2])
		list := []any{}
		for _, i := range infos {
			list = append(list, wireInfo(i))
		}
		f.answer(w, list)
	default:
		items, err := f.vault.Get(r.Context(), path[2], path[4])
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"status":404,"message":"item not found"}`)
			return
		}
		item := wireInfo(items[0].Info)
		var fields []any
		for _, f := range items[0].Fields {
			fields = append(fields, map[string]any{"id": f.ID, "type": f.Type, "label": f.Label, "value": f.Value.Reveal()})
		}
		item["fields"] = fields
		f.answer(w, item)
	}
}

// set puts something in the way.
func (f *faulty) set(fault func(w http.ResponseWriter, r *http.Request, count int) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

func wireInfo(i rinca.Info) map[string]any {
	return map[string]any{
		"id": i.ID, "title": i.Title, "vault": map[string]string{"id": i.VaultID}, "category": "SECURE_NOTE",
		"tags": i.Tags, "version": i.Version, "updatedAt": i.UpdatedAt, "createdAt": i.UpdatedAt,
	}
}

func (f *faulty) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.Error(err)
	}
}

func isGet(r *http.Request) bool  { return strings.Count(r.URL.Path, "/") == 5 }
func isList(r *http.Request) bool { return strings.Count(r.URL.Path, "/") == 4 }

const (
	twoExported = "a/a.env exported; b/b.env exported"
	twoUpdated  = "a/a.env updated; b/b.env updated"
)

// two puts an item each into the stacks a and b.
func (f *faulty) two(value string) {
	f.vault.put("a.env", stack("a"), "K="+value)
	f.vault.put("b.env", stack("b"), "K="+value)
}

func (f *faulty) values() string {
	var s []string
	for _, name := range []string{"a/a.env", "b/b.env"} {
		data, err := os.ReadFile(filepath.Join(f.dest, name))
		if err != nil {
			s = append(s, "none")
			continue
		}
		s = append(s, strings.TrimSpace(strings.TrimPrefix(string(data), "K=")))
	}
	return strings.Join(s, " ")
}

// Trouble that passes is not noticed.
func TestFaultsThatPass(t *testing.T) {
	once := func(do func(w http.ResponseWriter)) func(http.ResponseWriter, *http.Request, int) bool {
		return func(w http.ResponseWriter, _ *http.Request, n int) bool {
			if n%2 == 1 {
				do(w)
			}
			return n%2 == 1
		}
	}
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request, int) bool{
		"429": once(func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) }),
		"500": once(func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }),
		"403": once(func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"status":403,"message":"Authorization: token does not have access to vault v"}`)
		}),
		"truncated": once(func(w http.ResponseWriter) { fmt.Fprint(w, `[{"id":"vvvvvvvvv`) }),
		"cut": once(func(w http.ResponseWriter) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		}),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t)
			f.two("1")
			f.set(fault)
			f.must(twoExported)
			if f.values() != "1 1" {
				t.Error(f.values())
			}
		})
	}
}

// A server that dies, for good, at any request leaves the files as they were;
// when it is back, all is well.
func TestServerDies(t *testing.T) {
	for name, die := range map[string]func(w http.ResponseWriter, r *http.Request){
		"closed": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		},
		"silent":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"truncated": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id":`) },
		"page":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
	} {
		for at := 1; at <= 4; at++ {
			t.Run(fmt.Sprint(name, at), func(t *testing.T) {
				t.Parallel()
				f := newFaulty(t)
				f.two("1")
				f.must(twoExported)
				f.two("2")
				f.requests.Store(0)
				f.set(func(w http.ResponseWriter, r *http.Request, n int) bool {
					if n >= at {
						die(w, r)
					}
					return n >= at
				})
				got, err := f.export()
				if code := rinca.CodeOf(err); code != rinca.Unavailable && code != rinca.Partial {
					t.Errorf("%s, %v", got, err)
				}
				for v := range strings.FieldsSeq(f.values()) {
					if v != "1" && v != "2" {
						t.Errorf("the files hold %s", f.values())
					}
				}
				f.set(nil)
				if _, err := f.export(); err != nil || f.values() != "2 2" {
					t.Errorf("afterwards: %s, %v", f.values(), err)
				}
			})
		}
	}
}

// One item that cannot be had costs its stack, not the others.
func TestOneItemFails(t *testing.T) {
	for status, want := range map[int]rinca.Code{500: rinca.Unavailable, 403: rinca.Forbidden, 400: rinca.Invalid} {
		f := newFaulty(t)
		f.two("1")
		f.must(twoExported)
		f.two("2")
		f.set(func(w http.ResponseWriter, r *http.Request, _ int) bool {
			bad := isGet(r) && strings.HasSuffix(r.URL.Path, f.vault.items[0].ID)
			if bad {
				w.WriteHeader(status)
			}
			return bad
		})
		p, err := f.e.Export(t.Context(), f.req)
		if err != nil || f.short(p) != "a failed; b/b.env updated" || f.values() != "1 2" {
			t.Errorf("%d: %s, %v; files %s", status, f.short(p), err, f.values())
			continue
		}
		if got := rinca.CodeOf(p.Stacks[0].Err); got != want || rinca.CodeOf(p.Err()) != rinca.Partial {
			t.Errorf("%d: %v with code %s", status, p.Stacks[0].Err, got)
		}
	}
}

// Items that are deleted, change or move between the list and the fetch.
func TestVaultMovesUnderUs(t *testing.T) {
	first := func(do func(f *faulty)) func(*faulty) {
		return func(f *faulty) {
			var once sync.Once // requests come at the same time
			f.set(func(_ http.ResponseWriter, r *http.Request, _ int) bool {
				if isGet(r) {
					once.Do(func() { do(f) })
				}
				return false
			})
		}
	}
	for _, c := range []struct {
		name string
		do   func(f *faulty)
		want string
	}{
		{"deleted", func(f *faulty) { f.vault.drop(f.vault.items[1].ID) }, "a/a.env exported"},
		{"edited", func(f *faulty) {
			f.vault.edit(f.vault.items[1].ID, func(i *rinca.Item) { i.Fields[0].Value = rinca.NewSecret("2") })
		}, twoExported},
		{"renamed", func(f *faulty) {
			f.vault.edit(f.vault.items[1].ID, func(i *rinca.Item) { i.Title = "c.env" })
		}, "a/a.env exported; b/c.env exported"},
		{"untagged", func(f *faulty) { f.vault.edit(f.vault.items[1].ID, func(i *rinca.Item) { i.Tags = nil }) }, "a/a.env exported"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFaulty(t)
			f.two("1")
			first(c.do)(f)
			f.must(c.want)
			f.set(nil)
			got, err := f.export()
			if want := strings.ReplaceAll(c.want, "exported", "unchanged"); err != nil || got != want {
				t.Errorf("the next export: %s, %v; want %s", got, err, want)
			}
		})
	}
	t.Run("listed and never there", func(t *testing.T) {
		f := newFaulty(t)
		f.two("1")
		f.set(func(w http.ResponseWriter, r *http.Request, _ int) bool {
			gone := isGet(r) && strings.HasSuffix(r.URL.Path, f.vault.items[0].ID)
			if gone {
				w.WriteHeader(http.StatusNotFound)
			}
			return gone
		})
		if got, err := f.export(); rinca.CodeOf(err) != rinca.Partial || got != "a failed; b/b.env exported" {
			t.Errorf("%s, %v", got, err)
		}
	})
	t.Run("never stops", func(t *testing.T) {
		f := newFaulty(t)
		f.two("1")
		n := 0
		f.set(func(_ http.ResponseWriter, r *http.Request, _ int) bool {
			if isGet(r) && strings.HasSuffix(r.URL.Path, f.vault.items[0].ID) {
				n++
				f.vault.edit(f.vault.items[0].ID, func(i *rinca.Item) { i.Title = fmt.Sprintf("a%d.env", n) })
			}
			return false
		})
		if got, err := f.export(); rinca.CodeOf(err) != rinca.Partial || got != "a failed; b/b.env exported" {
			t.Errorf("%s, %v", got, err)
		}
	})
}

// An answer without an end, and a vault that is refused.
func TestHostileAnswers(t *testing.T) {
	f := newFaulty(t)
	f.two("1")
	f.set(func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if !isList(r) {
			return false
		}
		junk := []byte(strings.Repeat("x", 1<<20))
		for {
			if _, err := w.Write(junk); err != nil {
				return true
			}
		}
	})
	if _, err := f.export(); rinca.CodeOf(err) != rinca.Unavailable {
		t.Errorf("endless: %v", err)
	}
	f.set(func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"status":401,"message":"Invalid bearer token"}`)
		return true
	})
	if _, err := f.export(); rinca.CodeOf(err) != rinca.Unauthenticated || !strings.Contains(err.Error(), "OP_CONNECT_TOKEN invalid") {
		t.Errorf("401: %v", err)
	}
	f.set(nil)
	f.req.Vault = "homlab"
	if _, err := f.export(); rinca.CodeOf(err) != rinca.NotFound || err.Error() != "vault 'homlab' not found" || !strings.Contains(rinca.HintOf(err), "homelab") {
		t.Errorf("vault: %v, %s", err, rinca.HintOf(err))
	}
}
