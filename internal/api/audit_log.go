package api

import "rinca/internal/rinca"

func auditRoutes() []route {
	return []route{
		{
			pattern: "GET /v1/audit", need: admin(rinca.Read), doc: "List entries of the audit log, oldest first.",
			query: []param{{"after", "number of the entry to begin after; 0 is the beginning"}, {"limit", "entries at most; 100 when it is left out, 1000 at most"}, {"last", "the newest so many entries instead"}},
			out:   []rinca.AuditEntry{}, serve: (*Server).getAudit,
		}, {
			pattern: "GET /v1/audit/verify", need: admin(rinca.Read), doc: "Check that no entry of the audit log was changed, removed or added by another hand.",
			out: auditVerified{}, serve: (*Server).getAuditVerify,
		},
	}
}

const maxAudit = 1000

func (s *Server) getAudit(r *request) (any, error) {
	after, err := r.number("after", 0, 1<<62)
	if err != nil {
		return nil, err
	}
	limit, err := r.number("limit", 100, maxAudit)
	if err != nil {
		return nil, err
	}
	last, err := r.number("last", 0, maxAudit)
	if err != nil {
		return nil, err
	}
	if last > 0 {
		head, err := s.cfg.DB.LastAudit(r.Context())
		if err != nil {
			return nil, err
		}
		after, limit = max(head-last, 0), last
	}
	entries, err := s.cfg.DB.AuditEntries(r.Context(), after, int(limit))
	return append([]rinca.AuditEntry{}, entries...), err
}

// auditVerified is what was found. A log that was tampered with is not an
// error of the request.
type auditVerified struct {
	OK      bool   `json:"ok"`
	Entries int64  `json:"entries"` // that hold, from the first
	Message string `json:"message,omitempty"`
}

func (s *Server) getAuditVerify(r *request) (any, error) {
	n, err := s.cfg.DB.VerifyAudit(r.Context())
	if rinca.CodeOf(err) == rinca.Corrupt {
		return auditVerified{Entries: n, Message: err.Error()}, nil
	}
	return auditVerified{OK: err == nil, Entries: n}, err
}
