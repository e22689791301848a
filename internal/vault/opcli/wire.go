package opcli

import (
	"strings"
	"time"

	"rinca/internal/rinca"
)

// The objects that op prints and reads. Values cross into rinca.Secret by
// hand.

type vaultJSON struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"`
	ContentVersion int64     `json:"content_version"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
	Items          int       `json:"items"`
}

func (v vaultJSON) vault() rinca.Vault {
	return rinca.Vault{ID: v.ID, Name: v.Name, ContentVersion: v.ContentVersion, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, Items: v.Items}
}

type refJSON struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Label string `json:"label,omitempty"`
}

type urlJSON struct {
	Label   string `json:"label,omitempty"`
	Primary bool   `json:"primary,omitempty"`
	Href    string `json:"href"`
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
	ID           string      `json:"id,omitempty"`
	Title        string      `json:"title,omitempty"`
	Tags         []string    `json:"tags,omitempty"`
	Version      int64       `json:"version,omitempty"`
	Vault        refJSON     `json:"vault"`
	Category     string      `json:"category,omitempty"`
	Favorite     bool        `json:"favorite,omitempty"`
	LastEditedBy string      `json:"last_edited_by,omitempty"`
	CreatedAt    *time.Time  `json:"created_at,omitempty"`
	UpdatedAt    *time.Time  `json:"updated_at,omitempty"`
	Additional   string      `json:"additional_information,omitempty"`
	URLs         []urlJSON   `json:"urls,omitempty"`
	Sections     []refJSON   `json:"sections,omitempty"`
	Fields       []fieldJSON `json:"fields,omitempty"`
	Files        []fileJSON  `json:"files,omitempty"`
}

func (it itemJSON) info(vaultID string) rinca.Info {
	info := rinca.Info{
		ID: it.ID, VaultID: vaultID, Title: it.Title, Tags: it.Tags, Version: it.Version, Category: rinca.Category(it.Category),
		Favorite: it.Favorite, LastEditedBy: it.LastEditedBy, AdditionalInfo: it.Additional,
	}
	for _, u := range it.URLs {
		info.URLs = append(info.URLs, rinca.URL(u))
	}
	if it.CreatedAt != nil {
		info.CreatedAt = it.CreatedAt.UTC()
	}
	if it.UpdatedAt != nil {
		info.UpdatedAt = it.UpdatedAt.UTC()
	}
	return info
}

func (it itemJSON) item(vaultID string) rinca.Item {
	out := rinca.Item{Info: it.info(vaultID)}
	for _, s := range it.Sections {
		out.Sections = append(out.Sections, rinca.Section{ID: s.ID, Label: s.Label})
	}
	for _, f := range it.Fields {
		field := rinca.Field{ID: f.ID, Type: rinca.FieldType(strings.ToUpper(f.Type)), Purpose: rinca.Purpose(f.Purpose), Label: f.Label}
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

// toJSON makes a template for op item create and edit.
func toJSON(it rinca.Item) itemJSON {
	out := itemJSON{ID: it.ID, Title: it.Title, Tags: it.Tags, Vault: refJSON{ID: it.VaultID}, Category: string(it.Category), Favorite: it.Favorite}
	labels := map[string]string{}
	for _, s := range it.Sections {
		labels[s.ID] = s.Label
		out.Sections = append(out.Sections, refJSON{ID: s.ID, Label: s.Label})
	}
	for _, u := range it.URLs {
		out.URLs = append(out.URLs, urlJSON(u))
	}
	for _, f := range it.Fields {
		field := fieldJSON{ID: f.ID, Type: string(f.Type), Purpose: string(f.Purpose), Label: f.Label}
		if f.SectionID != "" {
			field.Section = &refJSON{ID: f.SectionID, Label: labels[f.SectionID]}
		}
		if f.Value.IsSet() {
			value := f.Value.Reveal()
			field.Value = &value
		}
		out.Fields = append(out.Fields, field)
	}
	for _, f := range it.Files {
		out.Files = append(out.Files, fileJSON{ID: f.ID, Name: f.Name, Size: f.Size})
	}
	return out
}
