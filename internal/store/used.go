package store

import (
	"context"
	"sync"
	"time"
)

// usedTimes knows when users and API keys were last used. The times are for
// people, so they are not sealed, and kept in memory.
type usedTimes struct {
	mu sync.RWMutex
	by map[[2]string]time.Time
}

func (u *usedTimes) load(ctx context.Context, db *DB) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.by = map[[2]string]time.Time{}
	rows, err := db.reading.QueryContext(ctx, `SELECT family, name, at FROM used`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key [2]string
		var at int64
		if err := rows.Scan(&key[0], &key[1], &at); err != nil {
			return err
		}
		u.by[key] = time.UnixMilli(at).UTC()
	}
	return rows.Err()
}

func (u *usedTimes) get(family, name string) time.Time {
	u.mu.RLock()
	defer u.mu.RUnlock()
	return u.by[[2]string{family, name}]
}

func (u *usedTimes) drop(family, name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.by, [2]string{family, name})
}

// touch notes times; what does not exist any more is passed over.
func (u *usedTimes) touch(ctx context.Context, db *DB, family string, used map[string]time.Time) error {
	if len(used) == 0 {
		return nil
	}
	err := db.write(ctx, func(w *writer) error {
		for name, at := range used {
			if _, err := w.exec(ctx, `INSERT INTO used (family, name, at) SELECT ?1, ?2, ?3
				WHERE EXISTS (SELECT 1 FROM resources WHERE family = ?1 AND name = ?2)
				ON CONFLICT (family, name) DO UPDATE SET at = max(at, excluded.at)`, family, name, at.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for name, at := range used {
		at = at.UTC().Truncate(time.Millisecond)
		if key := [2]string{family, name}; at.After(u.by[key]) {
			u.by[key] = at
		}
	}
	return nil
}
