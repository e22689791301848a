package child

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rinca/internal/redact"
	"rinca/internal/rinca"
)

// A Command is a program to run.
type Command struct {
	Args   []string // Args[0] is the program, looked up in PATH
	Env    []string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Mask hides values in the output. Nil leaves the output to the command
	// itself, which so keeps its terminal.
	Mask *redact.Masker
}

// The statuses of commands that could not be run, as shells have them.
const (
	StatusNotExecutable = 126
	StatusNotFound      = 127
	statusSignal        = 128 // and the number of the signal that ended it
)

// Run runs the command to its end and returns its exit status; 128 and the
// number of the signal, if one ended it. The error is that it could not be
// run, or that its output could not be passed on.
//
// Signals that end, interrupt or inform a process go to the command. Those
// that a terminal sends to all of its foreground reach it without us.
func (c *Command) Run() (int, error) {
	cmd := exec.Command(c.Args[0], c.Args[1:]...) //nolint:noctx // it is the user's, and ends by its own will
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Env, c.Stdin, c.Stdout, c.Stderr
	var outputs []*output
	if c.Mask != nil {
		for _, o := range []struct {
			to   io.Writer
			hand *io.Writer
		}{{c.Stdout, &cmd.Stdout}, {c.Stderr, &cmd.Stderr}} {
			out, err := newOutput(c.Mask.Writer(o.to))
			if err != nil {
				return StatusNotExecutable, err
			}
			*o.hand = out.theirs
			outputs = append(outputs, out)
		}
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, forwarded...)
	defer signal.Stop(signals)
	err := cmd.Start()
	for _, o := range outputs {
		o.theirs.Close()
	}
	if err != nil {
		for _, o := range outputs {
			o.ours.Close()
		}
		return startStatus(err), rinca.Errorf(rinca.Invalid, "run %s: %w", c.Args[0], startCause(err))
	}
	stopReaping := reap(cmd.Process.Pid)
	for _, o := range outputs {
		go o.copy()
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err = forward(cmd.Process, signals, ended)
	stopReaping()
	return exitStatus(cmd.ProcessState, err), finish(outputs, signals)
}

// forwarded are the signals that go to the command. Stopping and continuing
// are not among them: a terminal does that to both of us.
var forwarded = []os.Signal{ //nolint:gochecknoglobals // a literal list
	syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT,
	syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
}

// forward passes signals on until the command has ended.
func forward(p *os.Process, signals <-chan os.Signal, ended <-chan error) error {
	for {
		select {
		case err := <-ended:
			return err
		case s := <-signals:
			switch s {
			case syscall.SIGINT, syscall.SIGQUIT, syscall.SIGWINCH:
				if foreground() {
					continue // the terminal has sent it to the command too
				}
			}
			_ = p.Signal(s) // it may have ended just now
		}
	}
}

// foreground reports whether our process group, which is the command's too,
// is the one that a terminal sends its signals to.
func foreground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func startStatus(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return StatusNotFound
	}
	return StatusNotExecutable
}

// startCause is err without the name of the program, which the message has.
func startCause(err error) error {
	if e, ok := errors.AsType[*exec.Error](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func exitStatus(state *os.ProcessState, err error) int {
	if state == nil {
		return 1
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return statusSignal + int(ws.Signal())
	}
	if code := state.ExitCode(); code != 0 || err == nil {
		return code
	}
	return 1
}

// An output carries what the command prints through a Masker.
type output struct {
	ours, theirs *os.File
	masked       *redact.Writer
	done         chan error
}

func newOutput(masked *redact.Writer) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "make a pipe: %w", err)
	}
	widen(r)
	return &output{ours: r, theirs: w, masked: masked, done: make(chan error, 1)}, nil
}

// copy runs until nobody has the other end open any more. What cannot be
// passed on is read all the same, so that the command does not hang.
func (o *output) copy() {
	_, err := o.masked.ReadFrom(o.ours)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		_, _ = io.Copy(io.Discard, o.ours)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	o.done <- errors.Join(err, o.masked.Close())
}

// finish waits for the end of the outputs, which a process may have kept open
// that the command left behind; a signal that asks us to end cuts them off.
func finish(outputs []*output, signals <-chan os.Signal) error {
	var lost error
	for _, o := range outputs {
		for waiting := true; waiting; {
			select {
			case err := <-o.done:
				waiting = false
				if err != nil && lost == nil {
					lost = rinca.Errorf(rinca.Destination, "pass on the output: %w", err)
				}
			case s := <-signals:
				switch s {
				case syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT:
					for _, o := range outputs {
						_ = o.ours.SetReadDeadline(time.Unix(1, 0)) // now
					}
				}
			}
		}
		o.ours.Close()
	}
	return lost
}
