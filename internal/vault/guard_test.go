package vault_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/vault"
	"rinca/internal/vault/vaulttest"
)

// A clock that tests turn.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// flaky is an embedded vault that fails as it is told.
type flaky struct {
	rinca.Provider
	fail error
	sent int
}

func (f *flaky) Vaults(ctx context.Context) ([]rinca.Vault, error) {
	f.sent++
	if f.fail != nil {
		return nil, f.fail
	}
	return f.Provider.Vaults(ctx)
}

func (f *flaky) Items(ctx context.Context, v string) ([]rinca.Info, error) {
	f.sent++
	if f.fail != nil {
		return nil, f.fail
	}
	return f.Provider.Items(ctx, v)
}

func (f *flaky) Get(ctx context.Context, v string, ids ...string) ([]rinca.Item, error) {
	f.sent++
	if f.fail != nil {
		return nil, f.fail
	}
	return f.Provider.Get(ctx, v, ids...)
}

type guardWorld struct {
	clock  *clock
	guard  *vault.Guard
	inner  *flaky
	real   rinca.Writer
	p      rinca.Provider
	vault  string
	alerts []rinca.Alert
}

func newGuardWorld(t *testing.T, limits vault.Limits) *guardWorld {
	t.Helper()
	_, db := vaulttest.NewHome(t, []rinca.Item{{Info: rinca.Info{Title: "a.env", Category: rinca.CategorySecureNote}}})
	w := &guardWorld{clock: newClock(), inner: &flaky{Provider: db}, real: db}
	w.guard = &vault.Guard{Now: w.clock.now, Tell: func(a rinca.Alert) { w.alerts = append(w.alerts, a) }}
	w.guard.Use(limits, vault.NewLedger(limits.Token, nil, w.clock.now, nil), vault.NewLedger(limits.Account, nil, w.clock.now, nil))
	w.p = w.guard.Wrap(w.inner)
	vaults, err := db.Vaults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.vault = vaults[0].ID
	return w
}

func (w *guardWorld) ask(ctx context.Context) error {
	_, err := w.p.Vaults(ctx)
	return err
}

// What is guarded does all that it did before.
func TestGuardedProvider(t *testing.T) {
	vaulttest.Run(t, vaulttest.Suite{Open: func(t *testing.T, items []rinca.Item) rinca.Provider {
		t.Helper()
		_, db := vaulttest.NewHome(t, items)
		g := &vault.Guard{Now: time.Now}
		l := vault.Limits{}
		g.Use(l, vault.NewLedger(l.Token, nil, time.Now, nil), vault.NewLedger(l.Account, nil, time.Now, nil))
		return g.Wrap(db)
	}})
}

// Background work is refused first, and people when nothing is left.
func TestReserveForPeople(t *testing.T) {
	person, background := t.Context(), vault.Background(t.Context())
	w := newGuardWorld(t, vault.Limits{Token: vault.Budget{Hour: 100}, Account: vault.Budget{Day: 50}})
	sent := 0
	var err error
	for err == nil && sent < 1000 {
		if err = w.ask(background); err == nil {
			sent++
		}
	}
	if sent != 45 || rinca.CodeOf(err) != rinca.RateLimited || !strings.Contains(err.Error(), "kept for people") || !strings.Contains(err.Error(), "at 12:0") {
		t.Errorf("%d sent in the background, then %v", sent, err)
	}
	for err = nil; err == nil && sent < 1000; {
		if err = w.ask(person); err == nil {
			sent++
		}
	}
	if sent != 50 || rinca.CodeOf(err) != rinca.RateLimited {
		t.Errorf("%d sent in all, then %v", sent, err)
	}
	if w.inner.sent != 50 {
		t.Errorf("%d were really sent", w.inner.sent)
	}
	if b := w.guard.Breaker(); b.Open || b.Failures > 0 {
		t.Errorf("our own refusals count against the vault: %+v", b)
	}
	if b := w.guard.Budgets()[1]; b.Left != 0 || b.Used != 50 || b.Reserve != 5 || b.NextAt.IsZero() {
		t.Errorf("%+v", b)
	}
	if len(w.alerts) != 1 || w.alerts[0].Type != rinca.AlertVaultBudgetLow || w.alerts[0].Resolved {
		t.Errorf("%+v", w.alerts)
	}
	w.clock.turn(25 * time.Hour)
	if err := w.ask(background); err != nil {
		t.Errorf("a day later: %v", err)
	}
	if len(w.alerts) != 2 || !w.alerts[1].Resolved {
		t.Errorf("%+v", w.alerts)
	}

	assumed := newGuardWorld(t, vault.Limits{Account: vault.Budget{Day: 20}, Assumed: true})
	for range 30 {
		if err := assumed.ask(person); err != nil {
			t.Fatalf("where nobody named the plan: %v", err)
		}
	}
	if err := assumed.ask(background); rinca.CodeOf(err) != rinca.RateLimited {
		t.Errorf("in the background: %v", err)
	}
}

// However often the server is killed, more is counted than was sent, and
// background work leaves the reserve alone.
func TestCountsSurvive(t *testing.T) {
	c := newClock()
	limits := vault.Limits{Token: vault.Budget{Hour: 40}, Account: vault.Budget{Day: 120}}
	kept := [2]map[int64]int{{}, {}}
	_, db := vaulttest.NewHome(t, nil)
	inner := &flaky{Provider: db}
	type sending struct {
		at         time.Time
		background bool
	}
	var log []sending
	refused := 0
	for range 200 {
		g := &vault.Guard{Now: c.now}
		save := func(i int) func(map[int64]int) error {
			return func(m map[int64]int) error { kept[i] = maps.Clone(m); return nil }
		}
		g.Use(limits, vault.NewLedger(limits.Token, kept[0], c.now, save(0)), vault.NewLedger(limits.Account, kept[1], c.now, save(1)))
		p := g.Wrap(inner)
		for range rand.IntN(20) {
			ctx, background := t.Context(), rand.IntN(3) > 0
			if background {
				ctx = vault.Background(ctx)
			}
			before := inner.sent
			if _, err := p.Vaults(ctx); err != nil {
				refused++
			}
			if inner.sent > before {
				log = append(log, sending{c.now(), background})
			}
			c.turn(time.Duration(rand.IntN(90)) * time.Second)
		}
		c.turn(time.Duration(rand.IntN(600)) * time.Second) // and it is killed
	}
	if refused == 0 || len(log) < 150 {
		t.Fatalf("%d sent, %d refused: the test tests nothing", len(log), refused)
	}
	for i := range log {
		hour, day := 0, 0
		for j := i; j >= 0; j-- {
			age := log[i].at.Sub(log[j].at)
			if age < time.Hour {
				hour++
			}
			if age < 24*time.Hour {
				day++
			}
		}
		if hour > 40 || day > 120 || log[i].background && (hour > 36 || day > 108) {
			t.Fatalf("request %d: %d in an hour, %d in a day, background %v", i, hour, day, log[i].background)
		}
	}
}

// What does not exist is not asked for again in the background, until the
// vault has changed or a person asks.
func TestAbsentItems(t *testing.T) {
	person, background := t.Context(), vault.Background(t.Context())
	w := newGuardWorld(t, vault.Limits{})
	get := func(ctx context.Context) error {
		_, err := w.p.Get(ctx, w.vault, "aaaaaaaaaaaaaaaaaaaaaaaaaa")
		return err
	}
	for range 50 {
		if err := get(background); rinca.CodeOf(err) != rinca.NotFound {
			t.Fatal(err)
		}
	}
	if w.inner.sent != 1 {
		t.Errorf("%d requests for what is not there", w.inner.sent)
	}
	if get(person); w.inner.sent != 2 {
		t.Errorf("a person was answered from memory")
	}
	if err := w.ask(background); err != nil {
		t.Fatal(err)
	}
	if _, err := w.real.Create(t.Context(), rinca.Item{Info: rinca.Info{VaultID: w.vault, Title: "b", Category: rinca.CategorySecureNote}}); err != nil {
		t.Fatal(err)
	}
	if err := w.ask(background); err != nil {
		t.Fatal(err)
	}
	before := w.inner.sent
	if _ = get(background); w.inner.sent != before+1 {
		t.Error("it is not looked for again after the vault has changed")
	}
	w.clock.turn(6 * time.Minute)
	before = w.inner.sent
	if _ = get(background); w.inner.sent != before+1 {
		t.Error("it is not looked for again after a while")
	}
}

// A vault that fails is left alone by the background, asked now and then, and
// asked at once by people.
func TestBreaker(t *testing.T) {
	person, background := t.Context(), vault.Background(t.Context())
	w := newGuardWorld(t, vault.Limits{})
	w.inner.fail = rinca.Errorf(rinca.Unauthenticated, "the token has expired")
	for range 20 {
		if err := w.ask(background); rinca.CodeOf(err) != rinca.Unauthenticated {
			t.Fatal(err)
		}
	}
	if w.inner.sent != 3 {
		t.Errorf("%d requests to a vault that refuses us", w.inner.sent)
	}
	if err := w.ask(background); !strings.Contains(err.Error(), "left alone until") || !strings.Contains(err.Error(), "expired") {
		t.Errorf("%v", err)
	}
	w.clock.turn(31 * time.Second)
	for range 5 {
		_ = w.ask(background)
	}
	if w.inner.sent != 4 {
		t.Errorf("%d requests: one is let through to see", w.inner.sent)
	}
	if _ = w.ask(person); w.inner.sent != 5 {
		t.Error("a person was not let through")
	}
	for range 50 {
		_ = w.ask(person)
	}
	before := w.inner.sent
	w.clock.turn(61 * time.Second)
	if _ = w.ask(background); w.inner.sent != before+1 {
		t.Error("what people asked for in vain keeps background work away for longer")
	}
	for range 200 { // a day
		w.clock.turn(432 * time.Second)
		_ = w.ask(background)
	}
	if w.inner.sent > 160 {
		t.Errorf("%d requests in a day that failed", w.inner.sent)
	}
	w.inner.fail = nil
	if err := w.ask(person); err != nil {
		t.Fatal(err)
	}
	if err := w.ask(background); err != nil {
		t.Errorf("after it answered a person: %v", err)
	}
	if len(w.alerts) != 2 || w.alerts[0].Type != rinca.AlertVaultUnreachable || w.alerts[0].Resolved || !w.alerts[1].Resolved {
		t.Errorf("%+v", w.alerts)
	}
	w.inner.fail = errors.New("what nobody classified") //nolint:err113 // on purpose
	for range 5 {
		_ = w.ask(background)
	}
	if w.guard.Breaker().Open {
		t.Error("a fault of ours opens it")
	}
}

// A list is taken again only where the vault has just said that it has not
// changed, and only once for each time it says so.
func TestListsAreTakenAgain(t *testing.T) {
	w := newGuardWorld(t, vault.Limits{})
	list := func() int {
		items, err := w.p.Items(t.Context(), w.vault)
		if err != nil {
			t.Fatal(err)
		}
		return len(items)
	}
	sent := func(f func()) int {
		before := w.inner.sent
		f()
		return w.inner.sent - before
	}
	first := sent(func() { _ = w.ask(t.Context()); list() })
	again := sent(func() { _ = w.ask(t.Context()); list() })
	twice := sent(func() { list() })
	if first != 2 || again != 1 || twice != 1 {
		t.Errorf("%d, %d, %d requests", first, again, twice)
	}
	if _, err := w.real.Create(t.Context(), rinca.Item{Info: rinca.Info{VaultID: w.vault, Title: "b", Category: rinca.CategorySecureNote}}); err != nil {
		t.Fatal(err)
	}
	if _ = w.ask(t.Context()); list() != 2 {
		t.Error("the list is an old one")
	}
	_ = w.ask(t.Context())
	w.clock.turn(time.Minute)
	if n := sent(func() { list() }); n != 1 {
		t.Error("what the vault said a minute ago still counts")
	}
}

// The interval of a watch grows as the budget shrinks, and it never uses it up.
func TestMinInterval(t *testing.T) {
	if w := newGuardWorld(t, vault.Limits{}); w.guard.MinInterval() != 0 {
		t.Errorf("without a limit: %s", w.guard.MinInterval())
	}
	limits, err := vault.PlanLimits("families")
	if err != nil {
		t.Fatal(err)
	}
	w := newGuardWorld(t, limits)
	background := vault.Background(t.Context())
	var last time.Duration
	looks := 0
	for end := w.clock.now().Add(72 * time.Hour); w.clock.now().Before(end); {
		last = w.guard.MinInterval()
		if last <= 0 || last > time.Hour {
			t.Fatalf("an interval of %s", last)
		}
		w.clock.turn(last)
		if err := w.ask(background); err != nil {
			t.Fatalf("look %d: %v", looks, err)
		}
		looks++
	}
	if left := w.guard.Budgets()[1].Left; left < 500 || looks < 600 {
		t.Errorf("%d looks in three days, %d requests left, every %s", looks, left, last)
	}
	for range 600 {
		_ = w.ask(t.Context())
	}
	if now := w.guard.MinInterval(); now < 2*last {
		t.Errorf("every %s, and %s when much is used", last, now)
	}
}

func TestParseLimits(t *testing.T) {
	for _, c := range []struct {
		plan, budget, want string
		given              bool
		code               rinca.Code
	}{
		{"", "", " ", false, ""},
		{"families", "", "1000/h 1000/d", true, ""},
		{"business", "", "10000/h 50000/d", true, ""},
		{"none", "", " ", true, ""},
		{"", "200/h", "200/h ", true, ""},
		{"", "1000/d,20/h", "20/h 1000/d", true, ""},
		{"gold", "", "", false, rinca.Usage},
		{"", "lots", "", false, rinca.Usage},
		{"teams", "5/h", "", false, rinca.Usage},
	} {
		l, given, err := vault.ParseLimits(c.plan, c.budget)
		if got := fmt.Sprint(l.Token, " ", l.Account); rinca.CodeOf(err) != c.code || err == nil && (got != c.want || given != c.given) {
			t.Errorf("%q %q: %q %v %v", c.plan, c.budget, got, given, err)
		}
	}
}

func FuzzParseLimits(f *testing.F) {
	f.Add("", "200/h,1000/d")
	f.Add("teams", "")
	f.Fuzz(func(t *testing.T, plan, budget string) {
		l, given, err := vault.ParseLimits(plan, budget)
		if err != nil && (rinca.CodeOf(err) != rinca.Usage || given) || l.Token.Hour < 0 || l.Account.Day < 0 {
			t.Errorf("%q %q: %+v %v", plan, budget, l, err)
		}
	})
}
