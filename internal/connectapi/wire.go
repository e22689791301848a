package connectapi

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// The objects of the API. Values cross between these and rinca.Secret by
// hand, and these go nowhere but to the client and come from nowhere else.

type vaultJSON struct {
	ID               string    `json:"id"`
	Name             string    `json:"name"`
	Description      string    `json:"description,omitempty"`
	AttributeVersion int64     `json:"attributeVersion"`
	ContentVersion   int64     `json:"contentVersion"`
	Items            int       `json:"items"`
	Type             string    `json:"type"`
	CreatedAt        time.Time `json:"createdAt"`
	UpdatedAt        time.Time `json:"updatedAt"`
}

func toVault(v rinca.Vault) vaultJSON {
	return vaultJSON{v.ID, v.Name, v.Description, v.AttributeVersion, v.ContentVersion, v.Items, v.Type, v.CreatedAt, v.UpdatedAt}
}

type refJSON struct {
	ID string `json:"id"`
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

type recipeJSON struct {
	Length            *int     `json:"length,omitempty"`
	CharacterSets     []string `json:"characterSets,omitempty"`
	ExcludeCharacters string   `json:"excludeCharacters,omitempty"`
}

type fieldJSON struct {
	ID       string      `json:"id"`
	Section  *refJSON    `json:"section,omitempty"`
	Type     string      `json:"type"`
	Purpose  string      `json:"purpose,omitempty"`
	Label    string      `json:"label,omitempty"`
	Value    *string     `json:"value,omitempty"`
	Generate bool        `json:"generate,omitempty"`
	Recipe   *recipeJSON `json:"recipe,omitempty"`
	TOTP     string      `json:"totp,omitempty"`
}

type fileJSON struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Size        int64    `json:"size"`
	ContentPath string   `json:"content_path"`
	Section     *refJSON `json:"section,omitempty"`
	Content     string   `json:"content,omitempty"`
}

type itemJSON struct {
	ID           string        `json:"id"`
	Title        string        `json:"title"`
	Vault        refJSON       `json:"vault"`
	Category     string        `json:"category"`
	URLs         []urlJSON     `json:"urls,omitempty"`
	Favorite     bool          `json:"favorite,omitempty"`
	Tags         []string      `json:"tags,omitempty"`
	Version      int64         `json:"version"`
	State        string        `json:"state,omitempty"`
	CreatedAt    *time.Time    `json:"createdAt,omitempty"`
	UpdatedAt    *time.Time    `json:"updatedAt,omitempty"`
	LastEditedBy string        `json:"lastEditedBy,omitempty"`
	Sections     []sectionJSON `json:"sections,omitempty"`
	Fields       []fieldJSON   `json:"fields,omitempty"`
	Files        []fileJSON    `json:"files,omitempty"`
}

func toInfo(i rinca.Info) itemJSON {
	out := itemJSON{
		ID: i.ID, Title: i.Title, Vault: refJSON{i.VaultID}, Category: string(i.Category), Favorite: i.Favorite, Tags: i.Tags,
		Version: i.Version, State: string(i.State), CreatedAt: &i.CreatedAt, UpdatedAt: &i.UpdatedAt, LastEditedBy: i.LastEditedBy,
	}
	for _, u := range i.URLs {
		out.URLs = append(out.URLs, urlJSON(u))
	}
	return out
}

// toItem maps an item with its values. A value that JSON cannot carry is an
// error: it would arrive as another one.
func (s *Server) toItem(it rinca.Item) (itemJSON, error) {
	out := toInfo(it.Info)
	for _, sec := range it.Sections {
		out.Sections = append(out.Sections, sectionJSON(sec))
	}
	for _, f := range it.Fields {
		field := fieldJSON{ID: f.ID, Type: string(f.Type), Purpose: string(f.Purpose), Label: f.Label}
		if f.SectionID != "" {
			field.Section = &refJSON{f.SectionID}
		}
		if f.Value.IsSet() {
			value := f.Value.Reveal()
			if !utf8.ValidString(value) {
				return out, errorf(500, "field %s of item %s is not UTF-8 and cannot be sent as JSON", f.ID, it.ID)
			}
			field.Value = &value
		}
		if f.Type == rinca.TypeOTP {
			field.TOTP = s.otp(f).Reveal()
		}
		out.Fields = append(out.Fields, field)
	}
	for _, f := range it.Files {
		out.Files = append(out.Files, toFile(it, f))
	}
	return out, nil
}

func toFile(it rinca.Item, f rinca.File) fileJSON {
	out := fileJSON{ID: f.ID, Name: f.Name, Size: f.Size, ContentPath: fmt.Sprintf("/v1/vaults/%s/items/%s/files/%s/content", it.VaultID, it.ID, f.ID)}
	if f.SectionID != "" {
		out.Section = &refJSON{f.SectionID}
	}
	return out
}

// The categories that an item may have; DOCUMENT and CUSTOM cannot be made
// through the API.
func validCategory(c rinca.Category, creating bool) bool {
	switch c {
	case rinca.CategoryLogin, rinca.CategoryPassword, rinca.CategoryAPICredential, rinca.CategoryServer, rinca.CategoryDatabase,
		rinca.CategoryCreditCard, rinca.CategoryMembership, rinca.CategoryPassport, rinca.CategorySoftwareLicense, rinca.CategoryOutdoorLicense,
		rinca.CategorySecureNote, rinca.CategoryWirelessRouter, rinca.CategoryBankAccount, rinca.CategoryDriverLicense, rinca.CategoryIdentity,
		rinca.CategoryRewardProgram, rinca.CategoryEmailAccount, rinca.CategorySocialSecurity, rinca.CategoryMedicalRecord, rinca.CategorySSHKey:
		return true
	case rinca.CategoryDocument, rinca.CategoryCustom:
		return !creating
	}
	return false
}

func validType(t rinca.FieldType) bool {
	switch t {
	case rinca.TypeString, rinca.TypeConcealed, rinca.TypeEmail, rinca.TypeURL, rinca.TypePhone, rinca.TypeDate, rinca.TypeMonthYear,
		rinca.TypeOTP, rinca.TypeMenu, rinca.TypeReference, rinca.TypeAddress, rinca.TypeGender, rinca.TypeCreditCardType,
		rinca.TypeCreditCardNumber, rinca.TypeFile, rinca.TypeSSHKey, rinca.TypeUnknown:
		return true
	}
	return false
}

// fromItem checks what a client sent and maps it; values are generated where
// it asks for that.
func fromItem(j itemJSON, vaultID string, creating bool) (rinca.Item, error) {
	it := rinca.Item{Info: rinca.Info{
		ID: j.ID, VaultID: vaultID, Title: j.Title, Favorite: j.Favorite, Category: rinca.Category(strings.ToUpper(j.Category)), Tags: j.Tags,
	}}
	switch {
	case !validCategory(it.Category, creating):
		return it, errorf(400, "Invalid item category")
	case rinca.ValidID(j.Vault.ID) && j.Vault.ID != vaultID: // External Secrets puts the name here
		return it, errorf(400, "Vault UUID in the body does not match the path")
	case strings.TrimSpace(j.Title) == "":
		return it, errorf(400, "The item doesn't have a title.")
	}
	for _, u := range j.URLs {
		it.URLs = append(it.URLs, rinca.URL(u))
	}
	for _, sec := range j.Sections {
		it.Sections = append(it.Sections, rinca.Section(sec))
	}
	for _, f := range j.Fields {
		field, err := fromField(f)
		if err != nil {
			return it, err
		}
		it.Fields = append(it.Fields, field)
	}
	for _, f := range j.Files {
		file := rinca.File{ID: f.ID, Name: f.Name}
		if f.Section != nil {
			file.SectionID = f.Section.ID
		}
		if f.ID == "" && f.Content != "" {
			data, err := base64.StdEncoding.DecodeString(f.Content)
			if err != nil {
				return it, errorf(400, "Invalid file content")
			}
			file.Content = rinca.NewSecret(string(data))
		}
		it.Files = append(it.Files, file)
	}
	return it, nil
}

func fromField(f fieldJSON) (rinca.Field, error) {
	out := rinca.Field{ID: f.ID, Type: rinca.FieldType(strings.ToUpper(f.Type)), Purpose: rinca.Purpose(strings.ToUpper(f.Purpose)), Label: f.Label}
	switch {
	case out.Type == "TOTP":
		out.Type = rinca.TypeOTP
	case out.Type == "" && out.Purpose == rinca.PurposePassword:
		out.Type = rinca.TypeConcealed
	case out.Type == "":
		out.Type = rinca.TypeString
	}
	if !validType(out.Type) {
		return out, errorf(400, "Invalid field type")
	}
	switch out.Purpose {
	case rinca.PurposeNone:
	case rinca.PurposeUsername, rinca.PurposePassword, rinca.PurposeNotes:
		if out.ID == "" {
			out.ID = map[rinca.Purpose]string{rinca.PurposeUsername: "username", rinca.PurposePassword: "password", rinca.PurposeNotes: "notesPlain"}[out.Purpose]
		}
	default:
		return out, errorf(400, "Invalid field purpose")
	}
	if f.Section != nil {
		out.SectionID = f.Section.ID
	}
	if f.Value != nil {
		out.Value = rinca.NewSecret(*f.Value)
	}
	if f.Generate && out.Value.IsEmpty() {
		value, err := generated(f.Recipe)
		if err != nil {
			return out, err
		}
		out.Value = value
	}
	return out, nil
}
