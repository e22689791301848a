package api

import (
	"reflect"
	"slices"
	"strings"

	"rinca/internal/deploy"
	"rinca/internal/git"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// uses checks a right on something that a resource begins to use. Who has no
// right on it at all is not told whether it is there.
func uses(r *request, t rinca.Target, level rinca.Level) error {
	switch g := on(r.who, t); {
	case g.Level >= level:
		return nil
	case g.Level == rinca.None:
		return missing(t)
	}
	return denied(t, level)
}

// mayUse checks the rights on what a stack begins to use: to put a stack on a
// server is to run something there, to name a Git account is to read what it
// may read, and to name another stack's secrets is to have them.
func mayUse(r *request, stack, before *rinca.Stack, isNew bool) error {
	if isNew || stack.ServerName() != before.ServerName() {
		if err := uses(r, rinca.Target{Kind: rinca.KindServer, Name: stack.ServerName()}, rinca.Execute); err != nil {
			return err
		}
	}
	if a := stack.Source.Account; a != "" && (isNew || a != before.Source.Account) {
		if err := uses(r, rinca.Target{Kind: rinca.KindGitAccount, Name: a}, rinca.Read); err != nil {
			return err
		}
	}
	if l := stack.Source.Linked; l != "" && (isNew || l != before.Source.Linked) {
		if err := uses(r, rinca.Target{Kind: rinca.KindRepo, Name: l}, rinca.Read); err != nil {
			return err
		}
	}
	for _, n := range stack.Secrets.Stacks {
		if n == stack.Name || slices.Contains(before.Secrets.Stacks, n) {
			continue
		}
		if err := uses(r, rinca.Target{Kind: rinca.KindStack, Name: n}, rinca.Write); err != nil {
			return err
		}
	}
	if usesHost(stack, before) {
		return uses(r, rinca.Target{Kind: rinca.KindServer, Name: rinca.LocalServer}, rinca.Write)
	}
	return nil
}

// usesHost reports whether a stack begins to use what is the host's owner's to
// allow: what runs on the host itself, or reads its files, and a vault that is
// not the server's usual one.
func usesHost(stack, before *rinca.Stack) bool {
	from, was := stack.Source, before.Source
	moved := from.Kind != was.Kind
	switch {
	case from.Kind == rinca.SourceHost && (moved || from.Dir != was.Dir),
		from.Kind == rinca.SourceGit && onHost(from.Repo) && (moved || from.Repo != was.Repo),
		stack.Secrets.Vault != "" && stack.Secrets.Vault != before.Secrets.Vault,
		!subset(stack.HostPaths, before.HostPaths):
		return true
	}
	// A hook runs files of the source: those of another one are another hook.
	moved = moved || from.Repo != was.Repo || from.Linked != was.Linked || !reflect.DeepEqual(from.Files, was.Files)
	for _, h := range [][2]rinca.Hook{{stack.PreDeploy, before.PreDeploy}, {stack.PostDeploy, before.PostDeploy}} {
		if h[0].Command != "" && (moved || h[0].Command != h[1].Command || h[0].Path != h[1].Path) {
			return true
		}
	}
	return false
}

// onHost reports whether a repository is in the file system of the host.
func onHost(repo string) bool {
	scheme, _, ok := strings.Cut(strings.TrimSpace(repo), ":")
	return ok && strings.EqualFold(scheme, "file")
}

func subset(some, all []string) bool {
	for _, s := range some {
		if !slices.Contains(all, s) {
			return false
		}
	}
	return true
}

// isThere checks that what a stack begins to use exists, so that nobody learns
// of a slip when it is deployed.
func (s *Server) isThere(r *request, stack, before *rinca.Stack, isNew bool) error {
	ctx := r.Context()
	if name := stack.ServerName(); name != rinca.LocalServer && (isNew || name != before.ServerName()) {
		if _, err := s.cfg.DB.Server(ctx, name); rinca.CodeOf(err) == rinca.NotFound {
			return missing(rinca.Target{Kind: rinca.KindServer, Name: name})
		} else if err != nil {
			return err
		}
	}
	if stack.Source.Kind == rinca.SourceGit && (isNew || !reflect.DeepEqual(stack.Source, before.Source)) {
		if err := s.checkGit(r, stack.Source); err != nil {
			return err
		}
	}
	if subset(stack.After, before.After) {
		return nil
	}
	all, err := s.cfg.DB.Stacks(ctx)
	if err != nil {
		return err
	}
	// Errors name stacks, so they are found among those that the caller may
	// read. What was in after before may have gone since.
	known := []rinca.Stack{}
	names := map[string]bool{}
	for i := range all {
		if r.may(rinca.Target{Kind: rinca.KindStack, Name: all[i].Name}, rinca.Read) {
			known = append(known, all[i])
			names[all[i].Name] = true
		}
	}
	for _, n := range before.After {
		if !names[n] {
			known = append(known, rinca.Stack{Name: n})
		}
	}
	return deploy.CheckAfter(*stack, known)
}

// checkGit refuses a repository that could not be fetched.
func (s *Server) checkGit(r *request, from rinca.Source) error {
	if from.Linked != "" {
		_, err := s.cfg.DB.Repo(r.Context(), from.Linked)
		if rinca.CodeOf(err) == rinca.NotFound {
			return missing(rinca.Target{Kind: rinca.KindRepo, Name: from.Linked})
		}
		return err
	}
	if from.Account == "" {
		return git.Check(from, nil)
	}
	account, err := s.cfg.DB.GitAccount(r.Context(), from.Account)
	if rinca.CodeOf(err) == rinca.NotFound {
		return missing(rinca.Target{Kind: rinca.KindGitAccount, Name: from.Account})
	}
	if err != nil {
		return err
	}
	return git.Check(from, &account)
}

// taken hides the name of a stack that has the same project on the same
// server, when the caller may not read it.
func (s *Server) taken(r *request, stack *rinca.Stack, conflict error) error {
	all, err := s.cfg.DB.Stacks(r.Context())
	if err != nil {
		return err
	}
	for i := range all {
		o := &all[i]
		same := o.Name != stack.Name && o.ServerName() == stack.ServerName() && o.ProjectName() == stack.ProjectName()
		if same && !r.may(rinca.Target{Kind: rinca.KindStack, Name: o.Name}, rinca.Read) {
			return rinca.Errorf(rinca.Conflict, "the project %q is taken on server %q", stack.ProjectName(), stack.ServerName()).
				Try("give the stack another project: --project NAME")
		}
	}
	return conflict
}

// idle refuses while an update of the stack waits or runs.
func (s *Server) idle(r *request, stack string) error {
	for _, state := range []rinca.UpdateState{rinca.Running, rinca.Queued} {
		list, err := s.cfg.DB.Updates(r.Context(), store.UpdateFilter{Kind: rinca.KindStack, Name: stack, State: state, Limit: 1})
		if err != nil {
			return err
		}
		if len(list) > 0 {
			return rinca.Errorf(rinca.Conflict, "stack %s is busy: %s is %s", stack, list[0].Execution.Kind, state).
				Try("rinca update follow %s", list[0].ID)
		}
	}
	return nil
}
