package connectapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"rinca/internal/vault/embedded"
)

// note is what a handler adds to the log of requests.
type note struct{ version int64 }

type idJSON struct {
	ID string `json:"id"`
}

type activityJSON struct {
	RequestID string    `json:"requestId"`
	Timestamp time.Time `json:"timestamp"`
	Action    string    `json:"action"`
	Result    string    `json:"result"`
	Actor     struct {
		ID        string `json:"id"`
		Account   string `json:"account"`
		JTI       string `json:"jti"`
		UserAgent string `json:"userAgent"`
		RequestIP string `json:"requestIp"`
	} `json:"actor"`
	Resource struct {
		Type        string  `json:"type"`
		Vault       *idJSON `json:"vault,omitempty"`
		Item        *idJSON `json:"item,omitempty"`
		ItemVersion int64   `json:"itemVersion,omitempty"`
	} `json:"resource"`
}

// record appends a request to the log. Requests without a valid token have
// nobody to be recorded for.
func (s *Server) record(rt route, r *request, status int) {
	if r.token.ID == "" || rt.path == "/v1/activity" {
		return
	}
	a := activityJSON{RequestID: requestID(), Timestamp: s.cfg.Now().UTC(), Result: "SUCCESS"}
	a.Action = map[string]string{"GET": "READ", "POST": "CREATE", "DELETE": "DELETE"}[rt.method]
	if a.Action == "" {
		a.Action = "UPDATE"
	}
	if status >= 400 {
		a.Result = "DENY"
	}
	a.Actor.ID, a.Actor.JTI, a.Actor.Account = r.token.ID, r.token.ID, "rinca"
	a.Actor.UserAgent = fmt.Sprintf("%.200s", r.UserAgent())
	a.Actor.RequestIP, _, _ = net.SplitHostPort(r.RemoteAddr)
	a.Resource.Type = "VAULT"
	if r.vaultID != "" {
		a.Resource.Vault = &idJSON{r.vaultID}
	}
	if r.itemID != "" {
		a.Resource.Type, a.Resource.Item, a.Resource.ItemVersion = "ITEM", &idJSON{r.itemID}, r.note.version
	}
	if data, err := json.Marshal(a); err == nil {
		s.activity.add(data)
	}
}

func requestID() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// getActivity lists requests, newest first: those to vaults that the token
// may read, and its own.
func (s *Server) getActivity(r *request) (any, error) {
	q := r.URL.Query()
	limit, errLimit := number(q.Get("limit"), 50)
	offset, errOffset := number(q.Get("offset"), 0)
	if errLimit != nil || errOffset != nil {
		return nil, errorf(400, "limit and offset are numbers from 0")
	}
	s.activity.flush(context.WithoutCancel(r.Context())) // a client that goes takes no entries with it
	entries, _, err := s.cfg.DB.Requests(r.Context(), 1<<30, 0)
	if err != nil {
		return nil, err
	}
	visible := []json.RawMessage{}
	for _, e := range entries {
		var a activityJSON
		if json.Unmarshal(e, &a) != nil {
			continue
		}
		v := a.Resource.Vault
		if a.Actor.JTI == r.token.ID || (v != nil && r.token.Vaults[v.ID].Read) {
			visible = append(visible, e)
		}
	}
	total := len(visible)
	from, to := min(offset, total), min(offset+limit, total)
	r.header.Set("Content-Range", fmt.Sprintf("%d-%d/%d", min(from+1, to), to, total))
	return visible[from:to], nil
}

func number(s string, usual int) (int, error) {
	if s == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 1_000_000 {
		return 0, fmt.Errorf("not a number from 0: %.20q", s)
	}
	return n, nil
}

// An activityLog collects entries and writes them once a second, so that a
// read does not wait for the disk.
type activityLog struct {
	db  *embedded.DB
	log *slog.Logger

	mu      sync.Mutex
	waiting [][]byte
	tokens  map[string]bool // used, and not noted yet

	flushing sync.Mutex // keeps the order of entries
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}
}

// maxWaiting bounds what waits to be written: while the database does not
// answer, a flood is not worth the memory.
const maxWaiting = 20_000

func newActivityLog(db *embedded.DB, log *slog.Logger) *activityLog {
	l := &activityLog{db: db, log: log, tokens: map[string]bool{}, stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-l.stop:
				l.flush(context.Background())
				return
			case <-tick.C:
				l.flush(context.Background())
			}
		}
	}()
	return l
}

func (l *activityLog) add(entry []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) < maxWaiting {
		l.waiting = append(l.waiting, entry)
	}
}

// used notes that a token has been used.
func (l *activityLog) used(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens[id] = true
}

// flush writes what waits. What cannot be written waits on.
func (l *activityLog) flush(ctx context.Context) {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	entries, tokens := l.waiting, l.tokens
	l.waiting, l.tokens = nil, map[string]bool{}
	l.mu.Unlock()
	for id := range tokens {
		if err := l.db.UseToken(ctx, id); err != nil {
			l.log.Warn("note the use of a token", "error", err)
		}
	}
	if err := l.db.LogRequests(ctx, entries...); err != nil {
		l.log.Warn("write the log of requests", "error", err)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.waiting = append(entries, l.waiting[:min(len(l.waiting), maxWaiting-len(entries))]...)
	}
}

func (l *activityLog) close() {
	l.stopOnce.Do(func() { close(l.stop) })
	<-l.done
}
