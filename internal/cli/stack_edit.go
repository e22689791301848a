package cli

import (
	"context"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

// stackFlags are flags for the fields of a stack. Those that are not given
// change nothing; a list that is given replaces the one before, and an empty
// one (”) clears it.
type stackFlags struct {
	stack       rinca.Stack
	files       []string // PATH or NAME=PATH of inline files
	environment string   // file of the stack's environment text
	onBusy      string
	preTime     time.Duration
	postTime    time.Duration
	verifyTime  time.Duration
	settle      time.Duration
}

// define adds the flags.
func (f *stackFlags) define(a *app, c *cobra.Command) {
	fl, s := c.Flags(), &f.stack
	fl.StringVar(&s.Description, "description", "", "what it is for")
	fl.StringSliceVar(&s.Tags, "tag", nil, "`TAG` for stack deploy --tag; may be given again")
	fl.StringVar(&s.Server, "server", "", "`NAME` of the server it runs on (default "+rinca.LocalServer+")")
	fl.StringVar(&s.Project, "project", "", "`NAME` of the Compose project (default: the stack's, in lower case)")
	fl.StringSliceVar(&s.After, "after", nil, "`STACK` that must be verified first; may be given again")
	fl.StringVar(&f.environment, "environment-file", "", "`FILE` of KEY=VALUE lines, with [[NAME]], that ${KEY} in compose files stands for; - is standard input")
	fl.StringSliceVar(&s.EnvFiles, "env-file", nil, "`PATH` in the source that is read before the environment; may be given again")
	fl.StringSliceVar(&s.Profiles, "compose-profile", nil, "`NAME` of a Compose profile; may be given again")
	fl.StringArrayVar(&s.HostPaths, "host-path", nil, "absolute `PATH` on the host that compose files may read and mount; may be given again")
	fl.StringVar(&s.PreDeploy.Command, "pre-deploy", "", "shell `COMMAND` before containers change; [[NAME]] is a variable")
	fl.StringVar(&s.PreDeploy.Path, "pre-deploy-path", "", "`DIR` of the stack's folder that it runs in")
	fl.DurationVar(&f.preTime, "pre-deploy-timeout", 0, "`TIME` that it may take (10m when not given)")
	fl.StringVar(&s.PostDeploy.Command, "post-deploy", "", "shell `COMMAND` after the stack was verified")
	fl.StringVar(&s.PostDeploy.Path, "post-deploy-path", "", "`DIR` of the stack's folder that it runs in")
	fl.DurationVar(&f.postTime, "post-deploy-timeout", 0, "`TIME` that it may take (10m when not given)")
	fl.BoolVar(&s.Secrets.Skip, "no-secrets", false, "export nothing before a deploy")
	fl.StringVar(&s.Secrets.Vault, "secrets-vault", "", "`NAME` of the vault of its items")
	fl.StringSliceVar(&s.Secrets.Stacks, "secrets-stack", nil, "`STACK` whose items are exported (default: its own); may be given again")
	fl.BoolVar(&s.Secrets.Offline, "offline", false, "take exported files as they are when the vault is out of reach")
	fl.BoolVar(&s.Verify.Skip, "no-verify", false, "a deploy ends when containers have started")
	fl.DurationVar(&f.verifyTime, "verify-timeout", 0, "`TIME` in which it must be good (2m when not given)")
	fl.DurationVar(&f.settle, "verify-settle", 0, "`TIME` that a service without a health check must stay up (2s when not given)")
	fl.BoolVar(&s.Pull, "pull", false, "look for newer images at every deploy; missing ones are always pulled")
	fl.BoolVar(&s.AutoUpdate, "auto-update", false, "deploy newer images when rinca execute GlobalAutoUpdate finds them")
	fl.StringVar(&f.onBusy, "on-busy", "", "`WHAT` a deploy does while another one of the stack runs: wait or refuse")
	f.defineSource(c)
	a.flagNames(c, "server", "/v1/servers")
	a.flagNames(c, "after", "/v1/stacks")
	a.flagNames(c, "account", "/v1/git-accounts")
	a.flagNames(c, "linked", "/v1/repos")
	_ = c.RegisterFlagCompletionFunc("on-busy", cobra.FixedCompletions([]string{"wait", "refuse"}, cobra.ShellCompDirectiveNoFileComp))
}

func (f *stackFlags) defineSource(c *cobra.Command) {
	fl, src := c.Flags(), &f.stack.Source
	fl.StringVar(&src.Repo, "repo", "", "`URL` of a Git repository: https://, ssh://, git@host:path or file://")
	fl.StringVar(&src.Linked, "linked", "", "`NAME` of a repo that has address, account and branch, in place of --repo (rinca repo set)")
	fl.StringVar(&src.Account, "account", "", "`NAME` of the Git account for it (rinca git account add)")
	fl.StringVar(&src.Branch, "branch", "", "`BRANCH` of the repository (default: its own default)")
	fl.StringVar(&src.Tag, "git-tag", "", "`TAG` of the repository, in place of a branch")
	fl.StringVar(&src.Commit, "commit", "", "`COMMIT` of the repository, in place of a branch")
	fl.StringVar(&src.Path, "path", "", "`DIR` of the stack in the repository")
	fl.StringSliceVar(&src.Sparse, "sparse", nil, "other `DIR` of the repository that is needed; may be given again")
	fl.StringVar(&src.Dir, "dir", "", "absolute `DIR` on the host of rinca serve, in place of a repository")
	fl.StringArrayVar(&f.files, "file", nil, "`[NAME=]FILE` from here that is kept with the stack, in place of a repository; may be given again")
	fl.StringSliceVar(&src.ComposeFiles, "compose-file", nil, "`PATH` of a compose file in the stack's folder; may be given again")
	c.MarkFlagsMutuallyExclusive("repo", "linked", "dir", "file")
	c.MarkFlagsMutuallyExclusive("branch", "git-tag", "commit")
}

// read reads the files that were given.
func (f *stackFlags) read(ctx context.Context, a *app) (err error) {
	if f.stack.Environment, err = a.readText(ctx, f.environment); err != nil {
		return err
	}
	f.stack.Source.Files, err = inlineFiles(f.files)
	return err
}

// apply puts what was given into s. It may be called again for another s.
func (f *stackFlags) apply(fl *pflag.FlagSet, s *rinca.Stack) error {
	if err := f.applySource(fl, &s.Source); err != nil {
		return err
	}
	given, from := fl.Changed, &f.stack
	for flag, field := range map[string]struct{ to, from *string }{
		"description": {&s.Description, &from.Description}, "server": {&s.Server, &from.Server}, "project": {&s.Project, &from.Project},
		"pre-deploy": {&s.PreDeploy.Command, &from.PreDeploy.Command}, "pre-deploy-path": {&s.PreDeploy.Path, &from.PreDeploy.Path},
		"post-deploy": {&s.PostDeploy.Command, &from.PostDeploy.Command}, "post-deploy-path": {&s.PostDeploy.Path, &from.PostDeploy.Path},
		"secrets-vault": {&s.Secrets.Vault, &from.Secrets.Vault},
	} {
		if given(flag) {
			*field.to = *field.from
		}
	}
	for flag, field := range map[string]struct{ to, from *[]string }{
		"tag": {&s.Tags, &from.Tags}, "after": {&s.After, &from.After}, "env-file": {&s.EnvFiles, &from.EnvFiles},
		"compose-profile": {&s.Profiles, &from.Profiles}, "host-path": {&s.HostPaths, &from.HostPaths}, "secrets-stack": {&s.Secrets.Stacks, &from.Secrets.Stacks},
	} {
		if given(flag) {
			*field.to = filled(*field.from)
		}
	}
	for flag, field := range map[string]struct{ to, from *bool }{
		"no-secrets": {&s.Secrets.Skip, &from.Secrets.Skip}, "offline": {&s.Secrets.Offline, &from.Secrets.Offline},
		"no-verify": {&s.Verify.Skip, &from.Verify.Skip}, "pull": {&s.Pull, &from.Pull}, "auto-update": {&s.AutoUpdate, &from.AutoUpdate},
	} {
		if given(flag) {
			*field.to = *field.from
		}
	}
	for flag, field := range map[string]struct {
		to   *rinca.Duration
		from time.Duration
	}{
		"pre-deploy-timeout": {&s.PreDeploy.Timeout, f.preTime}, "post-deploy-timeout": {&s.PostDeploy.Timeout, f.postTime},
		"verify-timeout": {&s.Verify.Timeout, f.verifyTime}, "verify-settle": {&s.Verify.Settle, f.settle},
	} {
		if !given(flag) {
			continue
		}
		if field.from < 0 {
			return rinca.Errorf(rinca.Usage, "--%s is below zero", flag)
		}
		*field.to = rinca.Duration(field.from)
	}
	if given("on-busy") {
		if s.OnBusy = rinca.OnBusy(f.onBusy); f.onBusy != "" && s.OnBusy != rinca.Wait && s.OnBusy != rinca.Refuse {
			return rinca.Errorf(rinca.Usage, "--on-busy is wait or refuse, not %q", f.onBusy)
		}
	}
	if given("environment-file") {
		s.Environment = from.Environment
	}
	return nil
}

// applySource puts what was given into src. Another kind of source replaces
// the one before.
func (f *stackFlags) applySource(fl *pflag.FlagSet, src *rinca.Source) error {
	given, from := fl.Changed, &f.stack.Source
	kind := src.Kind
	switch {
	case given("repo"), given("linked"):
		kind = rinca.SourceGit
	case given("dir"):
		kind = rinca.SourceHost
		if !path.IsAbs(from.Dir) {
			return rinca.Errorf(rinca.Usage, "--dir is an absolute path, on the host of rinca serve").Try("--dir /srv/stacks/NAME")
		}
	case given("file"):
		kind = rinca.SourceInline
	}
	if kind != src.Kind {
		*src = rinca.Source{Kind: kind, ComposeFiles: src.ComposeFiles}
	}
	switch { // one takes the place of the other, with all that belongs to it
	case given("linked"):
		src.Linked, src.Repo, src.Account, src.Branch, src.Tag, src.Commit = from.Linked, "", "", "", "", ""
	case given("repo"):
		src.Linked = ""
	}
	for _, flag := range []string{"account", "branch", "git-tag", "commit", "path", "sparse"} {
		if given(flag) && kind != rinca.SourceGit {
			return rinca.Errorf(rinca.Usage, "--%s is about a Git repository, and there is none", flag).Try("--repo URL")
		}
	}
	if given("branch") || given("git-tag") || given("commit") {
		src.Branch, src.Tag, src.Commit = from.Branch, from.Tag, from.Commit
	}
	for flag, field := range map[string]struct{ to, from *string }{
		"repo": {&src.Repo, &from.Repo}, "account": {&src.Account, &from.Account}, "path": {&src.Path, &from.Path}, "dir": {&src.Dir, &from.Dir},
	} {
		if given(flag) {
			*field.to = *field.from
		}
	}
	if given("sparse") {
		src.Sparse = filled(from.Sparse)
	}
	if given("compose-file") {
		src.ComposeFiles = filled(from.ComposeFiles)
	}
	if given("file") {
		src.Files = from.Files
	}
	return nil
}

// filled drops empty elements: --after ” clears a list.
func filled(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// inlineFiles reads files that are kept with the stack.
func inlineFiles(args []string) ([]rinca.InlineFile, error) {
	var out []rinca.InlineFile
	for _, arg := range args {
		name, file, ok := strings.Cut(arg, "=")
		if !ok {
			name, file = filepath.Base(arg), arg
		}
		data, err := readBounded(file)
		if err != nil {
			return nil, err
		}
		out = append(out, rinca.InlineFile{Path: name, Content: string(data)})
	}
	return out, nil
}

func newStackCreate(a *app) *cobra.Command {
	var f stackFlags
	c := &cobra.Command{
		Use:   "create NAME {--repo URL | --dir DIR | --file FILE...}",
		Short: "Add a stack",
		Long: `Adds a stack: its name and where its files are from. Nothing is deployed yet.
--repo is a Git repository, --dir a directory on the host of rinca serve, and
--file keeps a file from here with the stack.

Compose files may hold [[NAME]], which stands for a variable (rinca variable
set). The stack's own items are exported to files before each deploy.`,
		Example: `  rinca stack create authentik --repo https://github.com/me/homelab --path stacks/authentik
  rinca stack create wiki --repo git@github.com:me/homelab --account github --branch main --path wiki
  rinca stack create blog --dir /srv/stacks/blog --after authentik --verify-timeout 5m
  rinca stack create echo --file compose.yaml`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			s := rinca.Stack{Name: args[0]}
			if !rinca.ValidStackName(s.Name) {
				return rinca.Errorf(rinca.Usage, "%q is no name for a stack", printable(s.Name)).Try("letters, digits, dots, dashes and underscores, beginning with a letter or digit")
			}
			if err := f.read(cmd.Context(), a); err != nil {
				return err
			}
			if err := f.apply(cmd.Flags(), &s); err != nil {
				return err
			}
			if s.Source.Kind == "" {
				return rinca.Errorf(rinca.Usage, "a stack needs a source").Try("--repo URL, --dir DIR or --file compose.yaml")
			}
			var made rinca.Stack
			if err := a.ask(cmd.Context(), http.MethodPost, "/v1/stacks", s, &made); err != nil {
				return err
			}
			return a.tell(made, "Made the stack %s. Deploy it: rinca stack deploy %s", s.Name, s.Name)
		},
	}
	f.define(a, c)
	return c
}

// ownFlags reports whether a flag was given that is the command's own.
func ownFlags(c *cobra.Command) bool {
	own, given := c.LocalNonPersistentFlags(), false
	c.Flags().Visit(func(f *pflag.Flag) { given = given || own.Lookup(f.Name) != nil })
	return given
}

func newStackSet(a *app) *cobra.Command {
	var f stackFlags
	c := &cobra.Command{
		Use:   "set NAME",
		Short: "Change a stack",
		Long: `Changes what is given and leaves the rest. A list replaces the one before, and ''
clears it: --after ''. Running containers are not touched before the next deploy.`,
		Example: `  rinca stack set authentik --branch next
  rinca stack set authentik --after postgres --after redis --verify-timeout 5m
  rinca stack set authentik --no-verify=false`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/stacks", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !ownFlags(cmd) {
				return rinca.Errorf(rinca.Usage, "nothing is given that would change").Try("rinca stack set --help")
			}
			c, err := a.client(cmd.Context())
			if err != nil {
				return err
			}
			if err := f.read(cmd.Context(), a); err != nil {
				return err
			}
			var now rinca.Stack
			err = client.Edit(cmd.Context(), c, stackPath(args[0]), func(s rinca.Stack) (any, error) {
				err := f.apply(cmd.Flags(), &s)
				return s, err
			}, &now)
			if err != nil {
				return err
			}
			return a.tell(now, "Changed the stack %s.", args[0])
		},
	}
	f.define(a, c)
	return c
}
