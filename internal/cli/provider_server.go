package cli

import (
	"context"
	"fmt"
	"time"

	"rinca/internal/rinca"
)

// serverProvider shows the vault of the server, and its budget.
func (a *app) serverProvider(ctx context.Context) error {
	var v rinca.VaultState
	if err := a.get(ctx, "/v1/vault", &v); err != nil {
		return err
	}
	if a.json {
		return encodeJSON(a.Stdout, v)
	}
	now := time.Now()
	if v.Provider == "" {
		fmt.Fprintf(a.Stdout, "The server has no vault: %s\n", safeLines(v.Error))
		return nil
	}
	fmt.Fprintf(a.Stdout, "%s: %d requests since the server started; exported %s\n", printable(v.Provider), v.Requests, ago(now, v.ExportedAt))
	switch {
	case v.PlanAssumed:
		fmt.Fprintf(a.Stdout, "Plan: %s, since nobody has named it (RINCA_VAULT_PLAN=families|teams|business|none)\n", v.Plan)
	case v.Plan != "":
		fmt.Fprintf(a.Stdout, "Plan: %s\n", printable(v.Plan))
	}
	if len(v.Budgets) > 0 {
		t := newTable("OF", "IN ONE", "LIMIT", "USED", "LEFT", "KEPT FOR PEOPLE", "NOTE")
		for _, b := range v.Budgets {
			limit, left, kept := "none", "", ""
			if b.Limit > 0 {
				limit, left, kept = fmt.Sprint(b.Limit), fmt.Sprint(b.Left), fmt.Sprint(b.Reserve)
			}
			note := ""
			if !b.NextAt.IsZero() {
				note = "background work waits until " + b.NextAt.Local().Format("15:04")
			}
			t.add("the "+b.Scope, b.Window, limit, b.Used, left, kept, note)
		}
		if err := t.print(a); err != nil {
			return err
		}
	}
	if v.Interval > 0 {
		fmt.Fprintf(a.Stdout, "A watch looks at it every %s or less often.\n", time.Duration(v.Interval))
	}
	switch b := v.Breaker; {
	case b == nil:
	case b.Open:
		fmt.Fprintf(a.Stdout, "It is left alone until %s: it failed %d times since %s: %s\n", b.RetryAt.Local().Format("15:04:05"), b.Failures, b.Since.Local().Format("15:04"), safeLines(b.Error))
	case b.Failures > 0:
		fmt.Fprintf(a.Stdout, "The last %d requests failed: %s\n", b.Failures, safeLines(b.Error))
	}
	return nil
}
