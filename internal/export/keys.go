package export

import (
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

// Keys are the names of variables that differ between a file and what is to
// replace it.
type Keys struct {
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Changed []string `json:"changed,omitempty"`
	// Others counts names in a file that we did not write. They are not told:
	// a line of a key that was written without quotes looks like a name.
	Others int `json:"others,omitempty"`
	// Unknown tells that the old file cannot be read as an env file.
	Unknown bool `json:"unknown,omitempty"`
}

// Empty reports whether no key differs: only the way they are written does.
func (k Keys) Empty() bool {
	return len(k.Added)+len(k.Removed)+len(k.Changed)+k.Others == 0 && !k.Unknown
}

// An oldText is the content of a file that is to be replaced.
type oldText struct {
	text   rinca.Secret
	format envfile.Format // how to read it
	ours   bool           // we wrote it
}

// diffKeys compares variables with the text of an old file.
func diffKeys(vars []envfile.Var, old oldText) Keys {
	was, order, ok := readVars(old.text, old.format)
	if !ok {
		return Keys{Unknown: true}
	}
	var k Keys
	is := map[string]bool{}
	for _, v := range vars {
		is[v.Key] = true
		value, ok := was[v.Key]
		switch {
		case !ok:
			k.Added = append(k.Added, v.Key)
		case value.Reveal() != v.Value.Reveal():
			k.Changed = append(k.Changed, v.Key)
		}
	}
	for _, key := range order {
		switch {
		case is[key]:
		case old.ours:
			k.Removed = append(k.Removed, key)
		default:
			k.Others++
		}
	}
	return k
}

// readVars reads an env file that was written in format.
func readVars(text rinca.Secret, format envfile.Format) (values map[string]rinca.Secret, order []string, ok bool) {
	values = map[string]rinca.Secret{}
	put := func(key string, value rinca.Secret) {
		if _, again := values[key]; !again {
			order = append(order, key)
		}
		values[key] = value
	}
	if format == envfile.Raw {
		for line := range strings.Lines(text.Reveal()) {
			line = strings.TrimSuffix(line, "\n")
			key, value, ok := strings.Cut(line, "=")
			if !ok && line != "" && !strings.HasPrefix(line, "#") {
				return nil, nil, false
			}
			if ok {
				put(key, rinca.NewSecret(value))
			}
		}
		return values, order, true
	}
	entries, err := envfile.Parse([]byte(text.Reveal()))
	if err != nil {
		return nil, nil, false
	}
	for _, e := range entries {
		if !e.Optional {
			put(e.Key, e.Value)
		}
	}
	return values, order, true
}
