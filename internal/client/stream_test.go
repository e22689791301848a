package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

// events is a server of numbered events. Every connection sends so many, and
// breaks.
type events struct {
	t      *testing.T
	total  int64
	each   int64
	opened atomic.Int32
	seen   []string
}

func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.opened.Add(1)
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if last := r.Header.Get("Last-Event-ID"); last != "" && last != r.URL.Query().Get("after") {
		e.t.Errorf("Last-Event-ID %s, after %d", last, after)
	}
	e.seen = append(e.seen, r.URL.RawQuery)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	_, _ = io.WriteString(w, ": hello\n\nretry: 10\n\n")
	for seq := max(after, 0) + 1; seq <= e.total && seq <= after+e.each; seq++ {
		fmt.Fprintf(w, "id: %d\r\nevent: line\r\ndata: {\"seq\":%d,\r\ndata: \"type\":\"line\"}\r\n\r\n", seq, seq)
	}
	_, _ = io.WriteString(w, "id: 999\ndata: {\"seq\":999") // cut off: it is no event
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestEventsResume(t *testing.T) {
	srv := &events{t: t, total: 25, each: 7}
	c := open(t, srv)
	var got []int64
	err := c.Events(t.Context(), url.Values{"update": {"u 1"}}, 0, func(e rinca.Event) error {
		got = append(got, e.Seq)
		if e.Seq == 25 {
			return client.Stop()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, seq := range got {
		if seq != int64(i+1) {
			t.Fatalf("got %v", got)
		}
	}
	if len(got) != 25 {
		t.Errorf("got %v", got)
	}
	want := []string{"after=0&update=u+1", "after=7&update=u+1", "after=14&update=u+1", "after=21&update=u+1"}
	if diff := cmp.Diff(want, srv.seen); diff != "" {
		t.Error(diff)
	}
}

func TestEventsFromNowOn(t *testing.T) {
	srv := &events{t: t, total: 1, each: 9}
	c := open(t, srv)
	_ = c.Events(t.Context(), nil, -1, func(rinca.Event) error { return client.Stop() })
	if srv.seen[0] != "" {
		t.Errorf("query %q", srv.seen[0])
	}
}

func TestEventsGiveUp(t *testing.T) {
	srv := &events{t: t, total: 3, each: 9}
	s := httptest.NewServer(srv)
	c, err := client.New(client.Config{Host: s.URL, Patience: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Events(t.Context(), nil, 0, func(e rinca.Event) error {
		if e.Seq == 3 {
			go s.Close()
		}
		return nil
	})
	if rinca.CodeOf(err) != rinca.Unavailable {
		t.Error(err)
	}
}

func TestStreamsEnd(t *testing.T) {
	const line = "data: {\"text\":\"a\"}\n\n"
	own := errors.New("mine")
	for name, c := range map[string]struct {
		status int
		kind   string
		body   string
		f      error
		code   rinca.Code
		want   string
		lines  int
	}{
		"end":             {200, "text/event-stream", line + "event: end\ndata: {}\n\n" + line, nil, "", "", 1},
		"all was sent":    {200, "text/event-stream", line + line, nil, "", "", 2},
		"nothing":         {204, "", "", nil, "", "", 0},
		"error":           {200, "text/event-stream", line + "event: error\ndata: {\"error\":{\"code\":\"not_found\",\"message\":\"gone\"}}\n\n", nil, rinca.NotFound, "gone", 1},
		"an odd error":    {200, "text/event-stream", "event: error\ndata: x\n\n", nil, rinca.Unavailable, "ended", 0},
		"my own error":    {200, "text/event-stream", line, own, rinca.Internal, "mine", 1},
		"refused":         {403, "application/json", `{"error":{"code":"forbidden","message":"no"}}`, nil, rinca.Forbidden, "no", 0},
		"no stream":       {200, "text/html", "<p>", nil, rinca.Invalid, "not answer with a stream", 0},
		"no json":         {200, "text/event-stream", "data: canary\n\n", nil, rinca.Unavailable, "cannot be read", 0},
		"an endless line": {200, "text/event-stream", "data: " + strings.Repeat("x", 33<<20), nil, rinca.Invalid, "more than", 0},
	} {
		t.Run(name, func(t *testing.T) {
			cl := open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			n := 0
			err := cl.Lines(t.Context(), "/v1/stacks/a/logs", nil, func(rinca.Line) error { n++; return c.f })
			if n != c.lines || rinca.CodeOf(err) != c.code || c.want != "" && !strings.Contains(fmt.Sprint(err), c.want) {
				t.Errorf("%d lines, %v (%s)", n, err, rinca.CodeOf(err))
			}
			if strings.Contains(fmt.Sprint(err), "canary") {
				t.Error("the error holds what was sent")
			}
		})
	}
}

// An error of whoever reads is theirs: it ends the stream, whatever its code.
func TestOwnErrorDoesNotReconnect(t *testing.T) {
	srv := &events{t: t, total: 3, each: 9}
	c := open(t, srv)
	mine := rinca.Errorf(rinca.Unavailable, "mine")
	if err := c.Events(t.Context(), nil, 0, func(rinca.Event) error { return mine }); !errors.Is(err, mine) || srv.opened.Load() != 1 {
		t.Errorf("%v after %d connections", err, srv.opened.Load())
	}
}

// A connection that is dead without having been closed is opened anew.
func TestSilentConnection(t *testing.T) {
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		seq := n.Add(1)
		fmt.Fprintf(w, "id: %d\ndata: {}\n\n", seq)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer s.Close()
	c, err := client.New(client.Config{Host: s.URL, Idle: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Events(t.Context(), nil, 0, func(e rinca.Event) error {
		if e.Seq == 3 {
			return client.Stop()
		}
		return nil
	})
	if err != nil || n.Load() != 3 {
		t.Errorf("%v after %d connections", err, n.Load())
	}
}

// Heartbeats keep a quiet stream open.
func TestHeartbeats(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 20 {
			_, _ = io.WriteString(w, ":\n\n")
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
		_, _ = io.WriteString(w, "event: end\n\n")
	}))
	defer s.Close()
	c, err := client.New(client.Config{Host: s.URL, Idle: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Events(t.Context(), nil, 0, nil); err != nil {
		t.Error(err)
	}
}

func TestStreamsAreCanceled(t *testing.T) {
	c := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := c.Events(ctx, nil, 0, nil); rinca.CodeOf(err) != rinca.Canceled {
		t.Error(err)
	}
}

// FuzzStream: whatever a server sends, the client ends, and calls back with
// lines it could read only.
func FuzzStream(f *testing.F) {
	f.Add("data: {\"text\":\"a\"}\n\n")
	f.Add("id: 1\r\nevent: end\r\n\r\n")
	f.Add(":\n\ndata\ndata:\n\nid: x\ndata: {}\n\n")
	var body atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		text, _ := body.Load().(string)
		_, _ = io.WriteString(w, text)
	}))
	f.Cleanup(s.Close)
	c, err := client.New(client.Config{Host: s.URL})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		body.Store(text)
		n := 0
		err := c.Lines(t.Context(), "/", nil, func(rinca.Line) error { n++; return nil })
		if n > strings.Count(text, "data") {
			t.Errorf("%d lines of %q", n, text)
		}
		var e *rinca.Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%v is no error of ours", err)
		}
	})
}
