package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// naive is what masking means: at every place, the longest pattern.
func naive(patterns []string, text string) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		best := 0
		for _, p := range patterns {
			if len(p) > best && strings.HasPrefix(text[i:], p) {
				best = len(p)
			}
		}
		if best > 0 {
			out.WriteString(Mask)
			i += best
			continue
		}
		out.WriteByte(text[i])
		i++
	}
	return out.String()
}

// TestSameAsNaive: the index and the chunks change nothing about the result.
func TestSameAsNaive(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	word := func(alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[rnd.IntN(len(alphabet))]
		}
		return string(b)
	}
	for round := range 600 {
		alphabet := []string{"ab", "abc", "abcdefgh", "a\n\x00\xff"}[round%4]
		var patterns []string
		for range 1 + rnd.IntN(12) {
			p := word(alphabet, 4+rnd.IntN(1+rnd.IntN(30)))
			patterns = append(patterns, p)
			if rnd.IntN(3) == 0 { // one pattern begins, or is within, another
				patterns = append(patterns, p+word(alphabet, 1+rnd.IntN(9)), word(alphabet, 2)+p)
			}
		}
		var text strings.Builder
		for text.Len() < 300 {
			text.WriteString(word(alphabet, rnd.IntN(12)))
			p := patterns[rnd.IntN(len(patterns))]
			text.WriteString(p[:rnd.IntN(len(p)+1)])
		}
		want := naive(patterns, text.String())
		m := &Masker{index: newIndex(append([]string(nil), patterns...))}
		if got := m.String(text.String()); got != want {
			t.Fatalf("whole: patterns %q\ntext %q\ngot  %q\nwant %q", patterns, text.String(), got, want)
		}
		for _, size := range []int{1, 1 + rnd.IntN(9), 64} {
			if got := inChunks(t, m, text.String(), size); got != want {
				t.Fatalf("chunks of %d: patterns %q\ntext %q\ngot  %q\nwant %q", size, patterns, text.String(), got, want)
			}
			if got := fromReader(t, m, text.String(), size); got != want {
				t.Fatalf("reads of %d: patterns %q\ntext %q\ngot  %q\nwant %q", size, patterns, text.String(), got, want)
			}
		}
	}
}

func inChunks(tb testing.TB, m *Masker, text string, size int) string {
	tb.Helper()
	var out bytes.Buffer
	w := m.Writer(&out)
	for len(text) > 0 {
		n := min(size, len(text))
		chunk := []byte(text[:n])
		if k, err := w.Write(chunk); k != n || err != nil {
			tb.Fatal(k, err)
		}
		clear(chunk) // a Writer keeps nothing of what it was given
		text = text[n:]
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

// slow is a reader that gives a few bytes at a time.
type slow struct {
	text string
	size int
}

func (s *slow) Read(p []byte) (int, error) {
	if s.text == "" {
		return 0, io.EOF
	}
	n := copy(p, s.text[:min(s.size, len(s.text))])
	s.text = s.text[n:]
	return n, nil
}

func fromReader(tb testing.TB, m *Masker, text string, size int) string {
	tb.Helper()
	var out bytes.Buffer
	w := m.Writer(&out)
	n, err := io.Copy(w, struct{ io.Reader }{&slow{text, size}})
	if err != nil || int(n) != len(text) {
		tb.Fatal(n, err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

// values are secrets with everything that an encoding may trip over.
var values = []string{
	"hunter2-plain", "pa$$w0rd'with\"quotes", "back`tick\\slash", "sp ace & <tag> #hash?q=1+1%", "ünïcödé-𝄞-key",
	"a/b+c==/d+e", "{\"json\": \"in json\"}", "tab\there", "line one is here\nline two is here\r\n  line three\n", "abcd", "\x01\x02binary\xff\xfe",
	"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDqUFZ0j8Q9yhuXn4cBaI+b9rVOrl1p7mGzq0ZkUxYQp\n-----END PRIVATE KEY-----\n",
	"a-rather-long-secret-of-more-than-76-characters-so-that-tools-break-it-into-several-lines-0123456789",
}

// TestEveryEncoding: no encoding that a program is likely to print shows the
// value, in whatever chunks it comes.
func TestEveryEncoding(t *testing.T) {
	encodings := map[string]func(string) string{
		"raw":         func(s string) string { return s },
		"hex":         func(s string) string { return hex.EncodeToString([]byte(s)) },
		"HEX":         func(s string) string { return fmt.Sprintf("%X", s) },
		"base64":      func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64 raw":  func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
		"base64 url":  func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
		"query":       url.QueryEscape,
		"path":        url.PathEscape,
		"userinfo":    func(s string) string { return strings.TrimPrefix(url.UserPassword("", s).String(), ":") },
		"json":        func(s string) string { return jsonForm(s, false) },
		"json html":   func(s string) string { b, _ := json.Marshal(s); return string(b[1 : len(b)-1]) },
		"json ascii":  func(s string) string { return asciiJSON(jsonForm(s, false)) },
		"go quoted":   func(s string) string { q := strconv.Quote(s); return q[1 : len(q)-1] },
		"html":        html.EscapeString,
		"sh quoted":   func(s string) string { return strings.ReplaceAll(s, "'", `'\''`) },
		"crlf":        func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"line prefix": func(s string) string { return strings.ReplaceAll(s, "\n", "\napp-1  | ") },
	}
	for _, value := range values {
		m := New([]rinca.Secret{rinca.NewSecret(value)})
		for name, encode := range encodings {
			if strings.HasPrefix(value, "-----") && (name == "crlf" || name == "line prefix") {
				continue // the frame of the key stays: TestKeyLineByLine
			}
			text := "before [" + encode(value) + "] after\n"
			got := m.String(text)
			if !strings.HasPrefix(got, "before ["+Mask) || !strings.HasSuffix(got, " after\n") {
				t.Errorf("%s of %q: %q", name, value, got)
			}
			for _, line := range strings.Split(encode(value), "\n") {
				if line = strings.TrimSpace(line); len(line) >= 6 && !strings.HasPrefix(line, "app-1") && !strings.HasPrefix(line, "-----") && strings.Contains(got, line) {
					t.Errorf("%s of %q: %q still shows %q", name, value, got, line)
				}
			}
			for _, size := range []int{1, 3, 7} {
				if again := inChunks(t, m, text, size); again != got {
					t.Errorf("%s of %q in chunks of %d: %q", name, value, size, again)
				}
			}
		}
	}
}

// TestKeyLineByLine: a key whose lines are torn apart loses all but its frame.
func TestKeyLineByLine(t *testing.T) {
	m := New([]rinca.Secret{rinca.NewSecret(values[11])})
	got := m.String("app | -----BEGIN PRIVATE KEY-----\r\napp | MC4CAQAwBQYDK2VwBCIEIDqUFZ0j8Q9yhuXn4cBaI+b9rVOrl1p7mGzq0ZkUxYQp\r\n")
	if want := "app | -----BEGIN PRIVATE KEY-----\r\napp | " + Mask + "\r\n"; got != want {
		t.Errorf("got %q", got)
	}
}

// TestBase64AmidOtherBytes: as in "Authorization: Basic …", where the secret
// is not at the start of what was encoded.
func TestBase64AmidOtherBytes(t *testing.T) {
	const value = "correct-horse-battery"
	m := New([]rinca.Secret{rinca.NewSecret(value)})
	for lead := range 7 {
		for trail := range 4 {
			text := base64.StdEncoding.EncodeToString([]byte("userna:"[:lead] + value + "xyz"[:trail]))
			got := m.String(text)
			i := strings.Index(got, Mask)
			if i < 0 || i > lead*8/6+1 || len(got)-i-len(Mask) > trail*8/6+4 {
				t.Errorf("%d before, %d after: %q", lead, trail, got)
			}
		}
	}
}

// TestWrappedByTools: what base64, openssl and xxd print of a long secret.
func TestWrappedByTools(t *testing.T) {
	long := values[len(values)-1]
	m := New([]rinca.Secret{rinca.NewSecret(long)})
	for _, tool := range [][]string{{"base64"}, {"openssl", "base64"}, {"xxd", "-p"}} {
		path, err := exec.LookPath(tool[0])
		if err != nil {
			continue
		}
		cmd := exec.CommandContext(t.Context(), path, tool[1:]...)
		cmd.Stdin = strings.NewReader(long)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if rest := strings.ReplaceAll(m.String(string(out)), Mask, ""); len(strings.TrimSpace(rest)) > 6 {
			t.Errorf("%v: %q is left", tool, rest)
		}
	}
}

// TestPromptIsNotHeldBack: only bytes that may become a secret wait.
func TestPromptIsNotHeldBack(t *testing.T) {
	m := New([]rinca.Secret{rinca.NewSecret("sekret-value"), rinca.NewSecret("multi line\nsecret of mine\n")})
	for _, tt := range []struct{ in, now, after string }{
		{"Password: ", "Password: ", ""},
		{"Continue? [y/N] ", "Continue? [y/N] ", ""},
		{"dots", "dot", "s"}, // "s" may begin the secret
		{"see sek", "see ", "sek"},
		{"see sekret-value", "see " + Mask, ""},
		{"half a line", "half a line", ""},
		{"a multi line\n", "a ", Mask + "\n"}, // the line alone, or all of it
		{"progress 50%\r", "progress 50%\r", ""},
	} {
		var out bytes.Buffer
		w := m.Writer(&out)
		_, _ = w.Write([]byte(tt.in))
		if out.String() != tt.now {
			t.Errorf("%q: shows %q at once, want %q", tt.in, out.String(), tt.now)
		}
		out.Reset()
		_ = w.Flush()
		if out.String() != tt.after {
			t.Errorf("%q: shows %q at the end, want %q", tt.in, out.String(), tt.after)
		}
	}
}

func TestUnmaskable(t *testing.T) {
	for value, want := range map[string]string{
		"": "shorter than 4 bytes", "abc": "shorter than 4 bytes", "  a  ": "shorter than 4 bytes",
		"5432": "a number of fewer than six digits", "123456": "",
		"TRUE": "a common word", "admin\n": "a common word", "administrate": "", "abcd": "",
	} {
		if got := Unmaskable(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
	m := New([]rinca.Secret{rinca.NewSecret("true"), rinca.NewSecret(""), {}})
	if got := m.String("true or false"); got != "true or false" {
		t.Error(got)
	}
}

// TestOneByteOfALargeSecretAtATime costs no more than its length.
func TestOneByteOfALargeSecretAtATime(t *testing.T) {
	value := strings.Repeat("0123456789abcdef\n", 30_000) // half a megabyte
	m := New([]rinca.Secret{rinca.NewSecret(value)})
	for _, got := range []string{inChunks(t, m, "<"+value+">", 1), fromReader(t, m, "<"+value+">", 999), fromReader(t, m, "<"+value+value+">", 1<<20)} {
		if got = strings.ReplaceAll(got, Mask+Mask, Mask); got != "<"+Mask+">" {
			t.Errorf("%.200q", got)
		}
	}
}

type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestWriteErrorStays(t *testing.T) {
	for _, m := range []*Masker{New(nil), New([]rinca.Secret{rinca.NewSecret("sekret-value")})} {
		w := m.Writer(&failing{left: 1})
		_, err1 := w.Write([]byte("one "))
		_, err2 := w.Write([]byte("sekret-value two"))
		_, err3 := w.Write([]byte("three"))
		if err1 != nil || err2 == nil || err3 == nil {
			t.Error(err1, err2, err3)
		}
	}
}

func TestLog(t *testing.T) {
	m := New([]rinca.Secret{rinca.NewSecret("sekret\"value")})
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(m.Log(&out), nil)).Info("see sekret\"value", "in", "{\"a\": \"sekret\\\"value\"}")
	slog.New(slog.NewJSONHandler(m.Log(&out), nil)).Info("ends in s", "v", "sekret\"value")
	if strings.Contains(out.String(), "value") || strings.Count(out.String(), "\n") != 2 {
		t.Error(out.String())
	}
}

func FuzzMask(f *testing.F) {
	f.Add("sekret-value", "a sekret-value here", uint8(1))
	f.Add("aaaa", "aaaaaaaaaa", uint8(3))
	f.Add("line one\nline two\n", "line one\nline two", uint8(2))
	f.Add("a\"b\\c$d'e", `"a\"b\\c$d'e"`, uint8(5))
	f.Fuzz(func(t *testing.T, value, text string, size uint8) {
		m := New([]rinca.Secret{rinca.NewSecret(value)})
		if m.index == nil {
			return
		}
		want := naive(m.index.patterns, text)
		if got := inChunks(t, m, text, int(size)+1); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		if got := m.String("<" + value + ">"); strings.Contains(got, value) && !strings.Contains(Mask, value) && !strings.Contains("<"+Mask+">", value) {
			t.Errorf("%q is still in %q", value, got)
		}
	})
}
