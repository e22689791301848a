package export

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// stagedRun exports two files of one stack, changes both in the vault, and
// stages the new ones, as an export that is about to rename would have.
func stagedRun(t *testing.T) (*testbed, *run, *staged) {
	t.Helper()
	b := newTestbed(t)
	b.vault.put("a.env", stack("s"), "K=old a")
	b.vault.put("b.env", stack("s"), "K=old b")
	b.must("s/a.env exported; s/b.env exported")
	b.vault.put("a.env", stack("s"), "K=new a")
	b.vault.put("b.env", stack("s"), "K=new b")
	b.vault.put("c.env", stack("s"), "K=new c")
	r := b.open()
	p, err := r.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	st, err := r.stage(&p.Stacks[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.close)
	return b, r, st
}

func (b *testbed) open() *run {
	b.Helper()
	d, err := openDest(b.dest, false)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(d.close)
	if d.key, err = loadKey(d.root); err != nil {
		b.Fatal(err)
	}
	r := &run{Exporter: b.e, req: b.req, d: d}
	if err := r.load(); err != nil {
		b.Fatal(err)
	}
	return r
}

func (b *testbed) contents() string {
	b.Helper()
	var all []string
	for _, name := range []string{"s/a.env", "s/b.env", "s/c.env"} {
		data, err := os.ReadFile(filepath.Join(b.dest, name))
		if err == nil {
			all = append(all, strings.TrimSpace(string(data)))
		}
	}
	return strings.Join(all, " ")
}

const (
	allOld = "K='old a' K='old b'"
	allNew = "K='new a' K='new b' K='new c'"
)

func (b *testbed) clean() {
	b.Helper()
	_ = filepath.Walk(b.dest, func(path string, _ os.FileInfo, _ error) error {
		if strings.HasSuffix(path, ".tmp") || strings.HasSuffix(path, "/journal") {
			b.Errorf("left behind: %s", path)
		}
		return nil
	})
}

// A crash after any number of renames is completed.
func TestRecoveryCompletes(t *testing.T) {
	for renamed := range 4 {
		b, r, st := stagedRun(t)
		if err := (journal{Units: []unit{st.u}}).write(r.d); err != nil {
			t.Fatal(err)
		}
		for _, mv := range st.u.Moves[:renamed] {
			if err := st.root.Rename(mv.Temp, mv.Title); err != nil {
				t.Fatal(err)
			}
		}
		got, err := b.plan() // writes nothing but what was begun
		if err != nil || got != "s/a.env unchanged; s/b.env unchanged; s/c.env unchanged" {
			t.Errorf("%d renamed: the next command says %s, %v", renamed, got, err)
		}
		if got := b.contents(); got != allNew {
			t.Errorf("%d renamed: %s", renamed, got)
		}
		b.clean()
		b.vault.requests = 0
		b.must("s/a.env unchanged; s/b.env unchanged; s/c.env unchanged")
		if b.vault.requests != 2 {
			t.Errorf("%d renamed: %d requests: what was completed is not remembered", renamed, b.vault.requests)
		}
	}
}

// When a file that waited for its name is damaged, the stack is undone.
func TestRecoveryUndoes(t *testing.T) {
	for renamed := range 3 {
		b, r, st := stagedRun(t)
		if err := (journal{Units: []unit{st.u}}).write(r.d); err != nil {
			t.Fatal(err)
		}
		for _, mv := range st.u.Moves[:renamed] {
			if err := st.root.Rename(mv.Temp, mv.Title); err != nil {
				t.Fatal(err)
			}
		}
		if err := st.root.WriteFile(st.u.Moves[2].Temp, []byte("K='ne"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := r.d.recover(r.m); err != nil {
			t.Fatal(err)
		}
		if got := b.contents(); got != allOld {
			t.Errorf("%d renamed: %s", renamed, got)
		}
		b.clean()
		b.must("s/a.env updated; s/b.env updated; s/c.env exported")
	}
}

// A rename that fails takes back those before it; other stacks go on.
func TestFailedRenameIsUndone(t *testing.T) {
	b, r, st := stagedRun(t)
	last := st.u.Moves[2].Title
	_ = os.Remove(filepath.Join(b.dest, "s", last))
	if err := os.Mkdir(filepath.Join(b.dest, "s", last), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := r.commit([]*staged{st}); err != nil {
		t.Fatal(err)
	}
	if rinca.CodeOf(st.s.Err) != rinca.Destination || !strings.Contains(st.s.Err.Error(), "is a directory") {
		t.Errorf("the stack says: %v", st.s.Err)
	}
	for _, mv := range st.u.Moves[:2] {
		data, err := os.ReadFile(filepath.Join(b.dest, "s", mv.Title))
		if mv.Title == "c.env" && errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil || !strings.Contains(string(data), "old") {
			t.Errorf("%s: %q, %v", mv.Title, data, err)
		}
	}
	b.clean()
}

// An undo that is cut short is an undo, not half of a completion.
func TestRecoveryOfAnUndo(t *testing.T) {
	b, r, st := stagedRun(t)
	if err := (journal{Units: []unit{st.u}}).write(r.d); err != nil {
		t.Fatal(err)
	}
	first := st.u.Moves[0]
	if err := st.root.Rename(first.Temp, first.Title); err != nil {
		t.Fatal(err)
	}
	if first.Backup == "" {
		_ = st.root.Remove(first.Title)
	} else if err := st.root.Rename(first.Backup, first.Title); err != nil {
		t.Fatal(err)
	}
	if _, err := r.d.recover(r.m); err != nil {
		t.Fatal(err)
	}
	if got := b.contents(); got != allOld {
		t.Error(got)
	}
	b.clean()
}

// A journal that rotted is dropped, and what it was about is swept.
func TestDamagedJournal(t *testing.T) {
	b, r, st := stagedRun(t)
	if err := (journal{Units: []unit{st.u}}).write(r.d); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(b.dest, journalFile)
	data, _ := os.ReadFile(path)
	for i := range data {
		bad := append([]byte(nil), data...)
		bad[i] ^= 4
		if _, ok := readJournal(bad, r.d.key); ok {
			t.Fatalf("a journal with byte %d flipped is believed", i)
		}
	}
	data[10] ^= 4
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	b.must("s/a.env updated; s/b.env updated; s/c.env exported")
	b.clean()
}

// A manifest that rotted, or is missing, is a cold start: everything is
// fetched, nothing is written that is right, nothing is removed.
func TestDamagedManifest(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("a.env", stack("s"), "K=a")
	gone := b.vault.put("b.env", stack("s"), "K=b")
	b.must("s/a.env exported; s/b.env exported")
	b.vault.drop(gone)
	path := filepath.Join(b.dest, manifestFile)
	good, _ := os.ReadFile(path)
	r := b.open()
	for i := 0; i < len(good); i += 7 {
		bad := append([]byte(nil), good...)
		bad[i] ^= 1
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		m, why, err := loadManifest(r.d.root, r.d.key)
		if err != nil || why == nil || len(m.Files) != 0 {
			t.Fatalf("byte %d flipped: %v, %v", i, why, err)
		}
	}
	b.req.Prune = true
	p, err := b.e.Export(t.Context(), b.req)
	if err != nil || b.short(p) != "s/a.env unchanged" || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "damaged") {
		t.Errorf("%s, %v, %v", b.short(p), p.Notes, err)
	}
	b.file("s/b.env") // is still there
	if err := os.RemoveAll(filepath.Join(b.dest, stateDir)); err != nil {
		t.Fatal(err)
	}
	b.must("s/a.env unchanged")
	b.file("s/b.env")
}
