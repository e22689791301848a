package run

import (
	"encoding/json"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

func proc(name string, executions ...string) rinca.Procedure {
	p := rinca.Procedure{Name: name, Stages: []rinca.ProcedureStage{{}}}
	for _, e := range executions {
		kind, raw, _ := strings.Cut(e, " ")
		p.Stages[0].Executions = append(p.Stages[0].Executions, rinca.StageExecution{Execution: rinca.Execution{Kind: kind, Params: json.RawMessage(raw)}})
	}
	return p
}

func with(p rinca.Procedure, v ...rinca.Parameter) rinca.Procedure {
	p.Parameters = v
	return p
}

func TestCheckProcedures(t *testing.T) {
	call := func(name string) string { return `RunProcedure {"procedure":"` + name + `"}` }
	for _, c := range []struct {
		name string
		all  []rinca.Procedure
		want string // "" for none
	}{
		{"good", []rinca.Procedure{proc("a", `DeployStack {"stack":"web"}`, call("b"), `BatchDeployStack {"pattern":"x*"}`), proc("b", `Sleep {"duration_ms":5}`)}, ""},
		{"no stack", []rinca.Procedure{proc("a", `DeployStack {"stack":"wep"}`)}, `procedure a: Stage 1, DeployStack: there is no Stack "wep"`},
		{"no procedure", []rinca.Procedure{proc("a", call("bb")), proc("b")}, `there is no Procedure "bb"`},
		{"no kind", []rinca.Procedure{proc("a", `DeployStak {}`)}, "no execution is called"},
		{"bad params", []rinca.Procedure{proc("a", `DeployStack {"stack":"web","x":1}`)}, `no parameter "x"`},
		{"self", []rinca.Procedure{proc("a", call("a"))}, "a → a"},
		{"circle", []rinca.Procedure{proc("a", call("b")), proc("b", call("c")), proc("c", call("a"))}, "a → b → c → a"},
		{"into a circle", []rinca.Procedure{proc("c", call("d")), proc("d", call("e")), proc("e", call("d"))}, "d → e → d"},
		{"undeclared", []rinca.Procedure{with(proc("a", `DeployStack {"stack":"[[STAK]]"}`), rinca.Parameter{Name: "STACK"})}, "[[STAK]] is no parameter"},
		{"escaped", []rinca.Procedure{proc("a", `RunStackService {"stack":"web","service":"x","command":["[[[ -f x ]]]","[[[NAME]]]","[[ -f x ]]"]}`)}, ""},
		{"parameter", []rinca.Procedure{with(proc("a", `DeployStack {"stack":"[[STACK]]"}`), rinca.Parameter{Name: "STACK", Required: true})}, ""},
		{"bad default", []rinca.Procedure{with(proc("a", `Sleep {"duration":"[[T]]"}`), rinca.Parameter{Name: "T", Default: "soon"})}, "no duration"},
		{"good default", []rinca.Procedure{with(proc("a", `Sleep {"duration":"[[T]]"}`), rinca.Parameter{Name: "T", Default: "5s"})}, ""},
		{"parameter for a procedure", []rinca.Procedure{with(proc("a", call("[[P]]")), rinca.Parameter{Name: "P", Default: "b"}), proc("b")}, "cannot be a parameter"},
		{"missing parameter of another", []rinca.Procedure{proc("a", call("b")), with(proc("b"), rinca.Parameter{Name: "P", Required: true})}, "needs the parameter P"},
		{"unknown parameter of another", []rinca.Procedure{proc("a", `RunProcedure {"procedure":"b","params":{"Q":"1"}}`), proc("b")}, `no parameter "Q"`},
		{"twice", []rinca.Procedure{with(proc("a"), rinca.Parameter{Name: "P"}, rinca.Parameter{Name: "P"})}, "there twice"},
		{"on_failure", []rinca.Procedure{{Name: "a", Stages: []rinca.ProcedureStage{{OnFailure: "retry"}}}}, "on_failure cannot be"},
	} {
		knows := func(t rinca.Target) bool {
			return t.Name == "web" || t.Kind == rinca.KindProcedure && len(t.Name) == 1
		}
		err := CheckProcedures(c.all, knows)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || rinca.CodeOf(err) != rinca.Invalid) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What a parameter decides needs rights on whatever it may be.
func TestNeeds(t *testing.T) {
	p := with(proc("a",
		`DeployStack {"stack":"web"}`, `DeployStack {"stack":"[[S]]"}`, `RunStackService {"stack":"web","service":"x"}`,
		`RunStackService {"stack":"web","service":"x","command":["[[S]]"]}`, `Sleep {}`, `Backup {}`, `RunStackService {"stack":"[[S]]","service":"x","command":["a"]}`,
	), rinca.Parameter{Name: "S", Default: "web"})
	needs, err := Needs(&p)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range needs {
		text := n.Level.String() + " on " + n.Target.String()
		if n.Any {
			text = n.Level.String() + " on any " + string(n.Target.Kind)
		}
		got = append(got, text)
	}
	want := "Execute on Stack web, Execute on any Stack, Execute on Stack web, Write on Stack web, None on System Sleep, Write on System Backup, Write on any Stack"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

func FuzzFill(f *testing.F) {
	for _, seed := range []string{`{"a":"[[A]]"}`, `["[[[A]]]","[[B]]",{"[[A]]":1}]`, `"\u005b[A]]"`, `{"a":1e400,"b":12345678901234567890}`, `[[`, `"<[[A]]>"`} {
		f.Add(seed, `va"l\u0000[[A]]`)
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		raw := json.RawMessage(text)
		out, missing, err := fill(raw, map[string]string{"A": value})
		if err != nil {
			if rinca.CodeOf(err) != rinca.Invalid {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if missing != nil {
			return
		}
		if json.Valid(raw) && !json.Valid(out) {
			t.Errorf("%q with %q becomes %q", text, value, out)
		}
		// A value never becomes more than a text: without it, nothing differs.
		plain, _, _ := fill(raw, map[string]string{"A": "x"})
		if json.Valid(raw) && shape(t, out) != shape(t, plain) {
			t.Errorf("%q: the value %q changes the document to %s", text, value, out)
		}
	})
}

// shape is a document without its texts.
func shape(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	var b strings.Builder
	for {
		tok, err := dec.Token()
		if err != nil {
			return b.String()
		}
		switch v := tok.(type) {
		case json.Delim:
			b.WriteString(v.String())
		case string:
			b.WriteString("s")
		default:
			b.WriteString("v")
		}
	}
}
