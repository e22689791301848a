package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/rinca"
	"rinca/internal/webhook"
)

func newWebhook(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "webhook",
		Short: "Let a push to a Git repository start deploys, procedures and syncs",
		Long: `A Git host sends a delivery to an address of the server when somebody pushes.
TARGET is stack/NAME, procedure/NAME, sync/NAME or repo/NAME.`,
		Example: `  rinca webhook secret set stack/web --generate
  rinca webhook url stack/web
  rinca webhook deliveries stack/web`,
	}, newWebhookList(a), newWebhookURL(a), newWebhookSet(a), newWebhookSecret(a), newWebhookDeliveries(a), newWebhookShow(a), newWebhookRedeliver(a))
}

// hookDoc is a webhook as the server lists it.
type hookDoc struct {
	Target    rinca.Target      `json:"target,omitzero"`
	URLs      map[string]string `json:"urls"`
	Named     map[string]string `json:"named_urls,omitempty"`
	Secret    string            `json:"secret,omitempty"`
	HasSecret bool              `json:"has_secret"`
	Webhook   rinca.Webhook     `json:"webhook,omitzero"`
}

// hookTarget reads "stack/web".
func hookTarget(text string) (rinca.Target, error) {
	word, name, _ := strings.Cut(text, "/")
	kind, ok := webhook.KindOf(strings.ToLower(word))
	if !ok || name == "" {
		return rinca.Target{}, rinca.Errorf(rinca.Usage, "%q is nothing that has a webhook", printable(cutText(text, 80))).
			Try("stack/NAME, procedure/NAME, sync/NAME or repo/NAME")
	}
	return rinca.Target{Kind: kind, Name: name}, nil
}

// hookName writes a target as it is typed.
func hookName(t rinca.Target) string {
	for _, word := range []string{"stack", "procedure", "sync", "repo"} {
		if k, _ := webhook.KindOf(word); k == t.Kind {
			return word + "/" + printable(t.Name)
		}
	}
	return "whole repositories"
}

func (a *app) hooks(ctx context.Context) ([]hookDoc, error) {
	var rows []hookDoc
	err := a.get(ctx, "/v1/webhooks", &rows)
	return rows, err
}

// completeHooks offers targets.
func (a *app) completeHooks(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
	defer cancel()
	rows, _ := a.hooks(ctx) // without an answer there are none
	var out []string
	for i := range rows {
		if rows[i].Target.Kind != "" {
			out = append(out, hookName(rows[i].Target))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func newWebhookList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List webhooks: what starts each, and whether it has a secret",
		Example: "  rinca webhook list --json",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows, err := a.hooks(cmd.Context())
			if err != nil {
				return err
			}
			return list(a, rows, "There is nothing that has a webhook. Try: rinca stack add", func(t *table, h hookDoc) {
				t.add(hookName(h.Target), hookBranch(&h), strings.Join(h.Webhook.Paths, " "), secretWord(&h), h.URLs["github"])
			}, "TARGET", "BRANCH", "PATHS", "SECRET", "ADDRESS (GITHUB)")
		},
	}
}

func hookBranch(h *hookDoc) string {
	switch {
	case h.Webhook.Disabled:
		return "disabled"
	case h.Webhook.Branch != "":
		return h.Webhook.Branch
	}
	return "its own"
}

func secretWord(h *hookDoc) string {
	switch h.Secret {
	case "":
		return "none: refused"
	case webhook.OwnSecret:
		return "own"
	}
	return "the one for all"
}

func newWebhookURL(a *app) *cobra.Command {
	var provider string
	c := &cobra.Command{
		Use:   "url [TARGET]",
		Short: "Print the addresses to give to the Git host",
		Long: `Prints the address of a resource's webhook for each kind of Git host; without
TARGET the one for a whole repository, which deploys every stack and runs every
sync that is made of what a push touches.

They begin with the address that this command talks to. The Git host has to
reach the server under it: behind a reverse proxy, use the name of that.`,
		Example: `  rinca webhook url stack/web
  rinca webhook url --provider github`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.completeHooks,
		RunE: func(cmd *cobra.Command, args []string) error {
			text := ""
			if len(args) == 1 {
				text = args[0]
			}
			return a.webhookURL(cmd.Context(), text, provider)
		},
	}
	c.Flags().StringVar(&provider, "provider", "", "only that of `PROVIDER`: "+strings.Join(webhook.Providers(), ", "))
	_ = c.RegisterFlagCompletionFunc("provider", cobra.FixedCompletions(webhook.Providers(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) webhookURL(ctx context.Context, text, provider string) error {
	if provider != "" && !slices.Contains(webhook.Providers(), provider) {
		return rinca.Errorf(rinca.Usage, "no provider is called %q", printable(provider)).Try("%s", strings.Join(webhook.Providers(), ", "))
	}
	h := hookDoc{URLs: map[string]string{}}
	for _, p := range webhook.Providers() {
		h.URLs[p] = webhook.Address(p, rinca.Target{}, "")
	}
	if text != "" {
		var err error
		if h, err = a.hook(ctx, text); err != nil {
			return err
		}
	}
	r, err := a.remote()
	if err != nil {
		return err
	}
	type row struct {
		Provider string `json:"provider"`
		URL      string `json:"url"`
	}
	var rows []row
	for _, p := range webhook.Providers() {
		for _, path := range []string{h.URLs[p], h.Named[p]} {
			if path != "" && (provider == "" || p == provider) {
				rows = append(rows, row{p, strings.TrimRight(r.Host, "/") + path})
			}
		}
	}
	if provider != "" && !a.json {
		for _, x := range rows {
			fmt.Fprintln(a.Stdout, x.URL)
		}
		return nil
	}
	if text != "" && !h.HasSecret && !a.quiet {
		fmt.Fprintf(a.Stderr, "Deliveries are refused as long as there is no secret. Try: rinca webhook secret set %s --generate\n", hookName(h.Target))
	}
	return list(a, rows, "", func(t *table, x row) { t.add(x.Provider, x.URL) }, "PROVIDER", "ADDRESS")
}

// hook returns the webhook of a target.
func (a *app) hook(ctx context.Context, text string) (hookDoc, error) {
	target, err := hookTarget(text)
	if err != nil {
		return hookDoc{}, err
	}
	rows, err := a.hooks(ctx)
	if err != nil {
		return hookDoc{}, err
	}
	for i := range rows {
		if rows[i].Target == target {
			return rows[i], nil
		}
	}
	return hookDoc{}, rinca.Errorf(rinca.NotFound, "there is no %s", hookName(target)).Try("rinca webhook list")
}

func newWebhookSecret(a *app) *cobra.Command {
	group := &cobra.Command{
		Use:     "secret",
		Short:   "Set what authenticates deliveries",
		Example: "  rinca webhook secret set stack/web --generate",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	group.AddCommand(newWebhookSecretSet(a), newWebhookSecretRemove(a))
	return group
}

// secretPath is where the secret of a target is set; that of "" is the one
// for all.
func secretPath(text string, global bool) (string, error) {
	switch {
	case global && text == "":
		return "/v1/webhook-secret", nil
	case global:
		return "", rinca.Errorf(rinca.Usage, "--global is the secret for all, and %s is one of them", printable(text))
	case text == "":
		return "", rinca.Errorf(rinca.Usage, "a secret is for one TARGET, or with --global for all").Try("rinca webhook secret set stack/NAME --generate")
	}
	t, err := hookTarget(text)
	if err != nil {
		return "", err
	}
	word, _, _ := strings.Cut(text, "/")
	return client.Path("v1", "webhooks", strings.ToLower(word), t.Name, "secret"), nil
}

func newWebhookSecretSet(a *app) *cobra.Command {
	var global, generate bool
	var file string
	c := &cobra.Command{
		Use:   "set {TARGET | --global}",
		Short: "Set the secret that a Git host signs its deliveries with",
		Long: `The secret is asked for on a terminal, else read from standard input or
--secret-file; --generate makes one and prints it, this once. It is sealed, and
never shown again. It may be text with [[NAME]], which stands for a variable.

A target without a secret of its own has the one for all (--global). Without
either its deliveries are refused.`,
		Example: `  rinca webhook secret set stack/web --generate
  rinca webhook secret set --global --generate
  rinca webhook secret set 'procedure/Export Secrets on Push' --secret-file ./secret`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.completeHooks,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.webhookSecretSet(cmd.Context(), strings.Join(args, ""), global, generate, file)
		},
	}
	fl := c.Flags()
	fl.BoolVar(&global, "global", false, "the secret of all webhooks that have none of their own")
	fl.BoolVar(&generate, "generate", false, "let the server make one, and print it once")
	fl.StringVar(&file, "secret-file", "", "`FILE` that holds the secret; - is standard input")
	c.MarkFlagsMutuallyExclusive("generate", "secret-file")
	return c
}

func (a *app) webhookSecretSet(ctx context.Context, text string, global, generate bool, file string) error {
	path, err := secretPath(text, global)
	if err != nil {
		return err
	}
	body := map[string]any{"generate": true}
	if !generate {
		secret, err := a.value(ctx, valueFrom{file: file, prompt: "Secret (hidden): "})
		if err != nil {
			return err
		}
		body = map[string]any{"secret": secret.Reveal()} // on its way to the server
	}
	var made struct {
		Secret string `json:"secret,omitempty"`
	}
	if err := a.ask(ctx, http.MethodPut, path, body, &made); err != nil {
		return err
	}
	if generate && !a.json {
		// Alone on standard output, so that it can be given to something else.
		fmt.Fprintln(a.Stdout, made.Secret)
		if !a.quiet {
			fmt.Fprintln(a.Stderr, "Set. Give this secret to the Git host now: it is not shown again.")
		}
		return nil
	}
	return a.tell(made, "Set the secret of %s.", choose(global, "all webhooks without one of their own", printable(text)))
}

func newWebhookSecretRemove(a *app) *cobra.Command {
	var global bool
	c := &cobra.Command{
		Use:     "remove {TARGET | --global}",
		Short:   "Remove a secret",
		Long:    "Removes the secret of a target: the one for all counts then. --global removes that one.",
		Example: "  rinca webhook secret remove stack/web",
		Aliases: []string{"delete"},
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: a.completeHooks,
		RunE: func(cmd *cobra.Command, args []string) error {
			text := strings.Join(args, "")
			path, err := secretPath(text, global)
			if err != nil {
				return err
			}
			if err := a.ask(cmd.Context(), http.MethodDelete, path, nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"removed": text}, "Removed the secret of %s.", choose(global, "all webhooks", printable(text)))
		},
	}
	c.Flags().BoolVar(&global, "global", false, "the secret of all webhooks that have none of their own")
	return c
}

func newWebhookDeliveries(a *app) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:   "deliveries [TARGET]",
		Short: "List what was received, newest first, and what came of it",
		Long: `Lists deliveries, those to TARGET alone when it is given; "repository" is those
to whole repositories. What was refused, because its secret was wrong, is only
in the server's log.`,
		Example: `  rinca webhook deliveries
  rinca webhook deliveries stack/web --limit 5
  rinca webhook deliveries repository`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.completeHooks,
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{"limit": {fmt.Sprint(limit)}}
			if len(args) == 1 {
				if _, err := hookTarget(args[0]); err != nil && args[0] != "repository" {
					return err
				}
				q.Set("target", args[0])
			}
			var rows []rinca.Delivery
			if err := a.get(cmd.Context(), "/v1/deliveries?"+q.Encode(), &rows); err != nil {
				return err
			}
			now := time.Now()
			return list(a, rows, "Nothing was received.", func(t *table, d rinca.Delivery) {
				t.add(d.ID, ago(now, d.At), hookName(d.Target), printable(cmp.Or(d.Event, "call")), pushed(&d), printable(outcome(&d)))
			}, "ID", "RECEIVED", "TARGET", "EVENT", "PUSH", "RESULT")
		},
	}
	c.Flags().IntVar(&limit, "limit", 20, "at most `N`, up to 500")
	return c
}

// pushed says in a few words what a delivery tells.
func pushed(d *rinca.Delivery) string {
	ref := strings.TrimPrefix(strings.TrimPrefix(d.Ref, "refs/heads/"), "refs/tags/")
	text := printable(cutText(ref, 30))
	if len(d.Commit) > 7 {
		text += " " + d.Commit[:7]
	}
	if d.Author != "" {
		text += " " + printable(cutText(d.Author, 20))
	}
	return strings.TrimSpace(text)
}

// outcome says in a few words what came of a delivery.
func outcome(d *rinca.Delivery) string {
	switch {
	case len(d.Started) == 1:
		return d.Started[0].Execution + " " + d.Started[0].Target.Name
	case len(d.Started) > 1:
		return fmt.Sprintf("%d executions", len(d.Started))
	case d.Waits != "":
		return "waits: " + cutText(d.Waits, 60)
	}
	return "ignored: " + cutText(d.Ignored, 60)
}

func newWebhookShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a delivery: what was pushed, and what it started or why nothing",
		Example: "  rinca webhook show 01kba2…",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			var d rinca.Delivery
			if err := a.get(cmd.Context(), client.Path("v1", "deliveries", args[0]), &d); err != nil {
				return err
			}
			return a.showDelivery(&d)
		},
	}
}

func (a *app) showDelivery(d *rinca.Delivery) error {
	if a.json {
		return encodeJSON(a.Stdout, d)
	}
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-12s %s\n", name, printable(unbroken(value)))
		}
	}
	line("Delivery", d.ID)
	line("Received", d.At.Local().Format(time.DateTime))
	line("Address", d.Path)
	line("Event", cmp.Or(d.Event, "call"))
	line("Sender's id", d.RemoteID)
	line("Repository", d.Repository)
	line("Ref", d.Ref)
	line("Commit", d.Commit)
	line("Author", d.Author)
	if d.Redelivers != "" {
		line("Repeats", d.Redelivers+", for "+d.RedeliveredBy)
	}
	for i, f := range d.Files {
		line(choose(i == 0, "Files", ""), f)
	}
	for i, s := range d.Started {
		line(choose(i == 0, "Started", ""), s.Execution+" "+s.Target.Name+choose(s.Joined, ", which waited already", "")+": rinca update show "+s.Update)
	}
	line("Ignored", d.Ignored)
	line("Waits", d.Waits)
	line("Note", d.Note)
	if _, err := io.WriteString(a.Stdout, b.String()); err != nil {
		return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
	}
	return nil
}

func newWebhookRedeliver(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "redeliver ID",
		Short: "Carry out a delivery again",
		Long: `Decides about what was received as if it had just come: by the branches, paths
and stacks of now. What it starts is yours, and is joined to one that waits.`,
		Example: "  rinca webhook redeliver 01kba2…",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			var d rinca.Delivery
			if err := a.ask(cmd.Context(), http.MethodPost, client.Path("v1", "deliveries", args[0], "redeliver"), nil, &d); err != nil {
				return err
			}
			return a.showDelivery(&d)
		},
	}
}
