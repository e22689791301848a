package api

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// Secrets knows where secrets are used, and whether what runs has them.
type Secrets interface {
	SecretUses(ctx context.Context, what string) (rinca.UsedBy, error)
	CheckDrift(ctx context.Context, o deploy.DriftOptions) (rinca.DriftReport, error)
	// LastDrift returns what the last checks found.
	LastDrift(ctx context.Context) (rinca.DriftReport, error)
	DriftPolicy(ctx context.Context) (rinca.DriftPolicy, error)
	// SetDriftPolicy keeps when drift is checked; Invalid for a schedule that
	// cannot be read.
	SetDriftPolicy(ctx context.Context, p rinca.DriftPolicy) error
	SecretList(ctx context.Context, o deploy.SecretListOptions) (rinca.SecretReport, error)
	// Overdue counts those that were overdue at the last check.
	Overdue(ctx context.Context) (int, error)
	SecretPolicy(ctx context.Context) (rinca.SecretPolicy, error)
	SetSecretPolicy(ctx context.Context, p rinca.SecretPolicy) error
}

// secretRoutes are about the items of the vault, as stacks use them.
func secretRoutes() []route {
	return []route{
		{
			pattern: "GET /v1/secrets", need: list(),
			doc: "List the items and secret variables that stacks use, of the stacks that you may read, with their age; no values.",
			query: []param{
				{"values", "true compares the values of items with one another, too; it needs the right to administer, and a request for each hundred items"},
				{"fresh", "true asks the vault even when it was asked within a minute"},
			},
			out: rinca.SecretReport{}, serve: (*Server).getSecrets,
		}, {
			pattern: "GET /v1/secrets/policy", need: user(), doc: "Show how old secrets may become.",
			out: rinca.SecretPolicy{}, serve: (*Server).getSecretPolicy,
		}, {
			pattern: "PUT /v1/secrets/policy", need: admin(rinca.Write), audit: "secret.policy", doc: "Say how old secrets may become.",
			in: rinca.SecretPolicy{}, out: rinca.SecretPolicy{}, serve: (*Server).putSecretPolicy,
		}, {
			pattern: "GET /v1/secrets/used-by", need: list(),
			doc:   "Say which files, services, containers and dependents an item, a field or a variable reaches, of the stacks that you may read.",
			query: []param{{"ref", "op://vault/item, op://vault/item/field, the title of an item, or the name of a variable"}},
			out:   rinca.UsedBy{}, serve: (*Server).getUsedBy,
		},
	}
}

func (s *Server) getUsedBy(r *request) (any, error) {
	secrets, err := s.secrets()
	if err != nil {
		return nil, err
	}
	what := r.URL.Query().Get("ref")
	if what == "" {
		return nil, rinca.Errorf(rinca.Invalid, "ref is missing").Try("?ref=op://vault/item")
	}
	used, err := secrets.SecretUses(r.Context(), what)
	if err != nil {
		return nil, err
	}
	return s.readable(r, used)
}

// readable leaves of the uses what the caller may read. Who may read none of
// them is not told whether there is such a thing.
func (s *Server) readable(r *request, used rinca.UsedBy) (rinca.UsedBy, error) {
	may := func(stack string) bool { return r.may(rinca.Target{Kind: rinca.KindStack, Name: stack}, rinca.Read) }
	used.Uses = slices.DeleteFunc(used.Uses, func(u rinca.SecretUse) bool { return !may(u.Stack) })
	for i := range used.Uses {
		used.Uses[i].Dependents = slices.DeleteFunc(slices.Clone(used.Uses[i].Dependents), func(n string) bool { return !may(n) })
	}
	everything := r.may(rinca.Target{Kind: rinca.KindSystem}, rinca.Read)
	if len(used.Uses) == 0 && (!everything || len(used.Items)+len(used.Variables) == 0) {
		return used, rinca.Errorf(rinca.NotFound, "nothing that you may read uses %q", cut(used.What)).
			Try("rinca secret list")
	}
	if everything {
		return used, nil
	}
	used.Variables = slices.DeleteFunc(used.Variables, func(v string) bool {
		return !slices.ContainsFunc(used.Uses, func(u rinca.SecretUse) bool { return u.Variable == v })
	})
	used.Items = slices.DeleteFunc(used.Items, func(i rinca.UsedItem) bool {
		return !slices.ContainsFunc(used.Uses, func(u rinca.SecretUse) bool {
			return u.Item == i.Title && (u.Vault == i.VaultName || u.Vault == i.Vault)
		})
	})
	used.Notes = nil // they name servers
	return used, nil
}

func (s *Server) getSecrets(r *request) (any, error) {
	secrets, err := s.secrets()
	if err != nil {
		return nil, err
	}
	var o deploy.SecretListOptions
	if o.Values, err = r.flag("values"); err != nil {
		return nil, err
	}
	if o.Fresh, err = r.flag("fresh"); err != nil {
		return nil, err
	}
	everything := r.may(rinca.Target{Kind: rinca.KindSystem}, rinca.Read)
	if o.Values && !everything {
		return nil, denied(rinca.Target{Kind: rinca.KindSystem}, rinca.Read)
	}
	report, err := secrets.SecretList(r.Context(), o)
	if err != nil || everything {
		return report, err
	}
	may := func(stack string) bool { return r.may(rinca.Target{Kind: rinca.KindStack, Name: stack}, rinca.Read) }
	kept := []rinca.SecretInfo{}
	for _, x := range report.Secrets {
		shared := x.Shared
		x.Stacks = slices.DeleteFunc(slices.Clone(x.Stacks), func(n string) bool { return !may(n) })
		x.Files = slices.DeleteFunc(slices.Clone(x.Files), func(p string) bool { return !may(filepath.Base(filepath.Dir(p))) })
		x.Tags = slices.DeleteFunc(slices.Clone(x.Tags), func(t string) bool {
			stack, ok := strings.CutPrefix(t, rinca.StackTag)
			return ok && !may(stack)
		})
		x.Shared = shared
		if len(x.Stacks) > 0 || x.Kind == "variable" && r.may(variableTarget(x), rinca.Read) {
			kept = append(kept, x)
		}
	}
	report.Secrets, report.Notes = kept, nil
	return report, nil
}

func variableTarget(x rinca.SecretInfo) rinca.Target {
	v := rinca.Variable{Name: x.Title, Stack: x.Stack}
	return v.Target()
}

func (s *Server) getSecretPolicy(r *request) (any, error) {
	secrets, err := s.secrets()
	if err != nil {
		return nil, err
	}
	return secrets.SecretPolicy(r.Context())
}

func (s *Server) putSecretPolicy(r *request) (any, error) {
	secrets, err := s.secrets()
	if err != nil {
		return nil, err
	}
	p := *body[rinca.SecretPolicy](r)
	p.UpdatedAt, p.UpdatedBy = s.cfg.Now().UTC(), r.user()
	return p, secrets.SetSecretPolicy(r.Context(), p)
}
