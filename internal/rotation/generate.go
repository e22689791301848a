package rotation

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"rinca/internal/generate"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// WatchTrigger is the trigger of rotations that nobody asked for.
const WatchTrigger = "watch"

// A generated is a new value for a field, and the old one, kept until the new
// one is verified.
type generated struct {
	Ref   string `json:"ref"`
	Vault string `json:"vault"`
	Item  string `json:"item"`
	Title string `json:"title"`
	Field string `json:"field"` // id
	Label string `json:"label"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// planGenerate says what new values would reach.
func (r *Rotator) planGenerate(ctx context.Context, p Params) (rinca.Rotation, error) {
	out := rinca.Rotation{State: rinca.RotationPlanned}
	if _, err := recipe(p.Recipe, ""); err != nil {
		return out, err
	}
	stacks := map[string][]rinca.SecretUse{}
	for _, text := range p.Generate {
		ref, err := rinca.ParseSecretRef(text)
		if err != nil {
			return out, err
		}
		used, err := r.Deploy.SecretUses(ctx, text)
		if err != nil {
			return out, err
		}
		item := rinca.RotatedItem{VaultName: ref.Vault, Title: ref.Item, Keys: []string{ref.Field}, Generated: []string{ref.Field}}
		for _, i := range used.Items {
			item.Vault, item.VaultName, item.Item, item.Title, item.Version = i.Vault, i.VaultName, i.Item, i.Title, i.Version
		}
		for _, u := range used.Uses {
			stacks[u.Stack] = append(stacks[u.Stack], u)
			item.Stacks = sortedNames(append(item.Stacks, u.Stack))
		}
		out.Items = append(out.Items, item)
	}
	all, err := r.DB.Stacks(ctx)
	if err != nil {
		return out, err
	}
	var pl planned
	for i := range all {
		uses := stacks[all[i].Name]
		if len(uses) == 0 {
			continue
		}
		s := rinca.RotatedStack{Stack: all[i].Name, Server: all[i].ServerName(), State: rinca.Queued, CanRollBack: true}
		for _, u := range uses {
			if u.Service != "" && !slices.ContainsFunc(s.Services, func(p rinca.ServicePlan) bool { return p.Service == u.Service }) {
				s.Services = append(s.Services, rinca.ServicePlan{Service: u.Service, Change: rinca.Recreate, Reasons: []rinca.Reason{{Kind: u.Via, Names: []string{u.Field}}}})
			}
		}
		pl.stacks = append(pl.stacks, s)
	}
	if err := pl.order(all); err != nil {
		return out, err
	}
	out.Stacks, out.Waves = pl.stacks, pl.waves
	out.Summary = summaryOf(out)
	return out, nil
}

// recipe returns how to make a value: as asked for, or like the one before.
func recipe(text, old string) (*generate.Spec, error) {
	if text == "" {
		text = "generate:32"
		if n := len(old); n >= 16 && n <= 128 {
			text = "generate:" + strconv.Itoa(n)
		}
	}
	s, err := generate.Parse(text)
	if err != nil {
		return nil, err
	}
	if s.Derived() {
		return nil, rinca.Errorf(rinca.Invalid, "the recipe %.40q makes no new value, but one from others", text).Try("generate:32, hex:32, words:5")
	}
	return s, nil
}

// generate makes the new values. Each is written down, sealed, with the old
// one before the vault gets it, so that nothing is lost when the server ends.
func (x *run) generate(ctx context.Context) error {
	return x.rec.Stage(ctx, "Generate", func(ctx context.Context) (string, error) {
		err := x.Deploy.Vault.Use(ctx, func(p rinca.Provider) error {
			w, ok := p.(rinca.Writer)
			if !ok {
				return rinca.Errorf(rinca.Invalid, "this vault cannot be written by rinca").
					Try("change the value in 1Password; then: rinca rotate --now")
			}
			if len(x.j.Generated) == 0 {
				if err := x.makeValues(ctx, w); err != nil {
					return err
				}
			}
			for _, g := range x.j.Generated {
				if err := setField(ctx, w, g, g.New); err != nil {
					return err
				}
			}
			return nil
		})
		return count(len(x.j.Generated), "new value"), err
	})
}

func (x *run) makeValues(ctx context.Context, w rinca.Writer) error {
	var list []generated
	for _, text := range x.p.Generate {
		ref, err := rinca.ParseSecretRef(text)
		if err != nil {
			return err
		}
		g, err := x.makeValue(ctx, w, ref)
		if err != nil {
			return err
		}
		g.Ref = text
		list = append(list, g)
	}
	return x.save(ctx, func() {
		x.j.Generated = list
		x.rot.StartedAt = x.Now().UTC()
	})
}

func (x *run) makeValue(ctx context.Context, w rinca.Writer, ref rinca.SecretRef) (generated, error) {
	v, err := vault.Find(ctx, w, ref.Vault)
	if err != nil {
		return generated{}, err
	}
	info, err := vault.FindItem(ctx, w, v.ID, ref.Item)
	if err != nil {
		return generated{}, err
	}
	items, err := w.Get(ctx, v.ID, info.ID)
	if err != nil {
		return generated{}, err
	}
	item := items[0]
	f := fieldOf(&item, ref)
	if f == nil {
		return generated{}, rinca.Errorf(rinca.NotFound, "%s has no field %.60q", item.Title, ref.Field).Try("rinca item show %s", item.Title)
	}
	spec, err := recipe(x.p.Recipe, f.Value.Reveal())
	if err != nil {
		return generated{}, err
	}
	value, err := spec.Make(nil)
	if err != nil {
		return generated{}, err
	}
	return generated{Vault: v.ID, Item: item.ID, Title: item.Title, Field: f.ID, Label: f.Label, Old: f.Value.Reveal(), New: value.Reveal()}, nil
}

func fieldOf(item *rinca.Item, ref rinca.SecretRef) *rinca.Field {
	for i := range item.Fields {
		f := &item.Fields[i]
		section, _ := item.Section(f.SectionID)
		if f.ID != ref.Field && !strings.EqualFold(f.Label, ref.Field) {
			continue
		}
		if ref.Section != "" && f.SectionID != ref.Section && !strings.EqualFold(section.Label, ref.Section) {
			continue
		}
		return f
	}
	return nil
}

// setField writes a value to the vault, unless it is there already.
func setField(ctx context.Context, w rinca.Writer, g generated, value string) error {
	items, err := w.Get(ctx, g.Vault, g.Item)
	if err != nil {
		return err
	}
	item := items[0]
	for i := range item.Fields {
		if item.Fields[i].ID != g.Field {
			continue
		}
		now := item.Fields[i].Value.Reveal()
		if now == value {
			return nil
		}
		if now != g.Old && now != g.New {
			return rinca.Errorf(rinca.Conflict, "somebody else has changed %s of %s meanwhile; it is left as it is", g.Label, g.Title)
		}
		item.Fields[i].Value = rinca.NewSecret(value)
		_, err = w.Update(ctx, item)
		return err
	}
	return rinca.Errorf(rinca.NotFound, "the field %s of %s is gone", g.Label, g.Title)
}

// ungenerate gives the vault the old values back.
func (x *run) ungenerate(ctx context.Context) error {
	if len(x.j.Generated) == 0 {
		return nil
	}
	return x.Deploy.Vault.Use(ctx, func(p rinca.Provider) error {
		w, ok := p.(rinca.Writer)
		if !ok {
			return rinca.Errorf(rinca.Invalid, "the vault cannot be written any more")
		}
		for _, g := range x.j.Generated {
			if err := setField(ctx, w, g, g.Old); err != nil {
				return rinca.Errorf(rinca.CodeOf(err), "the old value of %s in the vault: %w", g.Ref, err)
			}
			x.rec.Say("✓ the vault has the old value of %s again", g.Ref)
		}
		return nil
	})
}

func generatedItems(list []generated) []string {
	var out []string
	for _, g := range list {
		out = append(out, rinca.RefScheme+g.Vault+"/"+g.Item)
	}
	return sortedNames(out)
}

func markGenerated(items []rinca.RotatedItem, list []generated) {
	for _, g := range list {
		for i := range items {
			if items[i].Vault == g.Vault && items[i].Item == g.Item {
				items[i].Generated = append(items[i].Generated, g.Label)
			}
		}
	}
}
