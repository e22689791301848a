package redact

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"rinca/internal/rinca"
)

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func randomSecrets(n, shortest int) []rinca.Secret {
	rnd := rand.New(rand.NewPCG(3, 4))
	out := make([]rinca.Secret, n)
	for i := range out {
		b := make([]byte, shortest+rnd.IntN(56))
		for j := range b {
			b[j] = letters[rnd.IntN(len(letters))]
		}
		out[i] = rinca.NewSecret(string(b))
	}
	return out
}

// logLines is a megabyte of a log, with a secret in every thousandth line.
func logLines(secrets []rinca.Secret) []byte {
	rnd := rand.New(rand.NewPCG(5, 6))
	var b bytes.Buffer
	for i := 0; b.Len() < 1<<20; i++ {
		extra := ""
		if i%1000 == 999 {
			extra = " token=" + secrets[rnd.IntN(len(secrets))].Reveal()
		}
		fmt.Fprintf(&b, "2026-11-23T14:%02d:%02d.%03dZ INF request handled method=GET path=/api/v3/core/users/%d/ status=200 bytes=%d ms=%d%s\n",
			i/60%60, i%60, rnd.IntN(1000), rnd.IntN(100000), rnd.IntN(1000000), rnd.IntN(500), extra)
	}
	return b.Bytes()
}

// BenchmarkMask measures the masking alone, by the length of the shortest
// secret, which decides how far the search can step.
func BenchmarkMask(b *testing.B) {
	for _, shortest := range []int{4, 6, 8, 16} {
		b.Run(fmt.Sprint(shortest), func(b *testing.B) {
			secrets := randomSecrets(500, shortest)
			text := logLines(secrets)
			w := New(secrets).Writer(io.Discard)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				for p := text; len(p) > 0; p = p[min(len(p), 64<<10):] {
					_, _ = w.Write(p[:min(len(p), 64<<10)])
				}
			}
		})
	}
}

// BenchmarkPipe measures a copy out of a pipe, plain and masked.
func BenchmarkPipe(b *testing.B) {
	secrets := randomSecrets(500, 8)
	text := logLines(secrets)
	for _, masked := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "masked"}[masked], func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			r, w, err := os.Pipe()
			if err != nil {
				b.Fatal(err)
			}
			go func() {
				for range b.N {
					_, _ = w.Write(text)
				}
				w.Close()
			}()
			m := New(nil)
			if masked {
				m = New(secrets)
			}
			out := m.Writer(io.Discard)
			b.ResetTimer()
			if _, err := io.CopyBuffer(struct{ io.Writer }{out}, r, make([]byte, 64<<10)); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	secrets := randomSecrets(500, 8)
	for b.Loop() {
		New(secrets)
	}
}
