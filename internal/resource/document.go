package resource

import (
	"fmt"
	"strings"
)

// A row is a key as the reference shows it.
type row struct {
	path, form, doc string
	aliases         []string
	own             bool
}

// documented tables tell their keys, and those that are ignored.
type documented interface {
	rows(prefix string) (rows []row, ignored []string)
	has(name string) bool
}

func (t *table[T]) rows(prefix string) (out []row, ignored []string) {
	for i := range t.keys {
		k := &t.keys[i]
		path := prefix + k.name
		if k.read == nil {
			ignored = append(ignored, path)
			continue
		}
		if k.form == "" {
			continue
		}
		out = append(out, row{path: path, form: k.form, doc: k.doc, aliases: k.aliases, own: k.own})
		if k.nested != nil {
			next := path + "."
			if k.form == "list of tables" {
				next = path + "[]."
			}
			more, ign := k.nested.rows(next)
			if k.own {
				for j := range more {
					more[j].own = true
				}
			}
			out, ignored = append(out, more...), append(ignored, ign...)
		}
	}
	return out, ignored
}

// Reference describes every key of the files, from the tables that they are
// read by.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Resources in TOML

Files of resources are in the form that Komodo's have: ` + "`rinca sync`" + ` reads them, and ` + "`rinca sync export`" + ` writes them. A list may be an array, or text with an entry in each line or between commas, with # comments. Between three quotes (` + "`\"\"\"`" + `) a backslash is just that. A duration is text such as "90s". What a file does not say is as if it had never been set, except for secrets, for the source of a stack, and for a resource without any key in ` + "`config`" + `: these stay as they are.

Keys that are unknown are errors. Keys that only Komodo has are told, and ignored. ○ marks keys that Komodo does not have.
`)
	for _, k := range newSchema().top.keys {
		if k.form == "" {
			continue
		}
		rows, ignored := k.nested.rows("")
		fmt.Fprintf(&b, "\n## [[%s]]\n\n%s\n\n| Key | Value | Meaning |\n| --- | --- | --- |\n", k.name, k.doc)
		for _, r := range rows {
			name := "`" + r.path + "`"
			for _, a := range r.aliases {
				name += ", `" + a + "`"
			}
			if r.own {
				name += " ○"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, r.form, strings.ReplaceAll(r.doc, "|", "\\|"))
		}
		if len(ignored) > 0 {
			fmt.Fprintf(&b, "\nIgnored: `%s`.\n", strings.Join(ignored, "`, `"))
		}
	}
	var kinds []string
	for _, names := range foreignKinds() {
		kinds = append(kinds, "[["+names[0]+"]]")
	}
	fmt.Fprintf(&b, "\n## What is ignored as a whole\n\n`%s`.\n", strings.Join(kinds, "`, `"))
	return b.String()
}
