package rotation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// RestoreParams say which stack goes back to the generation that a rotation
// has kept of it.
type RestoreParams struct {
	Stack    string `json:"stack"`
	Rotation string `json:"rotation"`
	// FilesOnly puts the exported files back, and touches nothing that runs.
	FilesOnly bool `json:"files_only,omitempty"`
}

// turnBack writes down that stacks have failed, and puts the versions of items
// that they use into quarantine. Nothing has gone back yet.
func (x *run) turnBack(ctx context.Context, failed []failure) error {
	ctx = context.WithoutCancel(ctx)
	slices.SortFunc(failed, func(a, b failure) int { return cmp.Compare(a.update.EndedAt.UnixNano(), b.update.EndedAt.UnixNano()) })
	first := failed[0]
	lines := x.tail(ctx, first.update.ID)
	if first.fell {
		lines = x.lastLines(ctx, first.stack)
	}
	var why []string
	for _, f := range failed {
		if err := x.blame(ctx, f, lines); err != nil {
			return err
		}
		why = append(why, fmt.Sprintf("%s failed: %s", f.stack, x.rec.Mask(f.err.Error())))
	}
	err := rinca.Errorf(rinca.CodeOf(first.err), "%s", strings.Join(why, "; "))
	saved := x.save(ctx, func() {
		x.rot.State, x.rot.Failed, x.rot.Lines = rinca.RotationRollingBack, first.stack, lines
		x.rot.Error = &rinca.UpdateError{Code: rinca.CodeOf(first.err), Message: err.Message, Hint: x.rec.Mask(rinca.HintOf(first.err))}
	})
	return errors.Join(err, saved)
}

// blame keeps the new versions of what a failing stack uses away from every
// stack. When it failed for another reason, such as a server that does not
// answer, it is only tried again later.
func (x *run) blame(ctx context.Context, f failure, lines []string) error {
	var list []rinca.Quarantine
	for _, i := range x.rot.Items {
		if !slices.Contains(i.Stacks, f.stack) || i.Held != "" || i.Item == "" || len(i.Generated) > 0 {
			continue
		}
		list = append(list, rinca.Quarantine{
			ID: i.Vault + "/" + i.Item, Vault: i.Vault, VaultName: i.VaultName, Item: i.Item, Title: i.Title, Version: i.Version, At: x.Now().UTC(),
			Rotation: x.rot.ID, Stack: f.stack, Why: x.rec.Mask(f.err.Error()), Lines: lines,
		})
	}
	if len(list) == 0 || !x.byValue(ctx, f) {
		return x.retryLater(ctx, f.stack, versions(f.stack, x.rot.Items), x.rec.Mask(f.err.Error()))
	}
	together, err := x.together(ctx, f.stack)
	if err != nil {
		return err
	}
	blamed := len(list)
	for _, i := range x.rot.Items {
		id := i.Vault + "/" + i.Item
		if i.Held != "" || i.Item == "" || len(i.Generated) > 0 || slices.ContainsFunc(list, func(q rinca.Quarantine) bool { return q.ID == id }) ||
			!slices.ContainsFunc(i.Stacks, func(s string) bool { return together[s] }) {
			continue
		}
		list = append(list, rinca.Quarantine{
			ID: id, Vault: i.Vault, VaultName: i.VaultName, Item: i.Item, Title: i.Title, Version: i.Version, At: x.Now().UTC(),
			Rotation: x.rot.ID, Stack: f.stack, Why: "it was carried together with " + list[0].Title + ", with which " + f.stack + " failed", With: list[0].ID,
		})
	}
	for n := range list[blamed:] {
		x.rec.Say("⊘ %s: kept back, because it was carried together with %s", list[blamed+n].Title, list[0].Title)
	}
	return x.putQuarantine(ctx, list)
}

// together returns the stacks of this run that belong together with one: those
// that come after it or that it comes after, and so on. With a part of their
// values they would be what nobody has planned.
func (x *run) together(ctx context.Context, stack string) (map[string]bool, error) {
	all, err := x.DB.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	reach := reachable(all)
	in := map[string]bool{stack: true}
	for open := []string{stack}; len(open) > 0; open = open[1:] {
		for _, s := range x.rot.Stacks {
			if name := s.Stack; !in[name] && (reach[name][open[0]] || reach[open[0]][name]) {
				in[name] = true
				open = append(open, name)
			}
		}
	}
	return in, nil
}

// byValue reports whether a stack failed in a way that a value can cause.
func (x *run) byValue(ctx context.Context, f failure) bool {
	if f.fell {
		return true
	}
	if f.update.ID == "" || f.update.State != rinca.Failed {
		return false
	}
	stage := ""
	for _, s := range f.update.Stages {
		if s.State == rinca.Failed && s.Name != "Rollback" {
			stage = s.Name
		}
	}
	switch stage {
	case "Load", "Pre-deploy", "Apply", "Verify", "Post-deploy":
	default:
		return false
	}
	i := slices.IndexFunc(x.rot.Stacks, func(s rinca.RotatedStack) bool { return s.Stack == f.stack })
	return i < 0 || x.Deploy.Engines.Check(ctx, x.rot.Stacks[i].Server).Reachable
}

// How many lines of what has failed are kept.
const most = 20

// lastLines returns the last lines of what has fallen after its deploy had
// ended, masked.
func (x *run) lastLines(ctx context.Context, stack string) []string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var mu sync.Mutex
	var lines []string
	err := x.Deploy.Logs(ctx, stack, rinca.LogOptions{Tail: most}, func(l rinca.Line) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, l.Service+": "+l.Text)
	})
	if err != nil {
		x.Log.Error("read the lines of what has fallen", "stack", stack, "error", err)
	}
	mu.Lock()
	defer mu.Unlock()
	return lines[max(0, len(lines)-most):]
}

// tail returns the last lines that the containers of a failed deploy wrote,
// masked, as they were streamed.
func (x *run) tail(ctx context.Context, update string) []string {
	if update == "" || x.Hub == nil {
		return nil
	}
	var out, all []string
	after := x.Hub.Before(update)
	for {
		events, err := x.Hub.Since(ctx, after, store.EventFilter{Update: update, Types: []string{"line"}}, 1000)
		if err != nil || len(events) == 0 {
			break
		}
		for _, e := range events {
			after = e.Seq
			var l rinca.Line
			if json.Unmarshal(e.Data, &l) != nil || l.Stage == "Rollback" {
				continue
			}
			text := l.Text
			if l.Service != "" {
				text = l.Service + ": " + text
			}
			all = append(all, text)
			if l.Stream == "out" || l.Stream == "err" {
				out = append(out, text)
			}
		}
	}
	if len(out) == 0 {
		out = all
	}
	return out[max(0, len(out)-most):]
}

// back puts back every stack that was touched, in the reverse order, and the
// files of the others. f is why, when that is not written down yet.
func (x *run) back(ctx context.Context, f failure) error {
	if f.err != nil {
		if err := x.save(ctx, func() {
			x.rot.State = rinca.RotationRollingBack
			x.rot.Error = &rinca.UpdateError{Code: rinca.CodeOf(f.err), Message: x.rec.Mask(f.err.Error()), Hint: x.rec.Mask(rinca.HintOf(f.err))}
		}); err != nil {
			return err
		}
	}
	last, cancel := lasting(ctx)
	defer cancel()
	var bad []string
	err := x.rec.Stage(last, "Roll back", func(ctx context.Context) (note string, err error) {
		bad, err = x.putBackAll(ctx)
		return count(len(x.rot.Stacks)-len(bad), "stack") + " as before", err
	})
	if last.Err() != nil {
		return context.Cause(last)
	}
	if err != nil {
		bad = append(bad, err.Error())
	}
	return x.closeBack(bad)
}

// putBackAll returns what could not be put back.
func (x *run) putBackAll(ctx context.Context) (bad []string, err error) {
	if wrong := x.ungenerate(ctx); wrong != nil {
		bad = append(bad, wrong.Error())
	}
	order := slices.Clone(x.j.Touched)
	slices.Reverse(order)
	for _, s := range x.rot.Stacks {
		if !slices.Contains(order, s.Stack) {
			order = append(order, s.Stack)
		}
	}
	if !x.j.Kept {
		return bad, nil // nothing was touched
	}
	for _, name := range order {
		i := slices.IndexFunc(x.rot.Stacks, func(s rinca.RotatedStack) bool { return s.Stack == name })
		if x.rot.Stacks[i].Restored == verified || x.rot.Stacks[i].Restored == filesBack {
			continue
		}
		wrong := x.putBack(ctx, i)
		if ctx.Err() != nil {
			return bad, context.Cause(ctx)
		}
		if wrong != nil {
			bad = append(bad, name+": "+wrong.Error())
			x.rec.Line(rinca.Line{Service: name, Text: "✗ it could not be put back: " + wrong.Error()})
		}
	}
	return bad, nil
}

// What is said of a stack that was put back.
const (
	verified  = "verified"
	filesBack = "its files were put back; it was not touched"
)

func (x *run) putBack(ctx context.Context, i int) error {
	s := x.rot.Stacks[i]
	p := RestoreParams{Stack: s.Stack, Rotation: x.rot.ID}
	how := verified
	if !slices.Contains(x.j.Touched, s.Stack) {
		p.FilesOnly, how = true, filesBack
	} else if u, err := x.DB.Update(ctx, s.Update); s.Update != "" && err == nil && u.State == rinca.Failed && strings.HasSuffix(u.RolledBack, "and verified") {
		p.FilesOnly = true // its own deploy has put it back
	}
	e, err := execution("RestoreStack", p)
	if err != nil {
		return err
	}
	var u rinca.Update
	for try := range 3 {
		u, err = x.Run(ctx, x.update, fmt.Sprintf("restore %s %d", s.Stack, try), e)
		if err == nil && u.State != rinca.Succeeded {
			err = updateError(u)
		}
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if saved := x.save(ctx, func() {
		r := &x.rot.Stacks[i]
		r.RestoredUpdate, r.Restored = u.ID, how
		if err != nil {
			r.Restored = "not put back: " + x.rec.Mask(err.Error())
		}
	}); err == nil {
		err = saved
	}
	if err == nil {
		x.rec.Line(rinca.Line{Service: s.Stack, Text: "✓ as before: " + how})
	}
	return err
}

// closeBack says how it ended, and tells people once.
func (x *run) closeBack(bad []string) error {
	why := x.rot.Error
	if why == nil {
		why = &rinca.UpdateError{Code: rinca.Internal, Message: "it failed"}
	}
	touched := count(len(x.j.Touched), "stack")
	err := rinca.Errorf(why.Code, "%s; %s put back, verified", why.Message, touched).Try("%s", why.Hint)
	if len(x.j.Touched) == 0 {
		err = rinca.Errorf(why.Code, "%s; no stack was touched", why.Message).Try("%s", why.Hint)
	}
	state := rinca.RotationRolledBack
	switch {
	case len(bad) > 0:
		state = rinca.RotationFailed
		err = rinca.Errorf(why.Code, "%s; and this could not be put back: %s", why.Message, x.rec.Mask(strings.Join(bad, "; "))).
			Try("mend it by hand, then: rinca stack deploy NAME")
	case why.Code == rinca.Canceled:
		state = rinca.RotationCanceled
	}
	x.rot.State, x.rot.Summary = state, summaryOfBack(x.rot, bad)
	if state != rinca.RotationCanceled {
		x.tellFailed(err, bad)
	}
	return err
}

func summaryOfBack(r rinca.Rotation, bad []string) string {
	who := r.Failed
	if who == "" {
		who = "the rotation"
	}
	if len(bad) > 0 {
		return who + " failed, and not everything could be put back"
	}
	return who + " failed; everything is as it was, verified"
}

func (x *run) tellFailed(err error, bad []string) {
	a := rinca.Alert{
		Type: rinca.AlertRotationFailed, Level: rinca.AlertCritical, Target: x.target(), Message: x.rec.Mask(err.Error()), Lines: x.rot.Lines,
		Hint: "rinca rotate show " + x.rot.ID, Key: "rotation failed",
	}
	if x.rot.Failed != "" {
		a.Target, a.Key = rinca.Target{Kind: rinca.KindStack, Name: x.rot.Failed}, failedKey(x.rot.Failed)
	}
	if len(bad) > 0 {
		a.Details = "What could not be put back:\n" + x.rec.Mask(strings.Join(bad, "\n"))
	}
	x.tell(a)
}

// Restore carries out a RestoreStack.
func (r *Rotator) Restore(ctx context.Context, p RestoreParams, rec *deploy.Record) error {
	k, err := Keepsakes(r.DB).Get(ctx, p.Rotation+"/"+p.Stack)
	if rinca.CodeOf(err) == rinca.NotFound {
		return rinca.Errorf(rinca.NotFound, "rotation %.40q has kept no generation of %s", p.Rotation, p.Stack).Try("rinca rotate list")
	}
	if err != nil {
		return err
	}
	return r.Deploy.Restore(ctx, k.Value, p.FilesOnly, rec)
}
