package envfile

import (
	"strings"

	"rinca/internal/lazyregexp"
)

// placeholders are the forms of "put your value here" that are in use.
var placeholders = []*lazyregexp.Regexp{
	lazyregexp.New(`(?i)^(replace|change|fill|insert|enter|set)[-_ ]?(me|this|with)([^a-z]|$)`),
	lazyregexp.New(`(?i)^your[-_ ]`),
	lazyregexp.New(`(?i)[-_ ]here$`),
	lazyregexp.New(`^<.*>$`),
	lazyregexp.New(`(?i)(^|[@/.])example\.(com|org|net)`),
	lazyregexp.New(`(?i)^(x{3,}|\*{3,}|\.{3,}|todo|tbd|none|password|secret|changeit)$`),
	lazyregexp.New(`(?i)[-_]minimum[-_]\d+[-_]char`),
}

var unexpanded = lazyregexp.New(`^\$\{[A-Z_][A-Z0-9_]*\}$`)

// IsPlaceholder reports whether a value stands for one that somebody has yet
// to fill in: REPLACE_ME, change_me_to_…, your-secret-key-here, <token>,
// admin@example.com, xxxxx, TODO. An empty value is none.
func IsPlaceholder(value string) bool {
	value = strings.TrimSpace(value)
	for _, re := range placeholders {
		if re.MatchString(value) {
			return true
		}
	}
	return false
}

// IsUnexpanded reports whether a value is nothing but ${NAME}: text that
// somebody expected a program to replace. It may be meant so; warn.
func IsUnexpanded(value string) bool { return unexpanded.MatchString(strings.TrimSpace(value)) }
