package envfile

import (
	"strconv"
	"strings"

	"rinca/internal/lazyregexp"
)

// A Hint is what an entry of a .env.example file tells about the value that
// belongs there.
type Hint struct {
	// Recipe is how to make the value, in the language of package generate:
	// "base64:50". "" when nothing tells.
	Recipe string
	// MinLength is the least number of characters; 0 when nothing tells.
	MinLength int
	// ExactLength is the number of characters, when it is fixed.
	ExactLength int
	// Concealed reports a value that must not be shown; so is every value
	// that nothing says is harmless.
	Concealed bool
	// Given reports a value that only somebody else can make, such as the
	// token of a service or the address of a server: it is not generated.
	Given bool
	// Placeholder reports that the example's value has to be replaced.
	Placeholder bool
	// SameFile and SameKey name the variable whose value this one must have:
	// "must match postgres.env", "same as POSTGRES_PASSWORD in postgres.env".
	// Either may be "".
	SameFile, SameKey string
}

// Hint reads an entry's value and the comments around it. A comment line
// "rinca: RECIPE" is a recipe, "rinca: text" and "rinca: concealed" say
// whether the value may be shown, "rinca: given" that it is not to be
// generated; they win over everything guessed.
func (e *Entry) Hint() Hint {
	value := e.Value.Reveal()
	comments := strings.Trim(e.Comment+"\n"+e.Trailing, "\n")
	h := Hint{
		Placeholder: IsPlaceholder(value),
		Concealed:   IsConcealed(e.Key, value),
	}
	h.Given = h.Placeholder && address.MatchString(value)
	h.MinLength = firstNumber(minLength, value+"\n"+comments)
	h.ExactLength = firstNumber(exactLength, comments)
	for _, c := range commentRecipes {
		if m := c.re.FindStringSubmatch(comments); m != nil {
			h.Recipe = c.recipe
			if len(m) > 1 {
				h.Recipe += ":" + m[1]
			}
			h.Concealed = true
			break
		}
	}
	h.SameFile, h.SameKey = sameAs(comments, e.Key)
	if h.SameFile != "" || h.SameKey != "" {
		h.Recipe = ""
	}
	h.obey(comments)
	return h
}

// address is the placeholder of a URL, an e-mail address or a domain.
var address = lazyregexp.New(`@|://|(?i)example\.(com|org|net)`)

var directive = lazyregexp.New(`(?mi)^rinca:[ \t]*(\S.*?)[ \t]*$`)

// obey takes what is said to us in so many words.
func (h *Hint) obey(comments string) {
	for _, m := range directive.FindAllStringSubmatch(comments, -1) {
		switch word := m[1]; strings.ToLower(word) {
		case "text", "string":
			h.Concealed = false
		case "concealed":
			h.Concealed = true
		case "given":
			h.Given, h.Recipe = true, ""
		default:
			h.Recipe, h.SameFile, h.SameKey = word, "", ""
		}
	}
}

// commentRecipes are commands that people write into comments, and the
// recipes that do the same. The first number found is the recipe's.
var commentRecipes = []struct {
	re     *lazyregexp.Regexp
	recipe string
}{
	{lazyregexp.New(`(?i)openssl rand\s+-base64\s+(\d{1,4})`), "base64"},
	{lazyregexp.New(`(?i)openssl rand\s+-hex\s+(\d{1,4})`), "hex"},
	{lazyregexp.New(`(?i)token_urlsafe\((\d{1,4})\)`), "base64url"},
	{lazyregexp.New(`(?i)token_hex\((\d{1,4})\)`), "hex"},
	{lazyregexp.New(`(?i)head -c\s*(\d{1,4})\s+/dev/u?random\s*\|\s*base64`), "base64"},
	{lazyregexp.New(`(?i)/dev/u?random.*\|\s*head -c\s*(\d{1,4})`), "generate"},
	{lazyregexp.New(`(?i)\bpwgen\s+(?:-\S+\s+)*(\d{1,4})`), "generate"},
	{lazyregexp.New(`(?i)\buuidgen\b|\buuid4\(|\brandom uuid\b`), "uuid"},
	{lazyregexp.New(`(?i)ssh-keygen\s.*-t\s+ed25519|genpkey\s.*ed25519`), "ed25519"},
	{lazyregexp.New(`(?i)openssl genrsa|genpkey\s.*-algorithm\s+rsa|ssh-keygen\s.*-t\s+rsa`), "rsa"},
}

var (
	minLength   = lazyregexp.New(`(?i)min(?:imum)?(?: of| length)?[-_ :]*(\d{1,3})|at least (\d{1,3})[- ]?char|(\d{1,3})[-+ ]+char(?:acter)?s? (?:or (?:more|longer)|min)`)
	exactLength = lazyregexp.New(`(?i)(?:exactly|must be) (\d{1,3})[- ]char|exactly (\d{1,3})[- ](?:letters|digits|bytes)`)
)

func firstNumber(re *lazyregexp.Regexp, s string) int {
	for _, m := range re.FindStringSubmatch(s) {
		if n, err := strconv.Atoi(m); err == nil {
			return n
		}
	}
	return 0
}

var (
	sameRemark = lazyregexp.New(`(?i)\b(?:must (?:match|equal|be the same as)|same (?:value )?as|identical to)\b(.*)`)
	envName    = lazyregexp.New(`[A-Za-z0-9_-]*[A-Za-z0-9_.-]*\.env\b`)
	keyName    = lazyregexp.New(`\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b`)
)

// sameAs reads "must match postgres.env" and its kind.
func sameAs(comments, own string) (file, key string) {
	m := sameRemark.FindStringSubmatch(comments)
	if m == nil {
		return "", ""
	}
	file = envName.FindString(m[1])
	key = keyName.FindString(m[1])
	if file == "" && (key == own || key == "") {
		return "", ""
	}
	return file, key
}

var (
	concealedName = lazyregexp.New(`(?i)PASS(WD|PHRASE|WORD|CODE)?(_|\d|$)|PASSWORD|SECRET|TOKEN|CREDENTIAL|PRIVATE|PWD|(^|_)(API_?)?KEYS?\d*$|_KEY_|(^|_)(SALT|PEPPER|DSN|AUTH|WEBHOOK|PIN|HASH|SEED|CERT|PEM|JWT|COOKIE|LICENSE)S?(_|$)`)
	plainName     = lazyregexp.New(`(?i)(^|_)(HOSTS?|HOSTNAME|PORTS?|USERS?|USERNAME|E?MAIL|FROM|DOMAINS?|NAME|DB|DATABASE|TZ|TIMEZONE|LEVEL|ENABLED?|DISABLED?|MODE|REGION|BUCKET|PATH|DIR|VERSION|TAG|LOCALE|LANG|TIMEOUT|INTERVAL|SCHEDULE|CRON|TLS|SSL|DEBUG|PUID|PGID|UID|GID|URL|URI|ENDPOINT|REPOSITORY|ADDR|ADDRESS|TTL|SIZE|COUNT|LIMIT|ENV|ENVIRONMENT|SERVER|TYPE|DRIVER)$`)
	plainValue    = lazyregexp.New(`(?i)^(true|false|yes|no|on|off|\d{1,5}|debug|info|warn(ing)?|error|UTC|[A-Z][a-z]+/[A-Z][A-Za-z_]+)$`)
	userInfo      = lazyregexp.New(`://[^/@\s]*:[^/@\s]*@`)
)

// IsConcealed reports whether a variable of this name and value is to be
// hidden. It is, unless the name or the value says that it is harmless:
// POSTGRES_HOST, TZ=Europe/Vienna, a URL without a password in it.
func IsConcealed(key, value string) bool {
	switch {
	case HoldsPassword(value):
		return true
	case concealedName.MatchString(key):
		return !harmless.MatchString(key)
	}
	return !plainName.MatchString(key) && !plainValue.MatchString(value)
}

// harmless are names that only sound secret: PASSWORD_MIN_LENGTH.
var harmless = lazyregexp.New(`(?i)_(LENGTH|TTL|EXPIRY|EXPIRATION|ENABLED|REQUIRED|ALGORITHM|POLICY|PATH|FILE|DAYS|HOURS|MINUTES|SECONDS)$`)

var secretName = lazyregexp.New(`(?i)PASS(WD|PHRASE|WORD)?(_|\d|$)|PASSWORD|SECRET|TOKEN|(^|_)(PRIVATE|API|ACCESS|ENCRYPTION|SIGNING|MASTER|AUTH)?_?KEY$|(^|_)(SALT|PEPPER|JWT)(_|$)`)

// about are names of what belongs to a secret without being one.
var about = lazyregexp.New(`(?i)_(NAME|ID|URL|TYPE|USER|HOST)$`)

// IsSecretName reports whether a variable of this name surely holds a secret,
// one that must be hard to guess.
func IsSecretName(key string) bool {
	return secretName.MatchString(key) && !harmless.MatchString(key) && !about.MatchString(key)
}

// HoldsPassword reports a URL with a password in it: scheme://user:password@host.
func HoldsPassword(value string) bool { return userInfo.MatchString(value) }
