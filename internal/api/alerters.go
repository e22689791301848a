package api

import (
	"net/http"

	"rinca/internal/alert"
	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

func alerterRoutes() []route {
	const one = "/v1/alerters/{alerter}"
	read := resource(rinca.KindAlerter, "alerter", rinca.Read)
	write := resource(rinca.KindAlerter, "alerter", rinca.Write)
	return []route{
		{
			pattern: "GET /v1/alerters", need: list(), doc: "List the alerters that you may read.",
			out: []rinca.Alerter{}, serve: (*Server).getAlerters,
		}, {
			pattern: "GET " + one, need: read, doc: "Show an alerter; its address is not shown.",
			out: rinca.Alerter{}, serve: (*Server).getAlerter,
		}, {
			pattern: "PUT " + one, need: write, audit: "alerter.update",
			doc: "Replace an alerter, or add it; an address that is left out is kept.",
			in:  alerterInput{}, out: rinca.Alerter{}, serve: (*Server).putAlerter,
		}, {
			pattern: "DELETE " + one, need: write, audit: "alerter.delete",
			doc: "Forget an alerter, and what waits to be sent to it.", serve: (*Server).deleteAlerter,
		}, {
			pattern: "POST " + one + "/test", need: resource(rinca.KindAlerter, "alerter", rinca.Execute), audit: "alerter.test",
			doc: "Send a test to an alerter now, whatever its filters; an error says why it was not taken.", serve: (*Server).testAlerter,
		}, {
			pattern: "GET " + one + "/sendings", need: read, doc: "List what was sent to an alerter, waits, or was given up, the newest first.",
			query: []param{{"limit", "entries at most; 50 when it is left out, 500 at most"}},
			out:   []rinca.AlertSending{}, serve: (*Server).getSendings,
		},
	}
}

// An alerterInput is an alerter as it is written.
type alerterInput struct {
	Name        string             `json:"name,omitempty"`
	Description string             `json:"description,omitempty"`
	Tags        []string           `json:"tags,omitempty"`
	Disabled    bool               `json:"disabled,omitempty"`
	Kind        string             `json:"kind"`
	URL         secretText         `json:"url,omitzero"`
	Email       string             `json:"email,omitempty"`
	Types       []string           `json:"types,omitempty"`
	Levels      []rinca.AlertLevel `json:"levels,omitempty"`
	Resources   []rinca.Target     `json:"resources,omitempty"`
	Except      []rinca.Target     `json:"except,omitempty"`
}

func (s *Server) getAlerters(r *request) (any, error) {
	alerters, err := s.cfg.DB.Alerters(r.Context())
	if err != nil {
		return nil, err
	}
	out := []rinca.Alerter{}
	for i := range alerters {
		if r.may(rinca.Target{Kind: rinca.KindAlerter, Name: alerters[i].Name}, rinca.Read) {
			out = append(out, alerters[i])
		}
	}
	return out, nil
}

func (s *Server) getAlerter(r *request) (any, error) {
	a, err := s.cfg.DB.Alerter(r.Context(), r.target.Name)
	return a, s.here(r, err)
}

func (s *Server) putAlerter(r *request) (any, error) {
	in := body[alerterInput](r)
	if in.Name != "" && in.Name != r.target.Name {
		return nil, rinca.Errorf(rinca.Invalid, "name differs from the one in the path")
	}
	a := rinca.Alerter{
		Name: r.target.Name, Description: in.Description, Tags: in.Tags, Disabled: in.Disabled, Kind: in.Kind, URL: in.URL.Secret,
		Email: in.Email, Types: in.Types, Levels: in.Levels, Resources: in.Resources, Except: in.Except, UpdatedBy: r.user(),
	}
	if err := a.Check(); err != nil {
		return nil, err
	}
	before, err := s.cfg.DB.Alerter(r.Context(), a.Name)
	if err != nil && rinca.CodeOf(err) != rinca.NotFound {
		return nil, err
	}
	switch {
	case in.URL.IsSet():
		err = s.checkAddress(r, a)
	case !before.URL.IsSet():
		err = rinca.Errorf(rinca.Invalid, "url is missing: where alerts are sent to")
	case before.Kind != a.Kind:
		err = rinca.Errorf(rinca.Invalid, "the kind changes, and the address that is kept was for the one before").Try("send url along")
	default:
		err = nil
	}
	if err != nil {
		return nil, err
	}
	if a, err = s.cfg.DB.PutAlerter(r.Context(), a, modeOf(r)); err != nil {
		return nil, err
	}
	s.cfg.Alerts.Learn(r.Context())
	s.cfg.Alerts.Retry(a.Name)
	return a, nil
}

// checkAddress checks an address, and that who sets it may see what [[NAME]]
// in it stands for: it is sent wherever the rest of the address leads.
func (s *Server) checkAddress(r *request, a rinca.Alerter) error {
	if err := alert.CheckAddress(a.Kind, a.URL); err != nil {
		return err
	}
	for _, name := range interpolate.Names(a.URL.Reveal()) { // names alone are looked at
		t := rinca.Target{Kind: rinca.KindVariable, Name: name}
		grant := on(r.who, t)
		v, err := s.cfg.DB.Variable(r.Context(), "", name)
		switch {
		case grant.Level < rinca.Read || rinca.CodeOf(err) == rinca.NotFound:
			return rinca.Errorf(rinca.Invalid, "the address names the variable %.80q, and there is none", name).Try("rinca variable list")
		case err != nil:
			return err
		case v.Concealed() && !grant.Reveals():
			return rinca.Errorf(rinca.Forbidden, "the address of an alerter takes secret variables of those with the right %s only: %.80q", rinca.Reveal, name)
		}
	}
	return nil
}

func (s *Server) deleteAlerter(r *request) (any, error) {
	err := s.here(r, s.cfg.DB.DeleteAlerter(r.Context(), r.target.Name))
	if err == nil {
		s.cfg.Alerts.Learn(r.Context())
		s.cfg.Alerts.Retry(r.target.Name) // what waits is given up
	}
	return nil, err
}

func (s *Server) testAlerter(r *request) (any, error) {
	if s.cfg.Alerts == nil {
		return nil, statusError{http.StatusNotImplemented, rinca.Errorf(rinca.Unavailable, "this server sends no alerts")}
	}
	return nil, s.here(r, s.cfg.Alerts.Test(r.Context(), r.target.Name))
}

func (s *Server) getSendings(r *request) (any, error) {
	limit, err := r.number("limit", 50, 500)
	if err != nil {
		return nil, err
	}
	if _, err := s.cfg.DB.Alerter(r.Context(), r.target.Name); err != nil {
		return nil, s.here(r, err)
	}
	return s.sendings(r, r.target.Name, "", int(limit))
}

// sendings are those of alerts that the caller may read, to alerters that
// they may read.
func (s *Server) sendings(r *request, alerter, id string, limit int) ([]rinca.AlertSending, error) {
	all, err := s.cfg.Alerts.Sendings(r.Context(), alerter, id, 0)
	out := []rinca.AlertSending{}
	for i := range all {
		if len(out) < limit && r.mayAlert(all[i].Alert.Target) && r.may(rinca.Target{Kind: rinca.KindAlerter, Name: all[i].Alerter}, rinca.Read) {
			out = append(out, all[i])
		}
	}
	return out, err
}
