package opcommand

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

// The account is the place where the vaults are. Its ids are made from that
// place's name, so they stay the same.
func (s *session) id(what string) string {
	d := sha256.Sum256([]byte(what + " " + s.Account))
	return base32.StdEncoding.EncodeToString(d[:])[:26]
}

// accountDomain is a name that nobody can have.
const accountDomain = "rinca.invalid"

type userJSON struct {
	URL         string `json:"url"`
	Email       string `json:"email,omitempty"`
	UserUUID    string `json:"user_uuid"`
	AccountUUID string `json:"account_uuid"`
	UserType    string `json:"user_type,omitempty"`
}

func (s *session) user() userJSON {
	return userJSON{URL: accountDomain, Email: "owner@" + accountDomain, UserUUID: s.id("user"), AccountUUID: s.id("account")}
}

// signedIn proves that the vaults can be listed: scripts use whoami and
// account get to ask that.
func (s *session) signedIn() error {
	_, err := s.allVaults()
	return err
}

func newWhoami(s *session) *cobra.Command {
	return &cobra.Command{Use: "whoami [flags]", Short: "Get information about a signed-in account", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		if err := s.signedIn(); err != nil {
			if rinca.CodeOf(err) == rinca.Unauthenticated {
				return fail("account is not signed in (%s)", oneLine(withHint(err)))
			}
			return err
		}
		u := s.user()
		u.URL = "https://" + u.URL
		if s.ServiceAccount {
			u.Email, u.UserType = "", "SERVICE_ACCOUNT"
		}
		if s.json() {
			return s.printJSON(u)
		}
		return s.pairs("URL", u.URL, "Email", u.Email, "User ID", u.UserUUID, "Account ID", u.AccountUUID, "User Type", u.UserType)
	}}
}

// newSignin says that it is not needed: as a comment, because scripts hand
// what it prints to eval; and not at all with --raw, which asks for a token.
func newSignin(s *session) *cobra.Command {
	var raw bool
	c := &cobra.Command{
		Use: "signin [flags]", Short: "Not needed: there is no session",
		Long: `Signing in is not needed: there is no session. What opens the vaults is

  the key of the embedded vault        rinca init makes one
  OP_CONNECT_HOST, OP_CONNECT_TOKEN    a 1Password Connect server
  OP_SERVICE_ACCOUNT_TOKEN             a service account of 1Password

and "rinca provider" says which it is.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := s.signedIn(); err != nil || raw {
				return err
			}
			_, err := fmt.Fprintln(s.Stdout, "# Signing in is not needed: there is no session.")
			return err
		},
	}
	c.Flags().BoolP("force", "f", false, "Ignored.")
	c.Flags().BoolVar(&raw, "raw", false, "Print the session token only: there is none.")
	return c
}

func newSignout(*session) *cobra.Command {
	c := &cobra.Command{Use: "signout [flags]", Short: "Not needed: there is no session", Args: noArgs, RunE: func(*cobra.Command, []string) error { return nil }}
	c.Flags().Bool("all", false, "Ignored.")
	c.Flags().Bool("forget", false, "Ignored.")
	return c
}

func newAccount(s *session) *cobra.Command {
	list := &cobra.Command{Use: "list [flags]", Aliases: []string{"ls"}, Short: "List users and accounts set up on this device", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		u := s.user()
		if s.json() {
			return s.printJSON([]userJSON{u})
		}
		t := table{s.Stdout, []string{"URL", "EMAIL", "USER ID"}, nil}
		t.row(u.URL, u.Email, u.UserUUID)
		return t.print()
	}}
	get := &cobra.Command{Use: "get [flags]", Short: "Get details about your account", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		return s.getAccount()
	}}
	return group("account", "Manage your locally configured 1Password accounts", list, get)
}

func (s *session) getAccount() error {
	vaults, err := s.allVaults()
	if err != nil {
		return err
	}
	var created time.Time
	for _, v := range vaults {
		if created.IsZero() || v.CreatedAt.Before(created) {
			created = v.CreatedAt
		}
	}
	a := struct {
		ID        string    `json:"id"`
		Name      string    `json:"name"`
		Domain    string    `json:"domain"`
		Type      string    `json:"type"`
		State     string    `json:"state"`
		CreatedAt time.Time `json:"created_at"`
	}{s.id("account"), s.Account, "rinca", "INDIVIDUAL", "ACTIVE", created}
	if s.json() {
		return s.printJSON(a)
	}
	return s.pairs("ID", a.ID, "Name", a.Name, "Domain", a.Domain, "Type", a.Type, "State", a.State, "Created", s.ago(created))
}

// A rateRow is what is left of one limit.
type rateRow struct {
	Type      string `json:"type"`
	Action    string `json:"action"`
	Limit     int    `json:"limit"`
	Used      int    `json:"used"`
	Remaining int    `json:"remaining"`
	Reset     int    `json:"reset"`
}

// newServiceAccount: no limit is known here, and programs that ask before
// they work must be able to go on.
func newServiceAccount(s *session) *cobra.Command {
	limit := &cobra.Command{Use: "ratelimit [{ <serviceAccountName> | <serviceAccountID> }] [flags]", Short: "Retrieve rate limit usage for a service account", Args: maxArgs(1), RunE: func(*cobra.Command, []string) error {
		if s.ServiceAccount {
			return fail("the SDK that reads 1Password here doesn't tell rate limits; ask 1Password's own op")
		}
		if err := s.signedIn(); err != nil {
			return err
		}
		const most = 1_000_000
		rows := []rateRow{{"token", "write", most, 0, most, 0}, {"token", "read", most, 0, most, 0}, {"account", "read_write", most, 0, most, 0}}
		if s.json() {
			return s.printJSON(rows)
		}
		t := table{s.Stdout, []string{"TYPE", "ACTION", "LIMIT", "USED", "REMAINING", "RESET"}, nil}
		for _, r := range rows {
			t.row(r.Type, r.Action, fmt.Sprint(r.Limit), fmt.Sprint(r.Used), fmt.Sprint(r.Remaining), "N/A")
		}
		return t.print()
	}}
	return group("service-account", "Manage service accounts", limit)
}
