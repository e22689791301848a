package run

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// BackupParams say where a backup goes, and how many stay there.
type BackupParams struct {
	// Dir is an absolute path on the server's host; "" means the folder
	// backups of its home.
	Dir  string `json:"dir,omitempty"`
	Keep int    `json:"keep,omitempty"` // the newest; 0 means 7, -1 all
}

const keepBackups = 7

func (p BackupParams) check() error {
	switch {
	case p.Dir != "" && (!filepath.IsAbs(p.Dir) || filepath.Clean(p.Dir) != p.Dir):
		return rinca.Errorf(rinca.Invalid, "dir: %.200q is no absolute path", p.Dir).Try("such as /mnt/backup/rinca")
	case p.Keep < -1:
		return rinca.Errorf(rinca.Invalid, "keep is a number of backups, or -1 for all")
	}
	return nil
}

func backup() Kind {
	return kind(Kind{
		Name: "Backup", Doc: "Write the vault and the server's database to one encrypted file, and remove the oldest ones before it.",
		Level: rinca.Write, on: rinca.KindSystem,
	}, func(p BackupParams) (rinca.Target, error) {
		if err := p.check(); err != nil {
			return rinca.Target{}, err
		}
		return onSystem("Backup")
	}, func(ctx context.Context, r *Runner, p BackupParams, rec *deploy.Record) error {
		return r.backup(ctx, p, rec)
	})
}

func (r *Runner) backup(ctx context.Context, p BackupParams, rec *deploy.Record) error {
	if r.Backup == nil {
		return rinca.Errorf(rinca.Unavailable, "this server cannot make backups")
	}
	if p.Dir == "" {
		p.Dir = r.BackupDir
	}
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return rinca.Errorf(rinca.Destination, "make the folder for backups: %w", err).Try("see that rinca's user may write there")
	}
	path := filepath.Join(p.Dir, "rinca-"+r.Now().UTC().Format("20060102T150405.000Z")+".bak")
	if err := rec.Stage(ctx, "Backup", func(ctx context.Context) (string, error) { return path, r.Backup(ctx, path) }); err != nil {
		return err
	}
	removed, err := removeOld(p, filepath.Base(path))
	rec.Summary(path)
	for _, name := range removed {
		rec.Say("removed %s", name)
	}
	return err
}

// removeOld removes the oldest backups of a folder, beside the one that has
// just been made. Files of other names are not ours.
func removeOld(p BackupParams, newest string) (removed []string, err error) {
	keep := p.Keep
	if keep == 0 {
		keep = keepBackups
	}
	if keep < 0 {
		return nil, nil
	}
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		return nil, rinca.Errorf(rinca.Destination, "look for old backups: %w", err)
	}
	ours := regexp.MustCompile(`^rinca-\d{8}T\d{6}\.\d{3}Z\.bak$`)
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && ours.MatchString(e.Name()) && e.Name() != newest {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	for len(names) > keep-1 {
		if err := os.Remove(filepath.Join(p.Dir, names[0])); err != nil {
			return removed, rinca.Errorf(rinca.Destination, "remove an old backup: %w", err)
		}
		removed, names = append(removed, names[0]), names[1:]
	}
	return removed, nil
}
