package api

import (
	"rinca/internal/alert"
	"rinca/internal/rinca"
)

func alertRoutes() []route {
	const one = "/v1/alerts/{alert}"
	return append([]route{
		{
			pattern: "GET /v1/alerts", need: list(), doc: "List alerts about what you may read, the newest first.",
			query: []param{
				{"open", "true: only those that are not resolved"},
				{"type", "only those of this type, such as StackDeployFailed"},
				{"before", "id of the alert to go on from"},
				{"limit", "alerts at most; 50 when it is left out, 500 at most"},
			},
			out: []rinca.Alert{}, serve: (*Server).getAlerts,
		}, {
			pattern: "GET " + one, need: ofAlert(rinca.Read), doc: "Show an alert, and what became of sending it.",
			out: sentAlert{}, serve: (*Server).getAlert,
		}, {
			pattern: "POST " + one + "/close", need: ofAlert(rinca.Execute), audit: "alert.close", doc: "Resolve an alert by hand.",
			out: rinca.Alert{}, serve: (*Server).closeAlert,
		},
	}, alerterRoutes()...)
}

// ofAlert needs a level on what an alert is about.
func ofAlert(level rinca.Level) need {
	return need{access: onAlert, kind: rinca.KindStack, level: level, name: from{doc: "the alert's target"}}
}

// A sentAlert is an alert with what became of sending it.
type sentAlert struct {
	rinca.Alert
	Sendings []rinca.AlertSending `json:"sendings"`
}

// mayAlert reports whether the caller may read alerts about something. What
// is about the installation is for those who may read that.
func (r *request) mayAlert(t rinca.Target) bool {
	return r.may(t, rinca.Read)
}

// alert returns an alert if the caller has the level on what it is about. Who
// may not read that is told that there is none.
func (s *Server) alert(r *request, id string, level rinca.Level) (rinca.Alert, error) {
	a, err := s.cfg.Alerts.Get(r.Context(), id)
	if rinca.CodeOf(err) == rinca.NotFound || err == nil && !r.mayAlert(a.Target) {
		return rinca.Alert{}, rinca.Errorf(rinca.NotFound, "there is no alert %q", cut(id)).Try("rinca alert list")
	}
	if err == nil && !r.may(a.Target, level) {
		err = denied(a.Target, level)
	}
	return a, err
}

func (s *Server) getAlerts(r *request) (any, error) {
	limit, err := r.number("limit", 50, 500)
	if err != nil {
		return nil, err
	}
	open, err := r.flag("open")
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	f := alert.Filter{Open: open, Type: q.Get("type"), Before: q.Get("before"), Limit: int(limit), May: r.mayAlert}
	if limit == 0 {
		return []rinca.Alert{}, nil
	}
	out, err := s.cfg.Alerts.List(r.Context(), f)
	return append([]rinca.Alert{}, out...), err
}

func (s *Server) getAlert(r *request) (any, error) {
	id := r.PathValue("alert")
	a, err := s.alert(r, id, rinca.Read)
	if err != nil {
		return nil, err
	}
	sent, err := s.sendings(r, "", id, 200)
	for i := range sent {
		sent[i].Alert = rinca.Alert{ID: id} // it is there once already
	}
	return sentAlert{a, sent}, err
}

func (s *Server) closeAlert(r *request) (any, error) {
	return s.cfg.Alerts.Close(r.Context(), r.PathValue("alert"), r.user())
}
