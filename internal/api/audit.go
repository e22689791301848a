package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"rinca/internal/rinca"
)

// record writes what a request did into the audit log. Nothing is revealed,
// and no change is called done, without its entry. Requests that could not do
// anything, since they were wrong, are not recorded; those that were not
// allowed are.
func (s *Server) record(rt *route, r *request, err error) error {
	switch rinca.CodeOf(err) {
	case rinca.Invalid, rinca.Usage, rinca.NotFound, rinca.Conflict, rinca.RateLimited:
		return err
	}
	if rt.need.reveal && err == nil && r.variable != nil && !r.variable.Secret {
		return nil // everybody who may read it sees it in lists, too
	}
	entry := rinca.AuditEntry{
		At: s.cfg.Now().UTC(), Actor: r.user(), Via: via(r), Remote: r.remote,
		Action: rt.audit, Detail: s.mask(cut(r.detail)), OK: err == nil,
	}
	if entry.Actor == "" {
		entry.Actor = "unknown"
		if rinca.ValidUserName(r.actor) {
			entry.Actor = r.actor
		}
	}
	if r.target.Kind != "" {
		entry.Target = cut(r.target.String())
	}
	if err != nil && entry.Detail == "" {
		entry.Detail = string(rinca.CodeOf(err))
	}
	ctx := context.WithoutCancel(r.Context()) // a client that goes takes no entry with it
	if rt.need.reveal && err == nil {
		return s.reveals.record(ctx, entry)
	}
	if _, failed := s.cfg.DB.Audit(ctx, entry); failed != nil {
		s.cfg.Log.Error("write the audit log", "request", r.id, "action", rt.audit, "error", failed)
		if err == nil {
			return rinca.Errorf(rinca.Internal, "it was done, and could not be written into the audit log: %w", failed)
		}
	}
	if err == nil && r.Method != http.MethodGet {
		s.tell(rt, r)
	}
	return err
}

func via(r *request) string {
	switch {
	case r.who == nil:
		return "login"
	case r.who.Session != nil:
		return "session " + r.who.Session.ID
	default:
		return "key " + r.who.KeyID
	}
}

// tell lets those who watch know that a resource changed.
func (s *Server) tell(rt *route, r *request) {
	if r.target.Kind == "" || rt.need.access == execution {
		return
	}
	data, err := json.Marshal(map[string]string{"action": rt.audit, "by": r.user()})
	if err == nil {
		s.cfg.Hub.Publish(rinca.Event{Type: "resource", Target: r.target, Data: data})
	}
}

// reveals records who saw which value. The first time is written before the
// value is sent. A program that reads the same value over and over gets one
// more entry a second, which says how often.
type reveals struct {
	server *Server

	mu     sync.Mutex
	recent map[revealKey]*revealed
	closed bool
}

type revealKey struct{ actor, via, remote, target string }

type revealed struct {
	entry rinca.AuditEntry
	more  int // since it was written
}

const revealWindow = time.Second

func (v *reveals) record(ctx context.Context, e rinca.AuditEntry) error {
	key := revealKey{e.Actor, e.Via, e.Remote, e.Target}
	v.mu.Lock()
	if seen := v.recent[key]; seen != nil && !v.closed {
		seen.more++
		v.mu.Unlock()
		return nil
	}
	v.mu.Unlock()
	if _, err := v.server.cfg.DB.Audit(ctx, e); err != nil {
		return rinca.Errorf(rinca.Internal, "a value is not shown, since that cannot be written into the audit log: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.recent == nil {
		v.recent = map[revealKey]*revealed{}
	}
	if v.recent[key] == nil && !v.closed {
		v.recent[key] = &revealed{entry: e}
		time.AfterFunc(revealWindow, func() { v.finish(key) })
	}
	return nil
}

// finish writes how often a value was seen again within the window, and ends
// it.
func (v *reveals) finish(key revealKey) {
	v.mu.Lock()
	seen := v.recent[key]
	delete(v.recent, key)
	v.mu.Unlock()
	if seen == nil || seen.more == 0 {
		return
	}
	e := seen.entry
	e.At, e.Detail = v.server.cfg.Now().UTC(), again(seen.more)
	if _, err := v.server.cfg.DB.Audit(context.Background(), e); err != nil {
		v.server.cfg.Log.Error("write the audit log", "action", e.Action, "error", err)
	}
}

func again(n int) string {
	if n == 1 {
		return "once more within a second"
	}
	return strconv.Itoa(n) + " times more within a second"
}

// close ends every window.
func (v *reveals) close() {
	v.mu.Lock()
	v.closed = true
	var keys []revealKey
	for key := range v.recent {
		keys = append(keys, key)
	}
	v.mu.Unlock()
	for _, key := range keys {
		v.finish(key)
	}
}
