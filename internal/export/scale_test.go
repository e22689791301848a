package export

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// fill puts n items of some variables each into stacks of three.
func fill(m *memory, n int) {
	for i := range n {
		m.made++
		m.vault.ContentVersion++
		it := newItem(m, i)
		m.items = append(m.items, it)
	}
}

func TestTenThousandItems(t *testing.T) {
	const n = 10_000
	b := newTestbed(t)
	if dir, err := os.MkdirTemp("/dev/shm", "rinca-test-"); err == nil { //nolint:usetesting // syncing is free there
		t.Cleanup(func() { os.RemoveAll(dir) })
		b.dest, b.req.Dest = dir, dir
	}
	fill(b.vault, n)
	start := time.Now()
	p, err := b.e.Export(t.Context(), b.req)
	if err != nil || p.Err() != nil {
		t.Fatalf("%v, %v", err, p.Err())
	}
	cold := time.Since(start)
	if got := b.vault.Requests(); got != n+2 {
		t.Errorf("cold: %d requests; want %d", got, n+2)
	}
	b.vault.requests = 0
	start = time.Now()
	if p, err = b.e.Export(t.Context(), b.req); err != nil || p.Changes() || b.vault.Requests() != 1 {
		t.Errorf("unchanged: %v, %d requests", err, b.vault.Requests())
	}
	t.Logf("10,000 items: cold %s, unchanged %s", cold.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
}

// BenchmarkUnchanged is a whole export in which nothing changed: its cost for
// an item must not depend on how many there are.
func BenchmarkUnchanged(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := newMemory()
			fill(m, n)
			e := &Exporter{Provider: m, Now: time.Now, Wait: time.Second}
			req := Request{Vault: "homelab", Dest: b.TempDir()}
			if _, err := e.Export(b.Context(), req); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if p, err := e.Export(b.Context(), req); err != nil || p.Changes() {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/item")
		})
	}
}

// BenchmarkDecide is the pure decision alone.
func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var f Facts
			for s := range n / 3 {
				name := fmt.Sprintf("s%05d", s)
				facts := &stackFacts{choice: choice{stack: name}, dir: dirState{exists: true, stat: stat{Mode: 0o700}}}
				for i := range 3 {
					item := listedItem{ID: fmt.Sprintf("i%025d", i), Title: fmt.Sprintf("f%d.env", i), Version: 1}
					facts.files = append(facts.files, &fileFacts{
						name: name + "/" + item.Title, item: item, known: true,
						disk: diskState{kind: regular, intact: true, stat: stat{Mode: 0o600}},
					})
				}
				f.stacks = append(f.stacks, facts)
			}
			for b.Loop() {
				if p := Decide(f); p.Changes() {
					b.Fatal("nothing changed")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/item")
		})
	}
}
