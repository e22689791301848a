// Package run carries out executions: each is a row of the database before it
// is anything else, waits for its turn, runs, and ends as an update that says
// what happened. After a crash what was queued runs, and what was running is
// closed as interrupted.
package run

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"rinca/internal/alert"
	"rinca/internal/deploy"
	"rinca/internal/event"
	"rinca/internal/redact"
	"rinca/internal/resource"
	"rinca/internal/rinca"
	"rinca/internal/rotation"
	"rinca/internal/store"
)

// A Runner carries out executions. It is safe for use by several goroutines.
type Runner struct {
	DB     *store.DB
	Hub    *event.Hub
	Deploy *deploy.Deployer
	Known  *redact.Known
	Now    func() time.Time
	Log    *slog.Logger
	// Workers is how many executions run at once; 0 means 4.
	Workers int
	// Grace is how long executions may go on after the server is told to
	// stop; 0 means 20 seconds.
	Grace time.Duration
	// Backup writes a backup to a new file; nil when there is none to make.
	// BackupDir is where it goes when nobody says where.
	Backup    func(ctx context.Context, path string) error
	BackupDir string
	// Keep says which updates are kept.
	Keep store.UpdateRetention
	// Syncs make resources what files say; nil: nobody does.
	Syncs *resource.Service
	// Alerts tells people; nil tells nobody.
	Alerts *alert.Alerts
	// Rotator rotates secrets; nil rotates nothing.
	Rotator *rotation.Rotator

	mu      sync.Mutex
	active  map[string]*active      // by update
	busy    map[rinca.Target]string // the update that works on it
	waiting map[string][]chan rinca.Update
	names   map[string]string // of the kinds of what is queued, by update
	order   order
	kinds   map[string]Kind // by name
	slots   int             // executions that take a worker
	wake    chan struct{}
	freed   chan struct{} // closed when a target becomes free
	once    sync.Once
}

// An active execution is one that runs.
type active struct {
	cancel context.CancelCauseFunc
	target rinca.Target
	// resumes: the next server goes on with it, so that this one need not wait.
	resumes bool
}

func (r *Runner) init() {
	r.once.Do(func() {
		r.active, r.busy = map[string]*active{}, map[rinca.Target]string{}
		r.waiting, r.names = map[string][]chan rinca.Update{}, map[string]string{}
		r.kinds = map[string]Kind{}
		for _, k := range Kinds() {
			r.kinds[k.Name] = k
		}
		r.wake, r.freed = make(chan struct{}, 1), make(chan struct{})
		if r.Workers == 0 {
			r.Workers = 4
		}
		if r.Grace == 0 {
			r.Grace = 20 * time.Second
		}
	})
}

// Run closes what a crash interrupted, and then carries out what is queued
// until ctx ends and what runs has ended.
func (r *Runner) Run(ctx context.Context) error {
	r.init()
	interrupted, err := r.DB.Recover(ctx, func(u rinca.Update) bool {
		k, ok := kindOf(u.Execution.Kind)
		return ok && k.resumes
	})
	if err != nil {
		return err
	}
	for _, u := range interrupted {
		r.Log.Warn("an execution was interrupted by the end of the server", "update", u.ID, "target", u.Target.String())
		r.publish(u)
	}
	r.prune(ctx)
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var running sync.WaitGroup
	daily := time.NewTicker(6 * time.Hour)
	defer daily.Stop()
	for {
		r.dispatch(work, &running)
		select {
		case <-ctx.Done():
			r.drain(&running, stop)
			return nil
		case <-r.wake:
		case <-daily.C:
			r.prune(ctx)
		}
	}
}

// drain waits for what runs; after the grace it is told to stop.
func (r *Runner) drain(running *sync.WaitGroup, stop context.CancelCauseFunc) {
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	r.mu.Lock()
	for _, a := range r.active {
		if a.resumes {
			a.cancel(deploy.ErrStopping)
		}
	}
	r.mu.Unlock()
	select {
	case <-done:
		return
	case <-time.After(r.Grace):
	}
	stop(deploy.ErrStopping)
	select {
	case <-done:
	case <-time.After(15 * time.Second): // it is closed as interrupted at the next start
	}
}

func (r *Runner) prune(ctx context.Context) {
	if n, err := r.DB.PruneUpdates(ctx, r.Keep); err != nil {
		r.Log.Error("remove old updates", "error", err)
	} else if n > 0 {
		r.Log.Info("removed old updates", "updates", n)
	}
}

// dispatch starts what is queued and can run now.
func (r *Runner) dispatch(ctx context.Context, running *sync.WaitGroup) {
	for r.start(ctx, running) {
	}
}

// start starts the oldest execution that can run now, if there is one.
func (r *Runner) start(ctx context.Context, running *sync.WaitGroup) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok, err := r.claim(ctx)
	if err != nil {
		r.Log.Error("take the next execution", "error", err)
		time.AfterFunc(time.Second, r.poke)
		return false
	}
	if !ok {
		return false
	}
	delete(r.names, u.ID)
	kind, known := kindOf(u.Execution.Kind)
	run, cancel := context.WithCancelCause(ctx)
	r.active[u.ID] = &active{cancel, u.Target, kind.resumes}
	if !kind.shares {
		r.busy[u.Target] = u.ID
	}
	takes := known && !kind.orchestrates
	if takes {
		r.slots++
	}
	running.Go(func() {
		defer cancel(nil)
		final := r.carryOut(run, kind, u)
		r.finished(final, takes)
		r.closed(context.WithoutCancel(run), kind, final)
	})
	return true
}

// carryOut runs one execution to its end.
func (r *Runner) carryOut(ctx context.Context, kind Kind, u rinca.Update) rinca.Update {
	ctx = asks(ctx, u)
	rec := (&deploy.Record{DB: r.DB, Hub: r.Hub, Known: r.Known, Now: r.Now, Log: r.Log}).Begin(u)
	r.publish(u)
	if kind.run == nil {
		return r.close(ctx, rec, rinca.Errorf(rinca.Invalid, "this program knows no execution %q", u.Execution.Kind))
	}
	if err := r.protect(func() error { return kind.run(ctx, r, u.Execution.Params, rec) }); err != nil {
		return r.close(ctx, rec, err)
	}
	return rec.Finish(ctx, nil)
}

// protect turns a panic into an error: one bad execution does not end the
// server.
func (r *Runner) protect(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.Log.Error("an execution panicked", "panic", p)
			err = rinca.Errorf(rinca.Internal, "the execution ended by a fault of the program").Try("see the server's log")
		}
	}()
	return f()
}

func (r *Runner) close(ctx context.Context, rec *deploy.Record, err error) rinca.Update {
	if errors.Is(context.Cause(ctx), deploy.ErrStopping) {
		if kind, _ := kindOf(rec.Update().Execution.Kind); kind.resumes {
			return rec.Suspend(ctx)
		}
		return rec.Interrupt(ctx)
	}
	return rec.Finish(ctx, err)
}

func (r *Runner) finished(u rinca.Update, slot bool) {
	r.mu.Lock()
	delete(r.active, u.ID)
	if r.busy[u.Target] == u.ID {
		delete(r.busy, u.Target)
	}
	if slot {
		r.slots--
	}
	if u.State.Final() { // else it goes on at the next start
		r.tellWaiting(u)
	}
	close(r.freed)
	r.freed = make(chan struct{})
	r.mu.Unlock()
	r.poke()
}

// closed lets a kind put away what an update that has ended needed.
func (r *Runner) closed(ctx context.Context, kind Kind, u rinca.Update) {
	if kind.closed != nil && u.State.Final() {
		kind.closed(ctx, r, u)
	}
}

// tellWaiting tells those who wait for the end of an update. r.mu is held.
func (r *Runner) tellWaiting(u rinca.Update) {
	for _, c := range r.waiting[u.ID] {
		c <- u
	}
	delete(r.waiting, u.ID)
}

// poke makes the dispatcher look again.
func (r *Runner) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// hold keeps a target for work that is no execution of its own, once it is
// free, and returns how to let it go.
func (r *Runner) hold(ctx context.Context, t rinca.Target, by string) (release func(), err error) {
	for {
		r.mu.Lock()
		if r.busy[t] == "" {
			r.busy[t] = by
			r.mu.Unlock()
			return func() {
				r.mu.Lock()
				delete(r.busy, t)
				close(r.freed)
				r.freed = make(chan struct{})
				r.mu.Unlock()
				r.poke()
			}, nil
		}
		freed := r.freed
		r.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
