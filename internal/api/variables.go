package api

import (
	"rinca/internal/rinca"
)

func variableRoutes() []route {
	const one = "/v1/variables/{name}"
	stack := []param{{"stack", "the stack that it belongs to; without it, a variable of all stacks"}}
	needs := func(level rinca.Level) need {
		return need{access: onTarget, kind: rinca.KindVariable, level: level, name: variableInPath()}
	}
	reveal := needs(rinca.Read)
	reveal.reveal = true
	return []route{
		{
			pattern: "GET /v1/variables", need: list(), doc: "List the variables that you may read, without values of secret ones.",
			query: []param{{"stack", "only those of a stack"}, {"used", "true: with the stacks that use each"}},
			out:   []variableRow{}, serve: (*Server).getVariables,
		}, {
			pattern: "GET " + one, need: needs(rinca.Read), query: stack, doc: "Show a variable and what uses it, without its value.",
			out: variableDetail{}, serve: (*Server).getVariable,
		}, {
			pattern: "PUT " + one, need: needs(rinca.Write), query: stack, audit: "variable.update", limit: 7 << 20,
			doc: "Set a variable; without value and from, a value that is there is kept.",
			in:  variableInput{}, out: variableJSON{}, serve: (*Server).putVariable,
		}, {
			pattern: "DELETE " + one, need: needs(rinca.Write), query: stack, audit: "variable.delete",
			doc: "Delete a variable; stacks that use it cannot be deployed any more.", serve: (*Server).deleteVariable,
		}, {
			pattern: "GET " + one + "/value", need: reveal, query: stack, audit: "variable.reveal",
			doc: "Show the value of a variable; that of a secret one needs the right Reveal.",
			out: valueJSON{}, serve: (*Server).getValue,
		}, {
			pattern: "GET " + one + "/versions", need: needs(rinca.Read), query: stack, doc: "List the changes of a variable, without values.",
			out: []rinca.VariableVersion{}, serve: (*Server).getVersions,
		},
	}
}

// A variableJSON is a variable in an answer. Value is there for variables
// that are not secret.
type variableJSON struct {
	rinca.Variable
	Value string `json:"value,omitempty"`
}

// A variableRow is a variable in a list. UsedBy is there when it was asked for.
type variableRow struct {
	variableJSON
	UsedBy []string `json:"used_by,omitempty"` // stacks that the caller may read
}

type variableDetail struct {
	variableJSON
	UsedBy []string `json:"used_by"` // stacks that the caller may read
}

// A variableInput says what to set. Exactly one of Value and From, or none of
// them to keep what is there.
type variableInput struct {
	Value       secretText `json:"value,omitzero"`
	From        string     `json:"from,omitempty"`
	Secret      *bool      `json:"secret,omitempty"`
	Description *string    `json:"description,omitempty"`
}

type valueJSON struct {
	Value string `json:"value"`
	From  string `json:"from,omitempty"` // in place of a value
}

func variableInPath() from {
	return from{doc: "{name}, or stack/{name}", find: func(_ *Server, r *request) (rinca.Target, error) {
		v := rinca.Variable{Name: r.PathValue("name"), Stack: r.URL.Query().Get("stack")}
		if !rinca.ValidVariableName(v.Name) {
			return v.Target(), rinca.Errorf(rinca.Invalid, "%.40q is no name of a variable", v.Name).Try("letters, digits and _, the first no digit")
		}
		if v.Stack != "" && !rinca.ValidStackName(v.Stack) {
			return v.Target(), rinca.Errorf(rinca.Invalid, "%.40q is no name of a stack", v.Stack)
		}
		return v.Target(), nil
	}}
}

// shownVariable is a variable without the value of a secret one.
func shownVariable(v rinca.Variable) variableJSON {
	out := variableJSON{Variable: v}
	if !v.Secret {
		out.Value = v.Value.Reveal()
	}
	return out
}

// variable returns the variable that a request is about.
func (s *Server) variable(r *request) (rinca.Variable, error) {
	if r.variable != nil {
		return *r.variable, nil
	}
	v, err := s.cfg.DB.Variable(r.Context(), r.URL.Query().Get("stack"), r.PathValue("name"))
	if err != nil {
		return v, s.here(r, err)
	}
	r.variable = &v
	return v, nil
}

func (s *Server) getVariables(r *request) (any, error) {
	stack := r.URL.Query().Get("stack")
	used, err := r.flag("used")
	if err != nil {
		return nil, err
	}
	if stack != "" || used { // a deploy changes what is used, and no resource
		return s.listVariables(r, stack, used)
	}
	return s.lists.get(s, r, "variables", func() (any, error) { return s.listVariables(r, "", false) })
}

func (s *Server) listVariables(r *request, stack string, used bool) (any, error) {
	all, err := s.cfg.DB.Variables(r.Context())
	if err != nil {
		return nil, err
	}
	out := []variableRow{}
	for i := range all {
		if stack != "" && all[i].Stack != stack || !r.may(all[i].Target(), rinca.Read) {
			continue
		}
		row := variableRow{variableJSON: shownVariable(all[i])}
		if used {
			if row.UsedBy, err = s.usedBy(r, all[i]); err != nil {
				return nil, err
			}
		}
		out = append(out, row)
	}
	return out, nil
}

// usedBy returns the stacks that use a variable, and that the caller may read.
func (s *Server) usedBy(r *request, v rinca.Variable) ([]string, error) {
	used, err := s.cfg.Deploy.UsedBy(r.Context(), v)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, name := range used {
		if r.may(rinca.Target{Kind: rinca.KindStack, Name: name}, rinca.Read) {
			out = append(out, name)
		}
	}
	return out, nil
}

func (s *Server) getVariable(r *request) (any, error) {
	v, err := s.variable(r)
	if err != nil {
		return nil, err
	}
	used, err := s.usedBy(r, v)
	return variableDetail{shownVariable(v), used}, err
}

func (s *Server) putVariable(r *request) (any, error) {
	in := body[variableInput](r)
	v := rinca.Variable{Name: r.PathValue("name"), Stack: r.URL.Query().Get("stack")}
	before, err := s.cfg.DB.Variable(r.Context(), v.Stack, v.Name)
	isNew := rinca.CodeOf(err) == rinca.NotFound
	if err != nil && !isNew {
		return nil, err
	}
	if err := s.checkVariable(r, in, &v, isNew); err != nil {
		return nil, err
	}
	// A reference reaches every item of the vault, and not the stack's alone:
	// rights on the stack do not suffice for a new one.
	if in.From != "" && in.From != before.From && r.who.On(v.Target()).Level < rinca.Write {
		return nil, denied(v.Target(), rinca.Write)
	}
	keep := !in.Value.IsSet() && in.From == ""
	v.Secret = before.Secret
	if in.Secret != nil {
		v.Secret = *in.Secret
	}
	if before.Secret && !v.Secret && keep {
		return nil, rinca.Errorf(rinca.Invalid, "a secret variable does not become one that everybody sees, without a new value").Try("send value, or from")
	}
	v.Description = before.Description
	if in.Description != nil {
		v.Description = *in.Description
	}
	v.Value, v.From = in.Value.Secret, in.From
	if keep {
		v.From = before.From
		if !before.Secret {
			v.Value = before.Value
		}
	}
	v.UpdatedBy = r.user()
	if v.Secret {
		r.detail = "secret"
	}
	if v, err = s.cfg.DB.PutVariable(r.Context(), v, modeOf(r)); err != nil {
		return nil, err
	}
	return shownVariable(v), nil
}

func (s *Server) checkVariable(r *request, in *variableInput, v *rinca.Variable, isNew bool) error {
	switch {
	case in.Value.IsSet() && in.From != "":
		return rinca.Errorf(rinca.Invalid, "value and from exclude each other")
	case isNew && !in.Value.IsSet() && in.From == "":
		return rinca.Errorf(rinca.Invalid, "value is missing").Try("value, or from with a secret reference")
	case in.Value.Len() > rinca.MaxVariable:
		return rinca.Errorf(rinca.Invalid, "value is larger than %d bytes", rinca.MaxVariable)
	case in.Description != nil && len(*in.Description) > 10_000:
		return rinca.Errorf(rinca.Invalid, "description is longer than 10000 bytes")
	}
	if in.From != "" {
		if _, err := rinca.ParseSecretRef(in.From); err != nil {
			return err
		}
	}
	if v.Stack != "" && isNew {
		if _, err := s.cfg.DB.Stack(r.Context(), v.Stack); err != nil {
			if rinca.CodeOf(err) == rinca.NotFound {
				return missing(rinca.Target{Kind: rinca.KindStack, Name: v.Stack})
			}
			return err
		}
	}
	return nil
}

func (s *Server) deleteVariable(r *request) (any, error) {
	return nil, s.here(r, s.cfg.DB.DeleteVariable(r.Context(), r.URL.Query().Get("stack"), r.PathValue("name")))
}

func (s *Server) getValue(r *request) (any, error) {
	v, err := s.variable(r)
	if err != nil {
		return nil, err
	}
	return valueJSON{v.Value.Reveal(), v.From}, nil
}

func (s *Server) getVersions(r *request) (any, error) {
	if _, err := s.variable(r); err != nil {
		return nil, err
	}
	return s.cfg.DB.VariableVersions(r.Context(), r.URL.Query().Get("stack"), r.PathValue("name"))
}
