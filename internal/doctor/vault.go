package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rinca/internal/lint"
	"rinca/internal/rinca"
	"rinca/internal/server"
	"rinca/internal/vault"
	"rinca/internal/vault/embedded"
)

func (d *Doctor) checkProvider(context.Context) bool {
	c, err := server.Choose(d.Sources)
	if err != nil {
		return d.fail("provider", err)
	}
	d.choice = c
	return d.ok("provider", c.Name+": "+c.Reason)
}

// soon is how long before its end a token is worth a warning.
const soon = 14 * 24 * time.Hour

func (d *Doctor) checkToken(context.Context) bool {
	expires, err := server.CheckToken(d.Sources, d.choice, d.Now())
	switch {
	case err != nil:
		return d.fail("token", err)
	case expires.IsZero():
		return d.ok("token", "has the right form")
	case expires.Sub(d.Now()) < soon:
		d.warn("token", fmt.Sprintf("expires on %s", expires.Format(time.DateOnly)), "make a new token before that day")
		return true
	}
	return d.ok("token", "is good until "+expires.Format(time.DateOnly))
}

func (d *Doctor) checkAccess(ctx context.Context) bool {
	p, err := server.Open(ctx, d.Sources)
	if err != nil {
		return d.fail("access", err)
	}
	d.provider = p
	start := time.Now()
	if d.vaults, err = p.Vaults(ctx); err != nil {
		return d.fail("access", err)
	}
	if db, ok := p.(*embedded.DB); ok {
		if r, err := db.Check(ctx); err != nil {
			return d.fail("access", err)
		} else if len(r.Damage) > 0 {
			return d.problem("access", strings.Join(r.Damage, "; "), "rinca restore FILE")
		}
	}
	return d.ok("access", fmt.Sprintf("%d vaults visible, in %d ms", len(d.vaults), time.Since(start).Milliseconds()))
}

// checkClock compares our clock with the vault's: tokens and certificates are
// refused by a clock that is wrong.
func (d *Doctor) checkClock(ctx context.Context) bool {
	const mend = "timedatectl set-ntp true"
	now := d.Now()
	if now.Year() < 2026 {
		return d.problem("clock", "it is "+now.Format(time.DateOnly)+" here, which was before this program was made", mend)
	}
	if theirs, ok := server.Clock(ctx, d.Sources); ok {
		if skew := now.Sub(theirs).Abs(); skew > time.Minute {
			return d.problem("clock", fmt.Sprintf("differs from the vault's by %s", skew.Round(time.Second)), mend)
		}
		return d.ok("clock", "agrees with the vault's")
	}
	for _, v := range d.vaults {
		if v.UpdatedAt.Sub(now) > 2*time.Minute {
			return d.problem("clock", fmt.Sprintf("vault '%s' was changed %s in the future", v.Name, v.UpdatedAt.Sub(now).Round(time.Second)), mend)
		}
	}
	return d.ok("clock", now.UTC().Format(time.RFC3339)+", nothing contradicts it")
}

func (d *Doctor) checkVault(context.Context) bool {
	v, err := vault.Pick(d.vaults, d.Request.Vault)
	if err != nil {
		return d.fail("vault", err)
	}
	d.vault = v
	return d.ok("vault", fmt.Sprintf("'%s' has %d items", v.Name, v.Items))
}

// checkItems looks whether every stack has items that become files.
func (d *Doctor) checkItems(ctx context.Context) bool {
	infos, err := d.provider.Items(ctx, d.vault.ID)
	if err != nil {
		return d.fail("items", err)
	}
	d.infos = infos
	files, good := map[string]int{}, true
	for _, i := range infos {
		env := strings.HasSuffix(i.Title, ".env")
		for _, s := range i.Stacks() {
			files[s] += 0
			if env {
				files[s]++
			}
		}
		if env && len(i.Stacks()) == 0 {
			d.warn("items", fmt.Sprintf("'%s' has the title of a file and no tag of a stack", i.Title),
				fmt.Sprintf("rinca op item edit %s --vault %s --tags %sSTACK", i.ID, d.vault.ID, rinca.StackTag))
		}
	}
	var known []string
	for s := range files {
		known = append(known, s)
	}
	slices.Sort(known)
	if len(d.Request.Stacks) == 0 && len(known) == 0 {
		return d.problem("items", "no item has the tag of a stack", "rinca item create STACK/NAME.env.example")
	}
	for _, s := range d.Request.Stacks {
		if files[s] > 0 {
			continue
		}
		good = false
		mend := "rinca item create .../" + s + "/NAME.env.example, or tag an item stack:" + s
		if near := vault.Nearest(s, known); near != "" {
			mend = "is the stack '" + near + "' meant? else: " + mend
		}
		d.problem("items", "no items for stack '"+s+"': an item needs the tag stack:"+s+" and a title that ends in .env", mend)
	}
	d.missingFromStacks(known, files)
	if good {
		d.ok("items", fmt.Sprintf("%d stacks with items", len(known)))
	}
	return good
}

// missingFromStacks warns of stacks that have items and are not exported.
func (d *Doctor) missingFromStacks(known []string, files map[string]int) {
	if !d.Named {
		return
	}
	var missing []string
	for _, s := range known {
		if files[s] > 0 && !slices.Contains(d.Request.Stacks, s) {
			missing = append(missing, s)
		}
	}
	if len(missing) > 0 {
		d.warn("items", "STACKS does not name stacks that have items: "+strings.Join(missing, ", "), "add them to STACKS, or use rinca export --all")
	}
}

// checkValues looks for what should never have become a value.
func (d *Doctor) checkValues(ctx context.Context) bool {
	var ids []string
	for _, i := range d.infos {
		if !strings.HasSuffix(i.Title, ".env") {
			continue
		}
		for _, s := range i.Stacks() {
			if len(d.Request.Stacks) == 0 || slices.Contains(d.Request.Stacks, s) {
				ids = append(ids, i.ID)
				break
			}
		}
	}
	items, err := d.provider.Get(ctx, d.vault.ID, ids...)
	if err != nil {
		return d.fail("values", err)
	}
	d.items = items
	findings := lint.Check(items)
	for _, f := range findings {
		where := "'" + f.Title + "'"
		if f.Key != "" {
			where += ", " + f.Key
		}
		d.warn("values", where+": "+f.Problem, fmt.Sprintf("rinca item lint; rinca op item edit %s --vault %s", f.Item, d.vault.ID))
	}
	if len(findings) == 0 {
		d.ok("values", fmt.Sprintf("%d items, no placeholder, no duplicate name", len(items)))
	}
	return true
}
