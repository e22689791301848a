package scenario_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rinca/internal/deploy/enginetest"
	"rinca/internal/rinca"
)

// labWithoutEngine is a lab whose server has no engine, for what needs none.
func labWithoutEngine(t testing.TB) *lab {
	t.Helper()
	l := bareLab(t)
	l.engine = &enginetest.Engine{Socket: l.path("no-engine.sock")}
	l.must("init", "-q")
	l.server = l.serve("127.0.0.1:0")
	l.must("login", "--host", l.server.url, "--user", "admin", "--password-file", l.path("password"))
	l.key = strings.TrimSpace(l.must("apikey", "create", "lab"))
	l.env = append(l.env, "RINCA_HOST="+l.server.url, "RINCA_API_KEY="+l.key)
	return l
}

func (l *lab) procedure(name string, stages string) {
	l.t.Helper()
	l.write("procedures/"+name+".json", `{"name":"`+name+`","stages":`+stages+`}`)
	l.must("procedure", "set", "--file", l.path("procedures", name+".json"))
}

func (l *lab) childrenOf(id string) []rinca.Update {
	l.t.Helper()
	var list []rinca.Update
	l.api("GET", "/v1/updates?limit=500&parent="+url.QueryEscape(id), nil, &list)
	slices.Reverse(list)
	return list
}

// A server that is killed at any moment of a procedure, between stages and
// inside them, goes on with it at the stage that it was in: what had ended is
// not run again, what was interrupted is, and a change of the procedure
// meanwhile is for the next run.
func TestProcedureSurvivesKills(t *testing.T) {
	t.Parallel()
	l := labWithoutEngine(t)
	nap := func(ms int) string {
		return fmt.Sprintf(`{"execution":{"type":"Sleep","params":{"duration_ms":%d}}}`, ms)
	}
	copies := func(dir string) string {
		return fmt.Sprintf(`{"execution":{"type":"Backup","params":{"dir":%q,"keep":-1}}}`, l.path("backups", dir))
	}
	l.procedure("inner", `[{"name":"a","executions":[`+nap(300)+`]},{"name":"b","executions":[`+copies("inner")+`]}]`)
	outer := `[{"name":"first","executions":[` + copies("first") + `,` + nap(200) + `]},
		{"name":"second","executions":[` + nap(700) + `,` + copies("second") + `,{"execution":{"type":"RunProcedure","params":{"procedure":"inner"}}}]},
		{"name":"third","executions":[` + copies("third") + `]}]`
	for turn := range 3 {
		l.procedure("outer", outer)
		u := l.submit("RunProcedure", map[string]any{"procedure": "outer"})
		l.wait("its begin", func() bool { return l.update(u.ID).State != rinca.Queued })
		ended := map[string]bool{} // what had ended before a kill
		for range 3 {
			time.Sleep(time.Duration(rand.Int64N(int64(500 * time.Millisecond))))
			for _, c := range l.childrenOf(u.ID) {
				if c.State == rinca.Succeeded {
					ended[c.ID] = true
				}
			}
			l.crash()
			l.restart()
			if turn == 0 { // the run that is under way knows nothing of it
				l.procedure("outer", `[]`)
			}
		}
		u = l.ended(u.ID)
		if u.State != rinca.Succeeded || len(u.Stages) != 3 {
			t.Fatalf("turn %d: the procedure %s in %d stages: %+v", turn, u.State, len(u.Stages), u.Error)
		}
		done := map[string]int{}
		for _, c := range l.childrenOf(u.ID) {
			switch c.State {
			case rinca.Succeeded:
				done[c.Execution.Kind+string(c.Execution.Params)]++
				delete(ended, c.ID)
			case rinca.Interrupted:
			default:
				t.Errorf("turn %d: %s %s: %+v", turn, c.Execution.Kind, c.State, c.Error)
			}
			if c.Execution.Kind == "RunProcedure" {
				checkInner(t, l, c)
			}
		}
		for what, n := range done {
			if n != 1 {
				t.Errorf("turn %d: %s was done %d times", turn, what, n)
			}
		}
		if len(done) != 6 || len(ended) > 0 {
			t.Errorf("turn %d: %d executions were done; %d of those that had ended have changed", turn, len(done), len(ended))
		}
	}
}

func checkInner(t *testing.T, l *lab, u rinca.Update) {
	t.Helper()
	n := 0
	for _, c := range l.childrenOf(u.ID) {
		if c.State == rinca.Succeeded {
			n++
		}
	}
	if u.State != rinca.Succeeded || n != 2 {
		t.Errorf("the inner procedure %s, and did %d executions", u.State, n)
	}
}

// What a person does with procedures, by the commands, without an engine.
func TestProceduresByHand(t *testing.T) {
	t.Parallel()
	l := labWithoutEngine(t)
	l.must("procedure", "set", "nap", "--stage", "Wait=Sleep duration_ms=50", "--stage", "Two=Sleep duration_ms=1; Sleep duration_ms=2")
	out := l.must("procedure", "run", "nap")
	for _, want := range []string{"Wait", "Two", "Sleep: 50ms", "nap: 2 stages"} {
		if !strings.Contains(out, want) {
			t.Errorf("a run does not say %q:\n%s", want, out)
		}
	}
	// It may not call itself, by however many others.
	l.fails(1, []string{"nap → nap"}, "procedure", "set", "nap", "--stage", "Again=RunProcedure procedure=nap")
	l.must("procedure", "set", "over", "--stage", "Call=RunProcedure procedure=nap")
	l.fails(1, []string{"nap → over → nap"}, "procedure", "set", "nap", "--stage", "Again=RunProcedure procedure=over")
	l.fails(1, []string{`no Procedure "napp"`, "did you mean nap?"}, "procedure", "set", "over", "--stage", "Call=RunProcedure procedure=napp")
	l.fails(1, []string{"did you mean DeployStack?"}, "procedure", "set", "x", "--stage", "Call=DeployStak stack=web")
	l.fails(1, []string{`no Stack "web"`}, "procedure", "set", "x", "--stage", "Call=DeployStack stack=web")
	l.fails(1, []string{"other procedures call", "over"}, "procedure", "delete", "nap", "--yes")

	// Parameters.
	l.write("p.json", `{"name":"with","parameters":[{"name":"TIME","required":true}],"stages":[{"name":"s","executions":[{"execution":{"type":"Sleep","params":{"duration":"[[TIME]]"}}}]}]}`)
	l.must("procedure", "set", "--file", l.path("p.json"))
	l.fails(1, []string{"needs the parameter TIME"}, "procedure", "run", "with")
	l.fails(1, []string{`no parameter "TIM"`, "did you mean TIME?"}, "procedure", "run", "with", "--param", "TIME=1s", "--param", "TIM=1s")
	if out := l.must("procedure", "run", "with", "--param", "TIME=3ms"); !strings.Contains(out, "Sleep: 3ms") {
		t.Errorf("the parameter did not arrive:\n%s", out)
	}
	l.write("p.json", `{"name":"with","stages":[{"name":"s","executions":[{"execution":{"type":"Sleep","params":{"duration":"[[TIME]]"}}}]}]}`)
	l.fails(1, []string{"[[TIME]] is no parameter"}, "procedure", "set", "--file", l.path("p.json"))

	// Komodo's form, as a resource sync reads it.
	l.write("p.toml", "[[procedure]]\nname = \"From a file\"\n\n[[procedure.config.stage]]\nname = \"A\"\nexecutions = [\n"+
		"  { execution.type = \"Sleep\", execution.params.duration_ms = 7 },\n  { execution.type = \"Sleep\", execution.params.duration_ms = 900000, enabled = false },\n]\n")
	l.must("procedure", "set", "--file", l.path("p.toml"))
	if out := l.must("procedure", "run", "From a file"); !strings.Contains(out, "Sleep: 7ms") || !strings.Contains(out, "Sleep: disabled") {
		t.Errorf("a run says\n%s", out)
	}

	// A nested run is a tree, and a cancel ends all of it.
	l.must("procedure", "set", "nap", "--stage", "Long=Sleep duration=10m", "--stage", "Never=Sleep")
	l.must("procedure", "run", "over", "-d")
	var runs []rinca.Update
	l.wait("the sleep to begin", func() bool {
		l.api("GET", "/v1/updates?state=running", nil, &runs)
		return len(runs) == 3
	})
	top := runs[2]
	l.must("update", "cancel", top.ID)
	if u := l.ended(top.ID); u.State != rinca.CanceledRun {
		t.Errorf("the procedure %s", u.State)
	}
	if l.api("GET", "/v1/updates?state=running", nil, &runs); len(runs) > 0 {
		t.Errorf("%d go on after the cancel", len(runs))
	}
	tree := l.must("update", "show", top.ID)
	if !strings.Contains(tree, "└ ⊘ RunProcedure nap, canceled") || !strings.Contains(tree, "  └ ⊘ Sleep, canceled") || strings.Contains(tree, "Never") {
		t.Errorf("the tree:\n%s", tree)
	}
	var doc struct {
		Children []struct{ Children []rinca.Update }
	}
	if err := json.Unmarshal([]byte(l.must("update", "show", top.ID, "--json")), &doc); err != nil || len(doc.Children) != 1 || len(doc.Children[0].Children) != 1 {
		t.Errorf("as JSON: %+v %v", doc, err)
	}
	// Other kinds by hand.
	l.must("execute", "Backup", "--param", "dir="+l.path("copies"), "--param", "keep=2")
	l.must("execute", "Backup", "--param", "dir="+l.path("copies"), "--param", "keep=2")
	l.must("execute", "Backup", "--param", "dir="+l.path("copies"), "--param", "keep=2")
	if files, _ := filepath.Glob(l.path("copies", "*.bak")); len(files) != 2 {
		t.Errorf("%d backups are kept", len(files))
	}
	l.must("execute", "PruneUpdates", "--param", "max_age=1h")
	if r := l.rinca("procedure", "history", "over"); r.code != 0 || !strings.Contains(r.out, "canceled") {
		t.Errorf("%s", r)
	}
}
