package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// How often a start is tried that fails for a reason that may pass: a stack
// that is busy, a database that is.
const (
	maxTries = 40
	tryAfter = 30 * time.Second
)

// process decides about a delivery that is kept, starts what it is for, and
// keeps what came of it. When the server ends before, it stays undecided.
func (l *Listener) process(rec record, p push) record {
	d := decision{l: l, p: p, call: rec, slow: true}
	v, err := d.decide(l.ctx)
	if l.ctx.Err() != nil {
		return rec
	}
	if rinca.CodeOf(err) == rinca.NotFound {
		v, err = ignored("what it is about does not exist any more"), nil
	}
	if len(d.files) > 0 {
		rec.Files = shown(d.files)
	}
	rec.Note = v.note
	if err == nil && len(v.run) > 0 {
		running, wait, broken := l.startInOrder(&rec, &p, v.run)
		if running != nil {
			return l.afterSync(rec, p, running)
		}
		err = broken
		if wait > 0 {
			return l.putOff(rec, p, wait, "this started often lately; so it starts once more "+l.Now().Add(wait).UTC().Format("at 15:04:05")+" UTC, with what is there then")
		}
	}
	if l.ctx.Err() != nil {
		return rec
	}
	if err != nil {
		return l.failed(rec, p, err)
	}
	rec.Done, rec.Waits, rec.Due = true, "", time.Time{}
	if v.ignored != "" && len(rec.Started) == 0 && rec.Ignored == "" {
		rec.Ignored = v.ignored
	}
	l.keep(&rec)
	return rec
}

// failed puts a delivery off whose start may work later, and closes another.
func (l *Listener) failed(rec record, p push, err error) record {
	message := l.Known.Masker().String(err.Error())
	switch rinca.CodeOf(err) {
	case rinca.Invalid, rinca.NotFound, rinca.Usage, rinca.Forbidden:
	default:
		if rec.Tries < maxTries {
			rec.Tries++
			l.Log.Warn("a delivery could not start anything yet", "delivery", rec.ID, "error", message)
			return l.putOff(rec, p, tryAfter, message)
		}
	}
	rec.Done, rec.Waits, rec.Ignored = true, "", message
	l.keep(&rec)
	return rec
}

// keep stores what came of a delivery so far, and tells the log.
func (l *Listener) keep(rec *record) {
	if err := l.keeper.save(*rec); err != nil {
		l.Log.Error("keep a delivery", "delivery", rec.ID, "error", err)
	}
	l.said(rec)
}

// putOff looks at a delivery again later, also after a restart.
func (l *Listener) putOff(rec record, p push, wait time.Duration, why string) record {
	rec.Waits, rec.Due = why, l.Now().Add(wait).UTC()
	l.keep(&rec)
	l.begin(func() { l.later(rec, p, wait) })
	return rec
}

func (l *Listener) later(rec record, p push, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		l.process(rec, p)
	case <-l.ctx.Done():
	}
}

// startAll submits executions, but those that this delivery has submitted
// before. wait says that some of them have to be put off.
func (l *Listener) startAll(rec *record, p *push, run []rinca.Execution) (wait time.Duration, err error) {
	l.starting.Lock()
	defer l.starting.Unlock()
	by := or(rec.RedeliveredBy, Operator)
	for _, e := range run {
		target := e.Kind + " " + string(e.Params)
		if slices.Contains(rec.Asked, target) {
			continue
		}
		what := p.ref + " " + p.after
		pause, same := l.mayStart(rec, target, what)
		switch {
		case same && p.isPush:
			// That push has been started often enough: there is nothing new in it.
			rec.Ignored = fmt.Sprintf("the same push started it %d times within the last hour: does it call itself?", sameMost)
			l.Log.Warn("a webhook starts the same over and over; it is not started again for now", "execution", e.Kind, "address", rec.Path, "commit", p.after)
			continue
		case pause > 0:
			wait = max(wait, pause)
			continue
		}
		sum := sha256.Sum256([]byte(target))
		u, err := l.Submit(l.ctx, rinca.Submission{
			Execution: e, Operator: by, Trigger: "webhook", Cause: causeOf(rec, p),
			IdempotencyKey: "delivery " + rec.ID + " " + hex.EncodeToString(sum[:8]), Join: true,
		})
		if err != nil {
			return wait, err
		}
		joined := l.brake.note(target, what, u.ID, l.Now()) || u.Operator != by
		rec.Asked = append(rec.Asked, target)
		rec.Started = append(rec.Started, rinca.Started{Update: u.ID, Execution: e.Kind, Target: u.Target, Joined: joined})
	}
	return wait, nil
}

// mayStart asks the brake, unless a person wants it or a start would only join
// one that waits already.
func (l *Listener) mayStart(rec *record, target, what string) (wait time.Duration, same bool) {
	if rec.Redelivers != "" {
		return 0, false
	}
	if last := l.brake.last(target); last != "" {
		if u, err := l.DB.Update(l.ctx, last); err == nil && u.State == rinca.Queued {
			return 0, false
		}
	}
	return l.brake.check(target, what, l.Now())
}

// causeOf says in words what started a chain.
func causeOf(rec *record, p *push) string {
	text := "call of the webhook " + rec.Path
	if p.isPush {
		text = "push"
		if p.after != "" {
			text += " of " + p.after[:7]
		}
		if p.author != "" {
			text += " by " + p.author
		}
		if p.branch != "" {
			text += " to " + p.branch
		} else if p.tag != "" {
			text += " of the tag " + p.tag
		}
	}
	if rec.RedeliveredBy != "" {
		text += ", delivered again by " + rec.RedeliveredBy
	}
	return text
}

// recover carries out what is kept and undecided. What was started lately is
// remembered: what starts itself gets no new turn by a restart.
func (l *Listener) recover(ctx context.Context) {
	var list []record
	err := l.keeper.each(ctx, func(rec *record) {
		if !rec.Done {
			list = append(list, *rec)
		}
		if l.Now().Sub(rec.At) < samePeriod && rec.Redelivers == "" {
			for i := range min(len(rec.Asked), len(rec.Started)) {
				l.brake.note(rec.Asked[i], rec.Ref+" "+rec.Commit, rec.Started[i].Update, rec.At)
			}
		}
	})
	if err != nil {
		l.Log.Error("read the deliveries that wait", "error", err)
	}
	for i := range list {
		rec := list[i]
		p, err := l.readAgain(ctx, &rec)
		if err != nil {
			l.failed(rec, p, err)
			continue
		}
		wait := max(0, min(rec.Due.Sub(l.Now()), samePeriod))
		l.begin(func() { l.later(rec, p, wait) })
	}
}

// readAgain parses the body of a delivery that is kept.
func (l *Listener) readAgain(ctx context.Context, rec *record) (push, error) {
	doc, err := l.keeper.body(ctx, rec.ID)
	if err != nil {
		return push{}, err
	}
	prov, ok := providerOf(rec.Provider)
	if !ok {
		return push{}, rinca.Errorf(rinca.Invalid, "there is no provider %q any more", rec.Provider)
	}
	if doc, err = document(http.Header{}, doc); err != nil {
		return push{}, err
	}
	return parse(prov, rec.Event, doc)
}

// Redeliver carries out a delivery again, for a person who asks for it: as if
// it had just come, with what is configured now.
func (l *Listener) Redeliver(ctx context.Context, id, by string) (rinca.Delivery, error) {
	l.init()
	old, err := l.record(ctx, id)
	if err != nil {
		return rinca.Delivery{}, err
	}
	p, err := l.readAgain(ctx, &old)
	if rinca.CodeOf(err) == rinca.NotFound {
		return rinca.Delivery{}, rinca.Errorf(rinca.NotFound, "the body of the delivery %s is not kept any more", id).Try("let the sender deliver it again")
	}
	if err != nil {
		return rinca.Delivery{}, err
	}
	doc, err := l.keeper.body(ctx, id)
	if err != nil {
		return rinca.Delivery{}, err
	}
	rec := record{Delivery: rinca.Delivery{
		ID: l.DB.ID(), At: l.Now().UTC(), Provider: old.Provider, Path: old.Path, Target: old.Target,
		Redelivers: old.ID, RedeliveredBy: by,
	}, Action: old.Action, Branch: old.Branch, Any: old.Any}
	rec.tells(&p)
	answer, no := l.carry(ctx, rec, p, doc)
	if no != nil {
		return rinca.Delivery{}, no.err
	}
	return l.Delivery(ctx, answer.Delivery)
}

func (l *Listener) record(ctx context.Context, id string) (record, error) {
	r, err := l.keeper.records.Get(ctx, id)
	if rinca.CodeOf(err) == rinca.NotFound {
		return record{}, rinca.Errorf(rinca.NotFound, "there is no delivery %.60q", id).Try("rinca webhook deliveries")
	}
	return r.Value, err
}

// Delivery returns a delivery, without its body.
func (l *Listener) Delivery(ctx context.Context, id string) (rinca.Delivery, error) {
	l.init()
	rec, err := l.record(ctx, id)
	return rec.Delivery, err
}

// Deliveries lists deliveries, newest first: those to a target, or with nil
// all of them, before an id if there is one.
func (l *Listener) Deliveries(ctx context.Context, t *rinca.Target, before string, limit int) ([]rinca.Delivery, error) {
	l.init()
	f := store.RecordFilter{Before: before, Limit: limit}
	if t != nil {
		f.Key = keyOf(*t)
	}
	page, err := l.keeper.records.List(ctx, f)
	if err != nil {
		return nil, err
	}
	out := make([]rinca.Delivery, len(page))
	for i := range page {
		out[i] = page[i].Value.Delivery
	}
	return out, nil
}
