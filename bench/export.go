package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// The method of the shell script that Rinca replaces: per stack the vault and
// the list, per item a call, jq for the lines. op is our own, which starts
// faster than 1Password's and talks to a server on this machine, so the ratio
// is smaller than a user would see.
const exportScript = `
for stack in $STACKS; do
	op vault get "$VAULT" >/dev/null || exit 1
	mkdir -p "$DEST_ROOT/$stack"
	op item list --vault "$VAULT" --tags "stack:$stack" --format json |
		jq -r '.[] | select(.title | endswith(".env")) | [.id, .title] | @tsv' |
		while IFS="$(printf '\t')" read -r id title; do
			op item get "$id" --vault "$VAULT" --format json |
				jq -r '.fields[] | select(.value? != null) | "\(.label)=\(.value)"' >"$DEST_ROOT/$stack/$title"
		done
done
`

// exportAgainstShell: 20 stacks × 3 items × 12 fields from a Connect server.
func exportAgainstShell(ctx context.Context, b *bench) ([]line, error) {
	const stacks, items, fields = 20, 3, 12
	s, err := startServer(ctx, b)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.seed(ctx, stacks, items, fields); err != nil {
		return nil, err
	}
	var names string
	for i := range stacks {
		names += fmt.Sprintf("s%d ", i)
	}
	bin := filepath.Join(b.dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return nil, err
	}
	if err := os.Symlink(b.rinca, filepath.Join(bin, "op")); err != nil {
		return nil, err
	}
	theirDest, ourDest := filepath.Join(b.dir, "shell"), filepath.Join(b.dir, "rinca")
	shellEnv := append(s.env, "PATH="+bin+":"+os.Getenv("PATH"), "VAULT=homelab", "STACKS="+names, "DEST_ROOT="+theirDest)
	var shellRequests int
	theirs, err := median(3, func() error {
		n, err := s.counted(func() error { _, err := command(ctx, shellEnv, "sh", "-c", exportScript); return err })
		shellRequests = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("shell script: %w", err)
	}
	env := append(s.env, "STACKS="+names, "DEST_ROOT="+ourDest, "RINCA_HOME="+filepath.Join(b.dir, "home"))
	export := func() error { _, err := command(ctx, env, b.rinca, "export"); return err }
	if err := os.MkdirAll(ourDest, 0o755); err != nil {
		return nil, err
	}
	var coldRequests, sameRequests int
	cold, err := median(5, func() error {
		if err := empty(ourDest, filepath.Join(b.dir, "home")); err != nil {
			return err
		}
		coldRequests, err = s.counted(export)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cold: %w", err)
	}
	if err := sameFiles(theirDest, ourDest, stacks*items); err != nil {
		return nil, err
	}
	same, err := median(9, func() error { sameRequests, err = s.counted(export); return err })
	if err != nil {
		return nil, fmt.Errorf("unchanged: %w", err)
	}
	c, u := newLine("export-cold-vs-shell", cold, theirs), newLine("export-unchanged-vs-cold", same, cold)
	c.Requests, c.Note = coldRequests, fmt.Sprintf("shell: %d requests", shellRequests)
	u.Requests = sameRequests
	return []line{c, u}, nil
}

// empty removes what a run left, so that the next one is cold.
func empty(dirs ...string) error {
	for _, d := range dirs {
		entries, err := os.ReadDir(d)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := os.RemoveAll(filepath.Join(d, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameFiles proves that both did the same work.
func sameFiles(a, b string, want int) error {
	files, err := filepath.Glob(filepath.Join(a, "*", "*.env"))
	if err != nil || len(files) != want {
		return fmt.Errorf("%d files in %s, want %d (%w)", len(files), a, want, err)
	}
	for _, f := range files {
		rel, _ := filepath.Rel(a, f)
		x, errX := os.ReadFile(f)
		y, errY := os.ReadFile(filepath.Join(b, rel))
		if errX != nil || errY != nil || string(x) != string(y) {
			return fmt.Errorf("%s differs between the two", rel)
		}
	}
	return nil
}
