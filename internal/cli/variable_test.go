package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const password = `{"name":"DB_PASSWORD","stack":"wiki","secret":true,"version":3,"updated_at":"2026-11-23T08:00:00Z","updated_by":"anna","used_by":["wiki"]}`

func TestVariableSet(t *testing.T) {
	file := filepath.Join(t.TempDir(), "v")
	if err := os.WriteFile(file, []byte("canary two\nlines\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		stdin  string
		args   []string
		status int
		want   string // the request, or a part of the error
	}{
		"stdin":          {"canary\n", []string{"A"}, 0, `PUT /v1/variables/A {"value":"canary"}`},
		"file":           {"", []string{"A", "--value-file", file, "--secret", "--stack", "wiki"}, 0, `PUT /v1/variables/A?stack=wiki {"value":"canary two\nlines","secret":true}`},
		"reference":      {"", []string{"A", "--from", "op://v/i/f"}, 0, `PUT /v1/variables/A {"from":"op://v/i/f"}`},
		"keep":           {"", []string{"A", "--keep", "--description", "d", "--secret=false"}, 0, `PUT /v1/variables/A {"secret":false,"description":"d"}`},
		"empty":          {"", []string{"A", "--empty"}, 0, `PUT /v1/variables/A {"value":""}`},
		"no value":       {"", []string{"A"}, 64, "no value was given"},
		"an argument":    {"", []string{"A", "canary"}, 64, "not given as an argument"},
		"an assignment":  {"", []string{"A=canary"}, 64, "not given as an argument"},
		"nothing kept":   {"", []string{"A", "--keep"}, 64, "nothing else is given"},
		"a bad name":     {"x", []string{"a-b"}, 64, "no name for a variable"},
		"a bad place":    {"", []string{"A", "--from", "op://x"}, 1, "op://"},
		"two values":     {"", []string{"A", "--from", "op://v/i/f", "--value-file", file}, 64, "none of the others can be"},
		"a missing file": {"", []string{"A", "--value-file", "/does/not/exist"}, 4, "no such file"},
		"too large":      {strings.Repeat("x", 1<<20+1), []string{"A"}, 1, "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlane(t, map[string]string{"PUT /v1/variables/A": password})
			r := p.rinca(c.stdin, append([]string{"variable", "set"}, c.args...)...)
			if r.Status != c.status || !strings.Contains(strings.Join(p.changes(), "")+r.Err, c.want) {
				t.Errorf("%+v, sent %q", r, p.changes())
			}
			if strings.Contains(r.Out+r.Err, "canary") {
				t.Errorf("the value was printed: %+v", r)
			}
			if c.status == 0 && r.Out != "Set DB_PASSWORD for the stack wiki, version 3. It is used by wiki: deploy to give it to them.\n" {
				t.Errorf("%q", r.Out)
			}
		})
	}
}

func TestVariableThatIsNotMasked(t *testing.T) {
	p := newPlane(t, map[string]string{"PUT /v1/variables/A": `{"name":"A","secret":true,"version":1}`, "PUT /v1/variables/B": `{"name":"B","version":1}`})
	const want = "Warning: the value of A is shorter than 4 bytes, so it is not masked in logs; choose a longer value\n"
	equal(t, result{"Set A, version 1.\n", want, 0}, p.rinca("abc\n", "variable", "set", "A", "--secret"))
	equal(t, "", p.rinca("Xk3vQz9pLw7TnB5m\n", "variable", "set", "A", "--secret").Err)
	equal(t, "", p.rinca("", "variable", "set", "A", "--secret", "--empty").Err)
	equal(t, "", p.rinca("abc", "variable", "set", "B").Err)
}

func TestVariableGet(t *testing.T) {
	p := newPlane(t, map[string]string{
		"GET /v1/variables/DB_PASSWORD?stack=wiki": password, "GET /v1/variables/DB_PASSWORD/value?stack=wiki": `{"value":"canary"}`,
		"GET /v1/variables/D": `{"name":"D","version":1}`, "GET /v1/variables/D/value": `{"value":"example.org"}`,
		"GET /v1/variables/R": `{"name":"R","from":"op://v/i/f"}`,
	})
	equal(t, result{"example.org\n", "", 0}, p.rinca("", "variable", "get", "D"))
	equal(t, "example.org", p.rinca("", "variable", "get", "D", "-n").Out)
	equal(t, result{"", "Error: the variable DB_PASSWORD is secret\nTry: --reveal, if you may see its value\n", 64}, p.rinca("", "variable", "get", "DB_PASSWORD", "--stack", "wiki"))
	equal(t, result{"canary\n", "", 0}, p.rinca("", "variable", "get", "DB_PASSWORD", "--stack", "wiki", "--reveal"))
	equal(t, 64, p.rinca("", "variable", "get", "R").Status)
	equal(t, 4, p.rinca("", "variable", "get", "NOSUCH").Status)
}

func TestVariableListHistoryDelete(t *testing.T) {
	p := newPlane(t, map[string]string{
		"GET /v1/variables":                        "[" + password + `,{"name":"D","version":1,"description":"where it is","updated_at":"2026-11-23T08:00:00Z"},{"name":"R","from":"op://v/i/f"}]`,
		"GET /v1/variables/DB_PASSWORD/versions":   `[{"version":2,"updated_at":"2026-11-23T08:00:00Z","updated_by":"anna","secret":true,"digest":"1f2e"}]`,
		"GET /v1/variables/DB_PASSWORD?stack=wiki": password, "DELETE /v1/variables/DB_PASSWORD": "204 ",
	})
	rows := strings.Split(p.rinca("", "variable", "list").Out, "\n")
	for i, want := range [][]string{{"NAME", "STACK", "KIND"}, {"DB_PASSWORD", "wiki", "secret", "3", " wiki "}, {"D ", "-", "plain", "where it is"}, {"R ", "reference", "never", "op://v/i/f"}} {
		at := 0
		for _, w := range want {
			n := strings.Index(rows[i][at:], w)
			if n < 0 {
				t.Errorf("%q has no %q", rows[i], w)
				break
			}
			at += n
		}
	}
	equal(t, "VERSION  WHEN              WHO   KIND    DIGEST  REFERENCE\n2        2026-11-23 08:00  anna  secret  1f2e    -\n", p.rinca("", "variable", "history", "DB_PASSWORD").Out)
	r := p.rinca("", "variable", "delete", "DB_PASSWORD", "--stack", "wiki")
	if r.Status != 64 || !strings.Contains(r.Err, "wiki cannot be deployed without") || len(p.changes()) > 0 {
		t.Errorf("%+v", r)
	}
	equal(t, 0, p.rinca("", "variable", "delete", "DB_PASSWORD", "--stack", "wiki", "--yes").Status)
	equal(t, []string{"DELETE /v1/variables/DB_PASSWORD?stack=wiki"}, p.changes())
}

const pemKey = "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----\n"

func TestServers(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, hosts := write("key", pemKey), write("hosts", "nas ssh-ed25519 AAAA\n")
	const nas = `{"name":"nas","address":"ssh://d@nas","known_hosts":"nas ssh-ed25519 AAAA\n","state":{"reachable":true,"version":"28.1","api_version":"1.49","since":"2026-11-23T08:00:00Z","checked_at":"2026-11-23T08:00:00Z"}}`
	p := newPlane(t, map[string]string{"POST /v1/servers": "201 " + nas, "GET /v1/servers/nas": nas, "PUT /v1/servers/nas": nas, "GET /v1/servers": "[" + nas + "]", "DELETE /v1/servers/nas": "204 ", "POST /v1/servers/nas/check": `{"reachable":true,"version":"28.2","checked_at":"2026-11-23T08:00:00Z"}`})
	equal(t, result{"Added the server nas. Docker 28.2 answers.\n", "", 0}, p.rinca("", "server", "add", "nas", "ssh://d@nas", "--ssh-key", key, "--known-hosts", hosts))
	equal(t, 0, p.rinca(pemKey, "server", "set", "nas", "--ssh-key", "-").Status)
	equal(t, 0, p.rinca("", "server", "set", "nas", "--address", "ssh://e@nas").Status)
	equal(t, 0, p.rinca("", "server", "remove", "nas").Status)
	const kept = `"known_hosts":"nas ssh-ed25519 AAAA\n"}`
	const sent = `"ssh_key":"-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----\n",`
	equal(t, []string{
		`POST /v1/servers {"name":"nas","address":"ssh://d@nas",` + sent + kept, "POST /v1/servers/nas/check",
		`PUT /v1/servers/nas {"address":"ssh://d@nas",` + sent + kept, "POST /v1/servers/nas/check",
		`PUT /v1/servers/nas {"address":"ssh://e@nas",` + kept, "POST /v1/servers/nas/check",
		`DELETE /v1/servers/nas`,
	}, p.changes())
	if out := p.rinca("", "server", "list").Out; !strings.Contains(out, "nas   reachable") || !strings.Contains(out, "28.1") {
		t.Error(out)
	}
	if out := p.rinca("", "server", "show", "nas").Out; !strings.Contains(out, "28.1 (API 1.49)") {
		t.Error(out)
	}
	equal(t, 64, p.rinca("", "server", "add", "nas", "ssh://d@nas", "--ssh-key", key).Status)
	r := p.rinca("", "server", "add", "nas", "tcp://nas:2376", "--key", hosts)
	if r.Status != 64 || strings.Contains(r.Err, "AAAA") {
		t.Errorf("%+v", r)
	}
}

func TestGitAccounts(t *testing.T) {
	const gh = `{"name":"gh","host":"github.com","username":"me","has_token":true}`
	p := newPlane(t, map[string]string{"PUT /v1/git-accounts/gh": gh, "GET /v1/git-accounts": "[" + gh + "]", "DELETE /v1/git-accounts/gh": "204 "})
	equal(t, result{"Added the account gh for github.com.\n", "", 0}, p.rinca("canary\n", "git", "account", "add", "gh", "--host", "github.com"))
	equal(t, []string{`PUT /v1/git-accounts/gh {"host":"github.com","token":"canary"}`}, p.changes())
	if out := p.rinca("", "git", "account", "list").Out; !strings.Contains(out, "gh    github.com  token") {
		t.Error(out)
	}
	equal(t, 64, p.rinca("", "git", "account", "add", "gh", "--host", "github.com").Status)
	equal(t, 64, p.rinca("x", "git", "account", "add", "gh").Status)
	equal(t, 64, p.rinca(pemKey, "git", "account", "add", "gh", "--host", "h", "--key", "-").Status)
	p.answers["PUT /v1/git-accounts/gh"] = `409 {"error":{"code":"conflict","message":"there"}}`
	equal(t, "Error: there is an account gh already\nTry: rinca git account set gh\n", p.rinca("x", "git", "account", "add", "gh", "--host", "github.com").Err)
	p.answers["PUT /v1/git-accounts/gh"], p.answers["GET /v1/git-accounts/gh"] = gh, gh
	// The credential must not follow to another host.
	equal(t, 64, p.rinca("", "git", "account", "set", "gh", "--host", "evil.example").Status)
	equal(t, 0, p.rinca("", "git", "account", "set", "gh", "--username", "you").Status)
	equal(t, 0, p.rinca("new", "git", "account", "set", "gh", "--host", "gitlab.com", "--token-file", "-").Status)
	equal(t, 0, p.rinca("", "git", "account", "remove", "gh").Status)
	equal(t, []string{
		`PUT /v1/git-accounts/gh {"host":"github.com","username":"you"}`,
		`PUT /v1/git-accounts/gh {"host":"gitlab.com","username":"me","token":"new"}`,
		`DELETE /v1/git-accounts/gh`,
	}, p.changes()[2:])
}

func TestTokenSet(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "op-token"), []byte("ops_canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPlane(t, map[string]string{"PUT /v1/vault/token": `{"provider":"sdk","has_token":true,"vaults":["homelab"]}`, "GET /v1/vault": `{"provider":"sdk","has_token":true,"requests":3,"budget":200}`})
	equal(t, result{"The server keeps the token, sealed. It works; visible vaults: homelab.\n", "", 0}, p.rinca(" ops_canary \n", "token", "set"))
	environ := []string{"RINCA_HOST=" + p.url, "CREDENTIALS_DIRECTORY=" + dir}
	equal(t, 0, runWith(t, environ, "", "token", "set", "--from-credential", "op-token", "--untested").Status)
	equal(t, 0, p.rinca("eyJcanary", "token", "set", "--connect", "--host", "http://c:8080").Status)
	equal(t, []string{
		`PUT /v1/vault/token {"token":"ops_canary","kind":"service-account"}`,
		`PUT /v1/vault/token {"token":"ops_canary","kind":"service-account","untested":true}`,
		`PUT /v1/vault/token {"token":"eyJcanary","kind":"connect","host":"http://c:8080"}`,
	}, p.changes())
	equal(t, "Provider sdk\nToken    set\nRequests 3 of 200\n", p.rinca("", "token", "show").Out)
	for _, args := range [][]string{{"--connect"}, {"--from-credential", "x"}, {"--from-secret", "../x"}, {}} {
		if r := p.rinca("", append([]string{"token", "set"}, args...)...); r.Status != 64 {
			t.Errorf("%v: %+v", args, r)
		}
	}
	equal(t, 64, runWith(t, environ, "", "token", "set", "--from-credential", "../op-token").Status)
	equal(t, 4, runWith(t, environ, "", "token", "set", "--from-credential", "nosuch").Status)
}
