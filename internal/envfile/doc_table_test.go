package envfile_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/pkg/kvfile"
)

// The table "Who reads what" of docs/reference/env-files.md is what the
// readers do.
func TestDocumentedTable(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "env-files.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| Line | Compose | raw | sh |")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(strings.TrimSpace(table), "\n")[1:]
	if len(rows) < 25 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		if len(cells) != 4 {
			t.Errorf("%d cells: %s", len(cells), row)
			continue
		}
		line := cell(cells[0])
		key := regexp.MustCompile(`^(?:export )?([^=: ]+)`).FindStringSubmatch(line)[1]
		for i, read := range []func(*testing.T, string, string) (string, error){documentedCompose, documentedRaw, documentedSh} {
			want := cells[i+1]
			got, err := read(t, line+"\n", key)
			switch {
			case err != nil && want != "error":
				t.Errorf("%s: column %d: %v", cells[0], i+1, err)
			case err == nil && (want == "error" || got != cell(want)):
				t.Errorf("%s: column %d says %s, it is %q", cells[0], i+1, want, got)
			}
		}
	}
}

// cell is the text that a cell of the table means.
func cell(s string) string {
	if s == "(empty)" {
		return ""
	}
	marks := len(s) - len(strings.TrimLeft(s, "`"))
	return strings.NewReplacer("␠", " ", "⏎", "\n", "␍", "\r").Replace(s[marks : len(s)-marks])
}

func documentedCompose(_ *testing.T, file, key string) (string, error) {
	m, err := dotenv.ParseWithLookup(strings.NewReader(file), func(k string) (string, bool) { return "home", k == "H" })
	return m[key], err
}

func documentedRaw(_ *testing.T, file, key string) (string, error) {
	lines, err := kvfile.ParseFromReader(strings.NewReader(file), nil)
	if err != nil {
		return "", err
	}
	for _, l := range lines {
		if v, ok := strings.CutPrefix(l, key+"="); ok {
			return v, nil
		}
	}
	return "", fmt.Errorf("no variable")
}

func documentedSh(t *testing.T, file, key string) (string, error) {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	name := filepath.Join(t.TempDir(), "t.env")
	if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
		return "", err
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), sh, "-c", `. "$0"; printf %s "$A"`, name)
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{"H=home", "HOME=/root", "PATH=/nowhere"}, &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		return "", fmt.Errorf("status %d: %s", cmd.ProcessState.ExitCode(), errs.String())
	}
	return out.String(), nil
}
