package draft

import (
	"context"
	"slices"
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/generate"
	"rinca/internal/rinca"
)

// Load fetches from a vault what Compare compares with: the env items of the
// files' stacks, and untagged ones with the files' titles. It costs two
// requests, or one when there are none.
func Load(ctx context.Context, p rinca.Provider, vaultID string, files []File) ([]rinca.Item, error) {
	infos, err := p.Items(ctx, vaultID)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, i := range infos {
		if !strings.HasSuffix(i.Title, rinca.EnvSuffix) || i.State != rinca.Active {
			continue
		}
		if slices.ContainsFunc(files, func(f File) bool {
			return slices.Contains(i.Stacks(), f.Stack) || len(i.Stacks()) == 0 && i.Title == f.Title
		}) {
			ids = append(ids, i.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return p.Get(ctx, vaultID, ids...)
}

// Compare compares examples with the items that a vault has. Every field of the
// result that the vault has a value for keeps it. Two examples for one item,
// two items for one example, and recipes in comments that cannot be read are
// errors.
func Compare(files []File, have []rinca.Item) (*Draft, error) {
	d := &Draft{vault: have}
	var problems []string
	for _, f := range files {
		for _, other := range d.Items {
			if other.File.Stack == f.Stack && other.File.Title == f.Title {
				return nil, rinca.Errorf(rinca.Conflict, "%s and %s are both the item %s of stack %s", other.File.Path, f.Path, f.Title, f.Stack).Try("--title for one of them, in a call of its own")
			}
		}
		it, err := d.item(f)
		if err != nil {
			return nil, err
		}
		d.Items = append(d.Items, it)
	}
	for _, it := range d.Items {
		problems = append(problems, d.recipes(it)...)
	}
	if len(problems) > 0 {
		return nil, rinca.Errorf(rinca.Invalid, "%s", strings.Join(problems, "\n"))
	}
	return d, nil
}

// item compares one example with its item.
func (d *Draft) item(f File) (*Item, error) {
	it := &Item{File: f, optional: map[string]*Field{}}
	var err error
	if it.Existing, err = d.find(f.Stack, f.Title); err != nil {
		return nil, err
	}
	for i := range f.Entries {
		e := &f.Entries[i]
		field := it.field(e)
		stored, err := it.storedField(e.Key)
		if err != nil {
			return nil, err
		}
		field.keep(stored)
		switch {
		case !e.Optional:
			it.Fields = append(it.Fields, field)
			delete(it.optional, e.Key)
		case it.Field(e.Key) == nil:
			it.optional[e.Key] = field
		}
	}
	it.noteKept()
	return it, nil
}

// find returns the vault's item of that title: one of the stack, else one of
// no stack.
func (d *Draft) find(stack, title string) (*rinca.Item, error) {
	var tagged, free []*rinca.Item
	for i := range d.vault {
		it := &d.vault[i]
		switch {
		case it.Title != title:
		case slices.Contains(it.Stacks(), stack):
			tagged = append(tagged, it)
		case len(it.Stacks()) == 0:
			free = append(free, it)
		}
	}
	if len(tagged) == 0 {
		tagged = free
	}
	switch len(tagged) {
	case 0:
		return nil, nil
	case 1:
		return tagged[0], nil
	}
	ids := make([]string, len(tagged))
	for i, it := range tagged {
		ids[i] = it.ID
	}
	return nil, rinca.Errorf(rinca.Conflict, "%d items have the title %s for stack %s: %s", len(ids), title, stack, strings.Join(ids, ", ")).
		Try("rename or delete all but one of them")
}

// field reads an entry of the example.
func (it *Item) field(e *envfile.Entry) *Field {
	f := &Field{Key: e.Key, Line: e.Line, Comment: e.Comment, Hint: e.Hint(), item: it}
	f.Concealed = f.Hint.Concealed
	if len(e.Refs) > 0 {
		f.template, _ = e.Template()
		return f
	}
	value := e.Value.Reveal()
	if !f.Hint.Placeholder && (value != "" || !f.Concealed) {
		f.Default = rinca.NewSecret(value)
	}
	return f
}

// storedField is the vault's field for a variable, or nil.
func (it *Item) storedField(key string) (*rinca.Field, error) {
	if it.Existing == nil {
		return nil, nil
	}
	var found *rinca.Field
	for i := range it.Existing.Fields {
		f := &it.Existing.Fields[i]
		if f.Label != key || !it.Existing.Variable(*f) {
			continue
		}
		if found != nil {
			return nil, rinca.Errorf(rinca.Conflict, "the item %s has two fields %s (item %s)", it.File.Title, key, it.Existing.ID).Try("delete one of them in the vault")
		}
		found = f
	}
	return found, nil
}

// keep takes over the vault's value, unless that is a placeholder.
func (f *Field) keep(stored *rinca.Field) {
	if stored == nil {
		return
	}
	f.stored = stored
	f.Concealed = stored.Type != rinca.TypeString && stored.Type != rinca.TypeURL && stored.Type != rinca.TypeEmail
	if envfile.IsPlaceholder(stored.Value.Reveal()) {
		f.Missing = "the vault has a placeholder"
		return
	}
	f.Value, f.Origin = stored.Value, Vault
}

// noteKept lists the variables that only the vault has.
func (it *Item) noteKept() {
	if it.Existing == nil {
		return
	}
	for _, f := range it.Existing.Fields {
		if it.Existing.Variable(f) && it.Field(f.Label) == nil && f.Label != "" {
			it.Kept = append(it.Kept, f.Label)
		}
	}
}

// recipes finds out how each open field could be made. It runs when all items
// are known, because comments refer to other files.
func (d *Draft) recipes(it *Item) (problems []string) {
	for _, f := range it.Fields {
		if err := d.recipe(f); err != nil {
			problems = append(problems, at(it.File.Path, f.Line, "%s: %s", f.Key, err))
		}
	}
	for _, f := range it.optional {
		_ = d.recipe(f) // it matters only if somebody gives the variable
	}
	return problems
}

func (d *Draft) recipe(f *Field) (err error) {
	h := f.Hint
	switch {
	case h.Recipe != "":
		f.Recipe, err = generate.Parse(h.Recipe)
		return err
	case h.SameKey != "" || h.SameFile != "":
		return d.same(f)
	case f.template != "":
		f.Recipe, err = generate.Parse("template:" + f.template)
		return err
	case h.Given:
	case h.ExactLength >= 8:
		f.Recipe, err = generate.Parse(numbered("generate", h.ExactLength))
	case f.Concealed && h.Placeholder && h.ExactLength == 0:
		f.Recipe, err = generate.Parse(numbered("generate", max(32, h.MinLength)))
	}
	return err
}
