package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"rinca/internal/redact"
	"rinca/internal/rinca"
)

const (
	redactSecrets = 500
	redactBytes   = 256 << 20
)

// redaction: masking 500 secrets in 256 MB, against a plain copy. Both stand
// where `rinca run` stands: what one process writes comes out of a pipe and
// goes through another pipe to a process that reads it.
func redaction(ctx context.Context, b *bench) ([]line, error) {
	secrets := redactionSecrets()
	path := filepath.Join(b.dir, "app.log")
	if err := writeLog(path, secrets); err != nil {
		return nil, err
	}
	masker := redact.New(secrets)
	ours := func() error {
		return throughPipes(ctx, path, func(w io.Writer) io.WriteCloser { return masker.Writer(w) })
	}
	theirs := func() error {
		return throughPipes(ctx, path, func(w io.Writer) io.WriteCloser { return plain{w} })
	}
	// Take turns, so that a busy machine slows both.
	var times [2][]float64
	for range 7 {
		for i, f := range []func() error{ours, theirs} {
			t, err := median(1, f)
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], t)
		}
	}
	l := newLine("redact-vs-copy", middle(times[0]), middle(times[1]))
	l.Note = fmt.Sprintf("%.0f MB/s against %.0f MB/s", redactBytes/1e6/l.Ours, redactBytes/1e6/l.Theirs)
	return []line{l}, nil
}

func middle(times []float64) float64 {
	slices.Sort(times)
	return times[len(times)/2]
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// throughPipes copies a file from one process to another.
func throughPipes(ctx context.Context, path string, wrap func(io.Writer) io.WriteCloser) error {
	producer := exec.CommandContext(ctx, "cat", path)
	consumer := exec.CommandContext(ctx, "sh", "-c", "cat >/dev/null")
	in, err := producer.StdoutPipe()
	if err != nil {
		return err
	}
	out, err := consumer.StdinPipe()
	if err != nil {
		return err
	}
	for _, c := range []*exec.Cmd{consumer, producer} {
		if err := c.Start(); err != nil {
			return err
		}
	}
	// As rinca run does: a pipe that holds a megabyte, and large reads.
	if c, ok := in.(syscall.Conn); ok {
		raw, err := c.SyscallConn()
		if err != nil {
			return err
		}
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 1<<20) })
	}
	w := wrap(struct{ io.Writer }{out})
	if _, err := io.CopyBuffer(w, struct{ io.Reader }{in}, make([]byte, 256<<10)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := producer.Wait(); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return consumer.Wait()
}

// redactionSecrets are 8 to 63 letters and digits long.
func redactionSecrets() []rinca.Secret {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	rnd := rand.New(rand.NewPCG(3, 4))
	secrets := make([]rinca.Secret, redactSecrets)
	for i := range secrets {
		b := make([]byte, 8+rnd.IntN(56))
		for j := range b {
			b[j] = letters[rnd.IntN(len(letters))]
		}
		secrets[i] = rinca.NewSecret(string(b))
	}
	return secrets
}

// writeLog writes what a server logs, with a secret in every thousandth line.
func writeLog(path string, secrets []rinca.Secret) error {
	rnd := rand.New(rand.NewPCG(5, 6))
	var text bytes.Buffer
	for i := 0; text.Len() < redactBytes/16; i++ {
		extra := ""
		if i%1000 == 999 {
			extra = " token=" + secrets[rnd.IntN(len(secrets))].Reveal()
		}
		fmt.Fprintf(&text, "2026-11-23T14:%02d:%02d.%03dZ INF request handled method=GET path=/api/v3/core/users/%d/ status=200 bytes=%d ms=%d%s\n",
			i/60%60, i%60, rnd.IntN(1000), rnd.IntN(100000), rnd.IntN(1000000), rnd.IntN(500), extra)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for range 16 {
		if _, err := f.Write(text.Bytes()[:redactBytes/16]); err != nil {
			return err
		}
	}
	return f.Close()
}
