package export

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rinca/internal/rinca"
)

func stack(name string) []string { return []string{"prod", rinca.StackTag + name} }

func TestExportUpdateNoChange(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("authentik.env", stack("authentik"), "AUTHENTIK_SECRET_KEY=k", "EMPTY", "BLANK=a b")
	id := b.vault.put("postgres.env", stack("authentik"), "POSTGRES_PASSWORD=one")
	b.vault.put("restic.env", stack("restic"), "RESTIC_PASSWORD=r")
	b.vault.put("unrelated.env", []string{"stacks:authentik", "stack/authentik"}, "A=b")
	b.vault.put("notes", stack("authentik"), "A=b")

	b.must("authentik/authentik.env exported; authentik/postgres.env exported; restic/restic.env exported")
	if n := b.vault.Requests(); n != 5 {
		t.Errorf("a cold export of 3 items cost %d requests; want 5", n)
	}
	if got, want := b.file("authentik/authentik.env"), "AUTHENTIK_SECRET_KEY=k\nEMPTY=\nBLANK='a b'\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, mode := range map[string]os.FileMode{"authentik": os.ModeDir | 0o700, "authentik/authentik.env": 0o600} {
		if info, err := os.Stat(filepath.Join(b.dest, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, mode)
		}
	}

	before := b.tree()
	b.vault.requests = 0
	b.must("authentik/authentik.env unchanged; authentik/postgres.env unchanged; restic/restic.env unchanged")
	if n := b.vault.Requests(); n != 1 {
		t.Errorf("nothing changed, and it cost %d requests; want 1", n)
	}
	if after := b.tree(); after != before {
		t.Errorf("nothing changed, yet something was written:\n%s\n%s", before, after)
	}

	b.vault.edit(id, func(i *rinca.Item) { i.Fields[0].Value = rinca.NewSecret("two") })
	b.vault.requests = 0
	b.must("authentik/authentik.env unchanged; authentik/postgres.env updated; restic/restic.env unchanged")
	if n := b.vault.Requests(); n != 3 {
		t.Errorf("one changed item cost %d requests; want 3", n)
	}
	if got := b.file("authentik/postgres.env"); got != "POSTGRES_PASSWORD=two\n" {
		t.Errorf("got %q", got)
	}

	// A note or a tag changes the item and not its file.
	inode := func() uint64 {
		info, _ := os.Stat(filepath.Join(b.dest, "authentik/postgres.env"))
		return info.Sys().(*syscall.Stat_t).Ino
	}
	was := inode()
	b.vault.edit(id, func(i *rinca.Item) { i.Tags = append(i.Tags, "more") })
	b.must("authentik/authentik.env unchanged; authentik/postgres.env unchanged; restic/restic.env unchanged")
	if inode() != was {
		t.Error("the file of an item whose rendering is the same was replaced")
	}
	b.vault.requests = 0
	b.must("authentik/authentik.env unchanged; authentik/postgres.env unchanged; restic/restic.env unchanged")
	if n := b.vault.Requests(); n != 1 {
		t.Errorf("that item was not remembered: %d requests", n)
	}
}

// Vaults that cannot count versions are compared by the items' times, and
// without a content version listed each time.
func TestVaultsWithoutVersions(t *testing.T) {
	b := newTestbed(t)
	id := b.vault.put("a.env", stack("a"), "K=1")
	flat := func() {
		b.vault.vault.ContentVersion = 0
		for i := range b.vault.items {
			b.vault.items[i].Version = 0
		}
		b.vault.requests = 0
	}
	flat()
	b.must("a/a.env exported")
	flat()
	b.must("a/a.env unchanged")
	if n := b.vault.Requests(); n != 2 {
		t.Errorf("%d requests; want 2", n)
	}
	b.vault.vault.ContentVersion = 7
	b.vault.edit(id, func(i *rinca.Item) { i.Fields[0].Value = rinca.NewSecret("2") })
	flat()
	b.must("a/a.env updated")
}

func TestDriftIsReportedAndRepaired(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("a.env", stack("a"), "K=1", "L=2")
	b.must("a/a.env exported")
	path := filepath.Join(b.dest, "a/a.env")
	for _, c := range []struct {
		name string
		do   func() error
		want string
	}{
		{"edited", func() error { return os.WriteFile(path, []byte("K=hand\n"), 0o600) }, "a/a.env repaired (edited on disk)"},
		{"edited, same size", func() error { return os.WriteFile(path, []byte("K=3\nL=2\n"), 0o600) }, "a/a.env repaired (edited on disk)"},
		{"removed", func() error { return os.Remove(path) }, "a/a.env exported (was missing)"},
		{"directory removed", func() error { return os.RemoveAll(filepath.Dir(path)) }, "a/a.env exported (was missing)"},
		{"mode", func() error { return os.Chmod(path, 0o644) }, "a/a.env permissions (0644 → 0600)"},
		{"touched", func() error { return os.Chtimes(path, b.e.Now(), b.e.Now()) }, "a/a.env unchanged"},
		{"linked", func() error { return os.Link(path, path+".other") }, "a/a.env repaired (had another name: a hard link)"},
		{"symlink", func() error {
			victim := filepath.Join(b.dest, "victim")
			_ = os.WriteFile(victim, []byte("victim"), 0o600)
			_ = os.Remove(path)
			return os.Symlink(victim, path)
		}, "a/a.env repaired (was a symbolic link)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.do(); err != nil {
				t.Fatal(err)
			}
			if got, err := b.plan(); err != nil || got != c.want {
				t.Errorf("plan: %s, %v; want %s", got, err, c.want)
			}
			b.must(c.want)
			if got := b.file("a/a.env"); got != "K=1\nL=2\n" {
				t.Errorf("the file holds %q", got)
			}
			b.must("a/a.env unchanged")
			before := b.tree()
			b.must("a/a.env unchanged")
			if b.tree() != before {
				t.Error("the second run wrote something")
			}
		})
	}
	if got := b.file("victim"); got != "victim" {
		t.Errorf("the victim holds %q", got)
	}
}

// Changing the mode alone keeps inode and content.
func TestPermissionsAlone(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("a.env", stack("a"), "K=1")
	b.must("a/a.env exported")
	before, _ := os.Stat(filepath.Join(b.dest, "a/a.env"))
	b.req.Rules.Flags.Mode = "0640"
	b.vault.requests = 0
	b.must("a/a.env permissions (0600 → 0640)")
	after, _ := os.Stat(filepath.Join(b.dest, "a/a.env"))
	if !os.SameFile(before, after) || after.Mode() != 0o640 || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("mode %v, same file %v", after.Mode(), os.SameFile(before, after))
	}
	if dir, _ := os.Stat(filepath.Join(b.dest, "a")); dir.Mode().Perm() != 0o750 {
		t.Errorf("the directory has %v; want 0750", dir.Mode())
	}
	if n := b.vault.Requests(); n != 1 {
		t.Errorf("%d requests; want 1", n)
	}
	b.must("a/a.env unchanged")
}

func TestOwnSettings(t *testing.T) {
	b := newTestbed(t)
	id := b.vault.put("a.env", stack("a"), "K=a b")
	b.vault.edit(id, func(i *rinca.Item) {
		i.Sections = append(i.Sections, rinca.Section{ID: "s", Label: "rinca"})
		i.Fields = append(i.Fields,
			rinca.Field{ID: "m", SectionID: "s", Label: "mode", Value: rinca.NewSecret("0640")},
			rinca.Field{ID: "f", SectionID: "s", Label: "format", Value: rinca.NewSecret("raw")})
	})
	b.must("a/a.env exported")
	if got := b.file("a/a.env"); got != "K=a b\n" {
		t.Errorf("got %q", got)
	}
	if info, _ := os.Stat(filepath.Join(b.dest, "a/a.env")); info.Mode() != 0o640 {
		t.Errorf("mode %v", info.Mode())
	}
	b.vault.requests = 0
	b.must("a/a.env unchanged")
	if n := b.vault.Requests(); n != 1 {
		t.Errorf("%d requests; want 1: what the item asked for is remembered", n)
	}
	b.req.Rules.Stacks = map[string]StackSettings{"a": {Items: map[string]Settings{"a.env": {Format: "sh"}}}}
	b.must("a/a.env updated")
	if got := b.file("a/a.env"); got != "K='a b'\n" {
		t.Errorf("got %q", got)
	}
	b.vault.edit(id, func(i *rinca.Item) { i.Fields[1].Value = rinca.NewSecret("4777") })
	if _, err := b.export(); err == nil || !strings.Contains(err.Error(), "executable") {
		t.Errorf("a mode that executes: %v", err)
	}
}
