package opcommand

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// A failure is an error in op's own words, which programs compare. It is
// printed as it is, and may have several lines.
type failure struct{ text string }

func (f *failure) Error() string { return f.text }

func fail(format string, args ...any) error { return &failure{fmt.Sprintf(format, args...)} }

// within puts op's words before an error that is told in its own.
type within struct {
	prefix string
	err    error
}

func (w *within) Error() string { return w.prefix + describe(w.err) }

func (w *within) Unwrap() error { return w.err }

// usageError is a command line that cannot be understood: the usage follows.
type usageError struct{ error }

func (u *usageError) Unwrap() error { return u.error }

// A Status is the exit status of a child process that becomes ours.
type Status int //nolint:errname // not a failure of ours

// Error returns "exit status".
func (s Status) Error() string { return "exit status" }

// statusLine is what op prints for such an answer of its server; what we know
// of the reason follows in parentheses.
func statusLine(code rinca.Code) string {
	switch code {
	case rinca.Unauthenticated:
		return "You are not currently signed in. Please run `op signin --help` for instructions"
	case rinca.Forbidden:
		return "(403) Forbidden: You aren't authorized to access this resource."
	case rinca.NotFound:
		return "(404) Not Found: The requested resource was not found."
	case rinca.RateLimited:
		return "(429) Too Many Requests: You've reached the maximum number of this type of requests this service account is allowed to make."
	}
	return ""
}

// describe is the text of an error, on one line unless op's own has more.
func describe(err error) string {
	if w, ok := err.(*within); ok { //nolint:errorlint // the outermost decides
		return w.Error()
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f.text
	}
	text := withHint(err)
	if line := statusLine(rinca.CodeOf(err)); line != "" {
		text = line + " (" + text + ")"
	}
	return oneLine(text)
}

// withHint is an error of ours and what to do about it.
func withHint(err error) string {
	if hint := rinca.HintOf(err); hint != "" {
		return err.Error() + "; try: " + hint
	}
	return err.Error()
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

var serverStatus = lazyregexp.New(`^\(\d{3}\) `)

// exitStatus is 4 for an answer of the server that is told with its status,
// else 1.
func exitStatus(message string) int {
	if serverStatus.MatchString(message) {
		return 4
	}
	return 1
}

// maxInput bounds what is read from a file or from standard input.
const maxInput = 64 << 20

// readAll reads the whole input, or is an error: half a document is never
// stored.
func readAll(r io.Reader, what string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, fail("could not read %s: %v", what, err)
	}
	if len(data) > maxInput {
		return nil, fail("could not read %s: it has more than %d MiB", what, maxInput>>20)
	}
	return data, nil
}
