package deploy

import (
	"context"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// lastSource takes the stack and its source from the last good generation;
// false when there is none. A plan finds the files where they lie.
func (j *job) lastSource(ctx context.Context) (bool, error) {
	g, err := j.goodGeneration(ctx, j.stack.Name)
	if rinca.CodeOf(err) == rinca.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	j.stack, j.given = g.Stack, &g
	if j.planning {
		return true, j.filesInPlace(g)
	}
	return true, j.restoreSource(ctx, g)
}

// useGiven makes the compose reader read what the generation has, and not
// what is on disk.
func (j *job) useGiven() {
	if j.given == nil {
		return
	}
	j.compose.given = j.given.Files
	for path, data := range j.given.Files { // so that an .env file is found that is no more on disk
		j.compose.raw[path] = data
	}
}

// An applying is kept from before containers are touched until the result was
// verified. One that is found tells of a server that ended in between: what
// runs may be anything, though it is what the files say.
type applying struct {
	Update string    `json:"update"`
	At     time.Time `json:"at"`
}

func (d *Deployer) applyings() store.Records[applying] {
	return store.RecordsOf[applying](d.DB, "applying")
}

func (j *job) beginApply(ctx context.Context) error {
	now := j.Now().UTC()
	return j.applyings().Put(context.WithoutCancel(ctx), store.Record[applying]{ID: j.stack.Name, At: now, Value: applying{j.rec.Update().ID, now}})
}

func (j *job) endApply(ctx context.Context) {
	if err := j.applyings().Delete(context.WithoutCancel(ctx), j.stack.Name); err != nil {
		j.Log.Error("note that a stack is verified", "stack", j.stack.Name, "error", err) // the next deploy verifies it again
	}
}

// unverified reports whether the server ended between an apply and its proof.
func (d *Deployer) unverified(ctx context.Context, stack string) bool {
	_, err := d.applyings().Get(ctx, stack)
	return rinca.CodeOf(err) != rinca.NotFound || err == nil
}

// keep is for a deploy that found nothing to do. What a server that ended had
// begun is verified first, and put back when it is not good.
func (j *job) keep(ctx context.Context) error {
	if !j.unverified(ctx, j.stack.Name) {
		return j.keepMark(ctx)
	}
	if !j.stack.Verify.Skip {
		if err := j.rec.Stage(ctx, "Verify", j.verify); err != nil {
			return j.rollback(ctx, err)
		}
	}
	return j.saveMark(ctx)
}
