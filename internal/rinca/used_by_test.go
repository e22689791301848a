package rinca_test

import (
	"strings"
	"testing"

	"rinca/internal/rinca"
)

func TestParseThing(t *testing.T) {
	for s, want := range map[string]rinca.Thing{
		"op://homelab/postgres.env":             {Vault: "homelab", Item: "postgres.env"},
		"op://homelab/postgres.env/":            {Vault: "homelab", Item: "postgres.env"},
		"op://homelab/postgres.env/KEY":         {Vault: "homelab", Item: "postgres.env", Field: "KEY"},
		"op://homelab/postgres.env/section/KEY": {Vault: "homelab", Item: "postgres.env", Field: "KEY"},
		"postgres.env":                          {Name: "postgres.env"},
		"  SMTP_TOKEN ":                         {Name: "SMTP_TOKEN"},
		"Größe & mehr":                          {Name: "Größe & mehr"},
	} {
		if got, err := rinca.ParseThing(s); err != nil || got != want {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", " ", "op://", "op://v", "op://v/", "op:///i", "op:// /i", "op://a/b/c/d/e", "op://v/i/f?x=y", "a\nb", "\x1b[31m", strings.Repeat("x", 1001)} {
		if got, err := rinca.ParseThing(s); rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
}

func FuzzParseThing(f *testing.F) {
	f.Add("op://homelab/postgres.env/KEY")
	f.Add("SMTP_TOKEN")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := rinca.ParseThing(s)
		if err != nil {
			if rinca.CodeOf(err) != rinca.Invalid || got != (rinca.Thing{}) {
				t.Errorf("%q: %+v, %v", s, got, err)
			}
			return
		}
		if (got.Name == "") == (got.Item == "") || got.Item != "" && got.Vault == "" {
			t.Errorf("%q: %+v", s, got)
		}
	})
}
