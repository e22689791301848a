package store_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

func update(kind, stack string) rinca.Update {
	return rinca.Update{
		Execution: rinca.Execution{Kind: kind, Params: json.RawMessage(`{"stack":"` + stack + `"}`)},
		Target:    rinca.Target{Kind: rinca.KindStack, Name: stack}, Operator: "alice", Trigger: "api",
	}
}

// manyUpdates stores n final updates of 50 stacks.
func manyUpdates(t testing.TB, db *store.DB, n int) {
	t.Helper()
	for i := range n {
		u, _, err := db.Enqueue(t.Context(), update("DeployStack", fmt.Sprintf("s%02d", i%50)), "")
		must(t, err)
		u.State = rinca.Succeeded
		u.Stages = []rinca.Stage{{Name: "Source", State: rinca.Succeeded, StartedAt: time.Now()}, {Name: "Apply", State: rinca.Succeeded, StartedAt: time.Now()}}
		must(t, db.SaveUpdate(t.Context(), u))
	}
}

func BenchmarkAPIKeyByHash(b *testing.B) {
	db := newDB(b)
	_, err := db.PutUser(b.Context(), rinca.User{Name: "alice"}, store.Upsert)
	must(b, err)
	for i := range 100 {
		_, err := db.PutAPIKey(b.Context(), rinca.APIKey{Name: fmt.Sprint(i), User: "alice"}, [32]byte{byte(i)})
		must(b, err)
	}
	for b.Loop() {
		_, err := db.APIKeyByHash(b.Context(), [32]byte{7})
		must(b, err)
	}
}

func BenchmarkSessionByHash(b *testing.B) {
	db := newDB(b)
	_, err := db.PutUser(b.Context(), rinca.User{Name: "alice"}, store.Upsert)
	must(b, err)
	_, err = db.PutSession(b.Context(), rinca.Session{User: "alice", ExpiresAt: time.Now().Add(time.Hour)}, [32]byte{7})
	must(b, err)
	for b.Loop() {
		_, err := db.SessionByHash(b.Context(), [32]byte{7})
		must(b, err)
	}
}

func BenchmarkVariable(b *testing.B) {
	db := newDB(b)
	for i := range 1000 {
		_, err := db.PutVariable(b.Context(), rinca.Variable{Name: fmt.Sprintf("V%d", i), Value: rinca.NewSecret("x"), Secret: true}, store.Upsert)
		must(b, err)
	}
	for b.Loop() {
		_, err := db.Variable(b.Context(), "", "V500")
		must(b, err)
	}
}

func BenchmarkStacks1000(b *testing.B) {
	db := newDB(b)
	manyStacks(b, db, 1000)
	for b.Loop() {
		s, err := db.Stacks(b.Context())
		must(b, err)
		if len(s) != 1000 {
			b.Fatal(len(s))
		}
	}
}

func manyStacks(t testing.TB, db *store.DB, n int) {
	t.Helper()
	for i := range n {
		_, err := db.PutStack(t.Context(), rinca.Stack{Name: fmt.Sprintf("stack%04d", i), Tags: []string{"a", "b"}, Source: rinca.Source{Kind: rinca.SourceGit, Repo: "https://example.com/x.git"}}, store.Upsert)
		must(t, err)
	}
}

// What a list costs when one of the stacks was changed.
func BenchmarkStacks1000Changed(b *testing.B) {
	db := newDB(b)
	manyStacks(b, db, 1000)
	for b.Loop() {
		_, err := db.PutStack(b.Context(), rinca.Stack{Name: "stack0500"}, store.Upsert)
		must(b, err)
		_, err = db.Stacks(b.Context())
		must(b, err)
	}
}

func BenchmarkUpdates(b *testing.B) {
	db := newDB(b)
	manyUpdates(b, db, 10_000)
	for name, f := range map[string]store.UpdateFilter{
		"newest": {Limit: 50}, "target": {Kind: rinca.KindStack, Name: "s07", Limit: 50},
		"failed": {State: rinca.Failed, Limit: 50}, "operator": {Operator: "alice", Limit: 50},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, err := db.Updates(b.Context(), f)
				must(b, err)
			}
		})
	}
	b.Run("one", func(b *testing.B) {
		all, err := db.Updates(b.Context(), store.UpdateFilter{Limit: 1})
		must(b, err)
		for b.Loop() {
			_, err := db.Update(b.Context(), all[0].ID)
			must(b, err)
		}
	})
	b.Run("enqueue and claim", func(b *testing.B) {
		for b.Loop() {
			_, _, err := db.Enqueue(b.Context(), update("DeployStack", "x"), "")
			must(b, err)
			u, ok, err := db.ClaimNext(b.Context(), nil)
			if must(b, err); !ok {
				b.Fatal("none")
			}
			u.State = rinca.Succeeded
			must(b, db.SaveUpdate(b.Context(), u))
		}
	})
	b.Run("empty claim", func(b *testing.B) {
		for b.Loop() {
			_, _, err := db.ClaimNext(b.Context(), nil)
			must(b, err)
		}
	})
}

func BenchmarkAppendEvents(b *testing.B) {
	db := newDB(b)
	events := make([]rinca.Event, 100)
	var seq int64
	for b.Loop() {
		for i := range events {
			seq++
			events[i] = rinca.Event{Seq: seq, At: time.Now(), Type: "line", Update: "u", Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}, Data: json.RawMessage(`{"text":"Container web-1 Started","stage":"Apply"}`)}
		}
		must(b, db.AppendEvents(b.Context(), events))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(events)), "µs/event")
}

func BenchmarkAudit(b *testing.B) {
	db := newDB(b)
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			_, err := db.Audit(b.Context(), rinca.AuditEntry{Actor: "alice", Action: "variable.reveal", Target: "Variable X", OK: true})
			must(b, err)
		}
	})
	b.Run("many", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, err := db.Audit(b.Context(), rinca.AuditEntry{Actor: "alice", Action: "variable.reveal", Target: "Variable X", OK: true})
				must(b, err)
			}
		})
	})
}
