package deploy

import (
	"strings"

	"rinca/internal/rinca"
)

// PlanLine is one line for a person about what happens to a service, and why:
// "recreate db: env_file (POSTGRES_PASSWORD)".
func PlanLine(s rinca.ServicePlan) string {
	var why []string
	for _, r := range s.Reasons {
		text := r.Kind
		if len(r.Names) > 0 {
			text += " (" + strings.Join(r.Names, ", ") + ")"
		}
		why = append(why, text)
	}
	line := string(s.Change) + " " + s.Service
	if len(why) > 0 {
		line += ": " + strings.Join(why, "; ")
	}
	return line
}
