package api

import (
	"strings"
	"testing"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// Who saves a procedure needs the right to run each execution in it; who runs
// it needs none of them. Nobody gains a right by saving one.
func TestSavingAProcedureTakesItsRights(t *testing.T) {
	w := newWorld(t)
	put := func(names ...string) {
		for _, name := range names {
			_, err := w.db.PutStack(t.Context(), rinca.Stack{Name: name, Source: rinca.Source{Kind: rinca.SourceGit, Repo: "https://forge.example.org/x.git"}}, store.Upsert)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	put("hidden", "readable", "web")
	grant := func(kind rinca.Kind, name string, level rinca.Level) rinca.Permission {
		return rinca.Permission{Target: rinca.Target{Kind: kind, Name: name}, Grant: rinca.Grant{Level: level}}
	}
	editor := w.user(rinca.User{Name: "editor", Rights: rinca.Rights{Permissions: []rinca.Permission{
		grant(rinca.KindProcedure, "mine*", rinca.Write), grant(rinca.KindStack, "web", rinca.Execute), grant(rinca.KindStack, "readable", rinca.Read),
	}}}, nil)
	body := func(params, stack string) string {
		return `{"parameters":[` + params + `],"stages":[{"name":"s","executions":[{"execution":{"type":"DeployStack","params":{"stack":"` + stack + `"}}}]}]}`
	}
	for _, c := range []struct {
		what, body string
		status     int
		says       string
	}{
		{"mine", body("", "web"), 200, ""},
		{"other", body("", "web"), 404, ""},
		{"mine-2", body("", "readable"), 403, "Execute"},
		{"mine-2", body("", "hidden"), 400, `there is no Stack \"hidden\"`},
		{"mine-2", body("", "nowhere"), 400, `there is no Stack \"nowhere\"`},
		{"mine-2", body("", "wep"), 400, "did you mean web?"},
		{"mine-2", body(`{"name":"S","default":"web"}`, "[[S]]"), 403, "on all of them"},
		{"mine-2", body("", "[[S]]"), 400, "is no parameter"},
	} {
		a := w.do(editor, "PUT /v1/procedures/"+c.what, c.body)
		if a.status != c.status && !(c.status == 404 && a.status == 403) || !strings.Contains(string(a.body), c.says) {
			t.Errorf("%s %s: %d %s", c.what, c.body, a.status, a.body)
		}
	}
	// What an administrator has put in stays, while the rest is changed.
	admin := w.admin()
	w.must(admin, "PUT /v1/procedures/mine", body("", "hidden"))
	w.must(editor, "PUT /v1/procedures/mine", strings.Replace(body("", "hidden"), `"name":"s"`, `"name":"another"`, 1))
	if a := w.do(editor, "PUT /v1/procedures/mine", body(`{"name":"S","default":"web"}`, "hidden")); a.status == 200 {
		t.Error("with other parameters, what is in it is other, and was not asked for")
	}
}
