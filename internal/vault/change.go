package vault

import (
	"context"
	"slices"
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/generate"
	"rinca/internal/rinca"
)

// The most that an item may have, so that one mistake does not fill a vault.
const (
	maxFields = 1000
	maxValue  = 1 << 20
)

// Change makes an item or changes one, in one write, and returns it as stored.
// A change that changes nothing is not written.
func Change(ctx context.Context, w rinca.Writer, c *rinca.VaultItemChange) (rinca.VaultItem, error) {
	v, err := Find(ctx, w, c.Vault)
	if err != nil {
		return rinca.VaultItem{}, err
	}
	if c.Item == "" {
		item := rinca.Item{Info: rinca.Info{VaultID: v.ID, Category: rinca.CategorySecureNote}}
		if _, err := apply(&item, c); err != nil {
			return rinca.VaultItem{}, err
		}
		if err := noTwin(ctx, w, v, &item); err != nil {
			return rinca.VaultItem{}, err
		}
		item, err = w.Create(ctx, item)
		return Shown(&item, v), err
	}
	item, err := getOne(ctx, w, v, c.Item)
	if err != nil {
		return rinca.VaultItem{}, err
	}
	if c.Version != 0 && item.Version != c.Version {
		return rinca.VaultItem{}, rinca.Errorf(rinca.Conflict, "the item %s was changed meanwhile: it is at version %d, and not %d", item.Title, item.Version, c.Version).
			Try("look at it again, and change it then")
	}
	title := item.Title
	changed, err := apply(&item, c)
	if err != nil || !changed {
		return Shown(&item, v), err
	}
	if item.Title != title {
		if err := noTwin(ctx, w, v, &item); err != nil {
			return rinca.VaultItem{}, err
		}
	}
	item, err = w.Update(ctx, item)
	return Shown(&item, v), err
}

// getOne returns the item with that id, or that title.
func getOne(ctx context.Context, p rinca.Provider, v rinca.Vault, titleOrID string) (rinca.Item, error) {
	id := titleOrID
	if !rinca.ValidID(id) {
		info, err := FindItem(ctx, p, v.ID, titleOrID)
		if err != nil {
			return rinca.Item{}, err
		}
		id = info.ID
	}
	items, err := p.Get(ctx, v.ID, id)
	if err != nil {
		return rinca.Item{}, err
	}
	return items[0], nil
}

// ShowItem returns an item, by id or title, without its values.
func ShowItem(ctx context.Context, p rinca.Provider, vault, titleOrID string) (rinca.VaultItem, error) {
	v, err := Find(ctx, p, vault)
	if err != nil {
		return rinca.VaultItem{}, err
	}
	item, err := getOne(ctx, p, v, titleOrID)
	return Shown(&item, v), err
}

// ListItems returns the items of a vault, by title.
func ListItems(ctx context.Context, p rinca.Provider, vault string) ([]rinca.VaultItem, error) {
	v, err := Find(ctx, p, vault)
	if err != nil {
		return nil, err
	}
	infos, err := p.Items(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	out := make([]rinca.VaultItem, 0, len(infos))
	for i := range infos {
		out = append(out, Shown(&rinca.Item{Info: infos[i]}, v))
	}
	slices.SortFunc(out, func(a, b rinca.VaultItem) int { return strings.Compare(a.Title+a.ID, b.Title+b.ID) })
	return out, nil
}

// FieldValue returns the value of a field of an item.
func FieldValue(ctx context.Context, p rinca.Provider, vault, titleOrID, field string) (rinca.Secret, error) {
	v, err := Find(ctx, p, vault)
	if err != nil {
		return rinca.Secret{}, err
	}
	item, err := getOne(ctx, p, v, titleOrID)
	if err != nil {
		return rinca.Secret{}, err
	}
	for i := range item.Fields {
		if item.Fields[i].ID == field {
			return item.Fields[i].Value, nil
		}
	}
	return rinca.Secret{}, rinca.Errorf(rinca.NotFound, "the item %s has no field with the id %.60q", item.Title, field)
}

// DeleteItem removes an item for good.
func DeleteItem(ctx context.Context, w rinca.Writer, vault, id string) error {
	v, err := Find(ctx, w, vault)
	if err != nil {
		return err
	}
	return w.Delete(ctx, v.ID, id)
}

// Shown is an item without its values.
func Shown(item *rinca.Item, v rinca.Vault) rinca.VaultItem {
	out := rinca.VaultItem{
		ID: item.ID, Vault: v.Name, Title: item.Title, Category: item.Category, Tags: item.Tags, Stacks: item.Stacks(),
		Version: item.Version, UpdatedAt: item.UpdatedAt,
	}
	for i := range item.Fields {
		f := &item.Fields[i]
		section, _ := item.Section(f.SectionID)
		out.Fields = append(out.Fields, rinca.VaultField{
			ID: f.ID, Label: f.Label, Section: section.Label, Concealed: concealed(f), Empty: f.Value.IsEmpty(), Variable: item.Variable(*f),
		})
	}
	return out
}

func concealed(f *rinca.Field) bool {
	return f.Type == rinca.TypeConcealed || f.Type == rinca.TypeOTP || f.Type == rinca.TypeSSHKey || f.Purpose == rinca.PurposePassword
}

// noTwin refuses a second item of one title for one stack: no export could
// write both.
func noTwin(ctx context.Context, p rinca.Provider, v rinca.Vault, item *rinca.Item) error {
	infos, err := p.Items(ctx, v.ID)
	if err != nil {
		return err
	}
	for i := range infos {
		if infos[i].ID == item.ID || infos[i].Title != item.Title {
			continue
		}
		for _, s := range infos[i].Stacks() {
			if slices.Contains(item.Stacks(), s) {
				return rinca.Errorf(rinca.Conflict, "the stack %s has an item %s already", s, item.Title).Try("change that one, or choose another title")
			}
		}
	}
	return nil
}

// apply changes the item, and reports whether anything of it differs then.
func apply(item *rinca.Item, c *rinca.VaultItemChange) (changed bool, err error) {
	if err := applyNames(item, c, &changed); err != nil {
		return false, err
	}
	item.Fields = slices.Clone(item.Fields)
	for _, id := range c.Remove {
		n := len(item.Fields)
		item.Fields = slices.DeleteFunc(item.Fields, func(f rinca.Field) bool { return f.ID == id })
		if len(item.Fields) == n {
			return false, rinca.Errorf(rinca.NotFound, "the item has no field with the id %.60q", id)
		}
		changed = true
	}
	set := c.Set
	if !c.Env.IsEmpty() {
		lines, err := fieldsOf(c.Env)
		if err != nil {
			return false, err
		}
		set = append(slices.Clone(set), lines...)
	}
	for i := range set {
		did, err := applyField(item, &set[i])
		if err != nil {
			return false, err
		}
		changed = changed || did
	}
	if len(item.Fields) > maxFields {
		return false, rinca.Errorf(rinca.Invalid, "an item has at most %d fields", maxFields)
	}
	return changed, nil
}

func applyNames(item *rinca.Item, c *rinca.VaultItemChange, changed *bool) error {
	switch {
	case c.Title == "" && item.Title == "":
		return rinca.Errorf(rinca.Invalid, "title is missing").Try("the name of the file that it becomes, such as postgres.env")
	case c.Title != "" && c.Title != item.Title:
		if strings.TrimSpace(c.Title) != c.Title || len(c.Title) > 255 || strings.ContainsFunc(c.Title, isControl) {
			return rinca.Errorf(rinca.Invalid, "a title has 1 to 255 characters, on one line, without blanks around it")
		}
		item.Title, *changed = c.Title, true
	}
	if c.Tags != nil {
		for _, t := range c.Tags {
			if s, is := strings.CutPrefix(t, rinca.StackTag); is && !rinca.ValidStackName(s) {
				return rinca.Errorf(rinca.Invalid, "the tag %.60q names no stack", t)
			}
			if strings.TrimSpace(t) == "" || len(t) > 255 || strings.ContainsFunc(t, isControl) {
				return rinca.Errorf(rinca.Invalid, "a tag has 1 to 255 characters, on one line")
			}
		}
		if !slices.Equal(item.Tags, c.Tags) {
			item.Tags, *changed = c.Tags, true
		}
	}
	// An item that goes to stacks is a file there.
	if why := rinca.TitleProblem(item.Title); why != "" && len(item.Stacks()) > 0 && *changed {
		return rinca.Errorf(rinca.Invalid, "the item goes to a stack, and its title %s", why).Try("a title such as postgres.env")
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func fieldsOf(env rinca.Secret) ([]rinca.VaultFieldChange, error) {
	entries, err := envfile.Parse([]byte(env.Reveal()))
	if err != nil {
		return nil, err
	}
	var out []rinca.VaultFieldChange
	for i := range entries {
		e := &entries[i]
		if e.Optional {
			continue
		}
		out = append(out, rinca.VaultFieldChange{Label: e.Key, Value: rinca.NewSecret(e.Value.Reveal())})
	}
	if len(out) == 0 {
		return nil, rinca.Errorf(rinca.Invalid, "there is no line KEY=value")
	}
	return out, nil
}

func applyField(item *rinca.Item, c *rinca.VaultFieldChange) (changed bool, err error) {
	f, err := fieldFor(item, c)
	if err != nil {
		return false, err
	}
	value := c.Value
	if c.Recipe != "" {
		if value, err = made(c.Recipe); err != nil {
			return false, err
		}
	}
	switch {
	case value.Len() > maxValue:
		return false, rinca.Errorf(rinca.Invalid, "the value of %s is larger than %d bytes", c.Label, maxValue)
	case f == nil && strings.TrimSpace(c.Label) == "" || len(c.Label) > 255 || strings.ContainsFunc(c.Label, isControl):
		return false, rinca.Errorf(rinca.Invalid, "the label of a field has 1 to 255 characters, on one line").Try("the name of a variable, such as DB_PASSWORD")
	case f == nil:
		item.Fields = append(item.Fields, rinca.Field{Label: c.Label, Type: typeFor(c, value), Value: rinca.NewSecret(value.Reveal())})
		return true, nil
	}
	if c.ID != "" && c.Label != "" && c.Label != f.Label {
		f.Label, changed = c.Label, true
	}
	if value.IsSet() && value.Reveal() != f.Value.Reveal() {
		f.Value, changed = value, true
	}
	if c.Concealed != nil && *c.Concealed != concealed(f) && (f.Type == rinca.TypeString || f.Type == rinca.TypeConcealed) {
		f.Type, changed = typeFor(c, value), true
	}
	return changed, nil
}

// fieldFor returns the field that a change is about; nil for a new one.
func fieldFor(item *rinca.Item, c *rinca.VaultFieldChange) (*rinca.Field, error) {
	var found *rinca.Field
	for i := range item.Fields {
		f := &item.Fields[i]
		switch {
		case c.ID != "" && f.ID == c.ID:
			return f, nil
		case c.ID == "" && f.Label == c.Label && item.Variable(*f):
			if found != nil {
				return nil, rinca.Errorf(rinca.Conflict, "the item has two fields %s", c.Label).Try("remove one of them")
			}
			found = f
		}
	}
	if c.ID != "" {
		return nil, rinca.Errorf(rinca.NotFound, "the item has no field with the id %.60q", c.ID)
	}
	return found, nil
}

func typeFor(c *rinca.VaultFieldChange, value rinca.Secret) rinca.FieldType {
	hide := c.Recipe != "" || envfile.IsConcealed(c.Label, value.Reveal())
	if c.Concealed != nil {
		hide = *c.Concealed
	}
	if hide {
		return rinca.TypeConcealed
	}
	return rinca.TypeString
}

func made(recipe string) (rinca.Secret, error) {
	spec, err := generate.Parse(recipe)
	if err != nil {
		return rinca.Secret{}, err
	}
	if spec.Derived() {
		return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "the recipe %.40q makes no new value, but one from others", recipe).Try("generate:32, hex:32, words:5")
	}
	return spec.Make(nil)
}
