package git_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/git"
	"rinca/internal/rinca"
)

// TestMain lets a test run itself as a process that is killed.
func TestMain(m *testing.M) {
	if job := os.Getenv("RINCA_TEST_CHECKOUTS"); job != "" {
		checkoutForever(job)
	}
	os.Exit(m.Run())
}

type job struct {
	Dir, Dest, URL string
	Commits        []string
}

// checkoutForever checks commits out in turn, until it is killed.
func checkoutForever(text string) {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		panic(err)
	}
	m := &git.Mirrors{Dir: j.Dir}
	req := git.Request{Source: rinca.Source{Repo: j.URL}, Dest: j.Dest}
	fmt.Println("ready")
	for i := 0; ; i++ {
		if _, err := m.Checkout(context.Background(), req, j.Commits[i%len(j.Commits)]); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
	}
}

// Killed at any instant, every file is one of the old or of the new commit,
// whole, and the next checkout finishes.
func TestKilledAtAnyInstant(t *testing.T) {
	r := newRepo(t)
	m := mirrors(t)
	req := request(t, r.url())
	states := []files{{}, {}, {}}
	var commits []string
	for i := range states {
		for j := range 60 {
			if (i+j)%7 == 0 {
				continue // it is not in this one
			}
			states[i][fmt.Sprintf("d%d/f%d", j%4, j)] = strings.Repeat(fmt.Sprintf("%d", i), 1+j*500)
		}
		states[i]["swap"] = fmt.Sprint(i)
		if i == 1 {
			delete(states[i], "swap")
			states[i]["swap/a"] = "x:1"
		}
		commits = append(commits, r.push("main", states[i]))
		fetch(t, m, req)
	}
	whole := map[string]bool{}
	for _, s := range states {
		for p, content := range s {
			whole[p+"\x00"+content] = true
		}
	}
	if err := os.MkdirAll(req.Dest, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(req.Dest, "mine"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	whole["mine\x00mine"] = true
	j, _ := json.Marshal(job{m.Dir, req.Dest, r.url(), commits})
	kills := 60
	if testing.Short() {
		kills = 10
	}
	for i := range kills {
		kill(t, string(j))
		for p, content := range read(t, req.Dest) {
			if !whole[p+"\x00"+content] {
				t.Fatalf("kill %d: %s is not whole: %.20q, %d bytes", i, p, content, len(content))
			}
		}
		if i%3 == 0 {
			checkout(t, m, req, commits[i/3%3])
			got := read(t, req.Dest)
			delete(got, "mine")
			if diff := cmp.Diff(states[i/3%3], got); diff != "" {
				t.Fatalf("kill %d: %s", i, diff)
			}
			if left := names(t, filepath.Dir(req.Dest)); left != "src src.state" {
				t.Errorf("left: %s", left)
			}
			if left := names(t, req.Dest+".state"); left != "lock manifest.json" {
				t.Errorf("left: %s", left)
			}
		}
	}
}

// kill starts the job, and kills it after a while.
func kill(t *testing.T, j string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RINCA_TEST_CHECKOUTS="+j)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q %v", line, err)
	}
	time.Sleep(time.Duration(rand.IntN(60_000)) * time.Microsecond)
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("it ended by itself: %v", err)
	}
}

// A full disk is noticed before anything has changed.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a small disk needs root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	r := newRepo(t)
	m := mirrors(t)
	req := request(t, r.url())
	req.Dest = filepath.Join(dir, "src")
	old := files{"a": "1", "b": "1"}
	first := r.push("main", old)
	big := make([]byte, 2<<20)
	for i := range big {
		big[i] = byte(rand.Uint32())
	}
	fetch(t, m, req)
	checkout(t, m, req, first)
	second := r.push("main", files{"a": "2", "b": string(big)})
	fetch(t, m, req)
	_, err := m.Checkout(t.Context(), req, second)
	if rinca.CodeOf(err) != rinca.Destination || !strings.Contains(err.Error(), "no space left") || !strings.HasPrefix(rinca.HintOf(err), "df -h") {
		t.Errorf("%v (%s)", err, rinca.HintOf(err))
	}
	if diff := cmp.Diff(old, read(t, req.Dest)); diff != "" {
		t.Error(diff)
	}
	if left := names(t, dir); left != "src src.state" {
		t.Errorf("left: %s", left)
	}
	// The mirror on the full disk.
	small := &git.Mirrors{Dir: filepath.Join(dir, "git")}
	if _, err := small.Fetch(t.Context(), req); rinca.CodeOf(err) != rinca.Destination {
		t.Errorf("%s %v %v", rinca.CodeOf(err), err, cause(err))
	}
	if _, err := small.Fetch(t.Context(), req); rinca.CodeOf(err) != rinca.Destination {
		t.Errorf("%s %v %v", rinca.CodeOf(err), err, cause(err))
	}
}
