package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/auth"
	"rinca/internal/rinca"
)

// A reader reads a stream of a test.
type reader struct {
	testing.TB
	resp   *http.Response
	in     *bufio.Reader
	cancel context.CancelFunc
}

// read opens a stream.
func (w *world) read(token rinca.Secret, path string, headers ...string) *reader {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
	w.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.http.URL+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 {
		data, _ := io.ReadAll(resp.Body)
		w.Fatalf("%s: %d %s", path, resp.StatusCode, data)
	}
	return &reader{w, resp, bufio.NewReader(resp.Body), cancel}
}

// next returns the next event: its id, its type and its data; "" and "EOF"
// when there are no more.
func (r *reader) next() (id, kind, data string) {
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			return "", "EOF", ""
		}
		switch field, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ": "); field {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			data = value
		case "":
			if data != "" {
				return id, kind, data
			}
		}
	}
}

func (r *reader) event() (string, rinca.Event) {
	r.Helper()
	id, kind, data := r.next()
	var e rinca.Event
	if err := json.Unmarshal([]byte(data), &e); err != nil || kind != e.Type {
		r.Fatalf("event %s %s: %s", id, kind, data)
	}
	return id, e
}

func (w *world) deploy1(stack string) rinca.Update {
	w.Helper()
	u, err := w.runner.Submit(w.Context(), rinca.Submission{
		Execution: rinca.Execution{Kind: "DeployStack", Params: json.RawMessage(`{"stack":"` + stack + `"}`)}, Operator: "somebody",
	})
	if err != nil {
		w.Fatal(err)
	}
	return u
}

func TestFollowAnUpdate(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	w.known.Set("test", []rinca.Secret{rinca.NewSecret(canary)})
	u, other := w.deploy1("web"), w.deploy1("web")
	r := w.read(token, "/v1/events?after=0&update="+u.ID)
	if _, e := r.event(); e.Type != "update" || e.Update != u.ID {
		t.Fatalf("%+v", e)
	}
	w.runner.say(other, "not of this one")
	w.runner.say(u, "token is "+canary)
	last, e := r.event()
	if e.Type != "line" || strings.Contains(string(e.Data), canary) || !strings.Contains(string(e.Data), "token is") {
		t.Errorf("%+v %s", e, e.Data)
	}
	r.cancel() // the connection breaks
	w.runner.say(u, "while nobody read")
	if err := w.runner.finish(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	r = w.read(token, "/v1/events?update="+u.ID, "Last-Event-ID", last)
	if _, e := r.event(); !strings.Contains(string(e.Data), "while nobody read") {
		t.Errorf("%s", e.Data)
	}
	id, e := r.event()
	if e.Type != "update" {
		t.Errorf("%+v", e)
	}
	if _, kind, _ := r.next(); kind != "end" {
		t.Errorf("after the last event comes %q", kind)
	}
	// Somebody who comes after everything waits for nothing.
	r = w.read(token, "/v1/events?update="+u.ID+"&after="+id)
	if _, kind, _ := r.next(); kind != "end" {
		t.Errorf("of an update that has ended comes %q", kind)
	}
	var lines linesJSON
	w.must(token, "GET /v1/updates/"+u.ID+"/lines", "").into(t, &lines)
	if len(lines.Lines) != 2 || strings.Contains(lines.Lines[0].Text, canary) || lines.Next != lines.Lines[1].Seq {
		t.Errorf("%+v", lines)
	}
}

func TestEventsAreFiltered(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Heartbeat = 50 * time.Millisecond })
	w.fixtures()
	if _, err := w.db.PutStack(t.Context(), rinca.Stack{Name: "other", Source: rinca.Source{Kind: rinca.SourceHost, Dir: "/"}}, 0); err != nil {
		t.Fatal(err)
	}
	rights := rinca.Rights{Permissions: []rinca.Permission{{Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}, Grant: rinca.Grant{Level: rinca.Read}}}}
	token := w.user(rinca.User{Name: "one", Rights: rights}, nil)
	r := w.read(token, "/v1/events")
	hidden := w.deploy1("other")
	w.hub.Publish(rinca.Event{Type: "resource", Target: rinca.Target{Kind: rinca.KindSystem}}, rinca.Event{Type: "resource"})
	seen := w.deploy1("web")
	if _, e := r.event(); e.Update != seen.ID {
		t.Errorf("%+v", e)
	}
	if got := w.do(token, "GET /v1/events?stack=other", ""); got.status != 404 {
		t.Errorf("the events of a hidden stack: %d", got.status)
	}
	if got := w.do(token, "GET /v1/events?update="+hidden.ID, ""); got.status != 404 {
		t.Errorf("the events of a hidden update: %d", got.status)
	}
	// Rights that are taken away hold at once; without the user, it ends.
	u, err := w.db.User(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	u.Rights = rinca.Rights{}
	if _, err := w.auth.UpdateUser(t.Context(), auth.Caller{}, u); err != nil {
		t.Fatal(err)
	}
	w.deploy1("web")
	if err := w.auth.DeleteUser(t.Context(), auth.Caller{}, "one"); err != nil {
		t.Fatal(err)
	}
	if _, kind, data := r.next(); kind != "error" || !strings.Contains(data, "unauthenticated") {
		t.Errorf("%s %s", kind, data)
	}
	if _, kind, _ := r.next(); kind != "EOF" {
		t.Errorf("it goes on: %s", kind)
	}
}

func TestStackLogs(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	w.known.Set("test", []rinca.Secret{rinca.NewSecret(canary)})
	w.deploy.logs = func(_ context.Context, o rinca.LogOptions, out rinca.Output) error {
		out(rinca.Line{Text: fmt.Sprintf("%v %d %s", o.Services, o.Tail, canary)})
		return rinca.Errorf(rinca.Unavailable, "the engine went away")
	}
	r := w.read(token, "/v1/stacks/web/logs?service=app,db&tail=5")
	_, _, data := r.next()
	if !strings.Contains(data, "[app db] 5") || strings.Contains(data, canary) {
		t.Errorf("%s", data)
	}
	if _, kind, data := r.next(); kind != "error" || !strings.Contains(data, "went away") {
		t.Errorf("%s %s", kind, data)
	}
}

// TestReaderOfOneByte: who reads slowly is dropped, and holds up neither the
// hub nor another reader.
func TestReaderOfOneByte(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Patience = 300 * time.Millisecond })
	w.fixtures()
	token := w.admin()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.http.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4096)
	}
	fmt.Fprintf(conn, "GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", token.Reveal())
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	quick := w.read(token, "/v1/events")
	u := w.update()
	text := strings.Repeat("x", 10_000)
	start := time.Now()
	for i := range 2000 { // 20 MB, more than the buffers of a connection
		w.runner.say(u, fmt.Sprint(i, " ", text))
		if i%100 == 99 {
			for range 100 {
				quick.event()
			}
		}
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("the quick reader took %s", took)
	}
	deadline := time.Now().Add(10 * time.Second)
	for w.api.streams.Load() > 1 {
		if time.Now().After(deadline) {
			t.Fatal("the slow reader is not dropped")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestManyReaders(t *testing.T) {
	const readers, lines = 500, 100
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	u := w.deploy1("web")
	var opened, done sync.WaitGroup
	opened.Add(readers)
	var slowest time.Duration
	var mu sync.Mutex
	for range readers {
		done.Go(func() {
			r := w.read(token, "/v1/events?update="+u.ID)
			opened.Done()
			for i := range lines {
				_, e := r.event()
				if !strings.Contains(string(e.Data), fmt.Sprint("line ", i, `"`)) {
					t.Errorf("event %d is %s", i, e.Data)
					return
				}
				mu.Lock()
				slowest = max(slowest, time.Since(e.At))
				mu.Unlock()
			}
		})
	}
	opened.Wait()
	for i := range lines {
		w.runner.say(u, fmt.Sprint("line ", i))
		time.Sleep(5 * time.Millisecond) // as a deploy would
	}
	done.Wait()
	t.Logf("%d readers, %d lines; the last of them saw one after %s", readers, lines, slowest)
}

func TestTooManyStreams(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.MaxStreams = 1 })
	token := w.admin()
	w.read(token, "/v1/events")
	if got := w.do(token, "GET /v1/events", ""); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func TestStreamsEndWithTheServer(t *testing.T) {
	w := newWorld(t)
	token := w.admin()
	r := w.read(token, "/v1/events")
	ended := make(chan string)
	go func() {
		_, kind, _ := r.next()
		ended <- kind
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := w.http.Config.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if kind := <-ended; kind != "EOF" {
		t.Errorf("at the end comes %q", kind)
	}
}

func TestHeartbeat(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Heartbeat = 20 * time.Millisecond })
	r := w.read(w.admin(), "/v1/events")
	for range 3 {
		if line, err := r.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, ":") {
			t.Fatalf("%q, %v", line, err)
		}
		if line, err := r.in.ReadString('\n'); err != nil || line != "\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
}
