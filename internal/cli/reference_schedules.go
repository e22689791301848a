package cli

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/schedule"
)

//go:embed reference_schedules.md
var referenceSchedulesText string // what the page says below the lists

// referenceSchedules prints the examples and fields that the parser has.
func referenceSchedules() (string, error) {
	var b strings.Builder
	b.WriteString(generated + "# Schedules\n\nA schedule is English or cron; `rinca schedule explain \"…\"` says what one means, with its next times. Every word counts: what is not understood is an error that names the word.\n\n## English\n\n| Phrase | Cron | |\n| --- | --- | --- |\n")
	for _, phrase := range schedule.Examples() {
		spec, err := schedule.Parse(rinca.Schedule{Text: phrase}, time.UTC)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", phrase, spec.Cron(), strings.Join(spec.Notes(), " "))
	}
	b.WriteString("\nCapitals do not count. Days of the week and months may be in the plural or have three letters, hours am and pm or 24 of them; a time that is left out is midnight.\n\n## Cron\n\n| Field | Numbers | Names | What else |\n| --- | --- | --- | --- |\n")
	for _, f := range schedule.Fields() {
		names := strings.Join(f.Names, " ")
		fmt.Fprintf(&b, "| %s | %d-%d | %s | %s |\n", f.Name, f.Min, f.Max, names, f.Extra)
	}
	b.WriteString("\n| Word | Stands for |\n| --- | --- |\n")
	for _, n := range schedule.Nicknames() {
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", n.Name, n.Cron)
	}
	b.WriteString(referenceSchedulesText)
	return b.String(), nil
}
