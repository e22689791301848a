package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"rinca/internal/rinca"
)

// variableOf is the key of a variable by the name of its target.
func variableOf(name string) string {
	stack, own, ok := strings.Cut(name, "/")
	if !ok {
		return variableKey("", name)
	}
	return variableKey(stack, own)
}

// rename gives a resource another name, with all that belongs to it: keys that
// are not shown, the secret of its webhook, its updates; of a stack its
// variables and its mark; of a variable its history.
func (w *writer) rename(ctx context.Context, c *Change) error {
	from, to := c.From, c.Target.Name
	if from == to {
		return nil
	}
	var err error
	switch c.Target.Kind {
	case rinca.KindVariable:
		err = w.renameVariable(ctx, variableOf(from), variableOf(to), func(*rinca.Variable) {})
	case KindGroup:
		if err = moveRow(ctx, w, w.db.groups, from, to); err == nil {
			var there *present
			if there, err = w.present(ctx); err == nil {
				delete(there.groups, strings.ToLower(from))
			}
		}
	case rinca.KindServer:
		err = moveRow(ctx, w, w.db.servers, from, to)
	case rinca.KindAlerter:
		err = moveRow(ctx, w, w.db.alerters, from, to)
	case rinca.KindRepo:
		err = moveRow(ctx, w, w.db.repos, from, to)
	case rinca.KindStack:
		err = w.renameStack(ctx, from, to)
	case rinca.KindSync:
		err = moveRow(ctx, w, w.db.syncs, from, to)
	case rinca.KindProcedure:
		err = moveRow(ctx, w, w.db.procedures, from, to)
	}
	if err != nil {
		return err
	}
	if err := w.renameHook(ctx, rinca.Target{Kind: c.Target.Kind, Name: from}, c.Target); err != nil {
		return err
	}
	return w.renameUpdates(ctx, rinca.Target{Kind: c.Target.Kind, Name: from}, c.Target)
}

// moveRow puts a row under another name.
func moveRow[T any](ctx context.Context, w *writer, t *table[T], from, to string) error {
	v, ok, err := t.read(ctx, w, from)
	if err != nil {
		return err
	}
	if !ok {
		return t.missing(from)
	}
	if _, taken, err := t.read(ctx, w, to); err != nil || taken {
		if err == nil {
			err = rinca.Errorf(rinca.Conflict, "%s %q exists", t.family, to)
		}
		return err
	}
	if err := t.delete(ctx, w, from); err != nil {
		return err
	}
	return t.put(ctx, w, to, v)
}

func (w *writer) renameStack(ctx context.Context, from, to string) error {
	there, err := w.present(ctx)
	if err != nil {
		return err
	}
	if err := moveRow(ctx, w, w.db.stacks, from, to); err != nil {
		return err
	}
	s := there.stacks[from]
	there.remove(from)
	s.Name = to
	there.put(s)
	keys, err := w.variablesOf(ctx, from)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := w.renameVariable(ctx, key, variableKey(to, strings.TrimPrefix(key, from+"/")), func(v *rinca.Variable) { v.Stack = to }); err != nil {
			return err
		}
	}
	return w.renameMark(ctx, from, to)
}

// renameVariable moves a variable and its history.
func (w *writer) renameVariable(ctx context.Context, from, to string, change func(*rinca.Variable)) error {
	t := w.db.variables
	if err := moveRow(ctx, w, t, from, to); err != nil {
		return err
	}
	v, _, err := t.read(ctx, w, to)
	if err != nil {
		return err
	}
	_, v.Name, _ = strings.Cut(to, "/")
	change(&v.Variable)
	if err := t.put(ctx, w, to, v); err != nil {
		return err
	}
	type version struct {
		n    int64
		body []byte
	}
	var versions []version
	rows, err := w.tx.QueryContext(ctx, `SELECT version, body FROM versions WHERE variable = ?`, from)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var x version
		if err := rows.Scan(&x.n, &x.body); err != nil {
			return err
		}
		versions = append(versions, x)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, x := range versions {
		var record rinca.VariableVersion
		if err := w.db.openJSON(versionContext(from, x.n), x.body, &record); err != nil {
			return err
		}
		sealed, err := w.sealJSON(versionContext(to, x.n), record)
		if err != nil {
			return err
		}
		if _, err := w.exec(ctx, `INSERT OR REPLACE INTO versions (variable, version, body) VALUES (?, ?, ?)`, to, x.n, sealed); err != nil {
			return err
		}
	}
	_, err = w.exec(ctx, `DELETE FROM versions WHERE variable = ?`, from)
	return err
}

func (w *writer) renameMark(ctx context.Context, from, to string) error {
	var body, bundle []byte
	err := w.tx.QueryRowContext(ctx, `SELECT body, bundle FROM marks WHERE stack = ?`, from).Scan(&body, &bundle)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, x := range []struct {
		data *[]byte
		of   func(string) string
	}{{&body, markContext}, {&bundle, bundleContext}} {
		plain, err := w.db.keys.open(x.of(from), *x.data)
		if err != nil {
			return err
		}
		if *x.data, err = w.seal(x.of(to), plain); err != nil {
			return err
		}
	}
	if _, err := w.exec(ctx, `DELETE FROM marks WHERE stack = ? OR stack = ?`, from, to); err != nil {
		return err
	}
	_, err = w.exec(ctx, `INSERT INTO marks (stack, body, bundle) VALUES (?, ?, ?)`, to, body, bundle)
	return err
}

func (w *writer) renameHook(ctx context.Context, from, to rinca.Target) error {
	r, ok, err := w.db.hooks.read(ctx, w, hookKey(from))
	if err != nil || !ok {
		return err
	}
	if err := w.db.hooks.delete(ctx, w, hookKey(from)); err != nil {
		return err
	}
	return w.db.hooks.put(ctx, w, hookKey(to), r)
}

// renameUpdates lets the history of a resource follow it. What waits or runs
// is about the old name: then it is a Conflict.
func (w *writer) renameUpdates(ctx context.Context, from, to rinca.Target) error {
	rows, err := w.tx.QueryContext(ctx, selectUpdate+` WHERE kind = ? AND name = ?`, from.Kind, from.Name)
	if err != nil {
		return err
	}
	defer rows.Close()
	var list []updateRow
	for rows.Next() {
		r, err := scanUpdate(rows)
		if err != nil {
			return err
		}
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, r := range list {
		u, err := w.db.openUpdate(r)
		if err != nil {
			return err
		}
		if !u.State.Final() {
			return rinca.Errorf(rinca.Conflict, "%s is %s of %s, which is to be renamed", u.Execution.Kind, u.State, from).Try("rinca update follow %s; then repeat it", u.ID)
		}
		u.Target = to
		if err := w.saveUpdate(ctx, u); err != nil {
			return err
		}
	}
	return nil
}
