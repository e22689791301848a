package opcommand

import (
	"strings"
	"testing"
	"unicode/utf8"

	"rinca/internal/rinca"
)

func TestParseAssignment(t *testing.T) {
	type want struct {
		section, field, kind, value string
		hasValue                    bool
	}
	for in, w := range map[string]want{
		"K=V":                            {"", "K", "", "V", true},
		`K=a=b\c`:                        {"", "K", "", `a=b\c`, true},
		"s.K[text]=V":                    {"s", "K", "text", "V", true},
		"s.a.b=V":                        {"s", "a.b", "", "V", true},
		`a\.b=V`:                         {"", "a.b", "", "V", true},
		`a\=b=V`:                         {"", "a=b", "", "V", true},
		`a\\=V`:                          {"", `a\`, "", "V", true},
		`a\\.b=V`:                        {`a\`, "b", "", "V", true},
		`a\b=V`:                          {"", `a\b`, "", "V", true},
		`s\.t.K=V`:                       {"s.t", "K", "", "V", true},
		"K=":                             {"", "K", "", "", true},
		"K[delete]":                      {"", "K", "delete", "", false},
		"K[delete]=":                     {"", "K", "delete", "", true},
		"K[Password]":                    {"", "K", "password", "", false},
		"K[monthYear]=2024/01":           {"", "K", "monthyear", "2024/01", true},
		`name\.pem[file]=/tmp/x`:         {"", "name.pem", "file", "/tmp/x", true},
		"[file]=/tmp/x":                  {"", "", "file", "/tmp/x", true},
		"K=[delete]":                     {"", "K", "", "[delete]", true},
		"one-time password[otp]=otpauth": {"", "one-time password", "otp", "otpauth", true},
		"K=line one\nline two":           {"", "K", "", "line one\nline two", true},
	} {
		a, err := parseAssignment(in)
		got := want{a.section, a.field, a.kind, a.value.Reveal(), a.hasValue}
		if err != nil || got != w {
			t.Errorf("%q: %+v, %v; want %+v", in, got, err, w)
		}
	}
}

// Nothing of what is wrong is shown: it may be half a password that a shell
// has split.
func TestParseAssignmentRefuses(t *testing.T) {
	for _, in := range []string{
		"", "canary", "=canary", ".K=canary", "K[canary]=V", "K[canary]", "K[]=V", "K[]", "K[delete]=canary", "[text]=canary", "canary.x", `\`, "[file]=", "can[ary", "canary\xff=V",
	} {
		_, err := parseAssignments([]string{"A=1", in})
		if err == nil {
			t.Errorf("%q is taken", in)
		} else if text := err.Error(); strings.Contains(text, "canary") || !strings.HasPrefix(text, "invalid assignment statement, number 2: ") {
			t.Errorf("%q: %s", in, text)
		}
	}
}

// FuzzParseAssignment: the parser never panics, takes the value to the letter
// and shows it in no error, and what it read can be written again.
func FuzzParseAssignment(f *testing.F) {
	for _, s := range []string{"K=V", `a\.b[text]=V`, "s.f[delete]", "[file]=x", `\`, "[", "]=", "..=", `s\\.K=V`, "K[otp]=", "é.ü[url]=\xff"} {
		f.Add(s, "canary-value")
	}
	escape := strings.NewReplacer(`\`, `\\`, `.`, `\.`, `=`, `\=`)
	f.Fuzz(func(t *testing.T, name, value string) {
		if _, err := parseAssignments([]string{name + value}); err != nil && len(value) > 30 && strings.Contains(err.Error(), value) {
			t.Errorf("the error shows the argument: %v", err)
		}
		a, err := parseAssignment(escape.Replace(name) + "=" + value)
		if err != nil || a.kind != "" {
			return
		}
		if a.value.Reveal() != value || a.field != name {
			t.Errorf("%q=%q became %q=%q", name, value, a.field, a.value.Reveal())
		}
		if !utf8.ValidString(value) {
			if apply(&rinca.Item{}, []assignment{a}, false) == nil {
				t.Errorf("%q is taken, and no JSON can hold it", value)
			}
			return
		}
		it := rinca.Item{}
		if err := apply(&it, []assignment{a}, false); err != nil || len(it.Fields) != 1 || it.Fields[0].Label != name || it.Fields[0].Value.Reveal() != value {
			t.Errorf("%q=%q made %+v, %v", name, value, it.Fields, err)
		}
	})
}
