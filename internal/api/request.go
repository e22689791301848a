package api

import (
	"net/http"
	"strconv"

	"rinca/internal/rinca"
)

// A request is what a handler gets. Who may call the handler has been
// checked, and the body is decoded.
type request struct {
	*http.Request
	id     string          // in the log, and in the answer as X-Request-Id
	who    *rinca.Identity // nil on routes that anyone may use
	token  rinca.Secret    // the credential that came with the request, if any
	remote string          // the client's address, behind trusted proxies too
	target rinca.Target    // what the route is about
	grant  rinca.Grant     // what the caller may do with it
	data   []byte          // of the body, as it came
	body   any             // a pointer to a fresh value of the route's in
	header http.Header     // of the answer

	// For the audit log, beside the route's action and target.
	actor  string // in place of the caller's name, on routes that anyone may use
	detail string // never a value

	served bool // the handler was called
	// What the check has read.
	variable   *rinca.Variable
	rotation   rinca.Rotation // whole
	quarantine rinca.Quarantine
}

// body returns the decoded body of a request to a route whose in is a T.
func body[T any](r *request) *T { return r.body.(*T) } //nolint:errcheck,forcetypeassert // the table makes it so

// user returns the name of the caller, or "".
func (r *request) user() string {
	if r.who == nil {
		return ""
	}
	return r.who.User.Name
}

// may reports whether the caller has a level on a resource.
func (r *request) may(t rinca.Target, level rinca.Level) bool {
	return on(r.who, t).Level >= level
}

// number reads a parameter of the query between 0 and limit.
func (r *request) number(name string, usual, limit int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > limit {
		return 0, rinca.Errorf(rinca.Invalid, "%s is no number from 0 to %d", name, limit)
	}
	return n, nil
}

// flag reads a parameter of the query that is true or false.
func (r *request) flag(name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, rinca.Errorf(rinca.Invalid, "%s is neither true nor false", name)
	}
	return b, nil
}

// Answers that are not simply JSON. A handler may return one of them in place
// of a value of the route's out.

// raw is an answer in some other form.
type raw struct {
	contentType string
	data        []byte
}

// redirect sends a browser elsewhere.
type redirect struct{ url string }

// stream is an answer of server-sent events: the function writes them until
// the context of the request ends.
type stream func(*sse) error

// A secretText is a value in the body of a request: it does not print, and
// is not part of any answer. null is the same as leaving it out.
type secretText struct{ rinca.Secret }
