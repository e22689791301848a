package cli

import (
	"context"
	"os/user"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/config"
	"rinca/internal/export"
	"rinca/internal/rinca"
	"rinca/internal/server"
)

// exportFlags are the flags of rinca export.
type exportFlags struct {
	vault, dest       string
	all               bool
	settings          export.Settings
	allowPlaceholders bool
	prune, allowEmpty bool
	offline, plan     bool
	watch             bool
	interval, wait    time.Duration
	maxRequests       string
}

func newExport(a *app) *cobra.Command {
	var f exportFlags
	c := &cobra.Command{
		Use:   "export [STACK...]",
		Short: "Write the secrets of stacks to files, from the vault to the disk",
		Long: `Items of the vault that are tagged stack:NAME and have a title that ends in
.env become DEST/NAME/TITLE. Without a STACK the variable STACKS says which;
--all takes every stack: tag.

All files of a stack are replaced, or none. Nothing is written when nothing
changed. Files that the vault no longer has are reported, and removed with
--prune. What is wrong with one stack does not stop the others.`,
		Example: `  rinca export authentik restic
  STACKS="authentik restic" DEST_ROOT=/mnt/apps01/secrets rinca export
  rinca export --all --plan
  rinca export --all --prune
  rinca export authentik --mode 0640 --group 1000
  rinca export --all --watch --interval 5m --max-requests 200/h,1000/d`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return export.KnownStacks(a.or(f.dest, "DEST_ROOT", rinca.DefaultDest), args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.export(cmd.Context(), f, args) },
	}
	f.define(c)
	return c
}

func (f *exportFlags) define(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.vault, "vault", "", "`NAME` or id of the vault (VAULT; default "+rinca.DefaultVault+")")
	fl.StringVar(&f.dest, "dest", "", "`DIR` that gets one directory per stack (DEST_ROOT; default "+rinca.DefaultDest+")")
	fl.BoolVar(&f.all, "all", false, "every stack that an item is tagged with")
	fl.BoolVar(&f.plan, "plan", false, "only show what would change, by the names of variables; status 2 if anything would")
	fl.StringVar(&f.settings.Format, "format", "", "`FORMAT` of the files: auto, compose, sh or raw")
	fl.StringVar(&f.settings.Mode, "mode", "", "`MODE` of the files (default 0600); directories get x where this has r")
	fl.StringVar(&f.settings.Owner, "owner", "", "`USER` of the files, a name or a number")
	fl.StringVar(&f.settings.Group, "group", "", "`GROUP` of the files, a name or a number")
	fl.BoolVar(&f.allowPlaceholders, "allow-placeholders", false, "export values such as REPLACE_ME")
	fl.BoolVar(&f.prune, "prune", false, "remove files that we wrote and the vault no longer has")
	fl.BoolVar(&f.allowEmpty, "allow-empty", false, "let --prune remove all files of a stack that the vault lists nothing for")
	fl.BoolVar(&f.offline, "offline", false, "accept the files as they are when the vault is out of reach")
	fl.BoolVar(&f.watch, "watch", false, "keep running, and export what changes")
	fl.DurationVar(&f.interval, "interval", 0, "`TIME` between two looks of --watch (default 1m, or what --max-requests allows)")
	fl.StringVar(&f.maxRequests, "max-requests", "", "`BUDGET` of requests to the vault that is never exceeded, such as 200/h,1000/d")
	fl.DurationVar(&f.wait, "wait", 2*time.Minute, "`TIME` to wait for another export of the same directory")
}

// or returns a flag's value, else a variable's, else what else there is.
func (a *app) or(flag, variable, otherwise string) string {
	if flag != "" {
		return flag
	}
	if v := a.Getenv(variable); v != "" {
		return v
	}
	return otherwise
}

func (a *app) export(ctx context.Context, f exportFlags, args []string) error {
	req, err := a.exportRequest(f, args)
	if err != nil {
		return err
	}
	if f.watch && !req.Budget.Limited() {
		if req.Budget, err = a.watchBudget(); err != nil {
			return err
		}
	}
	provider, closeProvider, err := a.provider(ctx)
	if err != nil {
		return err
	}
	defer closeProvider()
	out := &exportPrinter{app: a, plan: f.plan}
	e := &export.Exporter{
		Provider: provider, Now: time.Now, Wait: f.wait,
		Waiting: out.waiting, Progress: out.progress,
	}
	switch {
	case f.watch:
		return a.watchExport(ctx, e, req, f)
	case f.plan:
		p, err := e.Plan(ctx, req)
		return out.finish(p, err)
	}
	if !a.json {
		e.Done = out.stack
	}
	p, err := e.Export(ctx, req)
	return out.finish(p, err)
}

// watchBudget is the budget of a watch that was given none: 1Password's own
// service counts requests, by the account; other vaults do not.
func (a *app) watchBudget() (export.Budget, error) {
	s, err := a.sources()
	if err != nil {
		return export.Budget{}, err
	}
	choice, err := server.Choose(s)
	if err != nil || (choice.Name != "op" && choice.Name != "sdk") {
		return export.Budget{}, err
	}
	return export.ServiceBudget(), nil
}

// exportRequest reads flags over variables over the file.
func (a *app) exportRequest(f exportFlags, args []string) (export.Request, error) {
	req := export.Request{
		Vault: a.or(f.vault, "VAULT", rinca.DefaultVault), Dest: a.or(f.dest, "DEST_ROOT", rinca.DefaultDest),
		AllowPlaceholders: f.allowPlaceholders, Prune: f.prune, AllowEmpty: f.allowEmpty, Offline: f.offline,
	}
	var err error
	if req.Stacks, err = a.exportStacks(f, args); err != nil {
		return req, err
	}
	if err := f.check(); err != nil {
		return req, err
	}
	if f.maxRequests != "" {
		if req.Budget, err = export.ParseBudget(f.maxRequests); err != nil {
			return req, err
		}
	}
	c, err := a.config()
	if err != nil {
		return req, err
	}
	file, err := c.ReadFile()
	if err != nil {
		return req, err
	}
	req.Rules = exportRules(file.Export, f.settings)
	return req, req.Rules.Check()
}

// check refuses flags that contradict one another.
func (f exportFlags) check() error {
	switch {
	case f.plan && f.watch:
		return rinca.Errorf(rinca.Usage, "--plan and --watch exclude each other").Try("rinca export --help")
	case f.interval != 0 && !f.watch:
		return rinca.Errorf(rinca.Usage, "--interval is for --watch").Try("rinca export --watch --interval %s", f.interval)
	case f.interval != 0 && f.interval < export.MinInterval:
		return rinca.Errorf(rinca.Usage, "--interval %s is too short", f.interval).Try("--interval 1m")
	case f.allowEmpty && !f.prune:
		return rinca.Errorf(rinca.Usage, "--allow-empty is for --prune").Try("rinca export --prune --allow-empty")
	}
	return nil
}

// exportStacks returns the stacks to export; none for all of them.
func (a *app) exportStacks(f exportFlags, args []string) ([]string, error) {
	if f.all {
		if len(args) > 0 {
			return nil, rinca.Errorf(rinca.Usage, "--all takes no names of stacks").Try("rinca export --all, or rinca export %s", args[0])
		}
		return nil, nil
	}
	names := args
	if len(names) == 0 {
		names = []string{a.Getenv("STACKS")}
	}
	stacks, err := export.ParseStacks(names...)
	if err == nil && len(stacks) == 0 {
		err = rinca.Errorf(rinca.Usage, "no stack is named, and STACKS is empty").Try("rinca export --all, or rinca export STACK")
	}
	return stacks, err
}

// exportRules turns the file and the flags into rules.
func exportRules(file config.Export, flags export.Settings) export.Rules {
	settings := func(s config.ExportSettings) export.Settings {
		return export.Settings{Mode: s.Mode, Owner: s.Owner, Group: s.Group, Format: s.Format}
	}
	r := export.Rules{
		Flags: flags, Default: settings(file.ExportSettings),
		Stacks: make(map[string]export.StackSettings, len(file.Stack)),
		UserID: userID, GroupID: groupID,
	}
	for name, s := range file.Stack {
		items := make(map[string]export.Settings, len(s.Item))
		for title, i := range s.Item {
			items[title] = settings(i)
		}
		r.Stacks[name] = export.StackSettings{Settings: settings(s.ExportSettings), Items: items}
	}
	return r
}

func userID(name string) (int, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(u.Uid)
}

func groupID(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}
