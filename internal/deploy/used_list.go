package deploy

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
	"rinca/internal/store"
	"rinca/internal/vault"
)

// SecretListOptions say what is wanted of a list of secrets.
type SecretListOptions struct {
	// Values compares the values of items with one another, by keyed digests.
	// It fetches every item that stacks use, in bulk.
	Values bool
	// Fresh asks the vault even when it was asked a moment ago.
	Fresh bool
}

// listFresh is how long what a vault has listed is taken again.
const listFresh = time.Minute

// lists keeps what the vault has listed last.
type lists struct {
	mu   sync.Mutex
	last vaultListing
}

// A vaultListing is what the vault said of its items.
type vaultListing struct {
	at     time.Time
	vaults []rinca.Vault
	items  map[string][]rinca.Info // by vault id
}

// SecretList lists the items that are exported or referred to, and the secret
// variables, with their age and what uses them. The vault is asked once, plus
// once for each vault that has changed since; when it cannot be asked, what it
// last said of exported items is taken, with a note.
func (d *Deployer) SecretList(ctx context.Context, o SecretListOptions) (rinca.SecretReport, error) {
	f := &finder{}
	if err := f.load(ctx, d); err != nil {
		return rinca.SecretReport{}, err
	}
	policy, err := d.SecretPolicy(ctx)
	if err != nil {
		return rinca.SecretReport{}, err
	}
	l := &lister{finder: f, d: d, policy: policy, now: d.Now(), at: map[[2]string]int{}}
	l.out = rinca.SecretReport{Secrets: []rinca.SecretInfo{}, Notes: f.out.Notes}
	before := d.Vault.Requests()
	listed, err := d.list(ctx, l.vaultNames(), o.Fresh)
	switch {
	case ctx.Err() != nil:
		return rinca.SecretReport{}, canceled(ctx)
	case err != nil:
		l.out.Notes = append(l.out.Notes, "the vault could not be asked; its items are as they were last exported: "+err.Error())
	default:
		l.out.At = listed.at
	}
	l.items(listed)
	l.secretVariables()
	if o.Values && err == nil {
		l.compareValues(ctx, listed)
	}
	l.judge()
	l.out.Requests = d.Vault.Requests() - before
	mask := d.Known.Masker()
	for i := range l.out.Notes {
		l.out.Notes[i] = mask.String(l.out.Notes[i])
	}
	slices.SortFunc(l.out.Secrets, func(a, b rinca.SecretInfo) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.VaultName, b.VaultName), cmp.Compare(a.Title, b.Title), cmp.Compare(a.Stack, b.Stack), cmp.Compare(a.Item, b.Item))
	})
	return l.out, nil
}

// list asks for the items of vaults, named or by id.
func (d *Deployer) list(ctx context.Context, names []string, fresh bool) (vaultListing, error) {
	if !d.Vault.Configured() {
		return vaultListing{}, rinca.Errorf(rinca.Unauthenticated, "no vault is configured")
	}
	d.lists.mu.Lock()
	defer d.lists.mu.Unlock()
	age := d.Now().Sub(d.lists.last.at)
	if have := &d.lists.last; !fresh && age >= 0 && age < listFresh && have.covers(names) {
		return *have, nil
	}
	out := vaultListing{at: d.Now().UTC(), items: map[string][]rinca.Info{}}
	err := d.Vault.use(ctx, func(p rinca.Provider) (err error) {
		if out.vaults, err = p.Vaults(ctx); err != nil {
			return err
		}
		for _, name := range names {
			v, err := vault.Pick(out.vaults, name)
			if err != nil || out.items[v.ID] != nil {
				continue // a reference to nowhere is told by the deploy that needs it
			}
			items, err := p.Items(ctx, v.ID)
			if err != nil {
				return err
			}
			out.items[v.ID] = append([]rinca.Info{}, items...)
		}
		return nil
	})
	if err == nil {
		d.lists.last = out
	}
	return out, err
}

func (l *vaultListing) covers(names []string) bool {
	for _, name := range names {
		if v, err := vault.Pick(l.vaults, name); err == nil && l.items[v.ID] == nil {
			return false
		}
	}
	return true
}

// A lister makes a list of secrets.
type lister struct {
	*finder
	d      *Deployer
	policy rinca.SecretPolicy
	now    time.Time
	out    rinca.SecretReport
	at     map[[2]string]int // by vault and item id
}

// vaultNames are the vaults that stacks and references name.
func (l *lister) vaultNames() []string {
	names := []string{l.d.Vault.Request.Vault}
	for i := range l.stacks {
		if v := l.stacks[i].Secrets.Vault; v != "" {
			names = append(names, v)
		}
	}
	for i := range l.vars {
		if ref, err := rinca.ParseSecretRef(l.vars[i].From); err == nil {
			names = append(names, ref.Vault)
		}
	}
	return sorted(names)
}

func (l *lister) put(s rinca.SecretInfo) *rinca.SecretInfo {
	key := [2]string{s.Vault, cmp.Or(s.Item, s.Title)}
	i, ok := l.at[key]
	if !ok {
		i = len(l.out.Secrets)
		l.at[key] = i
		l.out.Secrets = append(l.out.Secrets, s)
	}
	return &l.out.Secrets[i]
}

// items adds what is exported, tagged, or referred to.
func (l *lister) items(listed vaultListing) {
	fresh := map[string]rinca.Info{}
	names := map[string]string{}
	for _, v := range listed.vaults {
		names[v.ID] = v.Name
		for _, i := range listed.items[v.ID] {
			fresh[v.ID+" "+i.ID] = i
		}
	}
	info := func(vaultID, vaultName, item, title string) *rinca.SecretInfo {
		s := rinca.SecretInfo{Kind: "item", Vault: vaultID, VaultName: cmp.Or(names[vaultID], vaultName), Item: item, Title: title}
		now, known := fresh[vaultID+" "+item]
		if known {
			s.Title, s.Version, s.Tags, s.ChangedAt = now.Title, now.Version, now.Tags, now.UpdatedAt
		}
		s.Gone = !known && listed.items[vaultID] != nil
		return l.put(s)
	}
	for _, t := range l.inventory.Items {
		if !strings.HasSuffix(t.Title, rinca.EnvSuffix) {
			continue
		}
		s := info(t.Vault, t.VaultName, t.Item, t.Title)
		if s.ChangedAt.IsZero() {
			s.Version, s.ChangedAt = t.Version, t.ChangedAt
			for _, stack := range t.Stacks {
				s.Tags = append(s.Tags, rinca.StackTag+stack)
			}
		}
	}
	for _, v := range listed.vaults {
		for _, i := range listed.items[v.ID] {
			if len(i.Stacks()) > 0 && strings.HasSuffix(i.Title, rinca.EnvSuffix) {
				info(v.ID, v.Name, i.ID, i.Title)
			}
		}
	}
	for _, k := range l.inventory.Files {
		s := info(k.Vault, k.VaultName, k.Item, k.Title)
		s.Files = append(s.Files, k.Path)
		if s.ChangedAt.IsZero() {
			s.Version, s.ChangedAt = k.Version, k.ChangedAt
		}
		// An edit of a note or a tag makes no value younger.
		if !k.WrittenAt.IsZero() && k.WrittenAt.Before(s.ChangedAt) && k.Version <= s.Version {
			s.ChangedAt = k.WrittenAt
		}
		for i := range l.stacks {
			if l.readsFile(&l.stacks[i], k.Path) {
				s.Stacks = sorted(append(s.Stacks, l.stacks[i].Name))
			}
		}
	}
	l.references(listed)
}

// readsFile reports whether a service of the stack reads an exported file.
func (l *lister) readsFile(s *rinca.Stack, path string) bool {
	return slices.ContainsFunc(l.lineages[s.Name].Files, func(f rinca.LineageFile) bool {
		return len(f.Services) > 0 && sameFile(f.Path, path)
	})
}

// references adds the items that variables refer to.
func (l *lister) references(listed vaultListing) {
	for i := range l.vars {
		v := &l.vars[i]
		ref, err := rinca.ParseSecretRef(v.From)
		if v.From == "" || err != nil {
			continue
		}
		s := rinca.SecretInfo{Kind: "item", VaultName: ref.Vault, Title: ref.Item}
		if in, err := vault.Pick(listed.vaults, ref.Vault); err == nil {
			s.Vault, s.VaultName = in.ID, in.Name
			info, err := vault.PickItem(listed.items[in.ID], ref.Item)
			s.Gone = rinca.CodeOf(err) == rinca.NotFound
			if err == nil {
				s.Item, s.Title, s.Version, s.Tags, s.ChangedAt = info.ID, info.Title, info.Version, info.Tags, info.UpdatedAt
			}
		}
		at := l.put(s)
		at.Variables = sorted(append(at.Variables, v.Name))
		at.Stacks = sorted(append(at.Stacks, l.usersOf(v)...))
	}
}

func (l *lister) usersOf(v *rinca.Variable) []string {
	var out []string
	for _, stack := range l.mentions[v.Name] {
		if (v.Stack == "" || v.Stack == stack) && !l.shadowed(v, stack) {
			out = append(out, stack)
		}
	}
	return out
}

// secretVariables adds secret variables that have a value of their own.
func (l *lister) secretVariables() {
	for i := range l.vars {
		v := &l.vars[i]
		if !v.Secret || v.From != "" {
			continue
		}
		l.out.Secrets = append(l.out.Secrets, rinca.SecretInfo{
			Kind: "variable", Title: v.Name, Stack: v.Stack, Version: int64(v.Version), ChangedAt: v.UpdatedAt,
			Stacks: l.usersOf(v), Variables: []string{v.Name},
		})
	}
}

// judge applies the policy.
func (l *lister) judge() {
	most := cmp.Or(l.policy.SharedBy, rinca.DefaultSharedBy)
	for i := range l.out.Secrets {
		s := &l.out.Secrets[i]
		s.Unused = len(s.Stacks) == 0
		s.Shared = len(s.Stacks) > most
		if r, ok := l.policy.RuleFor(s); ok {
			s.MaxAge, s.Rule = r.MaxAge, r.String()
			s.Overdue = !s.Gone && !s.ChangedAt.IsZero() && l.now.Sub(s.ChangedAt) > time.Duration(r.MaxAge)
		}
	}
}

// minEqual is the length from which equal values are no coincidence.
const minEqual = 8

// compareValues finds fields of different items that hold the same value.
// Values are digested with the server's key and forgotten.
func (l *lister) compareValues(ctx context.Context, listed vaultListing) {
	type place struct {
		secret int
		field  string
	}
	same := map[string][]place{}
	add := func(i int, field string, value rinca.Secret) {
		if value.Len() < minEqual || envfile.IsPlaceholder(value.Reveal()) {
			return
		}
		sum := l.d.DB.Digest("equal values", []byte(value.Reveal()))
		same[hex.EncodeToString(sum[:16])] = append(same[hex.EncodeToString(sum[:16])], place{i, field})
	}
	err := l.d.Vault.use(ctx, func(p rinca.Provider) error {
		for _, v := range listed.vaults {
			var ids []string
			for i := range l.out.Secrets {
				if s := &l.out.Secrets[i]; s.Vault == v.ID && s.Item != "" && !s.Gone {
					ids = append(ids, s.Item)
				}
			}
			for chunk := range slices.Chunk(ids, 100) {
				items, err := p.Get(ctx, v.ID, chunk...)
				if err != nil {
					return err
				}
				for k := range items {
					for _, f := range items[k].Fields {
						if f.Type == rinca.TypeConcealed && items[k].Variable(f) {
							add(l.at[[2]string{v.ID, items[k].ID}], cmp.Or(f.Label, f.ID), f.Value)
						}
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		l.out.Notes = append(l.out.Notes, "values were not compared: "+err.Error())
		return
	}
	l.out.Values = true
	for i := range l.vars {
		v := &l.vars[i]
		at := slices.IndexFunc(l.out.Secrets, func(s rinca.SecretInfo) bool { return s.Kind == "variable" && s.Title == v.Name && s.Stack == v.Stack })
		if at >= 0 {
			add(at, "", v.Value)
		}
	}
	for _, places := range same {
		for _, p := range places {
			for _, q := range places {
				if q.secret == p.secret {
					continue
				}
				name := l.out.Secrets[q.secret].Title
				if q.field != "" {
					name += "/" + q.field
				}
				s := &l.out.Secrets[p.secret]
				s.EqualTo = sorted(append(s.EqualTo, name))
			}
		}
	}
}

const secretPolicy = "secret policy"

// SecretPolicy returns how old secrets may become.
func (d *Deployer) SecretPolicy(ctx context.Context) (rinca.SecretPolicy, error) {
	return store.SettingJSON[rinca.SecretPolicy](ctx, d.DB, secretPolicy)
}

// SetSecretPolicy keeps how old secrets may become.
func (d *Deployer) SetSecretPolicy(ctx context.Context, p rinca.SecretPolicy) error {
	if err := p.Check(); err != nil {
		return err
	}
	return store.PutSettingJSON(ctx, d.DB, secretPolicy, p)
}
