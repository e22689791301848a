// Package envfile reads and writes the text of .env files, so that every
// program that reads such a file gets the exact value, and recognises the
// placeholders and hints of .env.example files. It does no I/O.
//
// Three families of programs read these files, and no quoting works for all
// of them. Compose (env_file, .env) and a POSIX shell (". file") understand
// quotes; docker run --env-file, docker stack deploy and Compose's
// "format: raw" take the rest of the line as it is. docs/reference/env-files.md
// has the table.
package envfile

import (
	"strings"

	"rinca/internal/rinca"

	"rinca/internal/lazyregexp"
)

// A Format says which readers a file has to serve.
type Format string

// The formats that can be asked for.
const (
	// Auto is text that Compose and a POSIX shell read alike, and wherever
	// the value permits every other reader too. It refuses the rest.
	Auto Format = "auto"
	// Compose is text for Compose's env_file and .env.
	Compose Format = "compose"
	// Sh is text for ". file" in a POSIX shell.
	Sh Format = "sh"
	// Raw is text for docker run --env-file, docker stack deploy and
	// Compose's "format: raw", which take quotes literally.
	Raw Format = "raw"
)

// Formats lists the formats, Auto first.
func Formats() []Format { return []Format{Auto, Compose, Sh, Raw} }

// ParseFormat returns the format of that name; "" is Auto.
func ParseFormat(name string) (Format, error) {
	if name == "" {
		return Auto, nil
	}
	names := make([]string, 0, len(Formats()))
	for _, f := range Formats() {
		if string(f) == name {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", rinca.Errorf(rinca.Usage, "unknown env-file format %q", name).Try("one of %s", strings.Join(names, ", "))
}

var validKey = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ValidKey reports whether every reader accepts key as the name of a
// variable: a letter or underscore, then letters, digits and underscores.
func ValidKey(key string) bool { return validKey.MatchString(key) }
