package client_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

// open starts a server and returns a client of it.
func open(t *testing.T, h http.Handler) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.New(client.Config{Host: s.URL + "/", Key: rinca.NewSecret("rk_canary"), Agent: "rinca/test", Patience: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDoSendsAndDecodes(t *testing.T) {
	c := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"got":%q}`, strings.Join([]string{
			r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.UserAgent(), string(body),
		}, " "))
	}))
	var out struct{ Got string }
	in := map[string]string{"name": "a<b"}
	if err := c.Do(t.Context(), "PUT", client.Path("v1", "stacks", "../a b")+"?x=1", in, &out); err != nil {
		t.Fatal(err)
	}
	want := `PUT /v1/stacks/..%2Fa%20b x=1 Bearer rk_canary application/json rinca/test {"name":"a\u003cb"}`
	if out.Got != want {
		t.Errorf("got  %s\nwant %s", out.Got, want)
	}
}

func TestErrorsOfTheServer(t *testing.T) {
	for name, c := range map[string]struct {
		status           int
		header, body     string
		code             rinca.Code
		message, without string
		hint             string
	}{
		"its own":        {404, "", `{"error":{"code":"not_found","message":"no stack x","hint":"rinca stack list"}}`, rinca.NotFound, "no stack x", "", "rinca stack list"},
		"no hint":        {401, "", `{"error":{"code":"unauthenticated","message":"expired"}}`, rinca.Unauthenticated, "expired", "", "rinca login"},
		"a newer code":   {418, "", `{"error":{"code":"teapot","message":"short and stout"}}`, "teapot", "short and stout", "", ""},
		"hostile":        {400, "", `{"error":{"code":"invalid","message":"a\u001b[2Jb\u202ec"}}`, rinca.Invalid, "a\ufffd[2Jb\ufffdc", "\x1b", ""},
		"a proxy":        {502, "", "<html>canary</html>", rinca.Unavailable, "502 Bad Gateway", "canary", "RINCA_HOST"},
		"another server": {404, "", "404 page not found", rinca.NotFound, "not as Rinca does", "", "RINCA_HOST"},
		"too many":       {429, "", "", rinca.RateLimited, "429", "", ""},
		"a redirect":     {302, "https://u:canary@evil.example/?t=canary", "", rinca.Unavailable, "redirects to evil.example/", "canary", "RINCA_HOST"},
		"no json":        {200, "", "hello canary", rinca.Unavailable, "not answer as Rinca does", "canary", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cl := open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.header != "" {
					w.Header().Set("Location", c.header)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			var out any
			err := cl.Do(t.Context(), "GET", "/v1/x", nil, &out)
			if rinca.CodeOf(err) != c.code || !strings.Contains(fmt.Sprint(err), c.message) || !strings.Contains(rinca.HintOf(err), c.hint) {
				t.Errorf("%v (%s), try %q", err, rinca.CodeOf(err), rinca.HintOf(err))
			}
			if c.without != "" && strings.Contains(fmt.Sprint(err, rinca.HintOf(err)), c.without) {
				t.Errorf("%q holds %q", err, c.without)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := "http://" + l.Addr().String()
	l.Close()
	c, err := client.New(client.Config{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, submit := c.Submit(t.Context(), rinca.Execution{Kind: "DeployStack"})
	for _, err := range []error{
		c.Do(t.Context(), "GET", "/v1/stacks", nil, nil), submit,
		c.Events(t.Context(), nil, 0, nil), c.Lines(t.Context(), "/v1/x", nil, nil),
	} {
		if rinca.CodeOf(err) != rinca.Unavailable || !strings.Contains(rinca.HintOf(err), "rinca serve") || !strings.Contains(rinca.HintOf(err), "RINCA_HOST") {
			t.Errorf("%v, try %q", err, rinca.HintOf(err))
		}
	}
	if time.Since(start) > 2*time.Second {
		t.Error("it waited for a server that is not there")
	}
}

func TestAddresses(t *testing.T) {
	for host, good := range map[string]bool{
		"": true, "http://127.0.0.1:9120": true, "https://rinca.example/base/": true,
		"rinca.example": false, "ftp://x": false, "http://": false, "http://user:canary@h": false, "http://h/?q=canary": false, "http://u:canary@h:x": false, "\x00": false,
	} {
		_, err := client.New(client.Config{Host: host})
		if (err == nil) != good {
			t.Errorf("%q: %v", host, err)
		}
		if err != nil && (rinca.CodeOf(err) != rinca.Usage || strings.Contains(err.Error()+rinca.HintOf(err), "canary")) {
			t.Errorf("%q: %v", host, err)
		}
	}
	if _, err := client.New(client.Config{Key: rinca.NewSecret("canary\nX: y")}); rinca.CodeOf(err) != rinca.Usage || strings.Contains(err.Error(), "canary") {
		t.Errorf("a key of two lines: %v", err)
	}
}

func TestCertificates(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	s.Config.ErrorLog = nil
	s.StartTLS()
	defer s.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	for _, c := range []struct {
		config client.Config
		want   string // "" is success
	}{
		{client.Config{Host: s.URL, CA: ca}, ""},
		{client.Config{Host: s.URL}, "RINCA_CA_FILE"},
		{client.Config{Host: "https://" + strings.Replace(s.Listener.Addr().String(), "127.0.0.1", "localhost", 1), CA: ca}, "is not good"},
	} {
		cl, err := client.New(c.config)
		if err != nil {
			t.Fatal(err)
		}
		err = cl.Do(t.Context(), "GET", "/v1/version", nil, nil)
		if c.want == "" && err != nil || c.want != "" && !strings.Contains(fmt.Sprint(err)+rinca.HintOf(err), c.want) {
			t.Errorf("%v, try %q; want %q", err, rinca.HintOf(err), c.want)
		}
	}
	if _, err := client.New(client.Config{CA: []byte("no PEM")}); rinca.CodeOf(err) != rinca.Usage {
		t.Errorf("a CA that is none: %v", err)
	}
}

func TestPlainServerAskedForTLS(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	c, err := client.New(client.Config{Host: strings.Replace(s.URL, "http:", "https:", 1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), "GET", "/", nil, nil); !strings.Contains(rinca.HintOf(err), s.URL) {
		t.Errorf("%v, try %q", err, rinca.HintOf(err))
	}
}

func TestTimeoutAndCancel(t *testing.T) {
	block := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	defer s.Close()
	defer close(block)
	c, err := client.New(client.Config{Host: s.URL, Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), "GET", "/", nil, nil); rinca.CodeOf(err) != rinca.Unavailable || !strings.Contains(err.Error(), "in time") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Do(ctx, "GET", "/", nil, nil); rinca.CodeOf(err) != rinca.Canceled {
		t.Error(err)
	}
}

// The answer to a submission is lost: it is sent again with the same key.
func TestSubmitRunsOnce(t *testing.T) {
	var keys []string
	var n atomic.Int32
	c := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		var e rinca.Execution
		if json.NewDecoder(r.Body).Decode(&e) != nil || e.Kind != "DeployStack" || string(e.Params) != `{"stack":"a"}` {
			t.Errorf("got %+v", e)
		}
		if n.Add(1) == 1 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"id":"u1","state":"queued"}`)
	}))
	u, err := c.Submit(t.Context(), rinca.Execution{Kind: "DeployStack", Params: []byte(`{"stack":"a"}`)})
	if err != nil || u.ID != "u1" || len(keys) != 2 || keys[0] != keys[1] || keys[0] == "" {
		t.Errorf("%+v, %v, keys %q", u, err, keys)
	}
}

func TestSubmitDoesNotRepeatRefusals(t *testing.T) {
	var n atomic.Int32
	c := open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"error":{"code":"conflict","message":"busy"}}`)
	}))
	if _, err := c.Submit(t.Context(), rinca.Execution{}); rinca.CodeOf(err) != rinca.Conflict || n.Load() != 1 {
		t.Errorf("%v after %d requests", err, n.Load())
	}
}

// Two people edit at once: the second begins again with what the first wrote.
func TestEditHeedsOthers(t *testing.T) {
	now, version := "a", 1
	c := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag := fmt.Sprintf(`"%d"`, version)
		if r.Method == http.MethodGet {
			w.Header().Set("ETag", tag)
			fmt.Fprintf(w, `{"text":%q}`, now)
			if version == 1 {
				now, version = "b", 2 // somebody else
			}
			return
		}
		if r.Header.Get("If-Match") != tag {
			w.WriteHeader(http.StatusPreconditionFailed)
			_, _ = io.WriteString(w, `{"error":{"code":"conflict","message":"changed"}}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	type doc struct {
		Text string `json:"text"`
	}
	var out doc
	err := client.Edit(t.Context(), c, "/v1/x", func(d doc) (any, error) { return doc{d.Text + "!"}, nil }, &out)
	if err != nil || out.Text != "b!" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestEditGivesUp(t *testing.T) {
	puts := 0
	c := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			puts++
			w.WriteHeader(http.StatusPreconditionFailed)
			_, _ = io.WriteString(w, `{"error":{"code":"conflict","message":"changed"}}`)
			return
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	err := client.Edit(t.Context(), c, "/v1/x", func(m map[string]any) (any, error) { return m, nil }, nil)
	if rinca.CodeOf(err) != rinca.Conflict || puts != 4 {
		t.Errorf("%v after %d", err, puts)
	}
	mine := rinca.Errorf(rinca.Usage, "mine")
	if err := client.Edit(t.Context(), c, "/v1/x", func(m map[string]any) (any, error) { return m, mine }, nil); rinca.CodeOf(err) != rinca.Usage || puts != 4 {
		t.Errorf("%v after %d", err, puts)
	}
}

func TestCreateReplacesNothing(t *testing.T) {
	c := open(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut || r.Header.Get("If-None-Match") != "*" {
			t.Errorf("%s with %v", r.Method, r.Header)
		}
	}))
	if err := c.Create(t.Context(), "/v1/x", struct{}{}, nil); err != nil {
		t.Error(err)
	}
}
