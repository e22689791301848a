package opcommand

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// The objects that op prints. Values cross from rinca.Secret by hand, and
// only into what is printed because somebody asked for it.

type vaultRef struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

type urlJSON struct {
	Label   string `json:"label,omitempty"`
	Primary bool   `json:"primary,omitempty"`
	Href    string `json:"href"`
}

type sectionJSON struct {
	ID    string `json:"id"`
	Label string `json:"label,omitempty"`
}

type fieldJSON struct {
	ID        string        `json:"id,omitempty"`
	Section   *sectionJSON  `json:"section,omitempty"`
	Type      string        `json:"type"`
	Purpose   string        `json:"purpose,omitempty"`
	Label     string        `json:"label,omitempty"`
	Value     string        `json:"value,omitempty"`
	TOTP      string        `json:"totp,omitempty"`
	Reference string        `json:"reference,omitempty"`
	Details   *passwordJSON `json:"password_details,omitempty"`
}

type passwordJSON struct {
	Strength string `json:"strength,omitempty"`
}

type fileJSON struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Size        int64        `json:"size"`
	ContentPath string       `json:"content_path,omitempty"`
	Section     *sectionJSON `json:"section,omitempty"`
}

type itemJSON struct {
	ID           string        `json:"id"`
	Title        string        `json:"title"`
	Favorite     bool          `json:"favorite,omitempty"`
	Tags         []string      `json:"tags,omitempty"`
	Version      int64         `json:"version"`
	State        string        `json:"state,omitempty"`
	Vault        vaultRef      `json:"vault"`
	Category     string        `json:"category"`
	LastEditedBy string        `json:"last_edited_by,omitempty"`
	CreatedAt    time.Time     `json:"created_at"`
	UpdatedAt    time.Time     `json:"updated_at"`
	Additional   string        `json:"additional_information,omitempty"`
	URLs         []urlJSON     `json:"urls,omitempty"`
	Sections     []sectionJSON `json:"sections,omitempty"`
	Fields       []fieldJSON   `json:"fields,omitempty"`
	Files        []fileJSON    `json:"files,omitempty"`
}

func (s *session) infoJSON(i rinca.Info, v rinca.Vault) itemJSON {
	out := itemJSON{
		ID: i.ID, Title: i.Title, Favorite: i.Favorite, Tags: i.Tags, Version: i.Version, State: string(i.State),
		Vault: vaultRef{v.ID, v.Name}, Category: string(i.Category), LastEditedBy: i.LastEditedBy,
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, Additional: i.AdditionalInfo,
	}
	if out.LastEditedBy == "" { // nobody else can have
		out.LastEditedBy = s.id("user")
	}
	for _, u := range i.URLs {
		out.URLs = append(out.URLs, urlJSON(u))
	}
	return out
}

func (s *session) itemJSON(it rinca.Item, v rinca.Vault) itemJSON {
	out := s.infoJSON(it.Info, v)
	for _, sec := range it.Sections {
		out.Sections = append(out.Sections, sectionJSON(sec))
	}
	for _, f := range it.Fields {
		out.Fields = append(out.Fields, s.fieldJSON(it, v, f))
	}
	for _, f := range it.Files {
		out.Files = append(out.Files, fileJSON{
			ID: f.ID, Name: f.Name, Size: f.Size, Section: sectionOf(it, f.SectionID),
			ContentPath: fmt.Sprintf("/v1/vaults/%s/items/%s/files/%s/content", v.ID, it.ID, f.ID),
		})
	}
	return out
}

func sectionOf(it rinca.Item, id string) *sectionJSON {
	if id == "" {
		return nil
	}
	sec, ok := it.Section(id)
	if !ok {
		return &sectionJSON{ID: id}
	}
	return &sectionJSON{sec.ID, sec.Label}
}

func (s *session) fieldJSON(it rinca.Item, v rinca.Vault, f rinca.Field) fieldJSON {
	out := fieldJSON{
		ID: f.ID, Section: sectionOf(it, f.SectionID), Type: string(f.Type), Purpose: string(f.Purpose), Label: f.Label,
		Value: f.Value.Reveal(), Reference: reference(it, v, f),
	}
	if f.Type == rinca.TypeOTP {
		out.TOTP = s.otp(f).Reveal()
	}
	if f.Purpose == rinca.PurposePassword {
		out.Details = &passwordJSON{strength(f.Value.Reveal())}
	}
	return out
}

// otp returns the current code of a one-time password field; not set when its
// seed is of no use.
func (s *session) otp(f rinca.Field) rinca.Secret {
	if f.TOTP.IsSet() {
		return f.TOTP
	}
	code, err := vault.TOTP(f.Value, s.Now())
	if err != nil {
		return rinca.Secret{}
	}
	return code
}

// strength is 1Password's word for how hard a password is to guess, judged by
// its length and the kinds of its characters alone.
func strength(password string) string {
	alphabet := 0.0
	for chars, size := range map[string]float64{
		"abcdefghijklmnopqrstuvwxyz": 26, "ABCDEFGHIJKLMNOPQRSTUVWXYZ": 26, "0123456789": 10, " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~": 32,
	} {
		if strings.ContainsAny(password, chars) {
			alphabet += size
		}
	}
	bits := float64(utf8.RuneCountInString(password)) * math.Log2(max(alphabet, 2))
	words := []string{"TERRIBLE", "WEAK", "FAIR", "GOOD", "VERY_GOOD", "EXCELLENT", "FANTASTIC"}
	for i, least := range []float64{25, 35, 45, 55, 65, 80} {
		if bits < least {
			return words[i]
		}
	}
	return words[len(words)-1]
}

// plainName matches what a secret reference can hold as it is.
var plainName = lazyregexp.New(`^[A-Za-z0-9_. -]+$`)

// reference is the secret reference of a field, with the ids of what has a
// name that no reference can hold.
func reference(it rinca.Item, v rinca.Vault, f rinca.Field) string {
	name := func(name, id string) string {
		if plainName.MatchString(name) {
			return name
		}
		return id
	}
	ref := "op://" + name(v.Name, v.ID) + "/" + name(it.Title, it.ID) + "/"
	if sec := sectionOf(it, f.SectionID); sec != nil {
		ref += name(sec.Label, sec.ID) + "/"
	}
	return ref + name(f.Label, f.ID)
}
