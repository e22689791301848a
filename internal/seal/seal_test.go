package seal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/seal"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newKeyFile(t *testing.T, passphrase string) (seal.Source, *seal.Ring) {
	t.Helper()
	src := seal.Source{Path: filepath.Join(t.TempDir(), "rinca.key")}
	if passphrase != "" {
		src.Passphrase = func() (rinca.Secret, error) { return rinca.NewSecret(passphrase), nil }
	}
	ring, err := seal.Create(src.Path, rinca.NewSecret(passphrase), now)
	if err != nil {
		t.Fatal(err)
	}
	return src, ring
}

// A record opens in its place alone, and no changed bit goes unnoticed.
func TestSealedRecord(t *testing.T) {
	_, ring := newKeyFile(t, "")
	plain := []byte("hunter2")
	sealed, err := ring.Seal("item a|1", plain)
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed) != len(plain)+seal.Overhead || bytes.Contains(sealed, plain) {
		t.Errorf("%d bytes for %d", len(sealed), len(plain))
	}
	if got, err := ring.Open("item a|1", sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ring.Open("item a|2", sealed); err == nil {
		t.Error("opens in another place")
	}
	for i := range sealed {
		for bit := range 8 {
			sealed[i] ^= 1 << bit
			if _, err := ring.Open("item a|1", sealed); err == nil {
				t.Errorf("byte %d, bit %d: not noticed", i, bit)
			}
			sealed[i] ^= 1 << bit
		}
	}
	for n := range sealed {
		if _, err := ring.Open("item a|1", sealed[:n]); err == nil {
			t.Errorf("%d bytes of it open", n)
		}
	}
}

func TestKeyFile(t *testing.T) {
	for _, passphrase := range []string{"", "correct horse"} {
		t.Run(fmt.Sprintf("passphrase %t", passphrase != ""), func(t *testing.T) {
			src, ring := newKeyFile(t, passphrase)
			if _, err := seal.Create(src.Path, rinca.Secret{}, now); rinca.CodeOf(err) != rinca.Conflict {
				t.Errorf("created twice: %v", err)
			}
			again, err := seal.Open(src)
			if err != nil || again.Current() != ring.Current() || again.Digest("p", []byte("x")) != ring.Digest("p", []byte("x")) {
				t.Fatalf("read again: %v", err)
			}
			data, err := os.ReadFile(src.Path)
			if err != nil || (passphrase != "" && bytes.Contains(data, []byte(`"keys"`))) {
				t.Errorf("%s, %v", data, err)
			}
			// Any damage is noticed, and named as the key file's.
			for i := 0; i < len(data); i += 7 {
				damaged := bytes.Clone(data)
				damaged[i] ^= 0x10
				if err := os.WriteFile(src.Path, damaged, 0o600); err != nil {
					t.Fatal(err)
				}
				if r, err := seal.Open(src); err == nil && r.Current() != ring.Current() {
					t.Errorf("byte %d: another key, and no error", i)
				} else if err == nil && !bytes.Equal(bytes.TrimSpace(damaged), bytes.TrimSpace(data)) && r.Digest("p") != ring.Digest("p") {
					t.Errorf("byte %d: another ring, and no error", i)
				} else if err != nil && !strings.Contains(err.Error(), src.Path) {
					t.Errorf("byte %d: %v", i, err)
				}
			}
		})
	}
}

func TestKeyFileRefusals(t *testing.T) {
	src, _ := newKeyFile(t, "correct horse")
	for name, c := range map[string]struct {
		ask  func() (rinca.Secret, error)
		code rinca.Code
	}{
		"no passphrase":    {nil, rinca.Unauthenticated},
		"empty passphrase": {func() (rinca.Secret, error) { return rinca.NewSecret(""), nil }, rinca.Unauthenticated},
		"wrong passphrase": {func() (rinca.Secret, error) { return rinca.NewSecret("battery"), nil }, rinca.Unauthenticated},
	} {
		if _, err := seal.Open(seal.Source{Path: src.Path, Passphrase: c.ask}); rinca.CodeOf(err) != c.code || strings.Contains(err.Error(), "battery") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Chmod(src.Path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Open(src); rinca.CodeOf(err) != rinca.Unauthenticated || rinca.HintOf(err) != "chmod 0600 "+src.Path {
		t.Errorf("a key that others can read: %v", err)
	}
	if _, err := seal.Open(seal.Source{Path: src.Path + "x"}); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("no key file: %v", err)
	}
}

// The digest of a value survives rotation, differs between purposes and
// between rings, and does not depend on where one part ends.
func TestDigest(t *testing.T) {
	src, ring := newKeyFile(t, "")
	_, other := newKeyFile(t, "")
	a := ring.Digest("p", []byte("ab"), []byte("c"))
	if a == ring.Digest("p", []byte("a"), []byte("bc")) || a == ring.Digest("q", []byte("ab"), []byte("c")) || a == other.Digest("p", []byte("ab"), []byte("c")) {
		t.Error("digests that should differ are equal")
	}
	next, err := seal.Rotate(src, now, func(*seal.Ring) error { return nil })
	if err != nil || next.Current() == ring.Current() || next.Digest("p", []byte("ab"), []byte("c")) != a || next.Len() != 1 {
		t.Errorf("after rotation: %v", err)
	}
}

// The service manager's credential comes before the file, and is not
// replaced.
func TestCredential(t *testing.T) {
	src, _ := newKeyFile(t, "")
	cred, ring := newKeyFile(t, "")
	if err := os.Chmod(cred.Path, 0o440); err != nil { // as systemd makes it
		t.Fatal(err)
	}
	src.Credential = cred.Path
	got, err := seal.Open(src)
	if err != nil || got.Current() != ring.Current() {
		t.Fatalf("%v", err)
	}
	if _, err := seal.Rotate(src, now, func(*seal.Ring) error { return nil }); rinca.CodeOf(err) != rinca.Conflict {
		t.Errorf("rotated a credential: %v", err)
	}
}

func TestRingDoesNotPrint(t *testing.T) {
	src, ring := newKeyFile(t, "")
	data, err := os.ReadFile(src.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		out := fmt.Sprintf(verb, ring)
		if len(out) > 80 || strings.Contains(string(data), strings.TrimPrefix(out, "seal.Ring(")) {
			t.Errorf("%s prints %q", verb, out)
		}
	}
}

// Whatever stands in a key file or a record, opening it never panics.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	ring, err := seal.Create(filepath.Join(dir, "rinca.key"), rinca.Secret{}, now)
	if err != nil {
		f.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(dir, "rinca.key"))
	if err != nil {
		f.Fatal(err)
	}
	record, err := ring.Seal("c", []byte("x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key, record)
	f.Add([]byte(`{"format":"rinca-key/1","kdf":{"name":"argon2id","time":1,"memory":8,"threads":1,"salt":"AAAAAAAAAAA="},"box":"AAAA","sum":""}`), []byte{1})
	f.Fuzz(func(t *testing.T, key, record []byte) {
		path := filepath.Join(t.TempDir(), "k")
		if err := os.WriteFile(path, key, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = seal.Open(seal.Source{Path: path})
		if got, err := ring.Open("c", record); err == nil && string(got) != "x" {
			t.Errorf("another record opens: %q", got)
		}
	})
}
