package vault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

func parse(tb testing.TB, refs ...string) []rinca.SecretRef {
	tb.Helper()
	var out []rinca.SecretRef
	for _, s := range refs {
		r, err := rinca.ParseSecretRef(s)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func TestResolve(t *testing.T) {
	for ref, want := range map[string]string{
		"op://homelab/postgres.env/POSTGRES_PASSWORD":                 "hunter2-postgres",
		"op://homelab/postgres.env/add more/POSTGRES_PASSWORD":        "hunter2-postgres",
		"op://HomeLab/Postgres.ENV/ADD MORE/postgres_password":        "hunter2-postgres",
		"op://" + homeID + "/" + pgID + "/f1":                         "hunter2-postgres",
		"op://homelab/postgres.env/EMPTY":                             "",
		"op://homelab/postgres.env/notesPlain":                        "",
		"op://homelab/mixed/password":                                 "top-password", // top level wins
		"op://homelab/mixed/Admin/password":                           "admin-password",
		"op://homelab/mixed/s1/a1":                                    "admin-password",
		"op://homelab/mixed/backup/token":                             "backup-token",
		"op://homelab/mixed/b2":                                       "backup-token",
		"op://homelab/mixed/Case":                                     "upper",
		"op://homelab/mixed/case":                                     "lower",
		"op://homelab/mixed/nolabel":                                  "by-id",
		"op://homelab/mixed/password?attribute=type":                  "CONCEALED",
		"op://homelab/mixed/password?attr=purpose":                    "PASSWORD",
		"op://homelab/mixed/Admin/password?attribute=id":              "a1",
		"op://homelab/mixed/password?attribute=value":                 "top-password",
		"op://homelab/mixed/one-time password?attribute=otp":          "94287082", // RFC 6238, second 59
		"op://homelab/mixed/given?attr=otp":                           "123456",
		"op://homelab/mixed/given":                                    "x",
		"op://homelab/mixed/ca.pem":                                   "PEM\nbytes",
		"op://homelab/mixed/CA.PEM?attribute=content":                 "PEM\nbytes",
		"op://homelab/mixed/Admin/ca.key":                             "key!",
		"op://homelab/mixed/ca.key":                                   "key!",
		"op://homelab/mixed/file1":                                    "PEM\nbytes",
		"op://homelab/mixed/ca.pem?attr=size":                         "9",
		"op://homelab/mixed/ca.pem?attribute=name":                    "ca.pem",
		"op://homelab/mixed/ca.pem?attribute=id":                      "file1",
		"op://Other Vault/my web/api key":                             "sk-web",
		"op://other vault/webwebwebwebwebwebwebwebwe/api key?attr=id": "k",
	} {
		r := &vault.Resolver{Provider: homelab(), Now: func() time.Time { return time.Unix(59, 0) }}
		refs := parse(t, ref)
		got, err := r.Resolve(t.Context(), refs)
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			continue
		}
		if v, ok := got[refs[0]]; !ok || !v.IsSet() || v.Reveal() != want {
			t.Errorf("%s: got %q, want %q", ref, v.Reveal(), want)
		}
	}
}

func TestResolveFailures(t *testing.T) {
	for ref, want := range map[string]struct {
		part vault.Part
		code rinca.Code
		text string
		hint string
	}{
		"op://homelb/postgres.env/X":                 {vault.PartVault, rinca.NotFound, "vault 'homelb' not found", "'homelab' instead"},
		"op://nowhere/postgres.env/X":                {vault.PartVault, rinca.NotFound, "vault 'nowhere' not found", "homelab, Other Vault"},
		"op://homelab/postgre.env/X":                 {vault.PartItem, rinca.NotFound, "item 'postgre.env' not found in vault 'homelab'", "'postgres.env' instead"},
		"op://homelab/dup/X":                         {vault.PartItem, rinca.Conflict, "dup1dup1dup1dup1dup1dup1du, dup2", "ids"},
		"op://homelab/postgres.env/POSTGRES_PASWORD": {vault.PartField, rinca.NotFound, "item 'homelab/postgres.env' does not have a field 'POSTGRES_PASWORD'", "'POSTGRES_PASSWORD' instead"},
		"op://homelab/mixed/Admn/token":              {vault.PartField, rinca.NotFound, "does not have a section 'Admn'", "'Admin' instead"},
		"op://homelab/mixed/token":                   {vault.PartField, rinca.Conflict, "op://homelab/mixed/Admin/token, op://homelab/mixed/Backup/token", ""},
		"op://homelab/mixed/twin":                    {vault.PartField, rinca.Conflict, "op://homelab/mixed/Backup/twin1, op://homelab/mixed/Backup/twin2", ""},
		"op://homelab/mixed/Backup/twin":             {vault.PartField, rinca.Conflict, "Backup/twin1", ""},
		"op://homelab/mixed/password?attr=otp":       {vault.PartField, rinca.Invalid, "not a one-time password", ""},
		"op://homelab/mixed/password?attr=name":      {vault.PartField, rinca.Invalid, "no attribute 'name'", ""},
		"op://homelab/mixed/password?attr=size":      {vault.PartField, rinca.NotFound, "does not have a field 'password'", ""},
		"op://homelab/mixed/ca.pem?attr=purpose":     {vault.PartField, rinca.Invalid, "no attribute 'purpose'", ""},
		"op://homelab/mixed/password?ssh-format=openssh": {
			vault.PartField, rinca.Invalid, "not a private key", "",
		},
	} {
		r := &vault.Resolver{Provider: homelab()}
		_, err := r.Resolve(t.Context(), parse(t, ref))
		var lost *vault.Unresolved
		if !errors.As(err, &lost) || len(lost.Failures) != 1 {
			t.Errorf("%s: got %v", ref, err)
			continue
		}
		if f := lost.Failures[0]; f.Part != want.part || rinca.CodeOf(err) != want.code || !strings.Contains(f.Err.Error(), want.text) || !strings.Contains(rinca.HintOf(f.Err), want.hint) {
			t.Errorf("%s: got %s, %s, %v (%s)", ref, f.Part, rinca.CodeOf(err), f.Err, rinca.HintOf(f.Err))
		}
	}
}

// TestResolveReportsAllAndKeepsTheRest: one run tells everything that is
// wrong.
func TestResolveReportsAllAndKeepsTheRest(t *testing.T) {
	r := &vault.Resolver{Provider: homelab()}
	refs := parse(t, "op://homelab/none/a", "op://homelab/postgres.env/POSTGRES_USER", "op://gone/x/y", "op://homelab/mixed/zz", "op://homelab/none/a", "op://homelab/none/b")
	got, err := r.Resolve(t.Context(), refs)
	var lost *vault.Unresolved
	if !errors.As(err, &lost) {
		t.Fatal(err)
	}
	var names []string
	for _, f := range lost.Failures {
		names = append(names, f.Ref.String())
	}
	want := []string{"op://homelab/none/a", "op://gone/x/y", "op://homelab/mixed/zz", "op://homelab/none/b"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if len(got) != 1 || got[refs[1]].Reveal() != "authentik" {
		t.Errorf("the others are missing: %v", len(got))
	}
}

// TestResolveCost: one list of vaults, one list of items and one fetch per
// vault, each file once, and nothing the second time.
func TestResolveCost(t *testing.T) {
	m := homelab()
	r := &vault.Resolver{Provider: m}
	refs := parse(t,
		"op://homelab/postgres.env/POSTGRES_USER", "op://homelab/postgres.env/POSTGRES_PASSWORD",
		"op://homelab/mixed/password", "op://other vault/my web/api key",
		"op://homelab/mixed/ca.pem", "op://homelab/mixed/ca.pem?attribute=content", "op://homelab/mixed/ca.pem?attr=size")
	for range 2 {
		if _, err := r.Resolve(t.Context(), refs); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"vaults", "items " + homeID, "get " + homeID, "file file1", "items " + otherID, "get " + otherID}
	if diff := cmp.Diff(want, m.calls); diff != "" {
		t.Error(diff)
	}
	m.calls = nil
	if _, err := r.Resolve(t.Context(), nil); err != nil || m.calls != nil {
		t.Errorf("no references: %v, asked %v", err, m.calls)
	}
}

// TestResolveItemMadeAgainBetweenListAndFetch looks at a new list, once.
func TestResolveItemMadeAgainBetweenListAndFetch(t *testing.T) {
	m := homelab()
	const newID = "newnewnewnewnewnewnewnewne"
	m.hook = func(call string) error {
		if call == "get "+homeID {
			m.items[0].ID = newID
			m.hook = nil
		}
		return nil
	}
	r := &vault.Resolver{Provider: m}
	refs := parse(t, "op://homelab/postgres.env/POSTGRES_USER")
	got, err := r.Resolve(t.Context(), refs)
	if err != nil || got[refs[0]].Reveal() != "authentik" {
		t.Errorf("got %v, %v", len(got), err)
	}
}

// TestResolveVaultThatFails: what is not about a reference ends the work, and
// is not listed once per reference.
func TestResolveVaultThatFails(t *testing.T) {
	for _, call := range []string{"vaults", "items " + homeID, "get " + homeID, "file file1"} {
		m := homelab()
		m.hook = func(c string) error {
			if c == call {
				return rinca.Errorf(rinca.Unavailable, "%s: no answer", c)
			}
			return nil
		}
		r := &vault.Resolver{Provider: m}
		_, err := r.Resolve(t.Context(), parse(t, "op://homelab/mixed/ca.pem", "op://homelab/postgres.env/POSTGRES_USER"))
		if err == nil || err.Error() != call+": no answer" || rinca.CodeOf(err) != rinca.Unavailable {
			t.Errorf("%s: got %v", call, err)
		}
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	r := &vault.Resolver{Provider: homelab()}
	_, err := r.Resolve(t.Context(), parse(t, "op://homelab/mixed/password?attr=otp", "op://homelab/mixed/one-time password?ssh-format=openssh", "op://homelab/mixed/twin", "op://homelab/mixed/given?attribute=name"))
	said := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, secret := range []string{"top-password", "GEZDG", "123456"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q is in %s", secret, said)
		}
	}
}

func TestFind(t *testing.T) {
	m := homelab()
	m.vaults = append(m.vaults, rinca.Vault{ID: "twotwotwotwotwotwotwotwotw", Name: "HOMELAB"})
	for name, want := range map[string]string{"homelab": homeID, "HOMELAB": "twotwotwotwotwotwotwotwotw", otherID: otherID, "other vault": otherID} {
		if v, err := vault.Find(t.Context(), m, name); err != nil || v.ID != want {
			t.Errorf("%s: %v, %v", name, v.ID, err)
		}
	}
	if _, err := vault.Find(t.Context(), m, "HomeLab"); rinca.CodeOf(err) != rinca.Conflict {
		t.Errorf("ambiguous: %v", err)
	}
	_, err := vault.Find(t.Context(), &memory{}, "homelab")
	if rinca.CodeOf(err) != rinca.NotFound || err.Error() != "vault 'homelab' not found" || !strings.Contains(rinca.HintOf(err), "no vault at all") {
		t.Errorf("none visible: %v (%s)", err, rinca.HintOf(err))
	}
}

func TestFindItem(t *testing.T) {
	m := homelab()
	for title, want := range map[string]string{"postgres.env": pgID, "POSTGRES.env": pgID, pgID: pgID} {
		if info, err := vault.FindItem(t.Context(), m, homeID, title); err != nil || info.ID != want {
			t.Errorf("%s: %v, %v", title, info.ID, err)
		}
	}
	if _, err := vault.FindItem(t.Context(), m, homeID, "dup"); rinca.CodeOf(err) != rinca.Conflict || !strings.Contains(err.Error(), "dup2dup2") {
		t.Errorf("ambiguous: %v", err)
	}
	if _, err := vault.FindItem(t.Context(), m, otherID, "postgres.env"); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("other vault: %v", err)
	}
}

func TestNearest(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"authentk", "authentik"},
		{"restci", "restic"},
		{"AUTHENTIK", "authentik"},
		{"zzz", ""},
		{"", ""},
		{"uptimekuma", "uptime-kuma"},
	} {
		if got := vault.Nearest(tt.name, []string{"authentik", "restic", "uptime-kuma"}); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
