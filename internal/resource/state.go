package resource

import (
	"context"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A State is what there is, for files to be compared with.
type State struct {
	Revision   int64
	Variables  []rinca.Variable
	Groups     []rinca.UserGroup
	Servers    []rinca.Server
	Alerters   []rinca.Alerter
	Repos      []rinca.Repo
	Stacks     []rinca.Stack
	Syncs      []rinca.ResourceSync
	Procedures []rinca.Procedure

	Accounts []rinca.GitAccount
	Users    []string
	Hooks    map[rinca.Target]rinca.Secret // of webhooks
	// Guess says that nobody can be asked what else there is: what is only
	// named is taken to be there.
	Guess bool
	// Check is asked about each execution of the procedures in files; nil: nobody.
	Check CheckFunc
}

// A CheckFunc says what is wrong with an execution of a procedure, by its own.
type CheckFunc func(p *rinca.Procedure, stage, execution int) error

// Load returns what the database holds.
func Load(ctx context.Context, db *store.DB) (*State, error) {
	s := &State{Revision: db.Revision(), Hooks: map[rinca.Target]rinca.Secret{}}
	var users []rinca.User
	for _, load := range []func() error{
		func() (err error) { s.Variables, err = db.Variables(ctx); return err },
		func() (err error) { s.Groups, err = db.Groups(ctx); return err },
		func() (err error) { s.Servers, err = db.Servers(ctx); return err },
		func() (err error) { s.Alerters, err = db.Alerters(ctx); return err },
		func() (err error) { s.Repos, err = db.Repos(ctx); return err },
		func() (err error) { s.Stacks, err = db.Stacks(ctx); return err },
		func() (err error) { s.Syncs, err = db.Syncs(ctx); return err },
		func() (err error) { s.Procedures, err = db.Procedures(ctx); return err },
		func() (err error) { s.Accounts, err = db.GitAccounts(ctx); return err },
		func() (err error) { users, err = db.Users(ctx); return err },
	} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	for i := range users {
		s.Users = append(s.Users, users[i].Name)
	}
	return s, s.loadHooks(ctx, db)
}

func (s *State) loadHooks(ctx context.Context, db *store.DB) error {
	var targets []rinca.Target
	for i := range s.Stacks {
		targets = append(targets, rinca.Target{Kind: rinca.KindStack, Name: s.Stacks[i].Name})
	}
	for i := range s.Repos {
		targets = append(targets, rinca.Target{Kind: rinca.KindRepo, Name: s.Repos[i].Name})
	}
	for i := range s.Syncs {
		targets = append(targets, rinca.Target{Kind: rinca.KindSync, Name: s.Syncs[i].Name})
	}
	for i := range s.Procedures {
		targets = append(targets, rinca.Target{Kind: rinca.KindProcedure, Name: s.Procedures[i].Name})
	}
	for _, t := range targets {
		secret, err := db.WebhookSecret(ctx, t)
		switch rinca.CodeOf(err) {
		case "":
			s.Hooks[t] = secret
		case rinca.NotFound:
		default:
			return err
		}
	}
	return nil
}
