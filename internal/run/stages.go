package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

const (
	atOnce     = 8 // executions of a stage, when it does not say
	retryDelay = 5 * time.Second
)

// A procedureRun is a run of a procedure.
type procedureRun struct {
	*Runner
	rec    *deploy.Record
	p      rinca.Procedure // with its parameters filled in
	update rinca.Update    // when the run began, or went on
	failed []stageFailure
}

// A stageFailure is a stage that failed, and why.
type stageFailure struct {
	name string
	err  error
}

// stageName is how a stage is called.
func stageName(i int, s *rinca.ProcedureStage) string {
	if s.Name != "" {
		return s.Name
	}
	return fmt.Sprintf("Stage %d", i+1)
}

// run runs what is left of the stages. The stages of the update are those of
// the procedure, in order: those that have ended are not begun again. bounded
// ends with the time that the whole run may take.
func (j *procedureRun) run(ctx, bounded context.Context) error {
	ended := j.rec.Resume()
	for i := range j.p.Stages {
		s := &j.p.Stages[i]
		var err error
		if i < len(ended) {
			err = j.endedAs(ended[i])
		} else {
			err = j.rec.Stage(ctx, stageName(i, s), func(context.Context) (string, error) { return j.stage(bounded, i) })
			if errors.Is(context.Cause(ctx), deploy.ErrStopping) {
				return deploy.ErrStopping
			}
			j.rec.Save(ctx)
		}
		if err != nil {
			j.failed = append(j.failed, stageFailure{stageName(i, s), err})
		}
		if bounded.Err() != nil || err != nil && s.OnFailure != rinca.Continue {
			return j.result(bounded, i+1)
		}
	}
	return j.result(bounded, len(j.p.Stages))
}

// endedAs is the error of a stage that ended before the end of a server.
func (j *procedureRun) endedAs(s rinca.Stage) error {
	if s.State == rinca.Succeeded {
		return nil
	}
	return rinca.Errorf(rinca.Partial, "it %s", s.State).Try("rinca update show %s --log", j.update.ID)
}

// result sums up a run that went as far as a stage.
func (j *procedureRun) result(ctx context.Context, stages int) error {
	text := counts(stages, "stage")
	if stages < len(j.p.Stages) {
		text = fmt.Sprintf("stopped after %d of %s", stages, counts(len(j.p.Stages), "stage"))
	}
	j.rec.Summary(text)
	if ctx.Err() != nil {
		return causeOf(ctx)
	}
	switch len(j.failed) {
	case 0:
		return nil
	case 1:
		f := j.failed[0]
		return rinca.Errorf(rinca.CodeOf(f.err), "%s: %w", f.name, f.err).Try("%s", rinca.HintOf(f.err))
	}
	var names []string
	for _, f := range j.failed {
		names = append(names, f.name)
	}
	return rinca.Errorf(rinca.Partial, "%d of %d stages failed: %s", len(names), stages, strings.Join(names, ", ")).
		Try("rinca update show %s", j.update.ID)
}

// causeOf is why a context has ended, as an error for a person. A time that
// was set and is over is a failure, and no cancel.
func causeOf(ctx context.Context) error {
	if e, ok := errors.AsType[*rinca.Error](context.Cause(ctx)); ok {
		if ctx.Err() == context.DeadlineExceeded { //nolint:errorlint // it is this one
			return rinca.Errorf(rinca.Unavailable, "%s", e.Message).Try("give it more time, or find what takes so long")
		}
		return e
	}
	return rinca.Errorf(rinca.Canceled, "canceled")
}

func counts(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// stage runs the executions of a stage, so many at once as it allows.
func (j *procedureRun) stage(ctx context.Context, i int) (note string, err error) {
	s := &j.p.Stages[i]
	if s.Disabled {
		return "disabled", nil
	}
	if s.Timeout > 0 {
		late := rinca.Errorf(rinca.Canceled, "the stage %s took longer than %s", stageName(i, s), time.Duration(s.Timeout))
		bounded, cancel := context.WithTimeoutCause(ctx, time.Duration(s.Timeout), late)
		defer cancel()
		ctx = bounded
	}
	limit := s.AtOnce
	if limit == 0 {
		limit = atOnce
	}
	slots, errs := make(chan struct{}, limit), make([]error, len(s.Executions))
	done := 0
	var running sync.WaitGroup
	for _, k := range j.inOrder(s) {
		e := &s.Executions[k]
		if e.Disabled {
			j.rec.Say("⊘ %s: disabled", title(e.Execution))
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		done++
		begun := make(chan struct{})
		begin := sync.OnceFunc(func() { close(begun) })
		running.Go(func() {
			defer begin()
			errs[k] = j.execution(ctx, i, k, begin)
			<-slots
		})
		<-begun // one after another, so that a deploy waits for those before it
	}
	running.Wait()
	return j.stageResult(ctx, done, errs)
}

// inOrder lists the executions of a stage so that the deploy of a stack is
// asked for after those of the stacks that it comes after.
func (j *procedureRun) inOrder(s *rinca.ProcedureStage) []int {
	j.mu.Lock()
	order := j.order.stacks
	j.mu.Unlock()
	list, rank := make([]int, len(s.Executions)), make([]int, len(s.Executions))
	for k := range list {
		list[k] = k
		if kind, _ := kindOf(s.Executions[k].Execution.Kind); kind.ordered {
			if t, _, err := targetOf(s.Executions[k].Execution); err == nil {
				rank[k] = len(order.Dependencies(t.Name)) // those of a dependency are fewer
			}
		}
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(rank[a], rank[b]) })
	return list
}

func (j *procedureRun) stageResult(ctx context.Context, done int, errs []error) (string, error) {
	var first error
	failed := 0
	for _, err := range errs {
		if err != nil {
			failed++
			if first == nil {
				first = err
			}
		}
	}
	note := counts(done, "execution")
	switch {
	case ctx.Err() != nil:
		return note, causeOf(ctx)
	case failed == 0:
		return note, nil
	case failed == 1:
		return note + ", 1 failed", first
	}
	return fmt.Sprintf("%s, %d failed", note, failed), rinca.Errorf(rinca.Partial, "%d executions failed; the first: %w", failed, first).
		Try("rinca update show %s", j.update.ID)
}

// execution runs one execution of a stage until a try of it succeeds, or the
// last one fails.
func (j *procedureRun) execution(ctx context.Context, stage, k int, begun func()) error {
	e := &j.p.Stages[stage].Executions[k]
	name := title(e.Execution)
	for try := 0; ; try++ {
		u, err := j.try(ctx, e, fmt.Sprintf("%d/%d/%d", stage, k, try), begun)
		switch {
		case errors.Is(err, deploy.ErrStopping):
			return err
		case err == nil:
			j.rec.Say("✓ %s: %s (rinca update show %s)", name, orWord(u.Summary, "done"), u.ID)
			return nil
		}
		text := err.Error()
		if u.ID != "" {
			text += " (rinca update show " + u.ID + ")"
		}
		byHand := u.State == rinca.CanceledRun && rinca.CodeOf(err) == rinca.Canceled
		if byHand && ctx.Err() == nil { // somebody ended it, and not us
			err = rinca.Errorf(rinca.Partial, "it was canceled by hand")
		}
		if ctx.Err() != nil || try >= e.Retries || byHand {
			j.rec.Say("✗ %s: %s", name, text)
			return rinca.Errorf(rinca.CodeOf(err), "%s: %w", name, err).Try("%s", orWord(rinca.HintOf(err), "rinca update show "+orWord(u.ID, j.update.ID)))
		}
		delay := time.Duration(e.RetryDelay)
		if delay == 0 {
			delay = retryDelay
		}
		j.rec.Say("… %s: %s; trying again in %s (%d of %d)", name, text, delay, try+1, e.Retries)
		if err := sleep(ctx, delay); err != nil {
			return causeOf(ctx)
		}
	}
}

// try runs an execution once. The error says how the update ended, unless it
// succeeded.
func (j *procedureRun) try(ctx context.Context, e *rinca.StageExecution, place string, begun func()) (rinca.Update, error) {
	outer := ctx
	if e.Timeout > 0 {
		late := rinca.Errorf(rinca.Canceled, "it took longer than %s", time.Duration(e.Timeout))
		bounded, cancel := context.WithTimeoutCause(ctx, time.Duration(e.Timeout), late)
		defer cancel()
		ctx = bounded
	}
	u, err := j.runAt(ctx, j.update, place, e.Execution, begun)
	switch {
	case err != nil && ctx.Err() != nil && outer.Err() == nil: // while it was queued
		return u, causeOf(ctx)
	case err != nil:
		return u, err
	case u.State == rinca.Succeeded:
		return u, nil
	case ctx.Err() != nil && outer.Err() == nil:
		return u, causeOf(ctx)
	case u.Error != nil:
		return u, rinca.Errorf(u.Error.Code, "%s", u.Error.Message).Try("%s", u.Error.Hint)
	case u.State == rinca.CanceledRun:
		return u, rinca.Errorf(rinca.Canceled, "it was canceled")
	}
	return u, rinca.Errorf(rinca.Unavailable, "it %s", u.State)
}

// title is what an execution is called in a line: "DeployStack web".
func title(e rinca.Execution) string {
	t, _, err := targetOf(e)
	if err != nil || t.Name == "" || t.Kind == rinca.KindSystem {
		return e.Kind
	}
	return e.Kind + " " + strings.TrimSuffix(t.Name, ",")
}

func orWord(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// sleep waits, unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
