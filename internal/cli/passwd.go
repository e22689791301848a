package cli

import (
	"context"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newPasswd(a *app) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "passwd",
		Short: "Change your password",
		Long: `Changes the password of who is signed in, and ends all of their other sessions.
Both passwords are asked for on a terminal; else the first two lines of standard
input, or of --file, are the old one and the new one.`,
		Example: `  rinca passwd
  rinca passwd --file passwords`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.passwd(cmd.Context(), file) },
	}
	c.Flags().StringVar(&file, "file", "", "`FILE` with the old password and the new one, a line each; - is standard input")
	return a.remoteFlags(c)
}

func (a *app) passwd(ctx context.Context, file string) error {
	c, err := a.client(ctx)
	if err != nil {
		return err
	}
	var me struct {
		User rinca.User `json:"user"`
	}
	if err := c.Do(ctx, http.MethodGet, "/v1/me", nil, &me); err != nil {
		return err
	}
	var old, password rinca.Secret
	if file == "" && isTerminal(a.Stdin) && isTerminal(a.Stderr) {
		if old, err = a.value(ctx, valueFrom{prompt: "Old password of " + printable(me.User.Name) + " (hidden): "}); err != nil {
			return err
		}
		if password, err = a.newPassword(ctx, me.User.Name); err != nil {
			return err
		}
	} else {
		both, err := a.value(ctx, valueFrom{file: file})
		if err != nil {
			return err
		}
		lines := strings.Split(strings.ReplaceAll(both.Reveal(), "\r\n", "\n"), "\n")
		if len(lines) != 2 {
			return rinca.Errorf(rinca.Usage, "two lines are needed: the old password and the new one").Try("rinca passwd --file FILE")
		}
		old, password = rinca.NewSecret(lines[0]), rinca.NewSecret(lines[1])
	}
	body := map[string]string{"old": old.Reveal(), "new": password.Reveal()} // on its way to the server
	if err := c.Do(ctx, http.MethodPost, "/v1/me/password", body, nil); err != nil {
		return err
	}
	return a.tell(map[string]string{"user": me.User.Name}, "Changed the password of %s; other sessions ended.", printable(me.User.Name))
}
