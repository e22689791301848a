package seal

import (
	"time"

	"rinca/internal/rinca"
)

// Rotate makes a new current key. It writes the key file with the old and the
// new keys, calls rewrap, which must re-wrap every record to the new key, and
// then writes the key file with the new key alone. Killed in between, the
// home is readable, and Rotate may be called again.
func Rotate(src Source, now time.Time, rewrap func(*Ring) error) (*Ring, error) {
	path := src.File()
	if path == src.Credential {
		return nil, rinca.Errorf(rinca.Conflict, "the key comes from the service manager's credential %s and cannot be replaced here", path).
			Try("rotate with RINCA_KEY_FILE set to the file that the credential is made from")
	}
	old, pass, err := openWithPassphrase(src)
	if err != nil {
		return nil, err
	}
	both := old.withNewKey(now)
	if err := save(path, both, pass); err != nil {
		return nil, err
	}
	if err := rewrap(both); err != nil {
		return nil, err
	}
	ring := both.only(both.Current())
	return ring, save(path, ring, pass)
}

// SetPassphrase protects the key file with a passphrase, or with none when
// it is empty. The keys stay the same.
func SetPassphrase(src Source, passphrase rinca.Secret) error {
	ring, _, err := openWithPassphrase(src)
	if err != nil {
		return err
	}
	return save(src.File(), ring, passphrase)
}

// openWithPassphrase opens the ring and returns the passphrase it was locked
// with, asking once.
func openWithPassphrase(src Source) (*Ring, rinca.Secret, error) {
	var pass rinca.Secret
	ask := src.Passphrase
	if ask != nil {
		src.Passphrase = func() (rinca.Secret, error) {
			var err error
			pass, err = ask()
			return pass, err
		}
	}
	ring, err := Open(src)
	return ring, pass, err
}
