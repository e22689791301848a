package api

import (
	"context"
	"slices"

	files "rinca/internal/resource"
	"rinca/internal/rinca"
	"rinca/internal/schedule"
)

// Syncs make resources what TOML files say.
type Syncs interface {
	Fetch(ctx context.Context, from rinca.Source, paths []string, dest string) (list []files.File, commit string, err error)
	PlanFiles(ctx context.Context, list []files.File, o files.Options) (*files.SyncPlan, error)
	ApplyFiles(ctx context.Context, list []files.File, o files.Options, by files.By) (*files.SyncPlan, error)
	Pending(ctx context.Context, sync string) (*files.SyncPlan, error)
	Export(ctx context.Context) (string, error)
}

func syncRoutes() []route {
	const one = "/v1/syncs/{sync}"
	read := syncNeed(rinca.Read)
	return []route{
		{
			pattern: "GET /v1/syncs", need: list(), doc: "List the resource syncs that you may read, by name.",
			out: []rinca.ResourceSync{}, serve: (*Server).getSyncs,
		}, {
			pattern: "GET " + one, need: read, doc: "Show a resource sync.",
			out: rinca.ResourceSync{}, serve: (*Server).getSync,
		}, {
			pattern: "PUT " + one, need: admin(rinca.Write), audit: "sync.update", limit: stackLimit,
			doc: "Replace a resource sync, or create it. Its files may say anything, so that this takes an administrator.",
			in:  rinca.ResourceSync{}, out: rinca.ResourceSync{}, serve: (*Server).putSync,
		}, {
			pattern: "DELETE " + one, need: admin(rinca.Write), audit: "sync.delete",
			doc: "Remove a resource sync; what it has made stays.", serve: (*Server).deleteSync,
		}, {
			pattern: "GET " + one + "/plan", need: syncNeed(rinca.Execute), doc: "Say what a run of a resource sync would change now.",
			out: files.SyncPlan{}, serve: (*Server).getSyncPlan,
		}, {
			pattern: "POST /v1/sync/plan", need: admin(rinca.Write), limit: stackLimit,
			doc: "Say what TOML files would change; nothing is changed.",
			in:  syncInput{}, out: files.SyncPlan{}, serve: (*Server).planFiles,
		}, {
			pattern: "POST /v1/sync/apply", need: admin(rinca.Write), audit: "sync.apply", limit: stackLimit,
			doc: "Make resources what TOML files say, all of them or none. Nothing is deployed.",
			in:  syncInput{}, out: files.SyncPlan{}, serve: (*Server).applyFiles,
		}, {
			pattern: "GET /v1/sync/export", need: admin(rinca.Write), audit: "sync.export",
			doc: "Write all resources as TOML, without secret values.",
			out: exportJSON{}, serve: (*Server).exportAll,
		},
	}
}

// syncNeed needs a level on the sync of the path.
func syncNeed(level rinca.Level) need {
	return need{access: onTarget, kind: rinca.KindSync, level: level, name: from{doc: "{sync}", find: func(_ *Server, r *request) (rinca.Target, error) {
		return rinca.Target{Kind: rinca.KindSync, Name: r.PathValue("sync")}, nil
	}}}
}

// A syncInput is files, or a source that they are in, and what is wanted of
// them.
type syncInput struct {
	Files  []fileInput  `json:"files,omitempty"`
	Source rinca.Source `json:"source,omitzero"`
	Paths  []string     `json:"paths,omitempty"` // of the source
	files.Options
}

type fileInput struct {
	Path string     `json:"path"`
	Text secretText `json:"text"`
}

// An exportJSON is all resources as TOML.
type exportJSON struct {
	TOML string `json:"toml"`
}

func (s *Server) syncs() (Syncs, error) {
	if s.cfg.Syncs == nil {
		return nil, rinca.Errorf(rinca.Unavailable, "this server has no resource syncs")
	}
	return s.cfg.Syncs, nil
}

func (s *Server) getSyncs(r *request) (any, error) {
	all, err := s.cfg.DB.Syncs(r.Context())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(append([]rinca.ResourceSync{}, all...), func(y rinca.ResourceSync) bool {
		return !r.may(rinca.Target{Kind: rinca.KindSync, Name: y.Name}, rinca.Read)
	}), nil
}

func (s *Server) getSync(r *request) (any, error) {
	y, err := s.cfg.DB.Sync(r.Context(), r.PathValue("sync"))
	return y, s.hereSync(r, err)
}

// hereSync answers for a sync that is not there.
func (s *Server) hereSync(r *request, err error) error {
	if rinca.CodeOf(err) == rinca.NotFound {
		return missing(rinca.Target{Kind: rinca.KindSync, Name: r.PathValue("sync")})
	}
	return err
}

func (s *Server) putSync(r *request) (any, error) {
	y := *body[rinca.ResourceSync](r)
	if y.Name == "" {
		y.Name = r.PathValue("sync")
	}
	r.target = rinca.Target{Kind: rinca.KindSync, Name: y.Name}
	if y.Name != r.PathValue("sync") {
		return nil, rinca.Errorf(rinca.Invalid, "name differs from the one in the path")
	}
	if err := y.Check(); err != nil {
		return nil, err
	}
	if y.Source.Kind == rinca.SourceGit {
		if err := s.checkGit(r, y.Source); err != nil {
			return nil, err
		}
	}
	if y.Schedule.IsSet() {
		if _, err := schedule.Parse(y.Schedule, nil); err != nil {
			return nil, err
		}
	}
	if err := s.freePath(r, r.target, y.Webhook); err != nil {
		return nil, err
	}
	y.UpdatedBy = r.user()
	return s.cfg.DB.PutSync(r.Context(), y, modeOf(r))
}

func (s *Server) deleteSync(r *request) (any, error) {
	r.target = rinca.Target{Kind: rinca.KindSync, Name: r.PathValue("sync")}
	return nil, s.hereSync(r, s.cfg.DB.DeleteSync(r.Context(), r.target.Name))
}

func (s *Server) getSyncPlan(r *request) (any, error) {
	syncs, err := s.syncs()
	if err != nil {
		return nil, err
	}
	p, err := syncs.Pending(r.Context(), r.PathValue("sync"))
	return s.maskedPlan(p), err
}

// maskedPlan hides known values in what is compared.
func (s *Server) maskedPlan(p *files.SyncPlan) *files.SyncPlan {
	if p == nil {
		return nil
	}
	m := s.cfg.Known.Masker()
	for i := range p.Changes {
		for j, l := range p.Changes[i].Diff {
			p.Changes[i].Diff[j] = m.String(l)
		}
	}
	return p
}

// files returns the files of a request, from where they are, and gives its
// options the rights of who asks.
func (s *Server) files(r *request, syncs Syncs, in *syncInput) ([]files.File, error) {
	in.Reveals = func(t rinca.Target) bool { return on(r.who, t).Reveals() }
	if len(in.Files) > 0 && in.Source.Kind != "" {
		return nil, rinca.Errorf(rinca.Invalid, "files and source exclude each other")
	}
	if in.Source.Kind != "" {
		if err := in.Source.Check(); err != nil {
			return nil, err
		}
		list, _, err := syncs.Fetch(r.Context(), in.Source, in.Paths, "")
		return list, err
	}
	var out []files.File
	for _, f := range in.Files {
		out = append(out, files.File{Path: f.Path, Text: f.Text.Secret})
	}
	if len(out) == 0 {
		return nil, rinca.Errorf(rinca.Invalid, "files is empty").Try("at least one, with path and text")
	}
	return out, nil
}

func (s *Server) planFiles(r *request) (any, error) {
	syncs, err := s.syncs()
	if err != nil {
		return nil, err
	}
	in := body[syncInput](r)
	list, err := s.files(r, syncs, in)
	if err != nil {
		return nil, err
	}
	p, err := syncs.PlanFiles(r.Context(), list, in.Options)
	return s.maskedPlan(p), err
}

func (s *Server) applyFiles(r *request) (any, error) {
	syncs, err := s.syncs()
	if err != nil {
		return nil, err
	}
	in := body[syncInput](r)
	list, err := s.files(r, syncs, in)
	if err != nil {
		return nil, err
	}
	p, err := syncs.ApplyFiles(r.Context(), list, in.Options, files.By{Operator: r.user(), Via: via(r), Remote: r.remote})
	if p != nil {
		r.detail = p.Summary()
	}
	return s.maskedPlan(p), err
}

func (s *Server) exportAll(r *request) (any, error) {
	syncs, err := s.syncs()
	if err != nil {
		return nil, err
	}
	text, err := syncs.Export(r.Context())
	return exportJSON{text}, err
}

var _ Syncs = (*files.Service)(nil)
