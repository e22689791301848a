package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/generate"
	"rinca/internal/lint"
	"rinca/internal/rinca"
)

func field(label, value string) rinca.Field {
	return rinca.Field{ID: "f-" + label, Label: label, Type: rinca.TypeConcealed, Value: rinca.NewSecret(value)}
}

func item(id, title, tags string, fields ...rinca.Field) rinca.Item {
	return rinca.Item{Info: rinca.Info{ID: id, Title: title, Tags: strings.Fields(tags)}, Fields: fields}
}

// found is what Check says, one line a finding.
func found(items ...rinca.Item) []string {
	var lines []string
	for _, f := range lint.Check(items) {
		line := fmt.Sprintf("%s %s %s", f.Item, f.Rule, f.Key)
		for _, o := range f.Others {
			line += " " + o.Item + "/" + o.Key
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

const strong = "kX9-vT2m_Qp7wZ4sLr8n"

func TestCheck(t *testing.T) {
	notes := rinca.Field{ID: "notesPlain", Purpose: rinca.PurposeNotes, Label: "notes of mine", Value: rinca.NewSecret("REPLACE_ME")}
	own := rinca.Field{SectionID: "s", Label: "mode", Value: rinca.NewSecret("0640")}
	clean := item("clean", "clean.env", "stack:c mine", field("A_TOKEN", strong+"1"), field("EMPTY", ""), notes, own)
	clean.Sections = []rinca.Section{{ID: "s", Label: "Rinca"}}
	for _, c := range []struct {
		name  string
		items []rinca.Item
		want  []string
	}{
		{"nothing", nil, nil},
		{"clean", []rinca.Item{clean}, nil},
		{"not an env item", []rinca.Item{item("a", "Router", "stack:x", field("A B", "REPLACE_ME"))}, nil},
		{"placeholder", []rinca.Item{item("a", "a.env", "stack:x", field("K", "REPLACE_ME"), field("L", "${X}"))}, []string{"a placeholder K", "a unexpanded L"}},
		{"names", []rinca.Item{item("a", "a.env", "stack:x", field("A B", "v"), field("1X", "v"), field("", "v"), field("", ""))}, []string{"a illegal-name A B", "a illegal-name 1X", "a illegal-name f-"}},
		{"labels", []rinca.Item{item("a", "a.env", "stack:x", field("K", "1"), field("K", "2"), field("K", "3"))}, []string{"a duplicate-label K"}},
		{"titles", []rinca.Item{item("a", "a.env", "stack:x stack:y"), item("b", "A.env", "stack:y"), item("c", "a.env", "stack:z")}, []string{"a duplicate-title  b/", "b duplicate-title  a/"}},
		{"traversal", []rinca.Item{item("a", "../a.env", "stack:x"), item("b", "a/b.env", "stack:x"), item("c", ".env", "stack:x")}, []string{"a illegal-title", "b illegal-title", "c illegal-title"}},
		{"tags", []rinca.Item{item("a", "a.env", "stacks:x"), item("b", "b.env", "stack:../x")}, []string{"a untagged", "b illegal-stack"}},
		{"unwritable", []rinca.Item{item("a", "a.env", "stack:x", field("K", "a'`"), field("L", "\x00"))}, []string{"a unwritable K", "a unwritable L"}},
		{
			"identical",
			[]rinca.Item{item("a", "a.env", "stack:x", field("K", strong)), item("b", "b.env", "stack:x", field("L", strong)), item("c", "c.env", "stack:y", field("M", strong), field("N", "short"), field("O", "true")), item("d", "d.env", "stack:z", field("N", "short"))},
			[]string{"a identical K c/M", "b identical L c/M", "c identical M a/K b/L"},
		},
	} {
		if diff := cmp.Diff(c.want, found(c.items...)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestWeak(t *testing.T) {
	weak := func(key, value string) bool {
		it := item("a", "nextcloud.env", "stack:cloudstack", field(key, value), rinca.Field{Label: "DB_USER", Type: rinca.TypeString, Value: rinca.NewSecret("webmaster")})
		return len(found(it)) > 0
	}
	for _, v := range []string{"hunter2", "admin", "Passw0rd", "password123", "123456789012", "changeme!!!!!!", "aaaaaaaaaaaaaaaa", "abcdefghijklmnop", "1234567890123456", "cloudstack2024", "nextcloud!!!!!", "webmaster123456", "abababababab", "Summer2024!!!!"} {
		if !weak("DB_PASSWORD", v) {
			t.Errorf("%q passes", v)
		}
	}
	for key, v := range map[string]string{
		"DB_PASSWORD": strong, "DB_HOST": "db", "USE_SECRET": "true", "SECRET_FILE": "/run/x", "SECRET_PATH": "a", "TOKEN_URL": "http://x", "DEVICE_PIN": "1234", "TOKEN_TTL": "60",
		"PASSPHRASE": "correct horse battery staple", "API_KEY": "AKIAIOSFODNN7ABCDEFG", "UNRELATED": "abc", "EMPTY_PASSWORD": "", "ACCESS_KEY": "https://x.lan/y",
	} {
		if weak(key, v) {
			t.Errorf("%s=%q is called weak", key, v)
		}
	}
}

// What our own recipes make is never called weak.
func TestGeneratedValuesAreNotWeak(t *testing.T) {
	for _, recipe := range []string{"generate:12", "generate:32", "generate:16:symbols", "hex:8", "hex:32", "base64:9", "base64url:16", "uuid", "words:4"} {
		spec, err := generate.Parse(recipe)
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			v, err := spec.Make(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := found(item("a", "a.env", "stack:x", field("A_TOKEN", v.Reveal()))); got != nil {
				t.Errorf("%s: %q: %v", recipe, v.Reveal(), got)
			}
		}
	}
}

// Findings never hold a value.
func TestFindingsHoldNoValue(t *testing.T) {
	items := []rinca.Item{
		item("a", "a.env", "stack:x", field("A_TOKEN", "hunter2"), field("B C", "hunter2"), field("K", "hunter2'`"), field("S", "hunter2hunter2")),
		item("b", "b.env", "stack:y", field("S", "hunter2hunter2"), field("P", "<hunter2>")),
	}
	findings := lint.Check(items)
	if len(findings) != 6 || strings.Contains(fmt.Sprintf("%+v", findings), "hunter2") {
		t.Errorf("%d findings: %+v", len(findings), findings)
	}
}
