package server

import (
	"encoding/base64"
	"testing"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/store"
	"rinca/internal/vault"
	"rinca/internal/vault/vaulttest"
)

func keeperFor(t *testing.T, db *store.DB, s Sources, limits VaultLimits) *vaultKeeper {
	t.Helper()
	k := &vaultKeeper{db: db, sources: s, limits: limits, guard: &vault.Guard{Now: time.Now}}
	k.vault = &deploy.Vault{Open: k.open, Configured: k.configured, Now: time.Now}
	return k
}

func used(t *testing.T, k *vaultKeeper) (hour, day int) {
	t.Helper()
	v, err := k.State(t.Context())
	if err != nil || len(v.Budgets) != 2 {
		t.Fatalf("%+v %v", v, err)
	}
	return v.Budgets[0].Used, v.Budgets[1].Used
}

// Counts outlive the server; those of an account also the token.
func TestRequestsAreCountedAcrossRestarts(t *testing.T) {
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	home, _ := vaulttest.NewHome(t, nil)
	var s Sources
	s.Embedded.Dir = home
	limits, given, err := vault.ParseLimits("", "100/h,50/d")
	if err != nil {
		t.Fatal(err)
	}
	k := keeperFor(t, db, s, VaultLimits{limits, given})
	for range 5 {
		if _, err := k.vault.Test(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if hour, day := used(t, k); hour != 5 || day != 5 {
		t.Errorf("%d in an hour, %d in a day", hour, day)
	}
	k.vault.Reset() // as a new token does
	again := keeperFor(t, db, s, VaultLimits{limits, given})
	if hour, day := used(t, again); hour < 5 || hour > 12 || day < 5 {
		t.Errorf("after the server was killed: %d in an hour, %d in a day", hour, day)
	}

	token := func(text string) rinca.Secret {
		return rinca.NewSecret("ops_" + base64.RawURLEncoding.EncodeToString([]byte(text)))
	}
	one, two := s, s
	one.Config.ServiceAccountToken = token(`{"signInAddress":"my.1password.com","secretKey":"one"}`)
	two.Config.ServiceAccountToken = token(`{"signInAddress":"my.1password.com","secretKey":"two"}`)
	a, accountA := k.countKeys("sdk", one)
	b, accountB := k.countKeys("sdk", two)
	if a == b || accountA != accountB {
		t.Errorf("tokens of one account are counted as %s and %s of %s and %s", a, b, accountA, accountB)
	}
	service := keeperFor(t, db, one, VaultLimits{})
	v, err := service.State(t.Context())
	if err != nil || v.Plan != "families" || !v.PlanAssumed || v.Budgets[1].Limit != 1000 || v.Interval == 0 || v.Breaker == nil {
		t.Errorf("a service account whose plan nobody named: %+v %v", v, err)
	}
}
