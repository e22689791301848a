package rinca

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// RefScheme starts every secret reference. It is lower case only.
const RefScheme = "op://"

// A SecretRef names one value in a vault:
// op://vault/item/[section/]field[?attribute=…]. The first four hold names
// or ids as they were written; names are compared without regard to case.
//
// A SecretRef is comparable, and is a map key in every result.
type SecretRef struct {
	Vault   string
	Item    string
	Section string // "" when the reference has three segments
	Field   string // a field's label or id, or the name of a file
	// Attribute is what to read of it: "" for the value or content, else one
	// of value, type, id, purpose, otp (fields), content, size, name (files).
	Attribute string
	// SSHFormat is "" or "openssh": the form of a private key.
	SSHFormat string
}

// refAttributes lists the attributes of fields and files.
var refAttributes = []string{"value", "type", "id", "purpose", "otp", "content", "size", "name"}

// String returns the reference in its canonical form, which parses to the
// same SecretRef.
func (r SecretRef) String() string {
	var b strings.Builder
	b.WriteString(RefScheme + r.Vault + "/" + r.Item + "/")
	if r.Section != "" {
		b.WriteString(r.Section + "/")
	}
	b.WriteString(r.Field)
	switch {
	case r.Attribute != "":
		b.WriteString("?attribute=" + r.Attribute)
	case r.SSHFormat != "":
		b.WriteString("?ssh-format=" + r.SSHFormat)
	}
	return b.String()
}

// IsSecretRef reports whether s claims to be a secret reference: it starts
// with op://. ParseSecretRef says whether it is a valid one.
func IsSecretRef(s string) bool { return strings.HasPrefix(s, RefScheme) }

// ParseSecretRef reads a reference. The error has the code Invalid and the
// words of op; it quotes the text only if it starts with op://, since any
// other text may be a secret that was passed by mistake.
func ParseSecretRef(s string) (SecretRef, error) {
	rest, ok := strings.CutPrefix(s, RefScheme)
	if !ok {
		return SecretRef{}, Errorf(Invalid, `invalid secret reference: secret reference is not prefixed with "op://"`).
			Try("write it as op://<vault>/<item>[/<section>]/<field>")
	}
	path, query, hasQuery := strings.Cut(rest, "?")
	if c, bad := badRefRune(path); bad {
		return SecretRef{}, refError(s, "invalid character in secret reference: %s", c).
			Try("use the id of a vault, item, section or field whose name has other characters than letters, digits, - _ . and spaces")
	}
	segments := strings.Split(path, "/")
	if len(segments) < 3 {
		return SecretRef{}, refError(s, "too few '/': secret references should have at least vault, item and field specified")
	}
	if len(segments) > 4 {
		return SecretRef{}, refError(s, "too many '/': secret references should match op://<vault>/<item>[/<section>]/<field>")
	}
	r := SecretRef{Vault: segments[0], Item: segments[1], Field: segments[len(segments)-1]}
	names := []string{"vault", "item", "field"}
	if len(segments) == 4 {
		r.Section = segments[2]
		names = []string{"vault", "item", "section", "field"}
	}
	for i, segment := range segments {
		if strings.TrimSpace(segment) == "" {
			return SecretRef{}, refError(s, "the name of the %s is empty", names[i])
		}
	}
	if hasQuery {
		if err := r.parseQuery(s, query); err != nil {
			return SecretRef{}, err
		}
	}
	return r, nil
}

// parseQuery reads the one parameter that a reference may have.
func (r *SecretRef) parseQuery(s, query string) error {
	if strings.ContainsAny(query, "&?") {
		return refError(s, "more than one query parameter")
	}
	key, value, _ := strings.Cut(query, "=")
	switch key {
	case "attribute", "attr":
		for _, a := range refAttributes {
			if value == a {
				r.Attribute = a
				return nil
			}
		}
		return refError(s, "invalid query parameter value").
			Try("use one of attribute=%s", strings.Join(refAttributes, ", "))
	case "ssh-format":
		if value != "openssh" {
			return refError(s, "invalid query parameter value").Try("use ssh-format=openssh")
		}
		r.SSHFormat = value
		return nil
	}
	return refError(s, "invalid query parameter key").Try("use attribute=… or ssh-format=openssh")
}

// badRefRune returns the first character that may not stand in the path of a
// reference, quoted for a message.
func badRefRune(path string) (string, bool) {
	for i, c := range path {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '-', c == '_', c == '.', c == '/', c == ' ', c == '\t':
		case c == utf8.RuneError && !strings.HasPrefix(path[i:], string(utf8.RuneError)):
			return fmt.Sprintf("'\\x%02x'", path[i]), true
		default:
			return fmt.Sprintf("%q", c), true
		}
	}
	return "", false
}

// refError is an Invalid error in op's words. A very long text is cut: it is
// most likely not a reference at all.
func refError(s, format string, args ...any) *Error {
	const most = 300
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return Errorf(Invalid, "invalid secret reference '%s': %s", printable(s), fmt.Sprintf(format, args...))
}

// printable replaces control characters, so that a message stays one line.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '\uFFFD'
		}
		return c
	}, s)
}
