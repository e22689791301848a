package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

func audit(t testing.TB, db *store.DB, n int) {
	t.Helper()
	for i := range n {
		_, err := db.Audit(t.Context(), rinca.AuditEntry{Actor: "alice", Action: "stack.update", Detail: fmt.Sprint(i), OK: true})
		must(t, err)
	}
}

// raw runs a statement on the file, as somebody with the file would.
func raw(t *testing.T, dir, statement string) {
	t.Helper()
	h, err := sql.Open("sqlite", "file:"+filepath.Join(dir, store.DatabaseName))
	must(t, err)
	defer h.Close()
	_, err = h.ExecContext(t.Context(), statement)
	must(t, err)
}

func TestAuditChain(t *testing.T) {
	for name, c := range map[string]struct {
		statement, want string
	}{
		"whole":           {`SELECT 1`, ""},
		"changed":         {`UPDATE audit SET body = (SELECT body FROM audit WHERE seq = 2) WHERE seq = 4`, "audit entry|4"},
		"changed hash":    {`UPDATE audit SET hash = zeroblob(32) WHERE seq = 4`, "audit entry 4"},
		"removed":         {`DELETE FROM audit WHERE seq = 4`, "audit entry 4"},
		"first removed":   {`DELETE FROM audit WHERE seq = 1`, "audit entry 1"},
		"reordered":       {`UPDATE audit SET seq = CASE seq WHEN 4 THEN -5 ELSE -4 END WHERE seq IN (4, 5); UPDATE audit SET seq = -seq WHERE seq < 0`, "audit entry|4"},
		"moved up":        {`UPDATE audit SET seq = -3 WHERE seq = 4`, "audit entry|-3"},
		"truncated":       {`DELETE FROM audit WHERE seq > 7`, "audit entry 8"},
		"all gone":        {`DELETE FROM audit`, "audit entry 1"},
		"one repeated":    {`INSERT INTO audit SELECT 11, hash, body FROM audit WHERE seq = 10`, "audit entry|11"},
		"head moved back": {`UPDATE heads SET rev = 7 WHERE family = 'audit'`, "head|audit|7"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newHome(t)
			db := open(t, dir)
			audit(t, db, 10)
			raw(t, dir, c.statement)
			n, err := db.VerifyAudit(t.Context())
			if c.want == "" {
				if must(t, err); n != 10 {
					t.Errorf("%d entries", n)
				}
				return
			}
			wantCode(t, rinca.Corrupt, err)
			if err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			r, err := db.Check(t.Context())
			if must(t, err); len(r.Damage) == 0 {
				t.Error("Check found nothing")
			}
		})
	}
}

func TestAuditGoesOnAfterTruncation(t *testing.T) {
	dir := newHome(t)
	db := open(t, dir)
	audit(t, db, 5)
	raw(t, dir, `DELETE FROM audit WHERE seq > 3`)
	audit(t, db, 2)
	_, err := db.VerifyAudit(t.Context())
	wantCode(t, rinca.Corrupt, err)
	if err == nil || !strings.Contains(err.Error(), "audit entry 4") {
		t.Errorf("%v", err)
	}
}

func TestAuditFromManyAtOnce(t *testing.T) {
	dir := newHome(t)
	handles := []*store.DB{open(t, dir), open(t, dir)}
	var mu sync.Mutex
	seen := map[int64]string{}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for k := range 10 {
				detail := fmt.Sprint(i, ".", k)
				e, err := handles[i%2].Audit(t.Context(), rinca.AuditEntry{Actor: "alice", Detail: detail})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if seen[e.Seq] != "" {
					t.Errorf("entry %d twice", e.Seq)
				}
				seen[e.Seq] = detail
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	n, err := handles[0].VerifyAudit(t.Context())
	must(t, err)
	entries, err := handles[1].AuditEntries(t.Context(), 0, 1000)
	must(t, err)
	last, err := handles[1].LastAudit(t.Context())
	must(t, err)
	if n != 160 || last != 160 || len(entries) != 160 {
		t.Errorf("%d, %d, %d", n, last, len(entries))
	}
	for _, e := range entries {
		if seen[e.Seq] != e.Detail || e.Hash == "" {
			t.Errorf("%+v", e)
		}
	}
	page, err := handles[1].AuditEntries(t.Context(), 150, 5)
	if must(t, err); len(page) != 5 || page[0].Seq != 151 {
		t.Errorf("%+v", page)
	}
}
