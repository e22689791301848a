package resource

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"rinca/internal/alert"
	"rinca/internal/redact"
	"rinca/internal/rinca"
)

func alerterAt(url string) string {
	return "[[alerter]]\nname = 'ops'\n[alerter.config.endpoint]\ntype = 'Slack'\nparams.url = '" + url + "'\n"
}

// An address in a file is checked as one that a person sets: whether it leads
// anywhere, and whether who puts a secret into it may see that secret.
func TestAddressesOfAlerters(t *testing.T) {
	s := service(t)
	apply(t, s, Options{}, "[[variable]]\nname = 'TOKEN'\nis_secret = true\nvalue = 'hunter2'\n[[variable]]\nname = 'PLAIN'\nvalue = 'x'\n")
	never := func(rinca.Target) bool { return false }
	for _, c := range []struct{ url, want string }{
		{"gopher://hunter2.example.org", "fa.toml:5:14: the address of the alerter does not begin with https"},
		{"https://hooks.slack.com/[[TOKN]]", "names the variable TOKN, and there is none; is it TOKEN?"},
		{"https://hooks.slack.com/[[TOKEN]]", "takes secret variables of those with the right Reveal only: TOKEN"},
		{"https://hooks.slack.com/[[PLAIN]]", ""},
	} {
		_, err := s.PlanFiles(t.Context(), files(alerterAt(c.url)), Options{Reveals: never})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v; want %q", c.url, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error quotes the address: %v", err)
		}
	}
	// Who may see it puts it there; after that, somebody else may change the rest.
	apply(t, s, Options{}, alerterAt("https://hooks.slack.com/[[TOKEN]]"))
	apply(t, s, Options{Reveals: never}, strings.Replace(alerterAt("https://hooks.slack.com/[[TOKEN]]"), "[alerter.", "description = 'all of us'\n[alerter.", 1))
	// An address is not carried over to another kind.
	other := "[[alerter]]\nname = 'ops'\n[alerter.config.endpoint]\ntype = 'Discord'\n"
	if _, err := s.PlanFiles(t.Context(), files(other), Options{}); err == nil || !strings.Contains(err.Error(), "the kind of the alerter ops changes") {
		t.Errorf("another kind without an address: %v", err)
	}
	p, err := s.PlanFiles(t.Context(), files("[[alerter]]\nname = 'new'\n[alerter.config.endpoint]\ntype = 'Slack'\n"), Options{})
	if err != nil || len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "the alerter new has no address yet") {
		t.Errorf("without an address: %v, %v", p, err)
	}
}

// From the moment that it is applied, an address is masked.
func TestNewAddressesAreMasked(t *testing.T) {
	s, known := service(t), &redact.Known{}
	s.Alerts = &alert.Alerts{DB: s.DB, Known: known, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	const url = "https://hooks.slack.com/services/T000/B000/a-long-token-of-slack"
	apply(t, s, Options{}, alerterAt(url))
	if got := known.Masker().String("posted to " + url); strings.Contains(got, "a-long-token") {
		t.Errorf("it reads %q", got)
	}
}
