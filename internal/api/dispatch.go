package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/webhook"
)

// mux routes by path first and by method then, so that a wrong method is
// answered in our own words.
func (s *Server) mux() http.Handler {
	byPath := map[string]map[string]*route{}
	for i := range s.routes {
		method, path, _ := strings.Cut(s.routes[i].pattern, " ")
		if byPath[path] == nil {
			byPath[path] = map[string]*route{}
		}
		byPath[path][method] = &s.routes[i]
	}
	mux := http.NewServeMux()
	for path, methods := range byPath {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.dispatch(w, r, methods) })
	}
	mux.HandleFunc(webhook.Prefix, s.listen)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if s.page(w, r) {
			return
		}
		s.fail(w, s.newRequest(w, r), rinca.Errorf(rinca.NotFound, "there is no such endpoint").Try("GET /v1/openapi.json lists them"))
	})
	return mux
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["X-Content-Type-Options"] = nosniff
	h["X-Frame-Options"] = deny
	h["Referrer-Policy"] = noReferrer
	h["Content-Security-Policy"] = nothing
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	h["Cache-Control"] = noStore
	if s.overTLS(r) {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	// ServeMux would redirect these, and turn what was posted into a GET.
	if p := r.URL.Path; strings.Contains(p, "//") || strings.Contains(p, "/./") || strings.Contains(p, "/../") || strings.HasSuffix(p, "/..") || strings.HasSuffix(p, "/.") || !strings.HasPrefix(p, "/") {
		s.fail(w, s.newRequest(w, r), rinca.Errorf(rinca.NotFound, "there is no such endpoint"))
		return
	}
	s.handler.ServeHTTP(w, r)
}

// Values of headers, made once.
var ( //nolint:gochecknoglobals // constants, which slices cannot be
	nosniff    = []string{"nosniff"}
	deny       = []string{"DENY"}
	noReferrer = []string{"no-referrer"}
	nothing    = []string{"default-src 'none'; frame-ancestors 'none'"}
	sameOrigin = []string{"same-origin"}
	noStore    = []string{"no-store"}
)

func (s *Server) newRequest(w http.ResponseWriter, r *http.Request) *request {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	req := &request{Request: r, id: hex.EncodeToString(id[:]), header: w.Header(), remote: s.remote(r)}
	req.header.Set("X-Request-Id", req.id)
	return req
}

func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, methods map[string]*route) {
	start := time.Now()
	req := s.newRequest(w, r)
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	rt, ok := methods[method]
	if !ok {
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
		s.fail(w, req, statusError{http.StatusMethodNotAllowed, rinca.Errorf(rinca.Invalid, "this endpoint has no method %.20q", r.Method)})
		return
	}
	limit := rt.limit
	if limit == 0 {
		limit = 64 << 10
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	defer s.forget(req)
	out, err := s.answer(rt, req, methods[http.MethodGet])
	status := s.write(w, req, rt, out, err)
	took := time.Since(start)
	if _, long := out.(stream); !long {
		s.metrics.request(rt.pattern, status, took)
	}
	s.logRequest(rt, req, status, took)
}

func (s *Server) logRequest(rt *route, r *request, status int, took time.Duration) {
	ctx := context.WithoutCancel(r.Context())
	level := levelOf(rt, status)
	if s.cfg.Log.Enabled(ctx, level) {
		s.cfg.Log.Log(ctx, level, "request", "request", r.id, "route", rt.pattern, "status", status, "user", r.user(), "remote", r.remote, "took", took)
	}
}

// answer checks everything that has to be checked before a handler is called,
// calls it, and records what it did.
func (s *Server) answer(rt *route, r *request, twin *route) (out any, err error) {
	if err := s.authenticate(rt, r); err != nil {
		return nil, err
	}
	if err := checkQuery(rt, r); err != nil {
		return nil, err
	}
	if err := readBody(rt, r); err != nil {
		return nil, err
	}
	if twin != nil && rt != twin && rt.audit != "" {
		s.editing.Lock()
		defer s.editing.Unlock()
	}
	if out, err = s.authorized(rt, r, twin); rt.audit != "" && !(rt.audited && r.served) {
		err = s.record(rt, r, err)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// authorized runs the handler, if the caller may.
func (s *Server) authorized(rt *route, r *request, twin *route) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			// The value of the panic may hold a secret; the stack does not.
			s.cfg.Log.Error("panic", "request", r.id, "route", rt.pattern, "stack", string(debug.Stack()))
			out, err = nil, rinca.Errorf(rinca.Internal, "panic")
		}
	}()
	if err := s.authorize(rt, r); err != nil {
		return nil, err
	}
	s.learn(r)
	if want := r.Header.Get("If-Match"); want != "" && twin != nil && rt != twin {
		if err := s.unchanged(twin, r, want); err != nil {
			return nil, err
		}
	}
	r.served = true
	return rt.serve(s, r)
}

// unchanged checks that what is about to be changed is still what the caller
// has seen.
func (s *Server) unchanged(twin *route, r *request, want string) error {
	seen := *r
	seen.header = http.Header{}
	now, err := twin.serve(s, &seen)
	if err != nil && rinca.CodeOf(err) != rinca.NotFound {
		return err
	}
	if err == nil {
		if data, err := encode(now); err != nil || matches(want, etag(data)) {
			return err
		}
	}
	return statusError{http.StatusPreconditionFailed, rinca.Errorf(rinca.Conflict, "it was changed in the meantime").Try("read it again, and apply your change to that")}
}

// checkQuery refuses parameters that the route does not know: a filter that
// is misspelled would answer too much.
func checkQuery(rt *route, r *request) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	var names []string
	for _, p := range rt.query {
		if p.name == "*" {
			return nil
		}
		names = append(names, p.name)
	}
	for name, values := range r.URL.Query() {
		if !slices.Contains(names, name) {
			err := rinca.Errorf(rinca.Invalid, "there is no parameter %q here", cut(name))
			return suggest(err, name, names)
		}
		if len(values) > 1 {
			return rinca.Errorf(rinca.Invalid, "the parameter %q is there twice", name)
		}
	}
	return nil
}
