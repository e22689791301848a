package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"rinca/internal/database"
	"rinca/internal/rinca"
)

// The families of resources.
const (
	stackFamily      = "stack"
	variableFamily   = "variable"
	serverFamily     = "server"
	accountFamily    = "git account"
	userFamily       = "user"
	credentialFamily = "credentials"
	groupFamily      = "group"
	keyFamily        = "api key"
	settingFamily    = "setting"
	procedureFamily  = "procedure"
	syncFamily       = "resource sync"
	alerterFamily    = "alerter"
	repoFamily       = "repo"
	hookFamily       = "webhook secret"
	auditFamily      = "audit"
)

func families() []string {
	return []string{
		stackFamily, variableFamily, serverFamily, accountFamily, userFamily, credentialFamily, groupFamily, keyFamily, settingFamily,
		procedureFamily, syncFamily, alerterFamily, repoFamily, hookFamily,
	}
}

type tables struct {
	stacks      *table[rinca.Stack]
	variables   *table[variableRecord]
	servers     *table[serverRecord]
	accounts    *table[accountRecord]
	users       *table[rinca.User]
	credentials *table[credentialRecord]
	groups      *table[rinca.UserGroup]
	apiKeys     *table[keyRecord]
	settings    *table[settingRecord]
	procedures  *table[rinca.Procedure]
	syncs       *table[rinca.ResourceSync]
	alerters    *table[alerterRecord]
	repos       *table[rinca.Repo]
	hooks       *table[settingRecord]
}

func newTables() tables {
	return tables{
		stacks:      &table[rinca.Stack]{family: stackFamily},
		variables:   &table[variableRecord]{family: variableFamily},
		servers:     &table[serverRecord]{family: serverFamily},
		accounts:    &table[accountRecord]{family: accountFamily},
		users:       &table[rinca.User]{family: userFamily},
		credentials: &table[credentialRecord]{family: credentialFamily},
		groups:      &table[rinca.UserGroup]{family: groupFamily},
		apiKeys:     &table[keyRecord]{family: keyFamily, other: func(k keyRecord) string { return string(k.Hash) }},
		settings:    &table[settingRecord]{family: settingFamily},
		procedures:  &table[rinca.Procedure]{family: procedureFamily},
		syncs:       &table[rinca.ResourceSync]{family: syncFamily},
		alerters:    &table[alerterRecord]{family: alerterFamily},
		repos:       &table[rinca.Repo]{family: repoFamily},
		hooks:       &table[settingRecord]{family: hookFamily},
	}
}

// A table is one family of resources, keyed by name. What was read is kept in
// memory and used for as long as the family's revision says that it is right.
type table[T any] struct {
	family string
	other  func(T) string // a second unique key, or nil

	mu   sync.Mutex // one reads, the others wait for it
	last atomic.Pointer[snapshot[T]]
}

// A snapshot is a whole family as of one revision. It does not change.
type snapshot[T any] struct {
	rev  int64
	sum  database.Sum
	rows []row[T] // by name
	by   map[string]int
}

type row[T any] struct {
	name  string
	rev   int64
	value T
}

func compareRow[T any](r row[T], name string) int { return strings.Compare(r.name, name) }

func (s *snapshot[T]) get(name string) (v T, ok bool) {
	i, ok := slices.BinarySearchFunc(s.rows, name, compareRow)
	if ok {
		v = s.rows[i].value
	}
	return v, ok
}

func (s *snapshot[T]) getOther(key string) (v T, ok bool) {
	i, ok := s.by[key]
	if ok {
		v = s.rows[i].value
	}
	return v, ok
}

func (s *snapshot[T]) all() []T {
	out := make([]T, len(s.rows))
	for i, r := range s.rows {
		out[i] = r.value
	}
	return out
}

func rowContext(family, name string, rev int64) string {
	return place(family, name, strconv.FormatInt(rev, 10))
}

func (db *DB) rowMark(family, name string, rev int64) [32]byte {
	return db.Digest("row", []byte(rowContext(family, name, rev)))
}

// load returns the family as it is now.
func (t *table[T]) load(ctx context.Context, db *DB) (*snapshot[T], error) {
	rev, err := db.revs.current(ctx, t.family)
	if err != nil {
		return nil, database.Error(db.path, err)
	}
	if s := t.last.Load(); s != nil && s.rev >= rev {
		return s, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.last.Load(); s != nil && s.rev >= rev {
		return s, nil
	}
	var next *snapshot[T]
	err = db.view(ctx, func(q queryer) error {
		h, err := db.readHead(ctx, q, t.family)
		if err != nil {
			return err
		}
		if old := t.last.Load(); old != nil {
			next, err = t.readSince(ctx, db, q, *old)
			if err == nil && next.sum == h.rec.Sum {
				next.rev = h.rev
				return nil
			}
		}
		next, err = t.readSince(ctx, db, q, snapshot[T]{rev: -1})
		if err != nil {
			return err
		}
		if next.sum != h.rec.Sum {
			return database.Corrupt(db.path, "the list of kind %q is not the one that was written", t.family)
		}
		next.rev = h.rev
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.last.Store(next)
	return next, nil
}

// readSince adds to a snapshot the rows that were written since. When rows
// were deleted, its sum is not the head's.
func (t *table[T]) readSince(ctx context.Context, db *DB, q queryer, old snapshot[T]) (*snapshot[T], error) {
	s := &snapshot[T]{sum: old.sum, rows: slices.Clone(old.rows)}
	rows, err := q.QueryContext(ctx, `SELECT name, rev, body FROM resources WHERE family = ? AND rev > ? ORDER BY name`, t.family, old.rev)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r row[T]
		var sealed []byte
		if err := rows.Scan(&r.name, &r.rev, &sealed); err != nil {
			return nil, database.Corrupt(db.path, "a row of kind %q: %w", t.family, err)
		}
		if err := db.openJSON(rowContext(t.family, r.name, r.rev), sealed, &r.value); err != nil {
			return nil, err
		}
		i, found := slices.BinarySearchFunc(s.rows, r.name, compareRow)
		if found {
			s.sum.Remove(db.rowMark(t.family, r.name, s.rows[i].rev))
			s.rows[i] = r
		} else {
			s.rows = slices.Insert(s.rows, i, r)
		}
		s.sum.Add(db.rowMark(t.family, r.name, r.rev))
	}
	if t.other != nil {
		s.by = make(map[string]int, len(s.rows))
		for i, r := range s.rows {
			s.by[t.other(r.value)] = i
		}
	}
	return s, rows.Err()
}

// get returns one resource, or NotFound with the hint.
func (t *table[T]) get(ctx context.Context, db *DB, name string) (v T, err error) {
	s, err := t.load(ctx, db)
	if err != nil {
		return v, err
	}
	v, ok := s.get(name)
	if !ok {
		return v, t.missing(name)
	}
	return v, nil
}

func (t *table[T]) missing(name string) error {
	e := rinca.Errorf(rinca.NotFound, "%s %.200q not found", t.family, name)
	switch t.family {
	case stackFamily, variableFamily, serverFamily, userFamily, groupFamily, procedureFamily, alerterFamily, repoFamily:
		return e.Try("rinca %s list", t.family)
	case syncFamily:
		return e.Try("rinca sync list")
	}
	return e
}

// read returns a resource within a transaction that writes.
func (t *table[T]) read(ctx context.Context, w *writer, name string) (v T, ok bool, err error) {
	var rev int64
	var sealed []byte
	err = w.tx.QueryRowContext(ctx, `SELECT rev, body FROM resources WHERE family = ? AND name = ?`, t.family, name).Scan(&rev, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	return v, true, w.db.openJSON(rowContext(t.family, name, rev), sealed, &v)
}

// put writes a resource.
func (t *table[T]) put(ctx context.Context, w *writer, name string, v T) error {
	data, err := encode(v)
	if err != nil {
		return err
	}
	if len(data) > maxBody {
		return rinca.Errorf(rinca.Invalid, "%s %q has %d MB; at most %d", t.family, name, len(data)>>20, maxBody>>20)
	}
	h, err := t.forget(ctx, w, name)
	if err != nil {
		return err
	}
	sealed, err := w.seal(rowContext(t.family, name, h.rev), data)
	if err != nil {
		return err
	}
	h.rec.Sum.Add(w.db.rowMark(t.family, name, h.rev))
	_, err = w.exec(ctx, `INSERT INTO resources (family, name, rev, body) VALUES (?, ?, ?, ?)
		ON CONFLICT (family, name) DO UPDATE SET rev = excluded.rev, body = excluded.body`, t.family, name, h.rev, sealed)
	return err
}

// maxBody bounds what one resource may hold, so that one write cannot fill
// the memory of every reader.
const maxBody = 16 << 20

// forget takes what is stored under a name out of the family's sum.
func (t *table[T]) forget(ctx context.Context, w *writer, name string) (*head, error) {
	h, err := w.change(ctx, t.family)
	if err != nil {
		return nil, err
	}
	var rev int64
	err = w.tx.QueryRowContext(ctx, `SELECT rev FROM resources WHERE family = ? AND name = ?`, t.family, name).Scan(&rev)
	switch {
	case err == nil:
		h.rec.Sum.Remove(w.db.rowMark(t.family, name, rev))
	case !errors.Is(err, sql.ErrNoRows):
		return nil, err
	}
	return h, nil
}

// delete removes a resource; one that does not exist is NotFound.
func (t *table[T]) delete(ctx context.Context, w *writer, name string) error {
	if _, err := t.forget(ctx, w, name); err != nil {
		return err
	}
	n, err := w.exec(ctx, `DELETE FROM resources WHERE family = ? AND name = ?`, t.family, name)
	if err == nil && n == 0 {
		return t.missing(name)
	}
	return err
}

// check is the rule of a PutMode.
func (t *table[T]) check(mode PutMode, name string, exists bool) error {
	switch {
	case mode == CreateOnly && exists:
		return rinca.Errorf(rinca.Conflict, "%s %q exists", t.family, name)
	case mode == UpdateOnly && !exists:
		return t.missing(name)
	}
	return nil
}
