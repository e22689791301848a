package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

func newStack(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "stack",
		Short: "Set up stacks and deploy them, on a server that runs rinca serve",
		Example: `  rinca stack create authentik --repo https://github.com/me/homelab --path stacks/authentik
  rinca stack plan authentik
  rinca stack deploy authentik
  rinca stack list`,
	}, newStackCreate(a), newStackSet(a), newStackShow(a), newStackList(a), newStackDeploy(a), newStackPlan(a),
		newStackStart(a), newStackStop(a), newStackRestart(a), newStackPull(a), newStackDestroy(a),
		newStackLogs(a), newStackHistory(a), newStackDelete(a))
}

// stackPath is where the API has a stack.
func stackPath(name string, more ...string) string {
	return client.Path(append([]string{"v1", "stacks", name}, more...)...)
}

// execution makes one of its kind and parameters, without those that are
// false, zero or empty.
func execution(kind string, params map[string]any) rinca.Execution {
	for k, v := range params {
		switch v := v.(type) {
		case bool:
			if !v {
				delete(params, k)
			}
		case string:
			if v == "" {
				delete(params, k)
			}
		case []string:
			if len(v) == 0 {
				delete(params, k)
			}
		}
	}
	data, _ := json.Marshal(params) // flags, strings and lists of them
	return rinca.Execution{Kind: kind, Params: data}
}

func newStackList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the stacks and how they are",
		Example: `  rinca stack list
  rinca stack list --json | jq -r '.[] | select(.state.status != "healthy") | .name'`,
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.stackList(cmd.Context()) },
	}
}

// stackRow is a stack and how it is.
type stackRow struct {
	rinca.Stack
	State rinca.StackState `json:"state"`
}

func (a *app) stackList(ctx context.Context) error {
	var raw json.RawMessage
	if err := a.get(ctx, "/v1/stacks", &raw); err != nil {
		return err
	}
	var stacks []rinca.Stack
	if err := json.Unmarshal(raw, &stacks); err != nil {
		return rinca.Errorf(rinca.Unavailable, "the server does not list stacks as Rinca does").Because(err)
	}
	states := map[string]rinca.StackState{}
	if err := a.get(ctx, "/v1/states", &states); err != nil {
		return err
	}
	rows := make([]stackRow, len(stacks))
	for i, s := range stacks {
		state, ok := states[s.Name]
		if !ok {
			state.Status = rinca.StatusUnknown
		}
		rows[i] = stackRow{s, state}
	}
	if a.json {
		return a.stackListJSON(raw, rows)
	}
	return list(a, rows, "There are no stacks. Try: rinca stack create NAME --repo URL --path DIR", func(t *table, r stackRow) {
		t.add(r.Name, statusCell(r.State.Status), services(r.State), r.ServerName(), sourceText(r.Source))
	}, "NAME", "STATUS", "UP", "SERVER", "SOURCE")
}

// stackListJSON prints what the server lists, with the states: the list has
// less than a stack, and what is not in it must not look empty.
func (a *app) stackListJSON(raw json.RawMessage, rows []stackRow) error {
	docs := []map[string]any{}
	if err := json.Unmarshal(raw, &docs); err != nil {
		return rinca.Errorf(rinca.Unavailable, "the server does not list stacks as Rinca does").Because(err)
	}
	states := map[string]rinca.StackState{}
	for _, r := range rows {
		states[r.Name] = r.State
	}
	for _, d := range docs {
		name, _ := d["name"].(string)
		d["state"] = states[name]
	}
	return encodeJSON(a.Stdout, docs)
}

// services says how many containers are as they should be.
func services(s rinca.StackState) string {
	if len(s.Services) == 0 {
		return ""
	}
	up := 0
	for _, c := range s.Services {
		switch c.Status {
		case rinca.StatusHealthy, rinca.StatusRunning, rinca.StatusDone:
			up++
		}
	}
	return fmt.Sprintf("%d/%d", up, len(s.Services))
}

// sourceText says in one line where the files of a stack are from.
func sourceText(s rinca.Source) string {
	switch s.Kind {
	case rinca.SourceHost:
		return s.Dir
	case rinca.SourceInline:
		names := make([]string, len(s.Files))
		for i, f := range s.Files {
			names[i] = f.Path
		}
		return "inline: " + strings.Join(names, ", ")
	}
	if s.Linked != "" {
		return gitText(s, "repo "+s.Linked)
	}
	return gitText(s, strings.TrimSuffix(strings.TrimPrefix(s.Repo, "https://"), ".git"))
}

// gitText says which part of a repository is meant.
func gitText(s rinca.Source, text string) string {
	for _, ref := range []string{s.Commit, s.Tag, s.Branch} {
		if ref != "" {
			text += "@" + cutText(ref, 20)
			break
		}
	}
	if s.Path != "" {
		text += " " + s.Path
	}
	return text
}

func newStackShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show what a stack is made of, and how its services are",
		Long: `Shows a stack's configuration, never a value, and its containers. --json prints
both as one document.`,
		Example: `  rinca stack show authentik
  rinca stack show authentik --json | jq .source`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/stacks", false),
		RunE: func(cmd *cobra.Command, args []string) error { return a.stackShow(cmd.Context(), args[0]) },
	}
}

func (a *app) stackShow(ctx context.Context, name string) error {
	var row stackRow
	if err := a.get(ctx, stackPath(name), &row.Stack); err != nil {
		return err
	}
	if err := a.get(ctx, stackPath(name, "state"), &row.State); err != nil {
		return err
	}
	if a.json {
		return encodeJSON(a.Stdout, row)
	}
	a.printFacts(stackFacts(&row.Stack))
	return a.printState(row.State)
}

// A fact is a line of what is shown of a resource.
type fact struct{ name, text string }

// printFacts prints what is known, and leaves out what is not.
func (a *app) printFacts(facts []fact) {
	wide := 0
	for _, f := range facts {
		if f.text != "" {
			wide = max(wide, len(f.name))
		}
	}
	for _, f := range facts {
		if f.text == "" {
			continue
		}
		for i, line := range strings.Split(strings.TrimRight(f.text, "\n"), "\n") {
			name := f.name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(a.Stdout, "%s %s\n", paint(a.colorful(a.Stdout), bold, fmt.Sprintf("%-*s", wide, name)), printable(line))
		}
	}
}

func stackFacts(s *rinca.Stack) []fact {
	src := s.Source
	from := sourceText(src)
	if src.Kind == rinca.SourceGit && src.Linked == "" {
		from = gitText(src, src.Repo) // as it was given
	}
	join := func(list []string) string { return strings.Join(list, ", ") }
	return []fact{
		{"Stack", s.Name},
		{"Description", s.Description},
		{"Tags", join(s.Tags)},
		{"Server", s.ServerName()},
		{"Project", s.ProjectName()},
		{"Source", from},
		{"Account", src.Account},
		{"Also", join(src.Sparse)},
		{"Compose files", join(src.ComposeFiles)},
		{"After", join(s.After)},
		{"Profiles", join(s.Profiles)},
		{"Env files", join(s.EnvFiles)},
		{"Environment", s.Environment},
		{"Before it", hookText(s.PreDeploy)},
		{"After it", hookText(s.PostDeploy)},
		{"Host paths", join(s.HostPaths)},
		{"Secrets", secretsText(s)},
		{"Verify", verifyText(s.Verify)},
		{"Images", choose(s.Pull, "newer ones are pulled at every deploy", "")},
		{"Busy", string(s.OnBusy)},
		{"Changed", changed(s.UpdatedAt, s.UpdatedBy)},
	}
}

func choose(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

func changed(at time.Time, by string) string {
	if at.IsZero() {
		return ""
	}
	text := at.Local().Format("2006-01-02 15:04")
	if by != "" {
		text += " by " + by
	}
	return text
}

func hookText(h rinca.Hook) string {
	text := h.Command
	if text != "" && h.Path != "" {
		text += "\nin " + h.Path
	}
	if text != "" && h.Timeout > 0 {
		text += "\nwithin " + time.Duration(h.Timeout).String()
	}
	return text
}

func secretsText(s *rinca.Stack) string {
	if s.Secrets.Skip {
		return "not exported"
	}
	stacks := s.Secrets.Stacks
	if len(stacks) == 0 {
		stacks = []string{s.Name}
	}
	text := "exported for " + strings.Join(stacks, ", ")
	if s.Secrets.Vault != "" {
		text += " from the vault " + s.Secrets.Vault
	}
	if s.Secrets.Offline {
		text += "; the files as they are when the vault is out of reach"
	}
	return text
}

func verifyText(v rinca.Verify) string {
	var parts []string
	if v.Skip {
		return "not verified"
	}
	if v.Timeout > 0 {
		parts = append(parts, "within "+time.Duration(v.Timeout).String())
	}
	if v.Settle > 0 {
		parts = append(parts, "up for "+time.Duration(v.Settle).String())
	}
	return strings.Join(parts, ", ")
}

// printState prints how a stack is: one line, and one for each container.
func (a *app) printState(s rinca.StackState) error {
	c := statusCell(s.Status)
	fmt.Fprintf(a.Stdout, "\n%s", paint(a.colorful(a.Stdout), c.style, c.text))
	if s.Error != "" {
		fmt.Fprintf(a.Stdout, ": %s", printable(s.Error))
	}
	fmt.Fprintln(a.Stdout)
	if len(s.Services) == 0 {
		return nil
	}
	t := newTable("SERVICE", "STATUS", "SINCE", "PORTS", "IMAGE")
	for _, c := range s.Services {
		t.add(c.Service, statusCell(c.Status), since(c), strings.Join(c.Ports, " "), c.Image)
	}
	return t.print(a)
}

// since is what the engine says of a container, else when it started.
func since(c rinca.ServiceState) string {
	switch {
	case c.Text != "":
		return c.Text
	case c.StartedAt.IsZero():
		return ""
	}
	return c.StartedAt.Local().Format("2006-01-02 15:04")
}
