package api

import (
	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// driftRoutes tell whether what runs is what the vault says.
func driftRoutes() []route {
	return []route{
		{
			pattern: "GET /v1/drift", need: list(), doc: "Show what the last checks found of the stacks that you may read; nothing is asked now.",
			out: rinca.DriftReport{}, serve: (*Server).getDrift,
		}, {
			pattern: "POST /v1/drift", need: list(), audit: "drift.check",
			doc: "Compare the vault, exported files and containers of stacks now: those that are named, else all that you may read; deep needs Execute on them.",
			in:  driftInput{}, out: rinca.DriftReport{}, serve: (*Server).postDrift,
		}, {
			pattern: "GET /v1/drift/policy", need: user(), doc: "Show when drift and the ages of secrets are checked by themselves.",
			out: rinca.DriftPolicy{}, serve: (*Server).getDriftPolicy,
		}, {
			pattern: "PUT /v1/drift/policy", need: admin(rinca.Write), audit: "drift.policy", doc: "Say when drift and the ages of secrets are checked by themselves; without a schedule they are not.",
			in: rinca.DriftPolicy{}, out: rinca.DriftPolicy{}, serve: (*Server).putDriftPolicy,
		},
	}
}

type driftInput struct {
	Stacks []string `json:"stacks,omitempty"`
	// Deep reads the environment and the files of containers, in place of
	// what their labels say.
	Deep bool `json:"deep,omitempty"`
}

// secrets returns what knows of secrets, or says that there is nothing.
func (s *Server) secrets() (Secrets, error) {
	if s.cfg.Secrets == nil {
		return nil, rinca.Errorf(rinca.Unavailable, "this server keeps no track of secrets")
	}
	return s.cfg.Secrets, nil
}

func (s *Server) getDrift(r *request) (any, error) {
	secrets, err := s.secrets()
	if err != nil {
		return nil, err
	}
	report, err := secrets.LastDrift(r.Context())
	if err != nil {
		return nil, err
	}
	kept := []rinca.StackDrift{}
	for _, d := range report.Stacks {
		if r.may(rinca.Target{Kind: rinca.KindStack, Name: d.Stack}, rinca.Read) {
			kept = append(kept, d)
		}
	}
	report.Stacks = kept
	report.Count()
	return report, nil
}

func (s *Server) postDrift(r *request) (any, error) {
	secrets, err := s.secrets()
	if err != nil {
		return nil, err
	}
	in := body[driftInput](r)
	level := rinca.Read
	if in.Deep {
		level = rinca.Execute
	}
	names := in.Stacks
	for _, name := range names {
		if err := uses(r, rinca.Target{Kind: rinca.KindStack, Name: name}, level); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		if names, err = s.stacksWith(r, level); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return rinca.DriftReport{Stacks: []rinca.StackDrift{}, Counts: map[rinca.DriftState]int{}}, nil
	}
	return secrets.CheckDrift(r.Context(), deploy.DriftOptions{Stacks: names, Deep: in.Deep})
}

// stacksWith lists the stacks that the caller has a level on.
func (s *Server) stacksWith(r *request, level rinca.Level) ([]string, error) {
	all, err := s.cfg.DB.Stacks(r.Context())
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range all {
		if r.may(rinca.Target{Kind: rinca.KindStack, Name: all[i].Name}, level) {
			names = append(names, all[i].Name)
		}
	}
	return names, nil
}

func (s *Server) getDriftPolicy(r *request) (any, error) {
	secrets, err := s.secrets()
	if err != nil {
		return nil, err
	}
	return secrets.DriftPolicy(r.Context())
}

func (s *Server) putDriftPolicy(r *request) (any, error) {
	secrets, err := s.secrets()
	if err != nil {
		return nil, err
	}
	p := *body[rinca.DriftPolicy](r)
	p.UpdatedAt, p.UpdatedBy = s.cfg.Now().UTC(), r.user()
	return p, secrets.SetDriftPolicy(r.Context(), p)
}
