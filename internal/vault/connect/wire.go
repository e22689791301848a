package connect

import (
	"strings"
	"time"

	"rinca/internal/rinca"
)

// The objects of the REST API. Values cross into rinca.Secret by hand.

type vaultJSON struct {
	ID               string    `json:"id"`
	Name             string    `json:"name"`
	Description      string    `json:"description"`
	Type             string    `json:"type"`
	Items            int       `json:"items"`
	AttributeVersion int64     `json:"attributeVersion"`
	ContentVersion   int64     `json:"contentVersion"`
	CreatedAt        time.Time `json:"createdAt"`
	UpdatedAt        time.Time `json:"updatedAt"`
}

func (v vaultJSON) vault() rinca.Vault {
	return rinca.Vault{
		ID: v.ID, Name: v.Name, Description: v.Description, Type: v.Type, Items: v.Items,
		AttributeVersion: v.AttributeVersion, ContentVersion: v.ContentVersion, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
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

type fieldJSON struct {
	ID      string   `json:"id,omitempty"`
	Section *refJSON `json:"section,omitempty"`
	Type    string   `json:"type"`
	Purpose string   `json:"purpose,omitempty"`
	Label   string   `json:"label,omitempty"`
	Value   *string  `json:"value,omitempty"`
	TOTP    string   `json:"totp,omitempty"`
}

type fileJSON struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Size    int64    `json:"size"`
	Section *refJSON `json:"section,omitempty"`
}

type itemJSON struct {
	ID           string        `json:"id,omitempty"`
	Title        string        `json:"title"`
	Vault        refJSON       `json:"vault"`
	Category     string        `json:"category"`
	URLs         []urlJSON     `json:"urls,omitempty"`
	Favorite     bool          `json:"favorite,omitempty"`
	Tags         []string      `json:"tags,omitempty"`
	Version      int64         `json:"version,omitempty"`
	State        string        `json:"state,omitempty"`
	CreatedAt    *time.Time    `json:"createdAt,omitempty"`
	UpdatedAt    *time.Time    `json:"updatedAt,omitempty"`
	LastEditedBy string        `json:"lastEditedBy,omitempty"`
	Sections     []sectionJSON `json:"sections,omitempty"`
	Fields       []fieldJSON   `json:"fields,omitempty"`
	Files        []fileJSON    `json:"files,omitempty"`
}

func (it itemJSON) info(vaultID string) rinca.Info {
	info := rinca.Info{
		ID: it.ID, VaultID: vaultID, Title: it.Title, Category: rinca.Category(it.Category), Tags: it.Tags,
		Favorite: it.Favorite, Version: it.Version, State: rinca.State(it.State), LastEditedBy: it.LastEditedBy,
	}
	for _, u := range it.URLs {
		info.URLs = append(info.URLs, rinca.URL(u))
	}
	if it.CreatedAt != nil {
		info.CreatedAt = *it.CreatedAt
	}
	if it.UpdatedAt != nil {
		info.UpdatedAt = *it.UpdatedAt
	}
	return info
}

func (it itemJSON) item(vaultID string) rinca.Item {
	out := rinca.Item{Info: it.info(vaultID)}
	for _, s := range it.Sections {
		out.Sections = append(out.Sections, rinca.Section(s))
	}
	for _, f := range it.Fields {
		field := rinca.Field{ID: f.ID, Type: fieldType(f.Type), Purpose: rinca.Purpose(f.Purpose), Label: f.Label}
		if f.Section != nil {
			field.SectionID = f.Section.ID
		}
		if f.Value != nil {
			field.Value = rinca.NewSecret(*f.Value)
		}
		if f.TOTP != "" {
			field.TOTP = rinca.NewSecret(f.TOTP)
		}
		out.Fields = append(out.Fields, field)
	}
	for _, f := range it.Files {
		file := rinca.File{ID: f.ID, Name: f.Name, Size: f.Size}
		if f.Section != nil {
			file.SectionID = f.Section.ID
		}
		out.Files = append(out.Files, file)
	}
	return out
}

func fieldType(s string) rinca.FieldType {
	t := rinca.FieldType(strings.ToUpper(s))
	if t == "TOTP" {
		return rinca.TypeOTP
	}
	return t
}

func toJSON(it rinca.Item) itemJSON {
	out := itemJSON{
		ID: it.ID, Title: it.Title, Vault: refJSON{it.VaultID}, Category: string(it.Category),
		Favorite: it.Favorite, Tags: it.Tags, Version: it.Version,
	}
	for _, u := range it.URLs {
		out.URLs = append(out.URLs, urlJSON(u))
	}
	for _, s := range it.Sections {
		out.Sections = append(out.Sections, sectionJSON(s))
	}
	for _, f := range it.Fields {
		field := fieldJSON{ID: f.ID, Type: string(f.Type), Purpose: string(f.Purpose), Label: f.Label}
		if f.SectionID != "" {
			field.Section = &refJSON{f.SectionID}
		}
		if f.Value.IsSet() {
			value := f.Value.Reveal()
			field.Value = &value
		}
		out.Fields = append(out.Fields, field)
	}
	for _, f := range it.Files {
		file := fileJSON{ID: f.ID, Name: f.Name, Size: f.Size}
		if f.SectionID != "" {
			file.Section = &refJSON{f.SectionID}
		}
		out.Files = append(out.Files, file)
	}
	return out
}
