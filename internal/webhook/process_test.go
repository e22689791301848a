package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A storm of pushes: every one is answered and kept, and they come to one
// deploy of each stack.
func TestStormLosesNothing(t *testing.T) {
	const senders, each = 32, 63 // 10,000 a minute for 12 seconds
	w := newWorld(t)
	w.global(theSecret)
	stacks := []string{"a", "b", "c", "d"}
	for _, s := range stacks {
		w.stack(s, "stacks/"+s)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	var bad atomic.Int64
	var all sync.WaitGroup
	begin := time.Now()
	for sender := range senders {
		all.Go(func() {
			for i := range each {
				s := stacks[(sender+i)%len(stacks)]
				commit := fmt.Sprintf("%040x", sender*each+i+1)
				body := payload(map[string]any{"after": commit, "commits": []any{map[string]any{"id": commit, "modified": []string{"stacks/" + s + "/x"}}}})
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, w.http.URL+"/listener/github/stack/"+s+"/deploy", bytes.NewReader(body))
				req.Header.Set("X-GitHub-Event", "push")
				req.Header.Set("X-GitHub-Delivery", commit)
				req.Header.Set("X-Hub-Signature-256", signature(theSecret, body))
				res, err := client.Do(req)
				if err != nil {
					bad.Add(1)
					continue
				}
				text, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if res.StatusCode != 200 || !strings.Contains(string(text), `"update":`) {
					bad.Add(1)
				}
			}
		})
	}
	all.Wait()
	took := time.Since(begin)
	t.Logf("%d deliveries in %v: %.0f a minute", senders*each, took.Round(time.Millisecond), float64(senders*each)/took.Minutes())
	list, err := w.l.Deliveries(t.Context(), nil, "", senders*each+1)
	w.must(err)
	undecided := 0
	for i := range list {
		if list[i].Waits != "" || len(list[i].Started) != 1 {
			undecided++
		}
	}
	if bad.Load() > 0 || len(list) != senders*each || undecided > 0 || w.queued() != len(stacks) {
		t.Errorf("%d of %d were not answered, %d are kept, %d undecided, %d updates for %d stacks", bad.Load(), senders*each, len(list), undecided, w.queued(), len(stacks))
	}
}

// BenchmarkDelivery is one push of a storm, from the signature to the answer.
func BenchmarkDelivery(b *testing.B) {
	w := newWorld(b)
	w.global(theSecret)
	w.stack("web", "stacks/web")
	var n atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			commit := fmt.Sprintf("%040x", n.Add(1))
			body := payload(map[string]any{"after": commit, "commits": []any{map[string]any{"id": commit, "modified": []string{"stacks/web/x"}}}})
			if r := w.github("/listener/github/stack/web/deploy", "push", commit, body); len(r.Started) != 1 {
				b.Errorf("%s", r.raw)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Minutes(), "deliveries/min")
}

// What was on disk when the server was killed is carried out by the next one.
func TestDeliveriesOutliveTheServer(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	w.stack("web", "stacks/web")
	// Killed between the disk and the queue: nothing can be submitted.
	w.l.Submit = func(ctx context.Context, _ rinca.Submission) (rinca.Update, error) {
		<-ctx.Done()
		return rinca.Update{}, ctx.Err()
	}
	w.l.Patience = 50 * time.Millisecond
	r := w.github("/listener/github/stack/web/deploy", "push", "1", pushed("main", "stacks/web/x"))
	if r.status != 200 || r.Waits == "" || len(r.Started) > 0 {
		t.Fatalf("%d %s", r.status, r.raw)
	}
	w.l.cancel()
	w.l.work.Wait()
	w.start()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go w.l.Run(ctx)
	var d rinca.Delivery
	for deadline := time.Now().Add(10 * time.Second); len(d.Started) == 0; time.Sleep(5 * time.Millisecond) {
		var err error
		if d, err = w.l.Delivery(t.Context(), r.Delivery); err != nil || time.Now().After(deadline) {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	u, err := w.db.Update(t.Context(), d.Started[0].Update)
	w.must(err)
	if d.Waits != "" || w.queued() != 1 || !strings.HasPrefix(u.Cause, "push of bbbbbbb by alice") {
		t.Errorf("%+v, because of %q, and %d wait", d, u.Cause, w.queued())
	}
	// The sender tries again, since it got no answer: that is the same one.
	again := w.github("/listener/github/stack/web/deploy", "push", "1", pushed("main", "stacks/web/x"))
	if !again.Repeat || again.Delivery != r.Delivery {
		t.Errorf("%s", again.raw)
	}
}

// A procedure that calls its own webhook is slowed down, and a push that
// starts itself is not started for ever.
func TestWhatStartsItselfDoesNotRunAway(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	w.procedure(rinca.Procedure{Name: "loop", Stages: []rinca.ProcedureStage{{Name: "s", Executions: []rinca.StageExecution{{Execution: execution("DeployStack", map[string]any{"stack": "x"})}}}}})
	const at = "/listener/github/procedure/loop/__ANY__"
	send := func(i int, commit string) reply {
		return w.github(at, "push", fmt.Sprintf("%d %s", i, commit), payload(map[string]any{"after": commit}))
	}
	for i := range sameMost {
		send(i, commitB).started(t, "RunProcedure loop")
		w.finish()
		w.clock.forward(time.Second)
	}
	send(100, commitB).ignores(t, "the same push started it 20 times")
	// A new commit each time is something new each time; but not without end.
	n := 0
	for i := range 2 * allMost {
		w.clock.forward(time.Second)
		r := send(i, fmt.Sprintf("%040x", i+1))
		if r.Waits != "" {
			if !strings.Contains(r.Waits, "started often lately") {
				t.Errorf("%s", r.raw)
			}
			break
		}
		n++
		w.finish()
	}
	if n != allMost-sameMost {
		t.Errorf("it was started %d times more", n)
	}
	// A script that calls without a commit waits, and is not lost.
	w.clock.forward(allPeriod)
	for i := range sameMost + 1 {
		w.clock.forward(allPeriod / 5)
		r := w.post("/listener/bearer/procedure/loop/__ANY__", nil, "Authorization", "Bearer "+theSecret)
		if waits := i == sameMost; waits != (r.Waits != "") || r.Ignored != "" {
			t.Errorf("call %d: %s", i, r.raw)
		}
		w.finish()
	}
	if !strings.Contains(w.log.String(), "over and over") {
		t.Error("the log does not say so")
	}
}

// A stack that refuses to be busy is deployed later.
func TestBusyStackIsDeployedLater(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	w.stack("web", "stacks/web", func(s *rinca.Stack) { s.OnBusy = rinca.Refuse })
	_, err := w.runner.Submit(t.Context(), rinca.Submission{Execution: execution("StopStack", map[string]any{"stack": "web"}), Operator: "alice"})
	w.must(err)
	r := w.github("/listener/github/stack/web/deploy", "push", "1", pushed("main", "stacks/web/x"))
	if r.status != 200 || !strings.Contains(r.Waits, "busy") {
		t.Fatalf("%s", r.raw)
	}
	w.finish()
	rec, err := w.l.record(t.Context(), r.Delivery)
	w.must(err)
	p, err := w.l.readAgain(t.Context(), &rec)
	w.must(err)
	if rec = w.l.process(rec, p); len(rec.Started) != 1 || rec.Waits != "" || !rec.Done {
		t.Errorf("%+v", rec)
	}
}

func TestRedeliverDecidesAnew(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	w.stack("web", "stacks/web", func(s *rinca.Stack) { s.Webhook.Disabled = true })
	r := w.github("/listener/github/stack/web/deploy", "push", "1", pushed("main", "stacks/web/x"))
	r.ignores(t, "disabled")
	w.stack("web", "stacks/web")
	d, err := w.l.Redeliver(t.Context(), r.Delivery, "bob")
	w.must(err)
	if len(d.Started) != 1 || d.Redelivers != r.Delivery || d.ID == r.Delivery || d.Commit != commitB {
		t.Fatalf("%+v", d)
	}
	u, err := w.db.Update(t.Context(), d.Started[0].Update)
	w.must(err)
	if u.Operator != "bob" || u.Cause != "push of bbbbbbb by alice to main, delivered again by bob" {
		t.Errorf("it is by %s, because of %q", u.Operator, u.Cause)
	}
	// The sender's own repeat of what was ignored is looked at again, too.
	w.github("/listener/github/stack/web/deploy", "push", "1", pushed("main", "stacks/web/x")).started(t, deployIfChanged+" web")
	if _, err := w.l.Redeliver(t.Context(), "nope", "bob"); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("%v", err)
	}
}

func TestOldDeliveriesGo(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	w.stack("web", "stacks/web")
	old := w.github("/listener/github/stack/web/deploy", "ping", "old", []byte(`{}`))
	w.clock.forward(keepFor + time.Hour)
	// One that nobody has decided about is not too old.
	waits, err := w.l.keeper.add(record{Delivery: rinca.Delivery{ID: "00waits", At: w.clock.now().Add(-2 * keepFor)}}, []byte(`{}`))
	w.must(err)
	young := w.github("/listener/github/stack/web/deploy", "ping", "young", []byte(`{}`))
	w.l.prune(t.Context())
	if _, err := w.l.Delivery(t.Context(), old.Delivery); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("the old one is still there: %v", err)
	}
	for _, id := range []string{young.Delivery, waits.ID} {
		if _, err := w.l.Delivery(t.Context(), id); err != nil {
			t.Errorf("%s is gone: %v", id, err)
		}
	}
	data, err := w.l.keeper.data.List(t.Context(), store.RecordFilter{})
	w.must(err)
	if len(data) != 3 { // two bodies, and one sender's id
		t.Errorf("%d pieces of data are left", len(data))
	}
}
