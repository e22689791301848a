package compose

import (
	"maps"
	"slices"

	"rinca/internal/rinca"
)

// Reasons gather names by kind.
type reasons map[string]map[string]bool

func (r reasons) add(kind string, names ...string) {
	if r[kind] == nil {
		r[kind] = map[string]bool{}
	}
	for _, n := range names {
		r[kind][n] = true
	}
}

// reasonKinds is the order in which reasons are told.
var reasonKinds = [...]string{"image", "config", "environment", "env_file", "secret", "config_file", "mount", "dependency"}

func (r reasons) list() []rinca.Reason {
	var out []rinca.Reason
	for _, kind := range reasonKinds {
		if names, ok := r[kind]; ok {
			reason := rinca.Reason{Kind: kind}
			if len(names) > 0 {
				reason.Names = slices.Sorted(maps.Keys(names))
			}
			out = append(out, reason)
		}
	}
	return out
}
