package server

import (
	"context"
	"sync"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/store"
	"rinca/internal/vault"
	"rinca/internal/vault/embedded"
)

// The variables that the token of a vault is kept in: the same that the
// workflow's compose files name.
const (
	serviceToken = "OP_SERVICE_ACCOUNT_TOKEN"
	connectToken = "OP_CONNECT_TOKEN"
	connectHost  = "OP_CONNECT_HOST"
)

// A vaultKeeper knows which vault the server uses: the one of its own
// configuration, or the one whose token was stored with it.
type vaultKeeper struct {
	db      *store.DB
	sources Sources
	vault   *deploy.Vault
	// guard counts requests against limits; nil counts nothing.
	guard  *vault.Guard
	limits VaultLimits

	mu       sync.Mutex
	counting string // whose requests guard counts
}

// effective returns the sources, with a stored token where the configuration
// has no vault.
func (k *vaultKeeper) effective(ctx context.Context) (Sources, time.Time, error) {
	s := k.sources
	if s.Config.ConnectHost != "" || s.Config.ConnectToken.IsSet() || s.Config.ServiceAccountToken.IsSet() ||
		(s.Config.Provider == "" && embedded.Exists(s.Embedded.Dir)) || s.Config.Provider == "embedded" {
		return s, time.Time{}, nil
	}
	get := func(name string) (rinca.Variable, error) {
		v, err := k.db.Variable(ctx, "", name)
		if rinca.CodeOf(err) == rinca.NotFound || v.From != "" {
			return rinca.Variable{}, nil
		}
		return v, err
	}
	host, err := get(connectHost)
	if err != nil {
		return s, time.Time{}, err
	}
	token, err := get(connectToken)
	if err != nil {
		return s, time.Time{}, err
	}
	if host.Value.IsSet() && token.Value.IsSet() {
		s.Config.ConnectHost, s.Config.ConnectToken = host.Value.Reveal(), token.Value
		return s, token.UpdatedAt, nil
	}
	account, err := get(serviceToken)
	if err != nil {
		return s, time.Time{}, err
	}
	s.Config.ServiceAccountToken = account.Value
	return s, account.UpdatedAt, nil
}

// open opens the vault that is configured now.
func (k *vaultKeeper) open(ctx context.Context) (rinca.Provider, error) {
	s, _, err := k.effective(ctx)
	if err != nil {
		return nil, err
	}
	p, err := Open(ctx, s)
	if err != nil || k.guard == nil {
		return p, err
	}
	if err := k.useLimits(ctx, s); err != nil {
		return nil, err
	}
	return k.guard.Wrap(p), nil
}

func (k *vaultKeeper) configured() bool {
	s, _, err := k.effective(context.Background())
	if err != nil {
		return true // opening it says what is wrong
	}
	_, err = Choose(s)
	return err == nil || s.Config.Provider != ""
}

// SetToken tries a token and keeps it, sealed, as the variable of its name.
func (k *vaultKeeper) SetToken(ctx context.Context, t rinca.VaultToken) (rinca.VaultState, error) {
	if t.Kind == "" {
		t.Kind = "service-account"
	}
	if why := k.fixed(); why != "" {
		return rinca.VaultState{}, rinca.Errorf(rinca.Conflict, "the vault of this server is fixed: %s", why).
			Try("start the server without it; or rinca variable set %s --secret, for stacks alone", serviceToken)
	}
	s := k.sources
	vars := map[string]rinca.Variable{}
	switch t.Kind {
	case "service-account":
		if err := CheckServiceAccountToken(t.Token); err != nil {
			return rinca.VaultState{}, err
		}
		s.Config.ServiceAccountToken = t.Token
		vars[serviceToken] = rinca.Variable{Name: serviceToken, Secret: true, Value: t.Token}
	case "connect":
		if t.Host == "" {
			return rinca.VaultState{}, rinca.Errorf(rinca.Invalid, "a token for Connect needs the address of its server").Try("rinca token set --connect --host http://connect:8080")
		}
		s.Config.ConnectHost, s.Config.ConnectToken = t.Host, t.Token
		vars[connectHost] = rinca.Variable{Name: connectHost, Value: rinca.NewSecret(t.Host)}
		vars[connectToken] = rinca.Variable{Name: connectToken, Secret: true, Value: t.Token}
	default:
		return rinca.VaultState{}, rinca.Errorf(rinca.Invalid, "%.40q is no kind of token", t.Kind).Try("service-account or connect")
	}
	state := rinca.VaultState{HasToken: true, SetAt: time.Now().UTC()}
	if !t.Untested {
		names, err := try(ctx, s)
		if err != nil {
			return rinca.VaultState{}, rinca.Errorf(rinca.CodeOf(err), "the token was not kept: %w", err).
				Try("%s", orElse(rinca.HintOf(err), "check it; or keep it all the same with --untested"))
		}
		state.Vaults = names
	}
	for _, v := range vars {
		if _, err := k.db.PutVariable(ctx, v, store.Upsert); err != nil {
			return rinca.VaultState{}, err
		}
	}
	k.vault.Reset()
	if !t.Untested {
		k.countOne(ctx, s)
	}
	now, err := k.State(ctx)
	now.Vaults = state.Vaults
	return now, err
}

// fixed says why a stored token would not be used; "" when it would.
func (k *vaultKeeper) fixed() string {
	c := k.sources.Config
	switch {
	case c.ConnectHost != "" || c.ConnectToken.IsSet():
		return "OP_CONNECT_HOST or OP_CONNECT_TOKEN is set in its environment"
	case c.ServiceAccountToken.IsSet():
		return serviceToken + " is set in its environment"
	case c.Provider == "embedded":
		return "it was started with the provider embedded"
	case c.Provider == "" && embedded.Exists(k.sources.Embedded.Dir):
		return "its home has an embedded vault"
	}
	return ""
}

func orElse(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// try opens a vault and asks it for its vaults.
func try(ctx context.Context, s Sources) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	v := &deploy.Vault{Open: func(ctx context.Context) (rinca.Provider, error) { return Open(ctx, s) }, Now: time.Now}
	defer v.Reset()
	return v.Test(ctx)
}

// State tells what is known, without a request to the vault.
func (k *vaultKeeper) State(ctx context.Context) (rinca.VaultState, error) {
	s, at, err := k.effective(ctx)
	if err != nil {
		return rinca.VaultState{}, err
	}
	out := rinca.VaultState{
		HasToken: s.Config.ConnectToken.IsSet() || s.Config.ServiceAccountToken.IsSet(),
		SetAt:    at, Requests: k.vault.Requests(), ExportedAt: k.vault.ExportedAt(),
	}
	choice, err := Choose(s)
	if err != nil {
		out.Error = err.Error()
		return out, nil
	}
	out.Provider = choice.Name
	return out, k.addBudget(ctx, s, &out)
}
