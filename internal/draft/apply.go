package draft

import (
	"context"
	"slices"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

// Apply writes an item, in one write, when anything of it differs from the
// vault, and returns it as stored. Fields, sections, files and tags that the
// example does not know stay. Unchanged items are not written. Every field
// must have its value: see Make.
func (it *Item) Apply(ctx context.Context, w rinca.Writer, vaultID string) (rinca.Item, error) {
	switch it.Action() {
	case Unchanged:
		return *it.Existing, nil
	case Create:
		item := rinca.Item{Info: rinca.Info{
			VaultID: vaultID, Title: it.File.Title, Category: rinca.CategorySecureNote,
			Tags: []string{rinca.StackTag + it.File.Stack},
		}}
		for _, f := range it.Fields {
			item.Fields = append(item.Fields, f.fresh())
		}
		return w.Create(ctx, item)
	}
	return w.Update(ctx, it.updated())
}

// updated is the vault's item with this draft's values.
func (it *Item) updated() rinca.Item {
	item := *it.Existing
	item.Fields = slices.Clone(item.Fields)
	if it.Untagged() {
		item.Tags = append(slices.Clone(item.Tags), rinca.StackTag+it.File.Stack)
	}
	for _, f := range it.Fields {
		switch f.State() {
		case New:
			item.Fields = append(item.Fields, f.fresh())
		case Changed:
			for i := range item.Fields {
				if &it.Existing.Fields[i] == f.stored {
					item.Fields[i].Value = f.Value
				}
			}
		}
	}
	return item
}

// fresh is the field as a vault's.
func (f *Field) fresh() rinca.Field {
	kind := rinca.TypeString
	if f.Concealed || envfile.HoldsPassword(f.Value.Reveal()) {
		kind = rinca.TypeConcealed
	}
	return rinca.Field{Label: f.Key, Type: kind, Value: f.Value}
}
