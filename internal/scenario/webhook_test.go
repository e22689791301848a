package scenario_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// A heard is the answer to a delivery.
type heard struct {
	status   int
	Delivery string
	Started  []rinca.Started
	Ignored  string
	Repeat   bool
}

// push sends a delivery as GitHub does.
func (l *lab) push(url, secret, id string, fields map[string]any) (heard, error) {
	doc := map[string]any{"ref": "refs/heads/main", "pusher": map[string]any{"name": "alice"}}
	for k, v := range fields {
		doc[k] = v
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return heard{}, err
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return heard{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-GitHub-Delivery", id)
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return heard{}, err
	}
	defer res.Body.Close()
	out := heard{status: res.StatusCode}
	return out, json.NewDecoder(res.Body).Decode(&out)
}

// commits are those of a push, with the files of the last one.
func commits(before, after string, files ...string) map[string]any {
	return map[string]any{"before": before, "after": after, "commits": []any{map[string]any{"id": after, "modified": files}}}
}

// A push deploys the stack whose files it touches, by the commands that a
// person types to set it up and to look after it.
func TestPushDeploys(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.newStack(t, "pushed", map[string]string{"compose.yaml": app("labels: {edition: one}")})
	first := s.git("rev-parse", "HEAD")
	s.deploy()
	before := s.containers()
	secret := strings.TrimSpace(l.must("webhook", "secret", "set", "stack/pushed", "--generate", "-q"))
	url := strings.TrimSpace(l.must("webhook", "url", "stack/pushed", "--provider", "github"))
	send := func(id string, fields map[string]any) heard {
		t.Helper()
		h, err := l.push(url, secret, id, fields)
		if err != nil || h.status != 200 {
			t.Fatalf("%+v, %v", h, err)
		}
		return h
	}
	second := s.edit("one", "two")
	if h := send("1", commits(first, second, "README.md", "other/compose.yaml")); len(h.Started) != 0 || !strings.Contains(h.Ignored, "touches 2 files") {
		t.Errorf("a push of other files: %+v", h)
	}
	h := send("2", commits(first, second, "stack/compose.yaml"))
	if len(h.Started) != 1 {
		t.Fatalf("%+v", h)
	}
	u := l.ended(h.Started[0].Update)
	if u.State != rinca.Succeeded || u.Commit != second || u.Operator != "webhook" || u.Cause != "push of "+second[:7]+" by alice to main" {
		t.Errorf("%s by %s at %s, because of %q", u.State, u.Operator, u.Commit, u.Cause)
	}
	if fmt.Sprint(s.containers()) == fmt.Sprint(before) {
		t.Error("the container is still the old one")
	}
	if again := send("2", commits(first, second, "stack/compose.yaml")); !again.Repeat || again.Delivery != h.Delivery {
		t.Errorf("the same delivery again: %+v", again)
	}
	list := l.must("webhook", "deliveries", "stack/pushed")
	shown := l.must("webhook", "show", h.Delivery)
	for _, want := range []string{"DeployStackIfChanged pushed", "main " + second[:7] + " alice", "ignored: the push touches 2 files"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q:\n%s", want, list)
		}
	}
	if !strings.Contains(shown, "rinca update show "+u.ID) || !strings.Contains(shown, "stack/compose.yaml") {
		t.Errorf("%s", shown)
	}
	l.must("webhook", "set", "stack/pushed", "--branch", "release/*", "--paths", "images/**")
	if h := send("3", commits(first, second, "stack/compose.yaml")); !strings.Contains(h.Ignored, "release/*") {
		t.Errorf("%+v", h)
	}
	l.must("webhook", "set", "stack/pushed", "--branch", "", "--paths", "")
	if out := l.must("webhook", "redeliver", h.Delivery); !strings.Contains(out, "admin") || !strings.Contains(out, "DeployStackIfChanged") {
		t.Errorf("%s", out)
	}
	l.fails(64, []string{"nothing that has a webhook"}, "webhook", "url", "server/local")
	log := l.read(l.server.log)
	if strings.Contains(log, secret) {
		t.Error("the secret is in the log")
	}
}

// The server is killed in a storm of pushes. What it had answered is there
// afterwards, the rest is sent again, as a Git host does; every push is kept
// once, and what came last is run.
func TestPushStormSurvivesKill(t *testing.T) {
	t.Parallel()
	l := labWithoutEngine(t)
	l.procedure("storm", `[{"name":"s","executions":[{"execution":{"type":"Sleep","params":{"duration_ms":300}}}]}]`)
	const secret = "the secret of the storm"
	l.write("hook", secret)
	l.must("webhook", "secret", "set", "--global", "--secret-file", l.path("hook"))
	url := l.server.url + "/listener/github/procedure/storm/__ANY__"
	const senders, each = 8, 40
	var answered atomic.Int64
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%040x", sender*each+i+1)
				for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
					h, err := l.push(url, secret, id, commits(strings.Repeat("a", 40), id, "x"))
					if err == nil && h.status == 200 {
						answered.Add(1)
						break
					}
					if time.Now().After(deadline) {
						t.Errorf("%s was not answered: %+v, %v", id, h, err)
						return
					}
				}
			}
		})
	}
	for range 2 {
		time.Sleep(300 * time.Millisecond)
		l.crash()
		l.restart()
	}
	all.Wait()
	var list []rinca.Delivery
	settled := func() bool {
		list = nil
		l.api("GET", "/v1/deliveries?limit=500&target=procedure/storm", nil, &list)
		for _, d := range list {
			if len(d.Started) == 0 {
				return false
			}
		}
		return true
	}
	l.wait("every delivery to be decided about", settled)
	seen := map[string]int{}
	for _, d := range list {
		seen[d.RemoteID]++
	}
	if len(seen) != senders*each || len(list) != senders*each || answered.Load() != senders*each {
		t.Errorf("%d answers, %d deliveries of %d pushes", answered.Load(), len(list), len(seen))
	}
	u := l.ended(list[0].Started[0].Update)
	if u.State != rinca.Succeeded || u.EndedAt.Before(list[0].At) {
		t.Errorf("the last push came at %s, and the run it joined %s at %s", list[0].At, u.State, u.EndedAt)
	}
}
