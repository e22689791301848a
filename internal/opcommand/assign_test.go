package opcommand

import (
	"strings"
	"testing"
)

func TestParseAssignment(t *testing.T) {
	for in, want := range map[string]assignment{
		"K=V":                            {field: "K", value: "V", hasValue: true},
		`K=a=b\c`:                        {field: "K", value: `a=b\c`, hasValue: true},
		"s.K[text]=V":                    {section: "s", field: "K", kind: "text", value: "V", hasValue: true},
		`a\.b=V`:                         {field: "a.b", value: "V", hasValue: true},
		`a\=b=V`:                         {field: "a=b", value: "V", hasValue: true},
		`s\.t.K=V`:                       {section: "s.t", field: "K", value: "V", hasValue: true},
		"K=":                             {field: "K", hasValue: true},
		"K[delete]":                      {field: "K", kind: "delete"},
		"K[Password]":                    {field: "K", kind: "password"},
		`name\.pem[file]=/tmp/x`:         {field: "name.pem", kind: "file", value: "/tmp/x", hasValue: true},
		"[file]=/tmp/x":                  {kind: "file", value: "/tmp/x", hasValue: true},
		"K=[delete]":                     {field: "K", value: "[delete]", hasValue: true},
		"one-time password[otp]=otpauth": {field: "one-time password", kind: "otp", value: "otpauth", hasValue: true},
	} {
		got, err := parseAssignment(in)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "K", "=V", ".K=V", "K[colour]=V", "K[delete]=V", "[text]=V"} {
		if a, err := parseAssignment(in); err == nil {
			t.Errorf("%q: %+v", in, a)
		}
	}
}

// The parser never panics, takes the value to the letter, and its errors do
// not hold it.
func FuzzParseAssignment(f *testing.F) {
	for _, s := range []string{"K=V", `a\.b[text]=V`, "s.f[delete]", "[file]=x", `\`, "[", "]=", "..=", `s\\.K=V`} {
		f.Add(s, "canary-value")
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		if strings.ContainsAny(name, `=\`) {
			_, _ = parseAssignment(name)
			return
		}
		a, err := parseAssignment(name + "=" + value)
		if err != nil {
			if len(value) > 8 && strings.Contains(err.Error(), value) && !strings.Contains(name, value) {
				t.Errorf("the error holds the value: %v", err)
			}
			return
		}
		if a.value != value {
			t.Errorf("%q became %q", value, a.value)
		}
	})
}
