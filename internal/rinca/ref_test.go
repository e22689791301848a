package rinca

import (
	"strings"
	"testing"
)

// TestParseSecretRefTable holds the grammar: what the official validator
// accepts and refuses, except where ours is wider on purpose (attr, the
// attributes of files and fields) or stricter (empty names never resolve).
func TestParseSecretRefTable(t *testing.T) {
	const few, many = "too few '/'", "too many '/'"
	const char, prefix = "invalid character in secret reference: ", "not prefixed with"
	for _, tt := range []struct{ in, err string }{
		{"op://v/i/f", ""},
		{"op://v/i/s/f", ""},
		{"op://my vault/my item/my field", ""},
		{"op://v/i/f ", ""},
		{"op://v/i/add more/F_1.x-y", ""},
		{"op://v/i/f?attribute=otp", ""},
		{"op://v/i/f?attr=otp", ""},
		{"op://v/i/f?attribute=type", ""},
		{"op://v/i/ca.pem?attribute=content", ""},
		{"op://v/i/ca.pem?attr=size", ""},
		{"op://v/i/private key?ssh-format=openssh", ""},

		{"", prefix},
		{"OP://v/i/f", prefix},
		{" op://v/i/f", prefix},
		{"v/i/f", prefix},
		{"op:/v/i/f", prefix},
		{"op://", few},
		{"op://v", few},
		{"op://v/i", few},
		{"op://v/i?attribute=otp", few},
		{"op://v/i/s/f/x", many},
		{"op:///i/f", "the name of the vault is empty"},
		{"op://v//f", "the name of the item is empty"},
		{"op://v/i/", "the name of the field is empty"},
		{"op://v/i//f", "the name of the section is empty"},
		{"op://v/ /f", "the name of the item is empty"},
		{"op://v/i/f!", char + "'!'"},
		{"op://v/i/it's", char + `'\''`},
		{"op://v/i/f:x", char + "':'"},
		{"op://v/i/a@b", char + "'@'"},
		{"op://v/i/é", char + "'é'"},
		{"op://v/i/a+b", char + "'+'"},
		{"op://v/i/a%20b", char + "'%'"},
		{"op://v/i/#f", char + "'#'"},
		{"op://v/i/(f)", char + "'('"},
		{"op://v/i/f\nx", char + `'\n'`},
		{"op://v/i/f\x00", char + `'\x00'`},
		{"op://v/i/\xff", char + `'\xff'`},
		{"op://v/i/f?attribute=bogus", "invalid query parameter value"},
		{"op://v/i/f?attribute=", "invalid query parameter value"},
		{"op://v/i/f?ssh-format=rsa", "invalid query parameter value"},
		{"op://v/i/f?x=y", "invalid query parameter key"},
		{"op://v/i/f?", "invalid query parameter key"},
		{"op://v/i/f?attribute=otp&attribute=otp", "more than one query parameter"},
		{"op://v/i/f?attribute=otp?attr=otp", "more than one query parameter"},
	} {
		ref, err := ParseSecretRef(tt.in)
		switch {
		case tt.err == "" && err != nil:
			t.Errorf("%q: %v", tt.in, err)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%q: got error %v, want %q", tt.in, err, tt.err)
		case err != nil && CodeOf(err) != Invalid:
			t.Errorf("%q: code %s", tt.in, CodeOf(err))
		case err == nil:
			if again, err := ParseSecretRef(ref.String()); err != nil || again != ref {
				t.Errorf("%q: prints as %q, which parses to %+v, %v", tt.in, ref, again, err)
			}
		}
	}
}

// TestParseSecretRefWords: the messages that scripts match on.
func TestParseSecretRefWords(t *testing.T) {
	for in, want := range map[string]string{
		"op://E/N":         "invalid secret reference 'op://E/N': too few '/': secret references should have at least vault, item and field specified",
		"op://a/b/c/d/e":   "invalid secret reference 'op://a/b/c/d/e': too many '/': secret references should match op://<vault>/<item>[/<section>]/<field>",
		"op://a/b (x)/key": "invalid secret reference 'op://a/b (x)/key': invalid character in secret reference: '('",
	} {
		if _, err := ParseSecretRef(in); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// TestParseSecretRefHidesWhatIsNoReference: a password passed in place of a
// reference is not repeated in the error.
func TestParseSecretRefHidesWhatIsNoReference(t *testing.T) {
	_, err := ParseSecretRef("hunter2-secret")
	if err == nil || strings.Contains(err.Error()+HintOf(err), "hunter2") {
		t.Errorf("error shows the text: %v", err)
	}
}

func FuzzParseSecretRef(f *testing.F) {
	for _, s := range []string{"op://v/i/f", "op://v/i/s/f?attr=otp", "op:///i/f", "op://v/i/f?ssh-format=openssh", "OP://v", "op://v/i/é\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := ParseSecretRef(s)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x00") || len(err.Error()) > 1000 {
				t.Errorf("message is not one short line: %q", err)
			}
			return
		}
		again, err := ParseSecretRef(ref.String())
		if err != nil || again != ref {
			t.Errorf("%q → %q → %+v, %v", s, ref, again, err)
		}
	})
}
