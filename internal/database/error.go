package database

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"rinca/internal/rinca"
)

// Error turns SQLite's failures with the database at path into ours; other
// errors stay.
func Error(path string, err error) error {
	var failure *sqlite.Error
	if err == nil || !errors.As(err, &failure) {
		return err
	}
	switch failure.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return rinca.Errorf(rinca.Unavailable, "another process holds %s", path).Because(err).Try("wait for it, then repeat")
	case sqlite3.SQLITE_FULL:
		return rinca.Errorf(rinca.Destination, "the disk of %s is full; nothing was changed", path).Because(err).Try("df -h %s", path)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return rinca.Errorf(rinca.Destination, "%s, or its directory, cannot be written", path).Because(err).
			Try("ls -ld %s*   # who owns it, and who are you", path)
	case sqlite3.SQLITE_IOERR:
		return rinca.Errorf(rinca.Unavailable, "the disk of %s fails: %s", path, strings.TrimSpace(failure.Error())).Because(err)
	case sqlite3.SQLITE_INTERRUPT:
		return context.Canceled
	}
	// What remains are statements that were right when they were written, so
	// the database is not what it was: malformed, not a database, no such table.
	return Corrupt(path, "%s", failure.Error())
}

// Corrupt is the one error for damage: it names the database and the place.
func Corrupt(path, format string, args ...any) error {
	what := rinca.Errorf(rinca.Corrupt, format, args...)
	hint := "rinca vault check; then put back a backup: rinca restore FILE"
	if filepath.Base(path) == ServerName { // nothing else is to be learned of it
		hint = "put back a backup: rinca restore FILE"
	}
	return rinca.Errorf(rinca.Corrupt, "%s is damaged: %s", path, what.Message).Because(what).Try("%s", hint)
}
