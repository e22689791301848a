package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"rinca/internal/rinca"
)

// An sse writes server-sent events to one client. A client that does not take
// them within Config.Patience is dropped: its context ends, and every write
// fails. It is safe for use by several goroutines.
type sse struct {
	ctx     context.Context //nolint:containedctx // ends with the stream
	cancel  context.CancelFunc
	request *request

	mu       sync.Mutex
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	buf      bytes.Buffer
	err      error
}

// stream answers with server-sent events until the function returns, the
// client goes, or the server closes.
func (s *Server) stream(w http.ResponseWriter, r *request, write stream) int {
	if s.streams.Add(1) > int64(s.cfg.MaxStreams) {
		s.streams.Add(-1)
		w.Header().Set("Retry-After", "10")
		return s.fail(w, r, rinca.Errorf(rinca.Unavailable, "there are %d streams already", s.cfg.MaxStreams).Try("again later"))
	}
	defer s.streams.Add(-1)
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return http.StatusOK
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	out := &sse{ctx: ctx, cancel: cancel, request: r, w: w, control: http.NewResponseController(w), patience: s.cfg.Patience}
	// The limits of ordinary requests do not hold here. Without a deadline for
	// reading, the server notices at once when the client goes.
	_ = out.control.SetReadDeadline(time.Time{}) // only a writer of a test cannot
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h["Cache-Control"] = noStore
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	out.beat()
	var beating sync.WaitGroup
	beating.Go(func() { s.heartbeat(out) })
	err := s.guarded(r, out, write)
	if err != nil && ctx.Err() == nil {
		_, body := s.failure(r, err)
		out.send("error", 0, body)
	} else if err == nil && ctx.Err() == nil {
		out.send("end", 0, struct{}{})
	}
	cancel()
	beating.Wait()
	return http.StatusOK
}

func (s *Server) guarded(r *request, out *sse, write stream) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.cfg.Log.Error("panic", "request", r.id, "stack", string(debug.Stack()))
			err = rinca.Errorf(rinca.Internal, "panic")
		}
	}()
	return write(out)
}

// heartbeat says now and then that the stream lives, and ends it when its
// reader's credential does not hold any more.
func (s *Server) heartbeat(out *sse) {
	tick := time.NewTicker(s.cfg.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-out.ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := s.stillThere(out); err != nil {
			_, body := s.failure(out.request, err)
			out.send("error", 0, body)
			out.cancel()
			return
		}
		out.beat()
	}
}

// stillThere asks again who reads a stream, and what they may.
func (s *Server) stillThere(out *sse) (*rinca.Identity, error) {
	if out.request.who == nil {
		return nil, rinca.Errorf(rinca.Unauthenticated, "this needs an API key or a session")
	}
	return s.cfg.Auth.Authenticate(out.ctx, out.request.token, out.request.remote)
}

// send writes one event and flushes it. id 0 means none.
func (o *sse) send(event string, id int64, data any) {
	body, err := json.Marshal(data)
	if err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.put(event, id, body)
	o.flush()
}

// put adds an event to what the next flush writes. mu is held.
func (o *sse) put(event string, id int64, data []byte) {
	if id > 0 {
		o.buf.WriteString("id: ")
		o.buf.WriteString(strconv.FormatInt(id, 10))
		o.buf.WriteByte('\n')
	}
	if event != "" {
		o.buf.WriteString("event: ")
		o.buf.WriteString(event)
		o.buf.WriteByte('\n')
	}
	o.buf.WriteString("data: ")
	o.buf.Write(data) // JSON has no line breaks
	o.buf.WriteString("\n\n")
}

func (o *sse) beat() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.WriteString(": \n\n")
	o.flush()
}

// flush writes what there is, and ends the stream when the client does not
// take it. mu is held.
func (o *sse) flush() {
	if o.err == nil && o.ctx.Err() == nil {
		o.err = o.control.SetWriteDeadline(time.Now().Add(o.patience))
	}
	if o.err == nil {
		_, o.err = o.w.Write(o.buf.Bytes())
	}
	if o.err == nil {
		o.err = o.control.Flush()
	}
	if o.err != nil {
		o.cancel()
	}
	o.buf.Reset()
	if o.buf.Cap() > 1<<20 {
		o.buf = bytes.Buffer{}
	}
}

// failed returns why the stream ended, or nil.
func (o *sse) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
