package rinca

import "time"

// An AlertLevel says how bad it is.
type AlertLevel string

// The levels of alerts.
const (
	AlertOK       AlertLevel = "OK"
	AlertWarning  AlertLevel = "WARNING"
	AlertCritical AlertLevel = "CRITICAL"
)

// The types of alerts.
const (
	AlertDeployFailed      = "StackDeployFailed"
	AlertExportFailed      = "ExportFailed"
	AlertRotationFailed    = "RotationFailed"
	AlertRotationWaits     = "RotationWaiting" // for an approval
	AlertSyncFailed        = "ResourceSyncFailed"
	AlertSyncPending       = "ResourceSyncPendingUpdates"
	AlertProcedureFailed   = "ProcedureFailed"
	AlertScheduleRun       = "ScheduleRun"
	AlertScheduleMissed    = "ScheduleMissed"
	AlertSecretOverdue     = "SecretOverdue"
	AlertDrift             = "Drift"
	AlertVaultUnreachable  = "VaultUnreachable"
	AlertVaultBudgetLow    = "VaultBudgetLow"
	AlertServerUnreachable = "ServerUnreachable"
	AlertCustom            = "Custom"
	AlertTest              = "Test"
)

// AlertTypes lists the types of alerts.
func AlertTypes() []string {
	return []string{
		AlertDeployFailed, AlertExportFailed, AlertRotationFailed, AlertRotationWaits, AlertSyncFailed, AlertSyncPending, AlertProcedureFailed, AlertScheduleRun,
		AlertScheduleMissed, AlertSecretOverdue, AlertDrift, AlertVaultUnreachable, AlertVaultBudgetLow, AlertServerUnreachable, AlertCustom, AlertTest,
	}
}

// An Alert tells a person that something is wrong, or is well again. Texts
// are masked.
type Alert struct {
	ID     string     `json:"id"` // sorts by time
	At     time.Time  `json:"at"` // when it was first raised
	Level  AlertLevel `json:"level"`
	Type   string     `json:"type"`
	Target Target     `json:"target"`
	// Key tells alerts about the same thing: one that is open is not raised
	// again. "" means type and target.
	Key        string    `json:"key,omitempty"`
	Message    string    `json:"message"`
	Details    string    `json:"details,omitempty"` // more than one line may hold
	Lines      []string  `json:"lines,omitempty"`   // the last ones of what failed
	Hint       string    `json:"hint,omitempty"`
	Update     string    `json:"update,omitempty"`
	Count      int       `json:"count,omitempty"` // how often it was raised
	LastAt     time.Time `json:"last_at,omitzero"`
	Resolved   bool      `json:"resolved"`
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	ClosedBy   string    `json:"closed_by,omitempty"` // who resolved it by hand
	// To are the alerters that get it, whatever their filters; none means
	// those whose filters let it through.
	To []string `json:"to,omitempty"`
	// Once marks an alert that is no state: it is never resolved.
	Once bool `json:"once,omitempty"`
}

// DedupeKey returns Key, or what stands for it.
func (a *Alert) DedupeKey() string {
	if a.Key != "" {
		return a.Key
	}
	return a.Type + " " + a.Target.String()
}

// An Alerter is where alerts are sent.
type Alerter struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Disabled    bool     `json:"disabled,omitempty"`
	// Kind is one of AlerterKinds.
	Kind string `json:"kind"`
	// URL is where to; it is often a credential and never encoded. [[NAME]]
	// in it is a variable.
	URL    Secret `json:"-"`
	HasURL bool   `json:"has_url"`
	Email  string `json:"email,omitempty"` // of Ntfy
	// Types are the types that are sent; none means all. Levels likewise.
	Types  []string     `json:"types,omitempty"`
	Levels []AlertLevel `json:"levels,omitempty"`
	// Resources are patterns of what alerts are about; none means all. Those
	// that match Except are left out.
	Resources []Target  `json:"resources,omitempty"`
	Except    []Target  `json:"except,omitempty"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// The kinds of alerters.
const (
	AlerterCustom   = "Custom" // gets the alert as JSON
	AlerterSlack    = "Slack"
	AlerterDiscord  = "Discord"
	AlerterNtfy     = "Ntfy"
	AlerterGotify   = "Gotify"
	AlerterPushover = "Pushover"
	AlerterSMTP     = "SMTP"
	AlerterShoutrrr = "Shoutrrr" // any service URL of that library
)

// AlerterKinds lists the kinds of alerters.
func AlerterKinds() []string {
	return []string{AlerterCustom, AlerterSlack, AlerterDiscord, AlerterNtfy, AlerterGotify, AlerterPushover, AlerterSMTP, AlerterShoutrrr}
}

// An AlertSending is an alert on its way to an alerter.
type AlertSending struct {
	ID      string    `json:"id"`
	Alerter string    `json:"alerter"`
	Alert   Alert     `json:"alert"`
	At      time.Time `json:"at"` // when it was to be sent
	Tries   int       `json:"tries,omitempty"`
	NextAt  time.Time `json:"next_at,omitzero"`
	SentAt  time.Time `json:"sent_at,omitzero"`
	Error   string    `json:"error,omitempty"` // of the last try, masked
	GaveUp  bool      `json:"gave_up,omitempty"`
}
