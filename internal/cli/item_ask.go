package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"rinca/internal/draft"
	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

// A prompter asks on the terminal, and stops when the context ends.
type prompter struct {
	fd   int
	term *term.Terminal
	out  io.Writer
}

func newPrompter(a *app) *prompter {
	in, _ := a.Stdin.(*os.File) // isTerminal has been asked
	p := &prompter{fd: int(in.Fd()), out: a.Stderr}
	p.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, a.Stderr}, "")
	if w, h, err := term.GetSize(p.fd); err == nil && w > 0 && h > 0 {
		_ = p.term.SetSize(w, h)
	}
	return p
}

func nothingWritten() error { return rinca.Errorf(rinca.Canceled, "canceled; nothing was written") }

// maxAnswer is the longest line that the terminal's editor takes; it drops
// what is typed beyond.
const maxAnswer = 4096

// line asks for a line. Hidden ones are not echoed, not even what is typed
// before the prompt is there: echo goes off first.
func (p *prompter) line(ctx context.Context, prompt string, hidden bool) (string, error) {
	before, err := term.MakeRaw(p.fd)
	if err != nil {
		return "", rinca.Errorf(rinca.Internal, "prepare the terminal: %w", err)
	}
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		read := p.term.ReadPassword
		if !hidden {
			read = func(prompt string) (string, error) {
				p.term.SetPrompt(prompt)
				return p.term.ReadLine()
			}
		}
		text, err := read(prompt)
		answers <- answer{text, err}
	}()
	// When the context ends the reader stays behind, in a program that is
	// about to end; the terminal must not stay raw.
	select {
	case <-ctx.Done():
		_ = term.Restore(p.fd, before)
		fmt.Fprintln(p.out)
		return "", nothingWritten()
	case a := <-answers:
		_ = term.Restore(p.fd, before)
		switch {
		case errors.Is(a.err, io.EOF):
			fmt.Fprintln(p.out)
			return "", nothingWritten()
		case a.err != nil:
			return "", rinca.Errorf(rinca.Canceled, "read the answer: %w", a.err)
		case len([]rune(a.text)) >= maxAnswer:
			return "", rinca.Errorf(rinca.Invalid, "the answer is longer than a terminal takes; nothing was written").Try("--set-file KEY=FILE")
		case strings.ContainsRune(a.text, utf8.RuneError):
			return "", rinca.Errorf(rinca.Invalid, "the answer is not UTF-8; nothing was written").Try("--set-file KEY=FILE")
		}
		return a.text, nil
	}
}

// choice asks until the answer is one of the letters; Enter is the first.
func (p *prompter) choice(ctx context.Context, prompt, letters string) (byte, error) {
	for {
		s, err := p.line(ctx, prompt, false)
		if err != nil {
			return 0, err
		}
		s = strings.ToLower(strings.TrimSpace(s))
		if s == "" {
			return letters[0], nil
		}
		if strings.IndexByte(letters, s[0]) >= 0 {
			return s[0], nil
		}
	}
}

// converse asks for everything that is not known: what to do with items that
// exist, the values, and whether to write.
func (c *creation) converse(ctx context.Context) error {
	for _, it := range c.draft.Items {
		if err := c.existing(ctx, it); err != nil {
			return err
		}
		if it.Skip {
			continue
		}
		asked := false
		for _, f := range it.Fields {
			if !f.Open() || f.Recipe != nil && f.Recipe.Derived() {
				continue
			}
			if !asked {
				fmt.Fprintf(c.Stderr, "\n%s for the stack %s:\n", it.File.Title, it.File.Stack)
				asked = true
			}
			if err := c.value(ctx, f); err != nil {
				return err
			}
		}
	}
	// Derived values whose sources are nowhere are asked for like the others.
	for _, f := range c.draft.Make() {
		f.Recipe = nil
		if err := c.value(ctx, f); err != nil {
			return err
		}
	}
	if err := c.complete(); err != nil {
		return err
	}
	pending := c.pending()
	if len(pending) == 0 {
		return nil
	}
	for _, it := range pending {
		c.review(it)
	}
	c.printNotes(c.leftovers())
	answer, err := c.ask.choice(ctx, fmt.Sprintf("\nWrite %s to the vault %s? [Y/n] ", count(len(pending), "item"), c.vault.Name), "yn")
	if err == nil && answer == 'n' {
		err = nothingWritten()
	}
	return err
}

// existing asks what to do with an item that the vault has and that would
// change.
func (c *creation) existing(ctx context.Context, it *draft.Item) error {
	switch {
	case it.Existing == nil || it.Action() == draft.Unchanged || c.flags.update:
		return nil
	case c.flags.skip:
		it.Skip = true
		return nil
	}
	c.comparison(it)
	answer, err := c.ask.choice(ctx, "[u]pdate it, [s]kip it, or [c]ancel? ", "usc")
	if err == nil && answer == 'c' {
		err = nothingWritten()
	}
	it.Skip = answer == 's'
	return err
}

// value asks for one variable until the answer can be used.
func (c *creation) value(ctx context.Context, f *draft.Field) error {
	for line := range strings.SplitSeq(f.Comment, "\n") {
		if line != "" {
			fmt.Fprintf(c.Stderr, "  # %s\n", printable(line))
		}
	}
	if f.Missing != "" {
		fmt.Fprintf(c.Stderr, "  (%s)\n", printable(f.Missing))
	}
	for {
		s, err := c.ask.line(ctx, question(f), f.Concealed)
		if err != nil {
			return err
		}
		switch {
		case s != "":
		case f.Recipe != nil:
			return nil // Make makes it
		case f.Default.IsSet():
			f.Enter(f.Default, draft.Example)
			return nil
		case f.Hint.Placeholder:
			fmt.Fprintln(c.Stderr, "  It needs a value; Ctrl-C to stop.")
			continue
		}
		if why := unusable(f, s); why != "" {
			fmt.Fprintf(c.Stderr, "  %s\n", why)
			continue
		}
		if f.Concealed && s != "" {
			fmt.Fprintf(c.Stderr, "  %s\n", mask)
		}
		f.Enter(rinca.NewSecret(s), draft.Asked)
		return nil
	}
}

func question(f *draft.Field) string {
	var notes []string
	if f.Concealed {
		notes = append(notes, "hidden")
	}
	switch {
	case f.Recipe != nil:
		notes = append(notes, "Enter generates "+printable(f.Recipe.String()))
	case f.Default.IsSet() && !f.Default.IsEmpty() && f.Concealed:
		notes = append(notes, "Enter takes the example's")
	case f.Default.IsSet() && !f.Default.IsEmpty():
		notes = append(notes, "Enter for "+printable(f.Default.Reveal()))
	case !f.Hint.Placeholder:
		notes = append(notes, "Enter leaves it empty")
	}
	if len(notes) == 0 {
		return "  " + f.Key + ": "
	}
	return fmt.Sprintf("  %s (%s): ", f.Key, strings.Join(notes, "; "))
}

// unusable says why an answer cannot be the value; "" when it can.
func unusable(f *draft.Field, s string) string {
	switch {
	case s == "":
	case envfile.IsPlaceholder(s):
		return "That is a placeholder."
	case strings.ContainsRune(s, 0):
		return "A value cannot hold a NUL byte."
	case len(s) < f.Hint.MinLength:
		return fmt.Sprintf("It needs at least %d characters.", f.Hint.MinLength)
	case f.Hint.ExactLength > 0 && len(s) != f.Hint.ExactLength:
		return fmt.Sprintf("It needs exactly %d characters.", f.Hint.ExactLength)
	}
	return ""
}
