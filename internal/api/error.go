package api

import (
	"context"
	"errors"
	"net/http"

	"rinca/internal/rinca"
)

// statuses are the HTTP statuses of our codes. A code that is not here is 500.
func statuses() map[rinca.Code]int {
	return map[rinca.Code]int{
		rinca.Invalid:         http.StatusBadRequest,
		rinca.Usage:           http.StatusBadRequest,
		rinca.NotFound:        http.StatusNotFound,
		rinca.Conflict:        http.StatusConflict,
		rinca.Unauthenticated: http.StatusUnauthorized,
		rinca.Forbidden:       http.StatusForbidden,
		rinca.RateLimited:     http.StatusTooManyRequests,
		rinca.Unavailable:     http.StatusServiceUnavailable,
		rinca.Canceled:        499, // the client has gone, as nginx says it
		rinca.Changes:         http.StatusConflict,
		rinca.Destination:     http.StatusInternalServerError,
		rinca.Corrupt:         http.StatusInternalServerError,
		rinca.Partial:         http.StatusInternalServerError,
		rinca.Internal:        http.StatusInternalServerError,
	}
}

// statusError is an error whose status is not that of its code.
type statusError struct {
	status int
	err    *rinca.Error
}

func (e statusError) Error() string { return e.err.Error() }
func (e statusError) Unwrap() error { return e.err }

// An errorJSON is the body of an answer that is no success.
type errorJSON struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Code    rinca.Code `json:"code"`
	Message string     `json:"message"`
	Hint    string     `json:"hint,omitempty"`
}

// failure is the one place that turns errors into answers. What nobody
// classified stays in the log.
func (s *Server) failure(r *request, err error) (int, errorJSON) {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, errorJSON{errorBody{rinca.Invalid, "the body of the request is too large", ""}}
	}
	code := rinca.CodeOf(err)
	if code == rinca.Internal && errors.Is(err, context.Canceled) {
		code = rinca.Canceled
	}
	status, ok := statuses()[code]
	if !ok {
		status = http.StatusInternalServerError
	}
	if e, ok := errors.AsType[statusError](err); ok {
		status = e.status
	}
	if _, classified := errors.AsType[*rinca.Error](err); !classified || code == rinca.Internal {
		message := "something went wrong inside the server; request " + r.id
		if code == rinca.Canceled {
			message = "canceled"
		} else {
			s.cfg.Log.Error("request failed", "request", r.id, "error", s.mask(err.Error()))
		}
		return status, errorJSON{errorBody{code, message, "the server's log says more, under that request"}}
	}
	if status >= 500 {
		s.cfg.Log.Warn("request failed", "request", r.id, "code", string(code), "error", s.mask(err.Error()), "cause", s.mask(causes(err)))
	}
	return status, errorJSON{errorBody{code, s.mask(err.Error()), s.mask(rinca.HintOf(err))}}
}

// causes returns the text of what is behind an error, for the log.
func causes(err error) string {
	text := ""
	for err = errors.Unwrap(err); err != nil; err = errors.Unwrap(err) {
		text = err.Error()
	}
	return text
}

// missing is the answer about a resource that does not exist, or whose
// existence is not the caller's business: the same for both.
func missing(t rinca.Target) error {
	words := map[rinca.Kind][2]string{
		rinca.KindStack:      {"stack", "rinca stack list"},
		rinca.KindServer:     {"server", "rinca server list"},
		rinca.KindVariable:   {"variable", "rinca variable list"},
		rinca.KindGitAccount: {"Git account", "rinca git account list"},
		rinca.KindAlerter:    {"alerter", "rinca alerter list"},
	}
	w, ok := words[t.Kind]
	if !ok {
		return rinca.Errorf(rinca.NotFound, "there is no such thing")
	}
	return rinca.Errorf(rinca.NotFound, "there is no %s %q", w[0], cut(t.Name)).Try("%s", w[1])
}

// denied says which level a request lacks.
func denied(t rinca.Target, level rinca.Level) error {
	if t.Kind == rinca.KindSystem {
		return rinca.Errorf(rinca.Forbidden, "this is for administrators")
	}
	return rinca.Errorf(rinca.Forbidden, "this needs the level %s on %s %q", level, t.Kind, cut(t.Name)).Try("an administrator can say why, and grant it: rinca user explain NAME %s RESOURCE", t.Kind)
}

// cut bounds what is repeated of a request.
func cut(s string) string {
	if len(s) > 130 {
		return s[:130] + "…"
	}
	return s
}
