package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/schedule"
)

type fixedSchedules []rinca.Scheduled

func (f fixedSchedules) List(context.Context, int) []rinca.Scheduled { return f }
func (f fixedSchedules) TimeZone() *time.Location                    { return time.UTC }

// Who lists schedules sees those of what they may read; who explains one needs
// no rights, and leaves nothing behind.
func TestSchedules(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Schedules = fixedSchedules{
			{Target: rinca.Target{Kind: rinca.KindProcedure, Name: "mine"}, Execution: "RunProcedure"},
			{Target: rinca.Target{Kind: rinca.KindProcedure, Name: "theirs"}, Execution: "RunProcedure"},
		}
	})
	w.user(rinca.User{Name: "bob", Rights: rinca.Rights{Permissions: []rinca.Permission{
		{Target: rinca.Target{Kind: rinca.KindProcedure, Name: "mine"}, Grant: rinca.Grant{Level: rinca.Read}},
	}}}, nil)
	a := w.do(w.tokens["bob"], "GET /v1/schedules", "")
	if a.status != http.StatusOK || !strings.Contains(a.body, `"mine"`) || strings.Contains(a.body, "theirs") {
		t.Errorf("%d %s", a.status, a.body)
	}
	a = w.do(w.tokens["bob"], "POST /v1/schedules/explain", `{"text":"Every day at 02:30","timezone":"Europe/Berlin","from":"2027-03-27T12:00:00Z"}`)
	var m schedule.Meaning
	a.into(t, &m)
	if m.Cron != "0 30 2 * * *" || m.Zone != "Europe/Berlin" || len(m.Next) != 5 || m.Next[0].Format(time.RFC3339) != "2027-03-28T03:00:00+02:00" {
		t.Errorf("%+v", m)
	}
	a = w.do(w.tokens["bob"], "POST /v1/schedules/explain", `{"text":"every blue moon"}`)
	if a.code() != rinca.Invalid || !strings.Contains(a.body, "blue") || !strings.Contains(a.body, "every day at 02:00") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a = w.do(rinca.Secret{}, "POST /v1/schedules/explain", `{"text":"every day"}`); a.status != http.StatusUnauthorized {
		t.Errorf("without a key: %d", a.status)
	}
}
