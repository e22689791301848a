package opcommand

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// The account is the place where the vaults are. Its ids are made from that
// place's name, so they stay the same.
func (s *session) id(what string) string {
	d := sha256.Sum256([]byte(what + " " + s.Account))
	return base32.StdEncoding.EncodeToString(d[:])[:26]
}

const accountURL = "rinca.1password.invalid"

type userJSON struct {
	URL         string `json:"url"`
	Email       string `json:"email,omitempty"`
	UserUUID    string `json:"user_uuid"`
	AccountUUID string `json:"account_uuid"`
	UserType    string `json:"user_type,omitempty"`
}

func (s *session) user() userJSON {
	return userJSON{URL: "https://" + accountURL, Email: "rinca@localhost", UserUUID: s.id("user"), AccountUUID: s.id("account")}
}

// signedIn proves that the vault can be opened: scripts use whoami and
// account get to ask that.
func (s *session) signedIn() error {
	_, err := s.open()
	return err
}

func newWhoami(s *session) *cobra.Command {
	return &cobra.Command{Use: "whoami [flags]", Short: "Get information about the signed-in account", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		if err := s.signedIn(); err != nil {
			return err
		}
		u := s.user()
		u.UserType = "SERVICE_ACCOUNT"
		if s.json() {
			return s.print(u)
		}
		return s.pairs("URL", u.URL, "Email", u.Email, "User ID", u.UserUUID, "Account ID", u.AccountUUID, "User Type", u.UserType)
	}}
}

// newSignin says that it is not needed, as a comment, because scripts hand
// what it prints to eval.
func newSignin(s *session) *cobra.Command {
	c := &cobra.Command{Use: "signin [flags]", Short: "Not needed: there is no session", Args: cobra.ArbitraryArgs, RunE: func(*cobra.Command, []string) error {
		if err := s.signedIn(); err != nil {
			return err
		}
		_, err := fmt.Fprintln(s.Stdout, "# Signing in is not needed: the vault opens with its key or token.")
		return err
	}}
	c.Flags().BoolP("force", "f", false, "ignored")
	c.Flags().Bool("raw", false, "ignored")
	return c
}

func newAccount(s *session) *cobra.Command {
	list := &cobra.Command{Use: "list [flags]", Aliases: []string{"ls"}, Short: "List the accounts: one", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		u := s.user()
		if s.json() {
			return s.print([]userJSON{u})
		}
		t := table{s.Stdout, []string{"URL", "EMAIL", "USER ID", "ACCOUNT ID"}, nil}
		t.row(u.URL, u.Email, u.UserUUID, u.AccountUUID)
		return t.print()
	}}
	get := &cobra.Command{Use: "get [flags]", Short: "Get details about the account", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
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
		if s.json() {
			return s.print(struct {
				ID        string    `json:"id"`
				Name      string    `json:"name"`
				Domain    string    `json:"domain"`
				Type      string    `json:"type"`
				State     string    `json:"state"`
				CreatedAt time.Time `json:"created_at"`
			}{s.id("account"), s.Account, "rinca", "INDIVIDUAL", "ACTIVE", created})
		}
		return s.pairs("Name", s.Account, "ID", s.id("account"), "State", "ACTIVE", "Created", s.ago(created), "Type", "INDIVIDUAL", "Domain", "rinca")
	}}
	return group("account", "Get information about the account", list, get)
}

// newServiceAccount: there are no limits here, and programs that ask must be
// able to go on.
func newServiceAccount(s *session) *cobra.Command {
	type row struct {
		Type      string `json:"type"`
		Action    string `json:"action"`
		Limit     int    `json:"limit"`
		Used      int    `json:"used"`
		Remaining int    `json:"remaining"`
		Reset     int    `json:"reset"`
	}
	limit := &cobra.Command{Use: "ratelimit [{ <serviceAccountName> | <serviceAccountID> }]", Short: "Say how many requests are left", Args: cobra.MaximumNArgs(1), RunE: func(*cobra.Command, []string) error {
		if err := s.signedIn(); err != nil {
			return err
		}
		const most = 1_000_000
		rows := []row{{"token", "write", most, 0, most, 0}, {"token", "read", most, 0, most, 0}, {"account", "read_write", most, 0, most, 0}}
		if s.json() {
			return s.print(rows)
		}
		t := table{s.Stdout, []string{"TYPE", "ACTION", "LIMIT", "USED", "REMAINING", "RESET"}, nil}
		for _, r := range rows {
			t.row(r.Type, r.Action, fmt.Sprint(r.Limit), fmt.Sprint(r.Used), fmt.Sprint(r.Remaining), "N/A")
		}
		return t.print()
	}}
	return group("service-account", "Say how many requests are left", limit)
}
