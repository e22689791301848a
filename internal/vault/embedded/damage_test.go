package embedded_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

// fill puts a few items with history and a file into a home, and returns what
// reading it must give.
func fill(t *testing.T, dir string) string {
	t.Helper()
	db := open(t, dir)
	v := newVault(t, db)
	for i := range 6 {
		it, err := db.Create(t.Context(), item(v, fmt.Sprintf("item%d.env", i), fmt.Sprintf("value-%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			it.Fields[0].Value = rinca.NewSecret("second")
			it.Files = []rinca.File{{Name: "ca.pem", Content: rinca.NewSecret(strings.Repeat("pem", 20_000))}}
			if _, err := db.Update(t.Context(), it); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := dump(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	return want
}

// dump reads everything and returns it as text; what it could read before it
// failed is not part of it.
func dump(ctx context.Context, dir string) (string, error) {
	db, err := embedded.Open(ctx, embedded.Config{Dir: dir})
	if err != nil {
		return "", err
	}
	defer db.Close()
	var b strings.Builder
	vaults, err := db.Vaults(ctx)
	if err != nil {
		return "", err
	}
	for _, v := range vaults {
		fmt.Fprintln(&b, v.Name, v.ContentVersion, v.Items)
		infos, err := db.ItemsAndArchived(ctx, v.ID)
		if err != nil {
			return "", err
		}
		for _, i := range infos {
			versions, err := db.History(ctx, v.ID, i.ID)
			if err != nil {
				return "", err
			}
			for _, it := range versions {
				fmt.Fprintln(&b, i.Title, i.Tags, it.Version, it.State)
				for _, f := range it.Fields {
					fmt.Fprintln(&b, f.Label, f.Value.IsSet(), f.Value.Reveal())
				}
				for _, f := range it.Files {
					c, err := db.ReadFile(ctx, v.ID, it.ID, f.ID)
					if err != nil && it.Version == i.Version {
						return "", err
					}
					if err == nil {
						fmt.Fprintln(&b, f.Name, c.Reveal())
					}
				}
			}
		}
	}
	return b.String(), nil
}

// A flipped bit anywhere in the database is an error that names the database,
// or changes nothing that is read. It never gives other data.
func TestFlippedBits(t *testing.T) {
	dir := newHome(t)
	want := fill(t, dir)
	path := filepath.Join(dir, embedded.DatabaseName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n, rng := 300, rand.New(rand.NewPCG(1, 2))
	positions := make([]int, 0, n)
	for range n {
		positions = append(positions, rng.IntN(len(whole)))
	}
	for i := range 100 { // the header, where the most depends on each byte
		positions = append(positions, i)
	}
	if os.Getenv("RINCA_SOAK") != "" {
		positions = positions[:0]
		for i := range whole {
			positions = append(positions, i)
		}
	}
	detected := 0
	for _, pos := range positions {
		damaged := append([]byte{}, whole...)
		damaged[pos] ^= 1 << rng.IntN(8)
		for _, suffix := range []string{"-wal", "-shm", "-journal"} {
			os.Remove(path + suffix)
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		got, err := dump(ctx, dir)
		cancel()
		switch {
		case err == nil && got != want:
			t.Fatalf("byte %d: other data, and no error", pos)
		case err != nil:
			detected++
			if !strings.Contains(err.Error(), embedded.DatabaseName) {
				t.Errorf("byte %d: the error does not name the database: %q %v", pos, rinca.CodeOf(err), err)
			}
			if strings.Contains(err.Error(), "value-") {
				t.Errorf("byte %d: the error holds a value: %v", pos, err)
			}
		}
	}
	t.Logf("%d of %d flips noticed; the others are in bytes that nothing reads", detected, len(positions))
	if detected < len(positions)/2 {
		t.Errorf("only %d of %d flips were noticed", detected, len(positions))
	}
}

// TestMain also plays the processes that TestKilledWriters and
// TestSeveralProcesses start.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RINCA_TEST_WRITER"); dir != "" {
		if err := writer(dir, os.Getenv("RINCA_TEST_COUNT")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writer edits the first item, so often or for ever.
func writer(dir, count string) error {
	ctx := context.Background()
	db, err := embedded.Open(ctx, embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer db.Close()
	vaults, err := db.Vaults(ctx)
	if err != nil {
		return err
	}
	infos, err := db.Items(ctx, vaults[0].ID)
	if err != nil {
		return err
	}
	most := -1
	fmt.Sscan(count, &most)
	for n := 0; n != most; n++ {
		for {
			items, err := db.Get(ctx, vaults[0].ID, infos[0].ID)
			if err != nil {
				return err
			}
			it := items[0]
			it.Fields[0].Value = rinca.NewSecret(fmt.Sprint("n", it.Version))
			_, err = db.Update(ctx, it)
			if rinca.CodeOf(err) == rinca.Conflict {
				continue // another process was faster
			}
			if err != nil {
				return err
			}
			break
		}
	}
	return nil
}

func startWriter(t *testing.T, dir, count string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "RINCA_TEST_WRITER="+dir, "RINCA_TEST_COUNT="+count)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// Several processes edit one item: no edit is lost, each counts once.
func TestSeveralProcesses(t *testing.T) {
	dir := newHome(t)
	fill(t, dir)
	var cmds []*exec.Cmd
	for range 4 {
		cmds = append(cmds, startWriter(t, dir, "10"))
	}
	for _, c := range cmds {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	db := open(t, dir)
	vaults, err := db.Vaults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	infos, err := db.Items(t.Context(), vaults[0].ID)
	if err != nil || infos[0].Version != 2+40 {
		t.Errorf("version %d, %v", infos[0].Version, err)
	}
}

// A writer that is killed at any moment leaves every item whole, and a vault
// that checks out.
func TestKilledWriters(t *testing.T) {
	dir := newHome(t)
	fill(t, dir)
	kills := 25
	if os.Getenv("RINCA_SOAK") != "" {
		kills = 300
	}
	for range kills {
		cmd := startWriter(t, dir, "")
		time.Sleep(time.Duration(5+rand.IntN(40)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	db := open(t, dir)
	r, err := db.Check(t.Context())
	if err != nil || len(r.Damage) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A rotation that is killed leaves a vault that can be read, and rotated
// again.
func TestInterruptedRotation(t *testing.T) {
	dir := newHome(t)
	want := fill(t, dir)
	db := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the records are not re-wrapped: as if killed after the key file was written
	if err := db.RotateKey(ctx); err == nil {
		t.Fatal("the rotation was to fail")
	}
	got, err := dump(t.Context(), dir)
	if err != nil || got != want {
		t.Fatalf("after an interrupted rotation: %v", err)
	}
	if err := open(t, dir).RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err = dump(t.Context(), dir); err != nil || got != want {
		t.Errorf("after rotating again: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	dir := newHome(t)
	path := filepath.Join(dir, embedded.DatabaseName)
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := embedded.Open(t.Context(), embedded.Config{Dir: dir})
	if rinca.CodeOf(err) != rinca.Corrupt || rinca.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	// The key of another home does not fit.
	dir, other := newHome(t), newHome(t)
	key, err := os.ReadFile(filepath.Join(other, embedded.KeyName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, embedded.KeyName), key, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = embedded.Open(t.Context(), embedded.Config{Dir: dir})
	if rinca.CodeOf(err) != rinca.Unauthenticated || !strings.Contains(err.Error(), "is not the one") {
		t.Errorf("with another home's key: %v", err)
	}
}
