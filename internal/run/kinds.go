package run

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// A Kind is one kind of execution.
type Kind struct {
	Name   string
	Doc    string      // one sentence
	Level  rinca.Level // what its operator needs on the target
	Params any         // a zero value of its parameters

	target func(json.RawMessage) (rinca.Target, error)
	run    func(context.Context, *Runner, json.RawMessage, *deploy.Record) error
	// orchestrates marks a kind that waits for others: it takes no worker.
	orchestrates bool
	// resumes marks a kind that goes on after the end of the server, in place
	// of being closed as interrupted: it finds out itself how far it was.
	resumes bool
	// shares marks a kind that does not keep its target from others.
	shares bool
	// ordered marks a kind that waits for what is being done to the stacks
	// that its stack comes after.
	ordered bool
	// check, if set, looks for what the parameters alone do not tell.
	check func(context.Context, *Runner, json.RawMessage) error
	// expand, if set, says which resources it is about beyond those that the
	// parameters name.
	expand func(context.Context, *Runner, json.RawMessage, rinca.Target) (rinca.Target, error)
	// needs, if set, says which level the parameters need beyond Level.
	needs func(json.RawMessage) rinca.Level
	// closed, if set, is called when an update of the kind has ended.
	closed func(context.Context, *Runner, rinca.Update)
	// on is the kind of resource that its target is; "" means a stack.
	on rinca.Kind
}

// Kinds lists every kind of execution. Adding one is a file, and a line here.
func Kinds() []Kind {
	return []Kind{
		deployStack(),
		deployStackIfChanged(),
		batchDeployStack(),
		batchDeployStackIfChanged(),
		pullStack(),
		startStack(),
		stopStack(),
		restartStack(),
		destroyStack(),
		exportSecrets(),
		rotateSecrets(),
		restoreStack(),
		runProcedure(),
		runSync(),
		sleepFor(),
		backup(),
		pruneUpdates(),
		runStackService(),
		globalAutoUpdate(),
		checkDrift(),
		sendAlert(),
		testAlerter(),
	}
}

// Kinds describes the kinds of executions.
func (r *Runner) Kinds() []rinca.ExecutionKind {
	var out []rinca.ExecutionKind
	for _, k := range Kinds() {
		out = append(out, rinca.ExecutionKind{Name: k.Name, Doc: k.Doc, Target: cmp.Or(k.on, rinca.KindStack), Level: k.Level, Params: k.Params})
	}
	return out
}

func kindOf(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

func unknownKind(name string) error {
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	e := rinca.Errorf(rinca.Invalid, "no execution is called %.60q", name)
	if near := vault.Nearest(name, names); near != "" {
		return e.Try("did you mean %s?", near)
	}
	return e.Try("one of %s", strings.Join(names, ", "))
}

// kind makes a Kind of functions that take its own parameters.
func kind[P any](k Kind, target func(P) (rinca.Target, error), run func(context.Context, *Runner, P, *deploy.Record) error) Kind {
	var zero P
	k.Params = zero
	k.target = func(raw json.RawMessage) (rinca.Target, error) {
		p, err := decode[P](k.Name, raw)
		if err != nil {
			return rinca.Target{}, err
		}
		return target(p)
	}
	k.run = func(ctx context.Context, r *Runner, raw json.RawMessage, rec *deploy.Record) error {
		p, err := decode[P](k.Name, raw)
		if err != nil {
			return err
		}
		return run(ctx, r, p, rec)
	}
	return k
}

// decode reads parameters strictly. The error does not repeat them.
func decode[P any](kind string, raw json.RawMessage) (P, error) {
	var p P
	if len(raw) == 0 {
		raw = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	err := dec.Decode(&p)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = fmt.Errorf("there is more than one document") //nolint:err113 // it becomes one of ours
		}
	}
	if err == nil {
		return p, nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return p, rinca.Errorf(rinca.Invalid, "%s: the parameter %s takes a %s", kind, wrong.Field, wrong.Type)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return p, rinca.Errorf(rinca.Invalid, "%s has no parameter %.80s", kind, name)
	}
	if e, ok := errors.AsType[*rinca.Error](err); ok {
		return p, e
	}
	return p, rinca.Errorf(rinca.Invalid, "the parameters of %s are no JSON object", kind).Because(err)
}

// onStack makes the target of a stack's name.
func onStack(name string) (rinca.Target, error) {
	if !rinca.ValidStackName(name) {
		return rinca.Target{}, rinca.Errorf(rinca.Invalid, "%.80q cannot be the name of a stack", name)
	}
	return rinca.Target{Kind: rinca.KindStack, Name: name}, nil
}
