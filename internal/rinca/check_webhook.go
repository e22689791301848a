package rinca

import (
	"slices"
	"strings"
)

// webhookWords are the words that begin other addresses of the listener: no
// Webhook.Path begins with one of them.
func webhookWords() []string {
	return []string{"stack", "sync", "procedure", "repo", "build", "action", "deployment"}
}

// maxPatterns bounds the patterns of a webhook.
const maxPatterns = 200

// Check reports the first thing in a webhook that can never be right. That its
// path is nobody else's is for CheckWebhookPaths.
func (w *Webhook) Check() error {
	if err := w.checkPath(); err != nil {
		return err
	}
	if err := plain("webhook.branch", w.Branch); err != nil {
		return err
	}
	for _, list := range []struct {
		name string
		of   []string
	}{{"webhook.tags", w.Tags}, {"webhook.paths", w.Paths}} {
		if len(list.of) > maxPatterns {
			return Errorf(Invalid, "%s has more than %d patterns", list.name, maxPatterns)
		}
		for _, p := range list.of {
			if err := plain(list.name, p); err != nil {
				return err
			}
			if strings.Trim(p, "/ ") == "" || len(p) > 500 {
				return Errorf(Invalid, "%s: %.80q is no pattern", list.name, p).Try("such as stacks/web/** or v*")
			}
		}
	}
	return nil
}

func (w *Webhook) checkPath() error {
	if w.Path == "" {
		return nil
	}
	bad := func(format string, args ...any) error {
		return Errorf(Invalid, format, args...).Try(`such as webhook_path = "export-secrets", for /listener/github/export-secrets`)
	}
	if len(w.Path) > 128 {
		return bad("the webhook's path is longer than 128 characters")
	}
	first, _, _ := strings.Cut(w.Path, "/")
	if slices.Contains(webhookWords(), strings.ToLower(first)) {
		return bad("the webhook's path %.80q begins with %s, as the addresses of all webhooks of that kind do", w.Path, first)
	}
	for part := range strings.SplitSeq(w.Path, "/") {
		if part == "" || part[0] == '.' || !allOf(part, "._-") {
			return bad("the webhook's path %.80q is not made of letters, digits and . _ -, with / between", w.Path)
		}
	}
	return nil
}

// CheckWebhookPaths reports a path that two webhooks have, as a Conflict: a
// delivery to it could be for either.
func CheckWebhookPaths(hooks map[Target]Webhook) error {
	targets := make([]Target, 0, len(hooks))
	for t := range hooks {
		targets = append(targets, t)
	}
	slices.SortFunc(targets, func(a, b Target) int { return strings.Compare(a.String(), b.String()) })
	seen := map[string]Target{}
	for _, t := range targets {
		p := hooks[t].Path
		if p == "" {
			continue
		}
		if other, ok := seen[p]; ok {
			return Errorf(Conflict, "the webhook's path %q is that of %s and of %s", p, other, t).Try("give one of them another path")
		}
		seen[p] = t
	}
	return nil
}
