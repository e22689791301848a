package store

import (
	"context"

	"rinca/internal/rinca"
)

type settingRecord struct {
	Text []byte `json:"text"`
}

// Setting returns a setting of the server; NotFound when it was not put.
func (db *DB) Setting(ctx context.Context, name string) (rinca.Secret, error) {
	r, err := db.settings.get(ctx, db, name)
	if err != nil {
		return rinca.Secret{}, err
	}
	return toSecret(r.Text), nil
}

// PutSetting stores a setting of the server.
func (db *DB) PutSetting(ctx context.Context, name string, value rinca.Secret) error {
	if name == "" || len(name) > 200 || !value.IsSet() {
		return rinca.Errorf(rinca.Invalid, "a setting has a name, of at most 200 bytes, and a value")
	}
	return db.write(ctx, func(w *writer) error {
		return db.settings.put(ctx, w, name, settingRecord{fromSecret(value)})
	})
}

// DeleteSetting removes a setting.
func (db *DB) DeleteSetting(ctx context.Context, name string) error {
	return db.write(ctx, func(w *writer) error { return db.settings.delete(ctx, w, name) })
}
