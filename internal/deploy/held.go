package deploy

import (
	"context"
	"maps"
	"slices"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// ask looks references up. Variables whose item is held keep the value that
// they have, where there is one.
func (v *variables) ask(ctx context.Context, from *Vault, refs map[rinca.SecretRef][]string) (map[rinca.SecretRef]rinca.Secret, error) {
	if v.kept == nil || len(refs) == 0 {
		return from.Resolve(ctx, slices.Collect(maps.Keys(refs)))
	}
	var got map[rinca.SecretRef]rinca.Secret
	err := from.use(ctx, func(p rinca.Provider) error {
		g := glanceAt(p)
		var wanted []rinca.SecretRef
		for ref, names := range refs {
			why, err := from.why(ctx, g, ref)
			if err != nil {
				return err
			}
			var keep map[string]rinca.Secret
			if why != "" {
				if keep, err = v.kept(ctx, names, why); err != nil {
					return err
				}
			}
			maps.Copy(v.values, keep)
			if len(keep) < len(names) {
				wanted = append(wanted, ref)
			}
		}
		var err error
		got, err = (&vault.Resolver{Provider: g, Now: from.Now}).Resolve(ctx, wanted)
		return err
	})
	return got, err
}

// why says why the item of a reference is held; "" when it is not. What is
// wrong with the reference is told when it is looked up.
func (v *Vault) why(ctx context.Context, g *glance, ref rinca.SecretRef) (string, error) {
	vaults, err := g.Vaults(ctx)
	if err != nil {
		return "", err
	}
	in, err := vault.Pick(vaults, ref.Vault)
	if err != nil {
		return "", nil //nolint:nilerr // see above
	}
	infos, err := g.known(ctx, in.ID)
	if err != nil {
		return "", err
	}
	item, err := vault.PickItem(infos, ref.Item)
	if err != nil {
		return "", nil //nolint:nilerr // see above
	}
	return v.held(in, item), nil
}

// held says why the value of an item is kept out; "" when it is not.
func (v *Vault) held(in rinca.Vault, item rinca.Info) string {
	if slices.Contains(item.Tags, rinca.HoldTag) {
		return "it is tagged " + rinca.HoldTag
	}
	if v.Request.Hold == nil {
		return ""
	}
	return v.Request.Hold(in, item)
}

// keepHeld makes variables keep the values of the last good deploy while
// their items are held.
func (j *job) keepHeld() {
	j.vars.kept = func(ctx context.Context, names []string, why string) (map[string]rinca.Secret, error) {
		g, err := j.goodGeneration(ctx, j.stack.Name)
		if rinca.CodeOf(err) == rinca.NotFound {
			return nil, nil // there is none to keep
		}
		if err != nil {
			return nil, err
		}
		out := map[string]rinca.Secret{}
		for _, name := range names {
			if old, ok := g.Variables[name]; ok {
				out[name] = rinca.NewSecret(old)
			}
		}
		if len(out) > 0 {
			j.rec.Say("⊘ Held: %s (%s)", strings.Join(slices.Sorted(maps.Keys(out)), ", "), why)
		}
		return out, nil
	}
}
