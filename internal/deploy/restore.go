package deploy

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A Keepsake is the mark of a stack, with its generation, as it was at a
// moment: enough to go back to it.
type Keepsake struct {
	Stack  string          `json:"stack"`
	At     time.Time       `json:"at"`
	Update string          `json:"update,omitempty"`
	Commit string          `json:"commit,omitempty"`
	Uses   []string        `json:"uses,omitempty"`
	Refs   []string        `json:"refs,omitempty"`
	Plain  json.RawMessage `json:"plain,omitempty"`
	Bundle []byte          `json:"bundle"` // compressed
	// Made are exported files that were made after it, and go away with it.
	Made []string `json:"made,omitempty"`
}

// Keep returns the mark of a stack as it is now; NotFound when it was never
// deployed.
func (d *Deployer) Keep(ctx context.Context, stack string) (Keepsake, error) {
	m, err := d.DB.Mark(ctx, stack)
	if err != nil {
		return Keepsake{}, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err = io.WriteString(w, m.Sealed.Reveal()); err == nil {
		err = w.Close()
	}
	if err != nil {
		return Keepsake{}, rinca.Errorf(rinca.Internal, "pack the generation of %s: %w", stack, err)
	}
	return Keepsake{Stack: m.Stack, At: m.At, Update: m.Update, Commit: m.Commit, Uses: m.Uses, Refs: m.Refs, Plain: m.Plain, Bundle: packed.Bytes()}, nil
}

// unpack returns the mark that was kept.
func (k Keepsake) unpack() (store.Mark, generation, error) {
	var g generation
	wrong := func(err error) error {
		return rinca.Errorf(rinca.Corrupt, "the kept generation of %s cannot be read", k.Stack).Because(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(k.Bundle))
	if err != nil {
		return store.Mark{}, g, wrong(err)
	}
	data, err := io.ReadAll(io.LimitReader(r, 4*store.MaxBundle))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		return store.Mark{}, g, wrong(err)
	}
	return store.Mark{
		Stack: k.Stack, At: k.At, Update: k.Update, Commit: k.Commit, Uses: k.Uses, Refs: k.Refs, Plain: k.Plain, Sealed: rinca.NewSecret(string(data)),
	}, g, nil
}

// Restore brings a stack back to a generation: its files, its values, its
// images. It is verified, and is the last good one then. With filesOnly, only
// its exported files are put back: nothing that runs has been touched.
func (d *Deployer) Restore(ctx context.Context, k Keepsake, filesOnly bool, rec *Record) error {
	mark, g, err := k.unpack()
	if err != nil {
		return err
	}
	j, err := d.newJob(ctx, Options{Stack: k.Stack}, rec)
	if err != nil {
		return err
	}
	j.exported = exported{dest: d.Vault.Request.Dest, stacks: owners(&g.Stack)}
	err = rec.Stage(ctx, "Files", func(ctx context.Context) (string, error) {
		if err := d.Vault.PutBack(ctx, g.Exported); err != nil {
			return "", err
		}
		return plural(len(g.Exported), "exported file"), k.unmake(g)
	})
	if err != nil || filesOnly {
		d.LearnExported()
		return err
	}
	if err := j.beginApply(ctx); err != nil {
		return err
	}
	if err := rec.Stage(ctx, "Restore", func(ctx context.Context) (string, error) { return j.putBack(ctx, g) }); err != nil {
		return err
	}
	rec.Summary("the generation of " + mark.At.Format(time.RFC3339) + " runs again, verified")
	defer j.uses.marks.Add(1)
	if err := d.DB.PutMark(context.WithoutCancel(ctx), mark); err != nil {
		return err
	}
	j.endApply(ctx)
	d.LearnExported()
	return nil
}

// unmake removes the exported files that were not there in the generation.
func (k Keepsake) unmake(g generation) error {
	had := map[string]bool{}
	for _, f := range g.Exported {
		had[fileKey(f.Path)] = true
	}
	for _, path := range k.Made {
		if had[fileKey(path)] {
			continue
		}
		root, err := os.OpenRoot(filepath.Dir(path))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = root.Remove(filepath.Base(path))
			_ = root.Close() // nothing was written through it
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return rinca.Errorf(rinca.Destination, "remove %s: %w", path, err)
		}
	}
	return nil
}
