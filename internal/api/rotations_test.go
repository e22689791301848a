package api

import (
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// An approval is for the plan that was looked at: one that has become another
// since is refused, and stays unapproved.
func TestApprovalIsForOnePlan(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	admin := w.admin()
	rot := w.rotation()
	seen := rot.Plan
	rot.Items[0].Version++
	w.putRotation(&rot)
	path := "POST /v1/rotations/" + rot.ID + "/approve"
	if got := w.do(admin, path+"?plan="+seen, ""); got.status != 409 || !strings.Contains(got.body, "has changed since") {
		t.Errorf("an old plan: %d %s", got.status, got.body)
	}
	var now rinca.Rotation
	w.do(admin, "GET /v1/rotations/"+rot.ID, "").into(t, &now)
	if now.ApprovedBy != "" || now.Plan == seen {
		t.Errorf("it is approved by %q, its plan is %s", now.ApprovedBy, now.Plan)
	}
	if got := w.do(admin, path+"?plan="+now.Plan, ""); got.status != 200 || !strings.Contains(got.body, `"approved_by":"admin"`) {
		t.Errorf("the plan of now: %d %s", got.status, got.body)
	}
}

// Who may act on some stacks of a rotation may not decide on it; who may read
// some of them sees nothing of the others.
func TestRotationsOfSeveralStacks(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	rot := w.rotation()
	rot.Notes, rot.Cause = []string{"hidden: has no health check"}, "item hidden.env"
	rot.LeftOut = []rinca.LeftOut{{Stack: "hidden", Why: "it is busy"}}
	w.putRotation(&rot)
	own := rinca.Rights{Permissions: []rinca.Permission{{Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}, Grant: rinca.Grant{Level: rinca.Write}}}}
	token := w.user(rinca.User{Name: "own", Rights: own}, nil)
	if got := w.do(token, "GET /v1/rotations/"+rot.ID, ""); got.status != 200 || strings.Contains(got.body, "hidden") {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, what := range []string{"approve", "cancel", "undo"} {
		if got := w.do(token, "POST /v1/rotations/"+rot.ID+"/"+what, ""); got.status != 403 || strings.Contains(got.body, "hidden") {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
}
