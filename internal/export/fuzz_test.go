package export

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// Whatever is in a journal that our key signed, it names nothing outside its
// stack.
func FuzzReadJournal(f *testing.F) {
	f.Add([]byte(`{"format":1,"units":[{"stack":"s","moves":[{"title":"a.env","temp":".a.env.0123456789abcdef.tmp","entry":{}}]}]}`))
	f.Add([]byte(`{"format":1,"units":[{"stack":"..","moves":[{"title":"../a.env","temp":"/etc/passwd"}]}]}`))
	k := newKey()
	f.Fuzz(func(t *testing.T, body []byte) {
		j, ok := readJournal(append(append(body, '\n'), k.mac("journal", body)+"\n"...), k)
		if !ok {
			return
		}
		for _, u := range j.Units {
			for _, m := range u.Moves {
				for _, base := range []string{m.Title, m.Temp, m.Backup} {
					if name := u.name(base); base != "" && (!filepath.IsLocal(name) || strings.Count(name, "/") != 1) {
						t.Errorf("a journal names %q", name)
					}
				}
			}
		}
	})
}

// A manifest is read or refused, never half believed.
func FuzzLoadManifest(f *testing.F) {
	f.Add([]byte(`{"format":1,"vaults":{},"files":{"s/a.env":{"digest":"x"}}}`), true)
	f.Add([]byte(`{"format":2}`), true)
	f.Add([]byte(`{"format":1,"files":null}`), true)
	f.Add([]byte("junk"), false)
	k := newKey()
	f.Fuzz(func(t *testing.T, body []byte, signed bool) {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		_ = root.Mkdir(stateDir, 0o700)
		if signed {
			body = append(append(body, '\n'), k.mac("manifest", body)+"\n"...)
		}
		if err := root.WriteFile(manifestFile, body, 0o600); err != nil {
			t.Fatal(err)
		}
		m, why, err := loadManifest(root, k)
		if err != nil || m == nil || m.Files == nil || m.Vaults == nil {
			t.Errorf("%v, %v, %v", m, why, err)
		}
		if !signed && why == nil {
			t.Error("a manifest that nobody signed is believed")
		}
	})
}

func FuzzParseMode(f *testing.F) {
	for _, s := range []string{"0640", "640", "0o600", "4755", "rw", "-1", "0777"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMode(s)
		if err == nil && (m&^0o664 != 0 || m&0o400 == 0) {
			t.Errorf("%q is %v", s, m)
		}
	})
}

func FuzzParseStacks(f *testing.F) {
	f.Add("authentik restic")
	f.Add("../x")
	f.Fuzz(func(t *testing.T, s string) {
		stacks, err := ParseStacks(s)
		for _, name := range stacks {
			if err == nil && (!rinca.ValidStackName(name) || !filepath.IsLocal(name)) {
				t.Errorf("%q names the stack %q", s, name)
			}
		}
	})
}
