package vault

import (
	"path"
	"strings"

	"rinca/internal/rinca"
)

// A Target is the format of what a template renders to.
type Target string

// The targets. Plain is any text: values are put in as they are.
const (
	Plain Target = ""
	Env   Target = "env"
	YAML  Target = "yaml"
	JSON  Target = "json"
	TOML  Target = "toml"
	Shell Target = "sh"
)

// A grammar is what there is to know about a target. split finds the places
// that hold references; check reads the text as the target's own readers do.
type grammar struct {
	target Target
	split  func(d *draft) ([]slot, error)
	check  func(text string) (any, error) // nil: there is no reader to ask
}

// grammars lists the targets that escape.
func grammars() []grammar {
	return []grammar{
		{Env, splitEnv, readEnv},
		{YAML, splitYAML, readYAML},
		{JSON, splitJSON, readJSON},
		{TOML, splitTOML, readTOML},
		{Shell, splitShell, nil},
	}
}

// Targets lists the formats that values can be escaped for.
func Targets() []Target {
	var ts []Target
	for _, g := range grammars() {
		ts = append(ts, g.target)
	}
	return ts
}

// ParseTarget returns the target of that name; "" is Plain.
func ParseTarget(name string) (Target, error) {
	names := make([]string, 0, len(grammars()))
	for _, t := range append(Targets(), Plain) {
		if string(t) == name {
			return t, nil
		}
		names = append(names, string(t))
	}
	return Plain, rinca.Errorf(rinca.Usage, "unknown format %q", name).
		Try("one of %s", strings.Join(names[:len(names)-1], ", "))
}

// TargetOf guesses the target of a file from its name; Plain if it does not
// say.
func TargetOf(name string) Target {
	base := strings.ToLower(path.Base(name))
	switch ext := path.Ext(base); {
	case ext == ".env" || strings.HasPrefix(base, ".env."):
		return Env
	case ext == ".yaml" || ext == ".yml":
		return YAML
	case ext == ".json":
		return JSON
	case ext == ".toml":
		return TOML
	case ext == ".sh" || ext == ".bash":
		return Shell
	}
	return Plain
}

// commentMarks are what a comment line begins with.
func commentMarks(t Target) []string {
	switch t {
	case Plain:
		return []string{"#", ";", "//"}
	case JSON:
		return nil
	}
	return []string{"#"}
}

// A slot is a part of a draft that is written anew: at least one token and
// what has to change with it.
type slot struct {
	start, end int
	// write returns the text for the slot. fill puts the values into a part
	// of the draft. no says why there is no such text.
	write func(fill filling) (text, no string)
	// retry is another way to write it, for when the first does not read
	// back; nil if there is none.
	retry func(fill filling) (text, no string)
}
