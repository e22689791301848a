package connectapi

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A panic is a 500 that says nothing, and its value, which may be a secret,
// is not logged.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	s := &Server{cfg: Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now}, counts: newCounters()}
	rt := route{"GET", "/x", nothing, "", func(*Server, *request) (any, error) { panic("canary") }}
	w := httptest.NewRecorder()
	s.dispatch(w, httptest.NewRequest("GET", "/x", nil), map[string]route{"GET": rt})
	if w.Code != 500 || strings.TrimSpace(w.Body.String()) != `{"status":500,"message":"Something went wrong"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "panic_test.go") || strings.Contains(log.String(), "canary") {
		t.Errorf("log: %s", &log)
	}
}
