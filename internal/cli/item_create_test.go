package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"rinca/internal/cli"
	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

// A session is a command on a real terminal.
type session struct {
	t      *testing.T
	pty    *os.File
	mu     sync.Mutex
	screen bytes.Buffer
	seen   int
	status chan int
	cancel context.CancelFunc
}

// start runs a command with a terminal for its input and its messages.
func start(t *testing.T, home string, args ...string) *session {
	t.Helper()
	ptmx, tty, err := pty.Open()
	if err != nil {
		t.Skip("no terminal can be made here:", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &session{t: t, pty: ptmx, status: make(chan int, 1), cancel: cancel}
	t.Cleanup(func() { cancel(); ptmx.Close(); tty.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := ptmx.Read(buf)
			s.mu.Lock()
			s.screen.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go func() {
		s.status <- cli.Main(ctx, cli.Env{
			Args:    append([]string{"rinca"}, args...),
			Environ: []string{"RINCA_HOME=" + home, "RINCA_PROVIDER=embedded"},
			Stdin:   tty, Stdout: tty, Stderr: tty,
		})
	}()
	return s
}

func (s *session) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String()
}

// expect waits for text that has not been seen yet.
func (s *session) expect(want string) {
	s.t.Helper()
	for range 500 {
		text := s.text()
		if i := strings.Index(text[s.seen:], want); i >= 0 {
			s.seen += i + len(want)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("%q does not appear in:\n%s", want, s.text()[s.seen:])
}

func (s *session) send(text string) {
	s.t.Helper()
	if _, err := s.pty.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) end(want int) {
	s.t.Helper()
	select {
	case got := <-s.status:
		if got != want {
			s.t.Errorf("status %d, want %d:\n%s", got, want, s.text())
		}
	case <-time.After(10 * time.Second):
		s.t.Fatalf("the command does not end:\n%s", s.text())
	}
}

const asked = `# Ask the provider for it.
API_TOKEN=
# openssl rand -hex 32
SECRET_KEY=REPLACE_ME
HOST=db
MAIL=admin@example.com
# at least 12 characters
ADMIN_PASSWORD=change_me
`

func newHome(t *testing.T, example string) (home, path string) {
	t.Helper()
	dir := t.TempDir()
	home, path = filepath.Join(dir, "home"), filepath.Join(dir, "web", "web.env.example")
	var out bytes.Buffer
	if status := cli.Main(t.Context(), cli.Env{Args: []string{"rinca", "init"}, Environ: []string{"RINCA_HOME=" + home}, Stdin: &out, Stdout: &out, Stderr: &out}); status != 0 {
		t.Fatal(out.String())
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	writeExample(t, path, example)
	return home, path
}

func writeExample(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// stored reads the item web.env from the vault.
func stored(t *testing.T, home string) (rinca.Item, map[string]string) {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Config{Dir: home})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	vaults, err := db.Vaults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	infos, err := db.Items(t.Context(), vaults[0].ID)
	if err != nil || len(infos) != 1 {
		t.Fatalf("%d items, %v", len(infos), err)
	}
	items, err := db.Get(t.Context(), vaults[0].ID, infos[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, f := range items[0].Fields {
		m[f.Label] = f.Value.Reveal()
	}
	return items[0], m
}

func TestItemCreateAsks(t *testing.T) {
	home, path := newHome(t, asked)
	s := start(t, home, "item", "create", path)
	s.expect("web.env for the stack web:")
	s.expect("# Ask the provider for it.")
	s.expect("API_TOKEN (hidden; Enter leaves it empty): ")
	s.send("hunter2-token\r")
	s.expect("••••")
	s.expect("SECRET_KEY (hidden; Enter generates hex:32): ")
	s.send("\r")
	s.expect("HOST (Enter for db): ")
	s.send("\r")
	s.expect("MAIL: ")
	s.send("\r")
	s.expect("It needs a value")
	s.expect("MAIL: ")
	s.send("you@example.com\r")
	s.expect("That is a placeholder.")
	s.expect("MAIL: ")
	s.send("a@b.lan\r")
	s.expect("ADMIN_PASSWORD (hidden; Enter generates generate:32): ")
	s.send("hunter2\r")
	s.expect("It needs at least 12 characters.")
	s.expect("ADMIN_PASSWORD")
	s.send("hunter2-hunter2 'ü$\r")
	s.expect("web.env, stack web:")
	s.expect("a@b.lan")
	s.expect("Write 1 item to the vault homelab? [Y/n] ")
	s.send("\r")
	s.expect("✓ Created: web.env (5 variables: 1 generated, 3 entered, 1 from the example)")
	s.end(0)
	if strings.Contains(s.text(), "hunter2") {
		t.Errorf("a hidden answer is on the screen:\n%s", s.text())
	}
	_, got := stored(t, home)
	if got["API_TOKEN"] != "hunter2-token" || got["HOST"] != "db" || got["MAIL"] != "a@b.lan" || got["ADMIN_PASSWORD"] != "hunter2-hunter2 'ü$" || !regexp.MustCompile("^[0-9a-f]{64}$").MatchString(got["SECRET_KEY"]) {
		t.Error("the vault has other values than those entered")
	}
	if strings.Contains(s.text(), got["SECRET_KEY"]) {
		t.Error("a generated value is on the screen")
	}

	// Nothing to ask, nothing to do.
	s = start(t, home, "item", "create", path)
	s.expect("⊘ No changes: web.env (up to date)")
	s.end(0)
}

// Type-ahead is not shown either: echo is off before the prompt appears.
func TestItemCreateHidesTypeAhead(t *testing.T) {
	home, path := newHome(t, "ONE_TOKEN=\nTWO_TOKEN=\n")
	s := start(t, home, "item", "create", path)
	s.expect("ONE_TOKEN")
	s.send("hunter2-a\rhunter2-b\r")
	s.expect("Write 1 item")
	s.send("y\r")
	s.end(0)
	if _, got := stored(t, home); got["ONE_TOKEN"] != "hunter2-a" || got["TWO_TOKEN"] != "hunter2-b" || strings.Contains(s.text(), "hunter2") {
		t.Errorf("on the screen:\n%s", s.text())
	}
}

func TestItemCreateComparesWithWhatExists(t *testing.T) {
	home, path := newHome(t, "API_TOKEN=\nHOST=db\nOLD=1\n")
	s := start(t, home, "item", "create", path, "--yes", "--set", "API_TOKEN=")
	s.end(0)
	writeExample(t, path, "API_TOKEN=\nHOST=db\nNEW_PORT=5432\n")

	run := func(answer string, status int, flags ...string) *session {
		s := start(t, home, append([]string{"item", "create", path, "--set", "HOST=other"}, flags...)...)
		s.expect("web.env exists in the vault homelab (version 1):")
		s.expect("= API_TOKEN  kept")
		s.expect("~ HOST       differs")
		s.expect("+ NEW_PORT   new")
		s.expect("· OLD        only in the vault, kept")
		s.expect("[u]pdate it, [s]kip it, or [c]ancel? ")
		s.send(answer)
		if status != 0 {
			s.end(status)
		}
		return s
	}
	run("c\r", 130)
	run("\x03", 130)
	run("\x04", 130)
	s = run("s\r", 0)
	s.expect("⊘ Skipped: web.env")
	s.end(0)
	if it, _ := stored(t, home); it.Version != 1 {
		t.Errorf("version %d after skip and cancel", it.Version)
	}
	s = run("u\r", 0)
	s.expect("NEW_PORT (Enter for 5432): ")
	s.send("6543\r")
	s.expect("Write 1 item")
	s.send("n\r")
	s.end(130)
	s = run("u\r", 0)
	s.expect("NEW_PORT (Enter for 5432): ")
	s.send("6543\r")
	s.expect("Write 1 item")
	s.send("y\r")
	s.expect("✓ Updated: web.env (version 2)")
	s.expect("added: NEW_PORT")
	s.expect("changed: HOST")
	s.end(0)
	if it, got := stored(t, home); it.Version != 2 || got["NEW_PORT"] != "6543" || got["HOST"] != "other" || got["OLD"] != "1" {
		t.Errorf("version %d", it.Version)
	}
}

// A signal while a prompt waits ends the command and gives the terminal back.
func TestItemCreateIsInterrupted(t *testing.T) {
	home, path := newHome(t, asked)
	s := start(t, home, "item", "create", path)
	s.expect("API_TOKEN (hidden")
	s.cancel()
	s.expect("canceled; nothing was written")
	s.end(130)
}

// An example may be hostile: it cannot forge lines on the terminal.
func TestItemCreateShowsNoControlCharacters(t *testing.T) {
	home, path := newHome(t, "# \x1b[2Jcleared \u202e\nHOST=\x1b]0;title\x07db\n")
	s := start(t, home, "item", "create", path)
	s.expect("HOST")
	s.expect(": ")
	s.send("\x03")
	s.end(130)
	if strings.ContainsAny(s.text(), "\x07\u202e") || strings.Contains(s.text(), "\x1b[2J") {
		t.Errorf("%q", s.text())
	}
}
