package opcli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rinca/internal/rinca"
	"rinca/internal/vault/opcli"
)

// script makes an executable that stands where op would: what 1Password's
// command prints in the recorded situations.
func script(t *testing.T, body string) *opcli.Provider {
	t.Helper()
	path := filepath.Join(t.TempDir(), "op")
	text := "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 2.32.1; exit; fi\n" + body
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return opcli.New(opcli.Config{Path: path, Environ: os.Environ(), Token: rinca.NewSecret("ops_canary")})
}

func TestErrorLines(t *testing.T) {
	for line, code := range map[string]rinca.Code{
		`"X" isn't a vault in this account. Specify the vault with its ID or name.`:                                                      rinca.NotFound,
		`"X" isn't an item in the "Test Data" vault. Specify the item with its UUID, name, or domain.`:                                   rinca.NotFound,
		`could not find item X in vault V, because it has been deleted or archived.`:                                                     rinca.NotFound,
		`(404) Not Found: The requested resource was not found.`:                                                                         rinca.NotFound,
		`More than one item matches "X". Try again and specify the item by its ID: `:                                                     rinca.Conflict,
		`error initializing client: Validation: (failed to session.DecodeSACredentials), Server: illegal base64 data at input byte 12`:   rinca.Unauthenticated,
		`error initializing client: Authentication: (failed to auth.LookupAuth), Server: (403) (Forbidden (Service Account Deleted)), x`: rinca.Unauthenticated,
		`Signin credentials are not compatible with the provided user auth from server`:                                                  rinca.Unauthenticated,
		`(401) Unauthorized: invalid bearer token`:                                                                                       rinca.Unauthenticated,
		"You are not currently signed in. Please run `op signin --help` for instructions":                                                rinca.Unauthenticated,
		`(403) Forbidden: You aren't authorized to access this resource.`:                                                                rinca.Forbidden,
		`(429) Too Many Requests: You've reached the maximum number. Please retry in 58 minutes or try other requests.`:                  rinca.RateLimited,
		`Too many requests. Please try again later.`:                                                                                     rinca.RateLimited,
		`something nobody has seen`: rinca.Internal,
	} {
		p := script(t, "echo '[ERROR] 2026/11/23 10:00:00 "+strings.ReplaceAll(line, "'", `'\''`)+"' >&2; exit 1")
		_, err := p.Vaults(t.Context())
		if rinca.CodeOf(err) != code {
			t.Errorf("%q is %q: %v", line, rinca.CodeOf(err), err)
		}
	}
}

// A bulk answer is objects one after the other; the order of the ids counts,
// and one that is missing is named.
func TestBulkGet(t *testing.T) {
	p := script(t, `cat >/dev/null; echo '{"id":"b","title":"B","version":2,"fields":[{"id":"f","type":"CONCEALED","label":"K","value":"v"}]}'; echo '{"id":"a","title":"A","version":1,"fields":[{"id":"f","type":"STRING","label":"E"}]}'`)
	items, err := p.Get(t.Context(), "v", "a", "b")
	if err != nil || items[0].Title != "A" || items[1].Fields[0].Value.Reveal() != "v" || items[0].Fields[0].Value.IsSet() {
		t.Fatalf("%+v, %v", items, err)
	}
	if _, err := p.Get(t.Context(), "v", "a", "c"); rinca.CodeOf(err) != rinca.NotFound || !strings.Contains(err.Error(), "item c") {
		t.Error(err)
	}
}

// Values travel through standard input; the command line and the environment
// hold none, and Connect's variables do not reach op.
func TestNothingInArgvOrEnvironment(t *testing.T) {
	out := filepath.Join(t.TempDir(), "seen")
	t.Setenv("OP_CONNECT_TOKEN", "canary-connect")
	t.Setenv("OTHER_SECRET", "canary-other")
	p := script(t, `{ echo "$@"; env; } > `+out+`; cat >/dev/null; echo '{"id":"a"}'`)
	_, err := p.Create(t.Context(), rinca.Item{
		Info:   rinca.Info{VaultID: "v", Title: "x.env"},
		Fields: []rinca.Field{{Label: "K", Value: rinca.NewSecret("canary-value")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.ReplaceAll(string(seen), "OP_SERVICE_ACCOUNT_TOKEN=ops_canary", ""), "canary") {
		t.Errorf("%s", seen)
	}
}

func TestOldOp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "op")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho 2.31.9\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := opcli.New(opcli.Config{Path: path}).Vaults(t.Context())
	if rinca.CodeOf(err) != rinca.Unavailable || !strings.Contains(err.Error(), "2.31.9") {
		t.Error(err)
	}
}

func TestHalfAnAnswer(t *testing.T) {
	p := script(t, `printf '[{"id":"a","name":"canary'`)
	_, err := p.Vaults(t.Context())
	if rinca.CodeOf(err) != rinca.Unavailable || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}
