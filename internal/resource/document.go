package resource

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
