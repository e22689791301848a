package embedded

import (
	"context"
	"fmt"

	"rinca/internal/database"
	"rinca/internal/rinca"
)

func stateOf(v any) rinca.State { return rinca.State(str(v)) }

// A Report is what Check found.
type Report struct {
	Vaults, Items, Versions, Files, Tokens int
	Damage                                 []string // what is damaged, each named; empty when all is well
}

// Check reads everything: the database's own structure, every sealed record,
// and whether records are missing. An error means that it could not go on;
// damage is in the report.
func (db *DB) Check(ctx context.Context) (Report, error) {
	var r Report
	damage := func(err error) {
		if e := rinca.CodeOf(err); err != nil && e == rinca.Corrupt {
			r.Damage = append(r.Damage, err.Error())
		}
	}
	err := db.view(ctx, func(q queryer) error {
		if err := db.checkStructure(ctx, q, &r); err != nil {
			damage(database.Error(db.cfg.database(), err))
		}
		for _, t := range sealedTables() {
			n, err := db.checkTable(ctx, q, t, damage)
			if err != nil {
				damage(database.Error(db.cfg.database(), err))
			}
			switch t.name {
			case "vaults":
				r.Vaults = n
			case "items":
				r.Items = n
			case "history":
				r.Versions = n
			case "files":
				r.Files = n
			case "tokens":
				r.Tokens = n
			}
		}
		rows, err := db.allVaults(ctx, q)
		damage(err)
		for _, v := range rows {
			damage(db.checkVault(ctx, q, v))
		}
		return ctx.Err()
	})
	return r, err
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
			r.Damage = append(r.Damage, fmt.Sprintf("%s is damaged: %s", db.cfg.database(), line))
		}
	}
	return rows.Err()
}

func (db *DB) checkTable(ctx context.Context, q queryer, t sealedTable, damage func(error)) (int, error) {
	rows, err := readSealed(ctx, q, t)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		for i, col := range t.columns {
			var sealed []byte
			err := q.QueryRowContext(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s", col, t.name, t.key), r.parts[:keys(t)]...).Scan(&sealed) //nolint:gosec // names from a list of ours
			if err != nil {
				damage(database.Corrupt(db.cfg.database(), "%s cannot be read: %w", r.contexts[i], err))
				continue
			}
			_, err = db.open(r.contexts[i], sealed)
			damage(err)
		}
	}
	return len(rows), nil
}

// checkVault reads every item with its history and its files.
func (db *DB) checkVault(ctx context.Context, q queryer, v vaultRow) error {
	var ids []itemKey
	if err := db.eachInfo(ctx, q, v, func(k itemKey, _ []byte) error {
		ids = append(ids, k)
		return nil
	}); err != nil {
		return err
	}
	for _, k := range ids {
		_, r, err := db.readItem(ctx, q, v, k.id)
		if err != nil {
			return err
		}
		for n := int64(1); n < k.version; n++ {
			if _, err := db.readHistory(ctx, q, k.id, n); err != nil {
				return err
			}
		}
		for _, f := range r.Files {
			if _, err := db.readFile(ctx, q, k.id, f.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
