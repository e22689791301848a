package compose

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"rinca/internal/rinca"
)

// adoptable looks closer at containers that docker compose made, or that carry
// digests of another key: when they were made, and what the secrets and configs
// hold that Compose wrote into them.
func (p *planner) adoptable(ctx context.Context) error {
	p.inside = map[string][]string{}
	for name, list := range p.o.containers {
		s, ok := p.d.project.Services[name]
		if !ok {
			continue
		}
		now := p.d.inputs[name]
		for _, c := range list {
			if _, ours := readInputs(c.Labels, now.Key); ours {
				continue
			}
			if len(now.files) > 0 {
				if err := p.lookUpAge(ctx, c); err != nil {
					return err
				}
			}
			if err := p.lookInside(ctx, s, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *planner) lookUpAge(ctx context.Context, c container.Summary) error {
	// The list's seconds are too coarse for a file written just before.
	p.created[c.ID] = time.Unix(c.Created, 0).UnixNano()
	res, err := p.d.engine.client.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return p.d.engine.fault(ctx, "look at container "+containerName(c), err)
	}
	if t, err := time.Parse(time.RFC3339Nano, res.Container.Created); err == nil {
		p.created[c.ID] = t.UnixNano()
	}
	return nil
}

// newer lists the files that changed after a moment; those that are gone, too.
// Of files that are elsewhere now, what counts is whether those that are to be
// replaced hold the same.
func (d *deployment) newer(files []string, nanoseconds int64) []string {
	var out []string
	for _, f := range files {
		live := d.live(f)
		if live != f && !sameContent(f, live) {
			out = append(out, f)
			continue
		}
		info, err := os.Stat(live)
		if err != nil {
			out = append(out, f)
			continue
		}
		changed := info.ModTime()
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			// A file that was put in place keeps its own time of change.
			if moved := time.Unix(st.Ctim.Unix()); moved.After(changed) {
				changed = moved
			}
		}
		if changed.UnixNano() > nanoseconds {
			out = append(out, f)
		}
	}
	return out
}

func sameContent(a, b string) bool {
	for _, path := range []string{a, b} { // a pipe would keep us waiting
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	x, errX := os.ReadFile(a)
	y, errY := os.ReadFile(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// lookInside compares secrets and configs that are no files with what is in
// the container.
func (p *planner) lookInside(ctx context.Context, s types.ServiceConfig, c container.Summary) error {
	compare := func(part, target, fallback string, o types.FileObjectConfig) error {
		if o.File != "" {
			return nil
		}
		if target == "" {
			target = fallback
		}
		if !strings.HasPrefix(target, "/") {
			target = fallback[:strings.LastIndex(fallback, "/")+1] + target
		}
		same, err := p.holds(ctx, c, target, p.d.inline(o))
		if err == nil && !same {
			p.inside[c.ID] = append(p.inside[c.ID], part)
		}
		return err
	}
	for _, ref := range s.Secrets {
		o := types.FileObjectConfig(p.d.project.Secrets[ref.Source])
		if err := compare(partSecret+ref.Source, ref.Target, "/run/secrets/"+ref.Source, o); err != nil {
			return err
		}
	}
	for _, ref := range s.Configs {
		o := types.FileObjectConfig(p.d.project.Configs[ref.Source])
		if err := compare(partConfig+ref.Source, ref.Target, "/"+ref.Source, o); err != nil {
			return err
		}
	}
	return nil
}

// holds reports whether a container holds a file of that content.
func (p *planner) holds(ctx context.Context, c container.Summary, path, want string) (bool, error) {
	res, err := p.d.engine.client.CopyFromContainer(ctx, c.ID, client.CopyFromContainerOptions{SourcePath: path})
	if errdefs.IsNotFound(err) {
		return want == "", nil // Compose writes no empty ones
	}
	if err != nil {
		return false, p.d.engine.fault(ctx, "look into container "+containerName(c), err)
	}
	defer res.Content.Close()
	r := tar.NewReader(res.Content)
	header, err := r.Next()
	if err != nil || header.Typeflag != tar.TypeReg || header.Size != int64(len(want)) {
		return false, nil //nolint:nilerr // not that file
	}
	text, err := io.ReadAll(io.LimitReader(r, int64(len(want))+1))
	if err != nil {
		return false, p.d.engine.fault(ctx, "look into container "+containerName(c), err)
	}
	return rinca.NewSecret(string(text)).Equal(rinca.NewSecret(want)), nil
}
