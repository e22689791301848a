package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/webhook"
)

// Webhooks receives deliveries, and knows what became of them.
type Webhooks interface {
	http.Handler
	// SecretOf says where the secret of a resource is from; "" for nowhere.
	SecretOf(ctx context.Context, t rinca.Target) (string, error)
	// SetSecret changes it; the zero target is the one for all, and an empty
	// secret none.
	SetSecret(ctx context.Context, t rinca.Target, secret rinca.Secret) error
	Deliveries(ctx context.Context, t *rinca.Target, before string, limit int) ([]rinca.Delivery, error)
	Delivery(ctx context.Context, id string) (rinca.Delivery, error)
	Redeliver(ctx context.Context, id, by string) (rinca.Delivery, error)
}

func webhookRoutes() []route {
	const secret = "/v1/webhooks/{kind}/{target}/secret" //nolint:gosec // an address
	write := need{access: onTarget, kind: rinca.KindStack, level: rinca.Write, name: hookInPath()}
	return []route{
		{
			pattern: "GET /v1/webhooks", need: list(), doc: "List the webhooks of what you may read: their addresses, and what starts them.",
			out: []webhookOfJSON{}, serve: (*Server).getWebhooks,
		}, {
			pattern: "PUT " + secret, need: write, audit: "webhook.secret.update",
			doc: "Set the secret that authenticates deliveries to a resource, or let one be made and shown once.",
			in:  webhookSecretInput{}, out: webhookSecretJSON{}, serve: (*Server).putWebhookSecret,
		}, {
			pattern: "DELETE " + secret, need: write, audit: "webhook.secret.delete",
			doc:   "Remove the secret of a resource; the one for all counts then.",
			serve: (*Server).deleteWebhookSecret,
		}, {
			pattern: "PUT /v1/webhook-secret", need: admin(rinca.Write), audit: "webhook.secret.update",
			doc: "Set the secret for all webhooks that have none of their own, or let one be made and shown once.",
			in:  webhookSecretInput{}, out: webhookSecretJSON{}, serve: (*Server).putGlobalWebhookSecret,
		}, {
			pattern: "DELETE /v1/webhook-secret", need: admin(rinca.Write), audit: "webhook.secret.delete",
			doc:   "Remove the secret for all webhooks; those without one of their own start nothing then.",
			serve: (*Server).deleteGlobalWebhookSecret,
		}, {
			pattern: "GET /v1/deliveries", need: list(), doc: "List deliveries to what you may read, newest first.",
			query: []param{
				{"target", "only those to a resource, such as stack/web; \"repository\" is those to a whole repository"},
				{"limit", "at most so many, up to 500; the default is 50"},
				{"before", "only those older than this id"},
			},
			out: []rinca.Delivery{}, serve: (*Server).getDeliveries,
		}, {
			pattern: "GET /v1/deliveries/{delivery}", need: need{access: onTarget, kind: rinca.KindStack, level: rinca.Read, name: deliveryInPath()},
			doc: "Show a delivery: what was pushed, what it started, or why nothing.",
			out: rinca.Delivery{}, serve: (*Server).getDelivery,
		}, {
			pattern: "POST /v1/deliveries/{delivery}/redeliver", need: need{access: onTarget, kind: rinca.KindStack, level: rinca.Execute, name: deliveryInPath()},
			audit: "delivery.redeliver", doc: "Carry out a delivery again, as if it had just come.",
			out: rinca.Delivery{}, serve: (*Server).postRedeliver,
		},
	}
}

// A webhookOfJSON is the webhook of a resource; that of whole repositories has
// no target.
type webhookOfJSON struct {
	Target rinca.Target `json:"target,omitzero"`
	// URLs are the addresses for deliveries, by provider, without the
	// server's own.
	URLs map[string]string `json:"urls"`
	// Named are those of the webhook's path, if it has one.
	Named map[string]string `json:"named_urls,omitempty"`
	// Secret is "own", "global" or "environment"; "" means that there is none,
	// and that every delivery is refused.
	Secret    string        `json:"secret,omitempty"`
	HasSecret bool          `json:"has_secret"`
	Webhook   rinca.Webhook `json:"webhook,omitzero"`
}

type webhookSecretInput struct {
	Secret   secretText `json:"secret,omitzero"`
	Generate bool       `json:"generate,omitempty"`
}

// A webhookSecretJSON is the answer to a new secret: one that was made is
// shown this once.
type webhookSecretJSON struct {
	Secret string `json:"secret,omitempty"`
}

// hookInPath finds the resource of {kind} and {target}.
func hookInPath() from {
	return from{doc: "{target}, or what {kind} says", find: func(s *Server, r *request) (rinca.Target, error) {
		return hookTarget(r.PathValue("kind"), r.PathValue("target"))
	}}
}

func hookTarget(word, name string) (rinca.Target, error) {
	kind, ok := webhook.KindOf(word)
	if !ok || name == "" {
		return rinca.Target{}, rinca.Errorf(rinca.Invalid, "%q has no webhook", cut(word+"/"+name)).Try("stack/NAME, procedure/NAME, sync/NAME or repo/NAME")
	}
	return rinca.Target{Kind: kind, Name: name}, nil
}

// deliveryInPath finds what the delivery {delivery} is about. That of a whole
// repository is about the installation.
func deliveryInPath() from {
	return from{doc: "that the delivery is about", find: func(s *Server, r *request) (rinca.Target, error) {
		none := rinca.Errorf(rinca.NotFound, "there is no delivery %q", cut(r.PathValue("delivery")))
		hooks, err := s.webhooks()
		if err != nil {
			return rinca.Target{}, err
		}
		d, err := hooks.Delivery(r.Context(), r.PathValue("delivery"))
		if rinca.CodeOf(err) == rinca.NotFound || err == nil && !r.may(deliveredTo(&d), rinca.Read) {
			return rinca.Target{}, none
		}
		return deliveredTo(&d), err
	}}
}

func deliveredTo(d *rinca.Delivery) rinca.Target {
	if d.Target.Kind == "" {
		return rinca.Target{Kind: rinca.KindSystem}
	}
	return d.Target
}

func (s *Server) webhooks() (Webhooks, error) {
	if s.cfg.Webhooks == nil {
		return nil, rinca.Errorf(rinca.NotFound, "this server receives no webhooks")
	}
	return s.cfg.Webhooks, nil
}

func (s *Server) getWebhooks(r *request) (any, error) {
	hooks, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	all, err := s.cfg.DB.Webhooks(r.Context())
	if err != nil {
		return nil, err
	}
	out := []webhookOfJSON{}
	all[rinca.Target{}] = rinca.Webhook{}
	for t, hook := range all {
		whole := t.Kind == "" && r.may(rinca.Target{Kind: rinca.KindSystem}, rinca.Read)
		if !whole && (t.Kind == "" || !r.may(t, rinca.Read)) {
			continue
		}
		row := webhookOfJSON{Target: t, Webhook: hook, URLs: map[string]string{}}
		for _, p := range webhook.Providers() {
			row.URLs[p] = webhook.Address(p, t, hook.Branch)
			if hook.Path != "" {
				if row.Named == nil {
					row.Named = map[string]string{}
				}
				row.Named[p] = webhook.Prefix + p + "/" + hook.Path
			}
		}
		if row.Secret, err = hooks.SecretOf(r.Context(), t); err != nil {
			return nil, err
		}
		row.HasSecret = row.Secret != ""
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b webhookOfJSON) int { return strings.Compare(a.Target.String(), b.Target.String()) })
	return out, nil
}

func (s *Server) putWebhookSecret(r *request) (any, error) {
	if err := s.hasHook(r); err != nil {
		return nil, err
	}
	return s.setWebhookSecret(r, r.target)
}

// hasHook makes sure that a resource exists before it gets a secret.
func (s *Server) hasHook(r *request) error {
	all, err := s.cfg.DB.Webhooks(r.Context())
	if err != nil {
		return err
	}
	if _, ok := all[r.target]; !ok {
		return missing(r.target)
	}
	return nil
}

func (s *Server) putGlobalWebhookSecret(r *request) (any, error) {
	return s.setWebhookSecret(r, rinca.Target{})
}

// shortestSecret is how long the secret of a webhook is at least: who knows it
// can start what it is for, and may try as many as they like elsewhere, with a
// delivery that they have seen.
const shortestSecret = 12

func (s *Server) setWebhookSecret(r *request, t rinca.Target) (any, error) {
	hooks, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	in := body[webhookSecretInput](r)
	secret, out := in.Secret.Secret, webhookSecretJSON{}
	switch {
	case in.Generate && secret.IsSet():
		return nil, rinca.Errorf(rinca.Invalid, "a secret is given, or one is made, not both")
	case in.Generate:
		out.Secret = rand.Text() + rand.Text()
		secret = rinca.NewSecret(out.Secret)
	case secret.Len() < shortestSecret || secret.Len() > 1000:
		return nil, rinca.Errorf(rinca.Invalid, "the secret of a webhook has from %d to 1000 characters", shortestSecret).
			Try("let one be made: rinca webhook secret set TARGET --generate")
	}
	return out, hooks.SetSecret(r.Context(), t, secret)
}

func (s *Server) deleteWebhookSecret(r *request) (any, error) {
	if err := s.hasHook(r); err != nil {
		return nil, err
	}
	hooks, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	return nil, hooks.SetSecret(r.Context(), r.target, rinca.Secret{})
}

func (s *Server) deleteGlobalWebhookSecret(r *request) (any, error) {
	hooks, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	return nil, hooks.SetSecret(r.Context(), rinca.Target{}, rinca.Secret{})
}

func (s *Server) getDeliveries(r *request) (any, error) {
	hooks, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	limit, err := r.number("limit", 50, 500)
	if err != nil {
		return nil, err
	}
	target, err := filterTarget(r.URL.Query().Get("target"))
	if err != nil {
		return nil, err
	}
	before, page := r.URL.Query().Get("before"), int(max(limit, 50))
	out := []rinca.Delivery{}
	for int64(len(out)) < limit {
		list, err := hooks.Deliveries(r.Context(), target, before, page)
		if err != nil {
			return nil, err
		}
		for i := range list {
			if int64(len(out)) < limit && r.may(deliveredTo(&list[i]), rinca.Read) {
				out = append(out, list[i])
			}
		}
		if len(list) < page {
			break
		}
		before = list[len(list)-1].ID
	}
	return out, nil
}

func filterTarget(text string) (*rinca.Target, error) {
	switch text {
	case "":
		return nil, nil
	case "repository":
		return &rinca.Target{}, nil
	}
	word, name, _ := strings.Cut(text, "/")
	t, err := hookTarget(word, name)
	return &t, err
}

func (s *Server) getDelivery(r *request) (any, error) {
	hooks, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	return hooks.Delivery(r.Context(), r.PathValue("delivery"))
}

func (s *Server) postRedeliver(r *request) (any, error) {
	hooks, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	r.detail = r.PathValue("delivery")
	return hooks.Redeliver(r.Context(), r.PathValue("delivery"), r.user())
}

// freePath makes sure that the path of a webhook is nobody else's, without
// telling about resources that the caller may not know of.
func (s *Server) freePath(r *request, t rinca.Target, hook rinca.Webhook) error {
	err := s.cfg.DB.CheckWebhook(r.Context(), t, hook)
	if rinca.CodeOf(err) != rinca.Conflict {
		return err
	}
	all, dbErr := s.cfg.DB.Webhooks(r.Context())
	if dbErr != nil {
		return dbErr
	}
	for other, theirs := range all {
		if other != t && theirs.Path == hook.Path && !r.may(other, rinca.Read) {
			return rinca.Errorf(rinca.Conflict, "the webhook's path %q is taken", hook.Path).Try("choose another one")
		}
	}
	return err
}

// listen hands a delivery to the listener, which makes sure itself who sends
// it.
func (s *Server) listen(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	req := s.newRequest(w, r)
	hooks, err := s.webhooks()
	if err != nil {
		s.fail(w, req, err)
		return
	}
	inner := *r
	inner.RemoteAddr = req.remote
	out := &counted{ResponseWriter: w, status: http.StatusOK}
	hooks.ServeHTTP(out, &inner)
	s.metrics.request("POST "+webhook.Prefix, out.status, time.Since(start))
}

// counted remembers the status of an answer.
type counted struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (c *counted) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }
