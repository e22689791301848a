// Package connectapi serves the embedded vault as the REST API of 1Password
// Connect, so that its public clients work unmodified.
package connectapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

// APIVersion is the version of Connect whose behaviour this is; clients
// compare it with what they need.
const APIVersion = "1.8.1"

// Config says what is served.
type Config struct {
	DB  *embedded.DB
	Log *slog.Logger // nil: none
	Now func() time.Time
	// MaxInline is the size in bytes up to which a file is put into a JSON
	// answer; 0 means 100 KB.
	MaxInline int64
}

// A Server answers the API. Close it after the last request.
type Server struct {
	cfg      Config
	handler  http.Handler
	tokens   *tokenCache
	activity *activityLog
	counts   *counters
	lists    *lists
	started  time.Time
}

const maxBody = 64 << 20

// A route is one endpoint.
type route struct {
	method, path string
	need         need
	doc          string
	serve        func(*Server, *request) (any, error)
}

// need is the right that a route asks of a token.
type need int

const (
	nothing need = iota // no token at all
	anyToken
	readVault
	writeVault
)

// routes lists every endpoint; docs/reference/connect-api.md is printed from
// it.
func routes() []route {
	const (
		items = "/v1/vaults/{vault}/items"
		item  = items + "/{item}"
		files = item + "/files"
	)
	return []route{
		{"GET", "/v1/activity", anyToken, "The log of requests, newest first; limit and offset.", (*Server).getActivity},
		{"GET", "/v1/vaults", anyToken, "The vaults of the token; filter by name.", (*Server).listVaults},
		{"GET", "/v1/vaults/{vault}", readVault, "One vault.", (*Server).getVault},
		{"GET", items, readVault, "The items of a vault, without fields; filter by title or tag.", (*Server).listItems},
		{"POST", items, writeVault, "Create an item; fields may be generated.", (*Server).createItem},
		{"GET", item, readVault, "One item with its fields.", (*Server).getItem},
		{"PUT", item, writeVault, "Replace an item. The answer carries the version from before.", (*Server).putItem},
		{"PATCH", item, writeVault, "Change parts of an item: add, remove, replace.", (*Server).patchItem},
		{"DELETE", item, writeVault, "Delete an item for good.", (*Server).deleteItem},
		{"GET", files, readVault, "The files of an item; inline_files=true adds their content.", (*Server).listFiles},
		{"GET", files + "/{file}", readVault, "One file.", (*Server).getFile},
		{"GET", files + "/{file}/content", readVault, "The content of a file.", (*Server).getContent},
		{"GET", "/heartbeat", nothing, "A dot, while the server runs.", (*Server).heartbeat},
		{"GET", "/health", nothing, "The state of the server and of what it needs.", (*Server).health},
		{"GET", "/metrics", nothing, "Counters, for Prometheus.", (*Server).metrics},
	}
}

// An Endpoint is a row of the reference: what is served, and which right of a
// token it asks for.
type Endpoint struct{ Method, Path, Right, Doc string }

// Endpoints lists every endpoint.
func Endpoints() []Endpoint {
	rights := map[need]string{nothing: "none", anyToken: "any token", readVault: "read", writeVault: "write"}
	var out []Endpoint
	for _, r := range routes() {
		out = append(out, Endpoint{r.method, r.path, rights[r.need], r.doc})
	}
	return out
}

// New returns a server.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MaxInline == 0 {
		cfg.MaxInline = 100 << 10
	}
	s := &Server{cfg: cfg, tokens: &tokenCache{}, counts: newCounters(), lists: &lists{}, started: cfg.Now()}
	s.activity = newActivityLog(cfg.DB, cfg.Log)
	byPath := map[string]map[string]route{}
	for _, r := range routes() {
		if byPath[r.path] == nil {
			byPath[r.path] = map[string]route{}
		}
		byPath[r.path][r.method] = r
	}
	mux := http.NewServeMux()
	for path, methods := range byPath {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.dispatch(w, r, methods) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { s.write(w, nil, errorf(404, "Not found")) })
	s.handler = mux
	return s
}

// Close writes what is left of the activity log. Closing again does nothing.
func (s *Server) Close() { s.activity.close() }

// ServeHTTP answers one request. Clients put slashes at the end of paths; a
// redirect would turn their POST into a GET, so the slash is cut instead.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("1Password-Connect-Version", APIVersion)
	w.Header().Set("Cache-Control", "no-store") // answers hold secrets
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if p := strings.TrimRight(r.URL.Path, "/"); p != r.URL.Path && p != "" {
		u := *r.URL
		u.Path, u.RawPath = p, ""
		r2 := *r
		r2.URL = &u
		r = &r2
	}
	if strings.Contains(r.URL.Path, "//") || strings.Contains(r.URL.Path, "/.") {
		s.write(w, nil, errorf(404, "Not found"))
		return
	}
	s.handler.ServeHTTP(w, r)
}

// A request is what a handler gets: the parsed path, and who asks.
type request struct {
	*http.Request
	vaultID, itemID, fileID string
	token                   embedded.Token
	header                  http.Header // of the answer
	note                    note
}

func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, methods map[string]route) {
	start := time.Now()
	method := r.Method
	if method == "HEAD" {
		method = "GET"
	}
	rt, ok := methods[method]
	if !ok {
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
		s.write(w, nil, errorf(405, "Method not allowed"))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	req := &request{Request: r, vaultID: r.PathValue("vault"), itemID: r.PathValue("item"), fileID: r.PathValue("file"), header: w.Header()}
	out, err := s.answer(rt, req)
	status := s.write(w, out, err)
	took := time.Since(start)
	s.counts.add(rt.method, rt.path, status, took)
	if rt.need != nothing {
		s.record(rt, req, status)
	}
	s.cfg.Log.Info("request", "method", rt.method, "route", rt.path, "status", status, "token", req.token.ID, "took", took.String())
}

func (s *Server) answer(rt route, req *request) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			// The value of the panic may hold a secret; the stack does not.
			s.cfg.Log.Error("panic", "route", rt.path, "stack", string(debug.Stack()))
			out, err = nil, errorf(500, "Something went wrong")
		}
	}()
	if rt.need != nothing {
		if req.token, err = s.authenticate(req); err != nil {
			return nil, err
		}
	}
	if err := checkIDs(rt, req); err != nil {
		return nil, err
	}
	if err := authorize(rt, req); err != nil {
		return nil, err
	}
	return rt.serve(s, req)
}

func checkIDs(rt route, req *request) error {
	if strings.Contains(rt.path, "{vault}") && !rinca.ValidID(req.vaultID) {
		return errorf(400, "Invalid Vault UUID")
	}
	if strings.Contains(rt.path, "{item}") && !rinca.ValidID(req.itemID) {
		return errorf(400, "Invalid Item UUID")
	}
	return nil
}

// An apiError is an answer that is not a success.
type apiError struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Message }

// raw is an answer that is not JSON.
type raw struct {
	contentType string
	data        []byte
}

// noContent is the answer 204.
type noContent struct{}

// write sends an answer and returns its status.
func (s *Server) write(w http.ResponseWriter, out any, err error) int {
	if err != nil {
		e := s.toAPIError(err)
		return s.send(w, e.Status, e)
	}
	switch out := out.(type) {
	case noContent:
		w.WriteHeader(http.StatusNoContent)
		return http.StatusNoContent
	case raw:
		w.Header().Set("Content-Type", out.contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(out.data)))
		_, _ = w.Write(out.data)
		return http.StatusOK
	}
	return s.send(w, http.StatusOK, out)
}

func (s *Server) send(w http.ResponseWriter, status int, v any) int {
	data, err := json.Marshal(v)
	if err != nil {
		s.cfg.Log.Error("encode an answer", "type", "json")
		status, data = 500, []byte(`{"status":500,"message":"Something went wrong"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n'))
	return status
}

// toAPIError is the one place that turns our errors into statuses. What is
// not classified stays in the log.
func (s *Server) toAPIError(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &apiError{413, "Request body is too large"}
	}
	switch rinca.CodeOf(err) {
	case rinca.NotFound:
		return &apiError{404, err.Error()}
	case rinca.Invalid:
		return &apiError{400, err.Error()}
	case rinca.Conflict:
		return &apiError{409, err.Error()}
	case rinca.Unavailable:
		s.cfg.Log.Warn("unavailable", "error", err)
		return &apiError{503, "The vault is busy"}
	}
	if errors.Is(err, context.Canceled) {
		return &apiError{499, "The client has gone"}
	}
	s.cfg.Log.Error("failed", "error", err)
	return &apiError{500, "Something went wrong"}
}
