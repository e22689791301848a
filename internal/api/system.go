package api

import (
	"context"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// systemRoutes are about the server itself.
func systemRoutes() []route {
	return []route{
		{
			pattern: "GET /healthz", need: anyone(), doc: "Say that the process lives.",
			out: healthJSON{}, serve: (*Server).getHealth,
		}, {
			pattern: "GET /readyz", need: anyone(), doc: "Say whether requests can be served: the database answers, and the queue can be read.",
			out: healthJSON{}, serve: (*Server).getReady,
		}, {
			pattern: "GET /metrics", need: admin(rinca.Read), doc: "Show figures in the format of Prometheus; a key whose scope is all.System = Read suffices.",
			out: raw{}, serve: (*Server).getMetrics,
		}, {
			pattern: "GET /v1/version", need: anyone(), doc: "Say which version of Rinca this is.",
			out: versionJSON{}, serve: (*Server).getVersion,
		}, {
			pattern: "GET /v1/openapi.json", need: anyone(), doc: "Describe this API as OpenAPI 3.1.",
			out: raw{}, serve: (*Server).getOpenAPI,
		},
	}
}

type healthJSON struct {
	Status string `json:"status"` // "ok"
	Queued int    `json:"queued,omitempty"`
}

type versionJSON struct {
	Version string `json:"version"`
	API     string `json:"api"` // "v1"
	// OIDC says that one may sign in at an identity provider.
	OIDC bool `json:"oidc,omitempty"`
}

type vaultTokenInput struct {
	Token    secretText `json:"token"`
	Kind     string     `json:"kind,omitempty"` // "service-account" (the default) or "connect"
	Host     string     `json:"host,omitempty"` // of connect
	Untested bool       `json:"untested,omitempty"`
}

func (s *Server) getHealth(*request) (any, error) { return healthJSON{Status: "ok"}, nil }

func (s *Server) getReady(r *request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if s.closing.Err() != nil {
		return nil, rinca.Errorf(rinca.Unavailable, "the server is stopping")
	}
	queued, err := s.cfg.DB.Updates(ctx, store.UpdateFilter{State: rinca.Queued, Limit: 1000})
	if err != nil {
		return nil, rinca.Errorf(rinca.Unavailable, "the database does not answer").Because(err)
	}
	return healthJSON{Status: "ok", Queued: len(queued)}, nil
}

func (s *Server) getVersion(*request) (any, error) {
	return versionJSON{s.cfg.Version, "v1", s.cfg.Auth.HasOIDC()}, nil
}

func (s *Server) getOpenAPI(*request) (any, error) {
	return encoded{plain: s.openapi, etag: etag(s.openapi)}, nil
}

func (s *Server) putVaultToken(r *request) (any, error) {
	in := body[vaultTokenInput](r)
	if in.Kind == "" {
		in.Kind = "service-account"
	}
	r.detail = in.Kind
	switch {
	case in.Token.IsEmpty():
		return nil, rinca.Errorf(rinca.Invalid, "token is missing")
	case in.Kind != "service-account" && in.Kind != "connect":
		r.detail = ""
		return nil, rinca.Errorf(rinca.Invalid, "kind is neither service-account nor connect")
	case in.Kind == "connect" && in.Host == "":
		return nil, rinca.Errorf(rinca.Invalid, "host is missing").Try("the address of the Connect server, such as http://localhost:8080")
	}
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	return v.SetToken(r.Context(), rinca.VaultToken{Kind: in.Kind, Token: in.Token.Secret, Host: in.Host, Untested: in.Untested})
}

func (s *Server) getMetrics(r *request) (any, error) {
	return s.metrics.text(r.Request)
}
