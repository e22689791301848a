package api

import (
	"strings"
	"testing"

	"rinca/internal/rinca"
)

func TestAlerterAddress(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	writes := w.user(rinca.User{Name: "writes", Rights: all(rinca.Write)}, nil)
	reveals := w.user(rinca.User{Name: "reveals", Rights: all(rinca.Write, rinca.Reveal)}, nil)
	for _, c := range []struct {
		who    rinca.Secret
		body   string
		status int
	}{
		{writes, `{"kind":"Custom","types":["Drift"]}`, 200}, // the address is kept
		{writes, `{"kind":"Slack"}`, 400},                    // it was for another kind
		{writes, `{"kind":"Custom","url":"https://[[DOMAIN]]/x"}`, 200},
		{writes, `{"kind":"Custom","url":"https://evil.example.org/[[TOKEN]]"}`, 403}, // it would be sent there
		{reveals, `{"kind":"Custom","url":"https://good.example.org/[[TOKEN]]"}`, 200},
		{reveals, `{"kind":"Custom","url":"https://good.example.org/[[NOTHING]]"}`, 400},
		{writes, `{"kind":"Custom","url":"ftp://` + canary + `"}`, 400},
		{writes, `{"kind":"Custom","types":["Nonsense"]}`, 400},
		{writes, `{"kind":"custom","url":"https://h/x"}`, 400},
	} {
		got := w.do(c.who, "PUT /v1/alerters/ops", c.body)
		if got.status != c.status || strings.Contains(got.body, canary) || strings.Contains(got.body, "d.example.org") || strings.Contains(got.body, "evil") {
			t.Errorf("%s: %d %s", c.body, got.status, got.body)
		}
	}
	if got := w.do(writes, "PUT /v1/alerters/new", `{"kind":"Slack"}`); got.status != 400 || !strings.Contains(got.body, "url is missing") {
		t.Errorf("%d %s", got.status, got.body)
	}
	kept, err := w.db.Alerter(t.Context(), "ops")
	if err != nil || !strings.HasPrefix(kept.URL.Reveal(), "https://good.example.org/") || kept.UpdatedBy != "reveals" {
		t.Errorf("kept for %s, %v", kept.UpdatedBy, err)
	}
}

// Alerts are for those who may read what they are about.
func TestAlertsOfOthersAreHidden(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	mine := w.user(rinca.User{Name: "mine", Rights: rinca.Rights{Permissions: []rinca.Permission{
		{Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}, Grant: rinca.Grant{Level: rinca.Read}},
		{Target: rinca.Target{Kind: rinca.KindAlerter, Name: "ops"}, Grant: rinca.Grant{Level: rinca.Read}},
	}}}, nil)
	admin := w.admin()
	for _, target := range []rinca.Target{{Kind: rinca.KindStack, Name: "web"}, {Kind: rinca.KindStack, Name: "other"}, {}, {Kind: rinca.KindStack, Name: "*"}} {
		if err := w.alerts.Raise(t.Context(), rinca.Alert{Type: rinca.AlertDrift, Target: target, Message: "about " + target.Name}); err != nil {
			t.Fatal(err)
		}
	}
	var seen, every []rinca.Alert
	w.must(mine, "GET /v1/alerts?open=true", "").into(t, &seen)
	w.must(admin, "GET /v1/alerts", "").into(t, &every)
	if len(seen) != 1 || seen[0].Target.Name != "web" || len(every) != 4 {
		t.Fatalf("seen: %+v; there are %d", seen, len(every))
	}
	var sent []rinca.AlertSending
	w.must(mine, "GET /v1/alerters/ops/sendings", "").into(t, &sent)
	if len(sent) != 1 || sent[0].Alert.Target.Name != "web" {
		t.Errorf("sendings: %+v", sent)
	}
	for i := range every {
		want := 404
		if every[i].ID == seen[0].ID {
			want = 200
		}
		if got := w.do(mine, "GET /v1/alerts/"+every[i].ID, ""); got.status != want {
			t.Errorf("%s: %d", every[i].Target, got.status)
		}
	}
	if got := w.do(mine, "POST /v1/alerts/"+seen[0].ID+"/close", ""); got.status != 403 {
		t.Errorf("who may only read closes: %d", got.status)
	}
	var page []rinca.Alert
	w.must(admin, "GET /v1/alerts?limit=2&type=Drift&before="+every[1].ID, "").into(t, &page)
	if len(page) != 2 || page[0].ID != every[2].ID {
		t.Errorf("the second page: %+v", page)
	}
	w.must(admin, "POST /v1/alerts/"+seen[0].ID+"/close", "")
	metrics := w.must(admin, "GET /metrics", "").body
	if !strings.Contains(metrics, `rinca_alerts_open{level="WARNING"} 3`) {
		t.Error("open alerts are not counted")
	}
}
