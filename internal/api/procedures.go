package api

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/run"
	"rinca/internal/schedule"
	"rinca/internal/store"
	"rinca/internal/vault"
)

// procedureRoutes are about procedures. An execution of the kind RunProcedure
// runs one.
func procedureRoutes() []route {
	const one = "/v1/procedures/{procedure}"
	read := resource(rinca.KindProcedure, "procedure", rinca.Read)
	write := resource(rinca.KindProcedure, "procedure", rinca.Write)
	return []route{
		{
			pattern: "GET /v1/procedures", need: list(), doc: "List the procedures that you may read, by name.",
			out: []rinca.Procedure{}, serve: (*Server).getProcedures,
		}, {
			pattern: "POST /v1/procedures", need: need{access: onTarget, kind: rinca.KindProcedure, level: rinca.Write, name: procedureInBody()},
			audit: "procedure.create", doc: "Create a procedure; it takes the rights to run each of its executions, and then those on it are enough to run it.",
			in: rinca.Procedure{}, out: rinca.Procedure{}, status: 201, limit: 1 << 20, serve: (*Server).postProcedure,
		}, {
			pattern: "GET " + one, need: read, doc: "Show a procedure.",
			out: rinca.Procedure{}, serve: (*Server).getProcedure,
		}, {
			pattern: "PUT " + one, need: write, audit: "procedure.update", limit: 1 << 20,
			doc: "Replace a procedure, or create it; it takes the rights to run each execution that is new in it. If-Match and If-None-Match: * are heeded.",
			in:  rinca.Procedure{}, out: rinca.Procedure{}, serve: (*Server).putProcedure,
		}, {
			pattern: "DELETE " + one, need: write, audit: "procedure.delete",
			doc:   "Remove a procedure that no other one calls. A run of it goes on, and its history stays.",
			serve: (*Server).deleteProcedure,
		},
	}
}

func procedureInBody() from {
	return from{doc: "name, in the body", body: true, find: func(_ *Server, r *request) (rinca.Target, error) {
		p := rinca.Procedure{Name: body[rinca.Procedure](r).Name}
		return rinca.Target{Kind: rinca.KindProcedure, Name: p.Name}, p.Check()
	}}
}

func (s *Server) getProcedures(r *request) (any, error) {
	return s.lists.get(s, r, "procedures", func() (any, error) {
		all, err := s.cfg.DB.Procedures(r.Context())
		if err != nil {
			return nil, err
		}
		out := []rinca.Procedure{}
		for i := range all {
			if r.may(rinca.Target{Kind: rinca.KindProcedure, Name: all[i].Name}, rinca.Read) {
				out = append(out, all[i])
			}
		}
		return out, nil
	})
}

func (s *Server) getProcedure(r *request) (any, error) {
	p, err := s.cfg.DB.Procedure(r.Context(), r.target.Name)
	return p, s.here(r, err)
}

func (s *Server) postProcedure(r *request) (any, error) {
	return s.saveProcedure(r, *body[rinca.Procedure](r), store.CreateOnly)
}

func (s *Server) putProcedure(r *request) (any, error) {
	p := *body[rinca.Procedure](r)
	if p.Name == "" {
		p.Name = r.target.Name
	}
	if p.Name != r.target.Name {
		return nil, rinca.Errorf(rinca.Invalid, "name differs from the one in the path").Try("a procedure keeps its name; make another one and delete this")
	}
	return s.saveProcedure(r, p, modeOf(r))
}

func (s *Server) saveProcedure(r *request, p rinca.Procedure, mode store.PutMode) (any, error) {
	needs, err := run.Needs(&p)
	if err != nil {
		return nil, err
	}
	if p.Schedule.IsSet() {
		if _, err := schedule.Parse(p.Schedule, nil); err != nil {
			return nil, err
		}
	}
	before, err := s.cfg.DB.Procedure(r.Context(), p.Name)
	if err != nil && rinca.CodeOf(err) != rinca.NotFound {
		return nil, err
	}
	all, err := s.cfg.DB.Procedures(r.Context())
	if err != nil {
		return nil, err
	}
	if err := s.mayRunAll(r, &p, &before, needs); err != nil {
		return nil, err
	}
	if err := run.CheckCalls(&p, all); err != nil {
		return nil, s.withoutNames(r, err, all)
	}
	if err := s.freePath(r, rinca.Target{Kind: rinca.KindProcedure, Name: p.Name}, p.Webhook); err != nil {
		return nil, err
	}
	p.UpdatedBy = r.user()
	return s.cfg.DB.PutProcedure(r.Context(), p, mode)
}

// withoutNames hides names of procedures that the caller may not read.
func (s *Server) withoutNames(r *request, err error, all []rinca.Procedure) error {
	for i := range all {
		if !r.may(rinca.Target{Kind: rinca.KindProcedure, Name: all[i].Name}, rinca.Read) && strings.Contains(err.Error(), all[i].Name) {
			return rinca.Errorf(rinca.CodeOf(err), "its calls of other procedures lead back to it, or do not fit them")
		}
	}
	return err
}

// mayRunAll checks that the caller could run each execution of a procedure by
// hand: who may run the procedure later needs no rights on what it does. What
// was in it before is not asked for again.
func (s *Server) mayRunAll(r *request, p, before *rinca.Procedure, needs []run.Need) error {
	had := map[string]bool{}
	if slices.Equal(p.Parameters, before.Parameters) {
		for i := range before.Stages {
			for _, e := range before.Stages[i].Executions {
				had[executionKey(e.Execution)] = true
			}
		}
	}
	target, grant := r.target, r.grant
	defer func() { r.target, r.grant = target, grant }()
	k := 0
	for i := range p.Stages {
		for _, e := range p.Stages[i].Executions {
			n := needs[k]
			k++
			if had[executionKey(e.Execution)] {
				continue
			}
			if err := s.mayRun(r, n, target); err != nil {
				return rinca.Errorf(rinca.CodeOf(err), "%s: %w", n.Where, err).Try("%s", rinca.HintOf(err))
			}
		}
	}
	return nil
}

func executionKey(e rinca.Execution) string {
	var b bytes.Buffer
	if json.Compact(&b, e.Params) != nil {
		return ""
	}
	return e.Kind + " " + b.String()
}

func (s *Server) mayRun(r *request, n run.Need, self rinca.Target) error {
	if n.Any {
		if n.Level == rinca.None || on(r.who, rinca.Target{Kind: n.Target.Kind, Name: anyStack().Name}).Level >= n.Level {
			return nil
		}
		return rinca.Errorf(rinca.Forbidden, "a parameter decides which %s it is about, so this needs the level %s on all of them", n.Target.Kind, n.Level).
			Try("name it")
	}
	if n.Target == self {
		return nil // that it calls itself is told with the path
	}
	if run.Names(n.Target) && !r.may(n.Target, rinca.Read) {
		return s.nearest(r, n.Target)
	}
	t, level, err := s.cfg.Runner.Check(r.Context(), n.Execution)
	if rinca.CodeOf(err) == rinca.NotFound {
		return s.nearest(r, n.Target)
	}
	if err != nil {
		return err
	}
	return s.needExecution(r, t, max(level, n.Level))
}

// nearest says that a resource is not there, or hidden, with the name of one
// that was perhaps meant.
func (s *Server) nearest(r *request, t rinca.Target) error {
	var names []string
	add := func(name string) {
		if r.may(rinca.Target{Kind: t.Kind, Name: name}, rinca.Read) {
			names = append(names, name)
		}
	}
	switch t.Kind { //nolint:exhaustive // the others have no list that is worth a guess
	case rinca.KindStack:
		all, err := s.cfg.DB.Stacks(r.Context())
		if err != nil {
			return err
		}
		for i := range all {
			add(all[i].Name)
		}
	case rinca.KindProcedure:
		all, err := s.cfg.DB.Procedures(r.Context())
		if err != nil {
			return err
		}
		for i := range all {
			add(all[i].Name)
		}
	}
	e := rinca.Errorf(rinca.Invalid, "there is no %s %q", t.Kind, cut(t.Name))
	if near := vault.Nearest(t.Name, names); near != "" {
		return e.Try("did you mean %s?", near)
	}
	return e
}

func (s *Server) deleteProcedure(r *request) (any, error) {
	all, err := s.cfg.DB.Procedures(r.Context())
	if err != nil {
		return nil, err
	}
	if callers := run.Callers(r.target.Name, all); len(callers) > 0 {
		readable := slices.DeleteFunc(callers, func(name string) bool {
			return !r.may(rinca.Target{Kind: rinca.KindProcedure, Name: name}, rinca.Read)
		})
		return nil, rinca.Errorf(rinca.Conflict, "other procedures call %q", r.target.Name).
			Try("take it out of them first: %s", strings.Join(readable, ", "))
	}
	return nil, s.here(r, s.cfg.DB.DeleteProcedure(r.Context(), r.target.Name))
}
