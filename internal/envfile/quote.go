package envfile

import (
	"strings"
	"unicode/utf8"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// A Dialect says how a value, or a whole file, was written in the end, and
// with that who reads it exactly.
type Dialect string

// The dialects, from the one that everybody reads.
const (
	// Bare is text without quotes or escapes: every reader agrees on it.
	Bare Dialect = "bare"
	// Quoted is text that Compose and a POSIX shell read alike.
	Quoted Dialect = "quoted"
	// ComposeOnly is text that a shell would misread.
	ComposeOnly Dialect = "compose"
	// ShOnly is text that Compose would misread or refuse.
	ShOnly Dialect = "sh"
	// RawOnly is text that only readers without quoting get right.
	RawOnly Dialect = "raw"
)

// bare is what every reader takes as it is. No space, no tilde, none of
// $ \ ' " ` ; & | < > ( ), nothing outside ASCII: old shells take some
// non-ASCII bytes for blanks.
var bare = lazyregexp.New(`^[A-Za-z0-9_./:@%+=,^!#*?{}\[\]-]*$`)

// maxRawLine is the longest line, without its newline, that Docker's reader
// takes.
const maxRawLine = 65535

// IsBare reports whether a value is written without quotes, so that every
// reader gets it right. It does not look at the length; see Report.Universal.
func IsBare(value string) bool { return bare.MatchString(value) }

// Quote returns what to write after "KEY=" so that the readers of format get
// exactly value. When they cannot, it returns an error with code Invalid that
// says why, never the value, and hints at the formats that can.
func Quote(value string, format Format) (string, error) {
	text, _, no := encode(value, format)
	if no == "" {
		return text, nil
	}
	return "", rinca.Errorf(rinca.Invalid, "the value %s", no).Try("%s", tryFormats(carriers(value)))
}

// encode is Quote with the dialect that was chosen; no is why it refused.
func encode(value string, format Format) (text string, d Dialect, no string) {
	if strings.ContainsRune(value, 0) {
		return "", "", "holds a NUL byte, which no environment can carry"
	}
	if format == Raw {
		return encodeRaw(value)
	}
	if IsBare(value) {
		return value, Bare, ""
	}
	if !strings.Contains(value, "'") && !strings.HasSuffix(value, `\`) {
		return "'" + value + "'", Quoted, ""
	}
	double := `"` + doubleEscapes.Replace(value) + `"`
	if !strings.Contains(value, "`") {
		return double, Quoted, ""
	}
	// A backtick cannot stand in single quotes next to what those cannot
	// hold, and in double quotes the two readers disagree about it.
	switch format {
	case Compose:
		return double, ComposeOnly, ""
	case Sh:
		return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'", ShOnly, ""
	}
	if strings.Contains(value, "'") {
		return "", "", "holds a backtick and a single quote, which Compose and sh read differently however it is quoted"
	}
	return "", "", "holds a backtick and ends in a backslash, which Compose and sh read differently however it is quoted"
}

var doubleEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`)

func encodeRaw(value string) (text string, d Dialect, no string) {
	switch {
	case strings.Contains(value, "\n"):
		no = "holds a newline, and raw files have one line per variable"
	case strings.HasSuffix(value, "\r"):
		no = "ends in a carriage return, which raw readers cut off"
	case !utf8.ValidString(value):
		no = "is not valid UTF-8, which raw readers refuse"
	case len(value) > maxRawLine-len("A="):
		no = "is longer than the 65,535 bytes of a line that raw readers take"
	case IsBare(value):
		return value, Bare, ""
	default:
		return value, RawOnly, ""
	}
	return "", "", no
}

// carriers lists the formats that can write value.
func carriers(value string) []Format {
	var can []Format
	for _, f := range Formats() {
		if _, _, no := encode(value, f); no == "" {
			can = append(can, f)
		}
	}
	return can
}

func tryFormats(can []Format) string {
	if len(can) == 0 {
		return "store it in another form, such as base64 or hex"
	}
	names := make([]string, len(can))
	for i, f := range can {
		names[i] = "--format " + string(f)
	}
	return strings.Join(names, " or ")
}
