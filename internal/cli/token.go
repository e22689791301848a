package cli

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newToken(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "token",
		Short: "Give the server the token of the vault, and see whether it works",
		Example: `  rinca token set
  rinca token show`,
	}, newTokenSet(a), newTokenShow(a))
}

// tokenFlags are the flags of rinca token set.
type tokenFlags struct {
	connect, untested                   bool
	host, file, credential, secretMount string
}

func newTokenSet(a *app) *cobra.Command {
	var f tokenFlags
	c := &cobra.Command{
		Use:   "set",
		Short: "Give the server the token of the vault",
		Long: `Gives the server a 1Password service account token, or with --connect one of a
Connect server. It is asked for on a terminal, else read from standard input, a
file, a systemd credential or a Docker secret. The server tries it, seals it,
and never shows it again. One that does not work is not kept.`,
		Example: `  rinca token set
  rinca token set --from-credential op-token
  rinca token set --from-secret op_token
  rinca token set --connect --host http://connect:8080 < token`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.tokenSet(cmd.Context(), f) },
	}
	fl := c.Flags()
	fl.BoolVar(&f.connect, "connect", false, "the token is one of a 1Password Connect server")
	fl.StringVar(&f.host, "host", "", "`URL` of the Connect server")
	fl.StringVar(&f.file, "token-file", "", "`FILE` that holds the token; - is standard input")
	fl.StringVar(&f.credential, "from-credential", "", "`NAME` of a systemd credential: $CREDENTIALS_DIRECTORY/NAME")
	fl.StringVar(&f.secretMount, "from-secret", "", "`NAME` of a Docker secret: /run/secrets/NAME")
	fl.BoolVar(&f.untested, "untested", false, "keep it even when the vault does not answer now")
	c.MarkFlagsMutuallyExclusive("token-file", "from-credential", "from-secret")
	c.MarkFlagsRequiredTogether("connect", "host")
	return c
}

// source says where the token is read from.
func (f tokenFlags) source(a *app) (file string, err error) {
	switch {
	case f.credential != "":
		dir := a.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return "", rinca.Errorf(rinca.Usage, "CREDENTIALS_DIRECTORY is not set: no service manager has started this").Try("systemd-run -p LoadCredential=%s:/path --pipe rinca token set --from-credential %s", printable(f.credential), printable(f.credential))
		}
		return credentialFile(dir, f.credential)
	case f.secretMount != "":
		return credentialFile("/run/secrets", f.secretMount)
	}
	return f.file, nil
}

func (a *app) tokenSet(ctx context.Context, f tokenFlags) error {
	file, err := f.source(a)
	if err != nil {
		return err
	}
	kind, what := "service-account", "Service account token (hidden): "
	if f.connect {
		kind, what = "connect", "Connect token (hidden): "
	}
	token, err := a.value(ctx, valueFrom{file: file, prompt: what})
	if err != nil {
		return err
	}
	body := struct {
		Token    string `json:"token"`
		Kind     string `json:"kind"`
		Host     string `json:"host,omitempty"`
		Untested bool   `json:"untested,omitempty"`
	}{strings.TrimSpace(token.Reveal()), kind, f.host, f.untested}
	var state rinca.VaultState
	if err := a.ask(ctx, http.MethodPut, "/v1/vault/token", body, &state); err != nil {
		return err
	}
	tested := "It works"
	if f.untested {
		tested = "It was not tried"
	}
	if len(state.Vaults) > 0 {
		tested += "; visible vaults: " + printable(strings.Join(state.Vaults, ", "))
	}
	return a.tell(state, "The server keeps the token, sealed. %s.", tested)
}

func newTokenShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Say what the server knows of its vault, never the token",
		Example: "  rinca token show --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s rinca.VaultState
			if err := a.get(cmd.Context(), "/v1/vault", &s); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, s)
			}
			requests := strconv.Itoa(s.Requests)
			if s.Budget > 0 {
				requests += " of " + strconv.Itoa(s.Budget)
			}
			exported := ""
			if !s.ExportedAt.IsZero() {
				exported = s.ExportedAt.Local().Format("2006-01-02 15:04")
			}
			a.printFacts([]fact{
				{"Provider", s.Provider},
				{"Token", choose(s.HasToken, "set", "none")},
				{"Set", changed(s.SetAt, "")},
				{"Vaults", strings.Join(s.Vaults, ", ")},
				{"Problem", s.Error},
				{"Requests", requests},
				{"Exported", exported},
			})
			return nil
		},
	}
}
