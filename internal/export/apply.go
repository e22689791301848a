package export

import (
	"context"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sync/errgroup"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// minBatch is the least number of files that one journal covers. Larger exports
// have at most about four journals, so that the cost stays linear.
const minBatch = 256

// apply carries a plan out, and notes in it what failed. The error is about
// what concerns every stack: the manifest, or being stopped.
func (r *run) apply(ctx context.Context, p *Plan) error {
	if p.Offline {
		r.report(p, 0, len(p.Stacks))
		return nil
	}
	writes := 0
	for i := range p.Stacks {
		writes += p.Stacks[i].writes()
	}
	most := max(minBatch, writes/4)
	from, n := 0, 0
	for i := range p.Stacks {
		n += p.Stacks[i].writes()
		if n < most && i < len(p.Stacks)-1 {
			continue
		}
		if ctx.Err() != nil {
			r.cancel(p, from, ctx)
			break
		}
		if err := r.applyBatch(p.Stacks[from : i+1]); err != nil {
			return err
		}
		if !r.req.Prune { // else nothing is finished before everything is
			r.report(p, from, i+1)
		}
		from, n = i+1, 0
	}
	if r.req.Prune {
		r.prune(p)
		r.report(p, 0, len(p.Stacks))
	}
	return r.m.save(r.d.root, r.d.key)
}

func (r *run) report(p *Plan, from, to int) {
	if r.Done == nil {
		return
	}
	for i := from; i < to; i++ {
		r.Done(p, &p.Stacks[i])
	}
}

// cancel marks what was not begun.
func (r *run) cancel(p *Plan, from int, ctx context.Context) {
	for i := from; i < len(p.Stacks); i++ {
		if s := &p.Stacks[i]; s.Err == nil && s.Changes() {
			s.Err = rinca.Errorf(rinca.Canceled, "stack %s: stopped before it was written: %w", s.Name, context.Cause(ctx))
		}
	}
	if !r.req.Prune {
		r.report(p, from, len(p.Stacks))
	}
}

func (s *Stack) writes() int {
	if s.Err != nil {
		return 0
	}
	n := 0
	for i := range s.Files {
		if s.Files[i].writes() {
			n++
		}
	}
	return n
}

// fail notes that nothing of the stack was changed, and why.
func (s *Stack) fail(err error) {
	s.Err = rinca.Errorf(rinca.CodeOf(err), "stack %s: %w", s.Name, err)
}

// applyBatch replaces the files of some stacks: each stack's all or none.
func (r *run) applyBatch(stacks []Stack) error {
	var open []*staged
	defer func() {
		for _, st := range open {
			st.close()
		}
	}()
	made := false
	for _, st := range r.stageAll(stacks) {
		open = append(open, st)
		made = made || st.made
	}
	if made {
		if err := atomicfile.SyncDir(r.d.root, "."); err != nil {
			return err
		}
	}
	if err := r.commit(open); err != nil {
		return err
	}
	for _, st := range open {
		if st.s.Err == nil {
			r.remember(st.s)
		}
	}
	return nil
}

// stageAll prepares the stacks that change, several at once: a journaling file
// system syncs many files together in little more than the time of one.
func (r *run) stageAll(stacks []Stack) []*staged {
	all := make([]*staged, len(stacks))
	var g errgroup.Group
	g.SetLimit(writers)
	for i := range stacks {
		s := &stacks[i]
		switch {
		case s.Err != nil, len(s.Files) == 0:
		case !s.Changes():
			r.remember(s)
		default:
			g.Go(func() error {
				st, err := r.stage(s)
				if err != nil {
					s.fail(err)
				}
				all[i] = st
				return nil
			})
		}
	}
	_ = g.Wait() // each error is in its stack
	return slices.DeleteFunc(all, func(st *staged) bool { return st == nil })
}

// commit gives staged files their names. The journal is there from before the
// first rename until the manifest knows about the last.
func (r *run) commit(open []*staged) error {
	var j journal
	for _, st := range open {
		if len(st.u.Moves) > 0 {
			j.Units = append(j.Units, st.u)
		}
	}
	if len(j.Units) == 0 {
		return nil
	}
	if err := j.write(r.d); err != nil {
		for _, st := range open {
			st.abandon()
			st.s.fail(err)
		}
		return nil //nolint:nilerr // it is in every stack
	}
	if err := r.renameAll(open); err != nil {
		return err
	}
	if err := r.m.save(r.d.root, r.d.key); err != nil {
		return err
	}
	if err := removeJournal(r.d.root); err != nil {
		return err
	}
	for _, st := range open {
		r.d.dropBackups(st.u)
	}
	return nil
}

// renameAll completes each stack, or undoes it.
func (r *run) renameAll(open []*staged) error {
	var g errgroup.Group
	g.SetLimit(writers)
	for _, st := range open {
		if len(st.u.Moves) == 0 {
			continue
		}
		g.Go(func() error {
			err := r.d.complete(st.u)
			if err == nil {
				return nil
			}
			st.s.fail(err)
			if err := r.d.undo(st.u); err != nil {
				return rinca.Errorf(rinca.Destination, "stack %s is half replaced: %w", st.s.Name, err).
					Try("mend it, then export again; %s", hint(err))
			}
			if st.made {
				_ = r.d.root.Remove(st.s.Name)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, st := range open {
		if st.s.Err == nil {
			r.d.record(st.u, r.m)
		}
	}
	return nil
}

// remember tells the manifest what is known about files that stay as they are.
func (r *run) remember(s *Stack) {
	for i := range s.Files {
		f := &s.Files[i]
		if f.note && !f.writes() && !f.copied {
			r.m.put(s.Name+"/"+f.Title, f.entry)
		}
	}
}

// setAttr changes the permissions of a file that keeps its content.
func setAttr(root *os.Root, title string, a Attr) (stat, error) {
	f, err := root.OpenFile(title, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return stat{}, atomicfile.Error("open", atomicfile.Path(root, title), err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errSpecial
	}
	if err == nil {
		err = atomicfile.SetAttr(f, a.file())
	}
	if err == nil {
		info, err = f.Stat()
	}
	if err != nil {
		return stat{}, atomicfile.Error("change", atomicfile.Path(root, title), err)
	}
	return statOf(info), nil
}
