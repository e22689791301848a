package store

import "context"

// A credentialRecord is Credentials as they are sealed.
type credentialRecord struct {
	Password []byte `json:"password,omitempty"`
	Seed     []byte `json:"seed,omitempty"`
	Last     int64  `json:"last,omitempty"`
}

func toCredentials(r credentialRecord) Credentials {
	return Credentials{PasswordHash: toSecret(r.Password), TOTPSeed: toSecret(r.Seed), TOTPLast: r.Last}
}

// SetCredentials replaces the credentials of a user. Revision stays as it is.
func (db *DB) SetCredentials(ctx context.Context, user string, c Credentials) error {
	return db.write(ctx, func(w *writer) error {
		if _, exists, err := db.users.read(ctx, w, user); err != nil {
			return err
		} else if !exists {
			return db.users.missing(user)
		}
		return db.credentials.put(ctx, w, user, credentialRecord{fromSecret(c.PasswordHash), fromSecret(c.TOTPSeed), c.TOTPLast})
	})
}

// Credentials returns the credentials of a user; none, without an error, for
// a user who was never given any.
func (db *DB) Credentials(ctx context.Context, user string) (Credentials, error) {
	if _, err := db.users.get(ctx, db, user); err != nil {
		return Credentials{}, err
	}
	s, err := db.credentials.load(ctx, db)
	if err != nil {
		return Credentials{}, err
	}
	r, _ := s.get(user)
	return toCredentials(r), nil
}

// UseTOTP notes that the code of a step was used; false when that step, or a
// later one, was used before, so that no code is used twice.
func (db *DB) UseTOTP(ctx context.Context, user string, step int64) (bool, error) {
	fresh := false
	err := db.write(ctx, func(w *writer) error {
		r, exists, err := db.credentials.read(ctx, w, user)
		if err != nil {
			return err
		}
		if !exists {
			return db.users.missing(user)
		}
		if fresh = step > r.Last; !fresh {
			return nil
		}
		r.Last = step
		return db.credentials.put(ctx, w, user, r)
	})
	return fresh && err == nil, err
}
