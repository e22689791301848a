package run

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

const overdueAlerts = "overdue secrets"

// Overdue counts the secrets that were older than they may be at the last
// check. It asks nobody.
func (r *Runner) Overdue(ctx context.Context) (int, error) {
	keys, err := store.SettingJSON[[]string](ctx, r.DB, overdueAlerts)
	return len(keys), err
}

// tellOverdue raises an alert for each secret that is older than it may be,
// and resolves those of secrets that are not any more. A vault that cannot be
// asked changes nothing.
func (r *Runner) tellOverdue(ctx context.Context, rec *deploy.Record) (string, error) {
	report, err := r.Deploy.SecretList(ctx, deploy.SecretListOptions{})
	if err != nil {
		return "", err
	}
	for _, n := range report.Notes {
		rec.Say("%s", n)
	}
	before, err := store.SettingJSON[[]string](ctx, r.DB, overdueAlerts)
	if err != nil {
		return "", err
	}
	var keys []string
	now := r.Now()
	for i := range report.Secrets {
		s := &report.Secrets[i]
		if !s.Overdue {
			continue
		}
		a := overdueAlert(s, now)
		keys = append(keys, a.Key)
		rec.Say("%s", a.Message)
		r.Alerts.Tell(a)
	}
	if !report.At.IsZero() {
		for _, key := range before {
			if !slices.Contains(keys, key) {
				r.Alerts.Tell(rinca.Alert{Type: rinca.AlertSecretOverdue, Target: rinca.Target{Kind: rinca.KindSystem}, Key: key, Resolved: true})
			}
		}
	} else {
		keys = append(keys, before...)
	}
	slices.Sort(keys)
	if keys = slices.Compact(keys); !slices.Equal(keys, before) {
		err = store.PutSettingJSON(ctx, r.DB, overdueAlerts, keys)
	}
	return count(len(keys), "overdue secret"), err
}

func overdueAlert(s *rinca.SecretInfo, now time.Time) rinca.Alert {
	name := s.Title
	if s.VaultName != "" {
		name = s.VaultName + "/" + s.Title
	}
	if s.Stack != "" {
		name += " of stack " + s.Stack
	}
	a := rinca.Alert{
		Type: rinca.AlertSecretOverdue, Level: rinca.AlertWarning, Target: rinca.Target{Kind: rinca.KindSystem},
		Key:     rinca.AlertSecretOverdue + " " + s.Kind + " " + name + " " + s.Item,
		Message: fmt.Sprintf("the secret %s was not changed for %d days; it may become %s old (%s)", name, int(now.Sub(s.ChangedAt).Hours()/24), s.MaxAge, s.Rule),
		Hint:    "change it in the vault; or: rinca rotate --generate op://" + name + "/FIELD",
	}
	if s.Kind == "variable" {
		a.Hint = "rinca variable set " + s.Title + " --secret"
	}
	return a
}
