package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newTOTP(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "totp",
		Short: "Turn your second factor on or off",
		Example: `  rinca totp enable
  rinca totp disable`,
	}, newTOTPEnable(a), newTOTPDisable(a))
}

func newTOTPEnable(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "enable",
		Short: "Add a second factor to your account",
		Long: `Shows the secret for an authenticator, once, and asks for a code of it. From then
on every login with the password needs a code too. API keys are not affected.
Who loses the authenticator needs an administrator: rinca user reset-totp.`,
		Example: "  rinca totp enable",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.totpEnable(cmd.Context()) },
	}
}

func (a *app) totpEnable(ctx context.Context) error {
	var made struct {
		Secret string `json:"secret"`
		URI    string `json:"uri"`
	}
	if !isTerminal(a.Stdin) || !isTerminal(a.Stderr) {
		return rinca.Errorf(rinca.Usage, "the secret has to be put into an authenticator, by somebody at a terminal")
	}
	if err := a.ask(ctx, http.MethodPost, "/v1/me/totp", nil, &made); err != nil {
		return err
	}
	fmt.Fprintf(a.Stderr, "Add this to your authenticator:\n\n  secret  %s\n  or as   %s\n\n", printable(made.Secret), printable(made.URI)) // to its owner
	for {
		code, err := a.value(ctx, valueFrom{prompt: "The code that it shows: ", shown: true})
		if err != nil {
			return err
		}
		err = a.ask(ctx, http.MethodPut, "/v1/me/totp", map[string]string{"code": strings.TrimSpace(code.Reveal())}, nil)
		if rinca.CodeOf(err) == rinca.Invalid {
			fmt.Fprintf(a.Stderr, "  %v\n", err)
			continue
		}
		if err != nil {
			return err
		}
		return a.tell(map[string]bool{"totp": true}, "The second factor is on.")
	}
}

func newTOTPDisable(a *app) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:     "disable",
		Short:   "Remove the second factor from your account",
		Example: "  rinca totp disable",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			code, err := a.value(cmd.Context(), valueFrom{file: file, prompt: "A code of your authenticator: ", shown: true})
			if err != nil {
				return err
			}
			if err := a.ask(cmd.Context(), http.MethodDelete, "/v1/me/totp", map[string]string{"code": strings.TrimSpace(code.Reveal())}, nil); err != nil {
				return err
			}
			return a.tell(map[string]bool{"totp": false}, "The second factor is off.")
		},
	}
	c.Flags().StringVar(&file, "code-file", "", "`FILE` that holds the code; - is standard input")
	return c
}
