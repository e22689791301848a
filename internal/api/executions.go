package api

import (
	"encoding/json"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// executionRoutes run things, and tell what became of them.
func executionRoutes() []route {
	return []route{
		{
			pattern: "GET /v1/executions", need: user(), doc: "List the kinds of executions and their parameters.",
			out: []kindJSON{}, serve: (*Server).getKinds,
		}, {
			pattern: "POST /v1/executions", need: need{access: execution, level: rinca.Execute}, audit: "execution.submit",
			doc: "Run an execution; the header Idempotency-Key makes repeating it safe.",
			in:  rinca.Execution{}, out: rinca.Update{}, status: 202, limit: 256 << 10, serve: (*Server).postExecution,
		}, {
			pattern: "GET /v1/updates", need: list(), doc: "List updates that you may read, newest first.",
			query: []param{
				{"stack", "only those of a stack"},
				{"procedure", "only runs of a procedure"},
				{"parent", "only those that this update has started"},
				{"state", "only those in a state, such as running"},
				{"limit", "at most so many, up to 500; the default is 50"},
				{"before", "only those older than this id"},
			},
			out: []rinca.Update{}, serve: (*Server).getUpdates,
		}, {
			pattern: "GET /v1/updates/{id}", need: updateNeed(rinca.Read), doc: "Show an update.",
			out: rinca.Update{}, serve: (*Server).getUpdate,
		}, {
			pattern: "GET /v1/updates/{id}/lines", need: updateNeed(rinca.Read), doc: "Show the lines of an update that are kept.",
			query: []param{{"after", "only those after the event of this number"}, {"limit", "at most so many, up to 5000; the default is 1000"}},
			out:   linesJSON{}, serve: (*Server).getLines,
		}, {
			pattern: "POST /v1/updates/{id}/cancel", need: updateNeed(rinca.Execute), audit: "update.cancel",
			doc: "Cancel an update that waits or runs.",
			out: rinca.Update{}, status: 202, serve: (*Server).postCancel,
		}, {
			pattern: "GET /v1/events", need: list(), doc: "Stream events that you may see, as server-sent events whose id is their number.",
			query: []param{
				{"update", "only those of an update; the stream ends with it"},
				{"stack", "only those of a stack"},
				{"type", "only those of these types, with commas between"},
				{"after", "first those after this number; Last-Event-ID does the same"},
			},
			out: rinca.Event{}, serve: (*Server).getEvents,
		},
	}
}

type kindJSON struct {
	Name   string          `json:"name"`
	Doc    string          `json:"doc"`
	Target rinca.Kind      `json:"target"`
	Level  rinca.Level     `json:"level"`
	Params json.RawMessage `json:"params"` // a JSON schema
}

type linesJSON struct {
	Lines []numberedLine `json:"lines"`
	// Next is what to ask for after these; it is there even when there were
	// no lines.
	Next int64 `json:"next"`
}

type numberedLine struct {
	Seq int64 `json:"seq"`
	rinca.Line
}

func (s *Server) getKinds(*request) (any, error) {
	out := []kindJSON{}
	for _, k := range s.cfg.Runner.Kinds() {
		schema, err := paramsSchema(k)
		if err != nil {
			return nil, err
		}
		out = append(out, kindJSON{k.Name, k.Doc, k.Target, k.Level, schema})
	}
	return out, nil
}

func (s *Server) postExecution(r *request) (any, error) {
	e := *body[rinca.Execution](r)
	r.detail = e.Kind
	key := r.Header.Get("Idempotency-Key")
	if len(key) > 255 || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, rinca.Errorf(rinca.Invalid, "Idempotency-Key is not up to 255 letters, digits and signs")
	}
	trigger := "api"
	if strings.HasPrefix(r.UserAgent(), "rinca") {
		trigger = "cli"
	} else if fromPage(r) {
		trigger = "ui"
	}
	u, err := s.cfg.Runner.Submit(r.Context(), rinca.Submission{Execution: e, Operator: r.user(), Trigger: trigger, IdempotencyKey: key})
	if err != nil {
		return nil, err
	}
	r.detail = e.Kind + " " + u.ID
	r.header.Set("Location", "/v1/updates/"+u.ID)
	return u, nil
}

// updateNeed needs a level on what an update is about. Who asked for the
// update may always look at it, and cancel it.
func updateNeed(level rinca.Level) need {
	return need{access: onUpdate, level: level, name: from{doc: "the update's target"}}
}

// update returns an update that the caller has a level on. To those who may
// not even read it, it does not exist.
func (s *Server) update(r *request, id string, level rinca.Level) (rinca.Update, error) {
	u, err := s.cfg.DB.Update(r.Context(), id)
	if rinca.CodeOf(err) == rinca.NotFound || err == nil && !mayOn(r, &u, rinca.Read) {
		return rinca.Update{}, rinca.Errorf(rinca.NotFound, "there is no update %q", cut(id)).Try("rinca update list")
	}
	if err != nil {
		return rinca.Update{}, err
	}
	if !mayOn(r, &u, level) {
		return rinca.Update{}, denied(u.Target, level)
	}
	return u, nil
}

// mayOn reports whether the caller has a level on an update: on what it is
// about, or since they asked for it themselves.
func mayOn(r *request, u *rinca.Update, level rinca.Level) bool {
	if on(r.who, u.Target).Level >= level {
		return true
	}
	return u.Operator == r.user() && r.who.Scope == nil
}

func (s *Server) getUpdates(r *request) (any, error) {
	q := r.URL.Query()
	limit, err := r.number("limit", 50, 500)
	if err != nil {
		return nil, err
	}
	f := store.UpdateFilter{State: rinca.UpdateState(q.Get("state")), Parent: q.Get("parent"), Before: q.Get("before"), Limit: int(max(limit, 50))}
	if stack := q.Get("stack"); stack != "" {
		f.Kind, f.Name = rinca.KindStack, stack
	}
	if procedure := q.Get("procedure"); procedure != "" {
		f.Kind, f.Name = rinca.KindProcedure, procedure
	}
	out := []rinca.Update{}
	for int64(len(out)) < limit {
		page, err := s.cfg.DB.Updates(r.Context(), f)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if int64(len(out)) < limit && mayOn(r, &page[i], rinca.Read) {
				out = append(out, page[i])
			}
		}
		if len(page) < f.Limit {
			break
		}
		f.Before = page[len(page)-1].ID
	}
	return out, nil
}

func (s *Server) getUpdate(r *request) (any, error) {
	return s.update(r, r.PathValue("id"), rinca.Read)
}

func (s *Server) getLines(r *request) (any, error) {
	after, err := r.number("after", 0, 1<<62)
	if err != nil {
		return nil, err
	}
	limit, err := r.number("limit", 1000, 5000)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Hub.Flush(r.Context()); err != nil {
		return nil, err
	}
	events, err := s.cfg.DB.Events(r.Context(), after, store.EventFilter{Update: r.PathValue("id"), Types: []string{"line"}}, int(max(limit, 1)))
	if err != nil {
		return nil, err
	}
	masker := s.cfg.Known.Masker()
	out := linesJSON{Lines: []numberedLine{}, Next: after}
	for _, e := range events {
		var l rinca.Line
		if err := json.Unmarshal(e.Data, &l); err != nil {
			return nil, rinca.Errorf(rinca.Corrupt, "read event %d", e.Seq).Because(err)
		}
		out.Lines = append(out.Lines, numberedLine{e.Seq, maskLine(masker, l)})
		out.Next = e.Seq
	}
	return out, nil
}

func (s *Server) postCancel(r *request) (any, error) {
	id := r.PathValue("id")
	r.detail = id
	if err := s.cfg.Runner.Cancel(r.Context(), id); err != nil {
		return nil, err
	}
	return s.cfg.DB.Update(r.Context(), id)
}
