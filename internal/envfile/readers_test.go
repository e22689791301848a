package envfile_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/pkg/kvfile"

	"rinca/internal/envfile"
)

// A reader is a program, or its parser, that reads env files for real.
// It returns the values of keys.
type reader func(t *testing.T, file []byte, keys []string) []string

// readers lists what each dialect promises to be read by.
func readers(t *testing.T, d envfile.Dialect) map[string]reader {
	t.Helper()
	list := map[string]reader{}
	if d == envfile.Bare || d == envfile.Quoted || d == envfile.ComposeOnly {
		list["compose-go"] = readCompose
		list["our own"] = readOurs
	}
	if d == envfile.Bare || d == envfile.RawOnly {
		list["docker kvfile"] = readRaw
	}
	if d == envfile.Bare || d == envfile.Quoted || d == envfile.ShOnly {
		for _, sh := range []string{"sh", "bash", "bash --posix", "dash", "busybox ash"} {
			argv := strings.Fields(sh)
			if _, err := exec.LookPath(argv[0]); err == nil {
				list[sh] = shell(argv)
			}
		}
	}
	return list
}

func readCompose(t *testing.T, file []byte, keys []string) []string {
	t.Helper()
	m, err := dotenv.ParseWithLookup(bytes.NewReader(file), func(string) (string, bool) { return "FROM-ELSEWHERE", true })
	if err != nil {
		t.Fatalf("compose-go: %v", err)
	}
	return pick(t, m, keys)
}

func readOurs(t *testing.T, file []byte, keys []string) []string {
	t.Helper()
	entries, err := envfile.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, e := range entries {
		if len(e.Refs) > 0 || e.Comment != "" || e.Trailing != "" || e.Optional {
			t.Errorf("%s: read with references %q, comments %q %q", e.Key, e.Refs, e.Comment, e.Trailing)
		}
		m[e.Key] = e.Value.Reveal()
	}
	return pick(t, m, keys)
}

func readRaw(t *testing.T, file []byte, keys []string) []string {
	t.Helper()
	lines, err := kvfile.ParseFromReader(bytes.NewReader(file), nil)
	if err != nil {
		t.Fatalf("kvfile: %v", err)
	}
	m := map[string]string{}
	for _, l := range lines {
		k, v, _ := strings.Cut(l, "=")
		m[k] = v
	}
	return pick(t, m, keys)
}

func pick(t *testing.T, m map[string]string, keys []string) []string {
	t.Helper()
	if len(m) != len(keys) {
		t.Errorf("%d variables read, %d written", len(m), len(keys))
	}
	values := make([]string, len(keys))
	for i, k := range keys {
		values[i] = m[k]
	}
	return values
}

// shell sources the file, and prints every variable, in one process.
func shell(argv []string) reader {
	return func(t *testing.T, file []byte, keys []string) []string {
		t.Helper()
		name := filepath.Join(t.TempDir(), "t.env")
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		var script strings.Builder
		fmt.Fprintf(&script, ". '%s'\nprintf '%%s\\0'", name)
		for _, k := range keys {
			script.WriteString(` "$` + k + `"`)
		}
		cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
		cmd.Env = []string{"HOME=/somewhere", "PATH=/nowhere"}
		cmd.Stdin = strings.NewReader(script.String() + "\n")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil || errs.Len() > 0 {
			t.Fatalf("%v: %v: %.300s", argv, err, errs.String())
		}
		values := strings.Split(strings.TrimSuffix(out.String(), "\x00"), "\x00")
		if len(values) != len(keys) {
			t.Fatalf("%v: %d values for %d keys", argv, len(values), len(keys))
		}
		return values
	}
}
