package store

import (
	"context"

	"rinca/internal/rinca"
)

// putNamed stores a resource that is kept as it is, by its name.
func putNamed[T any](ctx context.Context, w *writer, t *table[T], name string, v T, mode PutMode) error {
	if !rinca.ValidResourceName(name) {
		return rinca.Errorf(rinca.Invalid, "%.200q cannot name a %s", name, t.family).
			Try("up to 128 letters, digits, blanks and signs, without / \\ \" , * and ?")
	}
	_, exists, err := t.read(ctx, w, name)
	if err != nil {
		return err
	}
	if err := t.check(mode, name, exists); err != nil {
		return err
	}
	return t.put(ctx, w, name, v)
}

func listNamed[T any](ctx context.Context, db *DB, t *table[T]) ([]T, error) {
	s, err := t.load(ctx, db)
	if err != nil {
		return nil, err
	}
	return s.all(), nil
}

// deleteNamed removes a resource with the secret of its webhook.
func deleteNamed[T any](ctx context.Context, w *writer, t *table[T], target rinca.Target) error {
	if err := t.delete(ctx, w, target.Name); err != nil {
		return err
	}
	return w.deleteHook(ctx, target)
}

// PutProcedure stores a procedure and returns it as stored.
func (db *DB) PutProcedure(ctx context.Context, p rinca.Procedure, mode PutMode) (rinca.Procedure, error) {
	p.UpdatedAt = db.now()
	return p, db.write(ctx, func(w *writer) error { return putNamed(ctx, w, db.procedures, p.Name, p, mode) })
}

// Procedure returns a procedure.
func (db *DB) Procedure(ctx context.Context, name string) (rinca.Procedure, error) {
	return db.procedures.get(ctx, db, name)
}

// Procedures lists the procedures by name.
func (db *DB) Procedures(ctx context.Context) ([]rinca.Procedure, error) {
	return listNamed(ctx, db, db.procedures)
}

// DeleteProcedure removes a procedure. Its updates stay.
func (db *DB) DeleteProcedure(ctx context.Context, name string) error {
	return db.write(ctx, func(w *writer) error {
		return deleteNamed(ctx, w, db.procedures, rinca.Target{Kind: rinca.KindProcedure, Name: name})
	})
}

// PutSync stores a resource sync and returns it as stored.
func (db *DB) PutSync(ctx context.Context, s rinca.ResourceSync, mode PutMode) (rinca.ResourceSync, error) {
	s.UpdatedAt = db.now()
	return s, db.write(ctx, func(w *writer) error { return putNamed(ctx, w, db.syncs, s.Name, s, mode) })
}

// Sync returns a resource sync.
func (db *DB) Sync(ctx context.Context, name string) (rinca.ResourceSync, error) {
	return db.syncs.get(ctx, db, name)
}

// Syncs lists the resource syncs by name.
func (db *DB) Syncs(ctx context.Context) ([]rinca.ResourceSync, error) {
	return listNamed(ctx, db, db.syncs)
}

// DeleteSync removes a resource sync; what it made stays.
func (db *DB) DeleteSync(ctx context.Context, name string) error {
	return db.write(ctx, func(w *writer) error {
		return deleteNamed(ctx, w, db.syncs, rinca.Target{Kind: rinca.KindSync, Name: name})
	})
}

// PutRepo stores a repo and returns it as stored.
func (db *DB) PutRepo(ctx context.Context, r rinca.Repo, mode PutMode) (rinca.Repo, error) {
	r.UpdatedAt = db.now()
	return r, db.write(ctx, func(w *writer) error { return putNamed(ctx, w, db.repos, r.Name, r, mode) })
}

// Repo returns a repo.
func (db *DB) Repo(ctx context.Context, name string) (rinca.Repo, error) {
	return db.repos.get(ctx, db, name)
}

// Repos lists the repos by name.
func (db *DB) Repos(ctx context.Context) ([]rinca.Repo, error) {
	return listNamed(ctx, db, db.repos)
}

// Linked returns a source with what it takes from the repo that it names, if
// it names one. NotFound says that there is no such repo.
func (db *DB) Linked(ctx context.Context, s rinca.Source) (rinca.Source, error) {
	if s.Linked == "" || s.Kind != rinca.SourceGit {
		return s, nil
	}
	r, err := db.Repo(ctx, s.Linked)
	if err != nil {
		return s, err
	}
	return s.With(r), nil
}

// DeleteRepo removes a repo. One that a stack uses is a Conflict.
func (db *DB) DeleteRepo(ctx context.Context, name string) error {
	return db.write(ctx, func(w *writer) error { return w.deleteRepo(ctx, name) })
}

func (w *writer) deleteRepo(ctx context.Context, name string) error {
	if err := w.unused(ctx, repoFamily, name, func(s *rinca.Stack) bool { return s.Source.Linked == name }); err != nil {
		return err
	}
	return deleteNamed(ctx, w, w.db.repos, rinca.Target{Kind: rinca.KindRepo, Name: name})
}

// An alerterRecord is an alerter as it is sealed.
type alerterRecord struct {
	rinca.Alerter
	URLText []byte `json:"url_text,omitempty"`
}

func (r alerterRecord) alerter() rinca.Alerter {
	a := r.Alerter
	a.URL, a.HasURL = toSecret(r.URLText), r.URLText != nil
	return a
}

// PutAlerter stores an alerter and returns it as stored. An address that is
// not set is kept.
func (db *DB) PutAlerter(ctx context.Context, a rinca.Alerter, mode PutMode) (rinca.Alerter, error) {
	err := db.write(ctx, func(w *writer) (err error) {
		a, err = w.putAlerter(ctx, a, mode)
		return err
	})
	return a, err
}

func (w *writer) putAlerter(ctx context.Context, a rinca.Alerter, mode PutMode) (rinca.Alerter, error) {
	if !rinca.ValidResourceName(a.Name) {
		return a, rinca.Errorf(rinca.Invalid, "%.200q cannot name an alerter", a.Name)
	}
	old, exists, err := w.db.alerters.read(ctx, w, a.Name)
	if err != nil {
		return a, err
	}
	if err := w.db.alerters.check(mode, a.Name, exists); err != nil {
		return a, err
	}
	a.UpdatedAt = w.db.now()
	next := alerterRecord{a, keep(a.URL, old.URLText)}
	return next.alerter(), w.db.alerters.put(ctx, w, a.Name, next)
}

// Alerter returns an alerter with its address.
func (db *DB) Alerter(ctx context.Context, name string) (rinca.Alerter, error) {
	r, err := db.alerters.get(ctx, db, name)
	return r.alerter(), err
}

// Alerters lists the alerters by name, with their addresses.
func (db *DB) Alerters(ctx context.Context) ([]rinca.Alerter, error) {
	s, err := db.alerters.load(ctx, db)
	if err != nil {
		return nil, err
	}
	out := make([]rinca.Alerter, len(s.rows))
	for i, r := range s.rows {
		out[i] = r.value.alerter()
	}
	return out, nil
}

// DeleteAlerter removes an alerter.
func (db *DB) DeleteAlerter(ctx context.Context, name string) error {
	return db.write(ctx, func(w *writer) error { return db.alerters.delete(ctx, w, name) })
}

func hookKey(t rinca.Target) string { return string(t.Kind) + "/" + t.Name }

func (w *writer) deleteHook(ctx context.Context, t rinca.Target) error {
	err := w.db.hooks.delete(ctx, w, hookKey(t))
	if rinca.CodeOf(err) == rinca.NotFound {
		return nil
	}
	return err
}

// WebhookSecret returns what authenticates deliveries to a resource; NotFound
// when it has no secret of its own. The zero Target is the one for all.
func (db *DB) WebhookSecret(ctx context.Context, t rinca.Target) (rinca.Secret, error) {
	r, err := db.hooks.get(ctx, db, hookKey(t))
	if err != nil {
		return rinca.Secret{}, err
	}
	return toSecret(r.Text), nil
}

// PutWebhookSecret sets what authenticates deliveries to a resource. An empty
// one removes it.
func (db *DB) PutWebhookSecret(ctx context.Context, t rinca.Target, secret rinca.Secret) error {
	return db.write(ctx, func(w *writer) error { return w.putHook(ctx, t, secret) })
}

func (w *writer) putHook(ctx context.Context, t rinca.Target, secret rinca.Secret) error {
	if secret.IsEmpty() {
		return w.deleteHook(ctx, t)
	}
	return w.db.hooks.put(ctx, w, hookKey(t), settingRecord{fromSecret(secret)})
}
