package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// longest is the length of a value that is looked for in every encoding; a
// longer one is a file, which nobody puts into a URL or on a command line.
const longest = 64 << 10

// forms returns every text that means the value: itself and its encodings;
// for a value of several lines, those lines too, since logs print them apart.
// The result may repeat itself.
func forms(value string) []string {
	out := whole(value)
	if trimmed := strings.TrimSpace(value); trimmed != value {
		out = append(out, whole(trimmed)...)
	}
	if !strings.ContainsAny(value, "\r\n") {
		return out
	}
	for line := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == '\n' || c == '\r' }) {
		line = strings.TrimSpace(line)
		// The frame of a PEM file is no secret, and short lines are brackets.
		if len(line) < 6 || strings.HasPrefix(line, "-----") || Unmaskable(line) != "" {
			continue
		}
		out = append(out, line)
		out = append(out, escaped(line)...)
	}
	return out
}

// whole returns a value and its encodings.
func whole(value string) []string {
	out := append([]string{value}, escaped(value)...)
	out = append(out, hexForms(value)...)
	return append(out, base64Forms(value)...)
}

// escaped returns the value as programs and people quote it: in JSON, in
// URLs, in shells, in HTML.
func escaped(value string) []string {
	out := []string{jsonForm(value, false), jsonForm(value, true)}
	out = append(out, jsonForm(out[0], false), jsonForm(out[1], true)) // JSON in a string of JSON
	if len(value) > longest {
		return out
	}
	ascii := asciiJSON(out[0])
	out = append(out, ascii, strings.ReplaceAll(out[0], "/", `\/`), strings.ReplaceAll(ascii, "/", `\/`))
	quoted := strconv.Quote(value)
	out = append(out, quoted[1:len(quoted)-1], html.EscapeString(value))
	out = append(out, strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;").Replace(value))
	out = append(out, shellForms(value)...)
	// What is not escaped, besides letters, digits and -_.~ : a query, what
	// JavaScript leaves, a path, what Python leaves.
	for _, safe := range []string{"", "!'()*", "!$&'()*+,;=:@", "$&+=:@", "/"} {
		form := percent(value, safe)
		out = append(out, form, strings.ReplaceAll(form, "%20", "+"), lowerPercent(form))
	}
	return out
}

func jsonForm(value string, htmlSafe bool) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(htmlSafe)
	if enc.Encode(value) != nil {
		return value
	}
	s := strings.TrimSuffix(b.String(), "\n")
	return s[1 : len(s)-1]
}

// asciiJSON escapes what is not ASCII too, as Python and PHP do.
func asciiJSON(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c < utf8.RuneSelf:
			b.WriteRune(c)
		case c > 0xffff:
			hi, lo := utf16.EncodeRune(c)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}

// shellForms returns the value within '…', "…" and $'…', and with a backslash
// before every special character.
func shellForms(value string) []string {
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		if c >= ' ' && c < utf8.RuneSelf && !isAlnum(c) && strings.IndexByte("-_./:@%+=,", c) < 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return []string{
		strings.ReplaceAll(value, "'", `'\''`),
		strings.ReplaceAll(value, "'", `'"'"'`),
		strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(value),
		strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(value),
		b.String(),
	}
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func percent(value, safe string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		if isAlnum(c) || strings.IndexByte("-_.~", c) >= 0 || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}

func lowerPercent(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(s[i+1:i+3]))
			i += 2
		}
	}
	return string(b)
}

func hexForms(value string) []string {
	lower := hex.EncodeToString([]byte(value))
	out := []string{lower, strings.ToUpper(lower)}
	return append(out, wrapped(lower, 60)...) // as xxd -p prints it
}

// base64Forms returns what the value looks like within base64, wherever its
// first byte stands among the groups of three: the characters that are its
// own, and those up to the end, if it is the last. The characters that it
// shares with its neighbours would be different each time.
func base64Forms(value string) []string {
	var out []string
	for lead := range 3 {
		padded := base64.StdEncoding.EncodeToString([]byte("\x00\x00"[:lead] + value))
		first := (lead*8 + 5) / 6
		last := (lead + len(value)) * 8 / 6
		raw := strings.TrimRight(padded, "=")
		for _, end := range []int{last, len(raw), len(padded)} {
			if end-first >= shortest {
				out = append(out, padded[first:end])
			}
		}
		if lead == 0 {
			for _, width := range []int{64, 76} { // openssl and PEM; base64 and MIME
				out = append(out, wrapped(padded, width)...)
				out = append(out, wrapped(padded[:last], width)...)
			}
		}
	}
	for _, s := range out {
		if strings.ContainsAny(s, "+/") {
			out = append(out, strings.NewReplacer("+", "-", "/", "_").Replace(s))
		}
	}
	return out
}

// wrapped returns the lines of s as a tool prints them that wraps; none when
// s fits on one line.
func wrapped(s string, width int) []string {
	if len(s) <= width {
		return nil
	}
	var out []string
	for len(s) > width {
		out = append(out, s[:width])
		s = s[width:]
	}
	if len(s) >= 2*shortest {
		return append(out, s)
	}
	// A short rest would make the search slow, and stand in other text too;
	// together with the line before, it does neither.
	before := out[len(out)-1]
	return append(out, before+"\n"+s, before+"\r\n"+s)
}
