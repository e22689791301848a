package api

import (
	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

func gitAccountRoutes() []route {
	const one = "/v1/git-accounts/{account}"
	read := resource(rinca.KindGitAccount, "account", rinca.Read)
	write := resource(rinca.KindGitAccount, "account", rinca.Write)
	return []route{
		{
			pattern: "GET /v1/git-accounts", need: list(), doc: "List the Git accounts that you may read.",
			out: []rinca.GitAccount{}, serve: (*Server).getGitAccounts,
		}, {
			pattern: "GET " + one, need: read, doc: "Show a Git account; token and key are not shown.",
			out: rinca.GitAccount{}, serve: (*Server).getGitAccount,
		}, {
			pattern: "PUT " + one, need: write, audit: "git_account.update", limit: 1 << 20,
			doc: "Replace a Git account, or add it; a token or key that is left out is kept.",
			in:  gitAccountInput{}, out: rinca.GitAccount{}, serve: (*Server).putGitAccount,
		}, {
			pattern: "DELETE " + one, need: write, audit: "git_account.delete",
			doc: "Forget a Git account that no stack, no repo and no resource sync uses.", serve: (*Server).deleteGitAccount,
		},
	}
}

// A gitAccountInput is a Git account as it is written.
type gitAccountInput struct {
	Name       string     `json:"name,omitempty"`
	Host       string     `json:"host"`
	Username   string     `json:"username,omitempty"`
	Token      secretText `json:"token,omitzero"`
	Key        secretText `json:"key,omitzero"`
	KnownHosts string     `json:"known_hosts,omitempty"`
	CA         string     `json:"ca,omitempty"`
}

func (s *Server) getGitAccounts(r *request) (any, error) {
	accounts, err := s.cfg.DB.GitAccounts(r.Context())
	if err != nil {
		return nil, err
	}
	out := []rinca.GitAccount{}
	for i := range accounts {
		if r.may(rinca.Target{Kind: rinca.KindGitAccount, Name: accounts[i].Name}, rinca.Read) {
			out = append(out, shownAccount(accounts[i]))
		}
	}
	return out, nil
}

func shownAccount(a rinca.GitAccount) rinca.GitAccount {
	a.HasToken, a.HasKey = !a.Token.IsEmpty(), !a.Key.IsEmpty()
	return a
}

func (s *Server) getGitAccount(r *request) (any, error) {
	a, err := s.cfg.DB.GitAccount(r.Context(), r.target.Name)
	if err != nil {
		return nil, s.here(r, err)
	}
	return shownAccount(a), nil
}

var hostName = lazyregexp.New(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$`)

func (s *Server) putGitAccount(r *request) (any, error) {
	in := body[gitAccountInput](r)
	switch {
	case in.Name != "" && in.Name != r.target.Name:
		return nil, rinca.Errorf(rinca.Invalid, "name differs from the one in the path")
	case !hostName.MatchString(in.Host):
		return nil, rinca.Errorf(rinca.Invalid, "host is none").Try("such as github.com or git.example.org:3000, without https://")
	case in.Key.IsSet() && !in.Key.IsEmpty() && in.KnownHosts == "":
		return nil, rinca.Errorf(rinca.Invalid, "known_hosts is missing: without it, anybody could be that host").Try("ssh-keyscan %s", in.Host)
	}
	if err := checkName(r.target); err != nil {
		return nil, err
	}
	before, err := s.cfg.DB.GitAccount(r.Context(), r.target.Name)
	if err != nil && rinca.CodeOf(err) != rinca.NotFound {
		return nil, err
	}
	if err == nil && before.Host != in.Host && (!before.Token.IsEmpty() && !in.Token.IsSet() || !before.Key.IsEmpty() && !in.Key.IsSet()) {
		return nil, rinca.Errorf(rinca.Invalid, "the host changes, and the credential that is kept was for the one before").Try("send token or key along")
	}
	a, err := s.cfg.DB.PutGitAccount(r.Context(), rinca.GitAccount{
		Name: r.target.Name, Host: in.Host, Username: in.Username, Token: in.Token.Secret, Key: in.Key.Secret, KnownHosts: in.KnownHosts, CA: in.CA,
	}, modeOf(r))
	if err != nil {
		return nil, err
	}
	return shownAccount(a), nil
}

func (s *Server) deleteGitAccount(r *request) (any, error) {
	stacks, err := s.cfg.DB.Stacks(r.Context())
	if err != nil {
		return nil, err
	}
	for i := range stacks {
		if stacks[i].Source.Account == r.target.Name {
			return nil, rinca.Errorf(rinca.Conflict, "stacks use the Git account %q", r.target.Name).Try("give them another account first, or delete them")
		}
	}
	return nil, s.here(r, s.cfg.DB.DeleteGitAccount(r.Context(), r.target.Name))
}
