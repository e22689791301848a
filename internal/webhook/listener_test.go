package webhook

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// Payloads as the senders document them, cut to what matters.
var samples = []struct {
	name, path, body string
	headers          []string
	author           string
}{
	{
		name: "GitHub", path: "/listener/github/stack/web/deploy", author: "alice",
		headers: []string{"X-GitHub-Event", "push", "X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"},
		body: `{"ref":"refs/heads/main","before":"` + commitA + `","after":"` + commitB + `","repository":{"id":1,"full_name":"alice/infra",
			"clone_url":"https://git.example.org/alice/infra.git","default_branch":"main","owner":{"name":"alice"}},"pusher":{"name":"alice","email":"a@example.org"},
			"created":false,"deleted":false,"forced":false,"base_ref":null,"compare":"https://…","commits":[{"id":"` + commitB + `","message":"x","added":[],"removed":[],"modified":["stacks/web/compose.yaml"]}],
			"head_commit":{"id":"` + commitB + `"}}`,
	}, {
		name: "GitLab", path: "/listener/gitlab/stack/web/deploy", author: "bob",
		headers: []string{"X-Gitlab-Event", "Push Hook", "X-Gitlab-Event-UUID", "13792a34-cac6-4fda-95a8-c58e00a3954e", "Idempotency-Key", "f5e5"},
		body: `{"object_kind":"push","event_name":"push","before":"` + commitA + `","after":"` + commitB + `","ref":"refs/heads/main","ref_protected":true,
			"checkout_sha":"` + commitB + `","user_id":4,"user_name":"Bob Smith","user_username":"bob","project":{"name":"infra","path_with_namespace":"alice/infra",
			"git_ssh_url":"git@git.example.org:alice/infra.git","git_http_url":"https://git.example.org/alice/infra.git","default_branch":"main"},
			"repository":{"name":"infra","url":"git@git.example.org:alice/infra.git"},"commits":[{"id":"` + commitB + `","added":["stacks/web/new"],"modified":[],"removed":[]}],"total_commits_count":1}`,
	}, {
		name: "Gitea", path: "/listener/gitea/stack/web/deploy", author: "carol",
		headers: []string{"X-Gitea-Event", "push", "X-Gitea-Delivery", "f6266f16-1bf3-46a5-9ea4-602e06ead473"},
		body: `{"ref":"refs/heads/main","before":"` + commitA + `","after":"` + commitB + `","compare_url":"","commits":[{"id":"` + commitB + `","added":null,"removed":["stacks/web/old"],"modified":null}],
			"total_commits":1,"head_commit":{"id":"` + commitB + `"},"repository":{"full_name":"alice/infra","clone_url":"https://git.example.org/alice/infra.git","default_branch":"main"},
			"pusher":{"id":1,"login":"carol","username":"carol"},"sender":{"login":"carol"}}`,
	}, {
		name: "Forgejo", path: "/listener/forgejo/stack/web/deploy", author: "dan",
		headers: []string{"X-Forgejo-Event", "push", "X-Gitea-Event", "push", "X-Forgejo-Delivery", "e1"},
		body: `{"ref":"refs/heads/main","before":"` + commitA + `","after":"` + commitB + `","commits":[{"id":"` + commitB + `","added":[],"removed":[],"modified":["stacks/web/a"]}],"total_commits":1,
			"repository":{"full_name":"alice/infra","clone_url":"https://git.example.org/alice/infra.git"},"pusher":{"login":"dan"}}`,
	}, {
		name: "bearer", path: "/listener/bearer/stack/web/deploy", headers: []string{"Idempotency-Key", "ci-17"}, body: ``,
	},
}

// proof is the header that authenticates a body to an address.
func proof(path, body string) []string {
	switch {
	case strings.Contains(path, "/gitlab/"):
		return []string{"X-Gitlab-Token", theSecret}
	case strings.Contains(path, "/bearer/"):
		return []string{"Authorization", "Bearer " + theSecret}
	case strings.Contains(path, "/gitea/"):
		return []string{"X-Gitea-Signature", signature(theSecret, []byte(body))}
	case strings.Contains(path, "/forgejo/"):
		return []string{"X-Forgejo-Signature", signature(theSecret, []byte(body))}
	}
	return []string{"X-Hub-Signature-256", "sha256=" + signature(theSecret, []byte(body))}
}

func TestEveryProviderStartsADeploy(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld(t)
			w.stack("web", "stacks/web")
			w.global(theSecret)
			r := w.post(s.path, []byte(s.body), append(s.headers, proof(s.path, s.body)...)...)
			r.started(t, deployIfChanged+" web")
			u, err := w.db.Update(t.Context(), r.Started[0].Update)
			w.must(err)
			cause := "push of " + commitB[:7] + " by " + s.author + " to main"
			if s.author == "" {
				cause = "call of the webhook " + s.path
			}
			if u.Cause != cause || u.Operator != Operator || u.Trigger != "webhook" {
				t.Errorf("the update is by %s, through %s, because of %q", u.Operator, u.Trigger, u.Cause)
			}
			// The same again is the same delivery.
			again := w.post(s.path, []byte(s.body), append(s.headers, proof(s.path, s.body)...)...)
			again.started(t, deployIfChanged+" web")
			if !again.Repeat || again.Delivery != r.Delivery || w.queued() != 1 {
				t.Errorf("a repeat is another delivery: %s", again.raw)
			}
			// Without the proof, or with another one, it is none.
			for _, bad := range [][]string{s.headers, append(s.headers, proof(s.path, s.body+" ")[0], "sha256="+strings.Repeat("0", 64))} {
				if r := w.post(s.path, []byte(s.body), bad...); r.status != 401 || r.Delivery != "" {
					t.Errorf("without a proof: %d %s", r.status, r.raw)
				}
			}
		})
	}
}

// The example of GitHub's documentation.
func TestSignatureVector(t *testing.T) {
	p, _ := providerOf("github")
	secret := rinca.NewSecret("It's a Secret to Everybody")
	const sum = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	for _, text := range []string{"sha256=" + sum, sum, strings.ToUpper(sum)} {
		if why := p.authentic(map[string][]string{"X-Hub-Signature-256": {text}}, []byte("Hello, World!"), secret); why != "" {
			t.Errorf("%s: %s", text, why)
		}
	}
	for _, text := range []string{"", "sha256=", "sha1=" + sum, sum[:63], sum[:62], sum + "00", strings.Replace(sum, "7", "8", 1), "sha256=" + signature("", []byte("Hello, World!"))} {
		if p.authentic(map[string][]string{"X-Hub-Signature-256": {text}}, []byte("Hello, World!"), secret) == "" {
			t.Errorf("%q is taken for a signature", text)
		}
	}
}

// An empty secret authenticates nobody, whatever is sent.
func TestEmptySecretNeverAuthenticates(t *testing.T) {
	w := newWorld(t)
	w.stack("web", "stacks/web")
	body := pushed("main", "stacks/web/compose.yaml")
	try := func(what string) {
		t.Helper()
		for _, h := range [][]string{
			{"X-Hub-Signature-256", "sha256=" + signature("", body)}, {"X-Gitlab-Token", ""}, {"Authorization", "Bearer "}, {"Authorization", "Bearer"}, {},
		} {
			for _, provider := range Providers() {
				if r := w.post("/listener/"+provider+"/stack/web/deploy", body, append(h, "X-GitHub-Event", "push")...); r.status != 401 && r.status != 429 {
					t.Errorf("%s, %s %v: %d %s", what, provider, h, r.status, r.raw)
				}
			}
		}
	}
	try("no secret")
	if !strings.Contains(w.log.String(), "no secret is set") {
		t.Error("the log does not say why")
	}
	w.l.Secret = rinca.NewSecret("")
	try("empty in the environment")
	w.l.Secret = rinca.Secret{}
	_, err := w.db.PutVariable(t.Context(), rinca.Variable{Name: "HOOK", Value: rinca.NewSecret("")}, store.Upsert)
	w.must(err)
	w.global("[[HOOK]]")
	try("an empty variable")
	w.global("[[NO_SUCH]]")
	w.clock.forward(forgetAfter)
	try("a variable that is not there")
	if !strings.Contains(w.log.String(), "names the variable NO_SUCH, which does not exist") {
		t.Error("the log does not say which variable")
	}
	if w.queued() != 0 {
		t.Error("something was started")
	}
}

func TestSecretsOfResourcesAndVariables(t *testing.T) {
	w := newWorld(t)
	w.stack("web", "web")
	w.stack("wiki", "wiki")
	w.global("the one for all of them")
	own := rinca.Target{Kind: rinca.KindStack, Name: "web"}
	_, err := w.db.PutVariable(t.Context(), rinca.Variable{Name: "HOOK", Secret: true, Value: rinca.NewSecret("kept in a variable")}, store.Upsert)
	w.must(err)
	w.must(w.l.SetSecret(t.Context(), own, rinca.NewSecret("[[HOOK]]")))
	for _, c := range []struct {
		stack, token string
		want         int
	}{
		{"web", "kept in a variable", 200},
		{"web", "the one for all of them", 401},
		{"web", "[[HOOK]]", 401},
		{"wiki", "the one for all of them", 200},
		{"wiki", "kept in a variable", 401},
	} {
		if r := w.post("/listener/gitlab/stack/"+c.stack+"/deploy", []byte(`{}`), "X-Gitlab-Token", c.token, "X-Gitlab-Event", "Issue Hook"); r.status != c.want {
			t.Errorf("%s with %q: %d %s", c.stack, c.token, r.status, r.raw)
		}
	}
	if text := w.l.Known.Masker().String("see the one for all of them"); strings.Contains(text, "one for all") {
		t.Errorf("the secret is not masked: %s", text)
	}
	// That of the environment comes before the one that is kept for all.
	w.l.Secret = rinca.NewSecret("from the environment")
	for stack, want := range map[string]int{"wiki": 200, "web": 401} {
		if r := w.post("/listener/gitlab/stack/"+stack+"/refresh", nil, "X-Gitlab-Token", "from the environment"); r.status != want {
			t.Errorf("%s by the environment: %d %s", stack, r.status, r.raw)
		}
	}
	if err := w.l.SetSecret(t.Context(), rinca.Target{}, rinca.NewSecret("another one for all")); rinca.CodeOf(err) != rinca.Conflict {
		t.Errorf("%v", err)
	}
	w.must(w.db.PutWebhookSecret(t.Context(), own, rinca.NewSecret("set by another hand")))
	if r := w.post("/listener/bearer/stack/web/refresh", nil, "Authorization", "bearer set by another hand"); r.status != 200 {
		t.Errorf("%s", r.raw)
	}
	if text := w.l.Known.Masker().String("see set by another hand"); strings.Contains(text, "another hand") {
		t.Errorf("the new secret is not masked: %s", text)
	}
}

// What is not there looks as what is, to somebody who does not know the
// secret; the log tells them apart.
func TestUnknownResourceLooksLikeABadSignature(t *testing.T) {
	w := newWorld(t)
	w.stack("web", "stacks/web")
	w.global(theSecret)
	body := pushed("main", "stacks/web/x")
	bad := w.post("/listener/github/stack/web/deploy", body, "X-Hub-Signature-256", "sha256="+strings.Repeat("ab", 32))
	for _, path := range []string{"/listener/github/stack/nobody/deploy", "/listener/github/no-such-path", "/listener/github/procedure/none/main", "/listener/github/stack/%2e%2e%2fweb/deploy"} {
		r := w.post(path, body, "X-Hub-Signature-256", "sha256="+signature(theSecret, body))
		if r.status != 401 || r.raw != bad.raw {
			t.Errorf("%s: %d %s, and a bad signature %d %s", path, r.status, r.raw, bad.status, bad.raw)
		}
	}
	for _, want := range []string{"there is no Stack nobody", "no resource has the webhook path no-such-path", "X-Hub-Signature-256 does not match the secret"} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, w.log)
		}
	}
	if strings.Contains(w.log.String(), theSecret) {
		t.Error("the secret is in the log")
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	w := newWorld(t)
	w.stack("web", "web")
	w.stack("wiki", "wiki")
	w.global(theSecret)
	guess := func(stack, token string) reply {
		return w.post("/listener/gitlab/stack/"+stack+"/deploy", []byte(`{}`), "X-Gitlab-Token", token)
	}
	last := 0
	for range freeGuesses + 2 {
		last = guess("web", "wrong").status
	}
	if last != 429 {
		t.Errorf("guess after guess, the answer is %d", last)
	}
	if r := guess("wiki", theSecret); r.status != 200 {
		t.Errorf("another webhook is blocked too: %d", r.status)
	}
	w.clock.forward(longestWait)
	if r := guess("web", theSecret); r.status != 200 {
		t.Errorf("it stays blocked: %d %s", r.status, r.raw)
	}
}

func TestWhatIsNoPushIsKeptAndIgnored(t *testing.T) {
	w := newWorld(t)
	w.stack("web", "stacks/web")
	w.global(theSecret)
	const at = "/listener/github/stack/web/deploy"
	w.github(at, "ping", "1", []byte(`{"zen":"Keep it logically awesome.","hook_id":1}`)).ignores(t, "ping")
	w.github(at, "release", "2", []byte(`{"action":"published","release":{"tag_name":"v1"},"repository":{"full_name":"alice/infra"}}`)).ignores(t, "release")
	w.github(at, "package", "3", []byte(`{"ref":7,"commits":"none","repository":[]}`)).ignores(t, "package")
	w.github(at, "create", "4", []byte(`{"ref":"v1","ref_type":"tag"}`)).ignores(t, "create")
	w.github(at, "", "5", []byte(`{}`)).ignores(t, "without a name")
	w.github(at, "push", "6", payload(map[string]any{"deleted": true, "after": strings.Repeat("0", 40)})).ignores(t, "refs/heads/main was deleted")
	w.github(at, "push", "7", payload(map[string]any{"ref": "refs/tags/v1"})).ignores(t, "tag v1")
	w.github(at, "push", "8", payload(map[string]any{"ref": "refs/notes/commits"})).ignores(t, "neither a branch nor a tag")
	w.github(at, "push", "9", pushed("dev", "stacks/web/x")).ignores(t, "follows the branch main, and dev was pushed")
	w.github("/listener/github/stack/web/refresh", "push", "10", pushed("main", "stacks/web/x")).ignores(t, "refresh")
	form := []byte("payload=" + url.QueryEscape(`{"zen":"x"}`))
	r := w.post(at, form, "Content-Type", "application/x-www-form-urlencoded", "X-GitHub-Event", "ping", "X-Hub-Signature-256", signature(theSecret, form))
	r.ignores(t, "ping")
	var list []rinca.Delivery
	list, err := w.l.Deliveries(t.Context(), &rinca.Target{Kind: rinca.KindStack, Name: "web"}, "", 50)
	w.must(err)
	if len(list) != 11 || list[0].ID != r.Delivery || list[10].Event != "ping" || w.queued() != 0 {
		t.Errorf("%d deliveries are kept, %d updates wait", len(list), w.queued())
	}
}

func TestBodiesThatAreWrong(t *testing.T) {
	w := newWorld(t)
	w.stack("web", "stacks/web")
	w.global(theSecret)
	const at = "/listener/github/stack/web/deploy"
	whole := pushed("main", "stacks/web/x")
	for name, body := range map[string][]byte{
		"cut off": whole[:len(whole)/2], "no JSON": []byte("hello"), "of the wrong form": []byte(`{"ref":["refs/heads/main"]}`), "without a ref": []byte(`{"after":"x"}`),
	} {
		r := w.github(at, "push", name, body)
		if r.status != 400 || r.Error.Message == "" {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	// The content type may be any: the body is what counts.
	for _, kind := range []string{"", "text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded", "a/b/c;;"} {
		w.post(at, whole, "Content-Type", kind, "X-GitHub-Event", "push", "X-Hub-Signature-256", signature(theSecret, whole)).started(t, deployIfChanged+" web")
	}
	form := []byte("payload=" + url.QueryEscape(string(whole)))
	w.post(at, form, "Content-Type", "application/x-www-form-urlencoded", "X-GitHub-Event", "push", "X-Hub-Signature-256", signature(theSecret, form)).started(t, deployIfChanged+" web")
	huge := append([]byte(`{"x":"`), make([]byte, MaxBody)...)
	if r := w.github(at, "push", "huge", huge); r.status != 413 || !strings.Contains(r.Error.Message, "25 MiB") {
		t.Errorf("huge: %d %s", r.status, r.raw)
	}
	large, _ := json.Marshal(map[string]any{"ref": "refs/heads/main", "x": strings.Repeat("y", 20<<20)})
	w.github(at, "push", "large", large).started(t, deployIfChanged+" web")
	// What was cut off is kept, and says so.
	list, err := w.l.Deliveries(t.Context(), nil, "", 100)
	w.must(err)
	found := false
	for _, d := range list {
		found = found || d.RemoteID == "cut off" && strings.Contains(d.Ignored, "breaks off")
	}
	if !found {
		t.Error("the delivery that was cut off is not listed")
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"github/stack/web/deploy", "Stack web start"},
		{"gitlab/stack/web/refresh", "Stack web refresh"},
		{"gitea/sync/all%20of%20it/sync", "ResourceSync all of it start"},
		{"forgejo/repo/infra/pull", "Repo infra start"},
		{"bearer/repo/infra/clone", "Repo infra start"},
		{"github/procedure/Export%20Secrets%20on%20Push/__ANY__", "Procedure Export Secrets on Push start any"},
		{"github/procedure/x/feature/one", "Procedure x start feature/one"},
		{"github/procedure/x/feature%2Fone", "Procedure x start feature/one"},
		{"github", "  start"},
		{"github/", "  start"},
		{"github/export-secrets", "  start path export-secrets"},
		{"github/a/b", "  start path a/b"},
		{"github/build/x", "!not supported"},
		{"github/build/x/", "!not supported"},
		{"github/action/x/main", "!not supported"},
		{"github/stack/web", "!no such address"},
		{"github/stack/web/destroy", "!no such address"},
		{"github/procedure/x", "!no such address"},
		{"github/stack//deploy", "!no such address"},
		{"svn/stack/web/deploy", "!no such address"},
		{"", "!no such address"},
		{"github/stack/%zz/deploy", "!no such address"},
	} {
		got, err := parseAddress(Prefix + c.path)
		text := strings.TrimRight(fmt.Sprintf("%s %s %s", got.target.Kind, got.target.Name, got.action), " ")
		switch {
		case err != nil:
			text = "!" + err.Error()
		case got.every:
			text += " any"
		case got.branch != "":
			text += " " + got.branch
		case got.path != "":
			text += " path " + got.path
		}
		if text != c.want && (c.want[0] != '!' || text[0] != '!' || !strings.Contains(text, c.want[1:])) {
			t.Errorf("%s is %q, want %q", c.path, text, c.want)
		}
	}
	// What is printed can be read.
	for _, target := range []rinca.Target{{}, {Kind: rinca.KindStack, Name: "web"}, {Kind: rinca.KindSync, Name: "a b"}, {Kind: rinca.KindRepo, Name: "ü?#%"}, {Kind: rinca.KindProcedure, Name: "Deploy; all"}} {
		got, err := parseAddress(Address("github", target, ""))
		if err != nil || got.target != target {
			t.Errorf("%s: %+v, %v", Address("github", target, ""), got.target, err)
		}
	}
	w := newWorld(t)
	if r := w.post("/listener/github/build/x", nil); r.status != 404 || !strings.Contains(r.Error.Message, "not supported") {
		t.Errorf("a build: %d %s", r.status, r.raw)
	}
}
