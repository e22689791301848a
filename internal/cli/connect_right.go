package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/vault"
	"rinca/internal/vault/embedded"
)

// rights reads the values of --vault.
func rights(ctx context.Context, db *embedded.DB, values []string) (map[string]embedded.Right, error) {
	out := map[string]embedded.Right{}
	for _, value := range values {
		name, right, err := parseRight(value)
		if err != nil {
			return nil, err
		}
		v, err := vault.Find(ctx, db, name)
		if err != nil {
			return nil, err
		}
		if _, twice := out[v.ID]; twice {
			return nil, rinca.Errorf(rinca.Usage, "the vault %q is given twice", name).Try("give it once, with all its rights: --vault %s,rw", name)
		}
		out[v.ID] = right
	}
	return out, nil
}

// completeRights offers the vaults of this home with the rights on them.
func (a *app) completeRights(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	db, err := a.openEmbedded(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer db.Close()
	vaults, _ := db.Vaults(cmd.Context())
	var out []string
	for _, v := range vaults {
		out = append(out, v.Name+",r", v.Name+",rw")
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeTokens offers the tokens that can be revoked.
func (a *app) completeTokens(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	db, err := a.openEmbedded(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer db.Close()
	tokens, _ := db.Tokens(cmd.Context())
	var out []string
	for _, t := range tokens {
		if t.Revoked.IsZero() {
			out = append(out, t.Name)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// parseRight reads VAULT,RIGHT. The right stands behind the last comma, so
// that the name of a vault may hold others.
func parseRight(s string) (name string, r embedded.Right, err error) {
	i := strings.LastIndex(s, ",")
	if i < 0 {
		return s, embedded.Right{Read: true, Write: true}, nil
	}
	name, right := s[:i], strings.TrimSpace(s[i+1:])
	switch right {
	case "rw":
		return name, embedded.Right{Read: true, Write: true}, nil
	case "r":
		return name, embedded.Right{Read: true}, nil
	case "w":
		return name, embedded.Right{Write: true}, nil
	}
	return name, r, rinca.Errorf(rinca.Usage, "%q is not a right", right).Try("--vault %s,r or %s,rw", name, name)
}

// parseLife reads a time such as 90d, 4w or 12h30m; "" is 0, for ever.
func parseLife(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	bad := rinca.Errorf(rinca.Usage, "%q is not a time", s).Try("--expires-in 90d")
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, ok := strings.CutSuffix(s, unit); ok {
			days, err := strconv.Atoi(n)
			if err != nil || days < 1 || days > 36500 {
				return 0, bad
			}
			return time.Duration(days) * length, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, bad
	}
	return d, nil
}
