package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// load sends the same request over several connections, b.N times in all, and
// reports requests a second and the 99th percentile. The client is as small as
// it can be, since it runs on the same processors.
func load(b *testing.B, w *world, connections int, path string, headers ...string) {
	b.Helper()
	token := w.tokens["admin"]
	req := "GET " + path + " HTTP/1.1\r\nHost: rinca\r\nAuthorization: Bearer " + token.Reveal() + "\r\n"
	for i := 0; i+1 < len(headers); i += 2 {
		req += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	req += "\r\n"
	var left atomic.Int64
	left.Store(int64(b.N))
	took := make([][]time.Duration, connections)
	var wg sync.WaitGroup
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	b.ResetTimer()
	start := time.Now()
	for c := range connections {
		wg.Go(func() {
			conn, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", strings.TrimPrefix(w.http.URL, "http://"))
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			in := bufio.NewReaderSize(conn, 64<<10)
			for left.Add(-1) >= 0 {
				at := time.Now()
				if _, err := io.WriteString(conn, req); err != nil {
					b.Error(err)
					return
				}
				resp, err := http.ReadResponse(in, nil)
				if err != nil || resp.StatusCode != 200 && resp.StatusCode != 304 {
					b.Error(err, resp)
					return
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					b.Error(err)
					return
				}
				took[c] = append(took[c], time.Since(at))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(cpu)/1000/float64(b.N), "cpu-us/req") // of both sides; what counts while others use the machine
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(len(all))/elapsed.Seconds(), "req/s")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkListStacks lists 1,000 stacks.
func BenchmarkListStacks(b *testing.B) {
	w := newWorld(b)
	w.admin()
	for i := range 1000 {
		_, err := w.db.PutStack(b.Context(), rinca.Stack{
			Name: fmt.Sprintf("stack-%04d", i), Tags: []string{"media", "homelab"}, Server: "far", After: []string{"op-export"},
			Source: rinca.Source{Kind: rinca.SourceGit, Repo: "https://forge.example.org/homelab.git", Branch: "main", Path: fmt.Sprint("stacks/", i)},
		}, store.Upsert)
		if err != nil {
			b.Fatal(err)
		}
	}
	tag := w.must(w.tokens["admin"], "GET /v1/stacks", "").header.Get("ETag")
	b.Run("gzip", func(b *testing.B) { load(b, w, 16, "/v1/stacks", "Accept-Encoding", "gzip") })
	b.Run("plain", func(b *testing.B) { load(b, w, 16, "/v1/stacks") })
	b.Run("unchanged", func(b *testing.B) { load(b, w, 16, "/v1/stacks", "If-None-Match", tag) })
}

// BenchmarkVariable reads one secret variable, without its value and with it.
func BenchmarkVariable(b *testing.B) {
	w := newWorld(b)
	w.fixtures()
	w.admin()
	b.Run("shown", func(b *testing.B) { load(b, w, 16, "/v1/variables/TOKEN") })
	b.Run("revealed", func(b *testing.B) { load(b, w, 16, "/v1/variables/TOKEN/value") })
}
