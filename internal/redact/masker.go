package redact

import (
	"io"
	"slices"

	"rinca/internal/rinca"
)

// A Masker knows a set of secrets. It does not change, and is safe for use by
// several goroutines.
type Masker struct {
	index *index // nil when there is nothing to mask
}

// New makes a Masker of secrets. Those for which Unmaskable gives a reason
// are left alone, and so are secrets that are not set.
func New(secrets []rinca.Secret) *Masker {
	patterns := patternsOf(secrets)
	if len(patterns) == 0 {
		return &Masker{}
	}
	return &Masker{index: newIndex(patterns)}
}

// patternsOf returns the forms of those secrets that are masked, sorted and
// without repeats.
func patternsOf(secrets []rinca.Secret) []string {
	var patterns []string
	for _, s := range secrets {
		if v := s.Reveal(); Unmaskable(v) == "" {
			patterns = append(patterns, forms(v)...)
		}
	}
	slices.Sort(patterns)
	return slices.Compact(patterns)
}

// String returns text with every secret masked: the leftmost first, and of
// those that begin at one place the longest.
func (m *Masker) String(text string) string {
	if m.index == nil {
		return text
	}
	var out sink
	w := Writer{masker: m, out: &out}
	_, _ = w.Write([]byte(text))
	_ = w.Flush()
	return string(out)
}

// sink collects what is written.
type sink []byte

func (s *sink) Write(p []byte) (int, error) {
	*s = append(*s, p...)
	return len(p), nil
}

// Log returns a writer for complete messages, such as a slog handler writes:
// every Write is masked by itself and nothing is held back.
func (m *Masker) Log(w io.Writer) io.Writer { return logWriter{m, w} }

type logWriter struct {
	masker *Masker
	out    io.Writer
}

func (l logWriter) Write(p []byte) (int, error) {
	if l.masker.index == nil {
		return l.out.Write(p)
	}
	w := Writer{masker: l.masker, out: l.out}
	if _, err := w.Write(p); err != nil {
		return 0, err
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	return len(p), nil
}
