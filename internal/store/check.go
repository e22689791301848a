package store

import (
	"context"
	"fmt"

	"rinca/internal/rinca"
)

// A Report is what Check found.
type Report struct {
	Records map[string]int // how many of each kind: families and tables
	Damage  []string       // what is damaged, each named; empty when all is well
}

// note keeps an error that tells of damage.
func (r *Report) note(err error) {
	if rinca.CodeOf(err) == rinca.Corrupt {
		r.Damage = append(r.Damage, err.Error())
	}
}

// Check reads everything: the database's own structure, every sealed record,
// whether records are missing, and the chain of the audit log. An error means
// that it could not go on; damage is in the report.
func (db *DB) Check(ctx context.Context) (Report, error) {
	r := Report{Records: map[string]int{}}
	err := db.view(ctx, func(q queryer) error {
		r.note(db.fail(db.checkStructure(ctx, q, &r)))
		for _, t := range sealedTables() {
			r.note(db.fail(db.checkTable(ctx, q, t, &r)))
		}
		return ctx.Err()
	})
	if err != nil {
		return r, err
	}
	for family, check := range db.checks() {
		n, err := check(ctx)
		r.Records[family] = n
		r.note(err)
	}
	_, err = db.VerifyAudit(ctx)
	r.note(err)
	return r, ctx.Err()
}

// checks reads each family afresh.
func (db *DB) checks() map[string]func(context.Context) (int, error) {
	fresh := newTables()
	return map[string]func(context.Context) (int, error){
		stackFamily:      counter(db, fresh.stacks),
		variableFamily:   counter(db, fresh.variables),
		serverFamily:     counter(db, fresh.servers),
		accountFamily:    counter(db, fresh.accounts),
		userFamily:       counter(db, fresh.users),
		credentialFamily: counter(db, fresh.credentials),
		groupFamily:      counter(db, fresh.groups),
		keyFamily:        counter(db, fresh.apiKeys),
		settingFamily:    counter(db, fresh.settings),
		procedureFamily:  counter(db, fresh.procedures),
		syncFamily:       counter(db, fresh.syncs),
		alerterFamily:    counter(db, fresh.alerters),
		repoFamily:       counter(db, fresh.repos),
		hookFamily:       counter(db, fresh.hooks),
	}
}

func counter[T any](db *DB, t *table[T]) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		s, err := t.load(ctx, db)
		if err != nil {
			return 0, err
		}
		return len(s.rows), nil
	}
}

func (db *DB) checkStructure(ctx context.Context, q queryer, r *Report) error {
	rows, err := q.QueryContext(ctx, `PRAGMA integrity_check(20)`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			r.Damage = append(r.Damage, fmt.Sprintf("%s is damaged: %s", db.path, line))
		}
	}
	return rows.Err()
}

func (db *DB) checkTable(ctx context.Context, q queryer, t sealedTable, r *Report) error {
	for last := int64(-1 << 63); ; {
		rows, err := t.readBatch(ctx, q, last)
		for _, row := range rows {
			last = row.id
			for i, sealed := range row.sealed {
				_, err := db.keys.open(row.contexts[i], sealed)
				r.note(err)
			}
		}
		r.Records[t.name] += len(rows)
		if err != nil || len(rows) < t.batch {
			return err
		}
	}
}
