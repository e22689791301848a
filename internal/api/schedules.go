package api

import (
	"time"

	"rinca/internal/rinca"
	"rinca/internal/schedule"
)

// scheduleRoutes are about what runs by itself, and when. A schedule is part of
// what it runs: a procedure, a resource sync.
func scheduleRoutes() []route {
	return []route{
		{
			pattern: "GET /v1/schedules", need: list(), doc: "List what runs by itself of what you may read, with the next times.",
			query: []param{{"days", "all times of so many days, up to 31 days and 200 times each; left out, the next five"}},
			out:   []rinca.Scheduled{}, serve: (*Server).getSchedules,
		}, {
			pattern: "POST /v1/schedules/explain", need: user(), doc: "Say what a schedule means: as cron, and the next five times. Nothing is kept.",
			in: explainInput{}, out: schedule.Meaning{}, serve: (*Server).explainSchedule,
		},
	}
}

type explainInput struct {
	Text     string               `json:"text"`             // English or cron
	Format   rinca.ScheduleFormat `json:"format,omitempty"` // left out, it finds out
	TimeZone string               `json:"timezone,omitempty"`
	From     time.Time            `json:"from,omitzero"` // left out, now
}

func (s *Server) getSchedules(r *request) (any, error) {
	out := []rinca.Scheduled{}
	if s.cfg.Schedules == nil {
		return out, nil
	}
	days, err := r.number("days", 0, 31)
	if err != nil {
		return nil, err
	}
	for _, x := range s.cfg.Schedules.List(r.Context(), int(days)) {
		if r.may(x.Target, rinca.Read) {
			out = append(out, x)
		}
	}
	return out, nil
}

func (s *Server) explainSchedule(r *request) (any, error) {
	in := body[explainInput](r)
	zone := time.UTC
	if s.cfg.Schedules != nil {
		zone = s.cfg.Schedules.TimeZone()
	}
	spec, err := schedule.Parse(rinca.Schedule{Text: in.Text, Format: in.Format, TimeZone: in.TimeZone}, zone)
	if err != nil {
		return nil, err
	}
	from := in.From
	if from.IsZero() {
		from = s.cfg.Now()
	}
	return spec.Meaning(from, 5), nil
}
