package embedded

import (
	"context"
	"database/sql"
	"encoding/json"

	"rinca/internal/database"
	"rinca/internal/rinca"
)

// Items lists the active items of a vault in the order they were made.
func (db *DB) Items(ctx context.Context, vaultID string) ([]rinca.Info, error) {
	return db.list(ctx, vaultID, false)
}

// ItemsAndArchived is Items with the archived ones.
func (db *DB) ItemsAndArchived(ctx context.Context, vaultID string) ([]rinca.Info, error) {
	return db.list(ctx, vaultID, true)
}

func (db *DB) list(ctx context.Context, vaultID string, archived bool) ([]rinca.Info, error) {
	infos := []rinca.Info{}
	err := db.view(ctx, func(q queryer) error {
		v, err := db.oneVault(ctx, q, vaultID)
		if err != nil {
			return err
		}
		return db.eachInfo(ctx, q, v, func(k itemKey, sealed []byte) error {
			plain, err := db.open(k.info(), sealed)
			if err != nil {
				return err
			}
			var r infoRecord
			if err := json.Unmarshal(plain, &r); err != nil {
				return err
			}
			if k.state == rinca.Active || archived {
				infos = append(infos, r.info(k))
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return infos, nil
}

// eachInfo calls f for every item of the vault, and then proves that they
// were the ones that were written: none is missing, none is an older version.
func (db *DB) eachInfo(ctx context.Context, q queryer, v vaultRow, f func(itemKey, []byte) error) error {
	rows, err := q.QueryContext(ctx, `SELECT id, seq, version, state, info FROM items WHERE vault_id = ? ORDER BY seq`, v.id)
	if err != nil {
		return err
	}
	defer rows.Close()
	var found database.Sum
	ring := db.currentRing()
	for rows.Next() {
		k := itemKey{vaultID: v.id}
		var sealed []byte
		if err := rows.Scan(&k.id, &k.seq, &k.version, &k.state, &sealed); err != nil {
			return database.Corrupt(db.cfg.database(), "a row of the items: %w", err)
		}
		found.Add(itemMark(ring, k))
		if err := f(k, sealed); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if found != v.rec.Items {
		return database.Corrupt(db.cfg.database(), "the list of items of vault %s is not the one that was written", v.id)
	}
	return nil
}

// Get returns whole items in the order of ids. Archived items are found;
// deleted ones are not.
func (db *DB) Get(ctx context.Context, vaultID string, ids ...string) ([]rinca.Item, error) {
	items := make([]rinca.Item, 0, len(ids))
	err := db.view(ctx, func(q queryer) error {
		v, err := db.oneVault(ctx, q, vaultID)
		if err != nil {
			return err
		}
		for _, id := range ids {
			k, r, err := db.readItem(ctx, q, v, id)
			if err != nil {
				return err
			}
			items = append(items, r.item(k))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

func (db *DB) readItem(ctx context.Context, q queryer, v vaultRow, id string) (itemKey, itemRecord, error) {
	k := itemKey{id: id, vaultID: v.id}
	var r itemRecord
	var body []byte
	err := q.QueryRowContext(ctx, `SELECT seq, version, state, body FROM items WHERE id = ? AND vault_id = ?`, id, v.id).
		Scan(&k.seq, &k.version, &k.state, &body)
	if err == sql.ErrNoRows { //nolint:errorlint // database/sql returns it as it is
		// Missing, or hidden by damage to an index? Only a whole list knows.
		if err := db.eachInfo(ctx, q, v, func(k itemKey, _ []byte) error {
			if k.id == id {
				return database.Corrupt(db.cfg.database(), "item %s is in the list and cannot be found", id)
			}
			return nil
		}); err != nil {
			return k, r, err
		}
		return k, r, rinca.Errorf(rinca.NotFound, "item %s not found in vault %s", id, v.rec.Name).Try("rinca op item list --vault %q", v.rec.Name)
	}
	if err != nil {
		return k, r, err
	}
	plain, err := db.open(k.body(), body)
	if err != nil {
		return k, r, err
	}
	return k, r, json.Unmarshal(plain, &r)
}

// ReadFile returns the content of an attachment.
func (db *DB) ReadFile(ctx context.Context, vaultID, itemID, fileID string) (rinca.Secret, error) {
	var content rinca.Secret
	err := db.view(ctx, func(q queryer) error {
		v, err := db.oneVault(ctx, q, vaultID)
		if err != nil {
			return err
		}
		_, r, err := db.readItem(ctx, q, v, itemID)
		if err != nil {
			return err
		}
		for _, f := range r.Files {
			if f.ID == fileID {
				content, err = db.readFile(ctx, q, itemID, fileID)
				return err
			}
		}
		return rinca.Errorf(rinca.NotFound, "file %s not found in item %s", fileID, itemID)
	})
	return content, err
}

func (db *DB) readFile(ctx context.Context, q queryer, itemID, fileID string) (rinca.Secret, error) {
	var body []byte
	err := q.QueryRowContext(ctx, `SELECT body FROM files WHERE id = ? AND item_id = ?`, fileID, itemID).Scan(&body)
	if err == sql.ErrNoRows { //nolint:errorlint // database/sql returns it as it is
		return rinca.Secret{}, database.Corrupt(db.cfg.database(), "file %s of item %s is missing", fileID, itemID)
	}
	if err != nil {
		return rinca.Secret{}, err
	}
	plain, err := db.open(fileContext(fileID, itemID), body)
	if err != nil {
		return rinca.Secret{}, err
	}
	return rinca.NewSecret(string(plain)), nil
}

// History returns every version of an item, oldest first; the last one is
// the current.
func (db *DB) History(ctx context.Context, vaultID, itemID string) ([]rinca.Item, error) {
	var versions []rinca.Item
	err := db.view(ctx, func(q queryer) error {
		v, err := db.oneVault(ctx, q, vaultID)
		if err != nil {
			return err
		}
		k, current, err := db.readItem(ctx, q, v, itemID)
		if err != nil {
			return err
		}
		for n := int64(1); n < k.version; n++ {
			r, err := db.readHistory(ctx, q, itemID, n)
			if err != nil {
				return err
			}
			versions = append(versions, r.item(itemKey{id: itemID, vaultID: vaultID, version: n}))
		}
		versions = append(versions, current.item(k))
		return nil
	})
	return versions, err
}

func (db *DB) readHistory(ctx context.Context, q queryer, itemID string, version int64) (itemRecord, error) {
	var r itemRecord
	var body []byte
	err := q.QueryRowContext(ctx, `SELECT body FROM history WHERE item_id = ? AND version = ?`, itemID, version).Scan(&body)
	if err == sql.ErrNoRows { //nolint:errorlint // database/sql returns it as it is
		return r, database.Corrupt(db.cfg.database(), "version %d of item %s is missing", version, itemID)
	}
	if err != nil {
		return r, err
	}
	plain, err := db.open(historyContext(itemID, version), body)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(plain, &r)
}
