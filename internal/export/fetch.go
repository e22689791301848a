package export

import (
	"context"
	"errors"
	"slices"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

// batchSize is about how many items are fetched at once: whole stacks.
const batchSize = 100

// A batch is stacks whose items are fetched together.
type batch struct {
	stacks []*stackFacts
	ids    []string
}

// fetch gets the items that have to be looked into, whole stacks at a time,
// and renders them. It reports again when an item has moved since it was
// listed, and relist allows listing once more. What fails for one stack is in
// its facts; what fails for all is returned when nothing has been fetched.
func (r *run) fetch(ctx context.Context, vaultID string, stacks []*stackFacts, relist bool) (again bool, err error) {
	batches, total := r.batches(vaultID, stacks)
	got := map[string]*rinca.Item{}
	g := getter{run: r, vaultID: vaultID, got: got, relist: relist}
	for _, b := range batches {
		if r.Progress != nil {
			r.Progress(len(got), total)
		}
		g.batch(ctx, b)
		if ctx.Err() != nil {
			return false, rinca.Errorf(rinca.Canceled, "stopped before anything was written: %w", context.Cause(ctx))
		}
		if g.gone && relist {
			return true, nil
		}
	}
	if r.Progress != nil && total > 0 {
		r.Progress(len(got), total)
	}
	if g.fatal != nil && len(got) == 0 && total > 0 {
		return false, g.fatal
	}
	for _, s := range stacks {
		for _, f := range s.files {
			item := got[f.item.ID]
			if s.err != nil || item == nil && !f.needs(vaultID, s.choice.stack, r.req.Rules, r.req.AllowPlaceholders) {
				continue
			}
			if item == nil { // asked for with another stack, which failed
				g.fail([]*stackFacts{s}, rinca.Errorf(rinca.Unavailable, "item %s could not be fetched", f.item.ID).Try("run it again"))
				continue
			}
			if !stillFits(f.item, s.choice.stack, item) {
				if relist {
					return true, nil
				}
				s.err = rinca.Errorf(rinca.Conflict, "stack %s: item %s keeps changing while it is exported", s.choice.stack, item.ID).
					Try("run it again")
				continue
			}
			r.compare(s.choice.stack, f, item)
		}
	}
	return false, nil
}

// stillFits reports whether an item is what it was listed as.
func stillFits(l listedItem, stack string, item *rinca.Item) bool {
	return item.Title == l.Title && slices.Contains(item.Stacks(), stack)
}

// batches collects the items that have to be fetched.
func (r *run) batches(vaultID string, stacks []*stackFacts) (batches []batch, total int) {
	seen := map[string]bool{}
	var b batch
	for _, s := range stacks {
		if s.err != nil {
			continue
		}
		var ids []string
		for _, f := range s.files {
			if !seen[f.item.ID] && f.needs(vaultID, s.choice.stack, r.req.Rules, r.req.AllowPlaceholders) {
				seen[f.item.ID] = true
				ids = append(ids, f.item.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		total += len(ids)
		if len(b.ids) > 0 && len(b.ids)+len(ids) > batchSize {
			batches = append(batches, b)
			b = batch{}
		}
		b.stacks = append(b.stacks, s)
		b.ids = append(b.ids, ids...)
	}
	if len(b.ids) > 0 {
		batches = append(batches, b)
	}
	return batches, total
}

// A getter fetches batches. One item that cannot be had costs its stack, not
// the others.
type getter struct {
	*run
	vaultID string
	got     map[string]*rinca.Item
	gone    bool  // an item that was listed does not exist
	relist  bool  // then list again, and fetch nothing more
	fatal   error // nothing more can be had
}

func (g *getter) batch(ctx context.Context, b batch) {
	if g.fatal == nil {
		err := g.get(ctx, b.ids)
		if err == nil {
			return
		}
		g.judge(ctx, err)
		if len(b.stacks) == 1 || g.fatal != nil || g.gone && g.relist {
			g.fail(b.stacks, err)
			return
		}
	}
	for _, s := range b.stacks {
		if g.fatal != nil {
			g.fail([]*stackFacts{s}, g.fatal)
			continue
		}
		err := g.get(ctx, g.wanted(s))
		if err == nil {
			continue
		}
		g.judge(ctx, err)
		g.fail([]*stackFacts{s}, err)
	}
}

func (g *getter) wanted(s *stackFacts) []string {
	var ids []string
	for _, f := range s.files {
		if f.needs(g.vaultID, s.choice.stack, g.req.Rules, g.req.AllowPlaceholders) {
			ids = append(ids, f.item.ID)
		}
	}
	return ids
}

// judge decides what an error means for the rest. Where there was no answer, a
// question that is not about items tells whether the vault is there at all:
// each stack would cost a round of retries to learn the same.
func (g *getter) judge(ctx context.Context, err error) {
	switch rinca.CodeOf(err) {
	case rinca.Unauthenticated, rinca.RateLimited, rinca.Canceled:
		g.fatal = err
	case rinca.NotFound:
		g.gone = true
	case rinca.Unavailable:
		if g.spend(1) != nil {
			g.fatal = err
		} else if _, dead := g.Provider.Vaults(ctx); dead != nil {
			g.fatal = err
		}
	}
	if errors.Is(err, context.Canceled) {
		g.fatal = err
	}
}

func (g *getter) fail(stacks []*stackFacts, err error) {
	for _, s := range stacks {
		s.err = rinca.Errorf(rinca.CodeOf(err), "stack %s: %w", s.choice.stack, err)
	}
}

func (g *getter) get(ctx context.Context, ids []string) error {
	if err := g.spend(len(ids)); err != nil {
		return err
	}
	items, err := g.Provider.Get(ctx, g.vaultID, ids...)
	if err != nil {
		return err
	}
	for i := range items {
		g.got[items[i].ID] = &items[i]
	}
	for _, id := range ids {
		if g.got[id] == nil {
			return rinca.Errorf(rinca.Unavailable, "the vault answered without item %s", id).Try("run it again")
		}
	}
	return nil
}

// compare renders a fetched item and compares it with what is on disk.
func (r *run) compare(stack string, f *fileFacts, item *rinca.Item) {
	f.out = render(item, stack, r.req.Rules, r.req.AllowPlaceholders)
	f.fetched = item.Info
	if len(f.out.problems) > 0 {
		return
	}
	data := []byte(f.out.data.Reveal())
	f.digest = r.digestOf(f.name, data)
	if f.disk.kind != regular {
		f.keys = diffKeys(f.out.vars, oldText{})
		return
	}
	if f.disk.intact && equalMAC(f.digest, f.entry.Digest) {
		f.oldDigest = f.digest
		return
	}
	r.readOld(stack, f)
}

// readOld reads what is on disk, to compare it with what is to replace it.
func (r *run) readOld(stack string, f *fileFacts) {
	f.keys = Keys{Unknown: true}
	root, _, err := r.d.openStack(stack)
	if err != nil || root == nil {
		return
	}
	defer root.Close()
	old, _, err := readRegular(root, f.item.Title)
	if err != nil {
		return // it is replaced all the same
	}
	f.oldDigest = r.digestOf(f.name, old)
	if equalMAC(f.oldDigest, f.digest) {
		f.keys = Keys{}
		return
	}
	format := envfile.Format(f.entry.Format)
	f.keys = diffKeys(f.out.vars, oldText{text: rinca.NewSecret(string(old)), format: format, ours: f.disk.intact})
}

// digestOf works without a key too, as in a plan for a directory that has none.
func (r *run) digestOf(name string, data []byte) string { return r.d.key.digest(name, data) }
