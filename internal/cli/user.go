package cli

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/auth"
	"rinca/internal/client"
	"rinca/internal/rinca"
)

func newUser(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "user",
		Short: "Manage users",
		Example: `  rinca user create bob --grant Stack=Execute
  rinca user list
  rinca user explain bob Stack authentik`,
	}, newUserCreate(a), newUserDelete(a), newUserExplain(a), newUserList(a), newUserLogout(a), newUserPassword(a),
		newUserRecover(a), newUserResetTOTP(a), newUserShow(a), newUserSwitch(a, "disable", true), newUserSwitch(a, "enable", false), newUserUpdate(a))
}

func userPath(name string, more ...string) string {
	return client.Path(append([]string{"v1", "users", name}, more...)...)
}

// userBody is what POST and PUT take.
type userBody struct {
	Name     string  `json:"name,omitempty"` // of POST
	Password *string `json:"password,omitempty"`
	Admin    bool    `json:"admin"`
	Disabled bool    `json:"disabled"`
	Service  bool    `json:"service"`
	Subject  string  `json:"subject"`
	rinca.Rights
}

// oneTime is an answer that may hold a password for one login.
type oneTime struct {
	OneTimePassword string `json:"one_time_password,omitempty"`
}

// tellOneTime prints a password that was made, once, to standard output.
func (a *app) tellOneTime(doc any, o oneTime, format string, args ...any) error {
	if o.OneTimePassword != "" && !a.json {
		format += "\nThe password for the first login, which is not shown again:\n%s"
		args = append(args, o.OneTimePassword) // to the administrator, for the user
		quiet := a.quiet
		a.quiet = false
		defer func() { a.quiet = quiet }()
	}
	return a.tell(doc, format, args...)
}

func newUserCreate(a *app) *cobra.Command {
	var body userBody
	var grants []string
	var file string
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Add a user",
		Long: `Adds a user. Without --password-file, a password for the first login is made and
printed, once. A service user has API keys and no password; one with --identity
signs in with the identity provider.

` + grantHelp,
		Example: `  rinca user create bob --grant Stack=Execute --grant 'Stack:op-export=Write'
  rinca user create ci --service --grant 'Stack:media-*=Execute'
  rinca user create alice --admin --password-file -`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			body.Name = args[0]
			if body.Rights, err = parseGrants(grants); err != nil {
				return err
			}
			if file != "" {
				password, err := a.value(cmd.Context(), valueFrom{file: file})
				if err != nil {
					return err
				}
				text := password.Reveal() // on its way to the server
				body.Password = &text
			}
			var out struct {
				User rinca.User `json:"user"`
				oneTime
			}
			if err := a.ask(cmd.Context(), http.MethodPost, "/v1/users", body, &out); err != nil {
				return err
			}
			return a.tellOneTime(out, out.oneTime, "Added the user %s.", printable(args[0]))
		},
	}
	f := c.Flags()
	f.BoolVar(&body.Admin, "admin", false, "may do everything")
	f.BoolVar(&body.Service, "service", false, "has API keys and no password")
	f.StringVar(&body.Subject, "identity", "", "`IDENTITY` at the identity provider: its issuer, a blank, and the subject")
	f.StringVar(&file, "password-file", "", "`FILE` that holds a password, to be changed at the first login; - is standard input")
	grantsFlag(c, &grants, "that the user has")
	c.MarkFlagsMutuallyExclusive("service", "identity", "password-file")
	return c
}

func newUserList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the users",
		Example: "  rinca user list --json",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []rinca.User
			if err := a.get(cmd.Context(), "/v1/users", &rows); err != nil {
				return err
			}
			now := time.Now()
			return list(a, rows, "There are no users.", func(t *table, u rinca.User) {
				t.add(u.Name, userState(u), ago(now, u.LastLogin), strings.Join(grantTexts(u.Rights), " "))
			}, "NAME", "IS", "LAST LOGIN", "GRANTS")
		},
	}
}

// userState says in a few words what a user is.
func userState(u rinca.User) string {
	var words []string
	for _, w := range []struct {
		is   bool
		word string
	}{{u.Disabled, "disabled"}, {u.Admin, "administrator"}, {u.Service, "service"}, {u.Subject != "", "external"}, {u.TOTP, "second factor"}, {u.MustChange, "must change password"}} {
		if w.is {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ", ")
}

func newUserShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a user and their API keys",
		Example: "  rinca user show bob",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/users", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			var out struct {
				rinca.User
				Keys []rinca.APIKey `json:"keys"`
			}
			if err := a.get(cmd.Context(), userPath(args[0]), &out.User); err != nil {
				return err
			}
			if err := a.get(cmd.Context(), userPath(args[0], "keys"), &out.Keys); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, out)
			}
			now := time.Now()
			t := newTable("USER", out.Name)
			t.add("is", userState(out.User))
			t.add("identity", out.Subject)
			t.add("groups there", strings.Join(out.Claims, ", "))
			t.add("grants", strings.Join(grantTexts(out.Rights), " "))
			t.add("made", ago(now, out.CreatedAt))
			t.add("last login", ago(now, out.LastLogin))
			for _, k := range out.Keys {
				t.add("key "+k.Name, keyText(now, k))
			}
			return t.print(a)
		},
	}
}

func newUserExplain(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain NAME KIND RESOURCE",
		Short: "Say what a user may do with a resource, and why",
		Example: `  rinca user explain bob Stack authentik
  rinca user explain bob Variable OP_SERVICE_ACCOUNT_TOKEN`,
		Args: cobra.ExactArgs(3), ValidArgsFunction: a.completeNames("/v1/users", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			var out auth.Explanation
			q := url.Values{"type": {args[1]}, "name": {args[2]}}
			if err := a.get(cmd.Context(), client.Path("v1", "permissions", args[0])+"?"+q.Encode(), &out); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, out)
			}
			level := out.Level.String()
			if out.Reveals() {
				level += " and Reveal"
			}
			if err := a.tell(nil, "%s has %s on %s.", printable(out.User), level, printable(out.Target.String())); err != nil || len(out.Rules) == 0 {
				return err
			}
			t := newTable("FROM", "RULE", "GIVES")
			for _, r := range out.Rules {
				gives := r.Level.String()
				if r.Reveals() {
					gives += "+Reveal"
				}
				t.add(r.From, r.Rule, gives)
			}
			return t.print(a)
		},
	}
}

// updateUser reads a user, changes what f does, and writes it back.
func (a *app) updateUser(ctx context.Context, name string, f func(*userBody)) (rinca.User, error) {
	var u rinca.User
	c, err := a.client(ctx)
	if err != nil {
		return u, err
	}
	if err := c.Do(ctx, http.MethodGet, userPath(name), nil, &u); err != nil {
		return u, err
	}
	body := userBody{Admin: u.Admin, Disabled: u.Disabled, Service: u.Service, Subject: u.Subject, Rights: u.Rights}
	f(&body)
	return u, c.Do(ctx, http.MethodPut, userPath(name), body, &u)
}
