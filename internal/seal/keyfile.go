package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/argon2"

	"rinca/internal/rinca"
)

// A Source says where the key file is and how it is unlocked.
type Source struct {
	// Path of the key file.
	Path string
	// Credential is the path of a key file that the service manager provides,
	// read-only ($CREDENTIALS_DIRECTORY/rinca.key). It is used when it exists.
	Credential string
	// Passphrase is asked for when the key file needs one; nil means that
	// there is none to be had.
	Passphrase func() (rinca.Secret, error)
}

// File returns the path of the file that is in use.
func (s Source) File() string {
	if s.Credential != "" {
		if _, err := os.Stat(s.Credential); err == nil {
			return s.Credential
		}
	}
	return s.Path
}

// The form of the key file. Exactly one of Ring and Box is there.
type keyFile struct {
	Format string    `json:"format"`
	Ring   *ringFile `json:"ring,omitempty"`
	KDF    *kdf      `json:"kdf,omitempty"`
	Box    []byte    `json:"box,omitempty"` // a ringFile, sealed by the passphrase
	// Sum finds damage: the first bytes of a digest of the rest.
	Sum []byte `json:"sum"`
}

type ringFile struct {
	Keys   []keyEntry `json:"keys"`
	Digest []byte     `json:"digest"`
}

type keyEntry struct {
	ID      string    `json:"id"`
	Key     []byte    `json:"key"`
	Created time.Time `json:"created"`
}

type kdf struct {
	Name    string `json:"name"`
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory"` // KiB
	Threads uint8  `json:"threads"`
	Salt    []byte `json:"salt"`
}

const keyFormat = "rinca-key/1"

// Create makes a key file with a new ring. An existing file is an error
// Conflict and is not touched. An empty passphrase leaves the file itself as
// the only protection.
func Create(path string, passphrase rinca.Secret, now time.Time) (*Ring, error) {
	r := newRing(now)
	data, err := encode(r, passphrase)
	if err != nil {
		return nil, err
	}
	// Link fails when the name exists, so two that create at once agree on one.
	tmp, err := writeTemp(path, data)
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp)
	if err := os.Link(tmp, path); errors.Is(err, fs.ErrExist) {
		return nil, rinca.Errorf(rinca.Conflict, "%s exists", path)
	} else if err != nil {
		return nil, rinca.Errorf(rinca.Destination, "create the key file: %w", err)
	}
	return r, syncDir(path)
}

// Open reads the ring. Errors: NotFound when there is no key file,
// Unauthenticated when others can read it, or the passphrase is missing or
// wrong, Corrupt when it is damaged.
func Open(src Source) (*Ring, error) {
	f, err := load(src)
	if err != nil {
		return nil, err
	}
	if f.Ring != nil {
		return ringOf(f.Ring, src.File())
	}
	pass, err := askPassphrase(src)
	if err != nil {
		return nil, err
	}
	return openBox(f, pass, src.File())
}

// HasPassphrase reports whether the key file asks for a passphrase.
func HasPassphrase(src Source) (bool, error) {
	f, err := load(src)
	if err != nil {
		return false, err
	}
	return f.Ring == nil, nil
}

// save replaces the key file in one step.
func save(path string, r *Ring, passphrase rinca.Secret) error {
	data, err := encode(r, passphrase)
	if err != nil {
		return err
	}
	tmp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return rinca.Errorf(rinca.Destination, "replace the key file: %w", err)
	}
	return syncDir(path)
}

func load(src Source) (*keyFile, error) {
	path := src.File()
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, rinca.Errorf(rinca.NotFound, "there is no key file %s", path).
			Try("put the key file back, or say where it is with RINCA_KEY_FILE; for a new home: rinca init")
	} else if err != nil {
		return nil, rinca.Errorf(rinca.Unauthenticated, "read the key file: %w", err)
	}
	if path != src.Credential && info.Mode().Perm()&0o077 != 0 {
		return nil, rinca.Errorf(rinca.Unauthenticated, "others can read the key file %s (mode %04o)", path, info.Mode().Perm()).
			Try("chmod 0600 %s", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, rinca.Errorf(rinca.Unauthenticated, "read the key file: %w", err).
			Try("ls -l %s   # who owns it, and who are you", path)
	}
	return parse(data, path)
}

func damaged(path string) error {
	return rinca.Errorf(rinca.Corrupt, "the key file %s is damaged", path).Try("put back your copy of it")
}

func parse(data []byte, path string) (*keyFile, error) {
	var f keyFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, damaged(path)
	}
	if f.Format != keyFormat {
		return nil, rinca.Errorf(rinca.Corrupt, "the key file %s has the format %.40q, and this program reads %q", path, f.Format, keyFormat).
			Try("use a newer rinca")
	}
	if (f.Ring == nil) == (f.Box == nil) || (f.Box != nil) != (f.KDF != nil) || !bytes.Equal(f.Sum, sum(f)) {
		return nil, damaged(path)
	}
	return &f, nil
}

func sum(f keyFile) []byte {
	f.Sum = nil
	data, err := json.Marshal(f)
	if err != nil {
		return nil
	}
	d := sha256.Sum256(data)
	return d[:8]
}

func ringOf(f *ringFile, path string) (*Ring, error) {
	r := &Ring{digest: f.Digest}
	for _, k := range f.Keys {
		id, ok := ParseKeyID(k.ID)
		if !ok || len(k.Key) != keySize {
			return nil, damaged(path)
		}
		r.keys = append(r.keys, key{id, k.Key, k.Created})
	}
	if len(r.keys) == 0 || len(r.digest) != keySize {
		return nil, damaged(path)
	}
	return r, nil
}

func encode(r *Ring, passphrase rinca.Secret) ([]byte, error) {
	ring := &ringFile{Digest: r.digest}
	for _, k := range r.keys {
		ring.Keys = append(ring.Keys, keyEntry{k.id.String(), k.secret, k.created})
	}
	f := keyFile{Format: keyFormat, Ring: ring}
	if !passphrase.IsEmpty() {
		plain, err := json.Marshal(ring)
		if err != nil {
			return nil, fmt.Errorf("encode the ring: %w", err)
		}
		k := &kdf{Name: "argon2id", Time: 3, Memory: 64 << 10, Threads: 2, Salt: random(16)}
		a, err := newAEAD(k.key(passphrase))
		if err != nil {
			return nil, err
		}
		f.Ring, f.KDF, f.Box = nil, k, sealTo(nil, a, plain, []byte(keyFormat))
	}
	f.Sum = sum(f)
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the key file: %w", err)
	}
	return append(data, '\n'), nil
}

func (k *kdf) key(passphrase rinca.Secret) []byte {
	return argon2.IDKey([]byte(passphrase.Reveal()), k.Salt, k.Time, k.Memory, k.Threads, keySize)
}

func openBox(f *keyFile, pass rinca.Secret, path string) (*Ring, error) {
	k := f.KDF
	// The bounds keep a hostile key file from taking all memory or all day.
	if k.Name != "argon2id" || k.Time < 1 || k.Time > 16 || k.Memory < 8 || k.Memory > 256<<10 || k.Threads < 1 || len(k.Salt) < 8 || len(f.Box) < nonceSize+tagSize {
		return nil, damaged(path)
	}
	a, err := newAEAD(k.key(pass))
	if err != nil {
		return nil, err
	}
	plain, err := openFrom(a, f.Box, []byte(keyFormat))
	if err != nil {
		return nil, rinca.Errorf(rinca.Unauthenticated, "wrong passphrase for %s", path).Try("try again; nothing was changed")
	}
	var ring ringFile
	if err := json.Unmarshal(plain, &ring); err != nil {
		return nil, damaged(path)
	}
	return ringOf(&ring, path)
}

func askPassphrase(src Source) (rinca.Secret, error) {
	var pass rinca.Secret
	var err error
	if src.Passphrase != nil {
		if pass, err = src.Passphrase(); err != nil {
			return rinca.Secret{}, err
		}
	}
	if pass.IsEmpty() {
		return rinca.Secret{}, rinca.Errorf(rinca.Unauthenticated, "the key file %s needs a passphrase", src.File()).
			Try("RINCA_PASSPHRASE_FILE=/path/to/file, or run the command in a terminal")
	}
	return pass, nil
}

func writeTemp(path string, data []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp") // 0600
	if err != nil {
		return "", rinca.Errorf(rinca.Destination, "write the key file: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name())
		return "", rinca.Errorf(rinca.Destination, "write the key file: %w", err)
	}
	return f.Name(), nil
}

func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return rinca.Errorf(rinca.Destination, "sync the directory of the key file: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return rinca.Errorf(rinca.Destination, "sync the directory of the key file: %w", err)
	}
	return nil
}
