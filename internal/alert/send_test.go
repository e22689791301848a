package alert

import (
	"bufio"
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
)

func TestKomodoJSON(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_764_144_000_123).UTC()
	const oid = `{"$oid":"6926b50` // the seconds, and the rest of the id
	for name, c := range map[string]struct {
		alert rinca.Alert
		want  string
	}{
		"known to Komodo": {
			rinca.Alert{Type: rinca.AlertProcedureFailed, Level: rinca.AlertWarning, Target: rinca.Target{Kind: rinca.KindProcedure, Name: "daily"}, Message: "m"},
			`"ts":1764144000123,"resolved":false,"level":"WARNING","target":{"type":"Procedure","id":"daily"},"data":{"type":"ProcedureFailed","data":{"id":"daily","name":"daily"}},"resolved_ts":null}`,
		},
		"server": {
			rinca.Alert{Type: rinca.AlertServerUnreachable, Level: rinca.AlertCritical, Target: rinca.Target{Kind: rinca.KindServer, Name: "nas"}, Message: "no route"},
			`"ts":1764144000123,"resolved":false,"level":"CRITICAL","target":{"type":"Server","id":"nas"},"data":{"type":"ServerUnreachable","data":{"id":"nas","name":"nas","region":null,"err":{"error":"no route","trace":[]}}},"resolved_ts":null}`,
		},
		"server is back": {
			rinca.Alert{Type: rinca.AlertServerUnreachable, Level: rinca.AlertCritical, Target: rinca.Target{Kind: rinca.KindServer, Name: "nas"}, Resolved: true, ResolvedAt: at.Add(time.Second)},
			`"ts":1764144000123,"resolved":true,"level":"OK","target":{"type":"Server","id":"nas"},"data":{"type":"ServerUnreachable","data":{"id":"nas","name":"nas","region":null,"err":null}},"resolved_ts":1764144001123}`,
		},
		"a message": {
			rinca.Alert{Type: rinca.AlertCustom, Level: rinca.AlertOK, Target: rinca.Target{Kind: rinca.KindSystem}, Message: "hello", Once: true},
			`"ts":1764144000123,"resolved":true,"level":"OK","target":{"type":"System","id":"system"},"data":{"type":"Custom","data":{"message":"hello","details":""}},"resolved_ts":1764144000123}`,
		},
		"a scheduled run": {
			rinca.Alert{Type: rinca.AlertScheduleRun, Level: rinca.AlertOK, Target: rinca.Target{Kind: rinca.KindProcedure, Name: "daily"}, Message: "ran", Once: true},
			`"ts":1764144000123,"resolved":true,"level":"OK","target":{"type":"Procedure","id":"daily"},"data":{"type":"ScheduleRun","data":{"resource_type":"Procedure","id":"daily","name":"daily"}},"resolved_ts":1764144000123}`,
		},
		"ours": {
			rinca.Alert{Type: rinca.AlertDeployFailed, Level: rinca.AlertCritical, Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}, Message: "m", Hint: "h", Lines: []string{"l"}, Update: "u", Count: 2},
			`"ts":1764144000123,"resolved":false,"level":"CRITICAL","target":{"type":"Stack","id":"web"},"data":{"type":"StackDeployFailed","data":{"id":"web","name":"web","message":"m","details":"","hint":"h","lines":["l"],"update":"u","count":2}},"resolved_ts":null}`,
		},
	} {
		c.alert.At, c.alert.ID = at, "01m8betp0fa4x4eht177vzzpmy"
		data, err := json.Marshal(komodoAlert(&c.alert))
		if err != nil {
			t.Fatal(err)
		}
		head, rest, _ := strings.Cut(string(data), "},")
		if !strings.HasPrefix(head, `{"_id":`+oid[:14]) || len(head) != len(`{"_id":{"$oid":"`)+24+1 {
			t.Errorf("%s: %s", name, head)
		}
		if diff := cmp.Diff(c.want, rest); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Every kind says what failed, where and what next, in the form of its service.
func TestKindsOfAlerters(t *testing.T) {
	t.Parallel()
	w, e := newWorld(t), newEndpoint(t)
	x := failedDeploy("web", "it <crashes> & @everyone")
	x.Lines, x.Hint = []string{"app | panic: ```", "app | bye"}, "rinca stack logs web"
	for kind, path := range map[string]string{
		rinca.AlerterSlack: "/services/T/B/x", rinca.AlerterDiscord: "/api/webhooks/1/x", rinca.AlerterNtfy: "/topic",
		rinca.AlerterGotify: "/message?token=Agotify", rinca.AlerterPushover: "/1/messages.json?token=tok&user=usr",
	} {
		w.alerter(rinca.Alerter{Name: kind, Kind: kind, Email: map[bool]string{true: "me@example.org"}[kind == rinca.AlerterNtfy]}, e.URL+path)
	}
	w.start()
	w.raise(x)
	got := map[string]message{}
	for _, m := range e.wait(t, 5) {
		got[m.path] = m
	}
	var slack struct{ Text string }
	into(t, got["/services/T/B/x"].body, &slack)
	if want := "*🚨 Stack web: deploy failed*\nit &lt;crashes&gt; &amp; @everyone\nTry: rinca stack logs web\n```\napp | panic: '''\napp | bye\n```"; slack.Text != want {
		t.Errorf("Slack: %q", slack.Text)
	}
	var discord struct {
		Content  string
		Mentions struct{ Parse []string } `json:"allowed_mentions"`
	}
	into(t, got["/api/webhooks/1/x"].body, &discord)
	if !strings.HasPrefix(discord.Content, "**🚨 Stack web: deploy failed**\n") || discord.Mentions.Parse == nil || !strings.HasSuffix(discord.Content, "bye\n```") {
		t.Errorf("Discord: %+v", discord)
	}
	ntfy := got["/topic"]
	title, err := new(mime.WordDecoder).DecodeHeader(ntfy.header.Get("Title"))
	if err != nil || title != "🚨 Stack web: deploy failed" || ntfy.header.Get("Priority") != "5" || ntfy.header.Get("Email") != "me@example.org" || !strings.HasSuffix(ntfy.body, "app | bye") {
		t.Errorf("ntfy: %v %v %s", err, ntfy.header, ntfy.body)
	}
	gotify := got["/message"]
	if gotify.header.Get("X-Gotify-Key") != "Agotify" || !strings.Contains(gotify.body, `"priority":9`) {
		t.Errorf("Gotify: %+v", gotify)
	}
	form, err := url.ParseQuery(got["/1/messages.json"].body)
	if err != nil || form.Get("token") != "tok" || form.Get("user") != "usr" || !strings.Contains(form.Get("message"), "crashes") || form.Get("priority") != "1" {
		t.Errorf("Pushover: %v %+v", err, form)
	}
}

func into(t *testing.T, body string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), v); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
}

// Long alerts fit, and keep the last lines.
func TestLongAlertsFit(t *testing.T) {
	t.Parallel()
	x := failedDeploy(strings.Repeat("s", 100), strings.Repeat("m", 3000))
	x.Details = strings.Repeat("é", 8000)
	for i := range 30 {
		x.Lines = append(x.Lines, fmt.Sprintf("%s%d", strings.Repeat("l", 400), i))
	}
	if text := textOf(&x, 3900); len(text) > 3900 {
		t.Errorf("%d bytes", len(text))
	}
	data, _ := json.Marshal(discordMessage(&x))
	var discord struct{ Content string }
	into(t, string(data), &discord)
	if n := len(discord.Content); n > 2000 || !strings.Contains(discord.Content, "l29\n```") {
		t.Errorf("Discord: %d bytes, which end with %q", n, discord.Content[n-30:])
	}
	x.Message, x.Details = "short", ""
	if text := textOf(&x, 1000); !strings.HasSuffix(text, "l29") || !strings.HasPrefix(text, "short\n") || len(text) > 1000 {
		t.Errorf("%q", text)
	}
}

// The library sends what it is for: here a generic webhook, an ntfy server
// that answers with nothing, and a mail.
func TestLibrary(t *testing.T) {
	t.Parallel()
	w, e, mail := newWorld(t), newEndpoint(t), newMailServer(t)
	host := strings.TrimPrefix(e.URL, "http://")
	w.alerter(rinca.Alerter{Name: "generic", Kind: rinca.AlerterShoutrrr}, "generic+"+e.URL+"/hook")
	w.alerter(rinca.Alerter{Name: "ntfy", Kind: rinca.AlerterNtfy}, "ntfy://"+host+"/topic?scheme=http")
	w.alerter(rinca.Alerter{Name: "mail", Kind: rinca.AlerterSMTP}, "smtp://"+mail.addr+"/?from=rinca@example.org&to=you@example.org,me@example.org&starttls=no")
	w.start()
	x := failedDeploy("web", "müde\n.\nSubject: injected")
	x.Details = ".\nline that begins with a point"
	w.raise(x)
	eventually(t, "everything to be sent", func() bool {
		all, _ := w.Sendings(t.Context(), "", "", 0)
		n := 0
		for _, s := range all {
			if s.Error != "" {
				t.Errorf("%s: %s", s.Alerter, s.Error)
			}
			if !s.SentAt.IsZero() {
				n++
			}
		}
		return n == 3 || t.Failed()
	})
	if n := len(e.messages()); n != 2 {
		t.Errorf("%d messages came", n)
	}
	mails := mail.got()
	if len(mails) != 2 {
		t.Fatalf("%d mails", len(mails))
	}
	for _, m := range mails {
		head, body, _ := strings.Cut(m, "\n\n")
		if strings.Count(head, "Subject:") != 1 || !strings.Contains(head, "=?utf-8?q?") || strings.Contains(head, "injected") || !strings.Contains(body, "müde . Subject: injected") {
			t.Errorf("mail:\n%s", m)
		}
	}
}

// A mailServer is an SMTP server that keeps what it takes.
type mailServer struct {
	addr  string
	mu    sync.Mutex
	mails []string
}

func (m *mailServer) got() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.mails...)
}

func newMailServer(t testing.TB) *mailServer {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m := &mailServer{addr: l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go m.talk(c)
		}
	}()
	return m
}

func (m *mailServer) talk(c net.Conn) {
	defer c.Close()
	in := bufio.NewScanner(c)
	say := func(text string) { fmt.Fprintf(c, "%s\r\n", text) }
	say("220 mail.example.org")
	for in.Scan() {
		switch verb, _, _ := strings.Cut(strings.ToUpper(in.Text()), " "); verb {
		case "EHLO", "HELO", "RCPT", "MAIL", "MAIL FROM:", "RSET", "NOOP":
			say("250 ok")
		case "DATA":
			say("354 go on")
			var lines []string
			for in.Scan() && in.Text() != "." {
				lines = append(lines, strings.TrimPrefix(in.Text(), "."))
			}
			m.mu.Lock()
			m.mails = append(m.mails, strings.Join(lines, "\n"))
			m.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("500 what")
		}
	}
}

func TestAddressWithVariables(t *testing.T) {
	t.Parallel()
	w, e := newWorld(t), newEndpoint(t)
	asked := ""
	w.alerter(rinca.Alerter{Name: "ops", Kind: rinca.AlerterCustom}, "[[BASE]]/hook")
	err := w.Test(t.Context(), "ops") // nothing fills it in
	if err == nil || strings.Contains(err.Error(), "BASE") {
		t.Errorf("%v", err)
	}
	w.Fill = fillWith(&asked, e.URL+"/filled")
	if err := w.Test(t.Context(), "ops"); err != nil || asked != "[[BASE]]/hook" || e.messages()[0].path != "/filled" {
		t.Errorf("%v, asked for %q", err, asked)
	}
}

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, address string
		ok            bool
	}{
		{rinca.AlerterSlack, "https://hooks.slack.com/services/T000/B000/XXX", true},
		{rinca.AlerterSlack, "slack://hook:T00000000-B00000000-124232@webhook", true},
		{rinca.AlerterDiscord, "https://discord.com/api/webhooks/1/abc", true},
		{rinca.AlerterDiscord, "https://discordapp.com/api/webhooks/[[ID]]/[[TOKEN]]", true},
		{rinca.AlerterCustom, "https://[[HOST]]/x", true},
		{rinca.AlerterCustom, "[[URL]]", true},
		{rinca.AlerterCustom, "http://10.0.0.2:7000/alert", true},
		{rinca.AlerterShoutrrr, "telegram://1:x@telegram?chats=1", true},
		{rinca.AlerterShoutrrr, "generic+https://example.org/x", true},
		{rinca.AlerterSMTP, "smtp://u:p@mail.example.org:587/?from=a@b.c&to=d@e.f", true},
		{rinca.AlerterSMTP, "https://mail.example.org", false},
		{rinca.AlerterShoutrrr, "logger://", false}, // prints
		{rinca.AlerterShoutrrr, "https://example.org", false},
		{rinca.AlerterShoutrrr, "nothing://example.org", false},
		{rinca.AlerterCustom, "smtp://example.org", false},
		{rinca.AlerterCustom, "file:///etc/passwd", false},
		{rinca.AlerterCustom, "https://", false},
		{rinca.AlerterCustom, "https:opaque", false},
		{rinca.AlerterCustom, "not a url", false},
		{rinca.AlerterCustom, "https://exa mple.org/\n", false},
		{rinca.AlerterCustom, "", false},
		{rinca.AlerterCustom, "https://e.org/" + strings.Repeat("x", 5000), false},
	} {
		err := CheckAddress(c.kind, rinca.NewSecret(c.address))
		if (err == nil) != c.ok {
			t.Errorf("%s %q: %v", c.kind, c.address, err)
		}
		if err != nil && (rinca.CodeOf(err) != rinca.Invalid || rinca.HintOf(err) == "" || len(c.address) > 12 && strings.Contains(err.Error(), c.address)) {
			t.Errorf("%s %q: %v (%s)", c.kind, c.address, err, rinca.HintOf(err))
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"https://h/x?y=z", "slack://hook:a-b-c@webhook", "[[A]]/x", "smtp://u:p@h:1/?from=a&to=b", "generic+https://h", "http://[::1]:1/%zz", "\x00://", "https://u:pass@h/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range rinca.AlerterKinds() {
			to, err := parseAddress(kind, rinca.NewSecret(text))
			if err != nil {
				if rinca.CodeOf(err) != rinca.Invalid || len(text) > 40 && strings.Contains(err.Error(), text) {
					t.Errorf("%s %q: %v", kind, text, err)
				}
				continue
			}
			if said := to.hide("failed: " + text + " said no"); len(to.text) >= 4 && strings.Contains(said, to.text) {
				t.Errorf("%q is in %q", to.text, said)
			}
			a := rinca.Alerter{Name: "x", Kind: kind}
			x := failedDeploy("web", "m")
			if !to.library {
				_, _ = request(t.Context(), &a, to, &x) // it does not panic
			}
		}
	})
}

// An endpoint that answers without an end holds nothing up and fills nothing.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	e := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	defer e.Close()
	w := newWorld(t)
	w.alerter(rinca.Alerter{Name: "ops", Kind: rinca.AlerterCustom}, e.URL)
	if err := w.Test(t.Context(), "ops"); err == nil || len(err.Error()) > 400 {
		t.Errorf("%v", err)
	}
}
