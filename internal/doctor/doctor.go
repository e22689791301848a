// Package doctor finds out why secrets do not reach their stacks: it looks at
// every joint from the token to the file, in order, and names for each problem
// the command that mends it.
package doctor

import (
	"context"
	"io"
	"time"

	"rinca/internal/export"
	"rinca/internal/rinca"
	"rinca/internal/server"
)

// Status is what came of a check.
type Status string

// The outcomes of a check.
const (
	OK      Status = "ok"
	Warning Status = "warning" // works, and will bite
	Problem Status = "problem" // does not work
	Skipped Status = "skipped" // could not be looked at, because of a problem before
)

// A Finding is one thing that was looked at.
type Finding struct {
	Check   string `json:"check"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	Mend    string `json:"mend,omitempty"` // the command, or what to do
	Fixed   bool   `json:"fixed,omitempty"`
}

// A Doctor looks at what an export would use.
type Doctor struct {
	Sources server.Sources
	Request export.Request
	// Named tells that the stacks of the Request come from the variable
	// STACKS or from arguments, and not from --all.
	Named bool
	Fix   bool // mend what is safe to mend
	Now   func() time.Time
	Told  func(Finding) // is told each finding as it is made; may be nil

	findings []Finding
	choice   server.Choice
	provider rinca.Provider
	vaults   []rinca.Vault
	vault    rinca.Vault
	infos    []rinca.Info
	items    []rinca.Item // those that become files
}

// A check is one step. Those after a step that has failed are skipped when
// they need it.
type check struct {
	name  string
	needs []string
	run   func(*Doctor, context.Context) bool
}

// checks lists the steps in the order in which secrets travel.
func checks() []check {
	return []check{
		{"provider", nil, (*Doctor).checkProvider},
		{"token", []string{"provider"}, (*Doctor).checkToken},
		{"access", []string{"token"}, (*Doctor).checkAccess},
		{"clock", nil, (*Doctor).checkClock},
		{"vault", []string{"access"}, (*Doctor).checkVault},
		{"items", []string{"vault"}, (*Doctor).checkItems},
		{"values", []string{"items"}, (*Doctor).checkValues},
		{"masking", []string{"values"}, (*Doctor).checkMasking},
		{"destination", nil, (*Doctor).checkDestination},
		{"disk", []string{"destination"}, (*Doctor).checkDisk},
		{"files", []string{"vault", "destination"}, (*Doctor).checkFiles},
		{"permissions", []string{"destination"}, (*Doctor).checkPermissions},
		{"variables", nil, (*Doctor).checkVariables},
	}
}

// Run makes every check and returns what it found, in order.
func (d *Doctor) Run(ctx context.Context) []Finding {
	failed := map[string]bool{}
	for _, c := range checks() {
		missing := ""
		for _, n := range c.needs {
			if failed[n] {
				missing = n
			}
		}
		if missing != "" {
			failed[c.name] = true
			d.tell(Finding{Check: c.name, Status: Skipped, Message: "needs " + missing})
			continue
		}
		failed[c.name] = !c.run(d, ctx)
	}
	if c, ok := d.provider.(io.Closer); ok {
		c.Close()
	}
	return d.findings
}

func (d *Doctor) tell(f Finding) {
	d.findings = append(d.findings, f)
	if d.Told != nil {
		d.Told(f)
	}
}

func (d *Doctor) ok(name, message string) bool {
	d.tell(Finding{Check: name, Status: OK, Message: message})
	return true
}

func (d *Doctor) warn(name, message, mend string) {
	d.tell(Finding{Check: name, Status: Warning, Message: message, Mend: mend})
}

func (d *Doctor) problem(name, message, mend string) bool {
	d.tell(Finding{Check: name, Status: Problem, Message: message, Mend: mend})
	return false
}

// fail reports an error of ours with its hint.
func (d *Doctor) fail(name string, err error) bool {
	return d.problem(name, err.Error(), rinca.HintOf(err))
}
