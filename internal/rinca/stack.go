package rinca

import (
	"strings"
	"time"
)

// StackTag is the prefix of the tag that assigns an item to a stack:
// "stack:authentik".
const StackTag = "stack:"

// DefaultVault is the vault that is used when none is named.
const DefaultVault = "homelab"

// DefaultDest is the directory that exports go to when none is named.
const DefaultDest = "/mnt/apps01/secrets"

// ValidStackName reports whether name may name a stack: it is one path
// element that starts with a letter or digit.
func ValidStackName(name string) bool {
	return isName(name, 128, "._-") && !strings.Contains(name, "..")
}

// Stacks returns the names of the stacks that the item's tags assign it to,
// in the order of the tags, without repeats. Names are not checked.
func (i Info) Stacks() []string {
	var names []string
	seen := map[string]bool{}
	for _, t := range i.Tags {
		if n, ok := strings.CutPrefix(t, StackTag); ok && !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return names
}

// A Stack is a set of services that are deployed together from one source.
type Stack struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Server      string   `json:"server,omitempty"`  // "" means LocalServer
	Project     string   `json:"project,omitempty"` // the Compose project; "" means Name, in lower case
	Source      Source   `json:"source"`
	After       []string `json:"after,omitempty"` // stacks that must be verified first
	// Environment is text of KEY = VALUE lines, with [[NAME]]: what ${KEY} in
	// the compose files stands for.
	Environment string   `json:"environment,omitempty"`
	EnvFiles    []string `json:"env_files,omitempty"` // files of the source that are read before Environment
	Profiles    []string `json:"profiles,omitempty"`
	PreDeploy   Hook     `json:"pre_deploy,omitzero"`
	PostDeploy  Hook     `json:"post_deploy,omitzero"`
	// HostPaths are absolute paths on the host that compose files may read
	// and mount, beside the source and the stack's own exported files.
	HostPaths []string `json:"host_paths,omitempty"`
	Secrets   Secrets  `json:"secrets,omitzero"`
	Verify    Verify   `json:"verify,omitzero"`
	// Pull looks for newer images at every deploy; missing ones are always
	// fetched.
	Pull bool `json:"pull,omitempty"`
	// AutoUpdate deploys newer images when GlobalAutoUpdate finds them.
	AutoUpdate bool `json:"auto_update,omitempty"`
	// Deploy lets a resource sync deploy the stack when it, or anything that
	// it uses, differs from what runs.
	Deploy    bool      `json:"deploy,omitempty"`
	Links     []string  `json:"links,omitempty"` // addresses for people
	Webhook   Webhook   `json:"webhook,omitzero"`
	OnBusy    OnBusy    `json:"on_busy,omitempty"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// ProjectName returns the Compose project of the stack.
func (s *Stack) ProjectName() string {
	name := s.Project
	if name == "" {
		name = s.Name
	}
	return strings.ToLower(strings.ReplaceAll(name, ".", "_"))
}

// ServerName returns the server of the stack.
func (s *Stack) ServerName() string {
	if s.Server == "" {
		return LocalServer
	}
	return s.Server
}

// A SourceKind says where the files of a stack are.
type SourceKind string

// The kinds of sources.
const (
	SourceGit    SourceKind = "git"
	SourceHost   SourceKind = "host"   // a directory on the host
	SourceInline SourceKind = "inline" // kept with the stack
)

// A Source is where a stack's files come from.
type Source struct {
	Kind SourceKind `json:"kind"`
	// Linked names a Repo that address, account, branch, tag and commit are
	// taken from; then those are not set here.
	Linked string `json:"linked,omitempty"`
	// Of git: a URL (https://, ssh://, git@host:path, file://), the account
	// for it, and one of Branch, Tag and Commit (none means the default branch).
	Repo    string `json:"repo,omitempty"`
	Account string `json:"account,omitempty"`
	Branch  string `json:"branch,omitempty"`
	Tag     string `json:"tag,omitempty"`
	Commit  string `json:"commit,omitempty"`
	// Path is the stack's folder in the repository; Sparse lists other
	// folders of it that are checked out too, for include and extends.
	Path   string   `json:"path,omitempty"`
	Sparse []string `json:"sparse,omitempty"`
	Dir    string   `json:"dir,omitempty"` // of host: an absolute path
	// Files are the files of inline.
	Files []InlineFile `json:"files,omitempty"`
	// ComposeFiles are relative to the stack's folder; none means the first of
	// compose.yaml, compose.yml, docker-compose.yaml and docker-compose.yml,
	// with its override file if there is one.
	ComposeFiles []string `json:"compose_files,omitempty"`
}

// An InlineFile is a file that is kept with its stack.
type InlineFile struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

// A Hook is a shell command that runs on Rinca's host, in a folder of the
// source. [[NAME]] in it becomes a variable of its environment.
type Hook struct {
	Path    string   `json:"path,omitempty"` // relative to the stack's folder
	Command string   `json:"command,omitempty"`
	Timeout Duration `json:"timeout,omitempty"` // 0 means 10 minutes
}

// Secrets says how the stack's own items are exported before it is deployed.
type Secrets struct {
	Skip    bool     `json:"skip,omitempty"`    // export nothing
	Vault   string   `json:"vault,omitempty"`   // "" means the server's VAULT
	Stacks  []string `json:"stacks,omitempty"`  // none means the stack's own name
	Offline bool     `json:"offline,omitempty"` // take the files as they are when the vault is out of reach
}

// Verify says when a deploy is good.
type Verify struct {
	Skip    bool     `json:"skip,omitempty"`
	Timeout Duration `json:"timeout,omitempty"` // 0 means 2 minutes
	// Only lists the services that are looked at; none means all of them.
	Only []string `json:"-"`
	// Settle is how long a service without a health check must stay up; 0
	// means 2 seconds.
	Settle Duration `json:"settle,omitempty"`
}

// OnBusy says what becomes of a deploy while another one of the stack runs.
type OnBusy string

// What a second deploy does; "" means Wait.
const (
	Wait   OnBusy = "wait"
	Refuse OnBusy = "refuse"
)
