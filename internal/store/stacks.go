package store

import (
	"context"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// PutStack stores a stack and returns it as stored. Two stacks of one server
// never have the same Compose project: that is a Conflict.
func (db *DB) PutStack(ctx context.Context, s rinca.Stack, mode PutMode) (rinca.Stack, error) {
	s.UpdatedAt = db.now()
	return s, db.write(ctx, func(w *writer) error { return w.putStack(ctx, s, mode) })
}

func (w *writer) putStack(ctx context.Context, s rinca.Stack, mode PutMode) error {
	if err := checkStack(s); err != nil {
		return err
	}
	there, err := w.present(ctx)
	if err != nil {
		return err
	}
	_, exists := there.stacks[s.Name]
	if err := w.db.stacks.check(mode, s.Name, exists); err != nil {
		return err
	}
	if other, ok := there.projects[projectOf(&s)]; ok && other != s.Name {
		return rinca.Errorf(rinca.Conflict, "stack %q has the project %q on server %q already", other, s.ProjectName(), s.ServerName()).
			Try("give one of them another project")
	}
	there.put(s)
	return w.db.stacks.put(ctx, w, s.Name, s)
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
	return db.write(ctx, func(w *writer) error { return w.deleteStack(ctx, name) })
}

func (w *writer) deleteStack(ctx context.Context, name string) error {
	there, err := w.present(ctx)
	if err != nil {
		return err
	}
	if err := w.db.stacks.delete(ctx, w, name); err != nil {
		return err
	}
	there.remove(name)
	keys, err := w.variablesOf(ctx, name)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := w.deleteVariable(ctx, key); err != nil {
			return err
		}
	}
	if err := w.deleteHook(ctx, rinca.Target{Kind: rinca.KindStack, Name: name}); err != nil {
		return err
	}
	_, err = w.exec(ctx, `DELETE FROM marks WHERE stack = ?`, name)
	return err
}

// variablesOf returns the keys of the variables of one stack.
func (w *writer) variablesOf(ctx context.Context, stack string) ([]string, error) {
	rows, err := w.tx.QueryContext(ctx, `SELECT name FROM resources WHERE family = ? AND name >= ? AND name < ?`, variableFamily, stack+"/", stack+"0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}
