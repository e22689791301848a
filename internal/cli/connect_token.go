package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/connectapi"
	"rinca/internal/rinca"
	"rinca/internal/vault"
	"rinca/internal/vault/embedded"
)

func newConnectToken(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Create, list or revoke tokens for the Connect API",
		Example: `  rinca connect token create export --vault homelab,r --expires-in 90d
  rinca connect token list
  rinca connect token revoke export`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newTokenCreate(a), newTokenList(a), newTokenRevoke(a))
	return c
}

func newTokenCreate(a *app) *cobra.Command {
	var vaults []string
	var expires string
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token and print it, once",
		Long: `Makes a token and prints it, and nothing else. It is stored as a keyed digest,
so it cannot be shown again. A right follows the vault's name after a comma: r
to read, w to write, rw for both, which is also what a bare name gives.`,
		Example: `  rinca connect token create terraform --vault homelab
  rinca connect token create export --vault homelab,r --vault media,r --expires-in 90d`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(vaults) == 0 {
				return rinca.Errorf(rinca.Usage, "a token needs a vault").Try("--vault homelab,r")
			}
			life, err := parseLife(expires)
			if err != nil {
				return err
			}
			db, err := a.openEmbedded(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			t := embedded.Token{Name: args[0], Vaults: map[string]embedded.Right{}}
			for _, v := range vaults {
				name, right, err := parseRight(v)
				if err != nil {
					return err
				}
				found, err := vault.Find(cmd.Context(), db, name)
				if err != nil {
					return err
				}
				t.Vaults[found.ID] = right
			}
			if life > 0 {
				t.Expires = time.Now().Add(life).UTC().Truncate(time.Second)
			}
			token, t, err := connectapi.NewToken(cmd.Context(), db, t)
			if err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(map[string]any{"id": t.ID, "name": t.Name, "expires": t.Expires, "token": token.Reveal()})
			}
			_, err = fmt.Fprintln(a.Stdout, token.Reveal())
			return err
		},
	}
	// Not a slice flag: a comma belongs to the value.
	c.Flags().StringArrayVar(&vaults, "vault", nil, "`VAULT[,r|w|rw]` that the token may use; may be repeated")
	c.Flags().StringVar(&expires, "expires-in", "", "`TIME` that it is good for: 90d, 12h; forever when not given")
	return c
}

func parseRight(s string) (name string, r embedded.Right, err error) {
	name, right, ok := strings.Cut(s, ",")
	switch {
	case !ok, right == "rw":
		return name, embedded.Right{Read: true, Write: true}, nil
	case right == "r":
		return name, embedded.Right{Read: true}, nil
	case right == "w":
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

type tokenJSON struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Vaults  map[string]string `json:"vaults"`
	State   string            `json:"state"`
	Created time.Time         `json:"created"`
	Expires *time.Time        `json:"expires,omitempty"`
	Used    *time.Time        `json:"used,omitempty"`
}

func newTokenList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the tokens, never their values",
		Example: "  rinca connect token list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := a.openEmbedded(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			names := map[string]string{}
			vaults, err := db.Vaults(cmd.Context())
			if err != nil {
				return err
			}
			for _, v := range vaults {
				names[v.ID] = v.Name
			}
			tokens, err := db.Tokens(cmd.Context())
			if err != nil {
				return err
			}
			out := []tokenJSON{}
			for _, t := range tokens {
				out = append(out, describeToken(t, names))
			}
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(out)
			}
			return a.printTokens(out)
		},
	}
}

func describeToken(t embedded.Token, names map[string]string) tokenJSON {
	out := tokenJSON{ID: t.ID, Name: t.Name, Vaults: map[string]string{}, State: "active", Created: t.Created}
	for id, r := range t.Vaults {
		name := names[id]
		if name == "" {
			name = id
		}
		out.Vaults[name] = map[embedded.Right]string{{Read: true}: "r", {Write: true}: "w", {Read: true, Write: true}: "rw"}[r]
	}
	if !t.Expires.IsZero() {
		out.Expires = &t.Expires
		if time.Now().After(t.Expires) {
			out.State = "expired"
		}
	}
	if !t.Used.IsZero() {
		out.Used = &t.Used
	}
	if !t.Revoked.IsZero() {
		out.State = "revoked"
	}
	return out
}

func (a *app) printTokens(tokens []tokenJSON) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATE\tVAULTS\tEXPIRES\tLAST USED\tID")
	day := func(t *time.Time) string {
		if t == nil {
			return "never"
		}
		return t.Format(time.DateOnly)
	}
	for _, t := range tokens {
		var vaults []string
		for name, right := range t.Vaults {
			vaults = append(vaults, name+","+right)
		}
		slices.Sort(vaults)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, t.State, strings.Join(vaults, " "), day(t.Expires), day(t.Used), t.ID)
	}
	return w.Flush()
}

func newTokenRevoke(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME|ID",
		Short: "End a token",
		Long: `Ends a token, by its name or its id. A running server refuses it within a
second.`,
		Example: "  rinca connect token revoke export",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			db, err := a.openEmbedded(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			t, err := db.RevokeToken(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(map[string]any{"id": t.ID, "name": t.Name, "revoked": t.Revoked})
			}
			if !a.quiet {
				fmt.Fprintf(a.Stdout, "Revoked %s (%s).\n", t.Name, t.ID)
			}
			return nil
		},
	}
}
