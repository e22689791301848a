package export

import (
	"path/filepath"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// What is held keeps its file exactly as it is, costs no fetch, and is noticed
// when it is let go although the vault has not moved.
func TestHeldItemsKeepTheirFiles(t *testing.T) {
	b := newTestbed(t)
	id := b.vault.put("a.env", stack("s"), "K=one")
	b.vault.put("b.env", stack("s"), "K=one")
	b.must("s/a.env exported; s/b.env exported")
	quarantine := int64(0)
	b.req.Hold = func(v rinca.Vault, i rinca.Info) string {
		if v.ID == "" || i.ID == id && i.Version <= quarantine {
			return "version in quarantine"
		}
		return ""
	}
	b.must("s/a.env unchanged; s/b.env unchanged")

	b.vault.edit(id, func(i *rinca.Item) { i.Fields[0].Value = rinca.NewSecret("bad") })
	b.must("s/a.env updated; s/b.env unchanged")
	quarantine = b.version(id)
	b.putBack("s/a.env", "K=one\n")
	before := b.tree()
	b.vault.requests = 0
	b.must("s/a.env unchanged; s/b.env unchanged")
	b.must("s/a.env unchanged; s/b.env unchanged")
	if n := b.vault.Requests(); n != 2 {
		t.Errorf("two exports of a held item cost %d requests; want 2", n)
	}
	if after := b.tree(); after != before {
		t.Errorf("a held item was written:\n%s\n%s", before, after)
	}

	quarantine = 0 // released: the vault has not moved, and nobody edited the file
	b.must("s/a.env updated; s/b.env unchanged")
	if got := b.file("s/a.env"); got != "K=bad\n" {
		t.Errorf("released, and the file has %q", got)
	}

	quarantine = b.version(id)
	b.putBack("s/a.env", "K=one\n")
	b.must("s/a.env unchanged; s/b.env unchanged")
	b.vault.edit(id, func(i *rinca.Item) { i.Fields[0].Value = rinca.NewSecret("mended") })
	b.must("s/a.env updated; s/b.env unchanged")
	if got := b.file("s/a.env"); got != "K=mended\n" {
		t.Errorf("a newer version is not held, and the file has %q", got)
	}
}

// What was put back is what Rinca wrote, also while the vault is out of reach;
// an edit of it is an edit. It does not wait for an export that hangs.
func TestPutBack(t *testing.T) {
	b := newTestbed(t)
	id := b.vault.put("a.env", stack("s"), "K=one")
	b.must("s/a.env exported")
	b.vault.edit(id, func(i *rinca.Item) { i.Fields[0].Value = rinca.NewSecret("bad") })
	b.must("s/a.env updated")
	b.putBack("s/a.env", "K=one\n")
	b.req.Offline, b.vault.fail = true, func(string) error { return rinca.Errorf(rinca.Unavailable, "no answer") }
	p, err := b.e.Export(t.Context(), b.req)
	if err != nil || p.Stacks[0].Err != nil {
		t.Errorf("the vault is out of reach, and a file that was put back is not taken for ours: %v %+v", err, p)
	}
	b.req.Offline, b.vault.fail = false, nil
	b.write("s/a.env", "K=two\n")
	b.must("s/a.env updated (edited on disk)")

	d, err := openDest(b.dest, false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	held, err := d.lock(t.Context(), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	b.e.Wait = 0
	b.putBack("s/a.env", "K=one\n")
}

// The tag holds an item from inside the vault. One without a file has nothing
// to hold.
func TestHoldTag(t *testing.T) {
	b := newTestbed(t)
	id := b.vault.put("a.env", append(stack("s"), rinca.HoldTag), "K=one")
	b.must("s/a.env exported")
	b.vault.edit(id, func(i *rinca.Item) { i.Fields[0].Value = rinca.NewSecret("two") })
	b.must("s/a.env unchanged")
	b.write("s/a.env", "K=by hand\n")
	b.must("s/a.env unchanged")
	p, err := b.e.Plan(t.Context(), b.req)
	if err != nil || !strings.Contains(p.Stacks[0].Files[0].Held, rinca.HoldTag) {
		t.Errorf("the plan does not say why: %+v %v", p.Stacks[0].Files, err)
	}
	b.vault.edit(id, func(i *rinca.Item) { i.Tags = stack("s") })
	b.must("s/a.env updated (edited on disk)")
	if got := b.file("s/a.env"); got != "K=two\n" {
		t.Errorf("the file has %q", got)
	}
}

// putBack does what a rollback does.
func (b *testbed) putBack(name, content string) {
	b.Helper()
	err := b.e.PutBack(b.Context(), []Saved{{Path: filepath.Join(b.dest, name), Data: []byte(content), Mode: 0o600, UID: -1, GID: -1}})
	if err != nil {
		b.Fatal(err)
	}
	if got := b.file(name); got != content {
		b.Errorf("%s was put back, and has %q", name, got)
	}
}

func (b *testbed) version(id string) int64 {
	b.Helper()
	for _, i := range b.vault.items {
		if i.ID == id {
			return i.Version
		}
	}
	b.Fatal("no such item")
	return 0
}
