package store

import (
	"context"
	"strings"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// PutStack stores a stack and returns it as stored. Two stacks of one server
// never have the same Compose project: that is a Conflict.
func (db *DB) PutStack(ctx context.Context, s rinca.Stack, mode PutMode) (rinca.Stack, error) {
	if err := checkStack(s); err != nil {
		return s, err
	}
	s.UpdatedAt = db.now()
	err := db.write(ctx, func(w *writer) error {
		_, exists, err := db.stacks.read(ctx, w, s.Name)
		if err != nil {
			return err
		}
		if err := db.stacks.check(mode, s.Name, exists); err != nil {
			return err
		}
		others, err := db.stacks.load(ctx, db)
		if err != nil {
			return err
		}
		for _, o := range others.rows {
			if o.name != s.Name && o.value.ServerName() == s.ServerName() && o.value.ProjectName() == s.ProjectName() {
				return rinca.Errorf(rinca.Conflict, "stack %q has the project %q on server %q already", o.name, s.ProjectName(), s.ServerName()).
					Try("give one of them another project")
			}
		}
		return db.stacks.put(ctx, w, s.Name, s)
	})
	return s, err
}

func checkStack(s rinca.Stack) error {
	if !rinca.ValidStackName(s.Name) {
		return rinca.Errorf(rinca.Invalid, "%.200q cannot name a stack", s.Name).Try("letters, digits, '.', '_' and '-', the first one a letter or digit")
	}
	texts := []string{s.Description, s.Environment, s.PreDeploy.Command, s.PostDeploy.Command}
	for _, f := range s.Source.Files {
		texts = append(texts, f.Path, f.Content)
	}
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return rinca.Errorf(rinca.Invalid, "stack %q holds text that is not UTF-8", s.Name)
		}
	}
	return nil
}

// Stack returns a stack.
func (db *DB) Stack(ctx context.Context, name string) (rinca.Stack, error) {
	return db.stacks.get(ctx, db, name)
}

// Stacks lists the stacks by name.
func (db *DB) Stacks(ctx context.Context) ([]rinca.Stack, error) {
	s, err := db.stacks.load(ctx, db)
	if err != nil {
		return nil, err
	}
	return s.all(), nil
}

// DeleteStack removes a stack with its variables and its mark. Its updates
// stay.
func (db *DB) DeleteStack(ctx context.Context, name string) error {
	return db.write(ctx, func(w *writer) error {
		if err := db.stacks.delete(ctx, w, name); err != nil {
			return err
		}
		variables, err := db.variables.load(ctx, db)
		if err != nil {
			return err
		}
		for _, v := range variables.rows {
			if strings.HasPrefix(v.name, name+"/") {
				if err := w.deleteVariable(ctx, v.name); err != nil {
					return err
				}
			}
		}
		if err := w.deleteHook(ctx, rinca.Target{Kind: rinca.KindStack, Name: name}); err != nil {
			return err
		}
		_, err = w.exec(ctx, `DELETE FROM marks WHERE stack = ?`, name)
		return err
	})
}
