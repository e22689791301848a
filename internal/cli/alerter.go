package cli

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

func newAlerter(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "alerter",
		Short: "Say where alerts are sent to",
		Example: `  rinca alerter set ops --kind Slack
  rinca alerter test ops
  rinca alerter list`,
	}, newAlerterList(a), newAlerterShow(a), newAlerterSet(a), newAlerterDelete(a), newAlerterTest(a))
}

func alerterPath(name string, more ...string) string {
	return client.Path(append([]string{"v1", "alerters", name}, more...)...)
}

// alerterBody is what PUT takes. An address that is nil stays as it is.
type alerterBody struct {
	Description string             `json:"description,omitempty"`
	Tags        []string           `json:"tags,omitempty"`
	Disabled    bool               `json:"disabled,omitempty"`
	Kind        string             `json:"kind"`
	URL         *string            `json:"url,omitempty"`
	Email       string             `json:"email,omitempty"`
	Types       []string           `json:"types,omitempty"`
	Levels      []rinca.AlertLevel `json:"levels,omitempty"`
	Resources   []rinca.Target     `json:"resources,omitempty"`
	Except      []rinca.Target     `json:"except,omitempty"`
}

// alerterFlags are the flags of rinca alerter set.
type alerterFlags struct {
	kind, url, email, description          string
	types, levels, resources, except, tags []string
	enable, disable                        bool
}

func newAlerterSet(a *app) *cobra.Command {
	var f alerterFlags
	c := &cobra.Command{
		Use:   "set NAME",
		Short: "Add an alerter, or change one",
		Long: `Adds an alerter, or changes what is given and leaves the rest. The address is a
credential: it is asked for on a terminal, else read from standard input or
--url-file, sealed at once and never shown. [[NAME]] in it is a variable.

Custom      https://…  gets each alert as JSON, as Komodo's custom alerters do
Slack       https://hooks.slack.com/services/…
Discord     https://discord.com/api/webhooks/…
Ntfy        https://ntfy.sh/TOPIC
Gotify      https://HOST/message?token=…
Pushover    https://api.pushover.net/1/messages.json?token=…&user=…
SMTP        smtp://USER:PASSWORD@HOST:587/?from=…&to=…
Shoutrrr    the address of any service that this library knows: telegram://…

A filter that is given replaces the one before; an empty one ("") removes it.`,
		Example: `  rinca alerter set ops --kind Slack
  pass show ntfy-url | rinca alerter set phone --kind Ntfy --level CRITICAL
  rinca alerter set mail --kind SMTP --url-file ./smtp-url --type SecretOverdue --type Drift
  rinca alerter set ops --resource 'Stack/media-*' --except Stack/media-test
  rinca alerter set ops --disable`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/alerters", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.alerterSet(cmd.Context(), f, cmd.Flags().Changed, args[0])
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.kind, "kind", "", "`KIND` of the alerter: "+strings.Join(rinca.AlerterKinds(), ", "))
	fl.StringVar(&f.url, "url-file", "", "`FILE` that holds the address; - is standard input")
	fl.StringVar(&f.email, "email", "", "`ADDRESS` that ntfy sends a mail to as well")
	fl.StringVar(&f.description, "description", "", "`TEXT` for people")
	fl.StringSliceVar(&f.types, "type", nil, "send only alerts of this `TYPE`; may be repeated")
	fl.StringSliceVar(&f.levels, "level", nil, "send only alerts of this `LEVEL`: OK, WARNING or CRITICAL; may be repeated")
	fl.StringSliceVar(&f.resources, "resource", nil, "send only alerts about these, as `KIND/PATTERN`; may be repeated")
	fl.StringSliceVar(&f.except, "except", nil, "send no alerts about these, as `KIND/PATTERN`; may be repeated")
	fl.StringSliceVar(&f.tags, "tag", nil, "`TAG` of the alerter; may be repeated")
	fl.BoolVar(&f.disable, "disable", false, "send nothing")
	fl.BoolVar(&f.enable, "enable", false, "send again")
	c.MarkFlagsMutuallyExclusive("disable", "enable")
	for flag, values := range map[string][]string{
		"kind": rinca.AlerterKinds(), "type": rinca.AlertTypes(), "level": {string(rinca.AlertOK), string(rinca.AlertWarning), string(rinca.AlertCritical)},
	} {
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	return c
}

func (a *app) alerterSet(ctx context.Context, f alerterFlags, given func(string) bool, name string) error {
	var have rinca.Alerter
	err := a.get(ctx, alerterPath(name), &have)
	isNew := rinca.CodeOf(err) == rinca.NotFound
	if err != nil && !isNew {
		return err
	}
	body := alerterBody{have.Description, have.Tags, have.Disabled, have.Kind, nil, have.Email, have.Types, have.Levels, have.Resources, have.Except}
	if err := f.apply(given, &body); err != nil {
		return err
	}
	if body.Kind == "" {
		return rinca.Errorf(rinca.Usage, "which kind of alerter is it?").Try("--kind Slack; one of %s", strings.Join(rinca.AlerterKinds(), ", "))
	}
	if isNew || given("url-file") || body.Kind != have.Kind {
		address, err := a.value(ctx, valueFrom{file: f.url, prompt: "Address of " + printable(name) + " (hidden): "})
		if err != nil {
			return err
		}
		text := address.Reveal() // on its way to the server
		body.URL = &text
	}
	if err := a.ask(ctx, http.MethodPut, alerterPath(name), body, &have); err != nil {
		return err
	}
	return a.tell(have, "%s the alerter %s. Try it: rinca alerter test '%s'", map[bool]string{true: "Added", false: "Changed"}[isNew], printable(name), printable(name))
}

// apply puts what was given into the body.
func (f *alerterFlags) apply(given func(string) bool, body *alerterBody) (err error) {
	if given("kind") {
		body.Kind = f.kind
	}
	if given("email") {
		body.Email = f.email
	}
	if given("description") {
		body.Description = f.description
	}
	if given("tag") {
		body.Tags = f.tags
	}
	if given("type") {
		body.Types = f.types
	}
	if given("level") {
		body.Levels = nil
		for _, l := range f.levels {
			body.Levels = append(body.Levels, rinca.AlertLevel(l))
		}
	}
	if given("resource") {
		if body.Resources, err = targets("resource", f.resources); err != nil {
			return err
		}
	}
	if given("except") {
		if body.Except, err = targets("except", f.except); err != nil {
			return err
		}
	}
	body.Disabled = body.Disabled && !f.enable || f.disable
	return nil
}

// targets reads KIND/PATTERN.
func targets(flag string, texts []string) ([]rinca.Target, error) {
	var out []rinca.Target
	for _, text := range texts {
		kind, pattern, ok := strings.Cut(text, "/")
		if !ok || pattern == "" {
			return nil, rinca.Errorf(rinca.Usage, "--%s takes a kind and a pattern, not %q", flag, printable(cutText(text, 80))).Try("--%s 'Stack/media-*'", flag)
		}
		out = append(out, rinca.Target{Kind: rinca.Kind(kind), Name: pattern})
	}
	return out, nil
}

func newAlerterList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the alerters, without their addresses",
		Example: "  rinca alerter list --json",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []rinca.Alerter
			if err := a.get(cmd.Context(), "/v1/alerters", &rows); err != nil {
				return err
			}
			now := time.Now()
			return list(a, rows, "There are no alerters. Try: rinca alerter set NAME --kind Slack", func(t *table, x rinca.Alerter) {
				state := cell{"on", green}
				if x.Disabled {
					state = cell{"off", dim}
				}
				t.add(x.Name, x.Kind, state, ago(now, x.UpdatedAt), sends(x))
			}, "NAME", "KIND", "STATE", "CHANGED", "SENDS")
		},
	}
}

// sends says what the filters of an alerter let through.
func sends(x rinca.Alerter) string {
	var parts []string
	for _, l := range x.Levels {
		parts = append(parts, string(l))
	}
	parts = append(parts, x.Types...)
	for _, t := range x.Resources {
		parts = append(parts, t.String())
	}
	for _, t := range x.Except {
		parts = append(parts, "not "+t.String())
	}
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, ", ")
}

func newAlerterShow(a *app) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show an alerter, and what was sent to it",
		Example: "  rinca alerter show ops",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/alerters", false),
		RunE: func(cmd *cobra.Command, args []string) error { return a.alerterShow(cmd.Context(), args[0], limit) },
	}
	c.Flags().IntVarP(&limit, "limit", "n", 10, "at most this `NUMBER` of sendings")
	return c
}

func (a *app) alerterShow(ctx context.Context, name string, limit int) error {
	var doc struct {
		rinca.Alerter
		Sendings []rinca.AlertSending `json:"sendings"`
	}
	if err := a.get(ctx, alerterPath(name), &doc.Alerter); err != nil {
		return err
	}
	if limit < 0 || limit > 500 {
		return rinca.Errorf(rinca.Usage, "--limit goes from 0 to 500")
	}
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if err := a.get(ctx, alerterPath(name, "sendings")+"?"+q.Encode(), &doc.Sendings); err != nil {
		return err
	}
	if a.json {
		return encodeJSON(a.Stdout, doc)
	}
	state := "on"
	if doc.Disabled {
		state = "off"
	}
	if err := a.tell(nil, "%s: %s, %s; sends %s", printable(doc.Name), printable(doc.Kind), state, printable(sends(doc.Alerter))); err != nil {
		return err
	}
	return a.printSendings(doc.Sendings)
}

func (a *app) printSendings(rows []rinca.AlertSending) error {
	now := time.Now()
	return list(a, rows, "Nothing was sent to it.", func(t *table, s rinca.AlertSending) {
		t.add(s.Alerter, ago(now, s.At), s.Alert.Type, s.Alert.Target.Name, sendingCell(now, s), s.Tries, s.Error)
	}, "ALERTER", "WHEN", "TYPE", "ABOUT", "STATE", "TRIES", "ERROR")
}

func sendingCell(now time.Time, s rinca.AlertSending) cell {
	switch {
	case s.GaveUp:
		return cell{"given up", red}
	case !s.SentAt.IsZero():
		return cell{"sent", green}
	case s.NextAt.After(now):
		return cell{"again in " + span(s.NextAt.Sub(now)), yellow}
	}
	return cell{"waits", cyan}
}

func newAlerterDelete(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "delete NAME",
		Short:   "Forget an alerter",
		Example: "  rinca alerter delete ops",
		Aliases: []string{"remove"},
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/alerters", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.ask(cmd.Context(), http.MethodDelete, alerterPath(args[0]), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"deleted": args[0]}, "Deleted the alerter %s.", printable(args[0]))
		},
	}
}

func newAlerterTest(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "test NAME",
		Short:   "Send a test to an alerter now",
		Example: "  rinca alerter test ops",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/alerters", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.ask(cmd.Context(), http.MethodPost, alerterPath(args[0], "test"), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]any{"alerter": args[0], "sent": true}, "The alerter %s has taken the test.", printable(args[0]))
		},
	}
}
