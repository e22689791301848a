package store

import (
	"context"
	"errors"

	"rinca/internal/rinca"
)

// A Change is one resource that Apply writes, renames or removes. Exactly one
// of its pointers is set, unless it is removed.
type Change struct {
	// Target is what it is about; Audit what the log says of it.
	Target rinca.Target
	Audit  rinca.AuditEntry
	// From is the name that it had: what belongs to it comes along.
	From   string
	Delete bool

	Variable  *rinca.Variable
	Group     *rinca.UserGroup
	Server    *rinca.Server
	Alerter   *rinca.Alerter
	Repo      *rinca.Repo
	Stack     *rinca.Stack
	Sync      *rinca.ResourceSync
	Procedure *rinca.Procedure
	// Hook is the secret of its webhook; not set keeps the one that it has.
	Hook rinca.Secret
}

// KindGroup is the kind of the Target of a group of users.
const KindGroup rinca.Kind = "UserGroup"

// Apply makes changes in their order: all of them, or none. Each gets its entry
// in the audit log. The Conflict of an error says that something else has
// changed since the revision that the caller looked at; errors of one change
// say which.
func (db *DB) Apply(ctx context.Context, revision int64, changes []Change) error {
	return db.write(ctx, func(w *writer) error {
		if _, err := db.stacks.load(ctx, db); err != nil { // it looks for what others have written
			return err
		}
		if db.Revision() != revision {
			return ErrChanged()
		}
		for i := range changes {
			if err := w.apply(ctx, &changes[i]); err != nil {
				return about(changes[i].Target, err)
			}
		}
		return w.appendAudits(ctx, changes)
	})
}

// ErrChanged is the error of a change that was made of what is there no more.
func ErrChanged() error {
	return rinca.Errorf(rinca.Conflict, "something was changed in the meantime").Try("repeat it: it looks again first")
}

// about says which resource an error is about.
func about(t rinca.Target, err error) error {
	if e, ok := errors.AsType[*rinca.Error](err); ok {
		next := rinca.Errorf(e.Code, "%s: %w", t, err)
		next.Hint = e.Hint
		return next
	}
	return err
}

// appendAudits adds the entries of changes to the log, in the same
// transaction.
func (w *writer) appendAudits(ctx context.Context, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	h, err := w.change(ctx, auditFamily)
	if err != nil {
		return err
	}
	h.rev-- // it counts entries
	for i := range changes {
		if err := w.appendAudit(ctx, h, &changes[i].Audit); err != nil {
			return err
		}
	}
	return nil
}

// apply makes one change.
func (w *writer) apply(ctx context.Context, c *Change) error {
	if c.Delete {
		return w.remove(ctx, c)
	}
	if c.From != "" {
		if err := w.rename(ctx, c); err != nil {
			return err
		}
	}
	if err := w.place(ctx, c); err != nil {
		return err
	}
	if c.Hook.IsSet() {
		return w.putHook(ctx, c.Target, c.Hook)
	}
	return nil
}

// place writes the resource of a change.
func (w *writer) place(ctx context.Context, c *Change) (err error) {
	now := w.db.now()
	switch {
	case c.Variable != nil:
		_, err = w.putVariable(ctx, *c.Variable, Upsert)
	case c.Group != nil:
		err = w.putGroup(ctx, *c.Group, Upsert)
	case c.Server != nil:
		_, err = w.putServer(ctx, *c.Server, Upsert)
	case c.Alerter != nil:
		_, err = w.putAlerter(ctx, *c.Alerter, Upsert)
	case c.Repo != nil:
		r := *c.Repo
		r.UpdatedAt = now
		err = putNamed(ctx, w, w.db.repos, r.Name, r, Upsert)
	case c.Stack != nil:
		s := *c.Stack
		s.UpdatedAt = now
		err = w.putStack(ctx, s, Upsert)
	case c.Sync != nil:
		s := *c.Sync
		s.UpdatedAt = now
		err = putNamed(ctx, w, w.db.syncs, s.Name, s, Upsert)
	case c.Procedure != nil:
		p := *c.Procedure
		p.UpdatedAt = now
		err = putNamed(ctx, w, w.db.procedures, p.Name, p, Upsert)
	default:
		err = rinca.Errorf(rinca.Internal, "a change without a resource")
	}
	return err
}

// remove removes the resource that a change is about.
func (w *writer) remove(ctx context.Context, c *Change) error {
	switch c.Target.Kind {
	case rinca.KindVariable:
		return w.deleteVariable(ctx, variableOf(c.Target.Name))
	case KindGroup:
		return w.deleteGroup(ctx, c.Target.Name)
	case rinca.KindServer:
		return w.deleteServer(ctx, c.Target.Name)
	case rinca.KindAlerter:
		return w.db.alerters.delete(ctx, w, c.Target.Name)
	case rinca.KindRepo:
		return w.deleteRepo(ctx, c.Target.Name)
	case rinca.KindStack:
		return w.deleteStack(ctx, c.Target.Name)
	case rinca.KindSync:
		return deleteNamed(ctx, w, w.db.syncs, c.Target)
	case rinca.KindProcedure:
		return deleteNamed(ctx, w, w.db.procedures, c.Target)
	}
	return rinca.Errorf(rinca.Internal, "%s cannot be deleted", c.Target)
}
