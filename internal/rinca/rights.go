package rinca

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Limits of the rights of one user, group or key.
const (
	maxPattern     = 500
	maxPermissions = 1000
)

// Check reports the first thing in the rights that cannot be meant: a kind
// that does not exist, an extra right that does not exist or comes with no
// level, a pattern that is none. Code Invalid.
func (r Rights) Check() error { return r.check(Kinds()) }

// CheckScope is Check for the scope of an API key, which may also name the
// System.
func (r Rights) CheckScope() error { return r.check(append(Kinds(), KindSystem)) }

func (r Rights) check(kinds []Kind) error {
	for k, g := range r.All {
		if err := checkKind(k, kinds); err != nil {
			return err
		}
		if err := g.Check(); err != nil {
			return Errorf(Invalid, "all.%s: %w", k, err).Because(err)
		}
	}
	if len(r.Permissions) > maxPermissions {
		return Errorf(Invalid, "more than %d permissions", maxPermissions).Try("say it with patterns: media-*")
	}
	for i, p := range r.Permissions {
		if err := checkKind(p.Target.Kind, kinds); err != nil {
			return Errorf(Invalid, "permission %d: %w", i+1, err).Because(err)
		}
		if err := CheckPattern(p.Target.Name); err != nil {
			return Errorf(Invalid, "permission %d: %w", i+1, err).Because(err)
		}
		if err := p.Grant.Check(); err != nil {
			return Errorf(Invalid, "permission %d: %w", i+1, err).Because(err)
		}
	}
	return nil
}

func checkKind(k Kind, kinds []Kind) error {
	if slices.Contains(kinds, k) {
		return nil
	}
	names := make([]string, len(kinds))
	for i, known := range kinds {
		names[i] = string(known)
		if strings.EqualFold(names[i], string(k)) {
			return Errorf(Invalid, "%.40q is no kind of resource", string(k)).Try("%s, with this case", known)
		}
	}
	return Errorf(Invalid, "%.40q is no kind of resource", string(k)).Try("%s", strings.Join(names, ", "))
}

// Check reports an extra right that does not exist, or that comes without a
// level and so gives nothing.
func (g Grant) Check() error {
	if g.Level < None || g.Level > Write {
		return Errorf(Invalid, "%d is no permission level", int(g.Level)).Try("None, Read, Execute or Write")
	}
	for _, s := range g.Specific {
		if s != Reveal {
			return Errorf(Invalid, "there is no extra right %.40q", s).Try("%s is the only one", Reveal)
		}
		if g.Level == None {
			return Errorf(Invalid, "%s needs at least the level Read", s).Try(`{ level = "Read", specific = ["Reveal"] }`)
		}
	}
	return nil
}

// CheckPattern reports a name or pattern that could never match, or that is
// too long, or a regular expression that is none.
func CheckPattern(pattern string) error {
	_, err := compilePattern(pattern)
	return err
}

// compilePattern makes the function that tells whether a name matches.
func compilePattern(pattern string) (func(name string) bool, error) {
	switch {
	case pattern == "":
		return nil, Errorf(Invalid, "the name of the resource is missing").Try(`a name, or a pattern such as "media-*"`)
	case len(pattern) > maxPattern:
		return nil, Errorf(Invalid, "a pattern has at most %d bytes", maxPattern)
	case isRegexp(pattern):
		re, err := regexp.Compile(pattern[1 : len(pattern)-1])
		if err != nil {
			return nil, Errorf(Invalid, "%.80q is no regular expression", pattern).Because(err).Try(`such as '\^media-(a|b)$\'`)
		}
		return re.MatchString, nil
	case strings.ContainsAny(pattern, "*?"):
		return func(name string) bool { return wildcard(pattern, name) }, nil
	}
	return func(name string) bool { return name == pattern }, nil
}

func isRegexp(pattern string) bool {
	return len(pattern) > 2 && pattern[0] == '\\' && pattern[len(pattern)-1] == '\\'
}

// wildcard matches * with any text and ? with any one character; every other
// character stands for itself. Its time is bounded by the product of both
// lengths.
func wildcard(pattern, name string) bool {
	p, n := []rune(pattern), []rune(name)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(n) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == n[j]):
			i++
			j++
		case star >= 0: // let the last star take one more
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// prepared is the rights of an identity in a form that answers fast.
type prepared struct{ rights, scope matcher }

// A matcher answers for one set of rights without compiling or allocating,
// unless a grant by name and one by pattern have to be joined.
type matcher map[Kind]*kindMatcher

type kindMatcher struct {
	all      Grant
	named    map[string]Grant
	patterns []patternGrant
}

type patternGrant struct {
	match func(string) bool
	grant Grant
}

// Prepare makes On fast, for an identity that is asked often. Neither Rights
// nor Scope may be changed afterwards.
func (id *Identity) Prepare() {
	p := &prepared{rights: matcher{}, scope: matcher{}}
	for _, r := range id.Rights {
		p.rights.add(r)
	}
	if id.Scope != nil {
		p.scope.add(*id.Scope)
	}
	id.prepared = p
}

func (m matcher) of(k Kind) *kindMatcher {
	if m[k] == nil {
		m[k] = &kindMatcher{named: map[string]Grant{}}
	}
	return m[k]
}

func (m matcher) add(r Rights) {
	for k, g := range r.All {
		of := m.of(k)
		of.all = of.all.Join(g)
	}
	for _, p := range r.Permissions {
		match, err := compilePattern(p.Target.Name)
		if err != nil || p.Level <= None {
			continue
		}
		of := m.of(p.Target.Kind)
		if name := p.Target.Name; !isRegexp(name) && !strings.ContainsAny(name, "*?") {
			of.named[name] = of.named[name].Join(p.Grant)
			continue
		}
		of.patterns = append(of.patterns, patternGrant{match, p.Grant})
	}
}

func (m matcher) on(t Target) Grant {
	of := m[t.Kind]
	if of == nil {
		return Grant{}
	}
	g := of.all
	if named, ok := of.named[t.Name]; ok {
		g = g.Join(named)
	}
	for _, p := range of.patterns {
		// Nothing to gain: not asked.
		if (g.Level < p.grant.Level || p.grant.Reveals() && !g.Reveals()) && p.match(t.Name) {
			g = g.Join(p.grant)
		}
	}
	return g
}

// UnmarshalJSON reads a level, such as "Execute", or an object of level and
// specific.
func (g *Grant) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		var l Level
		if err := json.Unmarshal(data, &l); err != nil {
			return err
		}
		*g = Grant{Level: l}
		return nil
	}
	var plain struct {
		Level    Level    `json:"level"`
		Specific []string `json:"specific"`
	}
	if err := strictJSON(data, &plain); err != nil {
		return err
	}
	*g = Grant{Level: plain.Level, Specific: plain.Specific}
	return nil
}

// UnmarshalJSON reads a permission; without it the one of Grant would be used.
func (p *Permission) UnmarshalJSON(data []byte) error {
	var plain struct {
		Target   Target   `json:"target"`
		Level    Level    `json:"level"`
		Specific []string `json:"specific"`
	}
	if err := strictJSON(data, &plain); err != nil {
		return err
	}
	*p = Permission{Target: plain.Target, Grant: Grant{Level: plain.Level, Specific: plain.Specific}}
	return nil
}

func strictJSON(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}
