package deploy

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// New lists the exported files of a changed stack that are not there yet.
func (c Changed) New() []string {
	var out []string
	for path := range c.written {
		if _, err := os.Lstat(path); os.IsNotExist(err) {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// ExportedDigests returns keyed digests of the exported files of a stack as
// they are on disk, by "stack/title".
func (d *Deployer) ExportedDigests(s *rinca.Stack) (map[string]string, error) {
	out := map[string]string{}
	for _, owner := range owners(s) {
		files, err := readEnvFiles(filepath.Join(d.Vault.Request.Dest, owner))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			out[fileKey(f.path)] = d.fileDigest(f.path, f.data)
		}
	}
	return out, nil
}

// FileDigests returns the digests of the exported files that a mark is about.
func FileDigests(m store.Mark) map[string]string {
	out := map[string]string{}
	for _, f := range LineageOf(m).Files {
		out[fileKey(f.Path)] = f.Digest
	}
	return out
}

// Use runs f with the provider of the vault, while nobody else uses it.
func (v *Vault) Use(ctx context.Context, f func(rinca.Provider) error) error { return v.use(ctx, f) }

// Mask hides the values that are known.
func (r *Record) Mask(text string) string { return r.mask(text) }
