package rinca

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Procedure is stages of executions: the stages one after another, the
// executions of a stage at once.
type Procedure struct {
	Name        string           `json:"name"`
	Description string           `json:"description,omitempty"`
	Tags        []string         `json:"tags,omitempty"`
	Parameters  []Parameter      `json:"parameters,omitempty"`
	Stages      []ProcedureStage `json:"stages"`
	Timeout     Duration         `json:"timeout,omitempty"` // of a whole run; 0 means none
	Schedule    Schedule         `json:"schedule,omitzero"`
	Webhook     Webhook          `json:"webhook,omitzero"`
	// QuietFailure raises no alert when a run fails; ScheduleAlert raises one
	// for each run that a schedule starts.
	QuietFailure  bool      `json:"quiet_failure,omitempty"`
	ScheduleAlert bool      `json:"schedule_alert,omitempty"`
	UpdatedAt     time.Time `json:"updated_at,omitzero"`
	UpdatedBy     string    `json:"updated_by,omitempty"`
}

// A Parameter is a value that who runs a procedure may give: [[NAME]] in the
// parameters of its executions stands for it.
type Parameter struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Default     string `json:"default,omitempty"`
	Required    bool   `json:"required,omitempty"`
}

// A ProcedureStage is executions that run at once.
type ProcedureStage struct {
	Name       string           `json:"name"`
	Disabled   bool             `json:"disabled,omitempty"`
	OnFailure  OnFailure        `json:"on_failure,omitempty"`
	Timeout    Duration         `json:"timeout,omitempty"` // of the stage; 0 means none
	AtOnce     int              `json:"at_once,omitempty"` // at most so many executions at once; 0 means 8
	Executions []StageExecution `json:"executions"`
}

// A StageExecution is an execution of a stage.
type StageExecution struct {
	Execution  Execution `json:"execution"`
	Disabled   bool      `json:"disabled,omitempty"`
	Timeout    Duration  `json:"timeout,omitempty"`     // of one try; 0 means none
	Retries    int       `json:"retries,omitempty"`     // further tries after one that failed
	RetryDelay Duration  `json:"retry_delay,omitempty"` // before each of them; 0 means 5 seconds
}

// OnFailure says what becomes of a procedure when a stage fails.
type OnFailure string

// What a failed stage does; "" means Stop.
const (
	Stop     OnFailure = "stop"     // later stages do not run
	Continue OnFailure = "continue" // they do; the procedure has failed all the same
)

// A Schedule says when something runs by itself.
type Schedule struct {
	// Text is English ("Every day at 02:00") or cron ("0 2 * * *", "@daily").
	Text     string         `json:"text,omitempty"`
	Format   ScheduleFormat `json:"format,omitempty"`   // "" finds out
	TimeZone string         `json:"timezone,omitempty"` // such as "Europe/Berlin"; "" means the server's
	Disabled bool           `json:"disabled,omitempty"`
	Missed   Missed         `json:"missed,omitempty"`
	Jitter   Duration       `json:"jitter,omitempty"` // each run is put off by up to so long
}

// IsSet reports whether there is a schedule at all.
func (s Schedule) IsSet() bool { return s.Text != "" }

// A ScheduleFormat is how a schedule is written.
type ScheduleFormat string

// The formats.
const (
	English ScheduleFormat = "English"
	Cron    ScheduleFormat = "Cron"
)

// Missed says what becomes of runs that were due while the server was down.
type Missed string

// What is done about missed runs; "" means RunOnce.
const (
	RunOnce Missed = "once" // one run makes up for all of them
	Skip    Missed = "skip"
)

// A Scheduled is a schedule of something, and when it runs.
type Scheduled struct {
	Target    Target      `json:"target"`
	Execution string      `json:"execution"` // the kind of what it starts
	Schedule  Schedule    `json:"schedule"`
	Cron      string      `json:"cron,omitempty"` // what the schedule means, with 6 fields
	Zone      string      `json:"zone,omitempty"` // the time zone that counts
	Notes     []string    `json:"notes,omitempty"`
	Next      []time.Time `json:"next,omitempty"`
	Last      time.Time   `json:"last,omitzero"`      // when it last started something
	LastRun   string      `json:"last_run,omitempty"` // its update
	// Missed are runs that were due and did not happen since Last; Note says
	// why, or what became of them.
	Missed int    `json:"missed,omitempty"`
	Note   string `json:"note,omitempty"`
	Error  string `json:"error,omitempty"` // why it never runs
}

// A Webhook says which deliveries start something. The secret that
// authenticates them is kept apart.
type Webhook struct {
	Disabled bool `json:"disabled,omitempty"`
	// Path is another name in the listener's URL, beside that of the resource:
	// "export-secrets" for /listener/github/export-secrets.
	Path string `json:"path,omitempty"`
	// Branch starts it; "" means the branch of its source, or any, and "*" any.
	Branch string `json:"branch,omitempty"`
	// Tags are patterns of tags whose push starts it; none means no tag does.
	Tags []string `json:"tags,omitempty"`
	// Paths are patterns, with * and **, of files: a push that touches none of
	// them starts nothing. None means the files that the resource is made of.
	Paths []string `json:"paths,omitempty"`
	// Force deploys a stack even when nothing differs.
	Force bool `json:"force,omitempty"`
}

// A Delivery is a request that a webhook received.
type Delivery struct {
	ID         string    `json:"id"` // ours; sorts by time
	At         time.Time `json:"at"`
	Provider   string    `json:"provider"`            // "github", "gitlab", "gitea", "forgejo" or "bearer"
	RemoteID   string    `json:"remote_id,omitempty"` // the sender's own id of it
	Path       string    `json:"path"`                // of the URL
	Event      string    `json:"event,omitempty"`     // "push", "ping", "release" …
	Repository string    `json:"repository,omitempty"`
	Ref        string    `json:"ref,omitempty"`
	Before     string    `json:"before,omitempty"` // the commit that the ref was at
	Commit     string    `json:"commit,omitempty"`
	Author     string    `json:"author,omitempty"`
	Files      []string  `json:"files,omitempty"` // that the push touches, the first of them; nil when that is not known
	Target     Target    `json:"target,omitzero"` // zero: whatever is made of the repository
	// Started are the updates that it started, or joined; Ignored says why
	// there are none, Note what else is worth knowing.
	Started []Started `json:"started,omitempty"`
	Ignored string    `json:"ignored,omitempty"`
	Note    string    `json:"note,omitempty"`
	// Waits says why nothing has been decided yet: it is done later, also after
	// a restart of the server.
	Waits string `json:"waits,omitempty"`
	// Redelivers is the delivery that a person repeated, RedeliveredBy who.
	Redelivers    string `json:"redelivers,omitempty"`
	RedeliveredBy string `json:"redelivered_by,omitempty"`
	// Body is what was sent, for a redelivery. It is kept sealed.
	Body Secret `json:"-"`
}

// A Started is an execution that a delivery asked for.
type Started struct {
	Update    string `json:"update"`
	Execution string `json:"execution"`
	Target    Target `json:"target"`
	Joined    bool   `json:"joined,omitempty"` // the update was waiting already
}

// A ResourceSync makes resources what TOML files say.
type ResourceSync struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Source      Source   `json:"source"`
	// Paths are files and folders of the source; none means all of it.
	Paths []string `json:"paths,omitempty"`
	// Delete removes resources that match MatchTags and are in no file.
	Delete           bool      `json:"delete,omitempty"`
	MatchTags        []string  `json:"match_tags,omitempty"` // only resources that have all of them
	SkipResources    bool      `json:"skip_resources,omitempty"`
	IncludeVariables bool      `json:"include_variables,omitempty"`
	IncludeGroups    bool      `json:"include_user_groups,omitempty"`
	Schedule         Schedule  `json:"schedule,omitzero"`
	Webhook          Webhook   `json:"webhook,omitzero"`
	UpdatedAt        time.Time `json:"updated_at,omitzero"`
	UpdatedBy        string    `json:"updated_by,omitempty"`
}

// A Repo is a Git source that several resources share.
type Repo struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Tags        []string  `json:"tags,omitempty"`
	Source      Source    `json:"source"` // of kind git
	Webhook     Webhook   `json:"webhook,omitzero"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
	UpdatedBy   string    `json:"updated_by,omitempty"`
}

// ValidResourceName reports whether a text may name a procedure, a resource
// sync, an alerter or a repo: up to 128 characters that can be printed,
// without / \ " and commas, and without blanks around it.
func ValidResourceName(name string) bool {
	if name == "" || len(name) > 512 || utf8.RuneCountInString(name) > 128 || !utf8.ValidString(name) ||
		strings.TrimSpace(name) != name || strings.ContainsAny(name, `/\",*?`) || name[0] == '.' {
		return false
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
