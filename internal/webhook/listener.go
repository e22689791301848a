// Package webhook receives what Git hosts send when somebody pushes, and
// starts what that is about. A delivery is authenticated, kept, and decided
// about: which branch, which files, and what is made of them. It starts
// executions, and does nothing else.
package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"rinca/internal/git"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// Operator is who asks for what deliveries start.
const Operator = "webhook"

// A Resolver looks up secret references.
type Resolver func(context.Context, []rinca.SecretRef) (map[rinca.SecretRef]rinca.Secret, error)

// A Listener answers deliveries. It is safe for use by several goroutines.
// DB, Submit, Mirrors, Known, Now and Log are needed.
type Listener struct {
	DB *store.DB
	// Submit queues an execution.
	Submit  func(context.Context, rinca.Submission) (rinca.Update, error)
	Mirrors *git.Mirrors
	Known   *redact.Known
	Resolve Resolver // of variables that are references; nil: there is no vault
	Now     func() time.Time
	Log     *slog.Logger
	// Secret authenticates deliveries to resources without a secret of their
	// own, before the one that is kept.
	Secret rinca.Secret
	// Patience is how long an answer waits for what a delivery starts; 0 means
	// 8 seconds, for senders wait 10.
	Patience time.Duration

	once        sync.Once
	keeper      *keeper
	guard       guard
	brake       brake
	references  references
	comparisons comparisons
	large       chan struct{} // large bodies that are read at once
	nobody      rinca.Secret  // the secret of what does not exist
	starting    sync.Mutex    // one start at a time, so that equal ones are joined

	mu       sync.Mutex
	inflight map[string]chan struct{} // by the id under which a repeat is found
	awaited  map[string]chan struct{} // by the update whose end is waited for
	added    int                      // deliveries since the last pruning
	pruning  bool
	learned  int64 // the revision of the database whose secrets are masked

	ctx    context.Context //nolint:containedctx // of what goes on after an answer
	cancel context.CancelFunc
	work   sync.WaitGroup
}

func (l *Listener) init() {
	l.once.Do(func() {
		l.keeper = newKeeper(l.DB)
		l.comparisons.slots = make(chan struct{}, 2)
		l.large = make(chan struct{}, 8)
		l.inflight = map[string]chan struct{}{}
		l.nobody = rinca.NewSecret(rand.Text())
		l.ctx, l.cancel = context.WithCancel(context.Background())
		if l.Patience == 0 {
			l.Patience = 8 * time.Second
		}
	})
}

// Run carries out the deliveries that a server left undecided, and removes old
// ones, until ctx ends. What it could not finish then is carried out at the
// next start.
func (l *Listener) Run(ctx context.Context) {
	l.init()
	l.relearn(ctx)
	l.recover(ctx)
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for {
		l.prune(ctx)
		select {
		case <-ctx.Done():
			l.mu.Lock() // nothing begins after this
			l.cancel()
			l.mu.Unlock()
			l.work.Wait()
			return
		case <-hourly.C:
		}
	}
}

// An Answer is what a sender is told.
type Answer struct {
	Delivery string          `json:"delivery"`
	Event    string          `json:"event,omitempty"`
	Ref      string          `json:"ref,omitempty"`
	Commit   string          `json:"commit,omitempty"`
	Started  []rinca.Started `json:"started"`
	Ignored  string          `json:"ignored,omitempty"`
	Note     string          `json:"note,omitempty"`
	Waits    string          `json:"waits,omitempty"`  // why nothing is decided yet
	Repeat   bool            `json:"repeat,omitempty"` // this is what an earlier delivery of that id did
}

func answerOf(d *rinca.Delivery) Answer {
	return Answer{
		Delivery: d.ID, Event: d.Event, Ref: d.Ref, Commit: d.Commit,
		Started: append([]rinca.Started{}, d.Started...), Ignored: d.Ignored, Note: d.Note, Waits: d.Waits,
	}
}

// A refusal is an answer that is no delivery.
type refusal struct {
	status int
	err    error
	wait   time.Duration // before it is worth another try
}

// ServeHTTP answers a delivery. The address of the request is believed to be
// the sender's.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.init()
	answer, no := l.receive(w, r)
	w.Header().Set("Content-Type", "application/json")
	if no == nil {
		_ = json.NewEncoder(w).Encode(answer) // the sender may have gone
		return
	}
	type body struct {
		Code    rinca.Code `json:"code"`
		Message string     `json:"message"`
		Hint    string     `json:"hint,omitempty"`
	}
	mask := l.Known.Masker()
	code, message := rinca.CodeOf(no.err), no.err.Error()
	if code == rinca.Internal || code == rinca.Corrupt {
		l.Log.Error("a delivery could not be received", "error", mask.String(message))
		message = "something went wrong inside the server"
	}
	if no.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(no.wait.Seconds())+1))
	}
	w.WriteHeader(no.status)
	_ = json.NewEncoder(w).Encode(map[string]body{"error": {code, mask.String(message), mask.String(rinca.HintOf(no.err))}})
}

func (l *Listener) receive(w http.ResponseWriter, r *http.Request) (Answer, *refusal) {
	c, err := parseAddress(r.URL.EscapedPath())
	if err != nil {
		return Answer{}, &refusal{status: http.StatusNotFound, err: err}
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return Answer{}, &refusal{status: http.StatusMethodNotAllowed, err: rinca.Errorf(rinca.Invalid, "deliveries come by POST").
			Try("this address is right; put it into the settings of the repository, with the secret")}
	}
	body, no := l.identify(w, r, &c)
	if no != nil {
		return Answer{}, no
	}
	return l.accept(r.Context(), r, c, body)
}

// identify makes sure that the sender knows the secret of what the address is
// about, and returns the body. Who does not know it learns nothing: not even
// whether there is such a resource.
func (l *Listener) identify(w http.ResponseWriter, r *http.Request, c *call) ([]byte, *refusal) {
	sum := sha256.Sum256([]byte(network(r.RemoteAddr) + " " + keyOf(c.target) + " " + c.path))
	name := string(sum[:16]) // of one length, however long the address is
	if wait := l.guard.blocked(name, l.Now()); wait > 0 {
		return nil, &refusal{http.StatusTooManyRequests, rinca.Errorf(rinca.RateLimited, "too many deliveries with a wrong secret").Try("wait, and compare the secrets"), wait}
	}
	l.relearn(r.Context())
	secret, why, err := l.secretOf(r.Context(), c)
	if err != nil {
		return nil, broken(err)
	}
	var body []byte
	if !c.provider.signed { // what needs no body is known before it comes
		why = or(why, c.provider.authentic(r.Header, nil, secret))
	}
	if why == "" || c.provider.signed {
		var no *refusal
		if body, no = l.read(w, r); no != nil {
			return nil, no
		}
	}
	if c.provider.signed {
		proof := c.provider.authentic(r.Header, body, secret)
		why = or(why, proof)
	}
	if why != "" {
		l.guard.failed(name, l.Now())
		l.Log.Warn("a delivery was refused", "address", clean(r.URL.Path, 200), "remote", r.RemoteAddr, "reason", why)
		return nil, &refusal{status: http.StatusUnauthorized, err: rinca.Errorf(rinca.Unauthenticated, "the delivery is not authenticated").
			Try("the secret at the sender has to be the webhook's; the server's log says more")}
	}
	l.guard.passed(name)
	return body, nil
}

// secretOf returns the secret that a call has to know, and finds out what a
// path is of. For what does not exist it is one that nobody knows, so that the
// answer takes as long.
func (l *Listener) secretOf(ctx context.Context, c *call) (rinca.Secret, string, error) {
	why := ""
	if c.path != "" {
		hooks, err := l.DB.Webhooks(ctx)
		if err != nil {
			return rinca.Secret{}, "", err
		}
		why = "no resource has the webhook path " + clean(c.path, 200)
		for t, hook := range hooks {
			if hook.Path == c.path && (why != "" || t.String() < c.target.String()) {
				c.target, why = t, ""
			}
		}
	} else if c.target.Kind != "" {
		ok, err := l.exists(ctx, c.target)
		if err != nil {
			return rinca.Secret{}, "", err
		}
		if !ok {
			why = "there is no " + clean(c.target.String(), 200)
		}
	}
	if why != "" {
		return l.nobody, why, nil
	}
	return l.secret(ctx, c.target)
}

// exists reports whether there is a resource.
func (l *Listener) exists(ctx context.Context, t rinca.Target) (ok bool, err error) {
	switch t.Kind {
	case rinca.KindStack:
		_, err = l.DB.Stack(ctx, t.Name)
	case rinca.KindProcedure:
		_, err = l.DB.Procedure(ctx, t.Name)
	case rinca.KindSync:
		_, err = l.DB.Sync(ctx, t.Name)
	case rinca.KindRepo:
		_, err = l.DB.Repo(ctx, t.Name)
	default:
		return false, nil
	}
	if rinca.CodeOf(err) == rinca.NotFound {
		return false, nil
	}
	return err == nil, err
}

// small is how much of a body anybody may send; more waits for its turn.
const small = 256 << 10

// read reads the body. Few large ones are read at once: they come from
// strangers, and take memory.
func (l *Listener) read(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	tooLarge := &refusal{status: http.StatusRequestEntityTooLarge, err: rinca.Errorf(rinca.Invalid, "the delivery is larger than %d MiB", MaxBody>>20).
		Try("no Git host sends that much: push less at once, or leave events out at the sender")}
	if r.ContentLength > MaxBody {
		return nil, tooLarge
	}
	in := http.MaxBytesReader(w, r.Body, MaxBody)
	var b bytes.Buffer
	_, err := io.CopyN(&b, in, small)
	if err == nil {
		select {
		case l.large <- struct{}{}:
			defer func() { <-l.large }()
		case <-r.Context().Done():
			return nil, broken(r.Context().Err())
		case <-time.After(10 * time.Second):
			return nil, &refusal{http.StatusServiceUnavailable, rinca.Errorf(rinca.Unavailable, "many large deliveries come at once"), 30 * time.Second}
		}
		_, err = io.Copy(&b, in)
	} else if errors.Is(err, io.EOF) {
		err = nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, err: rinca.Errorf(rinca.Invalid, "the body of the delivery breaks off").Because(err)}
	}
	return b.Bytes(), nil
}

func broken(err error) *refusal {
	status := http.StatusInternalServerError
	switch rinca.CodeOf(err) {
	case rinca.Unavailable, rinca.Canceled:
		status = http.StatusServiceUnavailable
	}
	return &refusal{status: status, err: err}
}

// accept keeps an authentic delivery, decides, and starts what it is for.
func (l *Listener) accept(ctx context.Context, r *http.Request, c call, body []byte) (Answer, *refusal) {
	doc, bad := document(r.Header, body)
	var p push
	if bad == nil {
		p, bad = parse(c.provider, eventOf(c.provider, r.Header), doc)
	} else {
		p.event = eventOf(c.provider, r.Header)
	}
	rec := record{Delivery: rinca.Delivery{
		ID: l.DB.ID(), At: l.Now().UTC(), Provider: c.provider.name, RemoteID: clean(first(r.Header, c.provider.ids), 200),
		Path: clean(r.URL.Path, 500), Target: c.target,
	}, Action: c.action, Branch: c.branch, Any: c.every}
	rec.tells(&p)
	if rec.RemoteID != "" {
		rec.Seen = l.keeper.seenID(keyOf(c.target)+" "+c.action+" "+c.provider.name, rec.RemoteID, body)
		earlier, repeat, release, err := l.first(ctx, rec.Seen)
		if err != nil {
			return Answer{}, broken(err)
		}
		if repeat {
			out := answerOf(&earlier.Delivery)
			out.Repeat = true
			return out, nil
		}
		defer release()
	}
	if bad != nil {
		rec.Done, rec.Ignored = true, bad.Error()
		if _, err := l.add(rec, body); err != nil {
			return Answer{}, broken(err)
		}
		return Answer{}, &refusal{status: http.StatusBadRequest, err: bad}
	}
	return l.carry(ctx, rec, p, doc)
}

// carry decides about a delivery, and waits for a while for what it starts.
func (l *Listener) carry(ctx context.Context, rec record, p push, doc []byte) (Answer, *refusal) {
	d := decision{l: l, p: p, call: rec}
	v, err := d.decide(ctx)
	switch {
	case err == nil && len(v.run) == 0:
		rec.Done, rec.Ignored, rec.Note = true, v.ignored, v.note
		if rec, err = l.add(rec, doc); err != nil {
			return Answer{}, broken(err)
		}
		l.said(&rec)
		return answerOf(&rec.Delivery), nil
	case err != nil && !errors.Is(err, errSlow):
		return Answer{}, broken(err)
	}
	// From here on it happens, whether the sender waits or not.
	rec.Waits = "it is being looked at"
	if rec, err = l.add(rec, doc); err != nil {
		return Answer{}, broken(err)
	}
	done := make(chan record, 1)
	if !l.begin(func() { done <- l.process(rec, p) }) {
		return answerOf(&rec.Delivery), nil
	}
	patience := time.NewTimer(l.Patience)
	defer patience.Stop()
	select {
	case rec = <-done:
	case <-patience.C:
	case <-ctx.Done():
	}
	return answerOf(&rec.Delivery), nil
}

// begin starts work that goes on after the answer, unless the server ends.
func (l *Listener) begin(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		return false
	}
	l.work.Go(f)
	return true
}

// first makes sure that deliveries of one id come one after another, and looks
// whether there was one that started something: then this is a repeat. One
// that started nothing is looked at again, for what kept it may have changed.
func (l *Listener) first(ctx context.Context, id string) (earlier record, repeat bool, release func(), err error) {
	for {
		l.mu.Lock()
		other := l.inflight[id]
		if other == nil {
			l.inflight[id] = make(chan struct{})
			l.mu.Unlock()
			break
		}
		l.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return earlier, false, nil, rinca.Errorf(rinca.Canceled, "the sender has gone")
		}
	}
	release = func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		close(l.inflight[id])
		delete(l.inflight, id)
	}
	earlier, repeat, err = l.keeper.seen(ctx, id)
	repeat = repeat && (!earlier.Done || len(earlier.Started) > 0)
	if err != nil || repeat {
		release()
	}
	return earlier, repeat, release, err
}

// tells puts what a push says into the record.
func (rec *record) tells(p *push) {
	rec.Event, rec.Repository, rec.Ref, rec.Before, rec.Commit, rec.Author = p.event, p.repository, p.ref, p.before, p.after, p.author
	rec.Files = shown(p.files)
}

func shown(files []string) []string {
	if len(files) > maxShown {
		files = files[:maxShown]
	}
	var out []string
	for _, f := range files {
		out = append(out, clean(f, 500))
	}
	return out
}

// add keeps a new delivery, and sees to it that old ones go.
func (l *Listener) add(rec record, body []byte) (record, error) {
	rec, err := l.keeper.add(rec, body)
	if err != nil {
		return rec, err
	}
	l.mu.Lock()
	l.added++
	due := l.added >= pruneEvery && !l.pruning
	l.mu.Unlock()
	if due {
		l.begin(func() { l.prune(l.ctx) })
	}
	return rec, nil
}

func (l *Listener) prune(ctx context.Context) {
	l.mu.Lock()
	if l.pruning {
		l.mu.Unlock()
		return
	}
	l.pruning, l.added = true, 0
	l.mu.Unlock()
	err := l.keeper.prune(ctx, l.Now())
	l.mu.Lock()
	l.pruning = false
	l.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		l.Log.Error("remove old deliveries", "error", err)
	}
}

// said tells the log what became of a delivery.
func (l *Listener) said(rec *record) {
	var updates []string
	for _, s := range rec.Started {
		updates = append(updates, s.Update)
	}
	l.Log.Info("a delivery was received", "delivery", rec.ID, "address", rec.Path, "event", rec.Event, "ref", rec.Ref, "commit", rec.Commit,
		"started", strings.Join(updates, " "), "ignored", rec.Ignored, "waits", rec.Waits)
}
