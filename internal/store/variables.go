package store

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"

	"rinca/internal/rinca"
)

// maxVersions is how many changes of a variable are remembered.
const maxVersions = 100

// A variableRecord is a variable as it is sealed.
type variableRecord struct {
	rinca.Variable
	Text []byte `json:"text"` // the value; null is none
}

func (r variableRecord) variable() rinca.Variable {
	v := r.Variable
	v.Value = toSecret(r.Text)
	return v
}

// toSecret and fromSecret carry a value in and out of a record; base64 keeps
// bytes that are not UTF-8.
func toSecret(b []byte) rinca.Secret {
	if b == nil {
		return rinca.Secret{}
	}
	return rinca.NewSecret(string(b))
}

func fromSecret(s rinca.Secret) []byte {
	if !s.IsSet() {
		return nil
	}
	return append([]byte{}, s.Reveal()...)
}

func variableKey(stack, name string) string { return stack + "/" + name }

// PutVariable stores a variable and returns it as stored. Without a value and
// a reference, what it has is kept. Version grows when value or reference
// change. A secret does not become readable without a new value.
func (db *DB) PutVariable(ctx context.Context, v rinca.Variable, mode PutMode) (rinca.Variable, error) {
	err := db.write(ctx, func(w *writer) (err error) {
		v, err = w.putVariable(ctx, v, mode)
		return err
	})
	if err != nil {
		return rinca.Variable{}, err
	}
	return v, nil
}

func (w *writer) putVariable(ctx context.Context, v rinca.Variable, mode PutMode) (rinca.Variable, error) {
	if err := checkVariable(v); err != nil {
		return v, err
	}
	key := variableKey(v.Stack, v.Name)
	old, exists, err := w.db.variables.read(ctx, w, key)
	if err != nil {
		return v, err
	}
	if err := w.db.variables.check(mode, v.Name, exists); err != nil {
		return v, err
	}
	if err := w.needStack(ctx, v.Stack); err != nil {
		return v, err
	}
	stored, err := nextVariable(old, exists, v)
	if err != nil {
		return v, err
	}
	stored.UpdatedAt = w.db.now()
	if stored.Version != old.Version {
		if err := w.addVersion(ctx, key, stored); err != nil {
			return v, err
		}
	}
	return stored.variable(), w.db.variables.put(ctx, w, key, stored)
}

func checkVariable(v rinca.Variable) error {
	switch {
	case !rinca.ValidVariableName(v.Name):
		return rinca.Errorf(rinca.Invalid, "%.200q cannot name a variable", v.Name).Try("letters, digits and '_', the first one no digit")
	case v.Stack != "" && !rinca.ValidStackName(v.Stack):
		return rinca.Errorf(rinca.Invalid, "%.200q cannot name a stack", v.Stack)
	case v.Value.IsSet() && v.From != "":
		return rinca.Errorf(rinca.Invalid, "variable %s has a value and a reference", v.Name).Try("give one of them")
	case v.Value.Len() > rinca.MaxVariable:
		return rinca.Errorf(rinca.Invalid, "the value of %s has %d bytes; at most %d", v.Name, v.Value.Len(), rinca.MaxVariable)
	}
	return nil
}

// nextVariable is what a variable becomes.
func nextVariable(old variableRecord, exists bool, v rinca.Variable) (variableRecord, error) {
	next := variableRecord{Variable: v, Text: fromSecret(v.Value)}
	given := v.Value.IsSet() || v.From != ""
	next.Version = old.Version
	switch {
	case !exists && !given:
		return next, rinca.Errorf(rinca.Invalid, "variable %s has neither a value nor a reference", v.Name).Try("rinca variable set %s", v.Name)
	case exists && old.Secret && !v.Secret && !v.Value.IsSet():
		return next, rinca.Errorf(rinca.Invalid, "variable %s is a secret, and its value cannot be made readable", v.Name).Try("give a new value")
	case !given:
		next.Text, next.From = old.Text, old.From
	}
	if !exists || next.From != old.From || !toSecret(next.Text).Equal(toSecret(old.Text)) {
		next.Version++
	}
	return next, nil
}

// needStack refuses what belongs to a stack that does not exist.
func (w *writer) needStack(ctx context.Context, stack string) error {
	if stack == "" {
		return nil
	}
	_, exists, err := w.db.stacks.read(ctx, w, stack)
	if err == nil && !exists {
		return w.db.stacks.missing(stack)
	}
	return err
}

func versionContext(key string, version int64) string {
	return place("version", key, strconv.FormatInt(version, 10))
}

func (w *writer) addVersion(ctx context.Context, key string, r variableRecord) error {
	digest := w.db.Digest("variable version", []byte(key), []byte(r.From), r.Text)
	sealed, err := w.sealJSON(versionContext(key, int64(r.Version)), rinca.VariableVersion{
		Version: r.Version, UpdatedAt: r.UpdatedAt, UpdatedBy: r.UpdatedBy, Secret: r.Secret, From: r.From,
		Digest: hex.EncodeToString(digest[:8]),
	})
	if err != nil {
		return err
	}
	if _, err := w.exec(ctx, `INSERT OR REPLACE INTO versions (variable, version, body) VALUES (?, ?, ?)`, key, r.Version, sealed); err != nil {
		return err
	}
	_, err = w.exec(ctx, `DELETE FROM versions WHERE variable = ? AND version <= ?`, key, r.Version-maxVersions)
	return err
}

// Variable returns a variable with its value; stack "" means a global one.
func (db *DB) Variable(ctx context.Context, stack, name string) (rinca.Variable, error) {
	s, err := db.variables.load(ctx, db)
	if err != nil {
		return rinca.Variable{}, err
	}
	r, ok := s.get(variableKey(stack, name))
	if !ok {
		return rinca.Variable{}, db.variables.missing(strings.TrimPrefix(variableKey(stack, name), "/"))
	}
	return r.variable(), nil
}

// Variables lists every variable with its value, the global ones first, then
// by stack and name.
func (db *DB) Variables(ctx context.Context) ([]rinca.Variable, error) {
	s, err := db.variables.load(ctx, db)
	if err != nil {
		return nil, err
	}
	out := make([]rinca.Variable, len(s.rows))
	for i, r := range s.rows {
		out[i] = r.value.variable()
	}
	return out, nil
}

// VariableVersions lists the last changes of a variable, newest first.
func (db *DB) VariableVersions(ctx context.Context, stack, name string) ([]rinca.VariableVersion, error) {
	if _, err := db.Variable(ctx, stack, name); err != nil {
		return nil, err
	}
	key := variableKey(stack, name)
	var out []rinca.VariableVersion
	err := db.view(ctx, func(q queryer) error {
		rows, err := q.QueryContext(ctx, `SELECT version, body FROM versions WHERE variable = ? ORDER BY version DESC`, key)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n int64
			var sealed []byte
			if err := rows.Scan(&n, &sealed); err != nil {
				return err
			}
			var v rinca.VariableVersion
			if err := db.openJSON(versionContext(key, n), sealed, &v); err != nil {
				return err
			}
			out = append(out, v)
		}
		return rows.Err()
	})
	return out, err
}

// DeleteVariable removes a variable and its history.
func (db *DB) DeleteVariable(ctx context.Context, stack, name string) error {
	return db.write(ctx, func(w *writer) error { return w.deleteVariable(ctx, variableKey(stack, name)) })
}

func (w *writer) deleteVariable(ctx context.Context, key string) error {
	if err := w.db.variables.delete(ctx, w, key); err != nil {
		return err
	}
	_, err := w.exec(ctx, `DELETE FROM versions WHERE variable = ?`, key)
	return err
}
