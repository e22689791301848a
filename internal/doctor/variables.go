package doctor

import (
	"context"
	"fmt"

	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// checkVariables names the secret variables whose values are not masked where
// they appear. A home without a server's database has none.
func (d *Doctor) checkVariables(ctx context.Context) bool {
	from := d.Sources.Embedded
	if !store.Exists(from.Dir) {
		return true
	}
	db, err := store.Open(ctx, store.Config{Dir: from.Dir, Keys: from.Keys, Now: from.Now})
	if err != nil {
		return d.fail("variables", err)
	}
	defer db.Close()
	all, err := db.Variables(ctx)
	if err != nil {
		return d.fail("variables", err)
	}
	masked, good := 0, true
	for i := range all {
		v := &all[i]
		if !v.Secret || v.Value.IsEmpty() {
			continue
		}
		why := redact.Unmaskable(v.Value.Reveal())
		if why == "" {
			masked++
			continue
		}
		good = false
		d.warn("variables", fmt.Sprintf("%s: %s, so it is not masked in logs", v.Target().Name, why), "choose a longer value: "+setVariable(v))
	}
	if good {
		d.ok("variables", fmt.Sprintf("%d secret variables are masked wherever they appear", masked))
	}
	return true
}

func setVariable(v *rinca.Variable) string {
	if v.Stack == "" {
		return "rinca variable set " + v.Name
	}
	return "rinca variable set " + v.Name + " --stack " + v.Stack
}
