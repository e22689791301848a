package api

import (
	"context"
	"slices"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// Secrets knows where secrets are used, and whether what runs has them.
type Secrets interface {
	SecretUses(ctx context.Context, what string) (rinca.UsedBy, error)
	CheckDrift(ctx context.Context, o deploy.DriftOptions) (rinca.DriftReport, error)
	// LastDrift returns what the last checks found.
	LastDrift(ctx context.Context) (rinca.DriftReport, error)
}

// secretRoutes are about the items of the vault, as stacks use them.
func secretRoutes() []route {
	return []route{
		{
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
