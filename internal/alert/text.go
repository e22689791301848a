package alert

import (
	"strconv"
	"strings"

	"rinca/internal/rinca"
)

// What alerts look like to people.

// wordsFor says what a type of alert means.
func wordsFor(t string) string {
	switch t {
	case rinca.AlertDeployFailed:
		return "deploy failed"
	case rinca.AlertExportFailed:
		return "export failed"
	case rinca.AlertRotationFailed:
		return "rotation failed"
	case rinca.AlertRotationWaits:
		return "rotation waits"
	case rinca.AlertSyncFailed:
		return "sync failed"
	case rinca.AlertSyncPending:
		return "changes are pending"
	case rinca.AlertProcedureFailed:
		return "procedure failed"
	case rinca.AlertScheduleRun:
		return "ran by its schedule"
	case rinca.AlertScheduleMissed:
		return "missed its schedule"
	case rinca.AlertSecretOverdue:
		return "secret is overdue"
	case rinca.AlertDrift:
		return "drift"
	case rinca.AlertVaultUnreachable:
		return "vault cannot be reached"
	case rinca.AlertVaultBudgetLow:
		return "few vault requests are left"
	case rinca.AlertServerUnreachable:
		return "cannot be reached"
	case rinca.AlertTest:
		return "test"
	}
	return t
}

// titleOf is an alert in one line.
func titleOf(x *rinca.Alert) string {
	what := wordsFor(x.Type)
	if x.Type == rinca.AlertCustom {
		what = firstLine(x.Message)
	}
	if x.Target.Kind != rinca.KindSystem && x.Target.Name != "" {
		what = x.Target.String() + ": " + what
	}
	if x.Resolved {
		return "✅ Resolved: " + what
	}
	return mark(x.Level) + " " + what
}

func mark(l rinca.AlertLevel) string {
	switch l {
	case rinca.AlertCritical:
		return "🚨"
	case rinca.AlertWarning:
		return "⚠️"
	}
	return "ℹ️"
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return cut(line, 120)
}

// textOf is what there is to say beside the title, in at most n bytes. Of
// lines, the last ones are kept.
func textOf(x *rinca.Alert, n int) string {
	if x.Resolved {
		by := "It is well again."
		if x.ClosedBy != "" {
			by = "Closed by " + x.ClosedBy + "."
		}
		return cut(by+" It was: "+x.Message, n)
	}
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(x.Message)
	add(x.Details)
	if x.Count > 1 {
		add("Raised " + times(x.Count) + " since " + x.At.UTC().Format("2006-01-02 15:04 UTC") + ".")
	}
	if x.Hint != "" {
		add("Try: " + x.Hint)
	}
	text := cut(strings.Join(parts, "\n"), n)
	lines := x.Lines
	for len(lines) > 0 {
		all := text + "\n\n" + strings.Join(lines, "\n")
		if len(all) <= n {
			return all
		}
		lines = lines[1:]
	}
	return text
}

func times(n int) string { return strconv.Itoa(n) + " times" }
