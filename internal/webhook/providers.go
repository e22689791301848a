package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// A provider is a kind of sender.
type provider struct {
	name string
	doc  string
	// signed: the body is signed with the secret, in one of the headers proofs.
	// Else one of them holds the secret itself, after prefix.
	signed bool
	proofs []string
	prefix string
	events []string // headers that name the event
	ids    []string // headers that name the delivery
}

// Headers of the senders that sign what they send. Each of them understands
// the others' signatures.
func signatures() []string {
	return []string{"X-Hub-Signature-256", "X-Gitea-Signature", "X-Forgejo-Signature"}
}

func providers() []provider {
	events := []string{"X-GitHub-Event", "X-Forgejo-Event", "X-Gitea-Event"}
	ids := []string{"X-GitHub-Delivery", "X-Forgejo-Delivery", "X-Gitea-Delivery"}
	return []provider{
		{name: "github", doc: "GitHub, and what signs as it does", signed: true, proofs: signatures(), events: events, ids: ids},
		{
			name: "gitlab", doc: "GitLab", proofs: []string{"X-Gitlab-Token"},
			events: []string{"X-Gitlab-Event"}, ids: []string{"Idempotency-Key", "X-Gitlab-Event-UUID"},
		},
		{name: "gitea", doc: "Gitea", signed: true, proofs: signatures(), events: events, ids: ids},
		{name: "forgejo", doc: "Forgejo", signed: true, proofs: signatures(), events: events, ids: ids},
		{
			name: "bearer", doc: "anything that can send a header: a script, CI", proofs: []string{"Authorization"}, prefix: "Bearer ",
			events: append([]string{"X-Gitlab-Event"}, events...), ids: append([]string{"Idempotency-Key"}, ids...),
		},
	}
}

// Providers lists the names of senders, as they are in addresses.
func Providers() []string {
	var out []string
	for _, p := range providers() {
		out = append(out, p.name)
	}
	return out
}

func providerOf(name string) (provider, bool) {
	list := providers()
	i := slices.IndexFunc(list, func(p provider) bool { return p.name == name })
	if i < 0 {
		return provider{}, false
	}
	return list[i], true
}

// first returns the first of some headers that is there.
func first(h http.Header, names []string) string {
	for _, n := range names {
		if v := h.Get(n); v != "" {
			return v
		}
	}
	return ""
}

// authentic says why a request does not prove that it knows the secret; "" if
// it does. An empty secret proves nothing. How long it takes tells nothing of
// the secret.
func (p provider) authentic(h http.Header, body []byte, secret rinca.Secret) string {
	if secret.IsEmpty() {
		return "no secret is set, and without one nobody is believed"
	}
	why := "it has no header " + strings.Join(p.proofs, " or ")
	for _, name := range p.proofs {
		for _, sent := range h.Values(name) {
			if sent == "" {
				continue
			}
			why = "its header " + name + " does not match the secret"
			if p.signed && signs(sent, body, secret) || !p.signed && p.is(sent, secret) {
				return ""
			}
		}
	}
	return why
}

// signs reports whether a text is the signature of a body.
func signs(text string, body []byte, secret rinca.Secret) bool {
	sum, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(text), "sha256="))
	mac := hmac.New(sha256.New, []byte(secret.Reveal())) // to compare
	mac.Write(body)
	return hmac.Equal(mac.Sum(nil), sum) && err == nil
}

// is reports whether a header holds the secret. What is compared are sums of
// both, which have one length.
func (p provider) is(text string, secret rinca.Secret) bool {
	if p.prefix != "" {
		if len(text) < len(p.prefix) || !strings.EqualFold(text[:len(p.prefix)], p.prefix) {
			return false
		}
		text = text[len(p.prefix):]
	}
	sent, want := sha256.Sum256([]byte(strings.TrimSpace(text))), sha256.Sum256([]byte(strings.TrimSpace(secret.Reveal())))
	return hmac.Equal(sent[:], want[:]) && strings.TrimSpace(text) != ""
}

// A Sender describes a provider, for the reference.
type Sender struct {
	Name, Doc string
	Proof     string   // how it proves that it knows the secret
	Events    []string // headers that name the event
	IDs       []string // headers that name the delivery
}

// Senders describes the providers.
func Senders() []Sender {
	var out []Sender
	for _, p := range providers() {
		how := "HMAC-SHA256 of the body, in hex, in " + strings.Join(p.proofs, ", ")
		if !p.signed {
			how = "the secret itself, in " + strings.TrimSpace(p.proofs[0]+": "+p.prefix)
		}
		out = append(out, Sender{p.name, p.doc, strings.TrimSuffix(how, ":"), p.events, p.ids})
	}
	return out
}
