package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/resource"
	"rinca/internal/rinca"
	"rinca/internal/run"
)

// procedureFlags are flags for what a procedure has. Those that are not given
// change nothing.
type procedureFlags struct {
	file        string
	description string
	tags        []string
	stages      []string
	timeout     time.Duration
	schedule    string
	zone        string
	path        string
	noSchedule  bool
}

func newProcedureSet(a *app) *cobra.Command {
	var f procedureFlags
	c := &cobra.Command{
		Use:   "set [NAME]",
		Short: "Make or change a procedure",
		Long: `--file takes what "rinca procedure show NAME --json" prints, or TOML with
[[procedure]] as a resource sync has it; with several in it, each is set, or the
one that is named. Flags change what is given and leave the rest; --stage replaces
all stages, and is for what needs no more than kinds and simple parameters.`,
		Example: `  rinca procedure set --file procedures.toml
  rinca procedure set nightly --stage 'Export=ExportSecrets' --stage 'Deploy=DeployStack stack=web; DeployStack stack=wiki'
  rinca procedure set nightly --schedule 'Every day at 02:00' --timezone Europe/Berlin
  rinca procedure set nightly --schedule ''`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.completeNames("/v1/procedures", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !ownFlags(cmd) {
				return rinca.Errorf(rinca.Usage, "nothing is given that would change").Try("rinca procedure set --help")
			}
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			if f.file != "" {
				return a.procedureFile(cmd.Context(), f, cmd, name)
			}
			if name == "" {
				return rinca.Errorf(rinca.Usage, "no procedure is named")
			}
			return a.procedureSet(cmd.Context(), f, cmd, name)
		},
	}
	fl := c.Flags()
	fl.StringVarP(&f.file, "file", "f", "", "`FILE` of JSON or TOML; - is standard input")
	fl.StringVar(&f.description, "description", "", "what it is for")
	fl.StringSliceVar(&f.tags, "tag", nil, "`TAG`; may be given again")
	fl.StringArrayVar(&f.stages, "stage", nil, "`NAME=KIND key=value; KIND …`; may be given again")
	fl.DurationVar(&f.timeout, "timeout", 0, "`TIME` that a whole run may take; 0 is without a bound")
	fl.StringVar(&f.schedule, "schedule", "", "when it runs by itself, `TEXT` in English or cron; '' is never")
	fl.StringVar(&f.zone, "timezone", "", "`ZONE` of the schedule, such as Europe/Berlin")
	fl.BoolVar(&f.noSchedule, "schedule-off", false, "keep the schedule, and do not run by it")
	fl.StringVar(&f.path, "webhook-path", "", "another `NAME` in the listener's URL")
	return c
}

func (a *app) procedureSet(ctx context.Context, f procedureFlags, cmd *cobra.Command, name string) error {
	c, err := a.client(ctx)
	if err != nil {
		return err
	}
	stages, err := stagesOf(f.stages)
	if err != nil {
		return err
	}
	var now rinca.Procedure
	change := func(p rinca.Procedure) (any, error) {
		f.apply(cmd, &p)
		if cmd.Flags().Changed("stage") {
			p.Stages = stages
		}
		return p, nil
	}
	err = client.Edit(ctx, c, procedurePath(name), change, &now)
	if rinca.CodeOf(err) == rinca.NotFound && cmd.Flags().Changed("stage") {
		in, _ := change(rinca.Procedure{Name: name}) //nolint:errcheck // it has none
		err = c.Create(ctx, procedurePath(name), in, &now)
	}
	if err != nil {
		return err
	}
	return a.tell(now, "Set the procedure %s. Run it: rinca procedure run %s", printable(name), shellWord(name))
}

func (f *procedureFlags) apply(cmd *cobra.Command, p *rinca.Procedure) {
	given := cmd.Flags().Changed
	if given("description") {
		p.Description = f.description
	}
	if given("tag") {
		p.Tags = filled(f.tags)
	}
	if given("timeout") {
		p.Timeout = rinca.Duration(f.timeout)
	}
	if given("schedule") {
		p.Schedule.Text, p.Schedule.Format = f.schedule, ""
	}
	if given("timezone") {
		p.Schedule.TimeZone = f.zone
	}
	if given("schedule-off") {
		p.Schedule.Disabled = f.noSchedule
	}
	if given("webhook-path") {
		p.Webhook.Path = f.path
	}
}

// procedureFile sets what a file has.
func (a *app) procedureFile(ctx context.Context, f procedureFlags, cmd *cobra.Command, name string) error {
	text, err := a.readText(ctx, f.file)
	if err != nil {
		return err
	}
	all, err := a.proceduresIn(f.file, text, name)
	if err != nil {
		return err
	}
	for i := range all {
		p := &all[i]
		f.apply(cmd, p)
		var now rinca.Procedure
		if err := a.ask(ctx, http.MethodPut, procedurePath(p.Name), p, &now); err != nil {
			return err
		}
		if err := a.tell(now, "Set the procedure %s. Run it: rinca procedure run %s", printable(p.Name), shellWord(p.Name)); err != nil {
			return err
		}
	}
	return nil
}

// proceduresIn reads one procedure of JSON, or those of TOML.
func (a *app) proceduresIn(file, text, name string) ([]rinca.Procedure, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		var p rinca.Procedure
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&p); err != nil {
			return nil, rinca.Errorf(rinca.Invalid, "%s is no procedure in JSON", printable(file)).Because(err).Try("rinca procedure show NAME --json prints one")
		}
		if name != "" {
			p.Name = name
		}
		if p.Name == "" {
			return nil, rinca.Errorf(rinca.Usage, "the procedure has no name")
		}
		return []rinca.Procedure{p}, nil
	}
	if file == "-" {
		file = "standard input"
	}
	set, warnings, err := resource.Parse([]resource.File{{Path: filepath.Base(file), Text: rinca.NewSecret(text)}}, (&run.Runner{}).Kinds())
	for _, w := range warnings {
		fmt.Fprintln(a.Stderr, printable(w))
	}
	if err != nil {
		return nil, err
	}
	var all []rinca.Procedure
	for _, item := range set.Procedures {
		if name == "" || item.Value.Name == name {
			item.Value.Tags = item.Tags
			all = append(all, item.Value)
		}
	}
	if len(all) == 0 {
		return nil, rinca.Errorf(rinca.NotFound, "%s has no such [[procedure]]", printable(file))
	}
	return all, nil
}

// stagesOf reads stages of flags: "NAME=KIND key=value; KIND …".
func stagesOf(flags []string) ([]rinca.ProcedureStage, error) {
	out := []rinca.ProcedureStage{}
	for _, flag := range flags {
		name, text, ok := strings.Cut(flag, "=")
		if !ok || strings.TrimSpace(text) == "" {
			return nil, rinca.Errorf(rinca.Usage, "--stage takes NAME=KIND key=value; KIND …, not %q", printable(flag))
		}
		s := rinca.ProcedureStage{Name: strings.TrimSpace(name), Executions: []rinca.StageExecution{}}
		for part := range strings.SplitSeq(text, ";") {
			words := strings.Fields(part)
			if len(words) == 0 {
				continue
			}
			params, err := paramsOf(words[1:])
			if err != nil {
				return nil, err
			}
			s.Executions = append(s.Executions, rinca.StageExecution{Execution: rinca.Execution{Kind: words[0], Params: params}})
		}
		out = append(out, s)
	}
	return out, nil
}

// paramsOf reads parameters of a command line: key=value, where a value is
// true, false, a whole number, JSON of a list or an object, or else a text.
func paramsOf(words []string) (json.RawMessage, error) {
	params := map[string]any{}
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok || key == "" {
			return nil, rinca.Errorf(rinca.Usage, "a parameter is given as key=value, not %q", printable(w))
		}
		if _, twice := params[key]; twice {
			return nil, rinca.Errorf(rinca.Usage, "the parameter %s is given twice", printable(key))
		}
		params[key] = paramValue(value)
	}
	data, err := json.Marshal(params)
	if err != nil {
		return nil, rinca.Errorf(rinca.Usage, "the parameters cannot be encoded").Because(err)
	}
	return data, nil
}

func paramValue(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
		return n
	}
	switch {
	case text == "true":
		return true
	case text == "false":
		return false
	case strings.HasPrefix(text, "[") && !strings.HasPrefix(text, "[["), strings.HasPrefix(text, "{"):
		if json.Valid([]byte(text)) {
			return json.RawMessage(text)
		}
	}
	return text
}

// shellWord quotes a name for a command that is shown, where it needs that.
func shellWord(name string) string {
	if strings.ContainsAny(name, " '$&;()<>|!#~`") {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return printable(name)
}
