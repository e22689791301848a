package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/git"
	"rinca/internal/resource"
	"rinca/internal/rinca"
	"rinca/internal/run"
)

func newSync(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "sync",
		Short: "Make resources what TOML files say",
		Long: `Reads stacks, procedures, variables, groups of users, servers, repos, alerters and
resource syncs from TOML files, in the form that Komodo's have. Everything is
checked, and what would change is shown, before anything is changed; then all of
it is changed, or nothing.`,
		Example: `  rinca sync plan --offline resources/
  rinca sync plan resources/
  rinca sync apply resources/
  rinca sync set homelab --repo https://github.com/me/homelab --path resources
  rinca sync run homelab`,
	}, newSyncPlan(a), newSyncApply(a), newSyncExport(a), newSyncList(a), newSyncShow(a), newSyncSet(a), newSyncRun(a), newSyncDelete(a))
}

func syncPath(name string, more ...string) string {
	return client.Path(append([]string{"v1", "syncs", name}, more...)...)
}

// syncFlags say which files are meant, and which of their resources.
type syncFlags struct {
	source  rinca.Source
	paths   []string
	options resource.Options
	kind    string
	offline bool
}

func kindFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "kind", "", "only resources of this `KIND`: Stack, Procedure, Variable …")
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(resource.Kinds(), cobra.ShellCompDirectiveNoFileComp))
}

func (f *syncFlags) define(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.source.Repo, "repo", "", "`URL` of a Git repository that has the files, in place of some here")
	fl.StringVar(&f.source.Account, "account", "", "`NAME` of the Git account for it")
	fl.StringVar(&f.source.Branch, "branch", "", "`BRANCH` of the repository (default: its own default)")
	fl.StringSliceVar(&f.paths, "path", nil, "`PATH` of a file or folder of the repository; may be given again")
	kindFlag(c, &f.kind)
	fl.StringSliceVar(&f.options.Names, "name", nil, "only the resource of this `NAME`; may be given again")
	fl.StringSliceVar(&f.options.MatchTags, "match-tag", nil, "only resources with this `TAG`; with all of them when given again")
	fl.BoolVar(&f.options.Delete, "delete", false, "remove resources with all of --match-tag that are in no file")
}

// input is what is sent to the server.
type syncRequest struct {
	Files  []syncFile    `json:"files,omitempty"`
	Source *rinca.Source `json:"source,omitempty"`
	Paths  []string      `json:"paths,omitempty"`
	resource.Options
}

type syncFile struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

func (f *syncFlags) check(args []string) error {
	switch {
	case f.source.Repo != "" && len(args) > 0:
		return rinca.Errorf(rinca.Usage, "--repo and %s exclude each other", printable(args[0]))
	case f.options.Delete && len(f.options.MatchTags) == 0:
		return rinca.Errorf(rinca.Usage, "--delete needs --match-tag: only what has these tags is removed")
	case f.source.Repo == "" && (len(f.paths) > 0 || f.source.Branch != "" || f.source.Account != ""):
		return rinca.Errorf(rinca.Usage, "--path, --branch and --account are about a repository").Try("--repo URL")
	}
	f.options.Kind = rinca.Kind(f.kind)
	return nil
}

// files reads the files that arguments name: folders, files, or "-".
func (a *app) syncFiles(ctx context.Context, args []string) ([]resource.File, error) {
	if len(args) == 0 {
		args = []string{"."}
	}
	var out []resource.File
	for _, arg := range args {
		if arg == "-" {
			text, err := a.readText(ctx, arg)
			if err != nil {
				return nil, err
			}
			out = append(out, resource.File{Path: "standard-input", Text: rinca.NewSecret(text)})
			continue
		}
		info, err := os.Stat(arg)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, rinca.Errorf(rinca.NotFound, "there is no file or folder %s", printable(arg)).Try("name the folder that has the .toml files")
		}
		if err != nil {
			return nil, rinca.Errorf(rinca.Destination, "read %s: %w", printable(arg), err)
		}
		dir, paths := arg, []string(nil)
		if !info.IsDir() {
			dir, paths = filepath.Dir(arg), []string{filepath.Base(arg)}
		}
		name := filepath.ToSlash(filepath.Clean(dir))
		if strings.HasPrefix(name, "..") { // it is for messages
			name = filepath.Base(dir)
		}
		if name == "." {
			name = ""
		}
		files, err := resource.ReadFiles(dir, name, paths)
		if err != nil {
			return nil, err
		}
		out = append(out, files...)
	}
	return out, nil
}

// askSync sends files, or says where they are, and returns the plan.
func (a *app) askSync(ctx context.Context, what string, f *syncFlags, args []string) (*resource.SyncPlan, error) {
	if err := f.check(args); err != nil {
		return nil, err
	}
	in := syncRequest{Options: f.options, Paths: f.paths}
	if f.source.Repo != "" {
		f.source.Kind = rinca.SourceGit
		in.Source = &f.source
	} else {
		files, err := a.syncFiles(ctx, args)
		if err != nil {
			return nil, err
		}
		for _, x := range files {
			in.Files = append(in.Files, syncFile{x.Path, x.Text.Reveal()})
		}
	}
	var p resource.SyncPlan
	return &p, a.ask(ctx, http.MethodPost, "/v1/sync/"+what, in, &p)
}

// offlinePlan plans against an empty server, and asks none.
func (a *app) offlinePlan(ctx context.Context, f *syncFlags, args []string) (*resource.SyncPlan, error) {
	if err := f.check(args); err != nil {
		return nil, err
	}
	if f.source.Account != "" {
		return nil, rinca.Errorf(rinca.Usage, "--offline knows no accounts: they are with the server").Try("clone the repository, and plan its folder")
	}
	var files []resource.File
	var err error
	if f.source.Repo != "" {
		dir, err := os.MkdirTemp("", "rinca-sync-")
		if err != nil {
			return nil, rinca.Errorf(rinca.Destination, "make a folder: %w", err)
		}
		defer os.RemoveAll(dir)
		f.source.Kind = rinca.SourceGit
		s := &resource.Service{Mirrors: &git.Mirrors{Dir: filepath.Join(dir, "git")}, Home: dir}
		if files, _, err = s.Fetch(ctx, f.source, f.paths, filepath.Join(dir, "src")); err != nil {
			return nil, err
		}
	} else if files, err = a.syncFiles(ctx, args); err != nil {
		return nil, err
	}
	set, warnings, err := resource.Parse(files, (&run.Runner{}).Kinds())
	if err != nil {
		return nil, err
	}
	p, err := resource.MakePlan(set, &resource.State{Guess: true, Check: run.CheckExecution}, f.options)
	if err != nil {
		return nil, err
	}
	p.Warnings = append(warnings, p.Warnings...)
	return p, nil
}

func newSyncPlan(a *app) *cobra.Command {
	var f syncFlags
	c := &cobra.Command{
		Use:   "plan [DIR|FILE...]",
		Short: "Say what files, or a stored sync, would change",
		Long: `Compares TOML files with what the server has, and shows each difference; secret
values are never shown. It changes nothing. With --repo, the files are those of a
Git repository. With --sync, it is what a stored sync would change now.

With --offline no server is asked: the files are checked, and compared with a
server that has nothing.

Exit status 2 says that something would change.`,
		Example: `  rinca sync plan resources/
  rinca sync plan --offline resources/
  rinca sync plan --repo https://github.com/me/homelab --path resources
  rinca sync plan --sync homelab`,
	}
	var stored string
	f.define(c)
	c.Flags().BoolVar(&f.offline, "offline", false, "ask no server: compare with one that has nothing")
	c.Flags().StringVar(&stored, "sync", "", "`NAME` of a stored sync")
	a.flagNames(c, "sync", "/v1/syncs")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		var p *resource.SyncPlan
		var err error
		switch {
		case stored != "":
			p = &resource.SyncPlan{}
			err = a.get(cmd.Context(), syncPath(stored, "plan"), p)
		case f.offline:
			p, err = a.offlinePlan(cmd.Context(), &f, args)
		default:
			p, err = a.askSync(cmd.Context(), "plan", &f, args)
		}
		if err != nil {
			return err
		}
		if err := a.printSyncPlan(p); err != nil {
			return err
		}
		if p.HasChanges() {
			return rinca.Errorf(rinca.Changes, "a sync would change something")
		}
		return nil
	}
	return c
}

// printSyncPlan draws a plan.
func (a *app) printSyncPlan(p *resource.SyncPlan) error {
	if a.json {
		return encodeJSON(a.Stdout, p)
	}
	if a.quiet {
		return nil
	}
	color := a.colorful(a.Stdout)
	for _, w := range p.Warnings {
		fmt.Fprintf(a.Stderr, "%s %s\n", paint(a.colorful(a.Stderr), yellow, "warning:"), printable(w))
	}
	for i := range p.Changes {
		a.printSyncChange(&p.Changes[i], color)
	}
	if len(p.Deploy) > 0 {
		fmt.Fprintf(a.Stdout, "To be deployed when they differ: %s\n", printable(strings.Join(p.Deploy, ", ")))
	}
	fmt.Fprintln(a.Stdout, p.Summary())
	return nil
}

func (a *app) printSyncChange(c *resource.SyncChange, color bool) {
	mark, st := "~", yellow
	switch c.Action {
	case resource.Create:
		mark, st = "+", green
	case resource.Delete:
		mark, st = "-", red
	case resource.Update, resource.Rename:
	}
	line := fmt.Sprintf("%s %s", paint(color, st, fmt.Sprintf("%s %s", mark, c.Action)), printable(c.Target.String()))
	if c.From != "" {
		line += ", which was " + printable(c.From)
	}
	if c.At != "" {
		line += "  " + paint(color, dim, printable(c.At))
	}
	fmt.Fprintln(a.Stdout, line)
	for _, l := range c.Diff {
		st := plain
		switch {
		case strings.HasPrefix(l, "+"):
			st = green
		case strings.HasPrefix(l, "-"):
			st = red
		}
		fmt.Fprintln(a.Stdout, "    "+paint(color, st, printable(l)))
	}
}

func newSyncApply(a *app) *cobra.Command {
	var f syncFlags
	var r runningFlags
	var yes, noDeploy bool
	c := &cobra.Command{
		Use:   "apply [DIR|FILE...]",
		Short: "Make resources what files say, and deploy those that ask for it",
		Long: `Shows what would change, as rinca sync plan does, then changes all of it, or
nothing; then deploys the stacks that have deploy = true and differ from what
runs: a changed secret or variable counts too.`,
		Example: `  rinca sync apply resources/
  rinca sync apply stacks.toml --name authentik --yes
  rinca sync apply --repo https://github.com/me/homelab --path resources --no-deploy`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.syncApply(cmd.Context(), &f, args, r, yes, noDeploy)
		},
	}
	f.define(c)
	r.define(c)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&noDeploy, "no-deploy", false, "deploy nothing")
	return c
}

func (a *app) syncApply(ctx context.Context, f *syncFlags, args []string, r runningFlags, yes, noDeploy bool) error {
	p, err := a.askSync(ctx, "plan", f, args)
	if err != nil {
		return err
	}
	if err := a.printSyncPlan(p); err != nil {
		return err
	}
	if p.HasChanges() {
		if isTerminal(a.Stdin) && isTerminal(a.Stderr) {
			if err := a.confirm(ctx, yes, "Apply it?"); err != nil {
				return err
			}
		}
		if p, err = a.askSync(ctx, "apply", f, args); err != nil {
			return err
		}
		if !a.json && !a.quiet {
			fmt.Fprintf(a.Stdout, "Applied: %d changes.\n", len(p.Changes))
		}
	}
	if noDeploy || len(p.Deploy) == 0 {
		return nil
	}
	return a.execute(ctx, r, execution("BatchDeployStack", map[string]any{"pattern": strings.Join(p.Deploy, ","), "if_changed": true}))
}

func newSyncExport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Write all resources as TOML, without secret values",
		Example: `  rinca sync export > resources.toml
  rinca sync export | rinca sync plan -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out struct {
				TOML string `json:"toml"`
			}
			if err := a.get(cmd.Context(), "/v1/sync/export", &out); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, out)
			}
			if _, err := io.WriteString(a.Stdout, out.TOML); err != nil {
				return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
			}
			return nil
		},
	}
}

func newSyncList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the resource syncs",
		Example: "  rinca sync list",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []rinca.ResourceSync
			if err := a.get(cmd.Context(), "/v1/syncs", &rows); err != nil {
				return err
			}
			return list(a, rows, "There are no resource syncs. Try: rinca sync set NAME --repo URL --path DIR", func(t *table, s rinca.ResourceSync) {
				t.add(s.Name, sourceText(s.Source), strings.Join(s.Paths, ", "), scheduleText(s.Schedule))
			}, "NAME", "SOURCE", "PATHS", "SCHEDULE")
		},
	}
}

func newSyncShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a resource sync",
		Example: "  rinca sync show homelab",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/syncs", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			var s rinca.ResourceSync
			if err := a.get(cmd.Context(), syncPath(args[0]), &s); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, s)
			}
			a.printFacts([]fact{
				{"Sync", s.Name},
				{"Description", s.Description},
				{"Tags", strings.Join(s.Tags, ", ")},
				{"Source", sourceText(s.Source)},
				{"Paths", strings.Join(s.Paths, ", ")},
				{"Only tags", strings.Join(s.MatchTags, ", ")},
				{"Deletes", choose(s.Delete, "what is in no file any more", "")},
				{"Has", has(&s)},
				{"Schedule", scheduleText(s.Schedule)},
				{"Changed", changed(s.UpdatedAt, s.UpdatedBy)},
			})
			return nil
		},
	}
}

func has(s *rinca.ResourceSync) string {
	var parts []string
	if !s.SkipResources {
		parts = append(parts, "resources")
	}
	if s.IncludeVariables {
		parts = append(parts, "variables")
	}
	if s.IncludeGroups {
		parts = append(parts, "groups of users")
	}
	return strings.Join(parts, ", ")
}

func newSyncSet(a *app) *cobra.Command {
	var s rinca.ResourceSync
	var variables, groups bool
	c := &cobra.Command{
		Use:   "set NAME",
		Short: "Add a resource sync, or replace it",
		Long: `Adds a resource sync with this source, or replaces the one of that name by it, all
of it. Its files may say anything, variables and rights too when they are
included: setting it takes an administrator, running it the level Execute on it.`,
		Example: `  rinca sync set homelab --repo https://github.com/me/homelab --path resources --variables
  rinca sync set homelab --linked homelab-repo --schedule 'Every day at 03:00'
  rinca sync set local --dir /srv/resources`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/syncs", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Name, s.IncludeVariables, s.IncludeGroups = args[0], variables, groups
			s.Source.Kind = rinca.SourceGit
			if s.Source.Dir != "" {
				s.Source.Kind = rinca.SourceHost
			}
			var made rinca.ResourceSync
			if err := a.ask(cmd.Context(), http.MethodPut, syncPath(s.Name), s, &made); err != nil {
				return err
			}
			return a.tell(made, "Set the resource sync %s. Try: rinca sync plan --sync %s", printable(s.Name), printable(s.Name))
		},
	}
	f := c.Flags()
	f.StringVar(&s.Description, "description", "", "what it is for")
	f.StringSliceVar(&s.Tags, "tag", nil, "`TAG` of the sync itself; may be given again")
	f.StringVar(&s.Source.Repo, "repo", "", "`URL` of the Git repository")
	f.StringVar(&s.Source.Linked, "linked", "", "`NAME` of a repo, in place of --repo")
	f.StringVar(&s.Source.Account, "account", "", "`NAME` of the Git account for it")
	f.StringVar(&s.Source.Branch, "branch", "", "`BRANCH` of the repository (default: its own default)")
	f.StringVar(&s.Source.Dir, "dir", "", "absolute `DIR` on the host of rinca serve, in place of a repository")
	f.StringSliceVar(&s.Paths, "path", nil, "`PATH` of a file or folder of the source; may be given again")
	f.BoolVar(&s.Delete, "delete", false, "remove what matches, or what it has made, and is in no file any more")
	f.StringSliceVar(&s.MatchTags, "match-tag", nil, "only resources with this `TAG`; with all of them when given again")
	f.BoolVar(&variables, "variables", false, "variables too; values of secret ones stay as they are")
	f.BoolVar(&groups, "groups", false, "groups of users too")
	f.StringVar(&s.Schedule.Text, "schedule", "", "`WHEN` it runs by itself: English or cron")
	f.StringVar(&s.Schedule.TimeZone, "timezone", "", "`ZONE` of the schedule, such as Europe/Berlin")
	f.StringVar(&s.Webhook.Path, "webhook-path", "", "another `NAME` in the address of the listener")
	c.MarkFlagsMutuallyExclusive("repo", "linked", "dir")
	c.MarkFlagsOneRequired("repo", "linked", "dir")
	a.flagNames(c, "linked", "/v1/repos")
	a.flagNames(c, "account", "/v1/git-accounts")
	return c
}

func newSyncRun(a *app) *cobra.Command {
	var r runningFlags
	var kind string
	var names []string
	c := &cobra.Command{
		Use:   "run NAME",
		Short: "Run a resource sync: fetch, plan, apply, deploy",
		Example: `  rinca sync run homelab
  rinca sync run homelab --kind Stack --name authentik`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/syncs", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.execute(cmd.Context(), r, execution("RunSync", map[string]any{"sync": args[0], "resource_type": kind, "resources": names}))
		},
	}
	r.define(c)
	kindFlag(c, &kind)
	c.Flags().StringSliceVar(&names, "name", nil, "only the resource of this `NAME`; may be given again")
	return c
}

func newSyncDelete(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a resource sync; what it has made stays",
		Example: "  rinca sync delete homelab --yes",
		Aliases: []string{"remove"},
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/syncs", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.confirm(cmd.Context(), yes, "Delete the resource sync "+printable(args[0])+"?"); err != nil {
				return err
			}
			if err := a.ask(cmd.Context(), http.MethodDelete, syncPath(args[0]), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"deleted": args[0]}, "Deleted the resource sync %s.", printable(args[0]))
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}
