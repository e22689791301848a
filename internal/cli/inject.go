package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/atomicfile"
	"rinca/internal/export"
	"rinca/internal/inject"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// fileFlags are the flags of commands that write a file of secrets.
type fileFlags struct {
	out                string
	force              bool
	mode, owner, group string
}

func (f *fileFlags) define(c *cobra.Command, out string) {
	fl := c.Flags()
	fl.StringVarP(&f.out, "out-file", "o", "", out)
	fl.BoolVarP(&f.force, "force", "f", false, "replace files without asking")
	fl.StringVar(&f.mode, "mode", "0600", "`MODE` of files")
	fl.StringVar(&f.mode, "file-mode", "0600", "`MODE` of files")
	_ = fl.MarkHidden("file-mode") // op's name for it
	fl.StringVar(&f.owner, "owner", "", "`USER` of files, a name or a number")
	fl.StringVar(&f.group, "group", "", "`GROUP` of files, a name or a number")
}

// injectFlags are the flags of rinca inject.
type injectFlags struct {
	fileFlags
	in           string
	target       string
	noVars       bool
	skipComments bool
}

func newInject(a *app) *cobra.Command {
	var f injectFlags
	c := &cobra.Command{
		Use:   "inject [-i FILE|DIR] [-o FILE|DIR]",
		Short: "Render templates: put secrets where they are referred to",
		Long: `Replaces secret references in a template by their values, as "op inject" does:

  op://vault/item/field               ends at the first other character
  {{ op://vault/item/section/field }} may hold spaces and a ?query
  {{ "text" }}                        is the text itself
  $NAME, ${NAME}, ${NAME:-default}    are variables, unless --no-vars

A reference in a comment that cannot be resolved stays as it is. Every other
one that cannot is reported, all of them at once with file, line and column,
and then nothing is written.

With --for the values are escaped for the format and the quotes they stand in,
and comments are left alone. "--for auto" goes by the names of the files.

A directory is rendered as a whole: every file below it that ends in .template
or .tpl, to a file without that ending below the other directory.`,
		Example: `  rinca inject -i config.yml.tpl -o config.yml --for yaml
  rinca inject -i stacks -o /mnt/apps01/secrets --for auto -f
  echo 'password: {{ op://homelab/postgres.env/POSTGRES_PASSWORD }}' | rinca inject`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.inject(cmd.Context(), f) },
	}
	fl := c.Flags()
	fl.StringVarP(&f.in, "in-file", "i", "-", "`FILE` or directory of templates; - is standard input")
	f.define(c, "`FILE` or directory that is written; standard output if there is none")
	fl.StringVar(&f.target, "for", "", "escape values for `FORMAT`: "+formats())
	fl.BoolVar(&f.noVars, "no-vars", false, "\"$\" is text, not a variable")
	fl.BoolVar(&f.skipComments, "skip-comments", false, "leave lines alone that begin with #, ; or //")
	_ = c.RegisterFlagCompletionFunc("for", cobra.FixedCompletions(strings.Fields(strings.ReplaceAll(formats(), ",", "")), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// formats lists what --for takes.
func formats() string {
	var b strings.Builder
	for _, t := range vault.Targets() {
		b.WriteString(string(t) + ", ")
	}
	return b.String() + "auto"
}

func (a *app) inject(ctx context.Context, f injectFlags) error {
	attr, err := f.attr()
	if err != nil {
		return err
	}
	sources, dir, err := a.templates(f)
	if err != nil {
		return err
	}
	var wrong vault.Problems
	templates := make([]*vault.Template, len(sources))
	refs := 0
	for i, s := range sources {
		syntax, err := a.syntax(f, s)
		if err != nil {
			return err
		}
		t, err := vault.ParseTemplate(s.Name, s.Text, syntax)
		if problems, ok := errors.AsType[vault.Problems](err); ok {
			wrong = append(wrong, problems...)
		}
		templates[i] = t
		refs += len(t.Refs())
	}
	resolver := &vault.Resolver{}
	if refs > 0 {
		p, closeProvider, err := a.provider(ctx)
		if err != nil {
			return a.listed(errors.Join(append(wrong.Unwrap(), err)...))
		}
		defer closeProvider()
		resolver.Provider = p
	}
	texts, err := vault.Render(ctx, resolver, templates...)
	if err != nil {
		if len(wrong) > 0 && !errors.As(err, &vault.Problems{}) {
			err = errors.Join(append(wrong.Unwrap(), err)...)
		}
		return a.listed(err)
	}
	if !a.quiet {
		for _, t := range templates {
			for _, n := range t.Notes {
				fmt.Fprintf(a.Stderr, "Note: %v\n", n)
			}
		}
	}
	outputs := make([]inject.Output, len(texts))
	for i, text := range texts {
		outputs[i] = inject.Output{Name: sources[i].Out, Text: text}
	}
	if !dir {
		return a.writeFile(ctx, f.fileFlags, attr, texts[0])
	}
	return a.writeFiles(ctx, f.fileFlags, &inject.Writer{Dir: f.out, Attr: attr}, outputs)
}

// templates reads what -i names; dir says that it is a directory.
func (a *app) templates(f injectFlags) (sources []inject.Source, dir bool, err error) {
	if f.in == "-" && isTerminal(a.Stdin) {
		fmt.Fprintln(a.Stderr, "Reading a template from the terminal; Ctrl-D ends it. -i FILE reads a file.")
	}
	if info, err := os.Stat(f.in); f.in == "-" || err != nil || !info.IsDir() {
		s, err := inject.ReadFile(f.in, a.Stdin)
		return []inject.Source{s}, false, err
	}
	if f.out == "" || f.out == "-" {
		return nil, true, rinca.Errorf(rinca.Usage, "%s is a directory, and so must be where it is rendered to", f.in).
			Try("rinca inject -i %s -o DIR", f.in)
	}
	sources, err = inject.ReadTree(f.in)
	return sources, true, err
}

// syntax says how a template is read.
func (a *app) syntax(f injectFlags, s inject.Source) (vault.Syntax, error) {
	syntax := vault.Syntax{Comments: vault.TryComments}
	if !f.noVars {
		syntax.Lookup = vault.Variables(a.Environ)
	}
	var err error
	if f.target == "auto" {
		name := s.Out
		if name == "" && f.out != "" && f.out != "-" {
			name = f.out
		} else if name == "" {
			name, _ = inject.OutName(s.Name)
		}
		syntax.Target = vault.TargetOf(name)
	} else if syntax.Target, err = vault.ParseTarget(f.target); err != nil {
		return syntax, err
	}
	if f.skipComments || syntax.Target != vault.Plain {
		syntax.Comments = vault.SkipComments
	}
	return syntax, nil
}

// attr reads the flags about owner and mode.
func (f fileFlags) attr() (atomicfile.Attr, error) {
	mode, err := inject.ParseMode(f.mode)
	if err != nil {
		return atomicfile.Attr{}, err
	}
	rules := export.Rules{Flags: export.Settings{Owner: f.owner, Group: f.group}, UserID: userID, GroupID: groupID}
	at, err := rules.Attr()
	if err != nil {
		return atomicfile.Attr{}, rinca.Errorf(rinca.Usage, "%w", err)
	}
	return atomicfile.Attr{Mode: mode, UID: at.UID, GID: at.GID}, nil
}

// writeFile writes one text where -o says: a file, a device, or standard
// output.
func (a *app) writeFile(ctx context.Context, f fileFlags, attr atomicfile.Attr, text rinca.Secret) error {
	if f.out == "" || f.out == "-" {
		_, err := io.WriteString(a.Stdout, text.Reveal())
		if err != nil {
			return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
		}
		return nil
	}
	if info, err := os.Stat(f.out); err == nil && info.Mode()&(os.ModeDevice|os.ModeNamedPipe) != 0 {
		return writeDevice(f.out, text) // such as /dev/stdout
	}
	if info, err := os.Stat(f.out); err == nil && info.IsDir() {
		return rinca.Errorf(rinca.Destination, "%s is a directory, not a file", f.out).Try("name a file in it")
	}
	w := &inject.Writer{Dir: filepath.Dir(f.out), Attr: attr}
	return a.writeFiles(ctx, f, w, []inject.Output{{Name: filepath.Base(f.out), Text: text}})
}

func writeDevice(path string, text rinca.Secret) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = io.WriteString(f, text.Reveal())
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return rinca.Errorf(rinca.Destination, "write: %w", err)
	}
	return nil
}

// writeFiles writes all files or none, and says which.
func (a *app) writeFiles(ctx context.Context, f fileFlags, w *inject.Writer, outputs []inject.Output) error {
	switch {
	case f.force:
		w.Overwrite = func([]string) (bool, error) { return true, nil }
	case isTerminal(a.Stdin) && isTerminal(a.Stderr):
		w.Overwrite = func(paths []string) (bool, error) { return a.mayOverwrite(ctx, paths) }
	}
	result, err := w.Write(outputs)
	if err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.Stdout).Encode(map[string][]string{
			"written": append([]string{}, result.Written...), "unchanged": append([]string{}, result.Unchanged...),
		})
	}
	if a.quiet {
		return nil
	}
	for _, path := range result.Written {
		fmt.Fprintf(a.Stdout, "✓ Wrote: %s\n", path)
	}
	for _, path := range result.Unchanged {
		fmt.Fprintf(a.Stdout, "⊘ No changes: %s\n", path)
	}
	return nil
}

// mayOverwrite asks on the terminal.
func (a *app) mayOverwrite(ctx context.Context, paths []string) (bool, error) {
	for _, p := range paths {
		fmt.Fprintf(a.Stderr, "%s exists.\n", p)
	}
	c, err := newPrompter(a).choice(ctx, "Replace? [y/N] ", "ny")
	return c == 'y', err
}

// listed prints every error of a join, each with what to do next, and returns
// one that has been reported.
func (a *app) listed(err error) error {
	many, ok := err.(interface{ Unwrap() []error }) // a list at the top
	if !ok || len(many.Unwrap()) < 2 {
		return err
	}
	errs := many.Unwrap()
	for _, e := range errs {
		fmt.Fprintf(a.Stderr, "✗ %v\n", e)
		if hint := rinca.HintOf(e); hint != "" {
			fmt.Fprintf(a.Stderr, "  Try: %s\n", hint)
		}
	}
	fmt.Fprintf(a.Stderr, "Error: %d problems; nothing was done\n", len(errs))
	return &reported{err}
}
