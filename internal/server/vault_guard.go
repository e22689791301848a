package server

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
	"rinca/internal/vault"
)

// VaultLimits are what the person who starts the server says of its vault.
type VaultLimits struct {
	vault.Limits
	Given bool // else they follow from the kind of vault
}

// countOne counts the request that a new token was tried with.
func (k *vaultKeeper) countOne(ctx context.Context, s Sources) {
	if k.guard != nil && k.useLimits(ctx, s) == nil {
		_ = k.guard.Count(1) // it was sent; nothing is to be refused any more
	}
}

// requestCounts are kept by token and by account, under keyed digests.
func (k *vaultKeeper) requestCounts() store.Records[map[int64]int] {
	return store.RecordsOf[map[int64]int](k.db, "vault requests")
}

// useLimits makes the guard count for the vault of s. It does nothing when it
// does so already.
func (k *vaultKeeper) useLimits(ctx context.Context, s Sources) error {
	if k.guard == nil {
		return nil
	}
	choice, err := Choose(s)
	if err != nil {
		return nil //nolint:nilerr // there is no vault to count for; opening it says so
	}
	token, account := k.countKeys(choice.Name, s)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.counting == token+account {
		return nil
	}
	limits := k.limits.Limits
	if !k.limits.Given && (choice.Name == "op" || choice.Name == "sdk") {
		if limits, err = vault.PlanLimits("families"); err != nil {
			return err
		}
		limits.Assumed = true
	}
	byHour, err := k.ledger(ctx, token, limits.Token)
	if err != nil {
		return err
	}
	byDay, err := k.ledger(ctx, account, limits.Account)
	if err != nil {
		return err
	}
	k.guard.Use(limits, byHour, byDay)
	k.counting = token + account
	return nil
}

func (k *vaultKeeper) ledger(ctx context.Context, id string, b vault.Budget) (*vault.Ledger, error) {
	rec, err := k.requestCounts().Get(ctx, id)
	if err != nil && rinca.CodeOf(err) != rinca.NotFound {
		return nil, err
	}
	return vault.NewLedger(b, rec.Value, time.Now, func(minutes map[int64]int) error {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		return k.requestCounts().Put(ctx, store.Record[map[int64]int]{ID: id, At: time.Now().UTC(), Value: minutes})
	}), nil
}

// countKeys name the counts of a token and of its account.
func (k *vaultKeeper) countKeys(provider string, s Sources) (token, account string) {
	id := func(what string, parts ...string) string {
		data := make([][]byte, len(parts))
		for i, p := range parts {
			data[i] = []byte(p)
		}
		sum := k.db.Digest("vault requests of a "+what, data...)
		return what + " " + hex.EncodeToString(sum[:12])
	}
	switch provider {
	case "connect":
		return id("token", s.Config.ConnectToken.Reveal()), id("account", s.Config.ConnectHost)
	case "embedded":
		return id("token", provider), id("account", provider)
	}
	t := s.Config.ServiceAccountToken
	if name := accountOf(t); name != "" {
		return id("token", t.Reveal()), id("account", name)
	}
	return id("token", t.Reveal()), id("account", t.Reveal())
}

// accountOf returns what a service account's token says of its account, or "".
func accountOf(token rinca.Secret) string {
	text, ok := strings.CutPrefix(token.Reveal(), "ops_")
	if !ok {
		return ""
	}
	data, err := base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "=")))
	if err != nil {
		return ""
	}
	var in struct {
		SignInAddress string `json:"signInAddress"`
	}
	if json.Unmarshal(data, &in) != nil {
		return ""
	}
	return in.SignInAddress
}

// addBudget adds to a state what the guard knows.
func (k *vaultKeeper) addBudget(ctx context.Context, s Sources, out *rinca.VaultState) error {
	if k.guard == nil {
		return nil
	}
	if err := k.useLimits(ctx, s); err != nil {
		return err
	}
	limits := k.guard.Plan()
	out.Plan, out.PlanAssumed = limits.Plan, limits.Assumed
	out.Budgets = k.guard.Budgets()
	for _, b := range out.Budgets {
		if b.Limit > 0 && (out.Budget == 0 || b.Limit < out.Budget) {
			out.Budget = b.Limit
		}
	}
	breaker := k.guard.Breaker()
	out.Breaker, out.Interval = &breaker, rinca.Duration(k.guard.MinInterval().Round(time.Second))
	return nil
}
