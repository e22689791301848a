package rinca

import (
	"context"
	"errors"
	"fmt"
)

// A Code says what kind of failure an Error is. It decides the exit status,
// the HTTP status, and whether trying again can help.
type Code string

// The codes, from the most to the least specific cause.
const (
	// Internal is a failure nobody classified; its text is for the log.
	Internal Code = "internal"
	// Invalid is input that can never work as it is.
	Invalid Code = "invalid"
	// Usage is a command line that cannot be understood.
	Usage Code = "usage"
	// NotFound is a vault, item, field or file that does not exist, or that
	// this credential cannot see.
	NotFound Code = "not_found"
	// Conflict is a state that contradicts the request: it exists already,
	// several match, somebody else changed it first.
	Conflict Code = "conflict"
	// Unauthenticated is a missing, malformed, expired or revoked credential.
	Unauthenticated Code = "unauthenticated"
	// Forbidden is a valid credential without the right to do this.
	Forbidden Code = "forbidden"
	// RateLimited is a request refused because there were too many.
	RateLimited Code = "rate_limited"
	// Unavailable is a service that did not answer as it should: down, slow,
	// cut off, a 5xx. The same request may work later.
	Unavailable Code = "unavailable"
	// Destination is a place to write that cannot be written as asked.
	Destination Code = "destination"
	// Corrupt is stored data that fails its authentication or its form.
	Corrupt Code = "corrupt"
	// Partial is some things done and some failed; each has been reported.
	Partial Code = "partial"
	// Changes is not a failure: a plan found something that would change.
	Changes Code = "changes"
	// Canceled is work stopped because its caller asked for that.
	Canceled Code = "canceled"
)

// An Error is a failure for a person to read: what failed, and what to do
// next. Message and Hint never hold a secret. The cause is for logs.
type Error struct {
	Code    Code
	Message string // what failed and where, without "failed to" or "error:"
	Hint    string // what to do next, often a command; may be empty
	cause   error
}

// Errorf makes an Error; the text may wrap a cause with %w.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...) //nolint:err113 // this is the constructor
	return &Error{Code: code, Message: err.Error(), cause: errors.Unwrap(err)}
}

// Try adds the hint: what to do next.
func (e *Error) Try(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Because adds a cause that is for the log and not for the message.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf returns the code of the first Error in err's chain, and "" for nil.
// Without one it is Internal; Canceled for context.Canceled.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if errors.Is(err, context.Canceled) { // of a library that was told to stop
		return Canceled
	}
	return Internal
}

// HintOf returns the first hint in err's chain, or "".
func HintOf(err error) string {
	for err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.cause
	}
	return ""
}
