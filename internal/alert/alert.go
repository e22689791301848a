// Package alert tells people what is wrong, and when it is well again. Alerts
// are states: one that is open and is raised again only counts. They are
// kept, masked, and sent to alerters through a queue that outlives the
// server.
package alert

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"rinca/internal/event"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// Alerts keeps alerts and sends them. A nil one takes alerts and does nothing
// with them. It is safe for use by several goroutines.
type Alerts struct {
	DB    *store.DB
	Hub   *event.Hub
	Known *redact.Known
	Now   func() time.Time
	Log   *slog.Logger
	// Fill puts the values of variables in place of [[NAME]] in an address.
	// nil: addresses are as they are.
	Fill func(ctx context.Context, text string) (rinca.Secret, error)
	// Timeout of one try to send; 0 means 10 seconds.
	Timeout time.Duration

	mu     sync.Mutex
	loaded bool
	states map[string]*kept // by dedupe key: open ones, and those resolved lately
	queue  queue
}

// kept is an alert as it is stored, with what alerters were told of it.
type kept struct {
	rinca.Alert
	ToldAt   time.Time `json:"told_at,omitzero"` // that it is open
	ToldOpen bool      `json:"told_open,omitempty"`
}

const (
	again   = 10 * time.Minute // an alert that opens again within it is the same one
	atMost  = time.Hour        // how often alerters are told that one is open again
	maxText = 2000
	maxMore = 16 << 10 // bytes of details
	maxLine = 500
	maxTail = 30 // lines
)

func (a *Alerts) alerts() store.Records[kept] { return store.RecordsOf[kept](a.DB, "alert") }

// Tell raises an alert, or resolves the one that it stands for when it is
// Resolved. What goes wrong is logged. It is for parts that have nobody to
// give an error to.
func (a *Alerts) Tell(x rinca.Alert) {
	if a == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var err error
	if x.Resolved {
		err = a.Resolve(ctx, x.DedupeKey())
	} else {
		err = a.Raise(ctx, x)
	}
	if err != nil {
		a.Log.Error("keep an alert", "type", x.Type, "target", x.Target.String(), "error", err)
	}
}

// Raise keeps an alert, and sends it unless it is known already. Type and
// Message are needed.
func (a *Alerts) Raise(ctx context.Context, x rinca.Alert) error {
	if a == nil {
		return nil
	}
	if x.Type == "" || x.Message == "" {
		return rinca.Errorf(rinca.Invalid, "an alert has a type and a message")
	}
	x = a.clean(x)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.load(ctx); err != nil {
		return err
	}
	now := a.now()
	old := a.states[x.DedupeKey()]
	if x.Once {
		old = nil
	}
	next, tell, changed := raise(old, x, now)
	if !changed {
		return nil
	}
	if next.ID == "" {
		next.ID = a.DB.ID()
	}
	return a.keep(ctx, next, tell)
}

// Resolve says that what was wrong is well again. There need not be an alert.
func (a *Alerts) Resolve(ctx context.Context, key string) error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.load(ctx); err != nil {
		return err
	}
	return a.resolve(ctx, a.states[key], "")
}

func (a *Alerts) resolve(ctx context.Context, old *kept, by string) error {
	next, tell, changed := resolve(old, by, a.now())
	if !changed {
		return nil
	}
	return a.keep(ctx, next, tell)
}

// Close resolves an alert by hand.
func (a *Alerts) Close(ctx context.Context, id, by string) (rinca.Alert, error) {
	if a == nil {
		return rinca.Alert{}, none(id)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.load(ctx); err != nil {
		return rinca.Alert{}, err
	}
	for _, s := range a.states {
		if s.ID == id {
			err := a.resolve(ctx, s, by)
			return a.states[s.DedupeKey()].Alert, err
		}
	}
	rec, err := a.alerts().Get(ctx, id)
	if rinca.CodeOf(err) == rinca.NotFound {
		err = none(id)
	}
	return rec.Value.Alert, err
}

// keep stores an alert, hands it to the queue and publishes it. What is to be
// sent is stored first: a crash in between sends it twice, rather than never.
func (a *Alerts) keep(ctx context.Context, next kept, tell bool) error {
	ctx = context.WithoutCancel(ctx)
	if tell {
		if err := a.enqueue(ctx, next.Alert); err != nil {
			return err
		}
		next.ToldOpen = !next.Resolved
		if next.ToldOpen {
			next.ToldAt = a.now()
		}
	}
	err := a.alerts().Put(ctx, store.Record[kept]{ID: next.ID, Key: cut(next.DedupeKey(), 500), At: next.At, Value: next})
	if err != nil {
		return err
	}
	if !next.Once {
		a.states[next.DedupeKey()] = &next
	}
	a.publish(next.Alert)
	return nil
}

// load reads what is open, once.
func (a *Alerts) load(ctx context.Context) error {
	if a.loaded {
		return nil
	}
	all, err := a.alerts().List(ctx, store.RecordFilter{Oldest: true})
	if err != nil {
		return err
	}
	states, now := map[string]*kept{}, a.now()
	for i := range all {
		if s := &all[i].Value; !s.Once && (!s.Resolved || lately(s.ResolvedAt, now, again)) {
			states[s.DedupeKey()] = s
		}
	}
	a.states, a.loaded = states, true
	return nil
}

// clean masks an alert, and cuts it to what a person reads.
func (a *Alerts) clean(x rinca.Alert) rinca.Alert {
	if x.Target.Kind == "" {
		x.Target = rinca.Target{Kind: rinca.KindSystem}
	}
	if x.Level.Check() != nil {
		x.Level = rinca.AlertWarning
	}
	mask := a.masker()
	x.Message, x.Hint = cut(oneLine(mask(x.Message)), maxText), cut(oneLine(mask(x.Hint)), maxText)
	x.Details = cut(plain(mask(x.Details)), maxMore)
	lines := x.Lines[max(0, len(x.Lines)-maxTail):]
	x.Lines = make([]string, 0, len(lines))
	for _, l := range lines {
		x.Lines = append(x.Lines, cut(oneLine(mask(l)), maxLine))
	}
	x.ID, x.Count, x.Resolved, x.ResolvedAt, x.ClosedBy = "", 0, false, time.Time{}, ""
	return x
}

func (a *Alerts) masker() func(string) string {
	if a.Known == nil {
		return func(s string) string { return s }
	}
	return a.Known.Masker().String
}

func (a *Alerts) now() time.Time { return a.Now().UTC() }

// cut shortens a text to at most n bytes, at the border of a character.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	n = max(n-len("…"), 0)
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}

// plain removes what moves the cursor or colours a terminal.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

func oneLine(text string) string {
	return strings.ReplaceAll(strings.TrimRight(plain(text), "\n"), "\n", " ")
}

// A Filter chooses alerts.
type Filter struct {
	Open   bool // only what is not resolved
	Type   string
	Before string // ids below this one
	Limit  int
	// May says which resources' alerts are wanted; nil means all.
	May func(rinca.Target) bool
}

func (f Filter) wants(x *rinca.Alert) bool {
	return (!f.Open || !x.Resolved && !x.Once) && (f.Type == "" || f.Type == x.Type) && (f.Before == "" || x.ID < f.Before) &&
		(f.May == nil || f.May(x.Target))
}

// List returns alerts, the newest first.
func (a *Alerts) List(ctx context.Context, f Filter) ([]rinca.Alert, error) {
	if a == nil {
		return nil, nil
	}
	if f.Open {
		return a.open(ctx, f)
	}
	var out []rinca.Alert
	before := f.Before
	for {
		page, err := a.alerts().List(ctx, store.RecordFilter{Before: before, Limit: 200})
		if err != nil {
			return nil, err
		}
		for i := range page {
			if f.wants(&page[i].Value.Alert) {
				out = append(out, page[i].Value.Alert)
			}
			if len(out) == f.Limit && f.Limit > 0 {
				return out, nil
			}
		}
		if len(page) < 200 {
			return out, nil
		}
		before = page[len(page)-1].ID
	}
}

func (a *Alerts) open(ctx context.Context, f Filter) ([]rinca.Alert, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.load(ctx); err != nil {
		return nil, err
	}
	var out []rinca.Alert
	for _, s := range a.states {
		if f.wants(&s.Alert) {
			out = append(out, s.Alert)
		}
	}
	slices.SortFunc(out, func(x, y rinca.Alert) int { return strings.Compare(y.ID, x.ID) })
	if f.Limit > 0 && len(out) > f.Limit {
		out = out[:f.Limit]
	}
	return out, nil
}

// Get returns an alert.
func (a *Alerts) Get(ctx context.Context, id string) (rinca.Alert, error) {
	if a == nil {
		return rinca.Alert{}, none(id)
	}
	rec, err := a.alerts().Get(ctx, id)
	if rinca.CodeOf(err) == rinca.NotFound {
		err = none(id)
	}
	return rec.Value.Alert, err
}

func none(id string) error {
	return rinca.Errorf(rinca.NotFound, "there is no alert %.100q", id).Try("rinca alert list")
}

// Open counts open alerts by level.
func (a *Alerts) Open(ctx context.Context) (map[rinca.AlertLevel]int, error) {
	n := map[rinca.AlertLevel]int{rinca.AlertOK: 0, rinca.AlertWarning: 0, rinca.AlertCritical: 0}
	if a == nil {
		return n, nil
	}
	open, err := a.open(ctx, Filter{Open: true})
	for i := range open {
		n[open[i].Level]++
	}
	return n, err
}
