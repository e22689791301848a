// Package deploy deploys one stack: its source is brought to disk, variables
// are filled in, its secrets are exported, what would fail is found before
// anything is touched, the containers that differ are replaced, and the
// result is verified. What fails is put back.
//
// There is one way through, whoever asks for it: Deploy.
package deploy

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"rinca/internal/event"
	"rinca/internal/git"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A Deployer deploys the stacks of one home. It is safe for use by several
// goroutines; that one stack is not deployed twice at once is up to its
// caller.
type Deployer struct {
	DB      *store.DB
	Hub     *event.Hub
	Known   *redact.Known
	Engines *Engines
	Mirrors *git.Mirrors
	Vault   *Vault
	Home    string
	Now     func() time.Time
	Log     *slog.Logger
	// Environ is the environment that hooks inherit of, "KEY=value": PATH and
	// the like. No secret is in it.
	Environ []string

	learned atomic.Int64 // the revision that Known has the variables of
	names   publicNames
	uses    uses
	lists   lists
}

// Options say what a deploy is to do beyond what the stack says.
type Options struct {
	Stack       string   `json:"stack"`
	Services    []string `json:"services,omitempty"` // only these, and what they depend on
	Force       bool     `json:"force,omitempty"`    // recreate what would be kept
	SkipSecrets bool     `json:"skip_secrets,omitempty"`
	Pull        bool     `json:"pull,omitempty"` // look for newer images
	// AsDeployed takes the stack and its source as they were last deployed,
	// whatever is newer: only values change.
	AsDeployed bool `json:"as_deployed,omitempty"`
	// IfChanged does not run a stack of one-shot services again when nothing
	// differs.
	IfChanged bool `json:"if_changed,omitempty"`
	// IgnoreDependencies deploys although a stack that it comes after is not
	// well.
	IgnoreDependencies bool `json:"ignore_dependencies,omitempty"`
}

// A job is one deploy, or one plan, under way.
type job struct {
	*Deployer
	o      Options
	rec    *Record
	stack  rinca.Stack
	engine rinca.Engine
	// planning writes nothing: no checkout over the live one, no files.
	planning bool
	// pass is the look at many stacks that this one is part of, or nil.
	pass *Pass
	// looking asks whether anything differs; a stack of one-shot services that
	// could run again does not.
	looking bool
	// given is the generation that AsDeployed is about.
	given *generation

	files    files
	vars     *variables
	compose  *composeReader
	exported exported
	project  rinca.Project
	dep      rinca.Deployment
	facts    rinca.ProjectFacts
	hooks    hooks
	plan     rinca.Plan
	warned   map[string]bool
	warnMu   sync.Mutex
}

// Deploy brings a stack to what its source, its variables and its secrets
// say, and records every stage in rec. When it fails after it touched the
// stack, the last good generation is put back.
func (d *Deployer) Deploy(ctx context.Context, o Options, rec *Record) error {
	j, err := d.newJob(ctx, o, rec)
	if err != nil {
		return err
	}
	j.looking = o.IfChanged
	if err := j.dependencies(ctx); err != nil {
		return err
	}
	if err := j.prepare(ctx); err != nil {
		j.restoreFiles(ctx)
		return err
	}
	rec.SetPlan(j.plan, j.files.commit)
	if !j.plan.Changes() && !o.Force {
		rec.Summary("nothing changed")
		return j.keep(ctx)
	}
	return j.carryOut(ctx)
}

// Plan says what Deploy would do now, and changes nothing.
func (d *Deployer) Plan(ctx context.Context, o Options, rec *Record) (rinca.Plan, error) {
	j, err := d.newJob(ctx, o, rec)
	if err != nil {
		return rinca.Plan{}, err
	}
	j.planning = true
	if err := j.prepare(ctx); err != nil {
		return rinca.Plan{}, err
	}
	return MaskPlan(j.plan, j.rec.mask), nil
}

func (d *Deployer) newJob(ctx context.Context, o Options, rec *Record) (*job, error) {
	stack, err := d.DB.Stack(ctx, o.Stack)
	if err != nil {
		return nil, err
	}
	if stack.Source, err = d.DB.Linked(ctx, stack.Source); err != nil {
		return nil, err
	}
	if rev := d.DB.Revision(); d.learned.Swap(rev) != rev {
		if err := d.LearnVariables(ctx); err != nil {
			return nil, err
		}
	}
	return &job{Deployer: d, o: o, rec: rec, stack: stack, warned: map[string]bool{}}, nil
}

// prepare runs the stages that touch nothing that runs.
func (j *job) prepare(ctx context.Context) error {
	for _, s := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"Source", j.source},
		{"Interpolate", j.interpolate},
		{"Secrets", j.secrets},
		{"Load", j.load},
		{"Preflight", j.preflight},
		{"Plan", j.makePlan},
	} {
		if err := j.rec.Stage(ctx, s.name, s.run); err != nil {
			return err
		}
	}
	return nil
}

// carryOut runs the stages that touch what runs. From Apply on, a failure is
// followed by a rollback; before it, only files are put back.
func (j *job) carryOut(ctx context.Context) error {
	j.warnMoved(ctx)
	if err := j.ready(ctx); err != nil {
		j.restoreFiles(ctx)
		return err
	}
	if err := j.beginApply(ctx); err != nil {
		j.restoreFiles(ctx)
		return err
	}
	err := j.rec.Stage(ctx, "Apply", j.apply)
	if err == nil && !j.stack.Verify.Skip {
		err = j.rec.Stage(ctx, "Verify", j.verify)
	}
	if err != nil {
		return j.rollback(ctx, err)
	}
	if err := j.saveMark(ctx); err != nil {
		return err
	}
	j.rec.Summary(summary(j.plan))
	if j.hooks.post != nil {
		return j.rec.Stage(ctx, "Post-deploy", func(ctx context.Context) (string, error) {
			return "", j.runHook(ctx, j.hooks.post)
		})
	}
	return nil
}

// ready runs the stages between the plan and what it says.
func (j *job) ready(ctx context.Context) error {
	if j.hooks.pre != nil {
		if err := j.rec.Stage(ctx, "Pre-deploy", func(ctx context.Context) (string, error) {
			return "", j.runHook(ctx, j.hooks.pre)
		}); err != nil {
			return err
		}
	}
	return j.rec.Stage(ctx, "Pull", j.pull)
}

// How long an engine may take. One that hangs would keep its worker for ever.
const (
	askTimeout   = 2 * time.Minute
	pullTimeout  = 2 * time.Hour
	applyTimeout = time.Hour
)

// within bounds work on an engine.
func (j *job) within(ctx context.Context, d time.Duration, f func(context.Context) error) error {
	hung := rinca.Errorf(rinca.Unavailable, "the server %s did not answer within %s", j.stack.ServerName(), d).
		Try("rinca server show %s; restart its engine, then deploy again", j.stack.ServerName())
	bounded, cancel := context.WithTimeoutCause(ctx, d, hung)
	defer cancel()
	err := f(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		return hung.Because(err)
	}
	return err
}

func (j *job) pull(ctx context.Context) (string, error) {
	return "", j.within(ctx, pullTimeout, func(ctx context.Context) error {
		return j.dep.Pull(ctx, !j.stack.Pull && !j.o.Pull, j.rec.Line)
	})
}

func (j *job) apply(ctx context.Context) (string, error) {
	return summary(j.plan), j.within(ctx, applyTimeout, func(ctx context.Context) error {
		return j.dep.Apply(ctx, j.plan, j.rec.Line)
	})
}

func (j *job) verify(ctx context.Context) (string, error) {
	v := j.stack.Verify
	v.Only = j.o.Services
	return "", j.dep.Verify(ctx, v, j.rec.Line)
}

// dir is the folder of a stack in the home.
func (d *Deployer) dir(stack string) string { return filepath.Join(d.Home, "stacks", stack) }

// warn says something once.
func (j *job) warn(text string) {
	j.warnMu.Lock()
	defer j.warnMu.Unlock()
	if !j.warned[text] {
		j.warned[text] = true
		j.rec.Line(rinca.Line{Text: "warning: " + text})
	}
}

// summary is one line about a plan: "1 created, 2 recreated, 3 unchanged".
func summary(p rinca.Plan) string {
	n := map[rinca.Change]int{}
	for _, s := range p.Services {
		n[s.Change]++
	}
	return counted(n)
}
