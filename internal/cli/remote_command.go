package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

// remoteGroup makes a command that only holds others, all of which talk to a
// server.
func (a *app) remoteGroup(c *cobra.Command, sub ...*cobra.Command) *cobra.Command {
	c.Args = cobra.NoArgs
	c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	c.AddCommand(sub...)
	return a.remoteFlags(c)
}

// get asks the server for one thing.
func (a *app) get(ctx context.Context, path string, out any) error {
	return a.ask(ctx, http.MethodGet, path, nil, out)
}

// ask sends one request to the server.
func (a *app) ask(ctx context.Context, method, path string, in, out any) error {
	c, err := a.client(ctx)
	if err != nil {
		return err
	}
	return c.Do(ctx, method, path, in, out)
}

// tell prints a sentence for a person; with --json the document instead, and
// with --quiet nothing.
func (a *app) tell(doc any, format string, args ...any) error {
	if a.json {
		return encodeJSON(a.Stdout, doc)
	}
	if a.quiet {
		return nil
	}
	if _, err := fmt.Fprintf(a.Stdout, format+"\n", args...); err != nil {
		return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
	}
	return nil
}

// list prints rows as JSON or as a table, or says that there are none. A nil
// list is written as [].
func list[T any](a *app, rows []T, none string, draw func(*table, T), head ...string) error {
	if a.json {
		return encodeJSON(a.Stdout, append([]T{}, rows...))
	}
	if len(rows) == 0 {
		if !a.quiet {
			fmt.Fprintln(a.Stderr, none)
		}
		return nil
	}
	t := newTable(head...)
	for _, r := range rows {
		draw(t, r)
	}
	return t.print(a)
}

// confirm asks on a terminal, and otherwise wants --yes. Only "y" and "yes"
// are yes.
func (a *app) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	if !isTerminal(a.Stdin) || !isTerminal(a.Stderr) {
		return rinca.Errorf(rinca.Usage, "%s: nobody can be asked", strings.TrimSuffix(question, "?")).Try("--yes")
	}
	answer, err := newPrompter(a).line(ctx, question+" [y/N] ", false)
	if err != nil {
		return err
	}
	if s := strings.ToLower(strings.TrimSpace(answer)); s != "y" && s != "yes" {
		return rinca.Errorf(rinca.Canceled, "canceled; nothing was done")
	}
	return nil
}

// valueFrom says where a value comes from that must not be on the command
// line: a file, standard input, or an answer on the terminal.
type valueFrom struct {
	file   string // "-" is standard input
	prompt string
	shown  bool // what is typed may be seen
	empty  bool // an empty value is meant
}

// value reads a value, without its last line break.
func (a *app) value(ctx context.Context, from valueFrom) (rinca.Secret, error) {
	var value rinca.Secret
	switch {
	case from.file != "" && from.file != "-":
		data, err := readBounded(from.file)
		if err != nil {
			return value, err
		}
		value = oneValue(data)
	case from.file == "" && isTerminal(a.Stdin) && isTerminal(a.Stderr):
		text, err := newPrompter(a).line(ctx, from.prompt, !from.shown)
		if err != nil {
			return value, err
		}
		value = rinca.NewSecret(text)
	default:
		data, err := readContext(ctx, a.Stdin)
		if err != nil {
			return value, err
		}
		value = oneValue(data)
	}
	if value.IsEmpty() && !from.empty {
		return value, rinca.Errorf(rinca.Usage, "no value was given; nothing was changed")
	}
	return value, nil
}

// readContext reads standard input, and stops waiting for it when ctx ends.
func readContext(ctx context.Context, in io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := readAll(in, "standard input")
		done <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, nothingWritten()
	case r := <-done:
		return r.data, r.err
	}
}

// readText reads a file of no secrets; "-" is standard input and "" is none.
func (a *app) readText(ctx context.Context, path string) (string, error) {
	var data []byte
	var err error
	switch path {
	case "":
	case "-":
		data, err = readContext(ctx, a.Stdin)
	default:
		data, err = readBounded(path)
	}
	return string(data), err
}

// scoped returns a path with the scope of a variable.
func scoped(path, stack string) string {
	if stack == "" {
		return path
	}
	return path + "?" + url.Values{"stack": {stack}}.Encode()
}

// completeWithin is how long the shell waits for names.
const completeWithin = 800 * time.Millisecond

// completeNames offers the names of what the path lists: stacks, servers,
// variables. many says that a command takes several.
func (a *app) completeNames(path string, many bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !many {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.names(cmd.Context(), path, args), cobra.ShellCompDirectiveNoFileComp
	}
}

// names asks for names, for a short time; without an answer there are none.
func (a *app) names(ctx context.Context, path string, without []string) []string {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	var rows []struct {
		Name string `json:"name"`
	}
	if a.get(ctx, path, &rows) != nil {
		return nil
	}
	var names []string
	for _, r := range rows {
		if !slices.Contains(without, r.Name) {
			names = append(names, printable(r.Name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// flagNames completes the values of a flag with names.
func (a *app) flagNames(c *cobra.Command, flag, path string) {
	_ = c.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.names(cmd.Context(), path, nil), cobra.ShellCompDirectiveNoFileComp
	})
}

// credentialFile is a file of a folder that a service manager filled.
func credentialFile(dir, name string) (string, error) {
	if name == "" || strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
		return "", rinca.Errorf(rinca.Usage, "%q is no name of a credential", printable(name))
	}
	path := dir + "/" + name
	if _, err := os.Stat(path); err != nil {
		return "", rinca.Errorf(rinca.NotFound, "there is no credential %s: %w", printable(name), err)
	}
	return path, nil
}
