package lint

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"rinca/internal/envfile"
	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// minLength and minBits are what a secret needs at least.
const (
	minLength = 12
	minBits   = 40
)

// common are passwords that are tried first, in lower case and without the
// digits and signs that people add at the ends.
var common = strings.Fields(`
	password passwort passwd pass admin administrator root toor user guest test testing demo default login welcome letmein
	qwerty qwertz qwertyuiop azerty asdf asdfgh asdfghjkl zxcvbn zxcvbnm iloveyou monkey dragon master shadow sunshine princess
	football baseball superman batman trustno secret secrets supersecret topsecret mysecret changeme change changeit temp
	temporary postgres postgresql mysql mariadb redis mongo mongodb docker portainer grafana authentik homelab server database
	abc abcd abcdef abcdefg aaaaaa abcabc hello hunter access whatever starwars computer internet company summer winter spring
	autumn sommer january february march april june july august september october november december monday friday
	minio minioadmin rabbitmq elastic nextcloud wordpress jellyfin synology truenas raspberry ubuntu debian vagrant ansible
`)

var (
	notSecret = lazyregexp.New(`(?i)^(true|false|yes|no|on|off|none|/.*|[a-z][a-z0-9+.-]*://[^@]*)$`)
	ornament  = lazyregexp.New(`^[\d\W_]+|[\d\W_]+$`)
)

// weakness says why a value is easily guessed; "" when it is not, or when its
// variable needs no secret.
func weakness(key, value string, it *rinca.Item) string {
	if value == "" || !envfile.IsSecretName(key) || notSecret.MatchString(value) || strings.Contains(strings.ToUpper(key), "PIN") {
		return ""
	}
	word := strings.ToLower(ornament.ReplaceAllString(value, ""))
	switch {
	case slices.Contains(common, word):
		return "one of the passwords that are tried first"
	case len(word) > 3 && len(value) < 2*minLength && slices.Contains(names(key, it), word):
		return "the name of something, which is tried first"
	case len(value) < minLength:
		return "shorter than 12 characters"
	case bits(value) < minBits:
		return "easily guessed: few different characters, or a sequence"
	}
	return ""
}

// names lists what the value must not be: names of the item, of its stacks,
// and the plain values beside it, such as the user's name.
func names(key string, it *rinca.Item) []string {
	list := []string{strings.ToLower(key), strings.TrimSuffix(strings.ToLower(it.Title), rinca.EnvSuffix)}
	for _, s := range it.Stacks() {
		list = append(list, strings.ToLower(s))
	}
	for _, f := range it.Fields {
		if f.Type == rinca.TypeString && it.Variable(f) && f.Label != key {
			list = append(list, strings.ToLower(f.Value.Reveal()))
		}
	}
	return list
}

// bits estimates how hard a value is to guess: the size of its alphabet, for
// every character that neither repeats nor continues the one before it.
func bits(value string) float64 {
	var lower, upper, digit, other bool
	runs, last, step := 0, rune(0), rune(0)
	seen := map[rune]bool{}
	for _, r := range value {
		lower, upper = lower || unicode.IsLower(r), upper || unicode.IsUpper(r)
		digit = digit || unicode.IsDigit(r)
		other = other || !unicode.IsLower(r) && !unicode.IsUpper(r) && !unicode.IsDigit(r)
		d := r - last
		if d != step || d < -1 || d > 1 {
			runs++
		}
		last, step = r, d
		seen[r] = true
	}
	size := 0.0
	for _, class := range []struct {
		used bool
		size float64
	}{{lower, 26}, {upper, 26}, {digit, 10}, {other, 20}} {
		if class.used {
			size += class.size
		}
	}
	// Few different characters are a small alphabet, whatever their classes.
	perChar := math.Min(math.Log2(size), math.Log2(float64(len(seen)))+1)
	return float64(runs) * perChar
}
