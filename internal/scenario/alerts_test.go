package scenario_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"rinca/internal/rinca"
)

// loud says its values and ends.
const loud = `
services:
  app:
    image: IMAGE
    stop_grace_period: 1s
    environment: {VALUE: one, TOKEN: "[[TOKEN]]", APP_PRINT: 1}
`

// A pager takes alerts as a custom alerter of Komodo does.
type pager struct {
	url string

	mu    sync.Mutex
	pages []page
}

type page struct {
	Resolved bool   `json:"resolved"`
	Level    string `json:"level"`
	Target   struct{ Type, ID string }
	Data     struct {
		Type string `json:"type"`
		Data struct {
			Message string   `json:"message"`
			Lines   []string `json:"lines"`
		} `json:"data"`
	} `json:"data"`
	raw string
}

// newPager listens on an address; it begins to take pages when it is started.
func newPager(t testing.TB, l net.Listener) *pager {
	p := &pager{url: "http://" + l.Addr().String() + "/page/a-token-of-the-pager-77"}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		x := page{raw: string(data)}
		_ = json.Unmarshal(data, &x)
		p.mu.Lock()
		p.pages = append(p.pages, x)
		p.mu.Unlock()
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return p
}

func (p *pager) got() []page {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.pages)
}

// A deploy that fails is told, with its last lines, masked; that it works
// again, too; and what nobody could take yet outlives a kill of the server.
func TestAlertsReachPeople(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	// A port that nobody listens on yet.
	reserved, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := reserved.Addr().String()
	reserved.Close()
	l.write("url", "http://"+address+"/page/[[PAGER]]\n")
	l.variable("PAGER", "a-token-of-the-pager-77", "--secret")
	l.variable("TOKEN", "told-to-nobody-5d1f", "--secret")
	l.must("alerter", "set", "ops", "--kind", "Custom", "--url-file", l.path("url"))
	l.fails(1, []string{"connection refused"}, "alerter", "test", "ops")

	s := l.newStack(t, "loud", map[string]string{"compose.yaml": loud}, crashing...)
	s.deploy()
	s.edit("VALUE: one", "VALUE: two, APP_EXIT: 3")
	l.fails(1, []string{"exited with 3"}, "stack", "deploy", "loud")
	l.wait("a try to send it", func() bool { return strings.Contains(l.must("alerter", "show", "ops"), "again in") })
	l.crash()
	l.restart()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	p := newPager(t, listener)
	l.must("alerter", "set", "ops", "--description", "what waits is sent at once after a change")
	l.wait("the alert", func() bool { return len(p.got()) == 1 })
	first := p.got()[0]
	if first.Resolved || first.Level != "CRITICAL" || first.Data.Type != "StackDeployFailed" || !strings.Contains(first.Data.Data.Message, "exited with 3") || len(first.Data.Data.Lines) == 0 {
		t.Errorf("told: %s", first.raw)
	}
	if open := l.must("alert", "list", "--open"); !strings.Contains(open, "loud") || !strings.Contains(open, "StackDeployFailed") {
		t.Errorf("open: %s", open)
	}

	s.edit("VALUE: two, APP_EXIT: 3", "VALUE: three")
	s.deploy()
	l.wait("that it is well again", func() bool { return len(p.got()) == 2 })
	if second := p.got()[1]; !second.Resolved || second.Level != "OK" {
		t.Errorf("told: %s", second.raw)
	}
	l.must("alert", "send", "all done", "--level", "WARNING", "--details", "nothing more")
	l.must("alerter", "test", "ops")
	l.wait("both messages", func() bool { return len(p.got()) == 4 })
	if got := p.got()[2:]; got[0].Data.Data.Message != "all done" || got[1].Data.Type != rinca.AlertTest {
		t.Errorf("told: %+v", got)
	}
	for _, x := range p.got() {
		if strings.Contains(x.raw, "told-to-nobody") {
			t.Errorf("a value was told: %s", x.raw)
		}
	}
	shown := l.must("alerter", "list", "--json") + l.must("alerter", "show", "ops", "--json") + l.must("alert", "list", "--json") + l.read(l.server.log)
	for _, secret := range []string{"told-to-nobody-5d1f", "a-token-of-the-pager-77", address + "/page"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}
