package store

import (
	"context"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// An accountRecord is a Git account as it is sealed.
type accountRecord struct {
	rinca.GitAccount
	TokenText []byte `json:"token_text,omitempty"`
	KeyText   []byte `json:"key_text,omitempty"`
}

func (r accountRecord) account() rinca.GitAccount {
	a := r.GitAccount
	a.Token, a.Key = toSecret(r.TokenText), toSecret(r.KeyText)
	a.HasToken, a.HasKey = r.TokenText != nil, r.KeyText != nil
	return a
}

// PutGitAccount stores an account and returns it as stored. A token or key
// that is not set is kept, an empty one is removed. A credential never goes to
// another host than the one it was given for: with a new Host it is needed
// again.
func (db *DB) PutGitAccount(ctx context.Context, a rinca.GitAccount, mode PutMode) (rinca.GitAccount, error) {
	if err := checkName(accountFamily, a.Name); err != nil {
		return a, err
	}
	var next accountRecord
	err := db.write(ctx, func(w *writer) error {
		old, exists, err := db.accounts.read(ctx, w, a.Name)
		if err != nil {
			return err
		}
		if err := db.accounts.check(mode, a.Name, exists); err != nil {
			return err
		}
		moved := exists && !strings.EqualFold(old.Host, a.Host)
		if moved && (old.TokenText != nil && !a.Token.IsSet() || old.KeyText != nil && !a.Key.IsSet()) {
			return rinca.Errorf(rinca.Invalid, "git account %q was for another host; its token and key are not sent to %.200q", a.Name, a.Host).
				Try("give the token or key for the new host too")
		}
		a.UpdatedAt = db.now()
		next = accountRecord{a, keep(a.Token, old.TokenText), keep(a.Key, old.KeyText)}
		return db.accounts.put(ctx, w, a.Name, next)
	})
	return next.account(), err
}

// GitAccount returns an account with its credentials.
func (db *DB) GitAccount(ctx context.Context, name string) (rinca.GitAccount, error) {
	r, err := db.accounts.get(ctx, db, name)
	return r.account(), err
}

// GitAccounts lists the accounts by name, with their credentials.
func (db *DB) GitAccounts(ctx context.Context) ([]rinca.GitAccount, error) {
	s, err := db.accounts.load(ctx, db)
	if err != nil {
		return nil, err
	}
	out := make([]rinca.GitAccount, len(s.rows))
	for i, r := range s.rows {
		out[i] = r.value.account()
	}
	return out, nil
}

// DeleteGitAccount removes an account. One that a stack, a repo or a resource
// sync uses is a Conflict.
func (db *DB) DeleteGitAccount(ctx context.Context, name string) error {
	return db.write(ctx, func(w *writer) error {
		if err := w.unused(ctx, accountFamily, name, func(s *rinca.Stack) bool { return s.Source.Account == name }); err != nil {
			return err
		}
		if err := db.accountUnused(ctx, name); err != nil {
			return err
		}
		return db.accounts.delete(ctx, w, name)
	})
}

// accountUnused refuses to delete an account that repos or syncs name. It does
// not say which: who asks may not know of them.
func (db *DB) accountUnused(ctx context.Context, name string) error {
	repos, err := db.Repos(ctx)
	if err != nil {
		return err
	}
	syncs, err := db.Syncs(ctx)
	if err != nil {
		return err
	}
	by := ""
	switch {
	case slices.ContainsFunc(repos, func(r rinca.Repo) bool { return r.Source.Account == name }):
		by = "a repo"
	case slices.ContainsFunc(syncs, func(s rinca.ResourceSync) bool { return s.Source.Account == name }):
		by = "a resource sync"
	default:
		return nil
	}
	return rinca.Errorf(rinca.Conflict, "%s %q is used by %s", accountFamily, name, by).Try("give it another account first, or delete it")
}
