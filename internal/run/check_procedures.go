package run

import (
	"bytes"
	"slices"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// A Need is what an execution of a procedure is about, and what whoever saves
// the procedure must be allowed there.
type Need struct {
	Where     string // "Stage 2, DeployStack"
	Execution rinca.Execution
	Target    rinca.Target
	Level     rinca.Level
	// Any says that parameters decide which resource it is: it may be any of
	// the target's kind. Target has no name then.
	Any bool
}

// Needs returns what the executions of a procedure need, in order. Invalid when
// a procedure cannot be right: an unknown kind, parameters that its kind does
// not take, a [[NAME]] that is no parameter. Nothing outside the procedure is
// looked at.
func Needs(p *rinca.Procedure) ([]Need, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	sets := samples(p)
	var out []Need
	for i := range p.Stages {
		s := &p.Stages[i]
		for _, e := range s.Executions {
			n, err := needOf(p, i, e.Execution, sets)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
	}
	return out, nil
}

// CheckExecution checks one execution of a procedure by itself, as Needs does.
// Its errors do not say where in the procedure that is.
func CheckExecution(p *rinca.Procedure, stage, execution int) error {
	e := p.Stages[stage].Executions[execution].Execution
	n, err := needOf(p, stage, e, samples(p))
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(err.Error(), strings.TrimSuffix(n.Where, e.Kind))
	return rinca.Errorf(rinca.CodeOf(err), "%s", text).Try("%s", rinca.HintOf(err))
}

// samples are sets of values for the parameters of a procedure: with two one
// sees what depends on them. The third has the defaults.
func samples(p *rinca.Procedure) []map[string]string {
	sets := make([]map[string]string, 3)
	for i := range sets {
		sets[i] = map[string]string{}
	}
	for _, v := range p.Parameters {
		sets[0][v.Name], sets[1][v.Name], sets[2][v.Name] = "param-a", "param-b", v.Default
		if v.Default == "" {
			sets[2][v.Name] = "param-a"
		}
	}
	return sets
}

func needOf(p *rinca.Procedure, stage int, e rinca.Execution, sets []map[string]string) (Need, error) {
	n := Need{Where: stageName(stage, &p.Stages[stage]) + ", " + e.Kind}
	kind, ok := kindOf(e.Kind)
	if !ok {
		return n, in(n.Where, unknownKind(e.Kind))
	}
	var filled []rinca.Execution
	for _, values := range sets {
		raw, missing, err := fill(e.Params, values)
		if err != nil {
			return n, in(n.Where, err)
		}
		if len(missing) > 0 {
			return n, undeclared(p, stage, e.Kind, missing[0])
		}
		filled = append(filled, rinca.Execution{Kind: e.Kind, Params: raw})
	}
	var err error
	n.Execution = filled[2]
	n.Target, n.Level, err = targetOf(n.Execution)
	if bytes.Equal(filled[0].Params, filled[1].Params) {
		return n, in(n.Where, err)
	}
	a, levelA, errA := targetOf(filled[0])
	b, levelB, errB := targetOf(filled[1])
	fixed := errA == nil && errB == nil && a == b
	if err != nil && (errA == nil || allDefaults(p, e)) {
		return n, in(n.Where, err)
	}
	// What the parameters decide may need more than with these values.
	n.Level = max(n.Level, levelA, levelB, kind.Level)
	if fixed {
		n.Target = a
		return n, nil
	}
	n.Any, n.Target = true, rinca.Target{Kind: kind.on}
	if kind.on == "" {
		n.Target.Kind = rinca.KindStack
	}
	if n.Target.Kind == rinca.KindProcedure {
		return n, rinca.Errorf(rinca.Invalid, "%s: which procedure is run cannot be a parameter", n.Where).
			Try("a stage for each, or a procedure for each")
	}
	return n, nil
}

// allDefaults reports whether each parameter that an execution uses has a
// default, so that it can be checked with them.
func allDefaults(p *rinca.Procedure, e rinca.Execution) bool {
	values := map[string]string{}
	for _, v := range p.Parameters {
		if v.Default != "" {
			values[v.Name] = v.Default
		}
	}
	_, missing, err := fill(e.Params, values)
	return err == nil && len(missing) == 0
}

// in says where in a procedure an error is.
func in(where string, err error) error {
	if err == nil {
		return nil
	}
	return rinca.Errorf(rinca.CodeOf(err), "%s: %w", where, err).Try("%s", rinca.HintOf(err))
}

// CheckCalls checks how a procedure calls others: with parameters that they
// have, and in no circle. all may hold the procedure as it was before.
func CheckCalls(p *rinca.Procedure, all []rinca.Procedure) error {
	byName := byName(all)
	byName[p.Name] = p
	return checkCalls(p, byName)
}

func byName(all []rinca.Procedure) map[string]*rinca.Procedure {
	out := make(map[string]*rinca.Procedure, len(all))
	for i := range all {
		out[all[i].Name] = &all[i]
	}
	return out
}

func checkCalls(p *rinca.Procedure, all map[string]*rinca.Procedure) error {
	if path := circle(p.Name, all); path != nil {
		return rinca.Errorf(rinca.Invalid, "the procedure would call itself: %s", strings.Join(path, " → ")).
			Try("take one of these calls out")
	}
	for i := range p.Stages {
		s := &p.Stages[i]
		for _, e := range s.Executions {
			call, ok := callOf(e.Execution)
			if !ok || all[call.Procedure] == nil {
				continue
			}
			if _, err := valuesOf(all[call.Procedure], call.Params); err != nil {
				return in(stageName(i, s)+", RunProcedure", err)
			}
		}
	}
	return nil
}

// callOf returns the parameters of an execution that runs a procedure.
func callOf(e rinca.Execution) (ProcedureParams, bool) {
	if e.Kind != "RunProcedure" {
		return ProcedureParams{}, false
	}
	p, err := decode[ProcedureParams](e.Kind, e.Params)
	return p, err == nil
}

// callsOf lists the procedures that one calls.
func callsOf(p *rinca.Procedure) []string {
	var names []string
	for i := range p.Stages {
		for _, e := range p.Stages[i].Executions {
			if call, ok := callOf(e.Execution); ok {
				names = append(names, call.Procedure)
			}
		}
	}
	return names
}

// Callers lists the procedures that call one.
func Callers(name string, all []rinca.Procedure) []string {
	var out []string
	for i := range all {
		if slices.Contains(callsOf(&all[i]), name) {
			out = append(out, all[i].Name)
		}
	}
	return out
}

// circle returns the calls that lead from a procedure to itself; nil when
// there are none.
func circle(from string, all map[string]*rinca.Procedure) []string {
	seen := map[string]bool{}
	var visit func(name string, path []string) []string
	visit = func(name string, path []string) []string {
		p := all[name]
		if p == nil {
			return nil
		}
		path = append(path, name)
		for _, next := range callsOf(p) {
			if next == from {
				return append(path, next)
			}
			if seen[next] {
				continue
			}
			seen[next] = true
			if found := visit(next, path); found != nil {
				return found
			}
		}
		return nil
	}
	return visit(from, nil)
}

// CheckProcedures checks a set of procedures that is to replace all there are:
// each for itself, what they name, and how they call one another. knows says
// whether a resource is there, or will be.
func CheckProcedures(all []rinca.Procedure, knows func(rinca.Target) bool) error {
	named := byName(all)
	var names []string
	for i := range all {
		names = append(names, all[i].Name)
	}
	for i := range all {
		p := &all[i]
		needs, err := Needs(p)
		if err == nil {
			err = known(needs, knows, names)
		}
		if err == nil {
			err = checkCalls(p, named)
		}
		if err != nil {
			return in("procedure "+p.Name, err)
		}
	}
	return nil
}

func known(needs []Need, knows func(rinca.Target) bool, procedures []string) error {
	for _, n := range needs {
		if n.Any || !Names(n.Target) || knows(n.Target) {
			continue
		}
		e := rinca.Errorf(rinca.Invalid, "%s: there is no %s %q", n.Where, n.Target.Kind, n.Target.Name)
		if n.Target.Kind == rinca.KindProcedure {
			if near := vault.Nearest(n.Target.Name, procedures); near != "" {
				return e.Try("did you mean %s?", near)
			}
		}
		return e
	}
	return nil
}

// Names reports whether a target is one resource with a name, which has to be
// there.
func Names(t rinca.Target) bool {
	return t.Name != "" && t.Kind != rinca.KindSystem && (t.Kind != rinca.KindStack || !isPattern(t.Name))
}
