package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// drifting reads its values in each way that can drift.
const drifting = `
services:
  app:
    image: IMAGE
    stop_grace_period: 1s
    env_file: [LAB/secrets/NAME/NAME.env]
  web:
    image: IMAGE
    stop_grace_period: 1s
    environment: {KEY: "[[WEB_KEY]]", SAID: plainly}
    secrets: [token]
    configs: [{source: conf, target: /etc/app.conf}]
secrets:
  token: {environment: TOKEN}
configs:
  conf: {file: LAB/secrets/NAME/other.env}
`

func newDrifting(t *testing.T, l *lab, name string, flags ...string) *stack {
	t.Helper()
	l.item(name, name+".env", map[string]string{"PASSWORD": "canary-drift-one", "SAME": "canary-drift-same"})
	l.item(name, "other.env", map[string]string{"OTHER": "canary-drift-other"})
	l.item(name, "idle.env", map[string]string{"IDLE": "canary-drift-idle"})
	l.variable("WEB_KEY", "canary-drift-web", "--secret")
	l.variable("TOKEN_VALUE", "canary-drift-token", "--secret")
	l.write("environment", "TOKEN = [[TOKEN_VALUE]]\n")
	return l.newStack(t, name, map[string]string{"compose.yaml": strings.ReplaceAll(drifting, "NAME", name)},
		append([]string{"--environment-file", l.path("environment")}, flags...)...)
}

// drift runs rinca drift, which must end with a status, and returns what it
// found of the stack, by "service key".
func (s *stack) drift(code int, flags ...string) (rinca.DriftReport, map[string]rinca.DriftKey) {
	s.t.Helper()
	r := s.rinca(append([]string{"drift", s.name, "--json"}, flags...)...)
	if r.code != code {
		s.t.Errorf("want exit status %d\n%s", code, r)
	}
	if strings.Contains(r.out+r.err, "canary-drift") {
		s.t.Errorf("a value is shown:\n%s", r)
	}
	var report rinca.DriftReport
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || len(report.Stacks) != 1 {
		s.t.Fatalf("%v\n%s", err, r)
	}
	keys := map[string]rinca.DriftKey{}
	for _, k := range report.Stacks[0].Keys {
		keys[strings.TrimSpace(k.Service+" "+k.Key)] = k
	}
	return report, keys
}

// check runs CheckDrift, which must succeed.
func (s *stack) check() rinca.Update {
	s.t.Helper()
	u := s.ended(s.submit("CheckDrift", nil).ID)
	if u.State != rinca.Succeeded {
		s.t.Fatalf("the check %s: %+v", u.State, u.Error)
	}
	return u
}

// alert returns the newest alert of a type.
func (l *lab) alert(kind string) rinca.Alert {
	l.t.Helper()
	var list []rinca.Alert
	l.api("GET", "/v1/alerts", nil, &list)
	for _, a := range list {
		if a.Type == kind {
			return a
		}
	}
	l.t.Fatalf("there is no alert %s: %+v", kind, list)
	return rinca.Alert{}
}

// wantDrift says which values are in other states than proven.
func wantDrift(t *testing.T, keys map[string]rinca.DriftKey, want ...string) {
	t.Helper()
	var got []string
	for name, k := range keys {
		if k.State != rinca.DriftProven {
			got = append(got, name+" "+string(k.State))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("drift: %q\nwant: %q\n%+v", got, want, keys)
	}
}

// Each value is proven until somebody changes it in one of the three places;
// what is told is repaired by one command.
func TestDrift(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := newDrifting(t, l, "drifting")
	_, keys := s.drift(0)
	if len(keys) != 0 {
		t.Errorf("before the first deploy: %+v", keys)
	}
	s.deploy()
	for _, flags := range [][]string{nil, {"--deep"}} {
		report, keys := s.drift(0, flags...)
		wantDrift(t, keys)
		for _, name := range []string{"app PASSWORD", "app SAME", "web KEY", "web token", "web conf", "idle.env"} {
			if _, ok := keys[name]; !ok {
				t.Errorf("%v: nothing is said of %s", flags, name)
			}
		}
		if report.Requests > 1 {
			t.Errorf("%v: %d requests to the vault", flags, report.Requests)
		}
	}

	t.Run("vault", func(t *testing.T) {
		s := s.again(t)
		s.item(s.name, s.name+".env", map[string]string{"PASSWORD": "canary-drift-two"})
		_, keys := s.drift(2)
		wantDrift(t, keys, "app PASSWORD stale")
		if k := keys["app PASSWORD"]; k.Since.IsZero() || k.Mend != "export" {
			t.Errorf("%+v", k)
		}
		s.must("export", s.name) // the file is new, and the container is not
		_, keys = s.drift(2)
		wantDrift(t, keys, "app PASSWORD stale")
		if k := keys["app PASSWORD"]; k.Mend != "deploy" || k.Container == "" {
			t.Errorf("%+v", k)
		}
		s.variable("WEB_KEY", "canary-drift-web-two", "--secret")
		s.variable("TOKEN_VALUE", "canary-drift-token-two", "--secret")
		_, keys = s.drift(2, "--deep")
		wantDrift(t, keys, "app PASSWORD stale", "web KEY stale", "web token stale", "web WEB_KEY stale", "web TOKEN_VALUE stale")
		before := s.containers()
		s.must("drift", s.name, "--repair")
		if got := moved(before, s.containers()); !slices.Equal(got, []string{"app", "web"}) {
			t.Errorf("moved: %v", got)
		}
		_, keys = s.drift(0, "--deep")
		wantDrift(t, keys)
	})

	t.Run("file", func(t *testing.T) {
		s := s.again(t)
		path := s.path("secrets", s.name, s.name+".env")
		s.overwrite(path, strings.Replace(s.read(path), "canary-drift-two", "canary-drift-hand", 1))
		_, keys := s.drift(2)
		wantDrift(t, keys, "app PASSWORD edited")
		s.overwrite(s.path("secrets", s.name, "idle.env"), "")
		s.overwrite(s.path("secrets", s.name, "other.env"), "OTHER=canary-drift-hand\n")
		_, keys = s.drift(2)
		wantDrift(t, keys, "app PASSWORD edited", "web conf edited", "idle.env edited")
		if u := s.check(); !strings.Contains(u.Summary, "3 edited by hand") {
			t.Errorf("summary of a check: %q", u.Summary)
		}
		if a := s.alert(rinca.AlertDrift); a.Resolved || a.Target.Name != s.name || len(a.Lines) != 3 {
			t.Errorf("the alert: %+v", a)
		}
		s.must("drift", "--repair")
		_, keys = s.drift(0)
		wantDrift(t, keys)
		if a := s.alert(rinca.AlertDrift); !a.Resolved {
			t.Errorf("the alert after the repair: %+v", a)
		}
	})

	t.Run("ages", func(t *testing.T) {
		s := s.again(t)
		out := s.must("secret", "list")
		for _, want := range []string{s.name + ".env", "idle.env", "no service reads it", "WEB_KEY"} {
			if !strings.Contains(out, want) {
				t.Errorf("it does not say %q:\n%s", want, out)
			}
		}
		s.must("secret", "list", "--overdue")
		s.must("secret", "policy", "set", "--max-age", "1s", "--item", "idle.*")
		s.wait("a secret to be overdue", func() bool { return s.rinca("secret", "list", "--overdue").code == 2 })
		s.check()
		if a := s.alert(rinca.AlertSecretOverdue); a.Resolved || !strings.Contains(a.Message, "idle.env") {
			t.Errorf("the alert: %+v", a)
		}
		s.must("secret", "policy", "delete", "--item", "idle.*")
		s.check()
		if a := s.alert(rinca.AlertSecretOverdue); !a.Resolved {
			t.Errorf("the alert after the policy has gone: %+v", a)
		}
		if out := s.must("provider", "--server"); !strings.Contains(out, "embedded: ") || !strings.Contains(out, "the account") {
			t.Errorf("%s", out)
		}
	})

	t.Run("container", func(t *testing.T) {
		s := s.again(t)
		s.replaceContainer("web", func(env []string) []string {
			return append(slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, "KEY=") }), "KEY=canary-drift-hand", "MORE=canary-drift-more")
		})
		_, keys := s.drift(0) // its labels say that all is well
		wantDrift(t, keys)
		_, keys = s.drift(2, "--deep")
		wantDrift(t, keys, "web KEY edited", "web MORE edited", "web token edited")
		s.must("drift", "--deep", "--repair")
		_, keys = s.drift(0, "--deep")
		wantDrift(t, keys)
	})

	t.Run("used by", func(t *testing.T) {
		s := s.again(t)
		out := s.must("secret", "used-by", s.name+".env")
		for _, want := range []string{s.name + ".env", "stack " + s.name, "service app", s.project + "-app-1"} {
			if !strings.Contains(out, want) {
				t.Errorf("it does not say %q:\n%s", want, out)
			}
		}
		if out := s.must("secret", "used-by", "WEB_KEY"); !strings.Contains(out, "service web") || strings.Contains(out, "service app") {
			t.Errorf("of a variable:\n%s", out)
		}
		s.fails(4, []string{"nothing"}, "secret", "used-by", "op://homelab/nosuch.env")
	})

	t.Run("server down", func(t *testing.T) {
		s := s.again(t)
		s.must("server", "add", "local", "unix:///nosuch/docker.sock")
		report, keys := s.drift(1)
		if st := report.Stacks[0]; st.State != rinca.DriftUnknown || st.Why == "" || report.Counts[rinca.DriftUnknown] == 0 {
			t.Errorf("%+v", st)
		}
		_ = keys
	})
}

// overwrite changes a file in place, as an editor would.
func (l *lab) overwrite(path, text string) {
	l.t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err == nil {
		_, err = f.WriteString(text)
		f.Close()
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// replaceContainer makes the container of a service anew, with its labels and
// another environment: what a person does with docker run.
func (s *stack) replaceContainer(service string, change func([]string) []string) {
	s.t.Helper()
	var full struct {
		ID         string `json:"Id"`
		Name       string
		Config     map[string]any
		HostConfig map[string]any
	}
	s.ofEngine("GET", "/containers/"+s.containers()[service].ID+"/json", &full)
	var env []string
	for _, e := range full.Config["Env"].([]any) {
		env = append(env, e.(string))
	}
	full.Config["Env"], full.Config["HostConfig"] = change(env), full.HostConfig
	s.ofEngine("DELETE", "/containers/"+full.ID+"?force=1", nil)
	body, err := json.Marshal(full.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	var made struct {
		ID string `json:"Id"`
	}
	s.postEngine("/containers/create?name="+url.QueryEscape(strings.TrimPrefix(full.Name, "/")), body, &made)
	s.postEngine("/containers/"+made.ID+"/start", nil, nil)
}

func (s *stack) postEngine(path string, body []byte, out any) {
	s.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.engine.Socket)
	}}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://engine"+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		s.t.Fatalf("%s: %v %s", path, err, data)
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			s.t.Fatal(err)
		}
	}
}
