package run

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

func TestIDsSortByTime(t *testing.T) {
	at := time.Date(2026, 11, 26, 1, 0, 0, 0, time.UTC)
	var ids []string
	for i := range 200 {
		ids = append(ids, newID(at.Add(time.Duration(i)*time.Millisecond)))
	}
	if !slices.IsSorted(ids) {
		t.Error("ids of later executions do not sort after those of earlier ones")
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 200 || len(ids[0]) != 26 {
		t.Errorf("ids repeat, or have another length: %s", ids[0])
	}
}

// Every kind has what the API, the command line and the reference print of it.
func TestKindsAreDescribed(t *testing.T) {
	names := map[string]bool{}
	for _, k := range Kinds() {
		if k.Name == "" || k.Doc == "" || !strings.HasSuffix(k.Doc, ".") || k.Params == nil || k.Level == rinca.None && k.on != rinca.KindSystem || k.run == nil {
			t.Errorf("%s: incomplete", k.Name)
		}
		if names[k.Name] {
			t.Errorf("%s is there twice", k.Name)
		}
		names[k.Name] = true
	}
}

func TestParametersAreStrict(t *testing.T) {
	const canary = "hunter2-canary"
	for _, c := range []struct{ kind, params, want string }{
		{"DeployStack", `{"stack":"web"}`, ""},
		{"DeployStack", `{}`, "cannot be the name"},
		{"DeployStack", ``, "cannot be the name"},
		{"DeployStack", `{"stack":"../web"}`, "cannot be the name"},
		{"DeployStack", `{"stack":"web","forced":"` + canary + `"}`, `no parameter "forced"`},
		{"DeployStack", `{"stack":"web","force":"` + canary + `"}`, "the parameter force takes a bool"},
		{"DeployStack", `{"stack":"web"} {"x":"` + canary + `"}`, "no JSON object"},
		{"DeployStack", `["` + canary + `"]`, "takes a"},
		{"DeployStack", `{"stack":`, "no JSON object"},
		{"StopStack", `{"stack":"web","timeout":"10s"}`, ""},
		{"StopStack", `{"stack":"web","timeout":"soon"}`, "no duration"},
		{"BatchDeployStack", `{}`, ""},
		{"BatchDeployStack", `{"pattern":"media-*"}`, ""},
		{"BatchDeployStack", `{"pattern":"[a"}`, "no pattern"},
		{"ExportSecrets", `{"stack":"a","stacks":["b"]}`, "not both"},
		{"ExportSecrets", `{"stacks":["a","b"]}`, ""},
		{"ExportSecrets", `{"stacks":["a","../b"]}`, "cannot be the name"},
	} {
		k, ok := kindOf(c.kind)
		if !ok {
			t.Fatalf("no kind %s", c.kind)
		}
		_, err := k.target(json.RawMessage(c.params))
		switch {
		case (err == nil) != (c.want == ""), err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s %s: %v", c.kind, c.params, err)
		case err != nil && rinca.CodeOf(err) != rinca.Invalid:
			t.Errorf("%s %s: code %s", c.kind, c.params, rinca.CodeOf(err))
		case err != nil && strings.Contains(err.Error()+rinca.HintOf(err), canary):
			t.Errorf("%s: the error repeats a value: %v", c.kind, err)
		}
	}
}

func TestUnknownKindNamesTheNearest(t *testing.T) {
	err := unknownKind("DeployStak")
	if rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(rinca.HintOf(err), "DeployStack") {
		t.Errorf("%v (%s)", err, rinca.HintOf(err))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"stack":"web","services":["a"],"force":true}`)
	f.Add(`{"timeout":"1h"}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range Kinds() {
			if _, err := k.target(json.RawMessage(text)); err != nil && rinca.CodeOf(err) != rinca.Invalid {
				t.Errorf("%s %q: %v", k.Name, text, err)
			}
		}
	})
}
