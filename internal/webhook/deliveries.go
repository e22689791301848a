package webhook

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"sync"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// How much of the past is kept.
const (
	keepFor    = 30 * 24 * time.Hour
	keepCount  = 10_000
	keepBodies = 256 << 20 // bytes, compressed; older bodies go, and their deliveries stay
	pruneEvery = 2000      // deliveries
)

// MaxBody is the largest body of a delivery, in bytes: as much as GitHub sends.
const MaxBody = 25 << 20

// maxShown is how many files of a push are kept with its delivery.
const maxShown = 200

// A record is a delivery as it is kept.
type record struct {
	rinca.Delivery
	Done bool `json:"done,omitempty"`
	// Seen is the id under which a repeat finds it; Size that of its body.
	Seen string `json:"seen,omitempty"`
	Size int    `json:"size,omitempty"`
	// Action, Branch and Any are what its address said.
	Action string    `json:"action"`
	Branch string    `json:"branch,omitempty"`
	Any    bool      `json:"any,omitempty"`
	Asked  []string  `json:"asked,omitempty"` // executions that were submitted
	Tries  int       `json:"tries,omitempty"`
	Due    time.Time `json:"due,omitzero"` // when it is looked at again
}

// A datum is what is kept beside deliveries: a body, or which delivery a
// sender's id stands for.
type datum struct {
	Gzip     []byte `json:"gzip,omitempty"`
	Delivery string `json:"delivery,omitempty"`
}

// keeper keeps deliveries. What several want to write at once is one
// transaction, so that a storm does not wait for the disk once each.
type keeper struct {
	db      *store.DB
	records store.Records[record]
	data    store.Records[datum]

	mu      sync.Mutex
	waiting []*writing
	busy    bool
}

// A writing is a delivery that is to be kept.
type writing struct {
	rec  record
	data []store.Record[datum]
	done chan struct{}
	err  error
}

func newKeeper(db *store.DB) *keeper {
	return &keeper{db: db, records: store.RecordsOf[record](db, "delivery"), data: store.RecordsOf[datum](db, "delivery data")}
}

func keyOf(t rinca.Target) string { return string(t.Kind) + "/" + t.Name }

func bodyID(delivery string) string { return "body/" + delivery }

// seenID is under which a delivery is found again: by whose it is, what the
// sender calls it, and what it says.
func (k *keeper) seenID(key, remote string, body []byte) string {
	sum := sha256.Sum256(body)
	d := k.db.Digest("delivery", []byte(key), []byte(remote), sum[:])
	return "seen/" + hex.EncodeToString(d[:])
}

// add keeps a new delivery with its body. It is on disk afterwards.
func (k *keeper) add(rec record, body []byte) (record, error) {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // the level is one
	_, _ = z.Write(body)                            // a buffer takes everything
	_ = z.Close()
	rec.Size = b.Len()
	w := &writing{rec: rec, data: []store.Record[datum]{{ID: bodyID(rec.ID), At: rec.At, Value: datum{Gzip: b.Bytes()}}}}
	if rec.Seen != "" {
		w.data = append(w.data, store.Record[datum]{ID: rec.Seen, At: rec.At, Value: datum{Delivery: rec.ID}})
	}
	return rec, k.write(w)
}

// save keeps what a delivery has become.
func (k *keeper) save(rec record) error { return k.write(&writing{rec: rec}) }

// write waits until it is on disk. What comes while a transaction is written
// goes into the next one.
func (k *keeper) write(w *writing) error {
	w.done = make(chan struct{})
	k.mu.Lock()
	k.waiting = append(k.waiting, w)
	leads := !k.busy
	k.busy = true
	k.mu.Unlock()
	if leads {
		go k.lead() // in nobody's request: it goes on as long as more comes
	}
	<-w.done
	return w.err
}

// Bounds of one transaction.
const (
	maxBatch      = 256      // deliveries
	maxBatchBytes = 16 << 20 // of bodies, but for one that is larger
)

func (k *keeper) lead() {
	for {
		k.mu.Lock()
		n, size := 0, 0
		for n < min(len(k.waiting), maxBatch) && (n == 0 || size < maxBatchBytes) {
			size += k.waiting[n].rec.Size
			n++
		}
		batch := k.waiting[:n]
		k.waiting = k.waiting[n:]
		if len(batch) == 0 {
			k.busy = false
			k.mu.Unlock()
			return
		}
		k.mu.Unlock()
		err := k.commit(batch)
		for _, w := range batch {
			w.err = err
			close(w.done)
		}
	}
}

// commit writes bodies first, and what sender's ids stand for: a delivery
// without its body could not be carried out after a crash, and an id without
// its delivery counts for nothing.
func (k *keeper) commit(batch []*writing) error {
	ctx := context.Background() // the sender may have gone; what it sent has not
	var data []store.Record[datum]
	recs := make([]store.Record[record], 0, len(batch))
	for _, w := range batch {
		data = append(data, w.data...)
		recs = append(recs, store.Record[record]{ID: w.rec.ID, Key: keyOf(w.rec.Target), At: w.rec.At, Value: w.rec})
	}
	if len(data) > 0 {
		if err := k.data.PutAll(ctx, data); err != nil {
			return err
		}
	}
	return k.records.PutAll(ctx, recs)
}

// seen returns the delivery that a repeat is one of.
func (k *keeper) seen(ctx context.Context, id string) (record, bool, error) {
	d, err := k.data.Get(ctx, id)
	if err == nil {
		var r store.Record[record]
		if r, err = k.records.Get(ctx, d.Value.Delivery); err == nil {
			return r.Value, true, nil
		}
	}
	if rinca.CodeOf(err) == rinca.NotFound {
		err = nil
	}
	return record{}, false, err
}

// body returns what was sent.
func (k *keeper) body(ctx context.Context, delivery string) ([]byte, error) {
	d, err := k.data.Get(ctx, bodyID(delivery))
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(d.Value.Gzip))
	if err != nil {
		return nil, rinca.Errorf(rinca.Corrupt, "the body of the delivery %s cannot be read", delivery).Because(err)
	}
	body, err := io.ReadAll(io.LimitReader(z, MaxBody+1))
	if err != nil {
		return nil, rinca.Errorf(rinca.Corrupt, "the body of the delivery %s cannot be read", delivery).Because(err)
	}
	return body, nil
}

// each visits every delivery that is kept, the oldest first.
func (k *keeper) each(ctx context.Context, visit func(*record)) error {
	f := store.RecordFilter{Oldest: true, Limit: 1000}
	for {
		page, err := k.records.List(ctx, f)
		if err != nil {
			return err
		}
		for i := range page {
			visit(&page[i].Value)
		}
		if len(page) < f.Limit {
			return nil
		}
		f.After = page[len(page)-1].ID
	}
}

// prune removes deliveries that are too old or too many, and bodies that are
// too much. What waits is kept.
func (k *keeper) prune(ctx context.Context, now time.Time) error {
	kept, bodies := 0, 0
	var gone []record
	var light []string // deliveries that lose their body
	f := store.RecordFilter{Limit: 1000}
	for {
		page, err := k.records.List(ctx, f)
		if err != nil {
			return err
		}
		for i := range page {
			rec := page[i].Value
			switch old := now.Sub(rec.At) > keepFor; {
			case !rec.Done:
			case old || kept >= keepCount:
				gone = append(gone, record{Delivery: rinca.Delivery{ID: rec.ID}, Seen: rec.Seen})
				continue
			}
			kept++
			if bodies += rec.Size; bodies > keepBodies && rec.Done && rec.Size > 0 {
				light = append(light, bodyID(rec.ID))
			}
		}
		if len(page) < f.Limit {
			break
		}
		f.Before = page[len(page)-1].ID
	}
	return k.remove(ctx, gone, light)
}

func (k *keeper) remove(ctx context.Context, gone []record, light []string) error {
	for len(light) > 0 {
		n := min(len(light), 500)
		if err := k.data.Delete(ctx, light[:n]...); err != nil {
			return err
		}
		light = light[n:]
	}
	for len(gone) > 0 {
		n := min(len(gone), 500)
		var ids, data []string
		for i := range gone[:n] {
			ids = append(ids, gone[i].ID)
			data = append(data, bodyID(gone[i].ID))
			if gone[i].Seen != "" {
				data = append(data, gone[i].Seen)
			}
		}
		if err := k.records.Delete(ctx, ids...); err != nil {
			return err
		}
		if err := k.data.Delete(ctx, data...); err != nil {
			return err
		}
		gone = gone[n:]
	}
	return nil
}
