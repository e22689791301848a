package alert

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// An alert that stays open is told once, however often it is raised; one that
// flaps once an hour; and in the end everybody knows how it is.
func TestAlertIsAState(t *testing.T) {
	t.Parallel()
	w, e := newWorld(t), newEndpoint(t)
	w.alerter(rinca.Alerter{Name: "ops", Kind: rinca.AlerterCustom}, e.URL)
	w.start()
	x := failedDeploy("web", "it crashes")
	x.Level = rinca.AlertWarning
	for range 3 {
		w.raise(x)
	}
	w.resolved(x.DedupeKey())
	got := e.wait(t, 2)
	if first, second := got[0].alert(t), got[1].alert(t); first.Resolved || first.Level != "WARNING" || !second.Resolved || second.Level != "OK" {
		t.Errorf("told %v, then %v", first, second)
	}
	for range 5 { // it flaps
		w.pass(time.Minute)
		w.raise(x)
		w.pass(time.Second)
		w.resolved(x.DedupeKey())
	}
	w.raise(x)
	open, err := w.List(t.Context(), Filter{Open: true})
	if err != nil || len(open) != 1 || open[0].Count != 9 {
		t.Fatalf("open: %+v, %v", open, err)
	}
	if n := len(e.messages()); n != 2 {
		t.Fatalf("while it flaps, %d messages came", n)
	}
	w.pass(time.Hour)
	if err := w.tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last := e.wait(t, 3)[2].alert(t); last.Resolved || last.Data.Data.Count != 9 {
		t.Errorf("that it stays open is told as %+v", last)
	}
	x.Level = rinca.AlertCritical
	w.raise(x)
	if last := e.wait(t, 4)[3].alert(t); last.Level != "CRITICAL" {
		t.Errorf("that it became worse is told as %+v", last)
	}
	w.pass(time.Hour)
	w.resolved(x.DedupeKey())
	w.pass(11 * time.Minute)
	w.raise(x)
	e.wait(t, 6)
	if all, _ := w.List(t.Context(), Filter{}); len(all) != 2 || all[0].Count != 1 {
		t.Errorf("an alert long after is no new one: %+v", all)
	}
}

// What the server was told before its end is known after it, and nothing that
// waited is lost.
func TestAlertsOutliveTheServer(t *testing.T) {
	t.Parallel()
	w, e := newWorld(t), newEndpoint(t)
	w.alerter(rinca.Alerter{Name: "ops", Kind: rinca.AlerterCustom}, e.URL)
	x := failedDeploy("web", "it crashes")
	w.raise(x) // nothing sends yet
	w.raise(failedDeploy("db", "so does it"))
	w = w.restart()
	w.start()
	e.wait(t, 2)
	w.raise(x)
	w.resolved(x.DedupeKey())
	got := e.wait(t, 3)
	if first := got[0].alert(t); first.Data.Data.Message != "it crashes" || first.Resolved {
		t.Errorf("first came %+v", first)
	}
	if last := got[2].alert(t); !last.Resolved || len(got) != 3 {
		t.Errorf("of %d messages the last is %+v", len(got), last)
	}
}

func TestFailingEndpointIsTriedAgainInOrder(t *testing.T) {
	t.Parallel()
	w, e, other := newWorld(t), newEndpoint(t), newEndpoint(t)
	e.fail = func(n int) (int, string) {
		if n <= 2 {
			return http.StatusBadGateway, "away for a moment"
		}
		return 0, ""
	}
	hangs, stop := hanging(t)
	defer stop()
	w.alerter(rinca.Alerter{Name: "flaky", Kind: rinca.AlerterCustom}, e.URL)
	w.alerter(rinca.Alerter{Name: "dead", Kind: rinca.AlerterCustom}, "http://"+hangs)
	w.alerter(rinca.Alerter{Name: "good", Kind: rinca.AlerterCustom}, other.URL)
	w.start()
	for i := range 3 {
		w.raise(failedDeploy(fmt.Sprintf("s%d", i), fmt.Sprintf("number %d", i)))
	}
	other.wait(t, 3) // whatever the others do
	e.wait(t, 1)
	for i := 2; i <= 3; i++ {
		eventually(t, "a failure that is noted", func() bool { return tries(w, "flaky") == i-1 })
		if n := len(e.messages()); n != i-1 {
			t.Fatalf("%d tries before it was time", n)
		}
		w.pass(time.Minute)
		e.wait(t, i)
	}
	var order []string
	for _, m := range e.wait(t, 5) {
		order = append(order, m.alert(t).Data.Data.Message)
	}
	if want := []string{"number 0", "number 0", "number 0", "number 1", "number 2"}; !slices.Equal(order, want) {
		t.Errorf("they came as %q", order)
	}
	sent, err := w.Sendings(t.Context(), "flaky", "", 0)
	if err != nil || len(sent) != 3 || sent[2].Tries != 3 || sent[2].SentAt.IsZero() || sent[2].Error != "" {
		t.Errorf("noted: %+v, %v", sent, err)
	}
}

func tries(w *world, alerter string) int {
	all, err := w.Sendings(w.Context(), alerter, "", 0)
	if err != nil {
		w.Fatal(err)
	}
	n := 0
	for _, s := range all {
		n = max(n, s.Tries)
	}
	return n
}

// hanging takes connections and says nothing.
func hanging(t testing.TB) (addr string, stop func()) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return l.Addr().String(), func() { l.Close() }
}

// After a day nobody waits for an endpoint any more, and that is shown; what
// an endpoint refuses is not repeated at all.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	w, e := newWorld(t), newEndpoint(t)
	e.fail = func(n int) (int, string) {
		if n == 1 {
			return http.StatusUnprocessableEntity, "too long"
		}
		return http.StatusInternalServerError, ""
	}
	w.alerter(rinca.Alerter{Name: "ops", Kind: rinca.AlerterCustom}, e.URL)
	w.start()
	w.raise(failedDeploy("a", "refused"))
	w.raise(failedDeploy("b", "never taken"))
	e.wait(t, 2)
	eventually(t, "the first failure", func() bool { return tries(w, "ops") == 1 && len(e.messages()) == 2 })
	w.pass(25 * time.Hour)
	var all []rinca.AlertSending
	eventually(t, "both to be given up", func() bool {
		all, _ = w.Sendings(t.Context(), "ops", "", 0)
		return all[0].GaveUp && all[1].GaveUp
	})
	if !strings.Contains(all[1].Error, "422") || !strings.Contains(all[1].Error, "too long") || all[1].Tries != 1 || all[0].Tries != 2 {
		t.Errorf("noted: %+v", all)
	}
}

func TestBackoffGrowsToAnHour(t *testing.T) {
	t.Parallel()
	total := time.Duration(0)
	for n := 1; n < 100; n++ {
		d := backoff(n)
		if d < 4*time.Second || d > longWait*6/5+1 || n == 1 && d > 6*time.Second {
			t.Fatalf("after %d tries: %s", n, d)
		}
		if total < giveUp {
			total += d
		}
	}
	if total < giveUp {
		t.Errorf("only %s are tried", total)
	}
}

// A value that was in a log line is nowhere: not in the database, the event
// stream, the log, nor what is sent; and the address is in no error.
func TestNothingSecretLeaves(t *testing.T) {
	t.Parallel()
	w, e := newWorld(t), newEndpoint(t)
	const token = "T0KEN-of-the-endpoint-55aa"
	e.fail = func(int) (int, string) {
		return http.StatusForbidden, "bad token " + token + " and " + canary + "\x1b[31m"
	}
	for _, kind := range []string{rinca.AlerterCustom, rinca.AlerterSlack, rinca.AlerterDiscord, rinca.AlerterNtfy, rinca.AlerterPushover} {
		w.alerter(rinca.Alerter{Name: kind, Kind: kind}, e.URL+"/hook/"+token+"?token="+token)
	}
	w.alerter(rinca.Alerter{Name: "library", Kind: rinca.AlerterShoutrrr}, "generic+"+e.URL+"/hook/"+token)
	w.start()
	x := failedDeploy("web", "password "+canary+" is wrong")
	x.Lines, x.Hint, x.Details = []string{"got " + canary}, "try "+canary, "more\n"+canary
	w.raise(x)
	e.wait(t, 6)
	eventually(t, "failures", func() bool {
		all, _ := w.Sendings(t.Context(), "", "", 0)
		return !slices.ContainsFunc(all, func(s rinca.AlertSending) bool { return s.Tries == 0 })
	})
	all, _ := w.Sendings(t.Context(), "", "", 0)
	events, err := w.Hub.Since(t.Context(), 0, store.EventFilter{Types: []string{"alert"}}, 10)
	if err != nil || len(events) != 1 {
		t.Fatalf("events: %v, %v", events, err)
	}
	for where, text := range map[string]string{
		"sendings": fmt.Sprintf("%+v", all), "event": string(events[0].Data), "log": w.log.String(), "test": fmt.Sprint(w.Test(t.Context(), "Slack")),
		"library test": fmt.Sprint(w.Test(t.Context(), "library")),
	} {
		for _, secret := range []string{canary, token, e.URL} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: %q is in %s", where, secret, text)
			}
		}
	}
	for _, m := range e.messages() {
		if strings.Contains(m.body, canary) || strings.Contains(fmt.Sprint(m.header), canary) {
			t.Errorf("sent: %s", m.body)
		}
		if strings.ContainsRune(m.body, 0x1b) {
			t.Errorf("a control character was sent: %q", m.body)
		}
	}
	w.Hub.Close()
	err = filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), canary) || strings.Contains(string(data), token) {
			t.Errorf("%s holds a value", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// What became known after an alert was raised is masked when it is sent.
func TestLateKnowledgeIsMasked(t *testing.T) {
	t.Parallel()
	w, e := newWorld(t), newEndpoint(t)
	w.alerter(rinca.Alerter{Name: "ops", Kind: rinca.AlerterCustom}, e.URL)
	w.raise(failedDeploy("web", "bad: later-known-value-9"))
	w.Known.Set("more", []rinca.Secret{rinca.NewSecret("later-known-value-9")})
	w.start()
	if got := e.wait(t, 1)[0].body; strings.Contains(got, "later-known") {
		t.Error(got)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	stack := func(name string) rinca.Target { return rinca.Target{Kind: rinca.KindStack, Name: name} }
	x := failedDeploy("media-tv", "m")
	for name, c := range map[string]struct {
		alerter rinca.Alerter
		alert   rinca.Alert
		want    bool
	}{
		"no filter":       {rinca.Alerter{}, x, true},
		"disabled":        {rinca.Alerter{Disabled: true}, x, false},
		"its type":        {rinca.Alerter{Types: []string{rinca.AlertDrift, rinca.AlertDeployFailed}}, x, true},
		"another type":    {rinca.Alerter{Types: []string{rinca.AlertDrift}}, x, false},
		"its level":       {rinca.Alerter{Levels: []rinca.AlertLevel{rinca.AlertCritical}}, x, true},
		"another level":   {rinca.Alerter{Levels: []rinca.AlertLevel{rinca.AlertWarning}}, x, false},
		"a pattern":       {rinca.Alerter{Resources: []rinca.Target{stack("media-*")}}, x, true},
		"a regexp":        {rinca.Alerter{Resources: []rinca.Target{stack(`\^media-(tv|music)$\`)}}, x, true},
		"another name":    {rinca.Alerter{Resources: []rinca.Target{stack("web")}}, x, false},
		"another kind":    {rinca.Alerter{Resources: []rinca.Target{{Kind: rinca.KindServer, Name: "*"}}}, x, false},
		"an exception":    {rinca.Alerter{Resources: []rinca.Target{stack("*")}, Except: []rinca.Target{stack("media-tv")}}, x, false},
		"chosen by name":  {rinca.Alerter{Name: "ops", Types: []string{rinca.AlertDrift}}, rinca.Alert{To: []string{"ops"}}, true},
		"others by name":  {rinca.Alerter{Name: "ops"}, rinca.Alert{To: []string{"else"}}, false},
		"named, disabled": {rinca.Alerter{Name: "ops", Disabled: true}, rinca.Alert{To: []string{"ops"}}, false},
	} {
		if got := c.alerter.Lets(&c.alert); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Who is redirected to another host is not told the address.
func TestRedirects(t *testing.T) {
	t.Parallel()
	w, elsewhere := newWorld(t), newEndpoint(t)
	var hits atomic.Int32
	e := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch hits.Add(1); r.URL.Path {
		case "/away":
			http.Redirect(rw, r, elsewhere.URL+"/stolen", http.StatusTemporaryRedirect)
		case "/here":
			http.Redirect(rw, r, "/there", http.StatusPermanentRedirect)
		case "/round":
			http.Redirect(rw, r, "/round", http.StatusTemporaryRedirect)
		}
	}))
	defer e.Close()
	for path, want := range map[string]string{"/away": "to another host", "/here": "", "/round": "redirects"} {
		w.alerter(rinca.Alerter{Name: "ops", Kind: rinca.AlerterCustom}, e.URL+path)
		err := w.Test(t.Context(), "ops")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(elsewhere.messages()) > 0 {
		t.Errorf("another host was told: %v", elsewhere.messages())
	}
}

// Endpoints that cannot be reached are named by what is wrong, in time.
func TestUnreachableEndpoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hangs, stop := hanging(t)
	defer stop()
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	for _, c := range []struct{ kind, url, want string }{
		{rinca.AlerterCustom, "http://127.0.0.1:1/x", "connection refused"},
		{rinca.AlerterCustom, "http://" + hangs, "did not answer in time"},
		{rinca.AlerterCustom, tls.URL, "signed by nobody that is known"},
		{rinca.AlerterCustom, "https://" + hangs, "did not answer in time"},
		{rinca.AlerterCustom, "http://nowhere.invalid/x", "name cannot be found"},
		{rinca.AlerterSMTP, "smtp://127.0.0.1:1/?from=a@b.c&to=d@e.f", "connection refused"},
		{rinca.AlerterSMTP, "smtp://" + hangs + "/?from=a@b.c&to=d@e.f", "did not answer in time"},
	} {
		w.Timeout = 10 * time.Second
		if strings.Contains(c.url, hangs) {
			w.Timeout = 300 * time.Millisecond
		}
		w.alerter(rinca.Alerter{Name: "ops", Kind: c.kind}, c.url)
		start := time.Now()
		err := w.Test(t.Context(), "ops")
		if err == nil || !strings.Contains(err.Error(), c.want) || time.Since(start) > 8*time.Second {
			t.Errorf("%s: %v after %s", c.url, err, time.Since(start))
		}
		if !strings.Contains(fmt.Sprint(err), "reached") && strings.Contains(fmt.Sprint(err), "127.0.0.1") {
			t.Errorf("the error has the address: %v", err)
		}
	}
}

// Senders of the library that never come back are not piled up.
func TestHungSendersAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Timeout = 20 * time.Millisecond
	hangs, stop := hanging(t)
	defer stop()
	l := &lane{}
	a := rinca.Alerter{Name: "ops", Kind: rinca.AlerterSMTP, URL: rinca.NewSecret("smtp://" + hangs + "/?from=a@b.c&to=d@e.f")}
	for range 5 {
		if err := w.send(t.Context(), l, &a, failedDeploy("web", "m")); err == nil {
			t.Fatal("it was sent")
		}
	}
	w.queue.mu.Lock()
	defer w.queue.mu.Unlock()
	if l.hung != maxHung {
		t.Errorf("%d senders hang", l.hung)
	}
}

func TestRetryAfterIsHeard(t *testing.T) {
	t.Parallel()
	e := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer e.Close()
	w := newWorld(t)
	w.alerter(rinca.Alerter{Name: "ops", Kind: rinca.AlerterDiscord}, e.URL)
	if d := retryAfter(w.Test(t.Context(), "ops")); d != 90*time.Second {
		t.Errorf("it waits %s", d)
	}
	for text, want := range map[string]time.Duration{"": 0, "-1": 0, "NaN": 0, "1e300": longWait, "0.5": time.Second / 2, "Wed, 21 Oct": 0} {
		if got := after(text); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestCloseByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.raise(failedDeploy("web", "m"))
	open, _ := w.List(t.Context(), Filter{Open: true})
	x, err := w.Close(t.Context(), open[0].ID, "alice")
	if err != nil || !x.Resolved || x.ClosedBy != "alice" {
		t.Fatalf("%+v, %v", x, err)
	}
	if x, err = w.Close(t.Context(), open[0].ID, "bob"); err != nil || x.ClosedBy != "alice" {
		t.Errorf("again: %+v, %v", x, err)
	}
	if _, err := w.Close(t.Context(), "nothing", "bob"); rinca.CodeOf(err) != rinca.NotFound {
		t.Error(err)
	}
	if n, err := w.Open(t.Context()); err != nil || n[rinca.AlertCritical] != 0 {
		t.Errorf("%v, %v", n, err)
	}
}

// An alert of any size is kept, cut to what can be read.
func TestHugeAndHostileAlerts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := failedDeploy("web", strings.Repeat("é", 1<<20))
	x.Key = strings.Repeat("k", 4000)
	x.Level = "\x00"
	for range 100 {
		x.Lines = append(x.Lines, "\x1b]0;title\a"+strings.Repeat("l", 10_000)+"\xff")
	}
	w.raise(x)
	w.raise(x)
	open, err := w.List(t.Context(), Filter{Open: true})
	if err != nil || len(open) != 1 || len(open[0].Message) > maxText || len(open[0].Lines) != maxTail || open[0].Count != 2 || open[0].Level != rinca.AlertWarning {
		t.Fatalf("%d alerts, %v", len(open), err)
	}
	if l := open[0].Lines[0]; len(l) > maxLine || strings.ContainsAny(l, "\x1b\a") {
		t.Errorf("%q", l)
	}
	if err := w.Raise(t.Context(), rinca.Alert{}); rinca.CodeOf(err) != rinca.Invalid {
		t.Error(err)
	}
	var none *Alerts
	none.Tell(x)
	if err := errors.Join(none.Raise(t.Context(), x), none.Resolve(t.Context(), "")); err != nil {
		t.Error(err)
	}
}
