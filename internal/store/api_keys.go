package store

import (
	"context"
	"time"

	"rinca/internal/rinca"
)

// A keyRecord is an API key as it is sealed; the key itself is not stored.
type keyRecord struct {
	rinca.APIKey
	Hash []byte `json:"hash"`
}

func (db *DB) apiKey(r keyRecord) rinca.APIKey {
	k := r.APIKey
	k.LastUsed = db.used.get(keyFamily, k.ID)
	return k
}

// PutAPIKey stores a new API key of a user under its hash, and returns it as
// stored, with an id. A name that the user has given another key is a
// Conflict.
func (db *DB) PutAPIKey(ctx context.Context, k rinca.APIKey, hash [32]byte) (rinca.APIKey, error) {
	if k.ID == "" {
		k.ID = newID(db.now())
	}
	k.CreatedAt, k.LastUsed = db.now(), time.Time{}
	err := db.write(ctx, func(w *writer) error {
		if _, exists, err := db.users.read(ctx, w, k.User); err != nil {
			return err
		} else if !exists {
			return db.users.missing(k.User)
		}
		s, err := db.apiKeys.load(ctx, db)
		if err != nil {
			return err
		}
		for _, r := range s.rows {
			if r.name == k.ID || (r.value.User == k.User && r.value.Name == k.Name) || [32]byte(r.value.Hash) == hash {
				return rinca.Errorf(rinca.Conflict, "user %q has an API key %q already", r.value.User, r.value.Name)
			}
		}
		return db.apiKeys.put(ctx, w, k.ID, keyRecord{k, hash[:]})
	})
	return k, err
}

// APIKey returns the API key with that id.
func (db *DB) APIKey(ctx context.Context, id string) (rinca.APIKey, error) {
	r, err := db.apiKeys.get(ctx, db, id)
	return db.apiKey(r), err
}

// APIKeyByHash returns the API key that was stored under a hash, NotFound when
// there is none. The caller checks ExpiresAt.
func (db *DB) APIKeyByHash(ctx context.Context, hash [32]byte) (rinca.APIKey, error) {
	s, err := db.apiKeys.load(ctx, db)
	if err != nil {
		return rinca.APIKey{}, err
	}
	r, ok := s.getOther(string(hash[:]))
	if !ok {
		return rinca.APIKey{}, rinca.Errorf(rinca.NotFound, "no such API key")
	}
	return db.apiKey(r), nil
}

// APIKeys lists the API keys of a user, of every user when it is "", oldest
// first.
func (db *DB) APIKeys(ctx context.Context, user string) ([]rinca.APIKey, error) {
	s, err := db.apiKeys.load(ctx, db)
	if err != nil {
		return nil, err
	}
	var out []rinca.APIKey
	for _, r := range s.rows {
		if user == "" || r.value.User == user {
			out = append(out, db.apiKey(r.value))
		}
	}
	return out, nil
}

// DeleteAPIKey removes an API key.
func (db *DB) DeleteAPIKey(ctx context.Context, id string) error {
	return db.write(ctx, func(w *writer) error { return w.deleteKey(ctx, id) })
}

func (w *writer) deleteKey(ctx context.Context, id string) error {
	if err := w.db.apiKeys.delete(ctx, w, id); err != nil {
		return err
	}
	_, err := w.exec(ctx, `DELETE FROM used WHERE family = ? AND name = ?`, keyFamily, id)
	return err
}

func (w *writer) deleteKeysOf(ctx context.Context, user string) error {
	s, err := w.db.apiKeys.load(ctx, w.db)
	if err != nil {
		return err
	}
	for _, r := range s.rows {
		if r.value.User == user {
			if err := w.deleteKey(ctx, r.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// TouchAPIKeys notes when keys, by id, were last used. Revision stays as it is.
func (db *DB) TouchAPIKeys(ctx context.Context, used map[string]time.Time) error {
	return db.used.touch(ctx, db, keyFamily, used)
}
