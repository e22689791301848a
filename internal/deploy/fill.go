package deploy

import (
	"context"

	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

// Fill puts the values of variables in place of [[NAME]] in a text that
// belongs to no stack, such as an address. what says in errors what it is.
func (d *Deployer) Fill(ctx context.Context, what, text string) (rinca.Secret, error) {
	names := interpolate.Names(text)
	if len(names) == 0 {
		return rinca.NewSecret(text), nil
	}
	v, err := d.loadVariables(ctx, "")
	if err != nil {
		return rinca.Secret{}, err
	}
	if err := v.resolve(ctx, d.Vault, names); err != nil {
		return rinca.Secret{}, err
	}
	out, missing, err := interpolate.Text(what, text, v.lookup)
	if err == nil && len(missing) > 0 {
		err = interpolate.Error(missing)
	}
	return out, err
}
