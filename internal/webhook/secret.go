package webhook

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

// Where a webhook's secret is from.
const (
	OwnSecret         = "own"
	GlobalSecret      = "global"
	EnvironmentSecret = "environment"
)

// kept returns the secret of a resource as it is kept: its own, else the one
// for all. It is empty, and from too, when there is none.
func (l *Listener) kept(ctx context.Context, t rinca.Target) (secret rinca.Secret, from string, err error) {
	if t.Kind != "" {
		secret, err = l.DB.WebhookSecret(ctx, t)
		if err == nil {
			return secret, OwnSecret, nil
		}
		if rinca.CodeOf(err) != rinca.NotFound {
			return secret, "", err
		}
	}
	if l.Secret.IsSet() {
		return l.Secret, EnvironmentSecret, nil
	}
	secret, err = l.DB.WebhookSecret(ctx, rinca.Target{})
	switch {
	case err == nil:
		return secret, GlobalSecret, nil
	case rinca.CodeOf(err) == rinca.NotFound:
		return rinca.Secret{}, "", nil
	}
	return rinca.Secret{}, "", err
}

// SecretOf says where the secret of a resource is from; "" when it has none,
// and nothing can start it.
func (l *Listener) SecretOf(ctx context.Context, t rinca.Target) (from string, err error) {
	secret, from, err := l.kept(ctx, t)
	if secret.IsEmpty() {
		from = ""
	}
	return from, err
}

// SetSecret changes the secret of a resource, or with the zero target the one
// for all; an empty one removes it.
func (l *Listener) SetSecret(ctx context.Context, t rinca.Target, secret rinca.Secret) error {
	if t.Kind == "" && l.Secret.IsSet() {
		return rinca.Errorf(rinca.Conflict, "the secret for all webhooks is set by RINCA_WEBHOOK_SECRET").Try("change it there, and start the server again")
	}
	if err := l.DB.PutWebhookSecret(ctx, t, secret); err != nil {
		return err
	}
	return l.learn(ctx)
}

// learn makes the secrets known, so that they are masked.
func (l *Listener) learn(ctx context.Context) error {
	hooks, err := l.DB.Webhooks(ctx)
	if err != nil {
		return err
	}
	var all []rinca.Secret
	hooks[rinca.Target{}] = rinca.Webhook{}
	for t := range hooks {
		secret, _, err := l.kept(ctx, t)
		if err != nil {
			return err
		}
		if !secret.IsEmpty() && !onlyNames(secret.Reveal()) { // it is masked, not shown
			all = append(all, secret)
		}
	}
	slices.SortFunc(all, func(a, b rinca.Secret) int { return strings.Compare(a.Reveal(), b.Reveal()) })
	l.Known.Set("webhooks", slices.CompactFunc(all, rinca.Secret.Equal))
	return nil
}

// relearn makes secrets known that were changed by another hand, as a resource
// sync does.
func (l *Listener) relearn(ctx context.Context) {
	now := l.DB.Revision()
	l.mu.Lock()
	known := l.learned == now
	l.learned = now
	l.mu.Unlock()
	if known {
		return
	}
	if err := l.learn(ctx); err != nil {
		l.Log.Error("read the secrets of webhooks", "error", err)
	}
}

// onlyNames reports whether a text is the name of a variable, which is none
// that has to be masked.
func onlyNames(text string) bool {
	return len(interpolate.Names(text)) > 0 && strings.HasPrefix(text, "[[") && strings.HasSuffix(text, "]]")
}

// secret returns what has to authenticate deliveries to a resource, with
// variables filled in. why says in place of it why there is none.
func (l *Listener) secret(ctx context.Context, t rinca.Target) (secret rinca.Secret, why string, err error) {
	secret, _, err = l.kept(ctx, t)
	switch {
	case err != nil:
		return rinca.Secret{}, "", err
	case secret.IsEmpty():
		return rinca.Secret{}, "no secret is set for it, nor one for all: rinca webhook secret set", nil
	}
	names := interpolate.Names(secret.Reveal())
	if len(names) == 0 {
		return secret, "", nil
	}
	values, why, err := l.variables(ctx, t, names)
	if err != nil || why != "" {
		return rinca.Secret{}, why, err
	}
	text, missing, err := interpolate.Text("the secret of a webhook", secret.Reveal(), func(name string) (rinca.Secret, bool) {
		v, ok := values[name]
		return v, ok
	})
	if err != nil || len(missing) > 0 {
		return rinca.Secret{}, "its secret cannot be filled in", nil //nolint:nilerr // the sender is not to know
	}
	if text.IsEmpty() {
		return rinca.Secret{}, "its secret is empty: the variable has no value", nil
	}
	return text, "", nil
}

// variables returns the values of variables, those of a stack before those for
// all.
func (l *Listener) variables(ctx context.Context, t rinca.Target, names []string) (map[string]rinca.Secret, string, error) {
	list, err := l.DB.Variables(ctx)
	if err != nil {
		return nil, "", err
	}
	found := map[string]rinca.Variable{}
	for _, v := range list {
		if v.Stack != "" && (t.Kind != rinca.KindStack || v.Stack != t.Name) {
			continue
		}
		if have, ok := found[v.Name]; !ok || have.Stack == "" {
			found[v.Name] = v
		}
	}
	out := map[string]rinca.Secret{}
	for _, name := range names {
		v, ok := found[name]
		if !ok {
			return nil, "its secret names the variable " + name + ", which does not exist", nil
		}
		value := v.Value
		if v.From != "" {
			if value, err = l.references.get(ctx, v.From, l.Now(), l.Resolve); err != nil {
				return nil, "its secret names the variable " + name + ", which could not be looked up: " + err.Error(), nil
			}
		}
		out[name] = value
	}
	return out, "", nil
}

// references remembers what was looked up in the vault: anybody can send
// requests, and none of them may cost one to the vault.
type references struct {
	mu   sync.Mutex
	seen map[string]reference
}

type reference struct {
	value rinca.Secret
	err   error
	until time.Time
}

const (
	keepReference = 5 * time.Minute
	keepNoneFor   = time.Minute // one that could not be looked up
	maxReferences = 1000
)

func (r *references) get(ctx context.Context, from string, now time.Time, resolve Resolver) (rinca.Secret, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if have, ok := r.seen[from]; ok && now.Before(have.until) && have.until.Sub(now) <= keepReference {
		return have.value, have.err
	}
	value, err := lookUp(ctx, from, resolve)
	keep := keepReference
	if err != nil {
		keep = keepNoneFor
	}
	if r.seen == nil || len(r.seen) >= maxReferences {
		r.seen = map[string]reference{}
	}
	r.seen[from] = reference{value, err, now.Add(keep)}
	return value, err
}

func lookUp(ctx context.Context, from string, resolve Resolver) (rinca.Secret, error) {
	ref, err := rinca.ParseSecretRef(from)
	if err != nil {
		return rinca.Secret{}, err
	}
	if resolve == nil {
		return rinca.Secret{}, rinca.Errorf(rinca.Unavailable, "there is no vault to ask")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	got, err := resolve(ctx, []rinca.SecretRef{ref})
	return got[ref], err
}
