package opcommand

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

// A category is a kind of item: its names, and the fields it starts with.
type category struct {
	uuid   string
	name   string // for people
	id     rinca.Category
	fields []rinca.Field
}

func text(id, label string) rinca.Field {
	return rinca.Field{ID: id, Label: label, Type: rinca.TypeString}
}

func concealed(id, label string) rinca.Field {
	return rinca.Field{ID: id, Label: label, Type: rinca.TypeConcealed}
}

func typed(id, label string, t rinca.FieldType) rinca.Field {
	return rinca.Field{ID: id, Label: label, Type: t}
}

// categories lists the kinds of items; each also has a field for notes.
func categories() []category {
	username := rinca.Field{ID: "username", Label: "username", Type: rinca.TypeString, Purpose: rinca.PurposeUsername}
	password := rinca.Field{ID: "password", Label: "password", Type: rinca.TypeConcealed, Purpose: rinca.PurposePassword}
	return []category{
		{"001", "Login", rinca.CategoryLogin, []rinca.Field{username, password}},
		{"002", "Credit Card", rinca.CategoryCreditCard, []rinca.Field{
			text("cardholder", "cardholder name"), typed("type", "type", rinca.TypeCreditCardType), typed("ccnum", "number", rinca.TypeCreditCardNumber),
			concealed("cvv", "verification number"), typed("expiry", "expiry date", rinca.TypeMonthYear),
		}},
		{"003", "Secure Note", rinca.CategorySecureNote, nil},
		{"004", "Identity", rinca.CategoryIdentity, []rinca.Field{text("firstname", "first name"), text("lastname", "last name"), typed("email", "email", rinca.TypeEmail)}},
		{"005", "Password", rinca.CategoryPassword, []rinca.Field{password}},
		{"006", "Document", rinca.CategoryDocument, nil},
		{"100", "Software License", rinca.CategorySoftwareLicense, []rinca.Field{text("product_version", "version"), text("reg_code", "license key")}},
		{"101", "Bank Account", rinca.CategoryBankAccount, []rinca.Field{text("bankName", "bank name"), text("owner", "name on account"), text("accountNo", "account number"), concealed("telephonePin", "PIN")}},
		{"102", "Database", rinca.CategoryDatabase, []rinca.Field{
			typed("database_type", "type", rinca.TypeMenu), text("hostname", "server"), text("port", "port"), text("database", "database"),
			text("username", "username"), concealed("password", "password"), text("sid", "SID"), text("alias", "alias"), text("options", "connection options"),
		}},
		{"103", "Driver License", rinca.CategoryDriverLicense, []rinca.Field{text("fullname", "full name"), text("number", "number")}},
		{"104", "Outdoor License", rinca.CategoryOutdoorLicense, []rinca.Field{text("name", "full name")}},
		{"105", "Membership", rinca.CategoryMembership, []rinca.Field{text("org_name", "group"), text("membership_no", "member ID"), concealed("pin", "PIN")}},
		{"106", "Passport", rinca.CategoryPassport, []rinca.Field{text("fullname", "full name"), text("number", "number")}},
		{"107", "Reward Program", rinca.CategoryRewardProgram, []rinca.Field{text("company_name", "company name"), text("membership_no", "member ID"), concealed("pin", "PIN")}},
		{"108", "Social Security Number", rinca.CategorySocialSecurity, []rinca.Field{text("name", "name"), concealed("number", "number")}},
		{"109", "Wireless Router", rinca.CategoryWirelessRouter, []rinca.Field{text("name", "base station name"), concealed("password", "base station password"), text("network_name", "network name"), concealed("wireless_password", "wireless network password")}},
		{"110", "Server", rinca.CategoryServer, []rinca.Field{text("url", "URL"), text("username", "username"), concealed("password", "password")}},
		{"111", "Email Account", rinca.CategoryEmailAccount, []rinca.Field{text("pop_username", "username"), text("pop_server", "server"), concealed("pop_password", "password")}},
		{"112", "API Credential", rinca.CategoryAPICredential, []rinca.Field{
			text("username", "username"), concealed("credential", "credential"), typed("type", "type", rinca.TypeMenu), text("filename", "filename"),
			typed("validFrom", "valid from", rinca.TypeDate), typed("expires", "expires", rinca.TypeDate), text("hostname", "hostname"),
		}},
		{"113", "Medical Record", rinca.CategoryMedicalRecord, nil},
		{"114", "SSH Key", rinca.CategorySSHKey, []rinca.Field{typed("private_key", "private key", rinca.TypeSSHKey)}},
	}
}

// findCategory finds a kind by its name, with or without spaces, or by the
// name it has in JSON.
func findCategory(name string) (category, bool) {
	for _, c := range categories() {
		if sameName(c.name, name) || strings.EqualFold(string(c.id), name) || sameName(c.name, strings.ReplaceAll(name, "_", " ")) {
			return c, true
		}
	}
	return category{}, false
}

// item is a new item of this kind, with its fields empty.
func (c category) item() rinca.Item {
	it := rinca.Item{Info: rinca.Info{Category: c.id}}
	it.Fields = append(it.Fields, c.fields...)
	it.Fields = append(it.Fields, rinca.Field{ID: "notesPlain", Label: "notesPlain", Type: rinca.TypeString, Purpose: rinca.PurposeNotes})
	return it
}

func newItemTemplate(s *session) *cobra.Command {
	type row struct {
		UUID string `json:"uuid"`
		Name string `json:"name"`
	}
	list := &cobra.Command{Use: "list [flags]", Aliases: []string{"ls"}, Short: "List the categories of items", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		rows, t := []row{}, table{s.Stdout, []string{"UUID", "NAME"}, nil}
		for _, c := range categories() {
			rows = append(rows, row{c.uuid, c.name})
			t.row(c.uuid, c.name)
		}
		if s.json() {
			return s.print(rows)
		}
		return t.print()
	}}
	get := &cobra.Command{Use: "get <category> [flags]", Short: "Print an item template", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		c, ok := findCategory(args[0])
		if !ok {
			return fmt.Errorf("%q is not a category: see op item template list", args[0])
		}
		out := struct {
			Title    string          `json:"title"`
			Category string          `json:"category"`
			Fields   []templateField `json:"fields"`
		}{Category: string(c.id)}
		for _, f := range c.item().Fields {
			out.Fields = append(out.Fields, templateField{f.ID, string(f.Type), string(f.Purpose), f.Label, ""})
		}
		return s.print(out)
	}}
	return group("template", "List categories and print their templates", list, get)
}

type templateField struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Purpose string `json:"purpose,omitempty"`
	Label   string `json:"label"`
	Value   string `json:"value"`
}
