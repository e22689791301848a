package connect_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/vault/connect"
)

const (
	token   = "canary-token-aaaaaaaaaaaaaaaa"
	vaultID = "vvvvvvvvvvvvvvvvvvvvvvvvvv"
	itemID  = "iiiiiiiiiiiiiiiiiiiiiiiiii"
	item    = `{"id":"` + itemID + `","title":"a.env","vault":{"id":"` + vaultID + `"},"category":"SECURE_NOTE","version":3,
		"fields":[{"id":"f","type":"concealed","label":"K","value":"canary-value"},{"id":"g","type":"STRING","label":"E"}]}`
)

// noWait keeps the order of retries and drops their time.
func noWait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func provider(t *testing.T, h http.HandlerFunc) *connect.Provider {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	p, err := connect.New(connect.Config{Host: s.URL, Token: rinca.NewSecret(token), Timeout: 300 * time.Millisecond, Sleep: noWait})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// first answers with bad once, and then as a server should.
func first(bad http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			bad(w, r)
			return
		}
		_, _ = io.WriteString(w, item)
	}
}

func status(code int, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"status":%d,"message":%q}`, code, message)
	}
}

func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, item[:80])
	panic(http.ErrAbortHandler)
}

func truncated(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, item[:120]) }

func silent(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(2 * time.Second):
	}
}

// One bad answer is not seen by anybody.
func TestOneFaultIsRetried(t *testing.T) {
	for name, bad := range map[string]http.HandlerFunc{
		"429": status(429, "slow down"), "500": status(500, "Something went wrong"), "503": status(503, ""),
		"403 while syncing": status(403, "Authorization: token does not have access to vault x"),
		"cut":               cut, "truncated": truncated, "silence": silent,
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t, first(bad))
			items, err := p.Get(t.Context(), vaultID, itemID)
			if err != nil || items[0].Version != 3 || items[0].Fields[0].Value.Reveal() != "canary-value" || items[0].Fields[1].Value.IsSet() {
				t.Fatalf("%+v, %v", items, err)
			}
			if p.Requests() != 2 {
				t.Errorf("%d requests", p.Requests())
			}
		})
	}
}

// A fault that stays is one clear error with its code, after a bounded number
// of tries, and neither the token nor a value is in it.
func TestLastingFaults(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("canary-value ", 1<<16))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		h     http.HandlerFunc
		code  rinca.Code
		tries int
		text  string
	}{
		"401":      {status(401, "Invalid bearer token"), rinca.Unauthenticated, 1, "OP_CONNECT_TOKEN invalid or expired"},
		"403":      {status(403, "vault x is not in scope"), rinca.Forbidden, 1, "no right"},
		"404":      {status(404, "item x not found"), rinca.NotFound, 1, "not found"},
		"429":      {status(429, "slow"), rinca.RateLimited, 4, "too many requests"},
		"500":      {status(500, "Something went wrong"), rinca.Unavailable, 4, "status 500 (4 tries): Something went wrong"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://elsewhere.invalid/", 302) }, rinca.Unavailable, 1, "elsewhere"},
		"html":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>canary-value") }, rinca.Unavailable, 1, "web page"},
		"cut":      {cut, rinca.Unavailable, 4, "no answer"},
		"half":     {truncated, rinca.Unavailable, 4, "not whole JSON"},
		"silence":  {silent, rinca.Unavailable, 4, "silence"},
		"endless":  {endless, rinca.Unavailable, 4, ""},
		"wrong": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":"other"}`) },
			rinca.Unavailable, 1, `answers with item "other"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := provider(t, c.h)
			_, err := p.Get(t.Context(), vaultID, itemID)
			if rinca.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%q: %v", rinca.CodeOf(err), err)
			}
			if p.Requests() > c.tries {
				t.Errorf("%d requests, at most %d", p.Requests(), c.tries)
			}
			if strings.Contains(fmt.Sprintf("%v %s %+v", err, rinca.HintOf(err), err), "canary") {
				t.Errorf("the error holds a value: %v", err)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	p, err := connect.New(connect.Config{Host: "http://127.0.0.1:1", Token: rinca.NewSecret(token), Sleep: noWait})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Vaults(t.Context())
	if rinca.CodeOf(err) != rinca.Unavailable || !strings.Contains(err.Error(), "connection refused") || rinca.HintOf(err) == "" {
		t.Errorf("%v; %s", err, rinca.HintOf(err))
	}
}

// A write that may have happened is not sent twice.
func TestWritesAreNotRepeated(t *testing.T) {
	p := provider(t, cut)
	if _, err := p.Create(t.Context(), rinca.Item{Info: rinca.Info{VaultID: vaultID, Title: "x"}}); rinca.CodeOf(err) != rinca.Unavailable {
		t.Error(err)
	}
	if p.Requests() != 1 {
		t.Errorf("%d requests", p.Requests())
	}
}

func TestCancelStopsTheRetries(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := provider(t, func(w http.ResponseWriter, r *http.Request) { cancel(); status(500, "")(w, r) })
	if _, err := p.Vaults(ctx); rinca.CodeOf(err) != rinca.Canceled {
		t.Error(err)
	}
}

func TestTokenForm(t *testing.T) {
	jwt := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		token string
		text  string
	}{
		"opaque":  {"anything-that-a-server-issues", ""},
		"good":    {jwt(`{"exp":1900000000}`), ""},
		"no exp":  {jwt(`{}`), ""},
		"expired": {jwt(`{"exp":1700000000}`), "expired on 2023-11-14"},
		"service": {"ops_eyJh", "service account token"},
		"pasted":  {"OP_CONNECT_TOKEN=abc def", "spaces"},
		"none":    {"", "not set"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := connect.CheckToken(rinca.NewSecret(c.token), now)
			if (err == nil) != (c.text == "") || (err != nil && (!strings.Contains(err.Error(), c.text) || rinca.CodeOf(err) != rinca.Unauthenticated)) {
				t.Error(err)
			}
		})
	}
}

func TestBadHost(t *testing.T) {
	for _, host := range []string{"", "connect:8080", "ftp://x", "http://", "http://user:pass@x", "://", "http://x?y"} {
		if _, err := connect.New(connect.Config{Host: host, Token: rinca.NewSecret(token)}); rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%q: %v", host, err)
		}
	}
}
