package rinca

import (
	"regexp"
	"strings"
	"testing"
)

// Names are what these regular expressions say.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "a", "A.b", "-a", "a b", "a\n", "é", "a/b", "x@y+z", "_a", "0", "a..b", "\xff", "Wiki", "[", "`", "{", "@", "tag,", strings.Repeat("ab", 64), strings.Repeat("a", 129), strings.Repeat("é", 100), strings.Repeat("é", 101), strings.Repeat("v", 501)} {
		f.Add(s)
	}
	user := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$`)
	variable := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,499}$`)
	stack := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	project := regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	tag := regexp.MustCompile(`^[^\s,"'\\]{1,100}$`)
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range []struct {
			what      string
			got, want bool
		}{
			{"user", ValidUserName(s), user.MatchString(s)},
			{"variable", ValidVariableName(s), variable.MatchString(s)},
			{"stack", ValidStackName(s), stack.MatchString(s) && !strings.Contains(s, "..")},
			{"project", validProjectName(s), project.MatchString(s)},
			{"tag", validTag(s), tag.MatchString(s)},
		} {
			if c.got != c.want {
				t.Errorf("%s %q: %v", c.what, s, c.got)
			}
		}
	})
}
