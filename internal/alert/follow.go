package alert

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

const (
	eventsAtOnce  = 256
	unreachable   = time.Minute // that a server has to be so before it is told
	lookAgain     = 15 * time.Second
	keepAlerts    = 5000
	keepAlertsFor = 90 * 24 * time.Hour
	keepSendings  = 14 * 24 * time.Hour
	positionName  = "alert.follower"
)

// A follower turns what happens into alerts.
type follower struct {
	*Alerts
	after int64                        // the last event that was looked at
	down  map[string]rinca.ServerState // servers that are not reachable and not told of yet
}

// Run turns what happens into alerts, and sends alerts, until ctx ends. It
// goes on from the event that it had come to when the server ended.
func (a *Alerts) Run(ctx context.Context) {
	a.Learn(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { a.deliver(ctx) })
	f := &follower{Alerts: a, after: a.position(ctx), down: map[string]rinca.ServerState{}}
	work.Go(func() { f.follow(ctx) })
	daily := time.NewTicker(24 * time.Hour)
	defer daily.Stop()
	for {
		a.prune(ctx)
		select {
		case <-ctx.Done():
			return
		case <-daily.C:
		}
	}
}

// position is the event to go on from. At the first start there is nothing to
// tell of what was before.
func (a *Alerts) position(ctx context.Context) int64 {
	last := a.Hub.Last()
	at, err := store.SettingJSON[int64](ctx, a.DB, positionName)
	if err != nil {
		a.Log.Error("read where alerts had come to", "error", err)
	}
	if at == 0 || at > last {
		a.setPosition(ctx, last)
		return last
	}
	return at
}

func (a *Alerts) setPosition(ctx context.Context, at int64) {
	if err := store.PutSettingJSON(context.WithoutCancel(ctx), a.DB, positionName, at); err != nil {
		a.Log.Error("note where alerts have come to", "error", err)
	}
}

// follow looks at events as they come, and every while at what time does.
func (f *follower) follow(ctx context.Context) {
	looked := time.Time{}
	saved := f.after
	for ctx.Err() == nil {
		n, err := f.pass(ctx)
		if err != nil && ctx.Err() == nil {
			f.Log.Error("look for what to alert of", "error", err)
			sleep(ctx, time.Second)
			continue
		}
		if n > 0 || f.after-saved > 10*eventsAtOnce {
			f.setPosition(ctx, f.after)
			saved = f.after
		}
		if time.Since(looked) >= lookAgain {
			looked = time.Now()
			f.look(ctx)
		}
		wait, stop := context.WithTimeout(ctx, lookAgain)
		_ = f.Hub.Wait(wait, f.after) // either way there is something to look at
		stop()
	}
}

// pass looks at events. It returns how many of them meant something.
func (f *follower) pass(ctx context.Context) (n int, err error) {
	for {
		last := f.Hub.Last()
		events, err := f.Hub.Since(ctx, f.after, store.EventFilter{Types: []string{"update", "server"}}, eventsAtOnce)
		if err != nil {
			return n, err
		}
		for _, e := range events {
			meant, err := f.event(ctx, e)
			switch rinca.CodeOf(err) {
			case rinca.Invalid, rinca.Corrupt: // it is no better the next time
				f.Log.Error("look at an event", "event", e.Seq, "error", err)
			case "":
			default:
				return n, err
			}
			if meant {
				n++
			}
			f.after = e.Seq
		}
		if len(events) < eventsAtOnce {
			f.after = max(f.after, last)
			return n, nil
		}
	}
}

func (f *follower) event(ctx context.Context, e rinca.Event) (meant bool, err error) {
	if e.Type == "server" {
		var s rinca.ServerState
		if json.Unmarshal(e.Data, &s) != nil {
			return false, nil
		}
		return true, f.server(ctx, e.Target.Name, s)
	}
	var u rinca.Update
	if json.Unmarshal(e.Data, &u) != nil || u.State == "" || !u.State.Final() {
		return false, nil
	}
	return true, f.update(ctx, &u)
}

// server notes that a server is down, or resolves the alert about it.
func (f *follower) server(ctx context.Context, name string, s rinca.ServerState) error {
	if !s.Reachable {
		if s.Since.IsZero() || s.Since.After(f.now()) {
			s.Since = f.now()
		}
		f.down[name] = s
		return nil
	}
	delete(f.down, name)
	x := rinca.Alert{Type: rinca.AlertServerUnreachable, Target: rinca.Target{Kind: rinca.KindServer, Name: name}}
	return f.Resolve(ctx, x.DedupeKey())
}

// look finds what is so for long enough, and what is no more.
func (f *follower) look(ctx context.Context) {
	for name, s := range f.down {
		if f.now().Sub(s.Since) < unreachable {
			continue
		}
		err := f.Raise(ctx, rinca.Alert{
			Type: rinca.AlertServerUnreachable, Level: rinca.AlertCritical, Target: rinca.Target{Kind: rinca.KindServer, Name: name},
			Message: "The server " + name + " cannot be reached since " + s.Since.UTC().Format("15:04:05 UTC") + ": " + s.Error,
			Hint:    "rinca server show " + name,
		})
		if err == nil {
			delete(f.down, name)
		}
	}
	if err := f.tidy(ctx); err != nil && ctx.Err() == nil {
		f.Log.Error("look at open alerts", "error", err)
	}
}

// tidy tells of alerts that it was too early to tell of, resolves those about
// what does not exist any more, and forgets those that are over.
func (a *Alerts) tidy(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.load(ctx); err != nil {
		return err
	}
	now := a.now()
	for key, s := range a.states {
		switch {
		case s.Resolved && !lately(s.ResolvedAt, now, again):
			delete(a.states, key)
		case s.Resolved:
		case a.gone(ctx, s.Target):
			if err := a.resolve(ctx, s, ""); err != nil {
				return err
			}
		case late(s, now):
			if err := a.keep(ctx, *s, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// gone reports whether what an alert is about was deleted.
func (a *Alerts) gone(ctx context.Context, t rinca.Target) bool {
	var err error
	switch t.Kind {
	case rinca.KindStack:
		if rinca.ValidStackName(t.Name) {
			_, err = a.DB.Stack(ctx, t.Name)
		}
	case rinca.KindProcedure:
		_, err = a.DB.Procedure(ctx, t.Name)
	case rinca.KindSync:
		_, err = a.DB.Sync(ctx, t.Name)
	case rinca.KindServer:
		if t.Name != rinca.LocalServer {
			_, err = a.DB.Server(ctx, t.Name)
		}
	}
	return rinca.CodeOf(err) == rinca.NotFound
}

// prune removes what is old. What is open, and what waits, stays.
func (a *Alerts) prune(ctx context.Context) {
	err := a.pruneAlerts(ctx)
	if err == nil {
		err = a.pruneSendings(ctx)
	}
	if err != nil && ctx.Err() == nil {
		a.Log.Error("remove old alerts", "error", err)
	}
}

func (a *Alerts) pruneAlerts(ctx context.Context) error {
	all, err := a.alerts().List(ctx, store.RecordFilter{})
	if err != nil {
		return err
	}
	var old []string
	for i := range all {
		s := &all[i].Value
		if (s.Resolved || s.Once) && (i >= keepAlerts || a.now().Sub(s.At) > keepAlertsFor) {
			old = append(old, s.ID)
		}
	}
	return a.alerts().Delete(ctx, old...)
}

func (a *Alerts) pruneSendings(ctx context.Context) error {
	all, err := a.sendings().List(ctx, store.RecordFilter{})
	if err != nil {
		return err
	}
	var old []string
	for i := range all {
		s := &all[i].Value
		if (s.GaveUp || !s.SentAt.IsZero()) && (i >= keepAlerts || a.now().Sub(s.At) > keepSendings) {
			old = append(old, s.ID)
		}
	}
	return a.sendings().Delete(ctx, old...)
}

// Learn makes addresses of alerters masked everywhere.
func (a *Alerts) Learn(ctx context.Context) {
	if a == nil || a.Known == nil {
		return
	}
	alerters, err := a.DB.Alerters(ctx)
	if err != nil {
		a.Log.Error("read the alerters", "error", err)
		return
	}
	var secrets []rinca.Secret
	for i := range alerters {
		secrets = append(secrets, secretsOf(&alerters[i])...)
	}
	a.Known.Set("alerters", secrets)
}

// secretsOf are the parts of an address by themselves, where they are long
// enough to be nothing else.
func secretsOf(alerter *rinca.Alerter) []rinca.Secret {
	to, err := parseAddress(alerter.Kind, alerter.URL)
	if err != nil {
		return []rinca.Secret{alerter.URL}
	}
	texts := []string{to.text}
	long := func(n int, parts ...string) {
		for _, p := range parts {
			if len(p) >= n {
				texts = append(texts, p)
			}
		}
	}
	if p, ok := to.url.User.Password(); ok {
		long(8, p)
	}
	long(16, to.url.User.Username())
	long(16, strings.Split(to.url.Path, "/")...)
	for _, values := range to.url.Query() {
		long(20, values...)
	}
	slices.Sort(texts)
	var out []rinca.Secret
	for _, t := range slices.Compact(texts) {
		out = append(out, rinca.NewSecret(t))
	}
	return out
}
