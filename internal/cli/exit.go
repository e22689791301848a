package cli

import (
	"context"
	"errors"
	"os/exec"
	"strings"

	"rinca/internal/rinca"
)

// The exit statuses; docs/reference/exit-codes.md is printed from this list.
const (
	exitOK              = 0
	exitFailed          = 1
	exitChanges         = 2
	exitUnauthenticated = 3
	exitNotFound        = 4
	exitDestination     = 5
	exitUsage           = 64
	exitInterrupted     = 130
)

// exitMeanings lists the statuses for the reference.
func exitMeanings() []struct {
	status  int
	meaning string
} {
	return []struct {
		status  int
		meaning string
	}{
		{exitOK, "everything was done, or nothing had to be"},
		{exitFailed, "some or all of it failed; each failure was printed"},
		{exitChanges, "a plan found something that would change"},
		{exitUnauthenticated, "not authenticated, or not allowed: a token is missing, invalid, expired or lacks the right"},
		{exitNotFound, "a vault, an item, a stack or a field was not found"},
		{exitDestination, "the destination cannot be written as asked"},
		{exitUsage, "the command line could not be understood"},
		{exitInterrupted, "interrupted"},
	}
}

// reported wraps an error whose text the command has already printed.
type reported struct{ error }

func (r *reported) Unwrap() error { return r.error }

// exitStatus is the status of a child process that becomes our own.
type exitStatus int //nolint:errname // a status of the child, not a failure of ours

func (e exitStatus) Error() string { return "exit status" }

// exitCode maps an error to the status of the process: the one place where
// this is decided.
func exitCode(err error) int {
	var status exitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	var child *exec.ExitError
	if errors.As(err, &child) {
		return child.ExitCode()
	}
	switch rinca.CodeOf(err) {
	case "":
		return exitOK
	case rinca.Changes:
		return exitChanges
	case rinca.Unauthenticated, rinca.Forbidden:
		return exitUnauthenticated
	case rinca.NotFound:
		return exitNotFound
	case rinca.Destination:
		return exitDestination
	case rinca.Usage:
		return exitUsage
	case rinca.Canceled:
		return exitInterrupted
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	// cobra has no type for these.
	if s := err.Error(); strings.HasPrefix(s, "unknown command") || strings.Contains(s, "arg(s), ") || strings.HasPrefix(s, "if any flags in the group") {
		return exitUsage
	}
	return exitFailed
}
