package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"rinca/internal/rinca"
)

// encoded is an answer that was encoded before.
type encoded struct {
	plain, zipped []byte // zipped is nil for a short one
	etag          string
}

// shortest answer that is worth compressing.
const shortest = 1024

func encode(v any) ([]byte, error) {
	switch v := v.(type) {
	case encoded:
		return v.plain, nil
	case raw:
		return v.data, nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "encode an answer: %w", err)
	}
	return append(data, '\n'), nil
}

func etag(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// matches reports whether a header names a tag. Proxies that compress mark
// tags as weak; ours mean the same then.
func matches(header, tag string) bool {
	if header == "*" {
		return true
	}
	for t := range strings.SplitSeq(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(t), "W/") == tag {
			return true
		}
	}
	return false
}

// write sends an answer, and returns its status.
func (s *Server) write(w http.ResponseWriter, r *request, rt *route, out any, err error) int {
	if err != nil {
		return s.fail(w, r, err)
	}
	status := rt.status
	if status == 0 {
		status = http.StatusOK
	}
	switch out := out.(type) {
	case nil:
		w.WriteHeader(http.StatusNoContent)
		return http.StatusNoContent
	case redirect:
		w.Header().Set("Location", out.url)
		w.WriteHeader(http.StatusFound)
		return http.StatusFound
	case stream:
		return s.stream(w, r, out)
	case raw:
		return s.send(w, r, status, out.contentType, encoded{plain: out.data})
	case encoded:
		return s.sendTagged(w, r, status, out)
	}
	data, err := encode(out)
	if err != nil {
		return s.fail(w, r, err)
	}
	if rt.need.reveal || status != http.StatusOK || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return s.send(w, r, status, jsonType, encoded{plain: data})
	}
	return s.sendTagged(w, r, status, encoded{plain: data, etag: etag(data)})
}

const jsonType = "application/json"

// sendTagged answers 304 to those who have it already.
func (s *Server) sendTagged(w http.ResponseWriter, r *request, status int, out encoded) int {
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", out.etag)
	h.Set("Vary", "Authorization, X-Api-Key, Accept-Encoding")
	if seen := r.Header.Get("If-None-Match"); seen != "" && matches(seen, out.etag) {
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified
	}
	if out.zipped == nil && len(out.plain) >= shortest && takesGzip(r.Request) {
		out.zipped = zip(out.plain)
	}
	return s.send(w, r, status, jsonType, out)
}

func (s *Server) send(w http.ResponseWriter, r *request, status int, contentType string, out encoded) int {
	h := w.Header()
	h.Set("Content-Type", contentType)
	data := out.plain
	if out.zipped != nil && takesGzip(r.Request) {
		data = out.zipped
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	if _, err := w.Write(data); err != nil {
		s.cfg.Log.LogAttrs(r.Context(), slog.LevelDebug, "the client has gone", slog.String("request", r.id))
	}
	return status
}

func (s *Server) fail(w http.ResponseWriter, r *request, err error) int {
	status, out := s.failure(r, err)
	data, _ := json.Marshal(out) // texts only
	w.Header().Del("ETag")
	w.Header()["Cache-Control"] = noStore
	return s.send(w, r, status, jsonType, encoded{plain: append(data, '\n')})
}

// takesGzip reports whether the client says that it reads gzip.
func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" {
			q = strings.ReplaceAll(q, " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}

var writers = sync.Pool{New: func() any { //nolint:gochecknoglobals // a pool
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is one
	return w
}}

func zip(data []byte) []byte {
	var b bytes.Buffer
	w, _ := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	w.Reset(&b)
	_, _ = w.Write(data) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// levelOf says how loud a request is in the log: what changes something and
// what fails inside is heard, the rest is for those who look for it.
func levelOf(rt *route, status int) slog.Level {
	switch {
	case status >= 500:
		return slog.LevelWarn
	case rt.audit != "" || status == http.StatusUnauthorized || status == http.StatusForbidden:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}
