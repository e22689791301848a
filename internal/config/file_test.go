package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
)

func TestReadFile(t *testing.T) {
	home := t.TempDir()
	c := Config{Home: home}
	if f, err := c.ReadFile(); err != nil || f.Export.Stack != nil {
		t.Errorf("no file: %+v, %v", f, err)
	}
	text := `
[export]
mode = "0600"
[export.stack.authentik]
mode = "0640"
group = "1000"
[export.stack.authentik.item."postgres.env"]
owner = "postgres"
format = "raw"
`
	if err := os.WriteFile(filepath.Join(home, "rinca.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := c.ReadFile()
	want := File{Export{
		ExportSettings: ExportSettings{Mode: "0600"},
		Stack: map[string]ExportStack{"authentik": {
			ExportSettings: ExportSettings{Mode: "0640", Group: "1000"},
			Item:           map[string]ExportSettings{"postgres.env": {Owner: "postgres", Format: "raw"}},
		}},
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	c.File = filepath.Join(home, "missing.toml")
	if _, err := c.ReadFile(); rinca.CodeOf(err) != rinca.Usage {
		t.Errorf("a named file that is missing: %v", err)
	}
}

func TestFileErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"[export]\nmod = \"0600\"\n":                   "f:2:1: unknown key export.mod",
		"[export.stack.a]\nmode=\"0600\"\n[exprt]\n":   "f:3:2: unknown key exprt",
		"[export.stack.a]\nmode = 640\n":               "f:2:8: export.stack.a.mode takes text",
		"[export]\nmode = \"0600\"\nmode = \"0640\"\n": "f:3:1: ",
		"[export\n":         "f:1:8: this is not TOML",
		"token = \"hunter2": "f:1:16: this is not TOML",
		"[export.stack.a.item.b]\nmode=\"0600\"\nx={y=1}\n[a.b]\n[c]\nd=1": "f:3:1: unknown key export.stack.a.item.b.x\nf:4:",
	} {
		_, err := parseFile("f", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || rinca.CodeOf(err) != rinca.Usage {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error quotes the file: %v", err)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add([]byte("[export]\nmode = \"0600\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := parseFile("f", data); err != nil && rinca.CodeOf(err) != rinca.Usage {
			t.Errorf("%v", err)
		}
	})
}
