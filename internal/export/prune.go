package export

import (
	"errors"
	"io/fs"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// markPruned decides which stale files may be removed, and notes why the others
// may not. What looks gone may only have been out of sight.
func (r *run) markPruned(p *Plan) {
	if !r.req.Prune {
		return
	}
	for i := range p.Stacks {
		s := &p.Stacks[i]
		for j := range s.Files {
			f := &s.Files[j]
			if f.Action != Stale {
				continue
			}
			if why := r.mayNot(p, s, f); why != "" {
				s.Notes = append(s.Notes, f.Title+" is not pruned, because "+why)
				continue
			}
			f.Action = Pruned
		}
	}
}

// mayNot says why a stale file may not be removed; "" when it may.
func (r *run) mayNot(p *Plan, s *Stack, f *File) string {
	switch {
	case !r.req.AllowEmpty && (!p.anyItems || rinca.CodeOf(s.Err) == rinca.NotFound):
		return "the vault lists nothing for it; --allow-empty prunes all the same"
	case p.Err() != nil:
		return "something failed"
	case f.Drift != "":
		return "it was " + f.Drift
	}
	return ""
}

// prune removes what was marked, unless something has failed since.
func (r *run) prune(p *Plan) {
	failed := p.Err() != nil
	for i := range p.Stacks {
		s := &p.Stacks[i]
		for j := range s.Files {
			f := &s.Files[j]
			switch {
			case f.Action != Pruned:
			case failed:
				f.Action = Stale
				s.Notes = append(s.Notes, f.Title+" is not pruned, because something failed")
			default:
				if err := r.remove(s, f); err != nil {
					f.Action = Stale
					s.fail(err)
				}
			}
		}
	}
}

// remove removes one stale file, and the directory with the last.
func (r *run) remove(s *Stack, f *File) error {
	name := s.Name + "/" + f.Title
	root, _, err := r.d.openStack(s.Name)
	if err != nil {
		return err
	}
	if root != nil {
		defer root.Close()
		if err := root.Remove(f.Title); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return atomicfile.Error("remove", atomicfile.Path(root, f.Title), err)
		}
		if err := atomicfile.SyncDir(root, "."); err != nil {
			return err
		}
	}
	r.m.remove(name)
	_ = r.d.root.Remove(s.Name)
	return nil
}
