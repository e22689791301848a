package store

import (
	"context"
	"database/sql"

	"rinca/internal/database"
	"rinca/internal/seal"
)

// migrations in order; see database.File. Every table has a rowid, by which
// its records are re-wrapped.
func migrations() []string {
	return []string{
		`CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), kid TEXT NOT NULL, sealed BLOB NOT NULL);
		 CREATE TABLE heads (family TEXT PRIMARY KEY, rev INTEGER NOT NULL, sealed BLOB NOT NULL);
		 CREATE TABLE resources (family TEXT NOT NULL, name TEXT NOT NULL, rev INTEGER NOT NULL, body BLOB NOT NULL,
			PRIMARY KEY (family, name));
		 CREATE INDEX resources_by_rev ON resources (family, rev);
		 CREATE TABLE versions (variable TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
			PRIMARY KEY (variable, version));
		 CREATE TABLE used (family TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (family, name));
		 CREATE TABLE sessions (id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, user TEXT NOT NULL, expires INTEGER NOT NULL,
			used INTEGER NOT NULL, body BLOB NOT NULL);
		 CREATE INDEX sessions_by_user ON sessions (user);
		 CREATE INDEX sessions_by_expiry ON sessions (expires);
		 CREATE TABLE marks (stack TEXT PRIMARY KEY, body BLOB NOT NULL, bundle BLOB NOT NULL);
		 CREATE TABLE updates (id TEXT PRIMARY KEY, state TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
			operator TEXT NOT NULL, parent TEXT NOT NULL, ended INTEGER NOT NULL, idempotency BLOB UNIQUE, body BLOB NOT NULL);
		 CREATE INDEX updates_by_target ON updates (kind, name, id);
		 CREATE INDEX updates_by_state ON updates (state, id);
		 CREATE INDEX updates_by_operator ON updates (operator, id);
		 CREATE INDEX updates_by_parent ON updates (parent, id) WHERE parent <> '';
		 CREATE INDEX updates_by_end ON updates (ended) WHERE ended > 0;
		 CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, update_id TEXT NOT NULL, type TEXT NOT NULL,
			kind TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL);
		 CREATE INDEX events_by_update ON events (update_id, seq) WHERE update_id <> '';
		 CREATE INDEX events_by_target ON events (kind, name, seq);
		 CREATE INDEX events_alone ON events (at) WHERE update_id = '';
		 CREATE TABLE audit (seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, body BLOB NOT NULL);`,
		`CREATE TABLE records (collection TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
			PRIMARY KEY (collection, id));
		 CREATE INDEX records_by_key ON records (collection, key, id);
		 CREATE INDEX records_by_time ON records (collection, at);`,
	}
}

// fill writes the first records of a new database.
func fill(ctx context.Context, handle *sql.DB, ring *seal.Ring) error {
	kid := ring.Current().String()
	sealed, err := ring.Seal(metaContext(kid), []byte("{}"))
	if err != nil {
		return err
	}
	if _, err := handle.ExecContext(ctx, `INSERT INTO meta (id, kid, sealed) VALUES (1, ?, ?)`, kid, sealed); err != nil {
		return err
	}
	return fillHeads(ctx, handle, ring, append(families(), auditFamily))
}

func fillHeads(ctx context.Context, handle *sql.DB, ring *seal.Ring, families []string) error {
	for _, family := range families {
		sealed, err := ring.Seal(headContext(family, 0), []byte("{}"))
		if err != nil {
			return err
		}
		if _, err := handle.ExecContext(ctx, `INSERT INTO heads (family, rev, sealed) VALUES (?, 0, ?) ON CONFLICT DO NOTHING`, family, sealed); err != nil {
			return err
		}
	}
	return nil
}

// upgrade gives families that came with a migration their heads. A database
// that is up to date has all of them: one that is missing is damage.
func (db *DB) upgrade(ctx context.Context, from int) error {
	if from >= 2 {
		return nil
	}
	ring, err := seal.Open(db.cfg.Keys)
	if err != nil {
		return err
	}
	return database.Error(db.path, fillHeads(ctx, db.writing, ring, []string{procedureFamily, syncFamily, alerterFamily, repoFamily, hookFamily}))
}
