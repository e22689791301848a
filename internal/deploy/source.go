package deploy

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rinca/internal/git"
	"rinca/internal/rinca"
)

// maxCompose is the largest compose or env file that is read.
const maxCompose = 16 << 20

// files are the files of a stack on disk.
type files struct {
	root    string   // of the checkout
	dir     string   // the stack's folder
	live    string   // where root lies when it is deployed
	tracked []string // absolute
	commit  string
}

// source brings the stack's files to disk: over those of the last deploy, or,
// for a plan of another commit, beside them.
func (j *job) source(ctx context.Context) (note string, err error) {
	if j.o.AsDeployed {
		if ok, err := j.lastSource(ctx); ok || err != nil {
			return "as it was last deployed", err
		}
	}
	src := j.stack.Source
	dest := filepath.Join(j.dir(j.stack.Name), "src")
	switch src.Kind {
	case rinca.SourceGit:
		return j.gitSource(ctx, dest)
	case rinca.SourceHost:
		return j.hostSource()
	case rinca.SourceInline:
		if j.planning {
			dest = filepath.Join(j.dir(j.stack.Name), "plan")
		}
		j.files, err = writeInline(dest, src.Files)
		j.files.live = filepath.Join(j.dir(j.stack.Name), "src")
		return plural(len(src.Files), "file"), err
	}
	return "", rinca.Errorf(rinca.Invalid, "stack %s has no source", j.stack.Name).
		Try("rinca stack set %s --repo URL --path DIR", j.stack.Name)
}

// gitRequest says where the stack's files come from, as whom, and where to.
func (j *job) gitRequest(ctx context.Context, dest string) (git.Request, error) {
	req := git.Request{Source: j.stack.Source, Dest: dest, Out: j.rec.Line}
	if name := j.stack.Source.Account; name != "" {
		a, err := j.DB.GitAccount(ctx, name)
		if err != nil {
			return req, err
		}
		req.Account = &a
	}
	return req, nil
}

func (j *job) gitSource(ctx context.Context, dest string) (string, error) {
	req, err := j.gitRequest(ctx, dest)
	if err != nil {
		return "", err
	}
	fetched, err := j.pass.fetch(ctx, j.Mirrors, req)
	if err != nil {
		return "", err
	}
	if j.planning {
		mark, err := j.DB.Mark(ctx, j.stack.Name)
		if err != nil && rinca.CodeOf(err) != rinca.NotFound {
			return "", err
		}
		if err != nil || mark.Commit != fetched.Commit {
			req.Dest = filepath.Join(j.dir(j.stack.Name), "plan")
		}
	}
	c, err := j.Mirrors.Checkout(ctx, req, fetched.Commit)
	if err != nil {
		return "", err
	}
	j.files = files{root: c.Root, dir: c.Dir, live: dest, tracked: c.Files, commit: c.Commit}
	return short(c.Commit) + " " + firstLine(c.Message), nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if len(line) > 100 {
		line = strings.ToValidUTF8(line[:100], "") + "…"
	}
	return line
}

func (j *job) hostSource() (string, error) {
	dir := j.stack.Source.Dir
	if !filepath.IsAbs(dir) {
		return "", rinca.Errorf(rinca.Invalid, "the source directory %q is not an absolute path", dir)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", rinca.Errorf(rinca.NotFound, "open the source directory: %w", err).Try("ls -ld %s", dir)
	}
	info, err := os.Stat(real)
	if err != nil || !info.IsDir() {
		return "", rinca.Errorf(rinca.NotFound, "the source %s is not a directory", dir).Because(err)
	}
	j.files = files{root: real, dir: real, live: real}
	return real, nil
}

// composeNames are looked for when a stack names no files; each may have an
// override file beside it, as for the Compose command.
func composeNames() []string {
	return []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}
}

// composeFiles returns the absolute paths of the stack's compose files.
func (j *job) composeFiles() ([]string, error) {
	if names := j.stack.Source.ComposeFiles; len(names) > 0 {
		var out []string
		for _, name := range names {
			path := filepath.Join(j.files.dir, name)
			if _, err := os.Stat(path); err != nil {
				return nil, rinca.Errorf(rinca.NotFound, "there is no compose file %s in the source", name).Because(err).
					Try("rinca stack set %s --compose-file NAME   # it has: %s", j.stack.Name, listing(j.files.dir))
			}
			out = append(out, path)
		}
		return out, nil
	}
	for _, name := range composeNames() {
		path := filepath.Join(j.files.dir, name)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		out := []string{path}
		ext := filepath.Ext(name)
		for _, e := range []string{".yaml", ".yml"} {
			over := strings.TrimSuffix(path, ext) + ".override" + e
			if _, err := os.Stat(over); err == nil {
				out = append(out, over)
				break
			}
		}
		return out, nil
	}
	return nil, rinca.Errorf(rinca.NotFound, "there is no compose file in %s of the source", orRoot(j.stack.Source.Path)).
		Try("rinca stack set %s --path DIR or --compose-file NAME   # it has: %s", j.stack.Name, listing(j.files.dir))
}

func orRoot(path string) string {
	if path == "" {
		return "the root"
	}
	return path
}

// listing names a few files of a folder, for a hint.
func listing(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return "nothing"
	}
	var names []string
	for i, e := range entries {
		if i == 8 {
			names = append(names, "…")
			break
		}
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// read returns a file that lies in the checkout or in one of roots; symbolic
// links that lead elsewhere are refused.
func (f files) read(path string, roots []string) ([]byte, error) {
	for _, base := range append([]string{f.root}, roots...) {
		rel, err := filepath.Rel(base, path)
		if err != nil || !filepath.IsLocal(rel) {
			continue
		}
		data, err := readIn(base, rel)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
		return nil, rinca.Errorf(rinca.Invalid, "read %s: %w", path, err)
	}
	return nil, rinca.Errorf(rinca.Invalid, "%s lies outside the source", path).
		Try("move it into the stack's folder, check out its folder too (--sparse), or allow it: --host-path %s", filepath.Dir(path))
}

func readIn(base, rel string) ([]byte, error) {
	root, err := os.OpenRoot(base)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.OpenFile(rel, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, rinca.Errorf(rinca.Invalid, "it is not a file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxCompose+1))
	if err == nil && len(data) > maxCompose {
		err = rinca.Errorf(rinca.Invalid, "it is larger than %d MiB", maxCompose>>20)
	}
	return data, err
}

// display is how a path of the checkout is shown.
func (f files) display(path string) string {
	if rel, err := filepath.Rel(f.root, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// sorted returns a sorted copy without repeats.
func sorted(names []string) []string {
	out := slices.Clone(names)
	slices.Sort(out)
	return slices.Compact(out)
}

// restoreFiles puts the files of the last good deploy back after one that
// failed before it touched anything that runs: containers may mount their
// folder. What is there already costs a look at the disk.
func (j *job) restoreFiles(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	g, err := j.goodGeneration(ctx, j.stack.Name)
	if rinca.CodeOf(err) == rinca.NotFound || g.Stack.Source.Kind == rinca.SourceHost {
		return
	}
	if err == nil {
		old := &job{Deployer: j.Deployer, rec: j.rec, stack: g.Stack}
		err = old.restoreSource(ctx, g)
	}
	if err != nil {
		j.warn("the files of the last good deploy could not be put back: " + err.Error())
	}
}
