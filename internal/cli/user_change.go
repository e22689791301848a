package cli

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"rinca/internal/auth"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

func newUserUpdate(a *app) *cobra.Command {
	var body userBody
	var grants []string
	var none bool
	c := &cobra.Command{
		Use:   "update NAME",
		Short: "Change what a user is and may do",
		Long: `Changes what is given and leaves the rest. --grant replaces all of the user's own
grants; those of their groups stay. The last administrator remains one.

` + grantHelp,
		Example: `  rinca user update bob --admin
  rinca user update bob --admin=false --grant Stack=Read
  rinca user update bob --no-grants`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/users", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			rights, err := parseGrants(grants)
			if err != nil {
				return err
			}
			given := cmd.Flags().Changed
			u, err := a.updateUser(cmd.Context(), args[0], func(b *userBody) {
				if given("admin") {
					b.Admin = body.Admin
				}
				if given("service") {
					b.Service = body.Service
				}
				if given("identity") {
					b.Subject = body.Subject
				}
				if given("grant") || none {
					b.Rights = rights
				}
			})
			if err != nil {
				return err
			}
			return a.tell(u, "Changed the user %s.", printable(args[0]))
		},
	}
	f := c.Flags()
	f.BoolVar(&body.Admin, "admin", false, "may do everything")
	f.BoolVar(&body.Service, "service", false, "has API keys and no password; a password there was is forgotten")
	f.StringVar(&body.Subject, "identity", "", "`IDENTITY` at the identity provider; a password there was is forgotten")
	f.BoolVar(&none, "no-grants", false, "take all of the user's own grants away")
	grantsFlag(c, &grants, "in place of the user's own grants")
	c.MarkFlagsMutuallyExclusive("grant", "no-grants")
	return c
}

// newUserSwitch makes the commands that disable and enable a user.
func newUserSwitch(a *app, verb string, disabled bool) *cobra.Command {
	short, done := "Let a user in again", "Enabled the user %s."
	if disabled {
		short, done = "Shut a user out at once: sessions end, API keys stop", "Disabled the user %s: sessions ended, API keys stopped."
	}
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Example: "  rinca user " + verb + " bob",
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/users", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			u, err := a.updateUser(cmd.Context(), args[0], func(b *userBody) { b.Disabled = disabled })
			if err != nil {
				return err
			}
			return a.tell(u, done, printable(args[0]))
		},
	}
}

func newUserDelete(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a user with their sessions and API keys",
		Example: "  rinca user delete bob --yes",
		Aliases: []string{"remove"},
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/users", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.confirm(cmd.Context(), yes, "Delete the user "+printable(args[0])+"?"); err != nil {
				return err
			}
			if err := a.ask(cmd.Context(), http.MethodDelete, userPath(args[0]), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"deleted": args[0]}, "Deleted the user %s.", printable(args[0]))
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func newUserPassword(a *app) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "password NAME",
		Short: "Give a user a new password, for one login",
		Long: `Makes a password and prints it, once, or sets the one in --password-file. The
user has to choose another at the next login. All of their sessions end; API
keys stay. Your own password: rinca passwd.`,
		Example: `  rinca user password bob
  rinca user password bob --password-file - < password`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/users", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]string{}
			if file != "" {
				password, err := a.value(cmd.Context(), valueFrom{file: file})
				if err != nil {
					return err
				}
				body["password"] = password.Reveal() // on its way to the server
			}
			var out oneTime
			if err := a.ask(cmd.Context(), http.MethodPost, userPath(args[0], "password"), body, &out); err != nil {
				return err
			}
			return a.tellOneTime(out, out, "Changed the password of %s; sessions ended.", printable(args[0]))
		},
	}
	c.Flags().StringVar(&file, "password-file", "", "`FILE` that holds the password; - is standard input")
	return c
}

func newUserLogout(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "logout NAME",
		Short:   "End all sessions of a user",
		Example: "  rinca user logout bob",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/users", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.ask(cmd.Context(), http.MethodPost, userPath(args[0], "logout"), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"user": args[0]}, "Ended the sessions of %s.", printable(args[0]))
		},
	}
}

func newUserResetTOTP(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "reset-totp NAME",
		Short:   "End the second factor of a user who lost it",
		Example: "  rinca user reset-totp bob",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/users", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.ask(cmd.Context(), http.MethodDelete, userPath(args[0], "totp"), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"user": args[0]}, "%s signs in with the password alone now.", printable(args[0]))
		},
	}
}

func newUserRecover(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "recover [NAME]",
		Short: "Get back in, on the server's machine, when no administrator can",
		Long: `Works on the home itself, while the server is stopped. The user (admin when none
is named) becomes an administrator who is enabled and has no second factor, with
a password for one login that is printed, once. It is written into the audit log.`,
		Example: `  systemctl stop rinca
  rinca user recover admin
  systemctl start rinca`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "admin"
			if len(args) == 1 {
				name = args[0]
			}
			password, err := a.recoverUser(cmd.Context(), name)
			if err != nil {
				return err
			}
			o := oneTime{password.Reveal()} // to who owns the machine
			return a.tellOneTime(map[string]string{"user": name, "one_time_password": o.OneTimePassword}, o, "%s is an administrator.", printable(name))
		},
	}
}

func (a *app) recoverUser(ctx context.Context, name string) (rinca.Secret, error) {
	c, err := a.config()
	if err != nil {
		return rinca.Secret{}, err
	}
	if !store.Exists(c.Home) {
		return rinca.Secret{}, rinca.Errorf(rinca.NotFound, "there is no server's database in %s", c.Home).Try("rinca serve makes one, with an administrator; or say where it is with --home")
	}
	unlock, err := store.LockServer(c.Home)
	if err != nil {
		return rinca.Secret{}, err
	}
	defer unlock()
	db, err := store.Open(ctx, store.Config{Dir: c.Home, Keys: a.keySource(c)})
	if err != nil {
		return rinca.Secret{}, err
	}
	password, err := auth.New(auth.Config{DB: db}).Recover(ctx, name)
	if closed := db.Close(); err == nil && closed != nil {
		return password, fmt.Errorf("close the database: %w", closed)
	}
	return password, err
}
