//go:build !nosdk

package opsdk

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/1password/onepassword-sdk-go"
	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
)

func TestMapping(t *testing.T) {
	section := "s1"
	it := onepassword.Item{
		ID: "i", VaultID: "v", Title: "pg.env", Category: onepassword.ItemCategorySecureNote, Version: 7, Notes: "a note", Tags: []string{"stack:pg"},
		Sections: []onepassword.ItemSection{{ID: "s1", Title: "rinca"}},
		Fields: []onepassword.ItemField{
			{ID: "username", Title: "username", FieldType: onepassword.ItemFieldTypeText, Value: "u"},
			{ID: "x", Title: "KEY", SectionID: &section, FieldType: onepassword.ItemFieldTypeConcealed, Value: "secret"},
			{ID: "y", Title: "EMPTY", FieldType: onepassword.ItemFieldTypeText},
			{ID: "z", Title: "otp", FieldType: onepassword.ItemFieldTypeTOTP, Value: "otpauth://x"},
		},
		Files: []onepassword.ItemFile{{Attributes: onepassword.FileAttributes{ID: "f", Name: "ca.pem", Size: 3}, SectionID: "s1"}},
	}
	got := toItem(it)
	if got.Version != 7 || got.Fields[0].Purpose != rinca.PurposeUsername || got.Fields[1].SectionID != "s1" || got.Fields[1].Value.Reveal() != "secret" ||
		got.Fields[2].Value.IsSet() || got.Fields[3].Type != rinca.TypeOTP || got.Fields[4].Purpose != rinca.PurposeNotes || got.Files[0].Name != "ca.pem" {
		t.Errorf("%+v", got)
	}
	// What was read can be written back and is the same.
	back := toItem(replaced(it, got))
	equal := cmp.Comparer(func(a, b rinca.Secret) bool { return a.Equal(b) })
	if diff := cmp.Diff(got, back, equal); diff != "" {
		t.Errorf("round trip:\n%s", diff)
	}
	for _, m := range categories {
		if toCategory(m.theirs) != m.ours {
			t.Errorf("category %s", m.theirs)
		}
	}
}

func TestItemsInTheOrderOfIDs(t *testing.T) {
	type answer = onepassword.Response[onepassword.Item, onepassword.ItemsGetAllError]
	a, b := &onepassword.Item{ID: "a"}, &onepassword.Item{ID: "b"}
	items, err := ordered([]string{"b", "a"}, []answer{{Content: a}, {Content: b}})
	if err != nil || items[0].ID != "b" || items[1].ID != "a" {
		t.Errorf("%+v, %v", items, err)
	}
	_, err = ordered([]string{"b", "a"}, []answer{{Content: a}, {Error: &onepassword.ItemsGetAllError{Type: "itemNotFound"}}})
	if rinca.CodeOf(err) != rinca.NotFound || !strings.Contains(err.Error(), "item b") {
		t.Error(err)
	}
}

func TestFailures(t *testing.T) {
	p := &Provider{cfg: Config{Token: rinca.NewSecret("ops_canary")}}
	for text, code := range map[string]rinca.Code{
		"error initializing client: invalid user input: service account token had invalid format ops_canary": rinca.Unauthenticated,
		"rate limit exceeded":                  rinca.RateLimited,
		"the item was not found":               rinca.NotFound,
		"forbidden":                            rinca.Forbidden,
		"error sending request for url":        rinca.Unavailable,
		"vault not found, or not accessible":   rinca.NotFound,
		"operation failed: permission missing": rinca.Forbidden,
	} {
		err := p.failure("get", errors.New(text))
		if rinca.CodeOf(err) != code || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %q %v", text, rinca.CodeOf(err), err)
		}
	}
	if err := p.failure("get", &onepassword.RateLimitExceededError{}); rinca.CodeOf(err) != rinca.RateLimited {
		t.Error(err)
	}
	if err := p.failure("get", context.Canceled); rinca.CodeOf(err) != rinca.Canceled {
		t.Error(err)
	}
}

// The client is made on first use; a token of the wrong form is told apart
// without the network.
func TestBadToken(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the SDK takes seconds to start")
	}
	p, err := Open(Config{Token: rinca.NewSecret("ops_not-a-token")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Vaults(t.Context()); rinca.CodeOf(err) != rinca.Unauthenticated {
		t.Error(err)
	}
}

// TestReferencesAgree holds our parser against the official one: what the SDK
// accepts, we accept, but for the empty segments that can never resolve.
func TestReferencesAgree(t *testing.T) {
	for _, ref := range []string{
		"op://v/i/f", "op://v/i/s/f", "op://my vault/an item/a field", "op://v/i/f?attribute=otp", "op://v/i/f?ssh-format=openssh",
		"op://v", "op://v/i", "op://a/b/c/d/e", "OP://v/i/f", " op://v/i/f", "op://v!/i/f", "op://v/i/f:", "op://v/i/@", "op://v/é/f", "op://v/i/f#", "op://v/(i)/f",
	} {
		theirs := onepassword.Secrets.ValidateSecretReference(t.Context(), ref)
		_, ours := rinca.ParseSecretRef(ref)
		if (theirs == nil) != (ours == nil) {
			t.Errorf("%q: the SDK says %v, we say %v", ref, theirs, ours)
		}
	}
}

// TestLive runs against a real account where there is one.
func TestLive(t *testing.T) {
	token := os.Getenv("RINCA_TEST_OP_SERVICE_ACCOUNT_TOKEN")
	if token == "" {
		t.Skip("no RINCA_TEST_OP_SERVICE_ACCOUNT_TOKEN: 1Password itself is not tested")
	}
	p, err := Open(Config{Token: rinca.NewSecret(token)})
	if err != nil {
		t.Fatal(err)
	}
	vaults, err := p.Vaults(t.Context())
	if err != nil || len(vaults) == 0 {
		t.Fatalf("%d vaults, %v", len(vaults), err)
	}
	infos, err := p.Items(t.Context(), vaults[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, i := range infos[:min(5, len(infos))] {
		ids = append(ids, i.ID)
	}
	items, err := p.Get(t.Context(), vaults[0].ID, ids...)
	if err != nil || len(items) != len(ids) {
		t.Fatalf("%d items, %v", len(items), err)
	}
	if _, err := p.Get(t.Context(), vaults[0].ID, strings.Repeat("a", 26)); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("an item that does not exist: %v", err)
	}
}
