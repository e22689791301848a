package rinca

import (
	"slices"
	"strings"
	"testing"
)

func TestSelection(t *testing.T) {
	names := []string{"db", "media-a", "media-b", "web", "web.2"}
	for _, c := range []struct{ text, want, bad string }{
		{"", "db media-a media-b web web.2", ""},
		{"*", "db media-a media-b web web.2", ""},
		{"web", "web", ""},
		{"web,", "web", ""},
		{"media-*, db", "db media-a media-b", ""},
		{"db\n  # the others, for later: web\nweb # this one\n", "db web", ""},
		{"# nothing but a comment", "db media-a media-b web web.2", ""},
		{`\^media-(a|b),?$\, db`, "db media-a media-b", ""},
		{"web??", "web.2", ""},
		{"[a", "", "no pattern"},
		{"../web", "", "no pattern"},
		{`\^web`, "", "no regular expression"},
		{`\(\`, "", "no regular expression"},
		{`\\`, "", "no regular expression"},
		{strings.Repeat("a,", 20_000), "", "more than"},
	} {
		s, err := ParseSelection(c.text)
		if (err != nil) != (c.bad != "") || err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		var got []string
		for _, n := range names {
			if err == nil && s.Matches(n) {
				got = append(got, n)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q chooses %v", c.text, got)
		}
	}
}

// What is written is read as the same, and is no name.
func FuzzSelection(f *testing.F) {
	for _, text := range []string{"", "web", `\a,b\, c*`, "a # b\nc", "é,ß"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSelection(text)
		if err != nil {
			if CodeOf(err) != Invalid {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, err := ParseSelection(s.String())
		if err != nil || ValidStackName(s.String()) || !slices.Equal(s.Exact, again.Exact) || s.Matches("web") != again.Matches("web") || s.String() != again.String() {
			t.Errorf("%q becomes %q (%v)", text, s, err)
		}
	})
}
