package rinca

import (
	"regexp"
	"strings"
)

// StackTag is the prefix of the tag that assigns an item to a stack:
// "stack:authentik".
const StackTag = "stack:"

// DefaultVault is the vault that is used when none is named.
const DefaultVault = "homelab"

// DefaultDest is the directory that exports go to when none is named.
const DefaultDest = "/mnt/apps01/secrets"

var stackName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// ValidStackName reports whether name may name a stack: it is one path
// element that starts with a letter or digit.
func ValidStackName(name string) bool {
	return stackName.MatchString(name) && !strings.Contains(name, "..")
}

// Stacks returns the names of the stacks that the item's tags assign it to,
// in the order of the tags, without repeats. Names are not checked.
func (i Info) Stacks() []string {
	var names []string
	seen := map[string]bool{}
	for _, t := range i.Tags {
		if n, ok := strings.CutPrefix(t, StackTag); ok && !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return names
}
