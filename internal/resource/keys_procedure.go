package resource

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/tomltree"
)

// A procedureDraft is a procedure while it is read.
type procedureDraft struct {
	meta
	p rinca.Procedure
}

func procedureTable() *table[procedureDraft] {
	stage := stageTable()
	parameter := tableOf([]key[rinca.Parameter]{
		textKey("name", "[[NAME]] in parameters of executions stands for its value", func(p *rinca.Parameter) *string { return &p.Name }),
		textKey("description", "for people", func(p *rinca.Parameter) *string { return &p.Description }),
		textKey("default", "its value when none is given", func(p *rinca.Parameter) *string { return &p.Default }),
		flagKey("required", "a run needs a value", func(p *rinca.Parameter) *bool { return &p.Required }),
	})
	return tableOf(metaKeys(tableOf(
		[]key[procedureDraft]{
			tablesKey("stages", "one after another", stage, func(d *procedureDraft, s rinca.ProcedureStage) { d.p.Stages = append(d.p.Stages, s) }).also("stage"),
			unlessKey("failure_alert", "false: no alert when a run fails", func(d *procedureDraft) *bool { return &d.p.QuietFailure }),
			flagKey("schedule_alert", "an alert for each run that the schedule starts", func(d *procedureDraft) *bool { return &d.p.ScheduleAlert }),
		},
		scheduleKeys(false, func(d *procedureDraft) *rinca.Schedule { return &d.p.Schedule }),
		webhookKeys(func(d *procedureDraft) *rinca.Webhook { return &d.p.Webhook }, func(d *procedureDraft) *rinca.Secret { return &d.hook }),
		ours(
			tablesKey("parameters", "values that who runs it may give", parameter, func(d *procedureDraft, p rinca.Parameter) { d.p.Parameters = append(d.p.Parameters, p) }),
			durationKey("timeout", "of a whole run; none when it is not given", func(d *procedureDraft) *rinca.Duration { return &d.p.Timeout }),
		),
	)))
}

func stageTable() *table[rinca.ProcedureStage] {
	execution := executionTable()
	return tableOf([]key[rinca.ProcedureStage]{
		textKey("name", "for people", func(s *rinca.ProcedureStage) *string { return &s.Name }),
		unlessKey("enabled", "false: it is left out", func(s *rinca.ProcedureStage) *bool { return &s.Disabled }),
		{name: "executions", aliases: []string{"execution"}, form: "list of tables", doc: "what is done, all at once", nested: execution, read: func(r *reader, n *tomltree.Node, path string, s *rinca.ProcedureStage) {
			r.executions(n, path, execution, s)
		}},
	}, ours(
		oneOfKey("on_failure", "whether later stages run when this one fails", []rinca.OnFailure{rinca.Stop, rinca.Continue}, func(s *rinca.ProcedureStage) *rinca.OnFailure { return &s.OnFailure }),
		durationKey("timeout", "of the stage; none when it is not given", func(s *rinca.ProcedureStage) *rinca.Duration { return &s.Timeout }),
		numberKey("at_once", "at most so many executions at once; 8 when it is not given", 1000, func(s *rinca.ProcedureStage) *int { return &s.AtOnce }),
	))
}

// An executionDraft is an execution of a stage while it is read.
type executionDraft struct {
	e      rinca.StageExecution
	params *tomltree.Node
	at     tomltree.Place // of the kind
	path   string
}

func executionTable() *table[executionDraft] {
	return tableOf([]key[executionDraft]{
		tableKey("execution", "what is done", tableOf([]key[executionDraft]{
			{name: "type", form: "kind of execution", doc: "such as DeployStack", read: func(r *reader, n *tomltree.Node, path string, d *executionDraft) {
				d.e.Execution.Kind, d.at = r.text(n, path), n.Place
			}},
			{name: "params", form: "table", doc: "its parameters", read: func(r *reader, n *tomltree.Node, path string, d *executionDraft) {
				if n.Kind != tomltree.Table {
					r.complain(n.Place, "%s is a table", path)
					return
				}
				d.params, d.path = n, path
			}},
		}), func(d *executionDraft) *executionDraft { return d }),
		unlessKey("enabled", "false: it is left out", func(d *executionDraft) *bool { return &d.e.Disabled }),
	}, ours(
		durationKey("timeout", "of one try; none when it is not given", func(d *executionDraft) *rinca.Duration { return &d.e.Timeout }),
		numberKey("retries", "further tries after one that failed", 100, func(d *executionDraft) *int { return &d.e.Retries }),
		durationKey("retry_delay", "before each of them; 5 seconds when it is not given", func(d *executionDraft) *rinca.Duration { return &d.e.RetryDelay }),
	))
}

// executions reads those of a stage. What only Komodo can do is wrong when it
// is enabled, and left out when it is not.
func (r *reader) executions(n *tomltree.Node, path string, t *table[executionDraft], s *rinca.ProcedureStage) {
	if n.Kind != tomltree.Array {
		r.complain(n.Place, "%s is a list of tables", path)
		return
	}
	for i, item := range n.Items {
		var d executionDraft
		before := len(r.wrong) + r.more
		t.read(r, item, path+"["+strconv.Itoa(i)+"]", &d)
		if before != len(r.wrong)+r.more {
			continue
		}
		if r.execution(item, &d) {
			s.Executions = append(s.Executions, d.e)
		}
	}
}

// execution checks kind and parameters, and reports whether it is kept.
func (r *reader) execution(n *tomltree.Node, d *executionDraft) bool {
	name := d.e.Execution.Kind
	if other, ok := sameExecution()[name]; ok && r.kinds[name].Name == "" && r.kinds[other].Name != "" {
		name = other
	}
	kind, ok := r.kinds[name]
	switch {
	case ok:
	case name == "":
		r.complain(n.Place, "execution.type is missing")
		return false
	case name == "None":
		return false
	case slices.Contains(foreignExecutions(), name) && d.e.Disabled:
		r.warn(d.at, "the execution %s is not supported, ignored", name)
		return false
	case slices.Contains(foreignExecutions(), name):
		r.complain(d.at, "the execution %s is not supported; disable or remove it", name)
		return false
	default:
		r.complain(d.at, "no execution is called %q%s", shown(name), near(name, r.names))
		return false
	}
	d.e.Execution.Kind = name
	params, ok := r.params(kind, d)
	d.e.Execution.Params = params
	return ok
}

// params checks the parameters of an execution by the type that describes
// them, and encodes them.
func (r *reader) params(kind rinca.ExecutionKind, d *executionDraft) (json.RawMessage, bool) {
	known := paramNames(kind.Params)
	out := map[string]any{}
	good := true
	if d.params != nil {
		for _, e := range d.params.Entries {
			if !slices.Contains(known, e.Key) {
				if slices.Contains(foreignParams(), e.Key) {
					r.warn(e.Place, "%s: the parameter %s is not supported, ignored", kind.Name, e.Key)
					continue
				}
				r.complain(e.Place, "%s has no parameter %s%s", kind.Name, shown(e.Key), near(e.Key, known))
				good = false
				continue
			}
			v, ok := r.value(e.Node, d.path+"."+e.Key)
			if good = good && ok; ok {
				out[e.Key] = v
			}
		}
	}
	if !good {
		return nil, false
	}
	if len(out) == 0 {
		return nil, true
	}
	data, err := json.Marshal(out)
	if err != nil {
		r.complain(d.at, "%s: the parameters cannot be written as JSON", kind.Name)
		return nil, false
	}
	return data, r.fits(kind, d, data)
}

// fits reports whether parameters are of the types that their kind takes.
func (r *reader) fits(kind rinca.ExecutionKind, d *executionDraft, data []byte) bool {
	if kind.Params == nil {
		return true
	}
	into := reflect.New(reflect.TypeOf(kind.Params))
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(into.Interface())
	if err == nil {
		return true
	}
	at := d.params.Place
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		name, _, _ := strings.Cut(wrong.Field, ".")
		if n := d.params.Get(name); n != nil {
			at = n.Place
		}
		r.complain(at, "%s: the parameter %s takes a %s", kind.Name, shown(wrong.Field), wrong.Type)
		return false
	}
	if rinca.CodeOf(err) == rinca.Invalid {
		r.fault(at, err)
	} else {
		r.complain(at, "the parameters of %s cannot be read", kind.Name)
	}
	return false
}

// paramNames are the keys of a type in JSON.
func paramNames(params any) []string {
	t := reflect.TypeOf(params)
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			out = append(out, paramNames(reflect.Zero(f.Type).Interface())...)
		case !f.IsExported() || name == "-":
		case name == "":
			out = append(out, f.Name)
		default:
			out = append(out, name)
		}
	}
	return out
}

// value makes a value for JSON.
func (r *reader) value(n *tomltree.Node, path string) (any, bool) {
	switch n.Kind {
	case tomltree.String:
		return n.Text, true
	case tomltree.Bool:
		return n.Text == "true", true
	case tomltree.Number:
		if v, err := strconv.ParseInt(n.Text, 0, 64); err == nil {
			return v, true
		}
		v, err := strconv.ParseFloat(strings.ReplaceAll(n.Text, "_", ""), 64)
		if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
			r.complain(n.Place, "%s is no number that can be used", path)
			return nil, false
		}
		return v, true
	case tomltree.Array:
		out, good := []any{}, true
		for _, item := range n.Items {
			v, ok := r.value(item, path)
			good = good && ok
			out = append(out, v)
		}
		return out, good
	case tomltree.Table:
		out, good := map[string]any{}, true
		for _, e := range n.Entries {
			v, ok := r.value(e.Node, path+"."+shown(e.Key))
			good = good && ok
			out[e.Key] = v
		}
		return out, good
	}
	r.complain(n.Place, "%s is no text, number, truth value, list or table", path)
	return nil, false
}

func (r *reader) procedure(n *tomltree.Node) {
	var d procedureDraft
	if !named(r, r.schema.procedure, n, "procedure", &d) {
		return
	}
	d.p.Name, d.p.Description, d.p.Tags = d.name, d.description, d.tags
	r.set.Procedures = append(r.set.Procedures, itemOf(r, n, &d.meta, d.p))
}
