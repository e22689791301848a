package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/seal"
	"rinca/internal/store"
)

// play is what a process does that a test starts.
func play(role, dir string) error {
	ctx := context.Background()
	if role == "serve" {
		_, err := store.LockServer(dir)
		fmt.Println("locked")
		time.Sleep(time.Minute)
		return err
	}
	db, err := store.Open(ctx, store.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer db.Close()
	if role == "open" {
		return nil
	}
	last, err := db.LastEvent(ctx)
	if err != nil {
		return err
	}
	for i := 0; role == "write" || i < 20; i++ {
		last++
		name := fmt.Sprintf("V%s%d", os.Getenv("RINCA_TEST_NAME"), i%7)
		if _, err := db.PutVariable(ctx, rinca.Variable{Name: name, Value: secret(fmt.Sprint(last))}, store.Upsert); err != nil {
			return err
		}
		u, _, err := db.Enqueue(ctx, rinca.Update{Execution: rinca.Execution{Kind: "X"}, Target: rinca.Target{Kind: rinca.KindStack, Name: name}}, "")
		if err != nil {
			return err
		}
		if _, _, err := db.ClaimNext(ctx, nil); err != nil {
			return err
		}
		if _, err := db.Audit(ctx, rinca.AuditEntry{Actor: "writer"}); err != nil {
			return err
		}
		if role == "write" {
			if err := db.AppendEvents(ctx, []rinca.Event{{Seq: last, Update: u.ID}}); err != nil {
				return err
			}
		}
	}
	return nil
}

func command(t testing.TB, program, role, dir, name string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "RINCA_TEST_HOME="+dir, "RINCA_TEST_ROLE="+role, "RINCA_TEST_NAME="+name)
	return cmd
}

func start(t testing.TB, role, dir, name string) *exec.Cmd {
	t.Helper()
	cmd := command(t, os.Args[0], role, dir, name)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	return cmd
}

func TestSeveralProcesses(t *testing.T) {
	dir := newHome(t)
	var cmds []*exec.Cmd
	for i := range 4 { // they also make the database at once
		cmds = append(cmds, start(t, "some", dir, fmt.Sprint("p", i, "_")))
	}
	for _, c := range cmds {
		must(t, c.Wait())
	}
	r := mustCheck(t, open(t, dir))
	if r.Records["variable"] != 28 || r.Records["updates"] != 80 || r.Records["audit"] != 80 {
		t.Errorf("%+v", r.Records)
	}
}

func TestKilledWriters(t *testing.T) {
	dir := newHome(t)
	open(t, dir)
	kills := 15
	if os.Getenv("RINCA_SOAK") != "" {
		kills = 300
	}
	for range kills {
		cmd := start(t, "write", dir, "k")
		time.Sleep(time.Duration(20+rand.IntN(80)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	db := open(t, dir)
	r := mustCheck(t, db)
	if _, err := db.Recover(t.Context(), func(rinca.Update) bool { return false }); err != nil {
		t.Error(err)
	}
	t.Logf("%v", r.Records)
}

// Creating is all or nothing too.
func TestKilledCreators(t *testing.T) {
	for range 10 {
		dir := newHome(t)
		cmd := start(t, "open", dir, "")
		time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		mustCheck(t, open(t, dir))
	}
}

func TestOneServer(t *testing.T) {
	dir := t.TempDir()
	unlock, err := store.LockServer(dir)
	must(t, err)
	_, err = store.LockServer(dir)
	wantCode(t, rinca.Conflict, err)
	if want := fmt.Sprintf("process %d serves", os.Getpid()); err == nil || err.Error()[:len(want)] != want {
		t.Errorf("%v", err)
	}
	unlock()
	cmd := command(t, os.Args[0], "serve", dir, "")
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	_, err = out.Read(make([]byte, 10))
	must(t, err)
	_, err = store.LockServer(dir)
	wantCode(t, rinca.Conflict, err)
	must(t, cmd.Process.Kill()) // the lock goes with it
	_ = cmd.Wait()
	unlock, err = store.LockServer(dir)
	must(t, err)
	unlock()
}

func rotate(ctx context.Context, dir string, db *store.DB) error {
	_, err := seal.Rotate(seal.Source{Path: filepath.Join(dir, "rinca.key")}, time.Now(), func(both *seal.Ring) error { return db.Rewrap(ctx, both) })
	return err
}

// While the key is rotated, another handle, which stands for a server, goes
// on reading and writing.
func TestRotateWhileOthersWork(t *testing.T) {
	dir := newHome(t)
	a, b := open(t, dir), open(t, dir)
	ctx := context.WithoutCancel(t.Context())
	manyStacks(t, a, 300)
	manyUpdates(t, a, 50)
	audit(t, a, 20)
	stop, done := make(chan struct{}), make(chan error, 2)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if _, err := b.PutVariable(ctx, rinca.Variable{Name: fmt.Sprintf("V%d", i%9), Value: secret(fmt.Sprint(i))}, store.Upsert); err != nil {
				done <- err
				return
			}
			if _, err := b.Audit(ctx, rinca.AuditEntry{Actor: "x"}); err != nil {
				done <- err
				return
			}
		}
	}()
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			fresh, err := store.Open(ctx, store.Config{Dir: dir})
			if err == nil {
				_, err = fresh.Stacks(ctx)
				_, err2 := b.Updates(ctx, store.UpdateFilter{Limit: 50})
				if err == nil {
					err = err2
				}
				_ = fresh.Close()
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for range 4 {
		must(t, rotate(ctx, dir, a))
	}
	close(stop)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	mustCheck(t, open(t, dir)) // with nothing but the last key
	mustCheck(t, b)
}

// A rotation that stops at any batch leaves a database that can be read, and
// rotated again.
func TestInterruptedRotation(t *testing.T) {
	dir := newHome(t)
	db := open(t, dir)
	manyStacks(t, db, 20)
	for wait := range 12 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Duration(wait)*300*time.Microsecond, cancel)
		_ = rotate(ctx, dir, db)
		cancel()
		mustCheck(t, open(t, dir))
	}
	must(t, rotate(t.Context(), dir, db))
	mustCheck(t, open(t, dir))
	ring, err := seal.Open(seal.Source{Path: filepath.Join(dir, "rinca.key")})
	if must(t, err); ring.Len() != 1 {
		t.Errorf("%d keys are left", ring.Len())
	}
}
