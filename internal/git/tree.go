package git

import (
	"errors"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"rinca/internal/rinca"
)

// An entry is a file of a commit.
type entry struct {
	path string // in the repository
	hash plumbing.Hash
	kind byte // one of the kinds below
}

// The kinds of files.
const (
	regular    = 'f'
	executable = 'x'
	link       = 'l'
)

// A selection is the part of a commit that is checked out.
type selection struct {
	st      *filesystem.Storage
	folders []string // paths that are wanted with all that is below them
	top     bool     // the files at the root are wanted too
	short   string   // the commit, for messages
	entries map[string]entry
}

// selectEntries lists the files that a source wants of a commit.
func selectEntries(st *filesystem.Storage, c *object.Commit, s rinca.Source) ([]entry, error) {
	sel := &selection{st: st, short: c.Hash.String()[:12], entries: map[string]entry{}}
	for _, p := range append([]string{s.Path}, s.Sparse...) {
		p, err := cleanPath(p)
		if err != nil {
			return nil, err
		}
		if p == "" && len(s.Sparse) > 0 {
			sel.top = true
		} else {
			sel.folders = append(sel.folders, p)
		}
	}
	found := map[string]bool{}
	if err := sel.walk(c.TreeHash, "", 0, found); err != nil {
		return nil, err
	}
	for i, p := range sel.folders {
		if p != "" && !found[p] {
			return nil, sel.absent(c, p)
		}
		if _, isFile := sel.entries[p]; isFile && i == 0 && s.Path != "" {
			return nil, rinca.Errorf(rinca.Invalid, "%s is a file in commit %s, not a folder", p, sel.short).
				Try("name the folder in path, and the file in compose_files")
		}
	}
	list := make([]entry, 0, len(sel.entries))
	for _, e := range sel.entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	return list, sel.checkLinks(list)
}

// absent says which folders there are in place of one that is not there.
func (sel *selection) absent(c *object.Commit, p string) error {
	err := rinca.Errorf(rinca.NotFound, "commit %s has no folder %s", sel.short, clean(p))
	at := p
	for at != "." {
		at = path.Dir(at)
		tree, treeErr := object.GetTree(sel.st, c.TreeHash)
		if treeErr == nil && at != "." {
			tree, treeErr = tree.Tree(at)
		}
		if treeErr != nil {
			continue
		}
		var names []string
		for _, e := range tree.Entries {
			if e.Mode == filemode.Dir && len(names) < 10 {
				names = append(names, clean(path.Join(at, e.Name)))
			}
		}
		if len(names) > 0 {
			return err.Try("it has %s", strings.Join(names, ", "))
		}
	}
	return err
}

// wants reports whether a path is wanted, and whether something below it may be.
func (sel *selection) wants(p string, isFolder bool) (itself, below bool) {
	for _, f := range sel.folders {
		if f == "" || p == f || strings.HasPrefix(p, f+"/") {
			return true, true
		}
		below = below || strings.HasPrefix(f, p+"/")
	}
	return sel.top && !isFolder && !strings.Contains(p, "/"), below
}

// walk collects the wanted files of a tree.
func (sel *selection) walk(tree plumbing.Hash, dir string, depth int, found map[string]bool) error {
	if depth > maxTree {
		return rinca.Errorf(rinca.Invalid, "commit %s has folders more than %d deep", sel.short, maxTree)
	}
	t, err := object.GetTree(sel.st, tree)
	if err != nil {
		return unreadable{err}
	}
	seen := map[string]bool{}
	for _, e := range t.Entries {
		p := path.Join(dir, e.Name)
		if dir != "" && !strings.HasPrefix(p, dir+"/") {
			p = dir + "/" + e.Name // it is not a proper name; that shows below
		}
		wanted, below := sel.wants(p, e.Mode == filemode.Dir)
		if !wanted && !below {
			continue
		}
		if err := checkName(e.Name); err != nil {
			return rinca.Errorf(rinca.Invalid, "commit %s holds %q: %w", sel.short, clean(p), err).Try("remove it from the repository")
		}
		if seen[e.Name] {
			return rinca.Errorf(rinca.Invalid, "commit %s holds %q twice", sel.short, clean(p)).Try("git fsck")
		}
		seen[e.Name] = true
		found[p] = true
		switch e.Mode {
		case filemode.Dir:
			if err := sel.walk(e.Hash, p, depth+1, found); err != nil {
				return err
			}
		case filemode.Submodule:
			if wanted {
				return rinca.Errorf(rinca.Invalid, "commit %s holds the submodule %s, and submodules are not fetched", sel.short, clean(p)).
					Try("copy its files into the repository, or make it a stack of its own")
			}
		default:
			if wanted {
				sel.entries[p] = entry{path: p, hash: e.Hash, kind: kindOf(e.Mode)}
			}
		}
	}
	return nil
}

func kindOf(mode filemode.FileMode) byte {
	switch mode {
	case filemode.Symlink:
		return link
	case filemode.Executable:
		return executable
	}
	return regular
}

// An unreadable is an object that a mirror should have.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

// checkName refuses names that could lead out of the checkout, or into the
// insides of Git, on any file system.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return errors.New("that is no name")
	case len(name) > 255:
		return errors.New("that name is too long")
	}
	plain := strings.Map(func(r rune) rune { // HFS+ ignores these
		if unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	plain, _, _ = strings.Cut(plain, ":") // NTFS: a stream
	plain = strings.TrimRight(plain, ". ")
	for part := range strings.SplitSeq(plain, `\`) {
		if part == ".git" || part == "git~1" || part == ".." && strings.Contains(plain, `\`) {
			return errors.New("that name is Git's own")
		}
	}
	return nil
}

// checkLinks refuses symbolic links that lead out of the checkout. A target is
// some "..", then names: from a folder, which is where its path says, it goes
// up, never above the root, and then down. Every link on the way down is such
// a one too, so nothing leads out.
func (sel *selection) checkLinks(list []entry) error {
	for _, e := range list {
		if e.kind != link {
			continue
		}
		target, err := readSmall(sel.st, e.hash)
		if err != nil {
			return err
		}
		if !safeLink(e.path, target) {
			return rinca.Errorf(rinca.Invalid, "commit %s holds the symbolic link %s, which leads out of the checkout or goes up on its way", sel.short, clean(e.path)).
				Try("make it a relative link to something in the repository")
		}
	}
	return nil
}

func safeLink(at, target string) bool {
	if target == "" || strings.HasPrefix(target, "/") || strings.ContainsRune(target, 0) || len(target) > 4095 {
		return false
	}
	depth := strings.Count(at, "/")
	down := false
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			depth--
			if down || depth < 0 {
				return false
			}
		default:
			if checkName(part) != nil {
				return false
			}
			down = true
		}
	}
	return true
}
