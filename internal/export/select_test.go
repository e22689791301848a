package export

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

func TestParseStacks(t *testing.T) {
	got, err := ParseStacks(" authentik restic\n\tuptime-kuma ", "restic a.b_c")
	if err != nil || !slices.Equal(got, []string{"authentik", "restic", "uptime-kuma", "a.b_c"}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"../x", "a/b", ".hidden", "-f", "a\x00b", "é", "a..b", strings.Repeat("x", 129)} {
		if _, err := ParseStacks("ok " + bad); rinca.CodeOf(err) != rinca.Usage {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if got, err := ParseStacks("", " \n"); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// What is wrong with a stack is told all at once, by item id and key, and
// nothing of that stack is written. Other stacks go on.
func TestAllProblemsAtOnce(t *testing.T) {
	b := newTestbed(t)
	dup1 := b.vault.put("dup.env", stack("bad"), "K=1")
	dup2 := b.vault.put("dup.env", []string{rinca.StackTag + "bad"}, "K=2")
	cased := b.vault.put("DUP.env", stack("bad"), "K=3")
	up := b.vault.put("../x.env", stack("bad"), "K=1")
	sub := b.vault.put("a/b.env", stack("bad"), "K=1")
	dot := b.vault.put(".env", stack("bad"), "K=1")
	dash := b.vault.put("-rf.env", stack("bad"), "K=1")
	ctl := b.vault.put("a\nb.env", stack("bad"), "K=1")
	keys := b.vault.put("keys.env", stack("bad"), "K=hunter2", "K=hunter2", "has space=hunter2", "1X=hunter2", "=hunter2", "N=a\x00hunter2",
		"HOLDER=REPLACE_ME", "BOTH=hunter2'`")
	empty := b.vault.put("empty.env", stack("bad"))
	b.vault.put("good.env", stack("good"), "K=1")

	p, err := b.e.Export(t.Context(), b.req)
	if err != nil || b.short(p) != "bad failed; good/good.env exported" || rinca.CodeOf(p.Err()) != rinca.Partial {
		t.Fatalf("%s, %v", b.short(p), err)
	}
	text := p.Stacks[0].Err.Error()
	for _, want := range []string{
		dup1 + ", " + dup2, cased, up, sub, dot, dash, ctl, empty + ")", `field "f4" has no label`,
		"K is there twice", `"has space" is no name`, `"1X" is no name`, "N holds a NUL", "HOLDER is still a placeholder",
		"BOTH holds a backtick and a single quote", keys,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the error does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, "REPLACE_ME") {
		t.Errorf("the error holds a value:\n%s", text)
	}
	if _, err := os.Lstat(filepath.Join(b.dest, "bad")); !os.IsNotExist(err) {
		t.Errorf("something was written for the stack: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(b.dest, "x.env")); !os.IsNotExist(err) {
		t.Errorf("something was written outside the stack: %v", err)
	}
}

func TestPlaceholders(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("a.env", stack("a"), "K=change_me")
	b.req.AllowPlaceholders = true
	b.must("a/a.env exported")
	b.must("a/a.env unchanged")
	b.req.AllowPlaceholders = false
	if got, err := b.export(); err == nil {
		t.Errorf("a placeholder that was allowed once is allowed for good: %s", got)
	}
}

func TestFieldRules(t *testing.T) {
	b := newTestbed(t)
	id := b.vault.put("a.env", stack("a"))
	f := func(f rinca.Field, value string) rinca.Field { f.Value = rinca.NewSecret(value); return f }
	b.vault.edit(id, func(i *rinca.Item) {
		i.Sections = []rinca.Section{{ID: "add more"}, {ID: "linked items", Label: "Related Items"}, {ID: "r", Label: "Rinca"}}
		i.Fields = []rinca.Field{
			f(rinca.Field{ID: "notesPlain", Purpose: rinca.PurposeNotes, Label: "notesPlain"}, "a note"),
			f(rinca.Field{ID: "u", Purpose: rinca.PurposeUsername, Label: "username"}, "me"),
			f(rinca.Field{ID: "1", SectionID: "add more", Label: "IN_SECTION", Type: rinca.TypeConcealed}, "s"),
			f(rinca.Field{ID: "2", SectionID: "linked items", Label: "Other item"}, "id"),
			f(rinca.Field{ID: "3", Type: rinca.TypeReference, Label: "Ref"}, "id"),
			f(rinca.Field{ID: "4", Type: rinca.TypeFile, Label: "File"}, "x"),
			f(rinca.Field{ID: "5", Type: rinca.TypeDate, Label: "DAY"}, "1795392000"),
			f(rinca.Field{ID: "6", Type: rinca.TypeDate, Label: "DAY2"}, "2026-11-23"),
			f(rinca.Field{ID: "7", Type: rinca.TypeMonthYear, Label: "MONTH"}, "202611"),
			f(rinca.Field{ID: "8", Type: rinca.TypeOTP, Label: "OTP"}, "otpauth://totp/x?secret=JBSWY3DP"),
			{ID: "9", Type: rinca.TypeString, Label: "UNSET"},
			{ID: "10", Type: rinca.TypeString},
			f(rinca.Field{ID: "11", Type: rinca.TypeSSHKey, Label: "SSH"}, "-----BEGIN\nabc\n-----END\n"),
			f(rinca.Field{ID: "12", SectionID: "r", Label: "Mode"}, "0640"),
		}
	})
	b.must("a/a.env exported")
	want := "username=me\nIN_SECTION=s\nDAY=2026-11-23\nDAY2=2026-11-23\nMONTH=202611\n" +
		"OTP='otpauth://totp/x?secret=JBSWY3DP'\nUNSET=\nSSH='-----BEGIN\nabc\n-----END\n'\n"
	if got := b.file("a/a.env"); got != want && got != strings.ReplaceAll(want, "'otpauth://totp/x?secret=JBSWY3DP'", "otpauth://totp/x?secret=JBSWY3DP") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUnknownStack(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("a.env", stack("authentik"), "K=1")
	b.vault.put("notes", stack("notes"), "K=1")
	for name, want := range map[string]string{
		"authentic": "no items for stack 'authentic': no item is tagged stack:authentic|the nearest tag is stack:authentik",
		"notes":     "no items for stack 'notes': of the 1 tagged stack:notes none has a title that ends in .env|notes.env",
		"zzz":       "no items for stack 'zzz': no item is tagged stack:zzz|authentik, notes",
	} {
		b.req.Stacks = []string{name}
		p, err := b.e.Export(t.Context(), b.req)
		if err != nil {
			t.Fatal(err)
		}
		msg, hint, _ := strings.Cut(want, "|")
		if err := p.Stacks[0].Err; rinca.CodeOf(p.Err()) != rinca.NotFound || err.Error() != msg || !strings.Contains(rinca.HintOf(err), hint) {
			t.Errorf("%v; %s", err, rinca.HintOf(err))
		}
	}
	b.req.Stacks = []string{"authentik", "zzz"}
	if got, err := b.export(); got != "authentik/a.env exported; zzz failed" || rinca.CodeOf(err) != rinca.Partial {
		t.Errorf("%s, %v", got, err)
	}
}

func TestTwoStacksOneItem(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("shared.env", []string{"stack:a", "stack:b", "stack:a"}, "K=1")
	b.must("a/shared.env exported; b/shared.env exported")
	if b.vault.requests != 3 {
		t.Errorf("%d requests; want 3: one item is fetched once", b.vault.requests)
	}
}

func TestBadTagInAll(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("a.env", []string{"stack:../x"}, "K=1")
	b.vault.put("b.env", []string{"stack:"}, "K=1")
	b.vault.put("a.env", []string{"stack:good"}, "K=1")
	got, err := b.export()
	if got != " failed; ../x failed; good/a.env exported" || rinca.CodeOf(err) != rinca.Partial {
		t.Errorf("%s, %v", got, err)
	}
}

func TestStaleAndPrune(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("a.env", stack("s"), "K=1")
	second := b.vault.put("b.env", stack("s"), "K=1")
	third := b.vault.put("c.env", stack("t"), "K=1")
	b.must("s/a.env exported; s/b.env exported; t/c.env exported")
	b.write("s/mine.env", "K=mine\n")

	b.vault.drop(second)
	b.must("s/a.env unchanged; s/b.env stale; t/c.env unchanged")
	b.must("s/a.env unchanged; s/b.env stale; t/c.env unchanged")
	b.file("s/b.env")

	b.req.Prune = true
	if got, err := b.plan(); err != nil || got != "s/a.env unchanged; s/b.env pruned; t/c.env unchanged" {
		t.Errorf("plan: %s, %v", got, err)
	}
	b.file("s/b.env") // a plan removes nothing

	// Something failed: nothing is removed.
	bad := b.vault.put("bad.env", stack("z"), "K=REPLACE_ME")
	if got, err := b.export(); got != "s/a.env unchanged; s/b.env stale; t/c.env unchanged; z failed" || err == nil {
		t.Errorf("after a failure: %s, %v", got, err)
	}
	b.file("s/b.env")
	b.vault.drop(bad)

	// Edited by hand: not ours any more.
	b.write("s/b.env", "K=hand\n")
	b.must("s/a.env unchanged; s/b.env stale (edited on disk); t/c.env unchanged")
	b.write("s/b.env", "K=1\n")
	b.must("s/a.env unchanged; s/b.env pruned; t/c.env unchanged")
	b.must("s/a.env unchanged; t/c.env unchanged")
	b.file("s/mine.env") // was never ours

	// A whole stack that is gone, with its directory.
	b.vault.drop(third)
	b.must("s/a.env unchanged; t/c.env pruned")
	if _, err := os.Lstat(filepath.Join(b.dest, "t")); !os.IsNotExist(err) {
		t.Errorf("the empty directory is still there: %v", err)
	}
}

// An empty list prunes nothing, unless that is said to be meant.
func TestEmptyListPrunesNothing(t *testing.T) {
	b := newTestbed(t)
	id := b.vault.put("a.env", stack("s"), "K=1")
	b.must("s/a.env exported")
	b.vault.drop(id)
	b.req.Prune = true
	if got, err := b.export(); got != "s/a.env stale; s failed" || rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("--all: %s, %v", got, err)
	}
	b.req.Stacks = []string{"s"}
	if got, err := b.export(); got != "s/a.env stale; s failed" || rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("by name: %s, %v", got, err)
	}
	b.vault.put("b.env", stack("other"), "K=1") // the stack's own list is still empty
	if got, err := b.export(); got != "s/a.env stale; s failed" || rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("by name, among others: %s, %v", got, err)
	}
	b.file("s/a.env")
	b.req.AllowEmpty = true
	b.must("s/a.env pruned")
	b.req.Stacks = []string{"tpyo"}
	if _, err := b.export(); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("a name that was never a stack: %v", err)
	}
}

func TestRenamedItem(t *testing.T) {
	b := newTestbed(t)
	id := b.vault.put("a.env", stack("s"), "K=1")
	b.must("s/a.env exported")
	b.vault.edit(id, func(i *rinca.Item) { i.Title = "b.env" })
	b.req.Prune = true
	b.must("s/b.env exported; s/a.env pruned")
	// A title that becomes illegal keeps the file and says so.
	b.vault.edit(id, func(i *rinca.Item) { i.Title = "../b.env" })
	got, err := b.export()
	if err == nil || got != "s/b.env stale; s failed" {
		t.Errorf("%s, %v", got, err)
	}
	b.file("s/b.env")
}

// The vault was replaced by another, as in moving to 1Password: files of the
// same name are taken over.
func TestAnotherVault(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("a.env", stack("s"), "K=1")
	b.must("s/a.env exported")
	b.vault.vault.ID = strings.Repeat("w", 26)
	b.must("s/a.env unchanged")
	b.must("s/a.env unchanged")
	b.vault.vault.ID = strings.Repeat("x", 26)
	b.vault.put("a.env", stack("s"), "K=2")
	b.must("s/a.env updated (was exported from another vault)")
	b.must("s/a.env unchanged")
}

func TestClockSetBack(t *testing.T) {
	b := newTestbed(t)
	id := b.vault.put("a.env", stack("s"), "K=1")
	b.must("s/a.env exported")
	now := b.e.Now
	b.e.Now = func() time.Time { return now().AddDate(-20, 0, 0) }
	b.must("s/a.env unchanged")
	b.vault.edit(id, func(i *rinca.Item) { i.Fields[0].Value = rinca.NewSecret("2") })
	b.vault.mu.Lock() // the vault's clock too
	b.vault.items[0].UpdatedAt = b.vault.items[0].UpdatedAt.AddDate(-20, 0, 0)
	b.vault.mu.Unlock()
	b.must("s/a.env updated")
	b.must("s/a.env unchanged")
}

func TestOffline(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("a.env", stack("a"), "K=1")
	b.vault.put("b.env", stack("b"), "K=1")
	b.must("a/a.env exported; b/b.env exported")
	before := b.tree()
	b.vault.fail = func(string) error { return rinca.Errorf(rinca.Unavailable, "no answer") }
	if _, err := b.export(); rinca.CodeOf(err) != rinca.Unavailable {
		t.Errorf("without --offline: %v", err)
	}
	b.req.Offline = true
	b.must("a/a.env offline; b/b.env offline")
	if b.tree() != before {
		t.Error("something was written")
	}
	b.req.Stacks = []string{"b", "c"}
	if got, err := b.export(); got != "b/b.env offline; c failed" || rinca.CodeOf(err) != rinca.Partial {
		t.Errorf("%s, %v", got, err)
	}
	b.req.Stacks = nil
	b.write("a/a.env", "K=2\n")
	_ = os.Remove(filepath.Join(b.dest, "b/b.env"))
	if got, err := b.export(); got != "a failed; b failed" || err == nil {
		t.Errorf("%s, %v", got, err)
	}
	// A token that is refused is not the network.
	b.vault.fail = func(string) error { return rinca.Errorf(rinca.Unauthenticated, "token invalid") }
	if _, err := b.export(); rinca.CodeOf(err) != rinca.Unauthenticated {
		t.Errorf("%v", err)
	}
}

// Values that are hard to carry, exactly, or an error that names the key.
func TestHardValues(t *testing.T) {
	values := map[string]string{
		"NEWLINE": "a\nb\n", "CRLF": "a\r\nb", "BOM": "\ufeffx", "DOLLAR": "$HOME ${X} $$", "QUOTES": `'"`,
		"BACKTICK": "`id`", "HASH": "a #b", "UNICODE": "\u00a0x\u2003", "SLASH": `a\`, "BIG": strings.Repeat("0123456789abcdef", 1<<16),
		"INVALID": "a\xffb", "EQUALS": "a=b=c", "JSON": `{"a":"b"}`,
	}
	b := newTestbed(t)
	var pairs []string
	for k, v := range values {
		pairs = append(pairs, k+"="+v)
	}
	slices.Sort(pairs)
	b.vault.put("a.env", stack("a"), pairs...)
	b.must("a/a.env exported")
	got, _, ok := readVars(rinca.NewSecret(b.file("a/a.env")), "auto")
	for k, v := range values {
		if !ok || got[k].Reveal() != v {
			t.Errorf("%s comes back as %.60q", k, got[k].Reveal())
		}
	}
	b.must("a/a.env unchanged")
	b.req.Rules.Flags.Format = "raw"
	p, err := b.e.Export(t.Context(), b.req)
	if err != nil || len(p.Stacks[0].Problems) != 4 {
		t.Errorf("raw: %v, %q", err, p.Stacks[0].Problems)
	}
	for _, key := range []string{"BIG", "CRLF", "INVALID", "NEWLINE"} {
		if !strings.Contains(fmt.Sprint(p.Stacks[0].Err), key) {
			t.Errorf("raw: %s is not named", key)
		}
	}
}
