package export

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// An Exporter writes the items of a vault to a directory.
type Exporter struct {
	Provider rinca.Provider
	Now      func() time.Time
	// Wait is how long another export of the same destination is waited for.
	Wait time.Duration
	// Waiting is told who that is; Progress how many of the changed items have
	// been fetched; Done each stack as soon as it is finished. All may be nil.
	Waiting  func(holder string)
	Progress func(done, total int)
	Done     func(p *Plan, s *Stack)
}

// A Request says what to export, and how.
type Request struct {
	Vault string // name or id
	Dest  string
	// Stacks are the stacks to export; none means every stack: tag.
	Stacks []string
	Rules  Rules

	AllowPlaceholders bool
	Prune             bool // remove files of ours that the vault no longer has
	AllowEmpty        bool // even when the vault lists nothing for a stack
	Offline           bool // take the files as they are when the vault is out of reach

	// Hold says why the change of an item is kept out for now; "" means that
	// it is not. nil holds none. What is tagged rinca:hold is held anyway.
	Hold func(v rinca.Vault, item rinca.Info) (why string)
	// Listed is told of the items of a vault before Hold is asked about them.
	Listed func(v rinca.Vault, items []rinca.Info)

	// Budget bounds the requests of this and earlier exports to Dest.
	Budget Budget
}

// ParseStacks reads names of stacks separated by blanks or newlines, as in the
// variable STACKS; a name that is there twice counts once. A name that cannot
// be a stack's is an error with code Usage.
func ParseStacks(names ...string) ([]string, error) {
	var stacks []string
	for _, s := range names {
		for name := range strings.FieldsSeq(s) {
			if !rinca.ValidStackName(name) {
				return nil, rinca.Errorf(rinca.Usage, "%q cannot be the name of a stack", name).
					Try("letters, digits, '.', '_' and '-', starting with a letter or a digit")
			}
			if !slices.Contains(stacks, name) {
				stacks = append(stacks, name)
			}
		}
	}
	return stacks, nil
}

// Plan says what Export would do, without writing anything: it needs no right
// to write. It takes the lock if it can, so as not to look between renames, and
// completes an interrupted export if it can.
func (e *Exporter) Plan(ctx context.Context, req Request) (*Plan, error) {
	if err := req.Rules.Check(); err != nil {
		return nil, err
	}
	d, err := openDest(req.Dest, false)
	if err != nil {
		return nil, err
	}
	defer d.close()
	r := &run{Exporter: e, req: req, d: d, m: newManifest()}
	if d.root != nil {
		if err := d.checkState(); err != nil {
			return nil, err
		}
		held, err := d.lockToLook(ctx, e.Wait, e.Waiting)
		if err != nil {
			return nil, err
		}
		if held != nil {
			defer held.Close()
		}
		if d.key, err = loadKey(d.root); err != nil {
			return nil, d.stateError("read", keyFile, err)
		}
		if err := r.load(); err != nil {
			return nil, err
		}
		if err := r.recoverFirst(held != nil); err != nil {
			return nil, err
		}
	}
	return r.plan(ctx)
}

// recoverFirst completes or undoes an interrupted export. Somebody who may not
// write plans on, and is told.
func (r *run) recoverFirst(locked bool) error {
	if !r.d.pending() {
		return nil
	}
	if locked {
		err := r.recover()
		if err == nil || !errors.Is(err, os.ErrPermission) {
			return err
		}
	}
	r.note("an export was interrupted, or is under way; the next export completes it")
	return nil
}

// Export brings the files up to date, and returns what it did: also with an
// error, which is then about the whole run. What is wrong with single stacks is
// in the plan.
func (e *Exporter) Export(ctx context.Context, req Request) (*Plan, error) {
	if err := req.Rules.Check(); err != nil {
		return nil, err
	}
	r, done, err := e.open(ctx, req)
	if err != nil {
		return nil, err
	}
	defer done()
	p, err := r.plan(ctx)
	if err != nil {
		return p, err
	}
	return p, r.apply(ctx, p)
}

// open takes a destination to write to, until done is called, and brings it to
// what the manifest says.
func (e *Exporter) open(ctx context.Context, req Request) (r *run, done func(), err error) {
	d, err := openDest(req.Dest, true)
	if err != nil {
		return nil, nil, err
	}
	if err := d.makeState(); err != nil {
		d.close()
		return nil, nil, err
	}
	held, err := d.lock(ctx, e.Wait, e.Waiting)
	if err != nil {
		d.close()
		return nil, nil, err
	}
	done = func() {
		held.Close()
		d.close()
	}
	r = &run{Exporter: e, req: req, d: d, m: newManifest(), sweep: true}
	if err := r.begin(); err != nil {
		done()
		return nil, nil, err
	}
	return r, done, nil
}

func (r *run) begin() (err error) {
	// We hold the lock, so nobody is just writing these.
	if _, err := atomicfile.Sweep(r.d.root, stateDir, nil); err != nil {
		return err
	}
	if r.d.key, err = makeKey(r.d.root); err != nil {
		return err
	}
	if err := r.load(); err != nil {
		return err
	}
	return r.recover()
}

// A run is one export, or one plan.
type run struct {
	*Exporter
	req   Request
	d     *dest
	m     *manifest
	sweep bool // remove what killed writers left
	calls int  // requests, for providers that do not count themselves
	notes []string
	// ledger is set for a provider that does not ask before it sends.
	ledger *ledger
}

func (r *run) note(s string) { r.notes = append(r.notes, s) }

// load reads the manifest, and says when there was one that cannot be used.
func (r *run) load() error {
	m, why, err := loadManifest(r.d.root, r.d.key)
	if err != nil {
		return err
	}
	r.m = m
	if why != nil && !errors.Is(why, errMissing) {
		r.note("the manifest cannot be used (" + why.Error() + "): everything is fetched, and nothing removed")
	}
	return nil
}

func (r *run) recover() error {
	recovered, err := r.d.recover(r.m)
	for _, rec := range recovered {
		what := "undone"
		if rec.Completed {
			what = "completed"
		}
		r.note("stack " + rec.Stack + ": an interrupted export was " + what)
	}
	return err
}

// plan asks the vault, looks at the disk, and decides. An item that changes
// while it is looked at starts it over, a bounded number of times.
func (r *run) plan(ctx context.Context) (*Plan, error) {
	if r.d.moved {
		r.note("the destination is a symbolic link to " + r.d.path)
	}
	start := r.requests()
	defer r.meter()()
	facts, err := r.facts(ctx)
	if err != nil {
		if r.req.Offline && outOfReach(err) {
			return r.offline(err)
		}
		return &Plan{Dest: r.d.path, Notes: r.notes, Requests: r.requests() - start}, err
	}
	p := Decide(facts)
	r.markPruned(p)
	p.Notes = append(p.Notes, r.notes...)
	p.Requests = r.requests() - start
	return p, nil
}

// meter counts requests against the budget, until its result is called.
func (r *run) meter() (stop func()) {
	if !r.req.Budget.Limited() {
		return func() {}
	}
	l := openLedger(nil, r.req.Budget, r.Now)
	if r.d.root != nil {
		l = openLedger(r.d.root, r.req.Budget, r.Now)
	}
	if !r.sweep {
		l.root = nil // a plan writes nothing
	}
	gated, ok := r.Provider.(rinca.Gated)
	if !ok {
		r.ledger = l // it is asked before each call instead
		return l.giveBack
	}
	gated.Gate(l.allow)
	return func() {
		gated.Gate(nil)
		l.giveBack()
	}
}

// spend counts requests of a provider that does not ask itself.
func (r *run) spend(requests int) error {
	r.calls += requests
	if r.ledger == nil {
		return nil
	}
	return r.ledger.allow(requests)
}

// outOfReach reports whether the vault could not be asked at all.
func outOfReach(err error) bool {
	code := rinca.CodeOf(err)
	return code == rinca.Unavailable || code == rinca.RateLimited
}

// requests returns how many requests have been sent.
func (r *run) requests() int {
	if l, ok := r.Provider.(rinca.Limiter); ok {
		return l.Requests()
	}
	return r.calls
}
