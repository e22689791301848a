package api

import (
	"strings"
	"testing"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// TestWhatAStackBeginsToUse needs rights of its own.
func TestWhatAStackBeginsToUse(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	rights := rinca.Rights{All: map[rinca.Kind]rinca.Grant{rinca.KindStack: {Level: rinca.Read}}, Permissions: []rinca.Permission{
		{Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}, Grant: rinca.Grant{Level: rinca.Write}},
		{Target: rinca.Target{Kind: rinca.KindStack, Name: "mine-*"}, Grant: rinca.Grant{Level: rinca.Write}},
	}}
	token := w.user(rinca.User{Name: "stacks", Rights: rights}, nil)
	const git = `"source":{"kind":"git","repo":"https://forge.example.org/web.git"}`
	tests := []struct {
		body string
		want int
	}{
		{`{` + git + `,"description":"x"}`, 200},
		{`{` + git + `,"server":"far"}`, 404},
		{`{"source":{"kind":"git","repo":"https://forge.example.org/web.git","account":"forge"}}`, 404},
		{`{` + git + `,"pre_deploy":{"command":"id"}}`, 404},
		{`{` + git + `,"host_paths":["/etc"]}`, 404},
		{`{` + git + `,"secrets":{"stacks":["web","mine-own"]}}`, 200},
		{`{` + git + `,"secrets":{"stacks":["authentik"]}}`, 403},
		{`{` + git + `,"secrets":{"vault":"private"}}`, 404},
		{`{"source":{"kind":"git","repo":"file:///srv/repo"}}`, 404},
		{`{"source":{"kind":"git","repo":" FILE:///srv/repo"}}`, 404},
		{`{"source":{"kind":"host","dir":"/etc"}}`, 404},
		{`{"source":{"kind":"git","repo":"https://forge.example.org/web.git","dir":"/etc"}}`, 200},
		{`{"source":{"kind":"host","dir":"/etc"}}`, 404}, // no less than before
	}
	for _, tt := range tests {
		if got := w.do(token, "PUT /v1/stacks/web", tt.body); got.status != tt.want {
			t.Errorf("%s: %d %s, want %d", tt.body, got.status, got.body, tt.want)
		}
	}
	if got := w.do(token, "POST /v1/stacks", `{"name":"mine-new","source":{"kind":"inline","files":[{"path":"compose.yaml","content":"x"}]}}`); got.status != 404 {
		t.Errorf("a new stack on a server that is not ours: %d", got.status)
	}
	// What somebody with the rights has set is kept, and no more than that.
	admin := w.admin()
	set := `{` + git + `,"secrets":{"vault":"private","stacks":["authentik"]},"post_deploy":{"command":"./a.sh"}`
	w.must(admin, "PUT /v1/stacks/web", set+`}`)
	w.must(token, "PUT /v1/stacks/web", set+`,"description":"y"}`)
	for _, change := range [][2]string{{"web.git", "other.git"}, {`"./a.sh"`, `"./a.sh","path":"b"`}, {"private", "homelab"}} {
		if got := w.do(token, "PUT /v1/stacks/web", strings.Replace(set, change[0], change[1], 1)+`}`); got.status != 404 {
			t.Errorf("%v: %d %s", change, got.status, got.body)
		}
	}
	w.must(admin, "PUT /v1/stacks/web", `{"source":{"kind":"git","repo":"file:///srv/repo"},"secrets":{"vault":"other","stacks":["any"]}}`)
}

// TestReferencesNeedVariables: who has a stack has its items, and not all of
// the vault.
func TestReferencesNeedVariables(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	onStack := rinca.Permission{Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}, Grant: rinca.Grant{Level: rinca.Write}}
	onVariable := rinca.Permission{Target: rinca.Target{Kind: rinca.KindVariable, Name: "web/SMTP_*"}, Grant: rinca.Grant{Level: rinca.Write}}
	owner := w.user(rinca.User{Name: "owner", Rights: rinca.Rights{Permissions: []rinca.Permission{onStack}}}, nil)
	more := w.user(rinca.User{Name: "more", Rights: rinca.Rights{Permissions: []rinca.Permission{onStack, onVariable}}}, nil)
	const from = `{"from":"op://homelab/smtp.env/TOKEN"}`
	for _, tt := range []struct {
		token      rinca.Secret
		what, body string
		want       int
	}{
		{owner, "PUT /v1/variables/SMTP_TOKEN?stack=web", from, 403},
		{owner, "PUT /v1/variables/OWN?stack=web", from, 403},
		{owner, "PUT /v1/variables/SMTP_TOKEN?stack=web", `{"value":"x"}`, 200},
		{more, "PUT /v1/variables/OTHER?stack=web", from, 403},
		{more, "PUT /v1/variables/SMTP_TOKEN?stack=web", from, 200},
		{owner, "PUT /v1/variables/SMTP_TOKEN?stack=web", `{"description":"kept"}`, 200},
		{owner, "PUT /v1/variables/SMTP_TOKEN?stack=web", from, 200}, // as it is
		{owner, "PUT /v1/variables/SMTP_TOKEN?stack=web", `{"from":"op://homelab/root.env/TOKEN"}`, 403},
		{w.admin(), "PUT /v1/variables/OWN?stack=web", from, 200},
	} {
		if got := w.do(tt.token, tt.what, tt.body); got.status != tt.want {
			t.Errorf("%s %s: %d %s, want %d", tt.what, tt.body, got.status, got.body, tt.want)
		}
	}
}

// TestSlipsAreRefusedAtOnce, and not when the stack is deployed.
func TestSlipsAreRefusedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	const inline = `"source":{"kind":"inline","files":[{"path":"compose.yaml","content":"x"}]}`
	repo := func(url string) string { return `{"source":{"kind":"git","repo":"` + url + `"}}` }
	w.must(token, "PUT /v1/stacks/db", `{`+inline+`,"after":["web"]}`)
	for _, tt := range []struct {
		body string
		want int
		says string
	}{
		{`{` + inline + `,"server":"fra"}`, 404, "server"},
		{`{` + inline + `,"after":["bd"]}`, 400, "did you mean db?"},
		{`{` + inline + `,"after":["db"]}`, 400, "db → web → db"},
		{repo("ext::sh -c id"), 400, "repository"},
		{repo("https://forge.example.org/web.git?x=1"), 400, "?"},
		{repo("/srv/web.git"), 400, "repository"},
		{repo("srv/web"), 400, "repository"},
		{repo("https://"), 400, "host"},
		{`{"source":{"kind":"git","repo":"https://forge.example.org/web.git","account":"forgy"}}`, 404, "git account list"},
		{`{"source":{"kind":"git","repo":"https://elsewhere.example.org/web.git","account":"forge"}}`, 400, "not for"},
		{`{"source":{"kind":"git","repo":"git@forge.example.org:me/web.git"},"server":"far"}`, 200, ""},
	} {
		if got := w.do(token, "PUT /v1/stacks/web", tt.body); got.status != tt.want || !strings.Contains(got.body, tt.says) {
			t.Errorf("%s: %d %s, want %d %s", tt.body, got.status, got.body, tt.want, tt.says)
		}
	}
	// What has gone since does not keep the stack from being changed.
	w.must(token, "PUT /v1/stacks/top", `{`+inline+`,"after":["db"]}`)
	w.must(token, "DELETE /v1/stacks/db", "")
	w.must(token, "PUT /v1/stacks/top", `{`+inline+`,"after":["db","web"]}`)
	// Nobody learns the name of a stack that they may not read.
	w.must(token, "PUT /v1/stacks/hidden", `{`+inline+`,"project":"shop"}`)
	rights := rinca.Rights{All: map[rinca.Kind]rinca.Grant{rinca.KindServer: {Level: rinca.Execute}}, Permissions: []rinca.Permission{
		{Target: rinca.Target{Kind: rinca.KindStack, Name: "my-*"}, Grant: rinca.Grant{Level: rinca.Write}},
	}}
	mine := w.user(rinca.User{Name: "mine", Rights: rights}, nil)
	for _, body := range []string{`{` + inline + `,"project":"shop"}`, `{` + inline + `,"after":["hiddn"]}`} {
		if got := w.do(mine, "PUT /v1/stacks/my-shop", body); got.status/100 != 4 || strings.Contains(got.body, "hidden") {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if a, b := w.do(mine, "PUT /v1/stacks/my-shop", `{`+inline+`,"after":["hidden"]}`), w.do(mine, "PUT /v1/stacks/my-shop", `{`+inline+`,"after":["hiddem"]}`); a.status != b.status || strings.ReplaceAll(a.body, "hidden", "hiddem") != b.body {
		t.Errorf("%d %s, and %d %s", a.status, a.body, b.status, b.body)
	}
	if got := w.do(token, "PUT /v1/stacks/my-shop", `{`+inline+`,"project":"shop"}`); got.status != 409 || !strings.Contains(got.body, "hidden") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestBusyStackIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	u := w.update()
	for _, state := range []rinca.UpdateState{rinca.Queued, rinca.Running} {
		u.State = state
		if err := w.db.SaveUpdate(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		got := w.do(token, "DELETE /v1/stacks/web", "")
		if got.status != 409 || !strings.Contains(got.body, "stack web is busy") || !strings.Contains(got.body, "rinca update follow "+u.ID) {
			t.Errorf("%s: %d %s", state, got.status, got.body)
		}
	}
	if err := w.runner.finish(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	w.must(token, "DELETE /v1/stacks/web", "")
}

// The list shows where the files of a stack are from that is linked to a repo.
func TestListOfLinkedStacks(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	admin := w.admin()
	if _, err := w.db.PutRepo(t.Context(), rinca.Repo{Name: "platform", Source: rinca.Source{Kind: rinca.SourceGit, Repo: "https://forge.example.org/platform.git", Branch: "live"}}, store.Upsert); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.PutStack(t.Context(), rinca.Stack{Name: "linked", Source: rinca.Source{Kind: rinca.SourceGit, Linked: "platform", Path: "linked"}}, store.Upsert); err != nil {
		t.Fatal(err)
	}
	if got := w.do(admin, "GET /v1/stacks", ""); !strings.Contains(got.body, `{"kind":"git","linked":"platform","repo":"https://forge.example.org/platform.git","branch":"live","path":"linked"}`) {
		t.Error(got.body)
	}
}
