package api

import (
	"reflect"
	"slices"

	"rinca/internal/rinca"
)

func repoRoutes() []route {
	const one = "/v1/repos/{repo}"
	need := func(level rinca.Level) need { return resource(rinca.KindRepo, "repo", level) }
	return []route{
		{
			pattern: "GET /v1/repos", need: list(), doc: "List the repos that you may read, by name.",
			out: []rinca.Repo{}, serve: (*Server).getRepos,
		}, {
			pattern: "GET " + one, need: need(rinca.Read), doc: "Show a repo.",
			out: rinca.Repo{}, serve: (*Server).getRepo,
		}, {
			pattern: "PUT " + one, need: need(rinca.Write), audit: "repo.update",
			doc: "Replace a repo, or create it. Stacks and syncs that name it take its address, account, branch, tag and commit.",
			in:  rinca.Repo{}, out: rinca.Repo{}, serve: (*Server).putRepo,
		}, {
			pattern: "DELETE " + one, need: need(rinca.Write), audit: "repo.delete",
			doc: "Forget a repo that no stack and no sync names.", serve: (*Server).deleteRepo,
		},
	}
}

func (s *Server) getRepos(r *request) (any, error) {
	all, err := s.cfg.DB.Repos(r.Context())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(append([]rinca.Repo{}, all...), func(v rinca.Repo) bool {
		return !r.may(rinca.Target{Kind: rinca.KindRepo, Name: v.Name}, rinca.Read)
	}), nil
}

func (s *Server) getRepo(r *request) (any, error) {
	v, err := s.cfg.DB.Repo(r.Context(), r.target.Name)
	return v, s.here(r, err)
}

func (s *Server) putRepo(r *request) (any, error) {
	v := *body[rinca.Repo](r)
	if v.Name == "" {
		v.Name = r.target.Name
	}
	if v.Name != r.target.Name {
		return nil, rinca.Errorf(rinca.Invalid, "name differs from the one in the path")
	}
	if err := v.Check(); err != nil {
		return nil, err
	}
	before, err := s.cfg.DB.Repo(r.Context(), v.Name)
	if err != nil && rinca.CodeOf(err) != rinca.NotFound {
		return nil, err
	}
	if err := s.mayUseRepo(r, &v, &before); err != nil {
		return nil, err
	}
	if err := s.checkGit(r, v.Source); err != nil {
		return nil, err
	}
	v.UpdatedBy = r.user()
	return s.cfg.DB.PutRepo(r.Context(), v, modeOf(r))
}

// mayUseRepo checks the rights on what a repo begins to use. Those who may
// change it decide what its stacks are made of, and the hooks of those run
// files of it on the host.
func (s *Server) mayUseRepo(r *request, v, before *rinca.Repo) error {
	if a := v.Source.Account; a != "" && a != before.Source.Account {
		if err := uses(r, rinca.Target{Kind: rinca.KindGitAccount, Name: a}, rinca.Read); err != nil {
			return err
		}
	}
	if reflect.DeepEqual(v.Source, before.Source) {
		return nil
	}
	host := onHost(v.Source.Repo) && v.Source.Repo != before.Source.Repo
	stacks, err := s.cfg.DB.Stacks(r.Context())
	if err != nil {
		return err
	}
	syncs, err := s.cfg.DB.Syncs(r.Context())
	if err != nil {
		return err
	}
	for i := range stacks {
		x := &stacks[i]
		host = host || x.Source.Linked == v.Name && (x.PreDeploy.Command != "" || x.PostDeploy.Command != "")
	}
	if slices.ContainsFunc(syncs, func(y rinca.ResourceSync) bool { return y.Source.Linked == v.Name }) && !r.who.Admin() {
		return rinca.Errorf(rinca.Forbidden, "a resource sync takes its files from this repo: to change it takes an administrator")
	}
	if host {
		return uses(r, rinca.Target{Kind: rinca.KindServer, Name: rinca.LocalServer}, rinca.Write)
	}
	return nil
}

func (s *Server) deleteRepo(r *request) (any, error) {
	syncs, err := s.cfg.DB.Syncs(r.Context())
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(syncs, func(y rinca.ResourceSync) bool { return y.Source.Linked == r.target.Name }) {
		return nil, rinca.Errorf(rinca.Conflict, "a resource sync takes its files from the repo %q", r.target.Name).Try("give it another source first")
	}
	return nil, s.here(r, s.cfg.DB.DeleteRepo(r.Context(), r.target.Name))
}
