package deploy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"rinca/internal/rinca"
)

// A hook is a shell command of a stack, ready to run.
type hook struct {
	name    string
	path    string
	script  string
	env     map[string]rinca.Secret
	timeout rinca.Duration
}

// runHook runs a command in a folder of the source. Values are in its
// environment, never in its text; what it prints is masked like everything.
func (j *job) runHook(ctx context.Context, h *hook) error {
	if h.path != "" && !filepath.IsLocal(h.path) {
		return rinca.Errorf(rinca.Invalid, "the path %q of %s leaves the stack's folder", h.path, h.name)
	}
	timeout := time.Duration(h.timeout)
	if timeout == 0 {
		timeout = 10 * time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout,
		rinca.Errorf(rinca.Unavailable, "%s did not end within %s", h.name, timeout).Try("rinca stack set %s --%s-timeout 30m", j.stack.Name, strings.ReplaceAll(h.name, "_", "-")))
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-eu", "-c", h.script) //nolint:gosec // that is what a hook is; its values are not in it
	cmd.Dir = filepath.Join(j.files.dir, h.path)
	cmd.Env = append([]string{
		"RINCA_STACK=" + j.stack.Name, "RINCA_COMMIT=" + j.files.commit, "RINCA_SOURCE=" + j.files.dir,
	}, j.Environ...)
	for name, value := range h.env {
		cmd.Env = append(cmd.Env, name+"="+value.Reveal())
	}
	// The whole group ends with it, or what it started would go on.
	// It ends with us, also when we are killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err := j.pipe(cmd)
	if ctx.Err() != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what ignored the first signal
		return canceled(ctx)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return rinca.Errorf(rinca.Invalid, "%s ended with status %d", h.name, exit.ExitCode()).Try("its lines are above")
	}
	if err != nil {
		return rinca.Errorf(rinca.Invalid, "run %s: %w", h.name, err)
	}
	return nil
}

// pipe runs a command, and sends each of its lines as it comes.
func (j *job) pipe(cmd *exec.Cmd) error {
	// The signal at our death is sent when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	outR, outW, err := os.Pipe()
	if err != nil {
		return err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		return errors.Join(err, outR.Close(), outW.Close())
	}
	cmd.Stdout, cmd.Stderr = outW, errW
	startErr := cmd.Start()
	_, _ = outW.Close(), errW.Close() // the child has its own
	var wg sync.WaitGroup
	if startErr == nil {
		wg.Go(func() { j.lines("out", outR) })
		wg.Go(func() { j.lines("err", errR) })
		startErr = cmd.Wait()
		// A grandchild may hold the pipes; it has had WaitDelay.
		_ = outR.SetReadDeadline(time.Now().Add(2 * time.Second))
		_ = errR.SetReadDeadline(time.Now().Add(2 * time.Second))
	}
	wg.Wait()
	return errors.Join(startErr, outR.Close(), errR.Close())
}

func (j *job) lines(stream string, r io.Reader) {
	s := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := s.ReadString('\n')
		if text := strings.TrimRight(line, "\r\n"); text != "" || err == nil {
			j.rec.Line(rinca.Line{Stream: stream, Text: strings.ToValidUTF8(text, "\uFFFD")})
		}
		if err != nil {
			return
		}
	}
}
