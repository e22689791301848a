package rinca

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Age is a time that is written in days or weeks, such as "90d" or "12w".
type Age time.Duration

// maxAge is as long as a policy may allow: a hundred years.
const maxAge = Age(100 * 366 * 24 * time.Hour)

// ParseAge reads an age: a whole number with d or w, or a duration such as
// "36h". It is more than nothing.
func ParseAge(s string) (Age, error) {
	bad := Errorf(Invalid, "%.40q is no age", s).Try(`a number of days or weeks, such as "90d" or "12w"`)
	text := strings.TrimSpace(s)
	day := int64(0)
	switch {
	case strings.HasSuffix(text, "d"):
		day = 1
	case strings.HasSuffix(text, "w"):
		day = 7
	}
	var a Age
	if day > 0 {
		n, err := strconv.ParseInt(text[:len(text)-1], 10, 32)
		if err != nil || n <= 0 || n > 36600 {
			return 0, bad
		}
		a = Age(time.Duration(n*day) * 24 * time.Hour)
	} else {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, bad
		}
		a = Age(d)
	}
	if a <= 0 || a > maxAge {
		return 0, bad
	}
	return a, nil
}

// String writes the age as ParseAge reads it.
func (a Age) String() string {
	d := time.Duration(a)
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return d.String()
}

// MarshalText writes the age.
func (a Age) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads an age.
func (a *Age) UnmarshalText(text []byte) error {
	v, err := ParseAge(string(text))
	if err != nil {
		return err
	}
	*a = v
	return nil
}

// A SecretPolicy says how old secrets may become, and how many stacks may
// share one.
type SecretPolicy struct {
	Rules []AgeRule `json:"rules,omitempty"`
	// SharedBy is how many stacks may share an item without being told of; 0
	// means DefaultSharedBy.
	SharedBy  int       `json:"shared_by,omitempty"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// DefaultSharedBy is how many stacks may share an item.
const DefaultSharedBy = 5

// maxRules bounds a policy.
const maxRules = 500

// An AgeRule says how old some secrets may become: those with a tag, those of
// a name, those of a vault; all, when it says none of these.
type AgeRule struct {
	MaxAge Age    `json:"max_age"`
	Tag    string `json:"tag,omitempty"`
	Item   string `json:"item,omitempty"` // title or id; * and ? stand for what differs
	Vault  string `json:"vault,omitempty"`
}

// same reports whether two rules are about the same secrets.
func (r AgeRule) same(o AgeRule) bool {
	return strings.EqualFold(r.Tag, o.Tag) && strings.EqualFold(r.Item, o.Item) && strings.EqualFold(r.Vault, o.Vault)
}

// String says what the rule is about.
func (r AgeRule) String() string {
	var parts []string
	for _, p := range [][2]string{{"item", r.Item}, {"tag", r.Tag}, {"vault", r.Vault}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	if len(parts) == 0 {
		return "every secret"
	}
	return strings.Join(parts, ", ")
}

// weight orders rules: what names an item goes before what names a tag, and
// that before what names a vault.
func (r AgeRule) weight() int {
	n := 0
	if r.Item != "" {
		n += 4
	}
	if r.Tag != "" {
		n += 2
	}
	if r.Vault != "" {
		n++
	}
	return n
}

// Check finds what is wrong with a policy; its error has code Invalid.
func (p SecretPolicy) Check() error {
	if len(p.Rules) > maxRules {
		return Errorf(Invalid, "a policy has at most %d rules", maxRules)
	}
	if p.SharedBy < 0 || p.SharedBy > 10000 {
		return Errorf(Invalid, "shared_by is no number of stacks from 1 to 10000")
	}
	for i, r := range p.Rules {
		for _, text := range []string{r.Tag, r.Item, r.Vault} {
			if len(text) > 300 || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
				return Errorf(Invalid, "rule %d names something with more than 300 characters, or with signs that no name has", i+1)
			}
		}
		if r.MaxAge <= 0 || r.MaxAge > maxAge {
			return Errorf(Invalid, "rule %d (%s) has no max_age", i+1, r).Try(`"90d"`)
		}
		if _, err := path.Match(strings.ToLower(r.Item), "x"); err != nil {
			return Errorf(Invalid, "rule %d: %.80q is no pattern", i+1, r.Item).Try("names with * and ?")
		}
		if slices.ContainsFunc(p.Rules[:i], r.same) {
			return Errorf(Invalid, "two rules are about %s", r).Try("leave one of them out")
		}
	}
	return nil
}

// With returns the policy with a rule in place of the one about the same
// secrets, or added to it.
func (p SecretPolicy) With(r AgeRule) SecretPolicy {
	p = p.Without(r)
	p.Rules = append(p.Rules, r)
	return p
}

// Without returns the policy without the rule about the same secrets.
func (p SecretPolicy) Without(r AgeRule) SecretPolicy {
	p.Rules = slices.DeleteFunc(slices.Clone(p.Rules), r.same)
	return p
}

// RuleFor returns the rule that holds for a secret: the most specific one, and
// of those the strictest.
func (p SecretPolicy) RuleFor(s *SecretInfo) (AgeRule, bool) {
	var best AgeRule
	found := false
	for _, r := range p.Rules {
		if !r.matches(s) {
			continue
		}
		if !found || r.weight() > best.weight() || r.weight() == best.weight() && r.MaxAge < best.MaxAge {
			best, found = r, true
		}
	}
	return best, found
}

func (r AgeRule) matches(s *SecretInfo) bool {
	if r.Tag != "" && !slices.ContainsFunc(s.Tags, func(t string) bool { return strings.EqualFold(t, r.Tag) }) {
		return false
	}
	if r.Vault != "" && r.Vault != s.Vault && !strings.EqualFold(r.Vault, s.VaultName) {
		return false
	}
	if r.Item == "" {
		return true
	}
	ok, err := path.Match(strings.ToLower(r.Item), strings.ToLower(s.Title))
	return r.Item == s.Item || err == nil && ok
}

// A SecretInfo is what is known of an item, or of a secret variable that is no
// reference. It holds no value.
type SecretInfo struct {
	Kind      string   `json:"kind"`                 // "item" or "variable"
	Vault     string   `json:"vault,omitempty"`      // id
	VaultName string   `json:"vault_name,omitempty"` // "" for a variable
	Item      string   `json:"item,omitempty"`       // id
	Title     string   `json:"title"`
	Stack     string   `json:"stack,omitempty"` // that the variable belongs to
	Version   int64    `json:"version,omitempty"`
	Tags      []string `json:"tags,omitempty"`
	// ChangedAt is since when the value is at least the same: when the item
	// was last changed, or its file last differed, whichever is earlier.
	ChangedAt time.Time `json:"changed_at,omitzero"`
	Stacks    []string  `json:"stacks,omitempty"` // that use it
	Files     []string  `json:"files,omitempty"`  // that are made of it
	Variables []string  `json:"variables,omitempty"`
	// MaxAge is how old it may become, by the rule about Rule; 0 when there is
	// none.
	MaxAge  Age    `json:"max_age,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Overdue bool   `json:"overdue,omitempty"`
	Unused  bool   `json:"unused,omitempty"`         // no service is known to read it
	Shared  bool   `json:"shared_by_many,omitempty"` // more stacks than the policy allows use it
	// EqualTo are fields of other items that have the same value, as
	// "title/field"; looked for only when asked.
	EqualTo []string `json:"equal_to,omitempty"`
	Gone    bool     `json:"gone,omitempty"` // the vault has it no more
}

// A SecretReport lists the secrets that stacks use.
type SecretReport struct {
	At      time.Time    `json:"at"` // when the vault was asked; zero when it could not be
	Secrets []SecretInfo `json:"secrets"`
	// Values says that values were compared.
	Values   bool     `json:"values,omitempty"`
	Requests int      `json:"requests"`
	Notes    []string `json:"notes,omitempty"`
}
