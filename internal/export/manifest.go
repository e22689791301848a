package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

const (
	stateDir     = ".rinca"
	keyFile      = stateDir + "/key"
	manifestFile = stateDir + "/manifest"

	manifestFormat = 1
	// renderRule grows when the same item is written in other bytes than
	// before, so that unchanged items are rendered again.
	renderRule = 1
)

// A manifest remembers what was exported: versions and keyed digests, never a
// value. It is a cache and a claim of ownership; without it everything is
// fetched again and nothing is removed.
type manifest struct {
	Format int                `json:"format"`
	Vaults map[string]listing `json:"vaults"`
	Files  map[string]entry   `json:"files"` // by "stack/title"

	dirty bool
}

// A listing is what a vault listed at one content version: only items that
// some stack: tag points at.
type listing struct {
	Name           string       `json:"name"`
	ContentVersion int64        `json:"content_version"`
	UpdatedAt      time.Time    `json:"updated_at"`
	Items          []listedItem `json:"items"`
}

type listedItem struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Stacks    []string  `json:"stacks"`
	Version   int64     `json:"version,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
	Hold      bool      `json:"hold,omitempty"` // it is tagged so
}

// An entry is one exported file.
type entry struct {
	Vault     string    `json:"vault"`
	Item      string    `json:"item"`
	Version   int64     `json:"version,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
	// Digest is the keyed digest of the content that was written.
	Digest string `json:"digest"`
	Stat   stat   `json:"stat"`
	// Own is what the item itself asked for.
	Own    Settings `json:"own"`
	Format string   `json:"written_as"` // the format it was rendered in
	Rule   int      `json:"rule"`
	// Placeholders tells that the content holds some, and that this was
	// allowed.
	Placeholders bool      `json:"placeholders,omitempty"`
	Keys         int       `json:"keys"`
	ExportedAt   time.Time `json:"exported_at"`
}

func newManifest() *manifest {
	return &manifest{Format: manifestFormat, Vaults: map[string]listing{}, Files: map[string]entry{}}
}

func (m *manifest) put(name string, e entry) {
	if old, ok := m.Files[name]; !ok || !old.same(e) {
		m.Files[name] = e
		m.dirty = true
	}
}

func (m *manifest) remove(name string) {
	if _, ok := m.Files[name]; ok {
		delete(m.Files, name)
		m.dirty = true
	}
}

func (m *manifest) list(vaultID string, l listing) {
	m.Vaults[vaultID] = l
	m.dirty = true
}

// same compares entries; == would compare the locations of times.
func (e entry) same(f entry) bool {
	sameTimes := e.UpdatedAt.Equal(f.UpdatedAt) && e.ExportedAt.Equal(f.ExportedAt)
	e.UpdatedAt, e.ExportedAt = f.UpdatedAt, f.ExportedAt
	return sameTimes && e == f
}

// errNoManifest says why there is no usable manifest.
var (
	errMissing = errors.New("there is none yet")
	errDamaged = errors.New("it is damaged")
	errNewer   = errors.New("it was written by another version of rinca")
)

// loadManifest reads the manifest that k authenticates. An unusable one is an
// empty one, with the reason. Only a manifest that may not be read is an error
// with code Destination.
func loadManifest(root *os.Root, k key) (m *manifest, why error, err error) {
	data, _, err := readRegular(root, manifestFile)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errSpecial):
		return newManifest(), errMissing, nil
	case err != nil:
		return nil, nil, err
	case k == nil:
		return newManifest(), errDamaged, nil
	}
	body, mac, ok := bytes.Cut(data, []byte("\n"))
	if !ok || !equalMAC(strings.TrimSpace(string(mac)), k.mac("manifest", body)) {
		return newManifest(), errDamaged, nil
	}
	m = newManifest()
	if err := json.Unmarshal(body, m); err != nil {
		return newManifest(), errDamaged, nil //nolint:nilerr // it is the reason
	}
	if m.Files == nil || m.Vaults == nil {
		return newManifest(), errDamaged, nil
	}
	if m.Format != manifestFormat {
		return newManifest(), errNewer, nil
	}
	return m, nil, nil
}

// save writes the manifest if anything in it has changed.
func (m *manifest) save(root *os.Root, k key) error {
	if !m.dirty {
		return nil
	}
	data, err := sign(k, "manifest", m)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(root, manifestFile, data, atomicfile.Mode(0o600)); err != nil {
		return err
	}
	m.dirty = false
	return nil
}

// sign encodes v on one line, followed by its keyed digest on another.
func sign(k key, purpose string, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "encode the %s: %w", purpose, err)
	}
	return append(append(body, '\n'), k.mac(purpose, body)+"\n"...), nil
}

// loadKey reads the key of the digests; nil when there is none that can be
// used.
func loadKey(root *os.Root) (key, error) {
	data, _, err := readRegular(root, keyFile)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errSpecial) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(data) != keySize {
		return nil, nil
	}
	return key(data), nil
}

// makeKey returns the key, after making one if there is none. The caller holds
// the lock.
func makeKey(root *os.Root) (key, error) {
	k, err := loadKey(root)
	if k != nil || err != nil {
		return k, err
	}
	k = newKey()
	return k, atomicfile.Write(root, keyFile, k, atomicfile.Mode(0o600))
}

// split takes "stack/title" apart.
func split(name string) (stack, title string) { return path.Dir(name), path.Base(name) }
