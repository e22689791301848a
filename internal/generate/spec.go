package generate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// A Spec is a recipe that Parse has checked: how to make one value.
type Spec struct {
	text   string
	length int
	ref    Ref    // of same, bcrypt and htpasswd
	user   string // of htpasswd
	option string // behind the number
	parts  []part // of template
	kind   *kind
}

// A Ref names another variable: KEY of the same file, or FILE.env/KEY of
// another one.
type Ref struct {
	Item string // title; "" for the same
	Key  string
}

// String is the reference as recipes write it.
func (r Ref) String() string {
	if r.Item == "" {
		return r.Key
	}
	return r.Item + "/" + r.Key
}

// A kind is one sort of recipe.
type kind struct {
	name    string
	usage   string // as in a list of recipes
	help    string
	min     int // of the number behind the name, when it takes one
	max     int
	normal  int                                       // the number when none is given
	parse   func(s *Spec, args string) error          // instead of the number
	make    func(s *Spec) rinca.Secret                // a random value
	derive  func(*Spec, Lookup) (rinca.Secret, error) // a value from others
	options []string                                  // what may follow the number
}

// kinds lists the recipes. Adding one is a line here and its function.
func kinds() []*kind {
	return []*kind{
		{name: "generate", usage: "generate:32[:symbols]", help: "letters and digits, with symbols if asked", min: 8, max: 4096, normal: 32, make: makeGenerate, options: []string{"symbols"}},
		{name: "hex", usage: "hex:32", help: "that many random bytes, in hex", min: 8, max: 4096, normal: 32, make: makeHex},
		{name: "base64", usage: "base64:50", help: "that many random bytes, in base64", min: 8, max: 4096, normal: 32, make: makeBase64},
		{name: "base64url", usage: "base64url:32", help: "the same for URLs, without padding", min: 8, max: 4096, normal: 32, make: makeBase64URL},
		{name: "uuid", usage: "uuid", help: "a random UUID", make: makeUUID},
		{name: "pin", usage: "pin:6", help: "digits", min: 4, max: 64, normal: 6, make: makePIN},
		{name: "words", usage: "words:4", help: "words with dashes, 11 bits each", min: 3, max: 64, normal: 6, make: makeWords},
		{name: "rsa", usage: "rsa[:3072]", help: "an RSA private key, PKCS #8 in PEM", min: 2048, max: 8192, normal: 3072, make: makeRSA},
		{name: "ed25519", usage: "ed25519", help: "an Ed25519 private key, PKCS #8 in PEM", make: makeEd25519},
		{name: "bcrypt", usage: "bcrypt:KEY", help: "the bcrypt hash of another variable", parse: parseRefArg, derive: deriveBcrypt},
		{name: "htpasswd", usage: "htpasswd:USER:KEY", help: "a line of an htpasswd file", parse: parseHtpasswd, derive: deriveHtpasswd},
		{name: "same", usage: "same:FILE.env/KEY", help: "the value of another variable", parse: parseRefArg, derive: deriveSame},
		{name: "template", usage: "template:…${KEY}…", help: "text with other variables in it; ${KEY|url} escapes, $$ is a dollar sign", parse: parseTemplate, derive: deriveTemplate},
	}
}

// Usage lists the recipes, as "usage" and what each makes.
func Usage() [][2]string {
	var list [][2]string
	for _, k := range kinds() {
		list = append(list, [2]string{k.usage, k.help})
	}
	return list
}

// Parse reads a recipe. The error, with code Invalid, says what is wrong and
// how that recipe is written.
func Parse(text string) (*Spec, error) {
	name, args, hasArgs := strings.Cut(text, ":")
	i := slices.IndexFunc(kinds(), func(k *kind) bool { return k.name == strings.ToLower(name) })
	if i < 0 {
		var names []string
		for _, k := range kinds() {
			names = append(names, k.usage)
		}
		return nil, rinca.Errorf(rinca.Invalid, "unknown recipe %.40q", name).Try("one of %s", strings.Join(names, ", "))
	}
	k := kinds()[i]
	s := &Spec{text: text, kind: k, length: k.normal}
	var err error
	switch {
	case k.parse != nil:
		err = k.parse(s, args)
	case hasArgs && k.max == 0:
		err = fmt.Errorf("takes nothing behind its name")
	case hasArgs:
		err = s.number(args)
	}
	if err != nil {
		return nil, rinca.Errorf(rinca.Invalid, "recipe %s: %s", k.name, err).Try("%s", k.usage)
	}
	return s, nil
}

// String is the recipe as it was written.
func (s *Spec) String() string { return s.text }

// Derived reports whether the value comes from other variables, so that it
// is not a new one.
func (s *Spec) Derived() bool { return s.kind.derive != nil }

// Refs lists the variables that the value is made from.
func (s *Spec) Refs() []Ref {
	if s.ref.Key != "" {
		return []Ref{s.ref}
	}
	var refs []Ref
	for _, p := range s.parts {
		if p.ref.Key != "" {
			refs = append(refs, p.ref)
		}
	}
	return refs
}

func (s *Spec) number(args string) error {
	num, option, has := strings.Cut(args, ":")
	if has {
		if !slices.Contains(s.kind.options, option) {
			return fmt.Errorf("unknown option %.40q", option)
		}
	}
	n, err := strconv.Atoi(num)
	if err != nil {
		return fmt.Errorf("%.40q is no number", num)
	}
	if n < s.kind.min || n > s.kind.max {
		return fmt.Errorf("%d is not between %d and %d", n, s.kind.min, s.kind.max)
	}
	s.length = n
	if has {
		s.option = option
	}
	return nil
}

var itemName = lazyregexp.New(`^[^/:$\x00-\x1f]+\.env$`)

// ParseRef reads KEY or FILE.env/KEY.
func ParseRef(text string) (Ref, error) {
	r := Ref{Key: text}
	if i := strings.LastIndexByte(text, '/'); i >= 0 {
		r = Ref{Item: text[:i], Key: text[i+1:]}
		if !itemName.MatchString(r.Item) {
			return Ref{}, fmt.Errorf("%.60q is no title of an item that ends in .env", r.Item)
		}
	}
	if !envfile.ValidKey(r.Key) {
		return Ref{}, fmt.Errorf("%.60q is no name of a variable", r.Key)
	}
	return r, nil
}

func parseRefArg(s *Spec, args string) (err error) {
	s.ref, err = ParseRef(args)
	return err
}

func parseHtpasswd(s *Spec, args string) (err error) {
	user, ref, ok := strings.Cut(args, ":")
	if !ok || user == "" || strings.ContainsAny(user, " \t\r\n") {
		return fmt.Errorf("the user is missing")
	}
	s.user = user
	return parseRefArg(s, ref)
}

// A part of a template is text or a reference.
type part struct {
	text   string
	ref    Ref
	escape bool
}

func parseTemplate(s *Spec, args string) error {
	for args != "" {
		text, rest, found := strings.Cut(args, "$")
		s.parts = append(s.parts, part{text: text})
		if !found {
			break
		}
		switch {
		case strings.HasPrefix(rest, "$"):
			s.parts = append(s.parts, part{text: "$"})
			args = rest[1:]
		case strings.HasPrefix(rest, "{"):
			name, after, closed := strings.Cut(rest[1:], "}")
			if !closed {
				return fmt.Errorf("a ${ is not closed")
			}
			name, escape := strings.CutSuffix(name, "|url")
			ref, err := ParseRef(name)
			if err != nil {
				return err
			}
			s.parts = append(s.parts, part{ref: ref, escape: escape})
			args = after
		default:
			return fmt.Errorf("a lone dollar sign; write $$ for it, ${KEY} for a variable")
		}
	}
	if len(s.Refs()) == 0 {
		return fmt.Errorf("there is no ${KEY} in it")
	}
	return nil
}
