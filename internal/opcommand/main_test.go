package opcommand_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/connectapi"
	"rinca/internal/opcommand"
	"rinca/internal/rinca"
	"rinca/internal/vault/connect"
	"rinca/internal/vault/embedded"
)

// A desk is a vault named homelab, and op to work on it with.
type desk struct {
	t        *testing.T
	db       *embedded.DB
	provider rinca.Provider
	environ  []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	cfg := embedded.Config{Dir: filepath.Join(t.TempDir(), "home")}
	if err := embedded.Init(t.Context(), cfg, rinca.Secret{}); err != nil {
		t.Fatal(err)
	}
	db, err := embedded.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.CreateVault(t.Context(), "homelab", "what runs at home"); err != nil {
		t.Fatal(err)
	}
	return &desk{t: t, db: db, provider: db}
}

// newConnectDesk is the same vault behind a Connect server.
func newConnectDesk(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	vaults, err := d.db.Vaults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := connectapi.NewToken(t.Context(), d.db, embedded.Token{Name: "t", Vaults: map[string]embedded.Right{vaults[0].ID: {Read: true, Write: true}}})
	if err != nil {
		t.Fatal(err)
	}
	api := connectapi.New(connectapi.Config{DB: d.db})
	t.Cleanup(api.Close)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	d.provider = connectTo(t, server.URL, token)
	return d
}

func connectTo(t *testing.T, url string, token rinca.Secret) rinca.Provider {
	t.Helper()
	p, err := connect.New(connect.Config{Host: url, Token: token, Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run runs op and returns what it prints.
func (d *desk) run(stdin string, args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	env := opcommand.Env{
		Args: args, Environ: d.environ, Stdout: &out, Stderr: &errs, Account: "the desk",
		Open: func(context.Context) (rinca.Provider, func(), error) { return d.provider, func() {}, nil },
	}
	if stdin != "" {
		env.Stdin = strings.NewReader(stdin)
	}
	status = opcommand.Main(d.t.Context(), env)
	return out.String(), errs.String(), status
}

// op runs a command that must succeed: with nothing on standard error.
func (d *desk) op(args ...string) string {
	d.t.Helper()
	return d.pipe("", args...)
}

func (d *desk) pipe(stdin string, args ...string) string {
	d.t.Helper()
	out, errs, status := d.run(stdin, args...)
	if status != 0 || errs != "" {
		d.t.Fatalf("op %s: status %d, %s", strings.Join(args, " "), status, errs)
	}
	return out
}

var errorLine = regexp.MustCompile(`^\[ERROR\] \d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2} `)

// fails runs a command that must fail, with nothing on standard output, and
// returns the message.
func (d *desk) fails(status int, stdin string, args ...string) string {
	d.t.Helper()
	out, errs, got := d.run(stdin, args...)
	if got != status || out != "" || !errorLine.MatchString(errs) {
		d.t.Fatalf("op %s: status %d, want %d; printed %q and %q", strings.Join(args, " "), got, status, out, errs)
	}
	return strings.TrimSuffix(errorLine.ReplaceAllString(errs, ""), "\n")
}

func (d *desk) item(text string) map[string]any {
	d.t.Helper()
	var it map[string]any
	if err := json.Unmarshal([]byte(text), &it); err != nil {
		d.t.Fatalf("%v in %s", err, text)
	}
	return it
}

// variables are the labels and values of the fields that have one.
func variables(it map[string]any) map[string]string {
	out := map[string]string{}
	fields, _ := it["fields"].([]any)
	for _, f := range fields {
		f := f.(map[string]any)
		name, _ := f["label"].(string)
		if s, ok := f["section"].(map[string]any); ok {
			name = fmt.Sprint(s["label"]) + "." + name
		}
		if v, ok := f["value"].(string); ok {
			out[name] = v
		}
	}
	return out
}

// TestEveryProvider: the commands do the same on the embedded vault and on a
// Connect server; an edit of many things is one write.
func TestEveryProvider(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *desk{"embedded": newDesk, "connect": newConnectDesk} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			content := func() int64 {
				vaults, err := d.db.Vaults(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return vaults[0].ContentVersion
			}
			before := content()
			made := d.item(d.op("item", "create", "--category", "secure note", "--title", "db.env", "--vault", "homelab", "--tags", "stack:web,db",
				"USER[text]=pg", "PASSWORD=a=b\\c", "conn.HOST[text]=db.local", "EMPTY=", "--format", "json"))
			if diff := cmp.Diff(map[string]string{"USER": "pg", "PASSWORD": `a=b\c`, "conn.HOST": "db.local"}, variables(made)); diff != "" || made["version"] != 1.0 {
				t.Errorf("version %v %s", made["version"], diff)
			}
			edited := d.item(d.op("--format", "json", "item", "edit", "db.env", "USER=root", "PASSWORD[delete]", "conn.HOST[delete]", "NEW=1", "--title", "pg.env", "--tags", "stack:web"))
			if diff := cmp.Diff(map[string]string{"USER": "root", "NEW": "1"}, variables(edited)); diff != "" || edited["version"] != 2.0 {
				t.Errorf("version %v %s", edited["version"], diff)
			}
			if edited["sections"] != nil {
				t.Errorf("an empty section stays: %v", edited["sections"])
			}
			if got := content() - before; got != 2 {
				t.Errorf("a create and an edit are %d writes", got)
			}
			got := d.op("item", "get", "PG.ENV", "--vault", "HOMELAB", "--format=json")
			if diff := cmp.Diff(edited, d.item(got)); diff != "" {
				t.Error(diff)
			}
			if out := d.pipe(d.op("item", "list", "--tags", "stack:web", "--format", "json"), "item", "get", "-", "--format", "json"); out != got {
				t.Errorf("in bulk: %s", out)
			}
			if out := d.op("read", "op://homelab/pg.env/USER"); out != "root\n" {
				t.Errorf("read %q", out)
			}
			if out := d.pipe("u={{ op://homelab/pg.env/USER }}\n", "inject"); out != "u=root\n" {
				t.Errorf("inject %q", out)
			}
			replaced := d.item(d.pipe(`{"title":"pg.env","tags":["stack:web"],"fields":[{"type":"concealed","label":"ONLY","value":7}]}`, "item", "edit", "pg.env", "--format", "json"))
			if diff := cmp.Diff(map[string]string{"ONLY": "7"}, variables(replaced)); diff != "" || replaced["version"] != 3.0 {
				t.Errorf("version %v %s", replaced["version"], diff)
			}
			if out := d.op("item", "delete", "pg.env"); out != "" {
				t.Errorf("delete prints %q", out)
			}
			if out := d.op("item", "list", "--format", "json"); out != "[]\n" {
				t.Errorf("list prints %q", out)
			}
		})
	}
}

// TestWhatAProviderCannot: op says so, and nothing is done.
func TestWhatAProviderCannot(t *testing.T) {
	d := newConnectDesk(t)
	d.op("item", "create", "--category", "login", "--title", "web")
	for _, c := range []struct{ args, want string }{
		{"vault create x", "this provider cannot create vaults"},
		{"item delete web --archive", "this provider has no archive"},
	} {
		if got := d.fails(1, "", strings.Fields(c.args)...); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.args, got)
		}
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := d.fails(1, "", "item", "edit", "web", "[file]="+file); !strings.Contains(got, "cannot attach files") {
		t.Error(got)
	}
	if it := d.item(d.op("item", "get", "web", "--format", "json")); it["version"] != 1.0 {
		t.Errorf("version %v", it["version"])
	}
}

// TestMessages holds op's words, which programs compare.
func TestMessages(t *testing.T) {
	d := newDesk(t)
	one := d.item(d.op("item", "create", "--category", "login", "--title", "Delete Me", "a.K=1", "b.K=2", "username=u", "--format", "json"))["id"]
	two := d.item(d.op("item", "create", "--category", "login", "--title", "Delete Me", "--format", "json"))["id"]
	old := d.item(d.op("item", "create", "--category", "login", "--title", "Old", "--format", "json"))["id"].(string)
	d.op("item", "delete", old, "--archive")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	id := one.(string)
	for _, c := range []struct {
		want string
		args []string
	}{
		{`"Invalid Vault" isn't a vault in this account. Specify the vault with its ID or name.`, []string{"vault", "get", "Invalid Vault"}},
		{`"Invalid Vault" isn't a vault in this account. Specify the vault with its ID or name.`, []string{"item", "list", "--vault", "Invalid Vault"}},
		{`"X" isn't an item in the "homelab" vault. Specify the item with its UUID, name, or domain.`, []string{"item", "get", "X", "--vault", "HomeLab"}},
		{`"X" isn't an item. Specify the item with its UUID, name, or domain.`, []string{"item", "get", "X"}},
		{`"X" isn't an item. Specify the item with its UUID, name, or domain.`, []string{"document", "get", "X"}},
		{fmt.Sprintf("More than one item matches \"Delete Me\". Try again and specify the item by its ID: \n\t* for the item \"Delete Me\" in vault homelab: %s\n\t* for the item \"Delete Me\" in vault homelab: %s", one, two), []string{"item", "delete", "Delete Me"}},
		{`could not find item Old in vault homelab, because it has been deleted or archived.`, []string{"item", "get", "Old", "--vault", "homelab"}},
		{`could not find item ` + old + ` in vault homelab, because it has been deleted or archived.`, []string{"item", "edit", old, "K=1"}},
		{`"nope" isn't a field in the "Delete Me" item.`, []string{"item", "get", id, "--fields", "label=nope"}},
		{`"nope" isn't a field in the "Delete Me" item.`, []string{"item", "edit", id, "nope[delete]"}},
		{`"K" matches more than one field of the "Delete Me" item. Specify the section, or use the ID of the field.`, []string{"item", "edit", id, "K=3"}},
		{`could not read secret 'op://homelab/I/F': could not get item homelab/I: "I" isn't an item in the "homelab" vault. Specify the item with its UUID, name, or domain.`, []string{"read", "op://homelab/I/F"}},
		{`could not read secret 'op://V/I/F': could not get item V/I: "V" isn't a vault in this account. Specify the vault with its ID or name.`, []string{"read", "op://V/I/F"}},
		{`could not read secret 'op://homelab/` + id + `/nope': item 'homelab/` + id + `' does not have a field 'nope'`, []string{"read", "op://homelab/" + id + "/nope"}},
		{`could not read secret 'op://E/N': invalid secret reference 'op://E/N': too few '/': secret references should have at least vault, item and field specified`, []string{"read", "op://E/N"}},
		{`cannot prompt for confirmation. Use the '-f' or '--force' flag to skip confirmation.`, []string{"read", "op://homelab/" + id + "/username", "--out-file", file}},
		{"invalid JSON in the item template: run `op item template get` for its form", []string{"item", "create", "--template", "main_test.go"}},
		{"expected data on stdin but none found", []string{"item", "get", "-"}},
		{"no item category specified. Use --category, or run `op item template list` for a list of them.", []string{"item", "create", "--title", "x"}},
		{"creating documents with `op item create` isn't supported. Use `op document create` instead.", []string{"item", "create", "--category", "document"}},
		{"\"Spaceship\" isn't a category of items. Run `op item template list` for a list of them.", []string{"item", "create", "--category", "Spaceship"}},
		{"only Login and Password items can be given a generated password", []string{"item", "create", "--category", "server", "--generate-password"}},
		{`invalid recipe for a password: use letters, digits, symbols and a length from 1 to 64, as in letters,digits,32`, []string{"item", "create", "--category", "login", "--generate-password=banana"}},
		{`the value of "D" isn't a date: use YYYY-MM-DD`, []string{"item", "create", "--category", "login", "D[date]=yesterday"}},
		{`"Delete Me" isn't a document: it has no file`, []string{"document", "get", id}},
	} {
		if got := d.fails(1, "", c.args...); got != c.want {
			t.Errorf("op %s\ngot  %s\nwant %s", strings.Join(c.args, " "), got, c.want)
		}
	}
	d.op("vault", "create", "second")
	if got := d.fails(1, "", "item", "create", "--category", "login"); !strings.HasPrefix(got, "a vault query must be provided") {
		t.Error(got)
	}
}

// TestUsage: what cannot be understood is followed by the usage.
func TestUsage(t *testing.T) {
	d := newDesk(t)
	for args, want := range map[string]string{
		"item get":                       "accepts 1 arg(s), received 0\nUsage:  op item get [{ <itemName> | <itemID> | <shareLink> | - }] [flags]\n\nFlags:\n",
		"item list --nope":               "unknown flag: --nope\nUsage:  op item list [flags]\n\nFlags:\n",
		"item list --format yaml":        "invalid output format \"yaml\": use human-readable or json\nUsage:  op item list [flags]\n",
		"item share X":                   "unknown command \"share\" for \"op item\"",
		"nothing":                        "unknown command \"nothing\" for \"op\"",
		"item list --favorite=banana":    "invalid argument \"banana\" for \"--favorite\" flag: strconv.ParseBool: parsing \"banana\": invalid syntax\nUsage:  op item list [flags]\n",
		"read op://v/i/f --file-mode 9z": "invalid argument \"9z\" for \"--file-mode\" flag: use octal digits, as in 0600\nUsage:  op read <reference> [flags]\n",
	} {
		if got := d.fails(1, "", strings.Fields(args)...); !strings.HasPrefix(got, want) {
			t.Errorf("op %s: %s", args, got)
		}
	}
	if got := d.fails(1, "", "item", "get"); !strings.HasSuffix(got, "\nTo list the global flags available on every command, run  'op --help'.") {
		t.Error(got)
	}
}

// TestServerAnswers: what the server refuses is told as op tells it.
func TestServerAnswers(t *testing.T) {
	for status, c := range map[int]struct {
		exit       int
		want, also string
	}{
		401: {1, "You are not currently signed in. Please run `op signin --help` for instructions (", "OP_CONNECT_TOKEN"},
		403: {4, "(403) Forbidden: You aren't authorized to access this resource. (", ""},
		404: {4, "(404) Not Found: The requested resource was not found. (", ""},
		429: {4, "(429) Too Many Requests: You've reached the maximum number of this type of requests this service account is allowed to make. (", ""},
		500: {1, "list the vaults: ", ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"status":%d,"message":"no\nreally"}`, status)
		}))
		d := &desk{t: t, provider: connectTo(t, server.URL, rinca.NewSecret("eyJhbGciOiJFUzI1NiJ9.e30.canary"))}
		got := d.fails(c.exit, "", "vault", "list")
		if !strings.HasPrefix(got, c.want) || !strings.Contains(got, c.also) || strings.ContainsAny(got, "\n\r") || strings.Contains(got, "canary") {
			t.Errorf("%d: %s", status, got)
		}
		if status == 401 {
			if got := d.fails(1, "", "whoami"); !strings.HasPrefix(got, "account is not signed in (") {
				t.Error(got)
			}
		}
		server.Close()
	}
}

// TestConcurrentEdits: edits at the same time are all kept, each as a version
// of its own.
func TestConcurrentEdits(t *testing.T) {
	d := newDesk(t)
	id := d.item(d.op("item", "create", "--category", "secure note", "--title", "x.env", "--format", "json"))["id"].(string)
	const n = 4
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			if _, errs, status := d.run("", "item", "edit", id, fmt.Sprintf("K%d=%d", i, i)); status != 0 {
				t.Error(errs)
			}
		})
	}
	done.Wait()
	it := d.item(d.op("item", "get", id, "--format", "json"))
	if len(variables(it)) != n || it["version"] != float64(1+n) {
		t.Errorf("version %v, %v", it["version"], variables(it))
	}
}

// TestConcealed: what people see has no secret unless they ask for it.
func TestConcealed(t *testing.T) {
	d := newDesk(t)
	args := []string{
		"item", "create", "--category", "login", "--title", "web", "--url", "https://web.example/x", "username=wendy", "password=canary-1", "s.K=canary-2",
		"one-time password[otp]=otpauth://totp/x?secret=JBSWY3DPEHPK3PXP", "birthday[date]=2020-02-29",
	}
	for _, out := range []string{d.op(args...), d.op("item", "get", "web"), d.op("item", "edit", "web", "X=canary-3"), d.op("item", "get", "web.example"), d.op("item", "edit", "web", "Y=canary-4", "--dry-run")} {
		if strings.Contains(out, "canary") || strings.Contains(out, "JBSWY") || !strings.Contains(out, "username:") {
			t.Error(out)
		}
	}
	out := d.op("item", "get", "web", "--reveal")
	for _, want := range []string{"  password:             canary-1\n", "  s.K:                  canary-2\n", "  website:    https://web.example/x (primary)\n", "  birthday:             2020-02-29\n", "Category:    LOGIN\nFields:\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if it := d.item(d.op("item", "get", "web", "--format", "json")); it["version"] != 2.0 {
		t.Errorf("a dry run is a write: version %v", it["version"])
	}
}

// TestComplete: names of vaults and titles of items.
func TestComplete(t *testing.T) {
	d := newDesk(t)
	d.op("item", "create", "--category", "login", "--title", "web.env")
	env := opcommand.Env{Open: func(context.Context) (rinca.Provider, func(), error) { return d.provider, func() {}, nil }}
	for args, want := range map[string]string{"item get ": "web.env", "item list --vault ": "homelab", "ite": "item\tPerform"} {
		env.Args = strings.Split(args, " ")
		got, _ := opcommand.Complete(t.Context(), env)
		if len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%q: %q", args, got)
		}
	}
}
