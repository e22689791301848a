package generate_test

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"rinca/internal/envfile"
	"rinca/internal/generate"
	"rinca/internal/rinca"
)

func TestPassword(t *testing.T) {
	for _, r := range []generate.Recipe{
		{},
		{Length: 3},
		{Length: 64},
		{Length: 1, Digits: true},
		{Length: 2, Letters: true, Symbols: true},
		{Length: 20, Letters: true},
		{Length: 32, Letters: true, Digits: true, Symbols: true, Exclude: "abcXYZ01.-_*"},
		{Length: 8, Digits: true, Exclude: "12345678"},
	} {
		for range 50 {
			checkPassword(t, r)
		}
	}
}

func checkPassword(t *testing.T, r generate.Recipe) {
	t.Helper()
	s, err := generate.Password(r)
	if err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	v := s.Reveal()
	all := !r.Letters && !r.Digits && !r.Symbols
	if want := r.Length; len(v) != want && (want != 0 || len(v) != 32) {
		t.Errorf("%+v: %d characters", r, len(v))
	}
	for _, set := range []struct {
		wanted bool
		chars  string
	}{{r.Letters || all, generate.Letters}, {r.Digits || all, generate.Digits}, {r.Symbols || all, generate.Symbols}} {
		if strings.ContainsAny(v, set.chars) != set.wanted {
			t.Errorf("%+v: %q, set %q wanted %v", r, v, set.chars, set.wanted)
		}
	}
	if r.Exclude != "" && strings.ContainsAny(v, r.Exclude) {
		t.Errorf("%+v: %q holds an excluded character", r, v)
	}
	if !envfile.IsBare(v) {
		t.Errorf("%q needs quotes", v)
	}
}

func TestPasswordRefuses(t *testing.T) {
	for _, r := range []generate.Recipe{
		{Length: -1}, {Length: 65}, {Length: 2}, {Digits: true, Exclude: "0123456789"}, {Length: 1, Letters: true, Digits: true},
	} {
		if _, err := generate.Password(r); rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// Each character is as likely as any other: a chi-squared test whose bound
// fails once in a billion runs.
func TestPasswordIsUnbiased(t *testing.T) {
	count := map[rune]int{}
	n := 0
	for range 3000 {
		s, err := generate.Password(generate.Recipe{Length: 64, Letters: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range s.Reveal() {
			count[c]++
			n++
		}
	}
	chi, want := 0.0, float64(n)/float64(len(generate.Letters))
	for _, c := range generate.Letters {
		chi += math.Pow(float64(count[c])-want, 2) / want
	}
	if df := float64(len(generate.Letters) - 1); chi > df+6.5*math.Sqrt(2*df)+20 {
		t.Errorf("chi² %.1f with %.0f degrees of freedom", chi, df)
	}
}

func TestRandomRecipes(t *testing.T) {
	for recipe, form := range map[string]string{
		"generate":            `^[A-Za-z0-9]{32}$`,
		"generate:8":          `^[A-Za-z0-9]{8}$`,
		"generate:100":        `^[A-Za-z0-9]{100}$`,
		"generate:40:symbols": `^[A-Za-z0-9!@._*-]{40}$`,
		"hex:32":              `^[0-9a-f]{64}$`,
		"base64:50":           `^[A-Za-z0-9+/]{67}=$`,
		"base64url:32":        `^[A-Za-z0-9_-]{43}$`,
		"uuid":                `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		"PIN:6":               `^[0-9]{6}$`,
		"words:4":             `^[a-z]+(-[a-z]+){3}$`,
	} {
		spec, err := generate.Parse(recipe)
		if err != nil {
			t.Errorf("%s: %v", recipe, err)
			continue
		}
		seen := map[string]bool{}
		for range 5 {
			v, err := spec.Make(nil)
			if err != nil || !regexp.MustCompile(form).MatchString(v.Reveal()) || seen[v.Reveal()] || !envfile.IsBare(v.Reveal()) {
				t.Errorf("%s: %q, %v", recipe, v.Reveal(), err)
			}
			seen[v.Reveal()] = true
		}
		if spec.Derived() || len(spec.Refs()) > 0 || spec.String() != recipe {
			t.Errorf("%s: %+v", recipe, spec)
		}
	}
}

func TestKeys(t *testing.T) {
	for recipe, check := range map[string]func(any) bool{
		"rsa:2048": func(k any) bool { r, ok := k.(*rsa.PrivateKey); return ok && r.N.BitLen() == 2048 },
		"ed25519":  func(k any) bool { _, ok := k.(ed25519.PrivateKey); return ok },
	} {
		spec, err := generate.Parse(recipe)
		if err != nil {
			t.Fatal(err)
		}
		v, err := spec.Make(nil)
		if err != nil {
			t.Fatal(err)
		}
		block, rest := pem.Decode([]byte(v.Reveal()))
		if block == nil || len(rest) > 0 || block.Type != "PRIVATE KEY" {
			t.Fatalf("%s: not PEM", recipe)
		}
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil || !check(key) {
			t.Errorf("%s: %T, %v", recipe, key, err)
		}
	}
}

func TestDerivedRecipes(t *testing.T) {
	lookup := func(r generate.Ref) (rinca.Secret, error) {
		switch r.String() {
		case "PW":
			return rinca.NewSecret("p w/+$"), nil
		case "postgres.env/USER":
			return rinca.NewSecret("u"), nil
		case "LONG":
			return rinca.NewSecret(strings.Repeat("x", 73)), nil
		}
		return rinca.Secret{}, rinca.Errorf(rinca.NotFound, "no %s", r)
	}
	derive := func(recipe string) (string, error) {
		spec, err := generate.Parse(recipe)
		if err != nil {
			t.Fatalf("%s: %v", recipe, err)
		}
		if !spec.Derived() || len(spec.Refs()) == 0 {
			t.Errorf("%s: derived %v, refs %v", recipe, spec.Derived(), spec.Refs())
		}
		v, err := spec.Make(lookup)
		return v.Reveal(), err
	}
	for recipe, want := range map[string]string{
		"same:PW":                "p w/+$",
		"same:postgres.env/USER": "u",
		"template:pg://${postgres.env/USER}:${PW|url}@db/$$x": "pg://u:p%20w%2F%2B%24@db/$x",
		"template:${PW}${PW}": "p w/+$p w/+$",
	} {
		if got, err := derive(recipe); err != nil || got != want {
			t.Errorf("%s: %q, %v", recipe, got, err)
		}
	}
	hash, err := derive("bcrypt:PW")
	if err != nil || bcrypt.CompareHashAndPassword([]byte(hash), []byte("p w/+$")) != nil {
		t.Errorf("bcrypt: %q, %v", hash, err)
	}
	line, err := derive("htpasswd:admin:PW")
	if hash, ok := strings.CutPrefix(line, "admin:$2y$"); err != nil || !ok || bcrypt.CompareHashAndPassword([]byte("$2a$"+hash), []byte("p w/+$")) != nil {
		t.Errorf("htpasswd: %q, %v", line, err)
	}
	for recipe, code := range map[string]rinca.Code{"same:NOPE": rinca.NotFound, "template:a${NOPE}": rinca.NotFound, "bcrypt:NOPE": rinca.NotFound, "bcrypt:LONG": rinca.Invalid} {
		if _, err := derive(recipe); rinca.CodeOf(err) != code {
			t.Errorf("%s: %v", recipe, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for recipe, want := range map[string]string{
		"":                       "unknown recipe",
		"foo:1":                  `unknown recipe "foo"`,
		"generate:x":             `"x" is no number`,
		"generate:":              `"" is no number`,
		"generate:7":             "7 is not between 8 and 4096",
		"generate:99999":         "not between",
		"generate:32:emoji":      `unknown option "emoji"`,
		"uuid:4":                 "takes nothing",
		"hex:32:symbols":         "unknown option",
		"bcrypt":                 "no name of a variable",
		"bcrypt:a b":             "no name of a variable",
		"htpasswd:admin":         "the user is missing",
		"htpasswd::PW":           "the user is missing",
		"same:x/PW":              "no title of an item",
		"same:../x.env/PW":       "no title of an item",
		"template:abc":           "there is no ${KEY}",
		"template:$PW":           "a lone dollar sign",
		"template:${PW":          "not closed",
		"template:${P W}":        "no name of a variable",
		"rsa:1024":               "not between 2048",
		"words:2":                "not between 3",
		"generate:3\x00":         "is no number",
		"template:${a/b.env/KE}": "no title",
	} {
		_, err := generate.Parse(recipe)
		if err == nil || rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(err.Error(), want) || rinca.HintOf(err) == "" {
			t.Errorf("%q: %v, try %q", recipe, err, rinca.HintOf(err))
		}
	}
}

func TestUsageParses(t *testing.T) {
	for _, u := range generate.Usage() {
		example := strings.NewReplacer("[", "", "]", "", "…", "", "USER", "admin").Replace(u[0])
		if _, err := generate.Parse(example); err != nil {
			t.Errorf("%s: %v", example, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, u := range generate.Usage() {
		f.Add(u[0])
	}
	f.Add("template:${a.env/B|url}$$")
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := generate.Parse(text)
		if err != nil {
			return
		}
		for _, r := range spec.Refs() {
			if again, err := generate.ParseRef(r.String()); err != nil || again != r {
				t.Errorf("%q: reference %q reads as %q, %v", text, r, again, err)
			}
		}
		if strings.HasPrefix(text, "rsa") || strings.HasPrefix(text, "bcrypt") || strings.HasPrefix(text, "htpasswd") {
			return
		}
		v, err := spec.Make(func(generate.Ref) (rinca.Secret, error) { return rinca.NewSecret("x"), nil })
		if err != nil || v.IsEmpty() {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func ExamplePassword() {
	v, err := generate.Password(generate.Recipe{Length: 20, Letters: true, Digits: true, Exclude: "O0Il1"})
	fmt.Println(v, v.Len(), err)
	// Output: [secret] 20 <nil>
}

func TestWordListIsWhole(t *testing.T) {
	spec, err := generate.Parse("words:64")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 1000 {
		v, _ := spec.Make(nil)
		for w := range strings.SplitSeq(v.Reveal(), "-") {
			seen[w] = true
		}
	}
	if len(seen) != 2048 {
		t.Errorf("%d different words in 64,000 drawn", len(seen))
	}
}
