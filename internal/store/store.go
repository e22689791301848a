// Package store is the server's database: one SQLite file in the home with
// every resource, user, session, execution, event and audit entry. What a row
// says is sealed; names, ids, states and times, which are in the clear so that
// rows can be found, are authenticated with it.
package store

import (
	"time"

	"rinca/internal/seal"
)

// DatabaseName is the name of the database in a home.
const DatabaseName = "rinca.db"

// Config says where the database is and how it is unlocked.
type Config struct {
	Dir string // the home
	// Keys is where the key is; its Path may be empty, for rinca.key in Dir.
	Keys seal.Source
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// A DB is an open database. It is safe for use by several goroutines, and
// several processes may have it open at once.
//
// What the slices and maps of returned resources point to is shared with
// other callers: replace them, do not write into them.
type DB struct {
	cfg Config
}
