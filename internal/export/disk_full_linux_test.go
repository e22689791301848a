package export

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// On a small file system that is full nothing is lost, and when there is room
// again all is well.
func TestDiskFull(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	b := newTestbed(t)
	b.dest = filepath.Join(dir, "secrets")
	b.req.Dest = b.dest
	small := strings.Repeat("v", 1000)
	for i := range 10 {
		b.vault.put(fmt.Sprintf("f%d.env", i), stack("s"), "K="+small)
	}
	if _, err := b.export(); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		b.vault.put(fmt.Sprintf("f%d.env", i), stack("s"), "K="+strings.Repeat("y", 40_000))
	}
	b.wantDestination("no space left on device")
	for i := range 10 {
		if got := b.file(fmt.Sprintf("s/f%d.env", i)); got != "K="+small+"\n" {
			t.Errorf("file %d was changed", i)
		}
	}
	b.noTemps()
	for i := range 10 {
		b.vault.put(fmt.Sprintf("f%d.env", i), stack("s"), "K="+strings.Repeat("z", 2000))
	}
	if _, err := b.export(); err != nil {
		t.Error(err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=256k"); err != nil {
		t.Skipf("cannot be mounted for reading only: %v", err)
	}
	b.vault.put("f0.env", stack("s"), "K=new")
	b.wantDestination("read-only file system")
	if got, err := b.plan(); err != nil || !strings.HasPrefix(got, "s/f0.env updated; s/f1.env unchanged") {
		t.Errorf("a plan there: %s, %v", got, err)
	}
}
