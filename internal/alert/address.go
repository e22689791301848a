package alert

import (
	"net/url"
	"slices"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"

	"rinca/internal/rinca"
)

// A target is an address that was understood.
type target struct {
	url     *url.URL
	text    string
	library bool // the library sends to it
	mask    func(string) string
}

// schemes are those of the library that a kind takes beside https.
func schemes(kind string) []string {
	switch kind {
	case rinca.AlerterSlack:
		return []string{"slack"}
	case rinca.AlerterDiscord:
		return []string{"discord"}
	case rinca.AlerterNtfy:
		return []string{"ntfy"}
	case rinca.AlerterGotify:
		return []string{"gotify"}
	case rinca.AlerterPushover:
		return []string{"pushover"}
	case rinca.AlerterSMTP:
		return []string{"smtp"}
	case rinca.AlerterShoutrrr:
		return services()
	}
	return nil
}

// services lists the schemes of the library, without the one that prints.
func services() []string {
	all := (&router.ServiceRouter{}).ListServices()
	all = slices.DeleteFunc(all, func(s string) bool { return s == "logger" })
	slices.Sort(all)
	return all
}

// example is an address as a kind takes it.
func example(kind string) string {
	switch kind {
	case rinca.AlerterSlack:
		return "https://hooks.slack.com/services/…"
	case rinca.AlerterDiscord:
		return "https://discord.com/api/webhooks/…"
	case rinca.AlerterNtfy:
		return "https://ntfy.sh/your-topic"
	case rinca.AlerterGotify:
		return "https://gotify.example.org/message?token=…"
	case rinca.AlerterPushover:
		return "https://api.pushover.net/1/messages.json?token=…&user=…"
	case rinca.AlerterSMTP:
		return "smtp://user:password@mail.example.org:587/?from=rinca@example.org&to=you@example.org"
	case rinca.AlerterShoutrrr:
		return "telegram://token@telegram?chats=…"
	}
	return "https://alerts.example.org/komodo"
}

// CheckAddress reports an address that an alerter of that kind cannot send
// to. What [[NAME]] in it stands for is not known here. Code Invalid; the
// error does not repeat the address.
func CheckAddress(kind string, address rinca.Secret) error {
	_, err := parseAddress(kind, address)
	return err
}

const maxAddress = 4096

func parseAddress(kind string, address rinca.Secret) (target, error) {
	text := strings.TrimSpace(address.Reveal()) // on its way to where it leads
	wrong := func(format string, args ...any) error {
		return rinca.Errorf(rinca.Invalid, "the address of the alerter "+format, args...).Try("such as %s", example(kind))
	}
	if text == "" || len(text) > maxAddress {
		return target{}, wrong("is empty, or longer than %d bytes", maxAddress)
	}
	// A name in brackets may stand where a URL may not have one.
	u, err := url.Parse(strings.NewReplacer("[[", "", "]]", "").Replace(text))
	if err != nil || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return target{}, wrong("is no URL")
	}
	if u.Scheme == "" && strings.HasPrefix(text, "[[") {
		return target{url: u, text: text}, nil // the whole of it is a variable
	}
	scheme, _, _ := strings.Cut(strings.ToLower(u.Scheme), "+")
	if scheme == "https" || scheme == "http" {
		if kind == rinca.AlerterSMTP || kind == rinca.AlerterShoutrrr {
			return target{}, wrong("begins with %s, and %s alerters have addresses of their own", scheme, kind)
		}
		if u.Host == "" || u.Opaque != "" {
			return target{}, wrong("has no host")
		}
		return target{url: u, text: text}, nil
	}
	if !slices.Contains(schemes(kind), scheme) {
		return target{}, wrong("does not begin with %s", strings.Join(append([]string{"https"}, schemes(kind)...), ", "))
	}
	return target{url: u, text: text, library: true}, nil
}

// pieces are the parts of an address that must not be shown, the longest
// first.
func (t target) pieces() []string {
	out := []string{t.text, t.url.String(), t.url.RequestURI(), t.url.Path, t.url.RawQuery, t.url.Host, t.url.Hostname(), t.url.User.String(), t.url.User.Username()}
	if p, ok := t.url.User.Password(); ok {
		out = append(out, p)
	}
	out = append(out, strings.Split(t.url.Path, "/")...)
	for _, values := range t.url.Query() {
		out = append(out, values...)
	}
	out = slices.DeleteFunc(out, func(s string) bool { return len(s) < 4 })
	slices.SortFunc(out, func(x, y string) int { return len(y) - len(x) })
	return slices.Compact(out)
}

// hide takes the address, every part of it, and what else is known out of a
// text.
func (t target) hide(text string) string {
	if t.mask != nil {
		text = t.mask(text)
	}
	for _, p := range t.pieces() {
		text = strings.ReplaceAll(text, p, "***")
	}
	return text
}
