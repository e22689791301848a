package embedded

import (
	"encoding/json"
	"fmt"
	"time"

	"rinca/internal/database"
	"rinca/internal/rinca"
	"rinca/internal/seal"
)

// What the sealed records hold, as JSON. A Secret refuses to be encoded, so
// values cross into these types by hand, and these never leave the package.

type meta struct {
	// Vaults is the sum of vaultMark over all vaults: one that is missing is
	// noticed.
	Vaults database.Sum `json:"vaults"`
}

type vaultRecord struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	CreatedAt   time.Time `json:"created"`
	UpdatedAt   time.Time `json:"updated"`
	// Items is the sum of itemMark over all items of the vault: one that is
	// missing, or an older version of one, is noticed.
	Items database.Sum `json:"items"`
}

type infoRecord struct {
	Title     string      `json:"title"`
	Category  string      `json:"category"`
	Tags      []string    `json:"tags,omitempty"`
	URLs      []rinca.URL `json:"urls,omitempty"`
	Favorite  bool        `json:"favorite,omitempty"`
	CreatedAt time.Time   `json:"created"`
	UpdatedAt time.Time   `json:"updated"`
	EditedBy  string      `json:"by,omitempty"`
	Extra     string      `json:"extra,omitempty"`
}

type itemRecord struct {
	infoRecord
	State    rinca.State     `json:"state,omitempty"`
	Sections []rinca.Section `json:"sections,omitempty"`
	Fields   []fieldRecord   `json:"fields,omitempty"`
	Files    []fileRecord    `json:"files,omitempty"`
}

type fieldRecord struct {
	ID        string          `json:"id"`
	SectionID string          `json:"section,omitempty"`
	Type      rinca.FieldType `json:"type"`
	Purpose   rinca.Purpose   `json:"purpose,omitempty"`
	Label     string          `json:"label,omitempty"`
	Value     []byte          `json:"value"` // base64 keeps bytes that are not UTF-8; null is no value
}

type fileRecord struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	SectionID string `json:"section,omitempty"`
}

// The contexts bind a sealed record to its place, and the plain columns of
// its row to the record.

func metaContext(kid string) string { return "meta|" + kid }

func vaultContext(id string, seq, content, attribute, items int64) string {
	return fmt.Sprintf("vault %s|%d|%d|%d|%d", id, seq, content, attribute, items)
}

type itemKey struct {
	id, vaultID  string
	seq, version int64
	state        rinca.State
}

func (k itemKey) info() string {
	return fmt.Sprintf("item %s (list)|%s|%d|%d|%s", k.id, k.vaultID, k.seq, k.version, k.state)
}

func (k itemKey) body() string {
	return fmt.Sprintf("item %s|%s|%d|%d|%s", k.id, k.vaultID, k.seq, k.version, k.state)
}

func historyContext(itemID string, version int64) string {
	return fmt.Sprintf("history of item %s|%d", itemID, version)
}

func fileContext(id, itemID string) string {
	return fmt.Sprintf("file %s of item %s", id, itemID)
}

func marshal(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil { // these types always encode
		panic(err)
	}
	return data
}

func toInfoRecord(i rinca.Info) infoRecord {
	return infoRecord{
		Title: i.Title, Category: string(i.Category), Tags: i.Tags, URLs: i.URLs, Favorite: i.Favorite,
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, EditedBy: i.LastEditedBy, Extra: i.AdditionalInfo,
	}
}

func (r infoRecord) info(k itemKey) rinca.Info {
	return rinca.Info{
		ID: k.id, VaultID: k.vaultID, Version: k.version, State: k.state,
		Title: r.Title, Category: rinca.Category(r.Category), Tags: r.Tags, URLs: r.URLs, Favorite: r.Favorite,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, LastEditedBy: r.EditedBy, AdditionalInfo: r.Extra,
	}
}

func toItemRecord(it rinca.Item) itemRecord {
	r := itemRecord{infoRecord: toInfoRecord(it.Info), State: it.State, Sections: it.Sections}
	for _, f := range it.Fields {
		fr := fieldRecord{ID: f.ID, SectionID: f.SectionID, Type: f.Type, Purpose: f.Purpose, Label: f.Label}
		if f.Value.IsSet() {
			fr.Value = append([]byte{}, f.Value.Reveal()...)
		}
		r.Fields = append(r.Fields, fr)
	}
	for _, f := range it.Files {
		r.Files = append(r.Files, fileRecord{f.ID, f.Name, f.Size, f.SectionID})
	}
	return r
}

func (r itemRecord) item(k itemKey) rinca.Item {
	it := rinca.Item{Info: r.info(k), Sections: r.Sections}
	it.State = r.State
	for _, f := range r.Fields {
		field := rinca.Field{ID: f.ID, SectionID: f.SectionID, Type: f.Type, Purpose: f.Purpose, Label: f.Label}
		if f.Value != nil {
			field.Value = rinca.NewSecret(string(f.Value))
		}
		it.Fields = append(it.Fields, field)
	}
	for _, f := range r.Files {
		it.Files = append(it.Files, rinca.File{ID: f.ID, Name: f.Name, Size: f.Size, SectionID: f.SectionID})
	}
	return it
}

func itemMark(r *seal.Ring, k itemKey) [32]byte { return r.Digest("item", []byte(k.body())) }

func vaultMark(r *seal.Ring, id string) [32]byte { return r.Digest("vault", []byte(id)) }
