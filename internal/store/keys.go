package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"rinca/internal/database"
	"rinca/internal/rinca"
	"rinca/internal/seal"
)

// maxRings is how many key files of the past are remembered, for readers that
// still see records of before a rotation.
const maxRings = 4

// keys opens and seals records. Another process may rotate the key at any
// time; a record with an unknown key makes it read the key file again.
type keys struct {
	src  seal.Source
	path string // of the database, for errors

	loading sync.Mutex

	mu    sync.RWMutex
	rings []*seal.Ring // newest first
}

func (k *keys) all() []*seal.Ring {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.rings
}

func (k *keys) current() *seal.Ring { return k.all()[0] }

func (k *keys) add(r *seal.Ring) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rings := append([]*seal.Ring{r}, k.rings...)
	k.rings = rings[:min(len(rings), maxRings)]
}

// open returns what was sealed for a place.
func (k *keys) open(place string, sealed []byte) ([]byte, error) {
	plain, err := openWith(k.all(), place, sealed)
	if errors.Is(err, seal.ErrUnknownKey) {
		if plain, err = k.reload(place, sealed); rinca.CodeOf(err) != rinca.Internal && err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, database.Corrupt(k.path, "%s %w", place, err)
	}
	return plain, nil
}

// reload opens a record with the key file as it is now. One reads the file,
// which may take memory and time, and the others wait for it.
func (k *keys) reload(place string, sealed []byte) ([]byte, error) {
	k.loading.Lock()
	defer k.loading.Unlock()
	if plain, err := openWith(k.all(), place, sealed); !errors.Is(err, seal.ErrUnknownKey) {
		return plain, err
	}
	ring, err := seal.Open(k.src)
	if err != nil {
		return nil, err
	}
	plain, err := ring.Open(place, sealed)
	if err == nil {
		k.add(ring)
	}
	return plain, err
}

func openWith(rings []*seal.Ring, place string, sealed []byte) (plain []byte, err error) {
	for _, r := range rings {
		if plain, err = r.Open(place, sealed); !errors.Is(err, seal.ErrUnknownKey) {
			return plain, err
		}
	}
	return nil, err
}

// seal seals with the key of that id, which the database names.
func (k *keys) seal(kid seal.KeyID, place string, plain []byte) ([]byte, error) {
	for _, r := range k.all() {
		if r.Has(kid) {
			return r.SealWith(kid, place, plain)
		}
	}
	return nil, database.Corrupt(k.path, "%w", seal.ErrUnknownKey)
}

func metaContext(kid string) string { return "meta|" + kid }

// currentKey reads which key records are to be sealed with. It is not always
// the newest of the key file, so that a key can be rotated while other
// processes write.
func (db *DB) currentKey(ctx context.Context, q queryer) (seal.KeyID, error) {
	var kid string
	var sealed []byte
	err := q.QueryRowContext(ctx, `SELECT kid, sealed FROM meta WHERE id = 1`).Scan(&kid, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return seal.KeyID{}, database.Corrupt(db.path, "its first record is missing")
	}
	if err != nil {
		return seal.KeyID{}, err
	}
	if _, err := db.keys.open(metaContext(kid), sealed); errors.Is(err, seal.ErrUnknownKey) {
		return seal.KeyID{}, rinca.Errorf(rinca.Unauthenticated, "the key in %s is not the one that %s is sealed with", db.cfg.Keys.File(), db.path).
			Try("put back the key file of this home, or name it with RINCA_KEY_FILE")
	} else if err != nil {
		return seal.KeyID{}, err
	}
	id, ok := seal.ParseKeyID(kid)
	if !ok {
		return id, database.Corrupt(db.path, "its first record names no key")
	}
	return id, nil
}

// checkKey proves that the key fits the database.
func (db *DB) checkKey(ctx context.Context) error {
	_, err := db.currentKey(ctx, db.writing)
	return database.Error(db.path, err)
}
