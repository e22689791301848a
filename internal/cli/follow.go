package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

// A follower watches updates until all of them have ended.
type follower struct {
	*app
	client *client.Client
	// cancel makes an interrupt ask the server to stop the updates; without
	// it an interrupt only stops watching.
	cancel bool
	print  progress

	mu  sync.Mutex
	now map[string]rinca.Update // what is known of each, by id
}

// A progress draws what happens. Its methods are called one at a time.
type progress interface {
	// event is called for every event, before update or line.
	event(e rinca.Event)
	update(u rinca.Update)
	line(id string, l rinca.Line)
	note(text string)
	close()
}

// follow watches updates until they have ended, and returns the error of the
// one, or of all together. verbose shows every line.
func (a *app) follow(ctx context.Context, c *client.Client, cancel, verbose bool, updates ...rinca.Update) error {
	f := &follower{app: a, client: c, cancel: cancel, now: map[string]rinca.Update{}}
	f.print = a.newProgress(len(updates) > 1, verbose)
	for _, u := range updates {
		f.now[u.ID] = u
		f.print.update(u)
	}
	err := f.watch(ctx, updates)
	f.print.close()
	if err != nil {
		return err
	}
	return f.result(updates)
}

// watch reads one stream for each update.
func (f *follower) watch(ctx context.Context, updates []rinca.Update) error {
	// What an interrupt asks for is still watched, until a second one ends us.
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	interrupted := context.AfterFunc(ctx, func() { f.interrupt(reading, stop, updates) })
	defer interrupted()
	errs := make([]error, len(updates))
	var wg sync.WaitGroup
	for i, u := range updates {
		wg.Go(func() { errs[i] = f.one(reading, u.ID) })
	}
	wg.Wait()
	if ctx.Err() != nil && !f.cancel {
		return rinca.Errorf(rinca.Canceled, "it goes on without us").Try("rinca update follow %s", updates[0].ID)
	}
	for i, err := range errs {
		if err == nil {
			continue
		}
		e := rinca.Errorf(rinca.CodeOf(err), "follow the update %s: %w", updates[i].ID, err)
		if rinca.CodeOf(err) == rinca.Unavailable {
			_ = e.Try("rinca update follow %s   # it may have gone on meanwhile", updates[i].ID)
		}
		return e
	}
	return nil
}

// one reads the stream of an update until it has ended.
func (f *follower) one(ctx context.Context, id string) error {
	err := f.client.Events(ctx, url.Values{"update": {id}}, 0, func(e rinca.Event) error {
		if f.take(id, e) {
			return client.Stop()
		}
		return nil
	})
	if err != nil {
		return err
	}
	f.mu.Lock()
	final := f.now[id].State.Final()
	f.mu.Unlock()
	if final {
		return nil
	}
	var u rinca.Update // the stream ended before the update did
	if err := f.client.Do(ctx, http.MethodGet, client.Path("v1", "updates", id), nil, &u); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now[id] = u
	f.print.update(u)
	if !u.State.Final() {
		return rinca.Errorf(rinca.Unavailable, "the server sends nothing more of it, and it has not ended")
	}
	return nil
}

// take draws an event, and reports whether the update has ended.
func (f *follower) take(id string, e rinca.Event) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.print.event(e)
	switch e.Type {
	case "line":
		var l rinca.Line
		if json.Unmarshal(e.Data, &l) == nil {
			f.print.line(id, l)
		}
	case "update":
		var u rinca.Update
		if json.Unmarshal(e.Data, &u) != nil || u.ID == "" {
			return false
		}
		f.print.update(u)
		if u.ID != id { // one that it started
			return false
		}
		f.now[id] = u
		return u.State.Final()
	}
	return false
}

// interrupt is called when somebody presses Ctrl-C.
func (f *follower) interrupt(ctx context.Context, stop func(), updates []rinca.Update) {
	if !f.cancel {
		stop()
		return
	}
	f.mu.Lock()
	f.print.note("Canceling. Ctrl-C again leaves it to the server.")
	f.mu.Unlock()
	for _, u := range updates {
		f.mu.Lock()
		final := f.now[u.ID].State.Final()
		f.mu.Unlock()
		if final {
			continue
		}
		err := f.client.Do(ctx, http.MethodPost, client.Path("v1", "updates", u.ID, "cancel"), nil, nil)
		if err != nil && ctx.Err() == nil && rinca.CodeOf(err) != rinca.Conflict {
			f.mu.Lock()
			f.print.note(fmt.Sprintf("It could not be canceled: %v", err))
			f.mu.Unlock()
		}
	}
}

// result is the error of one update, or what is to say of several; those have
// been printed.
func (f *follower) result(updates []rinca.Update) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(updates) == 1 {
		return updateError(f.now[updates[0].ID])
	}
	var wrong []error
	for _, u := range updates {
		if err := updateError(f.now[u.ID]); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	code := rinca.Partial
	if rinca.CodeOf(wrong[0]) == rinca.Canceled {
		code = rinca.Canceled
	}
	return &reported{rinca.Errorf(code, "%d of %d failed", len(wrong), len(updates)).Because(errors.Join(wrong...))}
}

// subject says in a word what an update is about.
func subject(u rinca.Update) string {
	switch name := strings.TrimSuffix(u.Target.Name, ","); {
	case name == "":
		return u.Execution.Kind
	case name == "*":
		return "all stacks"
	default:
		return name
	}
}

// updateError is why an update did not succeed; nil when it did.
func updateError(u rinca.Update) error {
	switch u.State {
	case rinca.Succeeded:
		return nil
	case rinca.CanceledRun:
		return rinca.Errorf(rinca.Canceled, "%s: canceled", printable(subject(u)))
	case rinca.Interrupted:
		return rinca.Errorf(rinca.Unavailable, "%s: the server ended while it ran", printable(subject(u))).Try("repeat it; that is safe")
	}
	if u.Error == nil {
		return rinca.Errorf(rinca.Internal, "%s: %s", printable(subject(u)), u.State)
	}
	err := rinca.Errorf(u.Error.Code, "%s: %s", printable(subject(u)), safeLines(u.Error.Message))
	err.Hint = safeLines(u.Error.Hint)
	return err
}
