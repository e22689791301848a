package embedded

import (
	"context"
	"strings"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// maxItem bounds what one item may hold, so that one write cannot fill the
// memory of every reader.
const maxItem = 64 << 20

// Create adds an item to item.VaultID and returns it as stored.
func (db *DB) Create(ctx context.Context, item rinca.Item) (rinca.Item, error) {
	if err := checkItem(item); err != nil {
		return rinca.Item{}, err
	}
	var made rinca.Item
	err := db.write(ctx, func(w *writer) error {
		v, err := db.oneVault(ctx, w.tx, item.VaultID)
		if err != nil {
			return err
		}
		var last int64
		if err := w.tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM items WHERE vault_id = ?`, v.id).Scan(&last); err != nil {
			return err
		}
		if !rinca.ValidID(item.ID) {
			item.ID = newID()
		}
		k := itemKey{id: item.ID, vaultID: v.id, seq: last + 1, version: 1, state: rinca.Active}
		item.State, item.CreatedAt, item.UpdatedAt = rinca.Active, db.now(), db.now()
		if item, err = w.putFiles(ctx, item, nil); err != nil {
			return err
		}
		rec := toItemRecord(completeIDs(item))
		info, body, err := w.sealItem(k, rec)
		if err != nil {
			return err
		}
		if _, err := w.tx.ExecContext(ctx, `INSERT INTO items (id, vault_id, seq, version, state, info, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			k.id, k.vaultID, k.seq, k.version, k.state, info, body); err != nil {
			if strings.Contains(err.Error(), "UNIQUE") {
				return rinca.Errorf(rinca.Conflict, "item %s exists", item.ID)
			}
			return err
		}
		v.rec.Items.Add(itemMark(db.currentRing(), k))
		v.items++
		made = rec.item(k)
		return w.saveVault(ctx, v)
	})
	return made, err
}

// Update replaces an item and returns it as stored. A version that is given
// and is not the stored one is a Conflict. The older version goes to the
// history.
func (db *DB) Update(ctx context.Context, item rinca.Item) (rinca.Item, error) {
	if err := checkItem(item); err != nil {
		return rinca.Item{}, err
	}
	var made rinca.Item
	err := db.replace(ctx, item.VaultID, item.ID, func(w *writer, old rinca.Item) (rinca.Item, error) {
		if item.Version != 0 && item.Version != old.Version {
			return old, rinca.Errorf(rinca.Conflict, "item %s has version %d, and not %d: somebody changed it meanwhile", item.ID, old.Version, item.Version).
				Try("read it again, and repeat the change")
		}
		item.State, item.CreatedAt = old.State, old.CreatedAt
		return w.putFiles(ctx, item, old.Files)
	}, &made)
	return made, err
}

// Archive takes an item out of the list; it can still be read by id. It
// counts as a write.
func (db *DB) Archive(ctx context.Context, vaultID, itemID string) error {
	return db.setState(ctx, vaultID, itemID, rinca.Archived)
}

// Unarchive puts an archived item back into the list.
func (db *DB) Unarchive(ctx context.Context, vaultID, itemID string) error {
	return db.setState(ctx, vaultID, itemID, rinca.Active)
}

func (db *DB) setState(ctx context.Context, vaultID, itemID string, state rinca.State) error {
	return db.replace(ctx, vaultID, itemID, func(_ *writer, old rinca.Item) (rinca.Item, error) {
		old.State = state
		return old, nil
	}, new(rinca.Item))
}

// replace writes the next version of an item.
func (db *DB) replace(ctx context.Context, vaultID, itemID string, next func(*writer, rinca.Item) (rinca.Item, error), made *rinca.Item) error {
	return db.write(ctx, func(w *writer) error {
		v, err := db.oneVault(ctx, w.tx, vaultID)
		if err != nil {
			return err
		}
		old, rec, err := db.readItem(ctx, w.tx, v, itemID)
		if err != nil {
			return err
		}
		past, err := w.seal(historyContext(itemID, old.version), marshal(rec))
		if err != nil {
			return err
		}
		if _, err := w.tx.ExecContext(ctx, `INSERT INTO history (item_id, version, body) VALUES (?, ?, ?)`, itemID, old.version, past); err != nil {
			return err
		}
		item, err := next(w, rec.item(old))
		if err != nil {
			return err
		}
		k := old
		k.version++
		k.state = item.State
		item.UpdatedAt = db.now()
		newRec := toItemRecord(completeIDs(item))
		info, body, err := w.sealItem(k, newRec)
		if err != nil {
			return err
		}
		if _, err := w.tx.ExecContext(ctx, `UPDATE items SET version = ?, state = ?, info = ?, body = ? WHERE id = ?`, k.version, k.state, info, body, k.id); err != nil {
			return err
		}
		ring := db.currentRing()
		v.rec.Items.Remove(itemMark(ring, old))
		v.rec.Items.Add(itemMark(ring, k))
		v.items += active(k) - active(old)
		*made = newRec.item(k)
		return w.saveVault(ctx, v)
	})
}

func active(k itemKey) int64 {
	if k.state == rinca.Active {
		return 1
	}
	return 0
}

// Delete removes an item, its history and its files for good.
func (db *DB) Delete(ctx context.Context, vaultID, itemID string) error {
	return db.write(ctx, func(w *writer) error {
		v, err := db.oneVault(ctx, w.tx, vaultID)
		if err != nil {
			return err
		}
		k, _, err := db.readItem(ctx, w.tx, v, itemID)
		if err != nil {
			return err
		}
		for _, stmt := range []string{
			`DELETE FROM items WHERE id = ?`, `DELETE FROM history WHERE item_id = ?`, `DELETE FROM files WHERE item_id = ?`,
		} {
			if _, err := w.tx.ExecContext(ctx, stmt, itemID); err != nil {
				return err
			}
		}
		v.rec.Items.Remove(itemMark(db.currentRing(), k))
		v.items -= active(k)
		return w.saveVault(ctx, v)
	})
}

func (w *writer) sealItem(k itemKey, rec itemRecord) (info, body []byte, err error) {
	if info, err = w.seal(k.info(), marshal(rec.infoRecord)); err != nil {
		return nil, nil, err
	}
	plain := marshal(rec)
	if len(plain) > maxItem {
		return nil, nil, rinca.Errorf(rinca.Invalid, "the item has %d MB; at most %d", len(plain)>>20, maxItem>>20)
	}
	body, err = w.seal(k.body(), plain)
	return info, body, err
}

// saveVault writes a vault whose content has changed.
func (w *writer) saveVault(ctx context.Context, v vaultRow) error {
	v.content++
	v.rec.UpdatedAt = w.db.now()
	sealed, err := w.seal(v.context(), marshal(v.rec))
	if err != nil {
		return err
	}
	_, err = w.tx.ExecContext(ctx, `UPDATE vaults SET content_version = ?, items = ?, sealed = ? WHERE id = ?`, v.content, v.items, sealed, v.id)
	return err
}

// putFiles stores new attachments and keeps those of old that the item still
// names. A file that is dropped stays for the history until the item is
// deleted.
func (w *writer) putFiles(ctx context.Context, item rinca.Item, old []rinca.File) (rinca.Item, error) {
	files := make([]rinca.File, 0, len(item.Files))
	for _, f := range item.Files {
		if !f.Content.IsSet() {
			kept, ok := fileByID(old, f.ID)
			if !ok {
				return item, rinca.Errorf(rinca.Invalid, "file %q has no content and is not one of the item", f.Name)
			}
			if f.Name != "" {
				kept.Name = f.Name
			}
			kept.SectionID = f.SectionID
			files = append(files, kept)
			continue
		}
		if f.Content.Len() > maxItem {
			return item, rinca.Errorf(rinca.Invalid, "file %q has %d MB; at most %d", f.Name, f.Content.Len()>>20, maxItem>>20)
		}
		f.ID = newID() // a new content is a new file, so that the history keeps the old one
		body, err := w.seal(fileContext(f.ID, item.ID), []byte(f.Content.Reveal()))
		if err != nil {
			return item, err
		}
		if _, err := w.tx.ExecContext(ctx, `INSERT INTO files (id, item_id, body) VALUES (?, ?, ?)`, f.ID, item.ID, body); err != nil {
			return item, err
		}
		files = append(files, rinca.File{ID: f.ID, Name: f.Name, Size: int64(f.Content.Len()), SectionID: f.SectionID})
	}
	item.Files = files
	return item, nil
}

func fileByID(files []rinca.File, id string) (rinca.File, bool) {
	for _, f := range files {
		if f.ID == id {
			return f, true
		}
	}
	return rinca.File{}, false
}

// completeIDs gives every field and section an id that is its own, and every
// section that a field names an entry.
func completeIDs(item rinca.Item) rinca.Item {
	sections := append([]rinca.Section{}, item.Sections...)
	for i := range sections {
		if sections[i].ID == "" {
			sections[i].ID = newID()
		}
	}
	fields := append([]rinca.Field{}, item.Fields...)
	used := map[string]bool{}
	for i := range fields {
		f := &fields[i]
		if f.ID == "" || used[f.ID] {
			f.ID = newID()
		}
		used[f.ID] = true
		if f.Type == "" {
			f.Type = rinca.TypeString
		}
		known := f.SectionID == ""
		for _, s := range sections {
			known = known || s.ID == f.SectionID
		}
		if !known {
			sections = append(sections, rinca.Section{ID: f.SectionID})
		}
	}
	item.Sections, item.Fields = sections, fields
	return item
}

func checkItem(item rinca.Item) error {
	if strings.TrimSpace(item.Title) == "" {
		return rinca.Errorf(rinca.Invalid, "an item needs a title")
	}
	for _, s := range append([]string{item.Title}, item.Tags...) {
		if !utf8.ValidString(s) || len(s) > 4096 {
			return rinca.Errorf(rinca.Invalid, "titles and tags are UTF-8 of at most 4096 bytes")
		}
	}
	return nil
}
