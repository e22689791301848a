package store

import (
	"context"
	"strings"

	"rinca/internal/rinca"
)

// A present is what there is, as a transaction leaves it: for rules about
// several resources, without a look at each of them for every change.
type present struct {
	stacks   map[string]rinca.Stack
	projects map[string]string // the stack of each project of each server
	groups   map[string]string // by name in lower case
}

func projectOf(s *rinca.Stack) string { return s.ServerName() + "\x00" + s.ProjectName() }

// present returns what there is. Nobody else writes meanwhile.
func (w *writer) present(ctx context.Context) (*present, error) {
	if w.known != nil {
		return w.known, nil
	}
	stacks, err := w.db.stacks.load(ctx, w.db)
	if err != nil {
		return nil, err
	}
	groups, err := w.db.groups.load(ctx, w.db)
	if err != nil {
		return nil, err
	}
	p := &present{
		stacks:   make(map[string]rinca.Stack, len(stacks.rows)),
		projects: make(map[string]string, len(stacks.rows)),
		groups:   make(map[string]string, len(groups.rows)),
	}
	for i := range stacks.rows {
		p.put(stacks.rows[i].value)
	}
	for _, r := range groups.rows {
		p.groups[strings.ToLower(r.name)] = r.name
	}
	w.known = p
	return p, nil
}

func (p *present) put(s rinca.Stack) {
	p.remove(s.Name)
	p.stacks[s.Name] = s
	p.projects[projectOf(&s)] = s.Name
}

func (p *present) remove(name string) {
	if old, ok := p.stacks[name]; ok {
		if key := projectOf(&old); p.projects[key] == name {
			delete(p.projects, key)
		}
		delete(p.stacks, name)
	}
}
