package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/connectapi"
	"rinca/internal/rinca"
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
			if strings.TrimSpace(args[0]) == "" || printable(args[0]) != args[0] || len(args[0]) > 200 {
				return rinca.Errorf(rinca.Usage, "the name of a token is one line of at most 200 bytes").Try("rinca connect token create export --vault homelab,r")
			}
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
			t := embedded.Token{Name: args[0]}
			if t.Vaults, err = rights(cmd.Context(), db, vaults); err != nil {
				return err
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
	_ = c.RegisterFlagCompletionFunc("vault", a.completeRights)
	c.Flags().StringVar(&expires, "expires-in", "", "`TIME` that it is good for: 90d, 12h; forever when not given")
	return c
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
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeTokens,
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
