package embedded

import (
	"context"
	"fmt"
)

// maxActivity is how many requests the log keeps.
const maxActivity = 10_000

// LogRequests appends entries to the log of requests to the Connect API, in
// one write. What an entry holds is the caller's affair; it is sealed.
func (db *DB) LogRequests(ctx context.Context, entries ...[]byte) error {
	if len(entries) == 0 {
		return nil
	}
	return db.write(ctx, func(w *writer) error {
		var last int64
		if err := w.tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM activity`).Scan(&last); err != nil {
			return err
		}
		for _, e := range entries {
			last++
			sealed, err := w.seal(activityContext(last), e)
			if err != nil {
				return err
			}
			if _, err := w.tx.ExecContext(ctx, `INSERT INTO activity (seq, sealed) VALUES (?, ?)`, last, sealed); err != nil {
				return err
			}
		}
		_, err := w.tx.ExecContext(ctx, `DELETE FROM activity WHERE seq <= ?`, last-maxActivity)
		return err
	})
}

// Requests returns entries of the log, newest first, and how many there are.
func (db *DB) Requests(ctx context.Context, limit, offset int) (entries [][]byte, total int, err error) {
	err = db.view(ctx, func(q queryer) error {
		if err := q.QueryRowContext(ctx, `SELECT count(*) FROM activity`).Scan(&total); err != nil {
			return err
		}
		rows, err := q.QueryContext(ctx, `SELECT seq, sealed FROM activity ORDER BY seq DESC LIMIT ? OFFSET ?`, limit, offset)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var seq int64
			var sealed []byte
			if err := rows.Scan(&seq, &sealed); err != nil {
				return err
			}
			plain, err := db.open(activityContext(seq), sealed)
			if err != nil {
				return err
			}
			entries = append(entries, plain)
		}
		return rows.Err()
	})
	return entries, total, err
}

func activityContext(seq int64) string { return fmt.Sprintf("activity %d", seq) }
