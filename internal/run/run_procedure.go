package run

import (
	"context"
	"encoding/json"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// ProcedureParams name a procedure, and the values of its parameters.
type ProcedureParams struct {
	Procedure string            `json:"procedure"`
	Params    map[string]string `json:"params,omitempty"`
}

func runProcedure() Kind {
	k := kind(Kind{
		Name:  "RunProcedure",
		Doc:   "Run the stages of a procedure one after another, and the executions of a stage at once.",
		Level: rinca.Execute, on: rinca.KindProcedure,
	}, func(p ProcedureParams) (rinca.Target, error) {
		if !rinca.ValidResourceName(p.Procedure) {
			return rinca.Target{}, rinca.Errorf(rinca.Invalid, "%.80q cannot be the name of a procedure", p.Procedure)
		}
		return rinca.Target{Kind: rinca.KindProcedure, Name: p.Procedure}, nil
	}, func(ctx context.Context, r *Runner, p ProcedureParams, rec *deploy.Record) error {
		return r.procedure(ctx, p, rec)
	})
	k.orchestrates, k.resumes = true, true
	k.check = func(ctx context.Context, r *Runner, raw json.RawMessage) error {
		params, err := decode[ProcedureParams](k.Name, raw)
		if err != nil {
			return err
		}
		p, err := r.DB.Procedure(ctx, params.Procedure)
		if err != nil {
			return err
		}
		_, err = valuesOf(&p, params.Params)
		return err
	}
	k.closed = func(ctx context.Context, r *Runner, u rinca.Update) {
		if err := procedureRuns(r.DB).Delete(ctx, u.ID); err != nil {
			r.Log.Error("forget the stages of a run", "update", u.ID, "error", err)
		}
	}
	return k
}

// procedureRuns keeps what each run began with, so that a change of the
// procedure is for the next one.
func procedureRuns(db *store.DB) store.Records[rinca.Procedure] {
	return store.RecordsOf[rinca.Procedure](db, "procedure run")
}

// procedure carries out a run, from the stage that it was in when the server
// ended, if it did.
func (r *Runner) procedure(ctx context.Context, params ProcedureParams, rec *deploy.Record) error {
	p, err := r.definition(ctx, params, rec.Update().ID)
	if err != nil {
		return err
	}
	job := &procedureRun{Runner: r, rec: rec, p: p, update: rec.Update()}
	if p.Timeout <= 0 {
		return job.run(ctx, ctx)
	}
	late := rinca.Errorf(rinca.Canceled, "the procedure %s took longer than %s", p.Name, time.Duration(p.Timeout))
	// What passed while the server was down counts.
	left := time.Duration(p.Timeout) - max(0, r.Now().Sub(job.update.StartedAt))
	bounded, cancel := context.WithTimeoutCause(ctx, left, late)
	defer cancel()
	return job.run(ctx, bounded)
}

// definition is the procedure as it was when the run began.
func (r *Runner) definition(ctx context.Context, params ProcedureParams, id string) (rinca.Procedure, error) {
	kept, err := procedureRuns(r.DB).Get(ctx, id)
	if err == nil || rinca.CodeOf(err) != rinca.NotFound {
		return kept.Value, err
	}
	p, err := r.DB.Procedure(ctx, params.Procedure)
	if err != nil {
		return p, err
	}
	values, err := valuesOf(&p, params.Params)
	if err != nil {
		return p, err
	}
	if p, err = withValues(p, values); err != nil {
		return p, err
	}
	return p, procedureRuns(r.DB).Put(ctx, store.Record[rinca.Procedure]{ID: id, At: r.Now(), Value: p})
}
