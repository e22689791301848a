package run

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"rinca/internal/interpolate"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// fill returns the parameters of an execution with every [[NAME]] in their
// texts filled in. Names that values lacks are returned too, each once; then
// the rest is not set. Values are not looked at again.
func fill(raw json.RawMessage, values map[string]string) (filled json.RawMessage, missing []string, err error) {
	if !bytes.Contains(raw, []byte("[[")) && !bytes.Contains(raw, []byte(`\u005`)) {
		return raw, nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, nil, rinca.Errorf(rinca.Invalid, "the parameters are no JSON")
	}
	lookup := func(name string) (rinca.Secret, bool) {
		v, ok := values[name]
		if !ok && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
		return rinca.NewSecret(v), ok
	}
	doc = eachText(doc, func(text string) string {
		out, _, _ := interpolate.Text("", text, lookup) // the lookup notes what is missing
		return out.Reveal()
	})
	if len(missing) > 0 {
		return nil, missing, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return nil, nil, rinca.Errorf(rinca.Internal, "encode the parameters: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil, nil
}

// eachText changes every text in a document; keys are left as they are.
func eachText(doc any, change func(string) string) any {
	switch v := doc.(type) {
	case string:
		return change(v)
	case []any:
		for i := range v {
			v[i] = eachText(v[i], change)
		}
	case map[string]any:
		// In order, so that what is missing is always told in the same order.
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			v[k] = eachText(v[k], change)
		}
	}
	return doc
}

// valuesOf returns the values of a procedure's parameters for a run: those
// that were given, and the defaults of the others.
func valuesOf(p *rinca.Procedure, given map[string]string) (map[string]string, error) {
	values := map[string]string{}
	var names []string
	for _, v := range p.Parameters {
		names = append(names, v.Name)
		value, ok := given[v.Name]
		if !ok && v.Required {
			return nil, rinca.Errorf(rinca.Invalid, "the procedure %s needs the parameter %s", p.Name, v.Name).
				Try("rinca procedure run %q --param %s=VALUE", p.Name, v.Name)
		}
		if !ok {
			value = v.Default
		}
		values[v.Name] = value
	}
	for name := range given {
		if _, ok := values[name]; ok {
			continue
		}
		e := rinca.Errorf(rinca.Invalid, "the procedure %s has no parameter %.60q", p.Name, name)
		switch near := vault.Nearest(name, names); {
		case near != "":
			return nil, e.Try("did you mean %s?", near)
		case len(names) > 0:
			return nil, e.Try("it has: %s", strings.Join(names, ", "))
		}
		return nil, e.Try("it has none")
	}
	return values, nil
}

// withValues returns the procedure with its parameters filled in everywhere.
func withValues(p rinca.Procedure, values map[string]string) (rinca.Procedure, error) {
	p.Stages = slices.Clone(p.Stages)
	for i := range p.Stages {
		s := &p.Stages[i]
		s.Executions = slices.Clone(s.Executions)
		for k := range s.Executions {
			e := &s.Executions[k].Execution
			filled, missing, err := fill(e.Params, values)
			if err != nil {
				return p, rinca.Errorf(rinca.Invalid, "%s, %s: %w", stageName(i, s), e.Kind, err)
			}
			if len(missing) > 0 {
				return p, undeclared(&p, i, e.Kind, missing[0])
			}
			e.Params = filled
		}
	}
	return p, nil
}

func undeclared(p *rinca.Procedure, stage int, kind, name string) error {
	var names []string
	for _, v := range p.Parameters {
		names = append(names, v.Name)
	}
	e := rinca.Errorf(rinca.Invalid, "%s, %s: [[%s]] is no parameter of the procedure", stageName(stage, &p.Stages[stage]), kind, name)
	if near := vault.Nearest(name, names); near != "" {
		return e.Try("did you mean [[%s]]? The text itself is written [[[%s]]]", near, name)
	}
	return e.Try("add it to parameters; the text itself is written [[[%s]]]", name)
}
