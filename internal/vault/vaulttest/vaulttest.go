// Package vaulttest is the conformance suite of rinca.Provider and
// rinca.Writer: every implementation passes it.
package vaulttest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
)

// A Suite says how to reach an implementation, and where it differs by
// nature.
type Suite struct {
	// Open returns the implementation over a vault named "homelab" that
	// already holds the items, in this order. Their ids are the vault's to
	// choose.
	Open func(t *testing.T, items []rinca.Item) rinca.Provider
	// EmptyIsUnset: a value of no bytes comes back as none.
	EmptyIsUnset bool
	// TextOnly: values that are not UTF-8 cannot be carried.
	TextOnly bool
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Suite)
	}{
		{"lists", testLists},
		{"values", testValues},
		{"order and missing items", testOrder},
		{"canceled", testCanceled},
		{"many at once", testConcurrent},
		{"files", testFiles},
		{"create", testCreate},
		{"update", testUpdate},
		{"delete", testDelete},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, s) })
	}
}

func note(title string, fields ...rinca.Field) rinca.Item {
	return rinca.Item{Info: rinca.Info{Title: title, Category: rinca.CategorySecureNote, Tags: []string{"stack:web", "x"}}, Fields: fields}
}

func field(label, value string) rinca.Field {
	return rinca.Field{ID: "id" + label, Label: label, Type: rinca.TypeConcealed, Value: rinca.NewSecret(value)}
}

func vaultID(t *testing.T, p rinca.Provider) string {
	t.Helper()
	return vault(t, p).ID
}

func vault(t *testing.T, p rinca.Provider) rinca.Vault {
	t.Helper()
	vaults, err := p.Vaults(t.Context())
	if err != nil || len(vaults) != 1 || vaults[0].Name != "homelab" {
		t.Fatalf("%+v, %v", vaults, err)
	}
	return vaults[0]
}

func infos(t *testing.T, p rinca.Provider) []rinca.Info {
	t.Helper()
	list, err := p.Items(t.Context(), vaultID(t, p))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func get(t *testing.T, p rinca.Provider, id string) rinca.Item {
	t.Helper()
	items, err := p.Get(t.Context(), vaultID(t, p), id)
	if err != nil {
		t.Fatal(err)
	}
	return items[0]
}

func testLists(t *testing.T, s Suite) {
	p := s.Open(t, nil)
	if list := infos(t, p); len(list) != 0 {
		t.Errorf("an empty vault lists %+v", list)
	}
	p = s.Open(t, []rinca.Item{note("a.env", field("K", "v")), note("a.env"), note("Ünïcode ☃.env")})
	list := infos(t, p)
	var titles []string
	for _, i := range list {
		titles = append(titles, i.Title)
		if !rinca.ValidID(i.ID) || i.VaultID != vaultID(t, p) || i.Version != 1 || i.State != rinca.Active || i.UpdatedAt.IsZero() ||
			i.Category != rinca.CategorySecureNote || !cmp.Equal(i.Tags, []string{"stack:web", "x"}) {
			t.Errorf("%+v", i)
		}
	}
	if want := []string{"a.env", "a.env", "Ünïcode ☃.env"}; !cmp.Equal(titles, want) {
		t.Errorf("titles %q, want %q", titles, want)
	}
	if _, err := p.Items(t.Context(), strings.Repeat("z", 26)); err == nil {
		t.Error("the items of a vault that does not exist")
	} else if c := rinca.CodeOf(err); c != rinca.NotFound && c != rinca.Forbidden {
		t.Errorf("the items of a vault that does not exist: %q %v", c, err)
	}
}

// values that break what is not careful.
var values = []string{
	"plain", " spaces ", "quo'te\"s", "multi\nline\r\nvalue\n", "$HOME ${X} `id` #x", "=", "{{ op://a/b/c }}", "\t", "\u00a0\u2003", "☃", `back\slash\`, "-", "[delete]", "true", "0012",
}

func testValues(t *testing.T, s Suite) {
	var fields []rinca.Field
	all := append(append([]string{}, values...), strings.Repeat("0123456789abcdef", 1<<16))
	if !s.TextOnly {
		all = append(all, "\xff\x00\xfe")
	}
	for i, v := range all {
		fields = append(fields, field(fmt.Sprint("K", i), v))
	}
	fields = append(fields, rinca.Field{ID: "unset", Label: "UNSET", Type: rinca.TypeString}, field("EMPTY", ""),
		rinca.Field{ID: "dup", SectionID: "s1", Label: "K0", Type: rinca.TypeString, Value: rinca.NewSecret("in a section")})
	it := note("values.env", fields...)
	it.Sections = []rinca.Section{{ID: "s1", Label: "Section One"}}
	p := s.Open(t, []rinca.Item{it})
	got := get(t, p, infos(t, p)[0].ID)
	byLabel := map[string][]rinca.Field{}
	for _, f := range got.Fields {
		byLabel[f.Label] = append(byLabel[f.Label], f)
	}
	for i, v := range all {
		f := byLabel[fmt.Sprint("K", i)]
		if len(f) == 0 || f[0].Value.Reveal() != v || f[0].Type != rinca.TypeConcealed {
			t.Errorf("value %.20q is lost: %d fields", v, len(f))
		}
	}
	if f := byLabel["K0"]; len(f) != 2 || f[1].SectionID == "" || f[1].Value.Reveal() != "in a section" {
		t.Errorf("the field in a section: %+v", f)
	} else if sec, ok := got.Section(f[1].SectionID); !ok || sec.Label != "Section One" {
		t.Errorf("the section: %+v", got.Sections)
	}
	if f := byLabel["UNSET"]; len(f) != 1 || f[0].Value.IsSet() {
		t.Errorf("a field without a value: %+v", f)
	}
	if f := byLabel["EMPTY"]; len(f) != 1 || f[0].Value.Len() != 0 || f[0].Value.IsSet() == s.EmptyIsUnset {
		t.Errorf("a field with an empty value: %+v, set %v", f, f[0].Value.IsSet())
	}
}

func testOrder(t *testing.T, s Suite) {
	var seed []rinca.Item
	for i := range 12 {
		seed = append(seed, note(fmt.Sprintf("%d.env", i), field("N", fmt.Sprint(i))))
	}
	p := s.Open(t, seed)
	list, v := infos(t, p), vaultID(t, p)
	var ids []string
	for i := len(list) - 1; i >= 0; i-- {
		ids = append(ids, list[i].ID)
	}
	items, err := p.Get(t.Context(), v, ids...)
	if err != nil || len(items) != len(ids) {
		t.Fatalf("%d items, %v", len(items), err)
	}
	for i, it := range items {
		if it.ID != ids[i] || it.VaultID != v {
			t.Errorf("item %d is %s, want %s", i, it.ID, ids[i])
		}
	}
	gone := strings.Repeat("a", 26)
	if _, err := p.Get(t.Context(), v, ids[0], gone, ids[1]); rinca.CodeOf(err) != rinca.NotFound || !strings.Contains(err.Error(), gone) {
		t.Errorf("an item that does not exist: %q %v", rinca.CodeOf(err), err)
	}
	if items, err := p.Get(t.Context(), v); err != nil || len(items) != 0 {
		t.Errorf("no ids: %d items, %v", len(items), err)
	}
}

func testCanceled(t *testing.T, s Suite) {
	p := s.Open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Vaults(ctx); err == nil {
		t.Error("a canceled context, and an answer")
	}
}

func testConcurrent(t *testing.T, s Suite) {
	p := s.Open(t, []rinca.Item{note("a.env", field("K", "v"))})
	id, v := infos(t, p)[0].ID, vaultID(t, p)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			items, err := p.Get(t.Context(), v, id)
			if err != nil || items[0].Fields[len(items[0].Fields)-1].Value.Reveal() != "v" {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
}

func testFiles(t *testing.T, s Suite) {
	it := note("tls.env")
	content := "-----BEGIN\n\x00\x01binary\xff"
	it.Files = []rinca.File{{Name: "ca.pem", Content: rinca.NewSecret(content)}}
	p := s.Open(t, []rinca.Item{it})
	got := get(t, p, infos(t, p)[0].ID)
	if len(got.Files) != 1 || got.Files[0].Name != "ca.pem" || got.Files[0].Size != int64(len(content)) {
		t.Fatalf("%+v", got.Files)
	}
	c, err := p.ReadFile(t.Context(), got.VaultID, got.ID, got.Files[0].ID)
	if err != nil || c.Reveal() != content {
		t.Errorf("%d bytes, %v", c.Len(), err)
	}
	if _, err := p.ReadFile(t.Context(), got.VaultID, got.ID, strings.Repeat("f", 26)); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("a file that does not exist: %q %v", rinca.CodeOf(err), err)
	}
}

func writerOf(t *testing.T, s Suite) rinca.Writer {
	t.Helper()
	w, ok := s.Open(t, nil).(rinca.Writer)
	if !ok {
		t.Skip("it does not write")
	}
	return w
}

func testCreate(t *testing.T, s Suite) {
	w := writerOf(t, s)
	before := vault(t, w)
	it := note("new.env", field("K", "v"))
	it.VaultID = before.ID
	made, err := w.Create(t.Context(), it)
	if err != nil {
		t.Fatal(err)
	}
	if !rinca.ValidID(made.ID) || made.Version != 1 || made.Title != "new.env" || made.VaultID != before.ID {
		t.Errorf("%+v", made.Info)
	}
	if after := vault(t, w); after.ContentVersion <= before.ContentVersion {
		t.Errorf("content version %d, then %d", before.ContentVersion, after.ContentVersion)
	}
	if list := infos(t, w); len(list) != 1 || list[0].ID != made.ID {
		t.Errorf("%+v", list)
	}
}

func testUpdate(t *testing.T, s Suite) {
	w := writerOf(t, s)
	it := note("u.env", field("A", "1"), field("B", "2"))
	it.VaultID = vaultID(t, w)
	made, err := w.Create(t.Context(), it)
	if err != nil {
		t.Fatal(err)
	}
	for i := range made.Fields {
		if made.Fields[i].Label == "A" {
			made.Fields[i].Value = rinca.NewSecret("one")
		}
		if made.Fields[i].Label == "B" {
			made.Fields[i].Value = rinca.NewSecret("two")
		}
	}
	made.Tags = []string{"stack:other"}
	next, err := w.Update(t.Context(), made)
	if err != nil || next.Version != 2 {
		t.Fatalf("many fields in one write: version %d, %v", next.Version, err)
	}
	got := get(t, w, made.ID)
	if got.Version != 2 || !cmp.Equal(got.Tags, []string{"stack:other"}) || !cmp.Equal(labels(got), map[string]string{"A": "one", "B": "two"}) {
		t.Errorf("%+v", got.Info)
	}
	if _, err := w.Update(t.Context(), made); rinca.CodeOf(err) != rinca.Conflict {
		t.Errorf("an update of version 1 after version 2: %q %v", rinca.CodeOf(err), err)
	}
	if got := get(t, w, made.ID); got.Version != 2 {
		t.Errorf("a refused update wrote version %d", got.Version)
	}
	got.ID = strings.Repeat("a", 26)
	if _, err := w.Update(t.Context(), got); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("an item that does not exist: %q %v", rinca.CodeOf(err), err)
	}
}

func labels(it rinca.Item) map[string]string {
	out := map[string]string{}
	for _, f := range it.Fields {
		if f.Purpose != rinca.PurposeNotes {
			out[f.Label] = f.Value.Reveal()
		}
	}
	return out
}

func testDelete(t *testing.T, s Suite) {
	w := writerOf(t, s)
	it := note("d.env", field("K", "v"))
	it.VaultID = vaultID(t, w)
	made, err := w.Create(t.Context(), it)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Delete(t.Context(), made.VaultID, made.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Get(t.Context(), made.VaultID, made.ID); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("get after delete: %q %v", rinca.CodeOf(err), err)
	}
	if list := infos(t, w); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	if err := w.Delete(t.Context(), made.VaultID, made.ID); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("delete again: %q %v", rinca.CodeOf(err), err)
	}
}
