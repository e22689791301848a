package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// maxEvent bounds one event of a stream, in bytes.
const maxEvent = 32 << 20

// Events calls f for each event that query selects, in order and each once,
// starting after the event with that number (0: from the oldest that is kept;
// below 0: from now on). When the connection breaks it goes on where it was,
// and gives up after Config.Patience. It returns nil when f returns Stop() or
// the server says that there is no more, and f's error when that is another.
func (c *Client) Events(ctx context.Context, query url.Values, after int64, f func(rinca.Event) error) error {
	s := stream{client: c, path: "/v1/events", query: maps.Clone(query), after: after}
	if s.query == nil {
		s.query = url.Values{}
	}
	return s.run(ctx, func(m message) error {
		var e rinca.Event
		if err := json.Unmarshal(m.data, &e); err != nil {
			return rinca.Errorf(rinca.Unavailable, "%s sent an event that cannot be read", c.base).Because(err)
		}
		if e.Seq == 0 {
			e.Seq = m.id
		}
		// Not the highest: numbers are lower after a database was restored.
		if e.Seq > 0 {
			s.after = e.Seq
		}
		return f(e)
	})
}

// Lines calls f for each line of a stream of lines, such as a stack's logs,
// until the server has sent all of them. A connection that breaks is an error:
// lines have no number to go on from.
func (c *Client) Lines(ctx context.Context, path string, query url.Values, f func(rinca.Line) error) error {
	s := stream{client: c, path: path, query: query, after: -1, once: true}
	return s.run(ctx, func(m message) error {
		var l rinca.Line
		if err := json.Unmarshal(m.data, &l); err != nil {
			return rinca.Errorf(rinca.Unavailable, "%s sent a line that cannot be read", c.base).Because(err)
		}
		return f(l)
	})
}

// A message is one event on the wire.
type message struct {
	event string
	id    int64
	data  []byte
}

// A stream reads server-sent events.
type stream struct {
	client *Client
	path   string
	query  url.Values
	after  int64
	once   bool // do not open it again
	alive  bool // it was open once
	lost   time.Time
}

// told is an error of who reads the stream, whatever its code.
type told struct{ error }

func (t *told) Unwrap() error { return t.error }

// errEnded is a stream that the server ended on purpose.
var errEnded = errors.New("ended")

func (s *stream) run(ctx context.Context, f func(message) error) error {
	wait := 100 * time.Millisecond
	for {
		got, err := s.read(ctx, f)
		var told *told
		switch {
		case errors.Is(err, errStop), errors.Is(err, errEnded):
			return nil
		case errors.As(err, &told):
			return told.error
		case ctx.Err() != nil:
			return rinca.Errorf(rinca.Canceled, "canceled").Because(err)
		case s.once || !s.alive:
			return err
		}
		if code := rinca.CodeOf(err); code != rinca.Unavailable && code != rinca.RateLimited {
			return err
		}
		if got {
			wait, s.lost = 100*time.Millisecond, time.Time{}
		}
		if s.lost.IsZero() {
			s.lost = time.Now()
		}
		if time.Since(s.lost) > s.client.Patience {
			return err
		}
		if pause(ctx, wait) != nil {
			return rinca.Errorf(rinca.Canceled, "canceled").Because(err)
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// read opens the stream and reads it to its end, and reports whether any
// message came.
func (s *stream) read(ctx context.Context, f func(message) error) (got bool, err error) {
	c := s.client
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := c.request(reading, http.MethodGet, s.url(), nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Accept", "text/event-stream")
	if s.after > 0 {
		req.Header.Set("Last-Event-ID", strconv.FormatInt(s.after, 10))
	}
	// A connection that died without a word would be read for ever.
	idle := time.AfterFunc(c.Idle, cancel)
	defer idle.Stop()
	resp, err := c.http.Do(req)
	if err != nil {
		return false, s.cut(ctx, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNoContent:
		return false, errEnded
	case resp.StatusCode != http.StatusOK:
		return false, c.answered(resp)
	case !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream"):
		return false, rinca.Errorf(rinca.Invalid, "%s does not answer with a stream, as Rinca does", c.base).Try("check RINCA_HOST, and what stands between here and the server")
	}
	s.alive = true
	r := &reader{in: bufio.NewReaderSize(resp.Body, 64<<10), told: func() { idle.Reset(c.Idle) }}
	for {
		m, err := r.next()
		if err != nil {
			return got, s.cut(ctx, err)
		}
		got = true
		switch m.event {
		case "end":
			return got, errEnded
		case "error":
			return got, failure(m)
		}
		// f may take its time; that is not the server's silence.
		idle.Stop()
		if err := f(m); err != nil {
			return got, &told{err}
		}
		idle.Reset(c.Idle)
	}
}

func (s *stream) url() string {
	query := url.Values{}
	maps.Copy(query, s.query)
	if s.after >= 0 {
		query.Set("after", strconv.FormatInt(s.after, 10))
	}
	if len(query) == 0 {
		return s.path
	}
	return s.path + "?" + query.Encode()
}

func (s *stream) cut(ctx context.Context, err error) error {
	if errors.Is(err, errLong) {
		return rinca.Errorf(rinca.Invalid, "%s sent an event of more than %d bytes", s.client.base, maxEvent)
	}
	if errors.Is(err, io.EOF) && s.once {
		return errEnded
	}
	return s.client.unreachable(ctx, err)
}

// failure is an error that the server sends within a stream.
func failure(m message) error {
	var e envelope
	if json.Unmarshal(m.data, &e) != nil || e.Error.Code == "" {
		return rinca.Errorf(rinca.Unavailable, "the server ended the stream")
	}
	return e.err()
}

// errLong is an event that is longer than any that a server sends.
var errLong = errors.New("event too long")

// A reader parses server-sent events.
type reader struct {
	in   *bufio.Reader
	told func() // something came
}

// next returns the next message that has data. An unfinished one at the end
// is no message.
func (r *reader) next() (message, error) {
	var m message
	var data []string
	size := 0
	for {
		line, err := r.line(maxEvent - size)
		if err != nil {
			return message{}, err
		}
		size += len(line)
		if line == "" {
			if len(data) == 0 && m.event == "" {
				continue
			}
			m.data = []byte(strings.Join(data, "\n"))
			return m, nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			m.event = value
		case "data":
			data = append(data, value)
		case "id":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				m.id = n
			}
		}
	}
}

// line reads a line that ends in LF or CRLF, without its end.
func (r *reader) line(limit int) (string, error) {
	var b strings.Builder
	for {
		part, err := r.in.ReadSlice('\n')
		r.told()
		b.Write(part)
		if b.Len() > limit {
			return "", errLong
		}
		if err == nil {
			return strings.TrimRight(b.String(), "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
	}
}
