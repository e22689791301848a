package rinca

import (
	"context"
	"time"
)

// An Engine deploys projects on one server. It is safe for use by several
// goroutines. Errors carry a Code: Unavailable when the server does not
// answer, Forbidden when it refuses us, Invalid for a project that cannot be.
// Nothing in Output is masked yet.
type Engine interface {
	// Info asks the server who it is, in one cheap request.
	Info(ctx context.Context) (EngineInfo, error)
	// Load reads a project and checks it: its form, and that every path in it
	// is one that it may use. It does not talk to the server. What Compose
	// only warns about is in Project.Warn. An env_file that is not there is no
	// error of Load: it is in the facts, and Plan and Apply fail.
	Load(ctx context.Context, p Project) (Deployment, error)
	// States returns the services of projects, by project; of every project
	// when none is named. One request, plus one for each container that is
	// not simply up.
	States(ctx context.Context, projects ...string) (map[string]StackState, error)
	// Operate starts, stops, restarts or destroys the containers of a project
	// without reading its files.
	Operate(ctx context.Context, project string, op Operation, out Output) error
	// Logs sends what containers print, until ctx ends or, without Follow,
	// until everything was sent.
	Logs(ctx context.Context, project string, o LogOptions, out Output) error
	// Close ends connections.
	Close() error
}

// A Deployment is a loaded project, about to be deployed on its engine.
type Deployment interface {
	// Facts say what the project uses.
	Facts() ProjectFacts
	// Preflight looks for what would make Apply fail: networks and volumes
	// that do not exist, ports taken, paths that are not there, a full disk.
	// A server that does not answer is an error.
	Preflight(ctx context.Context) ([]Problem, error)
	// Plan says what Apply would do. It changes nothing.
	Plan(ctx context.Context, force bool) (Plan, error)
	// Pull fetches images: all of them, or those that are missing. Progress
	// goes to out, for each image.
	Pull(ctx context.Context, missingOnly bool, out Output, services ...string) error
	// Apply makes the containers what the plan says, and touches no service
	// that it says to leave alone. It returns when containers have started.
	Apply(ctx context.Context, plan Plan, out Output) error
	// Verify waits until the project is good: services with a health check
	// are healthy, those without stay up for v.Settle, one-shot services have
	// exited with 0. A service that cannot become good is an error at once;
	// its last lines are sent to out.
	Verify(ctx context.Context, v Verify, out Output) error
	// RunService runs a service once, in a container of its own that nothing
	// reaches by the service's name, and returns its exit status. What it
	// depends on is started first. Nothing of it stays.
	RunService(ctx context.Context, run ServiceRun, out Output) (status int, err error)
	// Images returns the id of the image of each service that runs, for
	// Restore.
	Images(ctx context.Context) (map[string]string, error)
	// RestoreImages gives images their names back, as Images returned them.
	// One that is gone is an error NotFound.
	RestoreImages(ctx context.Context, images map[string]string) error
}

// EngineInfo is what a server says of itself.
type EngineInfo struct {
	Version    string `json:"version"`
	APIVersion string `json:"api_version"`
	OS         string `json:"os,omitempty"`
	Containers int    `json:"containers"`
}

// A Project is what an engine is given to deploy.
type Project struct {
	Name string
	// Stack is what messages call it; "" means Name.
	Stack string
	Dir   string // working directory, absolute: the stack's folder
	// Files are the compose files, absolute, inside Dir or one of Roots.
	Files []string
	// Read returns a compose file as it is to be read, with every [[NAME]]
	// filled in: for Files, and for what they include and extend. It refuses
	// paths outside the source.
	Read func(path string) (Secret, error)
	// Environment is what ${NAME} stands for; nothing else is.
	Environment map[string]Secret
	Profiles    []string
	// Source is the root of the checkout that Dir lies in; Roots are other
	// absolute paths that may be read and mounted.
	Source string
	Roots  []string
	// Live is where Source lies when the project is deployed; "" means where
	// it is. A plan is made from files that lie elsewhere, which is no change.
	Live string
	// Tracked lists the files, absolute, whose content belongs to the
	// project: those of the source and the exported ones. A mounted file or
	// directory of them that changes is a reason to recreate its service.
	Tracked []string
	// Digest makes a keyed digest.
	Digest func(purpose string, data ...[]byte) [32]byte
	// Warn is told what a person should know; may be nil.
	Warn func(text string)
	// Auth returns the credentials for a registry, false for none; may be nil.
	Auth func(registry string) (username string, password Secret, ok bool)
}

// ProjectFacts are what a loaded project uses.
type ProjectFacts struct {
	Services []ServiceFacts
	// EnvFiles, SecretFiles and ConfigFiles are absolute paths that the
	// project reads, in order, without repeats.
	EnvFiles    []FileUse
	SecretFiles []FileUse
	ConfigFiles []FileUse
	Binds       []FileUse
	// Values are values that the project carries and that must be masked.
	Values []Secret
}

// ServiceFacts describe one service.
type ServiceFacts struct {
	Name    string
	Image   string
	OneShot bool // restart "no" and no health check: it is done when it exits with 0
	Health  bool // it has a health check
}

// A FileUse is a file that services read.
type FileUse struct {
	Path     string
	Services []string
	Optional bool // env_file with required: false
	Create   bool // a bind whose source is made when it is missing
}

// A Problem is something that would make a deploy fail.
type Problem struct {
	Service string `json:"service,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// A Change says what happens to a service.
type Change string

// The changes.
const (
	Create   Change = "create"
	Recreate Change = "recreate"
	Start    Change = "start"  // it exists as it should be, and does not run
	Remove   Change = "remove" // it is in no file any more
	Keep     Change = "keep"
)

// A Plan says what a deploy would do, or has done. It holds no values.
type Plan struct {
	Services []ServicePlan `json:"services"`
	// Resources are networks and volumes that would be created.
	Resources []string `json:"resources,omitempty"`
}

// Changes reports whether the plan changes anything.
func (p Plan) Changes() bool {
	for _, s := range p.Services {
		if s.Change != Keep {
			return true
		}
	}
	return len(p.Resources) > 0
}

// A ServicePlan is the part of a plan for one service.
type ServicePlan struct {
	Service string   `json:"service"`
	Change  Change   `json:"change"`
	Reasons []Reason `json:"reasons,omitempty"`
	Image   string   `json:"image,omitempty"`
	// Containers are the ids of those that exist.
	Containers []string `json:"containers,omitempty"`
}

// A Reason is why a service changes.
type Reason struct {
	// Kind is one of: new, image, config, environment, env_file, secret,
	// config_file, mount, dependency, forced, stopped, scale, gone, again.
	Kind string `json:"kind"`
	// Names are of what changed: keys of the environment, secrets, configs,
	// paths, other services. Never values.
	Names []string `json:"names,omitempty"`
}

// StackStatus says how a whole stack, or a service of it, is.
type StackStatus string

// The statuses, from good to unknown.
const (
	StatusHealthy   StackStatus = "healthy"   // every health check passes
	StatusRunning   StackStatus = "running"   // up, without a health check
	StatusDone      StackStatus = "done"      // one-shot services exited with 0
	StatusStarting  StackStatus = "starting"  // a health check has not passed yet
	StatusUnhealthy StackStatus = "unhealthy" // a health check fails, a container restarts or has failed
	StatusStopped   StackStatus = "stopped"
	StatusDown      StackStatus = "down" // there are no containers
	StatusUnknown   StackStatus = "unknown"
)

// A StackState is how the services of a stack are.
type StackState struct {
	Status   StackStatus    `json:"status"`
	Services []ServiceState `json:"services,omitempty"`
	At       time.Time      `json:"at,omitzero"`
	Error    string         `json:"error,omitempty"` // why it is unknown
}

// A ServiceState is how one container of a service is.
type ServiceState struct {
	Service   string      `json:"service"`
	Container string      `json:"container"` // its name
	ID        string      `json:"id"`
	Image     string      `json:"image"`
	Status    StackStatus `json:"status"`
	Text      string      `json:"text,omitempty"` // the engine's own words: "Up 2 hours (healthy)"
	ExitCode  int         `json:"exit_code,omitempty"`
	StartedAt time.Time   `json:"started_at,omitzero"`
	Ports     []string    `json:"ports,omitempty"`
}

// An Operation is something done to the containers of a project.
type Operation struct {
	Kind     string // "start", "stop", "restart" or "destroy"
	Services []string
	Volumes  bool          // destroy: volumes too
	Timeout  time.Duration // stop, restart: before a container is killed; 0 means its own
}

// LogOptions say which lines of containers are wanted.
type LogOptions struct {
	Services   []string
	Tail       int // lines of each container; 0 means all of them
	Since      time.Time
	Follow     bool
	Timestamps bool
}

// A ServiceRun is a service run once, beside what runs already.
type ServiceRun struct {
	Service     string
	Command     []string // none means the service's own
	Entrypoint  []string // nil means the service's own
	Environment map[string]string
	User        string
	WorkingDir  string
	// NoDeps starts nothing that the service depends on.
	NoDeps bool
}
