package cli

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

func newGit(a *app) *cobra.Command {
	account := &cobra.Command{
		Use:   "account",
		Short: "Manage the credentials for Git repositories",
		Example: `  rinca git account add github --host github.com
  rinca git account list`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	account.AddCommand(newGitAccountAdd(a), newGitAccountSet(a), newGitAccountList(a), newGitAccountRemove(a))
	return a.remoteGroup(&cobra.Command{
		Use:     "git",
		Short:   "Manage the credentials for Git repositories",
		Example: "  rinca git account add github --host github.com",
	}, account)
}

// accountBody is what PUT takes. Credentials that are nil stay as they are.
type accountBody struct {
	Host       string  `json:"host"`
	Username   string  `json:"username,omitempty"`
	Token      *string `json:"token,omitempty"`
	Key        *string `json:"key,omitempty"`
	KnownHosts string  `json:"known_hosts,omitempty"`
	CA         string  `json:"ca,omitempty"`
}

// accountFlags are the flags of rinca git account add and set.
type accountFlags struct{ host, username, token, key, knownHosts, ca string }

func (f *accountFlags) define(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.host, "host", "", "`HOST` that it is for, such as github.com; the credential is sent to no other")
	fl.StringVar(&f.username, "username", "", "`NAME` that goes with the token (default git)")
	fl.StringVar(&f.token, "token-file", "", "`FILE` that holds the token; - is standard input")
	fl.StringVar(&f.key, "key", "", "`FILE` with a private key, for SSH; - is standard input")
	fl.StringVar(&f.knownHosts, "known-hosts", "", "`FILE` with the keys of the host, as ssh-keyscan prints them; needed with --key")
	fl.StringVar(&f.ca, "ca", "", "`FILE` with the certificates that signed the host's")
	c.MarkFlagsMutuallyExclusive("token-file", "key")
}

// apply puts what was given into the body.
func (f *accountFlags) apply(ctx context.Context, a *app, given func(string) bool, body *accountBody) error {
	if given("host") {
		body.Host = f.host
	}
	if given("username") {
		body.Username = f.username
	}
	for _, t := range []struct {
		flag, file string
		to         *string
	}{{"known-hosts", f.knownHosts, &body.KnownHosts}, {"ca", f.ca, &body.CA}} {
		if given(t.flag) {
			text, err := a.readText(ctx, t.file)
			if err != nil {
				return err
			}
			*t.to = text
		}
	}
	var secret rinca.Secret
	var err error
	switch {
	case given("key"):
		if secret, err = a.keyFile(ctx, "key", f.key); err != nil {
			return err
		}
		text := secret.Reveal() // on its way to the server
		body.Key = &text
	case given("token-file"):
		if secret, err = a.value(ctx, valueFrom{file: f.token}); err != nil {
			return err
		}
		text := secret.Reveal() // on its way to the server
		body.Token = &text
	}
	return nil
}

func accountPath(name string) string { return client.Path("v1", "git-accounts", name) }

func newGitAccountAdd(a *app) *cobra.Command {
	var f accountFlags
	c := &cobra.Command{
		Use:   "add NAME --host HOST",
		Short: "Add the credential of a Git host",
		Long: `Adds a token for HTTPS, or a private key for SSH. The token is asked for on a
terminal, else read from standard input or --token-file. It is sealed at once,
never shown, and sent to this host and to no other.`,
		Example: `  rinca git account add github --host github.com
  rinca git account add gitlab --host gitlab.com --username oauth2 --token-file ./token
  ssh-keyscan git.lan > known_hosts
  rinca git account add gitea --host git.lan --key ./deploy_key --known-hosts known_hosts`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error { return a.gitAccountAdd(cmd, f, args[0]) },
	}
	f.define(c)
	return c
}

func (a *app) gitAccountAdd(cmd *cobra.Command, f accountFlags, name string) error {
	ctx := cmd.Context()
	switch {
	case f.host == "":
		return rinca.Errorf(rinca.Usage, "an account is for one host").Try("--host github.com")
	case f.key != "" && f.knownHosts == "":
		return rinca.Errorf(rinca.Usage, "a key needs the host's own keys, to know that it is the host").Try("ssh-keyscan %s > known_hosts, compare it, and --known-hosts known_hosts", printable(f.host))
	}
	var body accountBody
	if err := f.apply(ctx, a, cmd.Flags().Changed, &body); err != nil {
		return err
	}
	if body.Key == nil && body.Token == nil {
		token, err := a.value(ctx, valueFrom{prompt: "Token for " + printable(f.host) + " (hidden): "})
		if err != nil {
			return err
		}
		text := token.Reveal() // on its way to the server
		body.Token = &text
	}
	c, err := a.client(ctx)
	if err != nil {
		return err
	}
	var made rinca.GitAccount
	err = c.Create(ctx, accountPath(name), body, &made)
	if rinca.CodeOf(err) == rinca.Conflict {
		return rinca.Errorf(rinca.Conflict, "there is an account %s already", printable(name)).Because(err).Try("rinca git account set %s", printable(name))
	}
	if err != nil {
		return err
	}
	return a.tell(made, "Added the account %s for %s.", printable(name), printable(f.host))
}

func newGitAccountSet(a *app) *cobra.Command {
	var f accountFlags
	c := &cobra.Command{
		Use:     "set NAME",
		Short:   "Change the credential of a Git host",
		Long:    "Changes what is given and leaves the rest. A credential goes with its host: another host needs a new one.",
		Example: "  rinca git account set github --token-file - < token",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/git-accounts", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			var have rinca.GitAccount
			if err := a.get(ctx, accountPath(args[0]), &have); err != nil {
				return err
			}
			body := accountBody{Host: have.Host, Username: have.Username, KnownHosts: have.KnownHosts, CA: have.CA}
			if err := f.apply(ctx, a, cmd.Flags().Changed, &body); err != nil {
				return err
			}
			if body.Host != have.Host && body.Token == nil && body.Key == nil {
				return rinca.Errorf(rinca.Usage, "the credential is for %s, and is sent to no other host", printable(have.Host)).Try("--token-file or --key, with the one for the new host")
			}
			if err := a.ask(ctx, http.MethodPut, accountPath(args[0]), body, &have); err != nil {
				return err
			}
			return a.tell(have, "Changed the account %s.", printable(args[0]))
		},
	}
	f.define(c)
	return c
}

func newGitAccountList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the accounts, without their credentials",
		Example: "  rinca git account list --json",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []rinca.GitAccount
			if err := a.get(cmd.Context(), "/v1/git-accounts", &rows); err != nil {
				return err
			}
			now := time.Now()
			return list(a, rows, "There are no accounts. Try: rinca git account add NAME --host HOST", func(t *table, g rinca.GitAccount) {
				t.add(g.Name, g.Host, accountKind(g), ago(now, g.UpdatedAt))
			}, "NAME", "HOST", "CREDENTIAL", "CHANGED")
		},
	}
}

func accountKind(g rinca.GitAccount) string {
	switch {
	case g.HasToken && g.HasKey:
		return "token, SSH key"
	case g.HasToken:
		return "token"
	case g.HasKey:
		return "SSH key"
	}
	return "none"
}

func newGitAccountRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Forget the credential of a Git host",
		Example: "  rinca git account remove github",
		Aliases: []string{"delete"},
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/git-accounts", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.ask(cmd.Context(), http.MethodDelete, accountPath(args[0]), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"removed": args[0]}, "Removed the account %s.", printable(args[0]))
		},
	}
}
