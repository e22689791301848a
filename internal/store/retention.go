package store

import (
	"context"

	"rinca/internal/rinca"
)

// pruneBatch is how many updates are deleted in one transaction, so that
// nobody waits for long.
const pruneBatch = 200

// PruneUpdates removes the final updates that are not to be kept, with their
// events, and old events that belong to no update. It returns how many updates
// were removed.
func (db *DB) PruneUpdates(ctx context.Context, keep UpdateRetention) (n int, err error) {
	// What a run that has not ended has started, it may ask for again.
	const final = `ended > 0 AND parent NOT IN (SELECT id FROM updates WHERE state IN ('queued', 'running'))`
	if keep.MaxAge > 0 {
		before := db.now().Add(-keep.MaxAge).UnixMilli()
		removed, err := db.prune(ctx, `SELECT id FROM updates WHERE `+final+` AND ended < ? LIMIT ?`, before)
		n += removed
		if err != nil {
			return n, err
		}
		if err := db.pruneEvents(ctx, before); err != nil {
			return n, err
		}
	}
	if keep.MaxPerTarget > 0 {
		removed, err := db.prune(ctx, `SELECT id FROM (SELECT id, parent, ended, row_number() OVER (PARTITION BY kind, name ORDER BY id DESC) AS place FROM updates)
			WHERE `+final+` AND place > ? LIMIT ?`, int64(keep.MaxPerTarget))
		n += removed
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (db *DB) prune(ctx context.Context, query string, bound int64) (n int, err error) {
	for {
		var ids []string
		err := db.write(ctx, func(w *writer) (err error) {
			if ids, err = w.ids(ctx, query, bound, pruneBatch); err != nil {
				return err
			}
			for _, id := range ids {
				if err := w.execAll(ctx, []string{
					`DELETE FROM events WHERE update_id <> '' AND update_id = ?`, `DELETE FROM updates WHERE id = ?`,
				}, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += len(ids)
		if len(ids) < pruneBatch {
			return n, nil
		}
	}
}

func (db *DB) pruneEvents(ctx context.Context, before int64) error {
	for {
		var gone int64
		err := db.write(ctx, func(w *writer) (err error) {
			gone, err = w.exec(ctx, `DELETE FROM events WHERE seq IN
				(SELECT seq FROM events WHERE update_id = '' AND at < ? LIMIT ?)`, before, 50*pruneBatch)
			return err
		})
		if err != nil || gone < 50*pruneBatch {
			return err
		}
	}
}

// Settle makes a database that comes from a backup safe to serve: sessions are
// ended, and what waited or ran is closed as interrupted.
func (db *DB) Settle(ctx context.Context) error {
	if _, err := db.interrupt(ctx, never, "it waited or ran when the backup was made that was restored", rinca.Running, rinca.Queued); err != nil {
		return err
	}
	return db.write(ctx, func(w *writer) error {
		_, err := w.exec(ctx, `DELETE FROM sessions`)
		return err
	})
}
