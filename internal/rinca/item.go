package rinca

import "time"

// A Vault is a named set of items with its own access rights.
type Vault struct {
	ID               string // 26 characters of [a-z0-9]
	Name             string
	Description      string
	Type             string // USER_CREATED, PERSONAL, EVERYONE or TRANSFER
	Items            int    // how many active items
	AttributeVersion int64
	// ContentVersion grows with every change to any item of the vault.
	// 0 means that the provider cannot tell.
	ContentVersion int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// State tells whether an item is in use.
type State string

// The states of an item. Active is the zero value, as on the wire.
const (
	Active   State = ""
	Archived State = "ARCHIVED"
	Deleted  State = "DELETED"
)

// Info is what a list tells of an item: everything but its fields.
type Info struct {
	ID       string // 26 characters of [a-z0-9]
	VaultID  string
	Title    string // not unique within a vault
	Category Category
	Tags     []string
	URLs     []URL
	Favorite bool
	// Version counts the writes to the item, from 1; an edit of many fields
	// in one write counts once. 0 means that the provider cannot tell;
	// compare UpdatedAt then.
	Version        int64
	State          State
	CreatedAt      time.Time
	UpdatedAt      time.Time
	LastEditedBy   string
	AdditionalInfo string // a user name or the like; never a secret
}

// A URL is a web address kept with an item.
type URL struct {
	Label   string
	Primary bool
	Href    string
}

// An Item is a titled set of fields and files, as a vault keeps it.
type Item struct {
	Info
	Sections []Section
	Fields   []Field // in the order of the vault
	Files    []File
}

// A Section groups fields. Labels may be empty and need not be unique.
type Section struct {
	ID    string
	Label string
}

// A Field is one labelled value of an item.
type Field struct {
	ID        string
	SectionID string // "" for a field outside every section
	Type      FieldType
	Purpose   Purpose
	Label     string // may be empty; the ID names the field then
	Value     Secret // not set when the field has no value
	TOTP      Secret // the current code, where the provider computes one
}

// A File is an attachment of an item.
type File struct {
	ID        string
	Name      string
	Size      int64
	SectionID string
	// Content is set when writing a new attachment; readers ask the
	// provider's ReadFile for it.
	Content Secret
}

// Purpose marks the built-in fields.
type Purpose string

// The purposes of built-in fields.
const (
	PurposeNone     Purpose = ""
	PurposeUsername Purpose = "USERNAME"
	PurposePassword Purpose = "PASSWORD"
	PurposeNotes    Purpose = "NOTES"
)

// FieldType says how a field's value is to be read.
type FieldType string

// The types of fields. OTP is what servers return; TOTP is its name in the
// Connect specification, and is read as OTP.
const (
	TypeString           FieldType = "STRING"
	TypeConcealed        FieldType = "CONCEALED"
	TypeEmail            FieldType = "EMAIL"
	TypeURL              FieldType = "URL"
	TypePhone            FieldType = "PHONE"
	TypeDate             FieldType = "DATE"
	TypeMonthYear        FieldType = "MONTH_YEAR"
	TypeOTP              FieldType = "OTP"
	TypeMenu             FieldType = "MENU"
	TypeReference        FieldType = "REFERENCE"
	TypeAddress          FieldType = "ADDRESS"
	TypeGender           FieldType = "GENDER"
	TypeCreditCardType   FieldType = "CREDIT_CARD_TYPE"
	TypeCreditCardNumber FieldType = "CREDIT_CARD_NUMBER"
	TypeFile             FieldType = "FILE"
	TypeSSHKey           FieldType = "SSHKEY"
	TypeUnknown          FieldType = "UNKNOWN"
)

// Category is the kind of an item, in the spelling of the Connect API.
type Category string

// The categories of items.
const (
	CategoryLogin           Category = "LOGIN"
	CategoryPassword        Category = "PASSWORD"
	CategoryAPICredential   Category = "API_CREDENTIAL"
	CategoryServer          Category = "SERVER"
	CategoryDatabase        Category = "DATABASE"
	CategoryCreditCard      Category = "CREDIT_CARD"
	CategoryMembership      Category = "MEMBERSHIP"
	CategoryPassport        Category = "PASSPORT"
	CategorySoftwareLicense Category = "SOFTWARE_LICENSE"
	CategoryOutdoorLicense  Category = "OUTDOOR_LICENSE"
	CategorySecureNote      Category = "SECURE_NOTE"
	CategoryWirelessRouter  Category = "WIRELESS_ROUTER"
	CategoryBankAccount     Category = "BANK_ACCOUNT"
	CategoryDriverLicense   Category = "DRIVER_LICENSE"
	CategoryIdentity        Category = "IDENTITY"
	CategoryRewardProgram   Category = "REWARD_PROGRAM"
	CategoryDocument        Category = "DOCUMENT"
	CategoryEmailAccount    Category = "EMAIL_ACCOUNT"
	CategorySocialSecurity  Category = "SOCIAL_SECURITY_NUMBER"
	CategoryMedicalRecord   Category = "MEDICAL_RECORD"
	CategorySSHKey          Category = "SSH_KEY"
	CategoryCustom          Category = "CUSTOM"
)

// ValidID reports whether s has the form of a vault's or an item's id:
// 26 characters of [a-z0-9].
func ValidID(s string) bool {
	if len(s) != 26 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// Section returns the item's section with that id.
func (it *Item) Section(id string) (Section, bool) {
	for _, s := range it.Sections {
		if s.ID == id {
			return s, true
		}
	}
	return Section{}, false
}
