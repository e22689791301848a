package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

func openInternal(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// A sealed column that is missing in the list would be lost with the old key.
func TestEverySealedColumnIsListed(t *testing.T) {
	db := openInternal(t)
	rows, err := db.reading.QueryContext(t.Context(), `SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c
		WHERE m.type = 'table' AND c.type = 'BLOB' AND c.name NOT IN ('hash', 'idempotency')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	listed := map[string][]string{"meta": {"sealed"}}
	for _, s := range sealedTables() {
		listed[s.name] = s.columns
	}
	n := 0
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		n++
		if !slices.Contains(listed[table], column) {
			t.Errorf("%s.%s is not listed", table, column)
		}
	}
	if rows.Err() != nil || n != 11 {
		t.Errorf("%d columns, %v", n, rows.Err())
	}
}

// A full disk is one clear error, and nothing is lost or half written.
func TestFullDisk(t *testing.T) {
	db := openInternal(t)
	ctx := t.Context()
	if _, err := db.PutStack(ctx, rinca.Stack{Name: "web"}, Upsert); err != nil {
		t.Fatal(err)
	}
	if _, err := db.writing.ExecContext(ctx, `PRAGMA max_page_count = 1`); err != nil { // it becomes the present size
		t.Fatal(err)
	}
	var err error
	for i := 0; err == nil && i < 100; i++ {
		_, err = db.PutVariable(ctx, rinca.Variable{Name: "BIG", Value: rinca.NewSecret(strings.Repeat("x", i<<12))}, Upsert)
	}
	if rinca.CodeOf(err) != rinca.Destination || !strings.Contains(err.Error(), "full") {
		t.Fatalf("%v", err)
	}
	if _, err := db.Audit(ctx, rinca.AuditEntry{Detail: strings.Repeat("x", 1<<20)}); rinca.CodeOf(err) != rinca.Destination {
		t.Errorf("%v", err)
	}
	if r, err := db.Check(ctx); err != nil || len(r.Damage) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := db.writing.ExecContext(ctx, `PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Audit(ctx, rinca.AuditEntry{Detail: "again"}); err != nil {
		t.Error(err)
	}
	if n, err := db.VerifyAudit(ctx); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestIDs(t *testing.T) {
	last := ""
	for i := range 2000 {
		at := time.UnixMilli(int64(i) * 1_000_000_007)
		id := newID(at)
		if len(id) != 26 || id <= last || timeOfID(id) != at.UnixMilli() {
			t.Fatalf("%s of %d after %s: %d", id, at.UnixMilli(), last, timeOfID(id))
		}
		last = id
	}
	if timeOfID("x") != 0 || timeOfID(strings.Repeat("!", 26)) != 0 {
		t.Error("a time of what is no id")
	}
}

func TestPlacesDiffer(t *testing.T) {
	if place("a|", "b") == place("a", "|b") || place(`a\`, "|b") == place(`a\|`, "b") {
		t.Error("two rows have one place")
	}
}
