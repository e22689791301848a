// Package interpolate fills in [[NAME]]: in text, in YAML, in the environment
// of a stack and in shell commands. It is pure.
//
// [[NAME]] stands for the value of a variable; NAME is a letter or underscore,
// then letters, digits and underscores, without blanks. [[[NAME]]] is how the
// text "[[NAME]]" is written. Any other brackets stay as they are. Values are
// not looked at again: a value that holds [[X]] arrives as it is.
package interpolate

import "rinca/internal/rinca"

// A Lookup returns the value of a variable, false when there is none.
type Lookup func(name string) (rinca.Secret, bool)

// A Missing is a variable that is used and not known.
type Missing struct {
	Name string
	File string
	Line int // from 1
}

// Text fills in every [[NAME]] of a text. When some are missing the text is
// not set and they are returned, in their order.
func Text(file, text string, lookup Lookup) (rinca.Secret, []Missing, error) {
	panic("to come")
}

// Names returns the names of the variables that a text uses, in their order,
// without repeats.
func Names(text string) []string { panic("to come") }

// Error returns nil when nothing is missing; else an error with code Invalid
// that lists every name with its places.
func Error(missing []Missing) error { panic("to come") }

// A Kept is a $NAME that was left to the shell of a container.
type Kept struct {
	Name string
	File string
	Line int // from 1
}

// Options say how YAML works.
type Options struct {
	Lookup Lookup
	// Env reports whether Compose can fill in ${NAME}. When it is set, $NAME
	// and ${NAME} that Compose cannot fill in stay for the container's shell,
	// in services.*.command, entrypoint and healthcheck.test.
	Env func(name string) bool
	// Kept is told of each $NAME that stays; may be nil.
	Kept func(Kept)
}

// YAML fills in every [[NAME]] of a compose file.
func YAML(file string, content []byte, o Options) (rinca.Secret, []Missing, error) {
	panic("to come")
}

// A Pair is one variable of a stack's environment.
type Pair struct {
	Key   string
	Value rinca.Secret
	Line  int // from 1
}

// Environment reads the text of a stack's environment, KEY = VALUE lines.
func Environment(file, text string, lookup Lookup) ([]Pair, []Missing, error) {
	panic("to come")
}

// Shell makes a command safe to run: the values travel as environment.
func Shell(file, command string, lookup Lookup) (script string, env map[string]rinca.Secret, missing []Missing, err error) {
	panic("to come")
}
