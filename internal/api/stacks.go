package api

import (
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// stackRoutes are about stacks: what they are, and how they are.
func stackRoutes() []route {
	const one = "/v1/stacks/{stack}"
	read := resource(rinca.KindStack, "stack", rinca.Read)
	write := resource(rinca.KindStack, "stack", rinca.Write)
	return []route{
		{
			pattern: "GET /v1/stacks", need: list(), doc: "List the stacks that you may read, by name.",
			out: []stackSummary{}, serve: (*Server).getStacks,
		}, {
			pattern: "POST /v1/stacks", need: need{access: onTarget, kind: rinca.KindStack, level: rinca.Write, name: stackInBody()},
			audit: "stack.create", doc: "Create a stack; a stack of that name is a conflict.", limit: stackLimit,
			in: rinca.Stack{}, out: rinca.Stack{}, status: 201, serve: (*Server).postStack,
		}, {
			pattern: "GET " + one, need: read, doc: "Show a stack's configuration; no values of variables.",
			out: rinca.Stack{}, serve: (*Server).getStack,
		}, {
			pattern: "PUT " + one, need: write, audit: "stack.update", limit: stackLimit,
			doc: "Replace a stack's configuration, or create it; If-Match and If-None-Match: * are heeded.",
			in:  rinca.Stack{}, out: rinca.Stack{}, serve: (*Server).putStack,
		}, {
			pattern: "DELETE " + one, need: write, audit: "stack.delete",
			doc:   "Forget a stack and its variables; its containers and its history stay. Not while an update of it waits or runs.",
			serve: (*Server).deleteStack,
		}, {
			pattern: "GET " + one + "/state", need: read, doc: "Say how a stack's services are now.",
			out: rinca.StackState{}, serve: (*Server).getState,
		}, {
			pattern: "POST " + one + "/plan", need: resource(rinca.KindStack, "stack", rinca.Execute),
			doc: "Say what a deploy would do, and why; nothing is changed, and no values are shown.",
			out: rinca.Plan{}, serve: (*Server).postPlan,
		}, {
			pattern: "GET " + one + "/logs", need: read, doc: "Stream what a stack's containers print, masked, as server-sent events with a line each.",
			query: []param{
				{"service", "names of services, with commas between"},
				{"tail", "lines of each container; 0 means all, the default is 100"},
				{"since", "a time such as 2026-01-02T15:04:05Z, or a duration such as 10m"},
				{"follow", "true: go on until the client goes"},
			},
			out: rinca.Line{}, serve: (*Server).getLogs,
		}, {
			pattern: "GET /v1/states", need: list(), doc: "Say how every stack is that you may read.",
			out: map[string]rinca.StackState{}, serve: (*Server).getStates,
		},
	}
}

const stackLimit = 72 << 20 // inline files, escaped

// A stackSummary is a stack in a list: what it is, without what is long.
type stackSummary struct {
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Tags        []string      `json:"tags,omitempty"`
	Server      string        `json:"server,omitempty"`
	Project     string        `json:"project,omitempty"`
	Source      sourceSummary `json:"source"`
	After       []string      `json:"after,omitempty"`
	UpdatedAt   time.Time     `json:"updated_at,omitzero"`
}

type sourceSummary struct {
	Kind   rinca.SourceKind `json:"kind"`
	Linked string           `json:"linked,omitempty"` // the repo that says the rest
	Repo   string           `json:"repo,omitempty"`
	Branch string           `json:"branch,omitempty"`
	Tag    string           `json:"tag,omitempty"`
	Commit string           `json:"commit,omitempty"`
	Path   string           `json:"path,omitempty"`
	Dir    string           `json:"dir,omitempty"`
	Files  []fileSummary    `json:"files,omitempty"`
}

type fileSummary struct {
	Path string `json:"path"`
}

// summarize makes a row of a list. A source that is linked to a repo is shown
// as the repo says; repos are found by name.
func summarize(s *rinca.Stack, repos map[string]rinca.Repo) stackSummary {
	from := s.Source
	if repo, ok := repos[from.Linked]; ok {
		from = from.With(repo)
	}
	out := stackSummary{
		Name: s.Name, Description: s.Description, Tags: s.Tags, Server: s.Server, Project: s.Project, After: s.After, UpdatedAt: s.UpdatedAt,
		Source: sourceSummary{Kind: from.Kind, Linked: from.Linked, Repo: from.Repo, Branch: from.Branch, Tag: from.Tag, Commit: from.Commit, Path: from.Path, Dir: from.Dir},
	}
	for _, f := range from.Files {
		out.Source.Files = append(out.Source.Files, fileSummary{f.Path})
	}
	return out
}

func stackInBody() from {
	return from{doc: "name, in the body", body: true, find: func(_ *Server, r *request) (rinca.Target, error) {
		t := rinca.Target{Kind: rinca.KindStack, Name: body[rinca.Stack](r).Name}
		if !rinca.ValidStackName(t.Name) {
			return t, (&rinca.Stack{Name: t.Name}).Check()
		}
		return t, nil
	}}
}

func (s *Server) getStacks(r *request) (any, error) {
	return s.lists.get(s, r, "stacks", func() (any, error) {
		stacks, err := s.cfg.DB.Stacks(r.Context())
		if err != nil {
			return nil, err
		}
		repos, err := s.linkedRepos(r)
		if err != nil {
			return nil, err
		}
		out := []stackSummary{}
		for i := range stacks {
			if r.may(rinca.Target{Kind: rinca.KindStack, Name: stacks[i].Name}, rinca.Read) {
				out = append(out, summarize(&stacks[i], repos))
			}
		}
		return out, nil
	})
}

func (s *Server) linkedRepos(r *request) (map[string]rinca.Repo, error) {
	list, err := s.cfg.DB.Repos(r.Context())
	repos := map[string]rinca.Repo{}
	for i := range list {
		repos[list[i].Name] = list[i]
	}
	return repos, err
}

func (s *Server) getStack(r *request) (any, error) {
	stack, err := s.cfg.DB.Stack(r.Context(), r.target.Name)
	return stack, s.here(r, err)
}

// here turns "not found" into the answer that somebody gets who may not know
// whether it is there.
func (s *Server) here(r *request, err error) error {
	if rinca.CodeOf(err) == rinca.NotFound {
		return missing(r.target)
	}
	return err
}

func (s *Server) postStack(r *request) (any, error) {
	return s.saveStack(r, *body[rinca.Stack](r), store.CreateOnly)
}

func (s *Server) putStack(r *request) (any, error) {
	stack := *body[rinca.Stack](r)
	if stack.Name == "" {
		stack.Name = r.target.Name
	}
	if stack.Name != r.target.Name {
		return nil, rinca.Errorf(rinca.Invalid, "name differs from the one in the path").Try("a stack keeps its name; make another one and delete this")
	}
	return s.saveStack(r, stack, modeOf(r))
}

// modeOf heeds If-None-Match: * of a PUT.
func modeOf(r *request) store.PutMode {
	if r.Header.Get("If-None-Match") == "*" {
		return store.CreateOnly
	}
	return store.Upsert
}

func (s *Server) saveStack(r *request, stack rinca.Stack, mode store.PutMode) (any, error) {
	if err := stack.Check(); err != nil {
		return nil, err
	}
	before, err := s.cfg.DB.Stack(r.Context(), stack.Name)
	isNew := rinca.CodeOf(err) == rinca.NotFound
	if err != nil && !isNew {
		return nil, err
	}
	if err := mayUse(r, &stack, &before, isNew); err != nil {
		return nil, err
	}
	if err := s.isThere(r, &stack, &before, isNew); err != nil {
		return nil, err
	}
	if err := s.freePath(r, rinca.Target{Kind: rinca.KindStack, Name: stack.Name}, stack.Webhook); err != nil {
		return nil, err
	}
	stack.UpdatedBy = r.user()
	saved, err := s.cfg.DB.PutStack(r.Context(), stack, mode)
	if rinca.CodeOf(err) == rinca.Conflict {
		err = s.taken(r, &stack, err)
	}
	return saved, err
}

func (s *Server) deleteStack(r *request) (any, error) {
	if err := s.idle(r, r.target.Name); err != nil {
		return nil, err
	}
	return nil, s.here(r, s.cfg.DB.DeleteStack(r.Context(), r.target.Name))
}

// known makes sure that the stack exists before another part is asked about it.
func (s *Server) known(r *request) error {
	_, err := s.cfg.DB.Stack(r.Context(), r.target.Name)
	return s.here(r, err)
}

func (s *Server) getState(r *request) (any, error) {
	if err := s.known(r); err != nil {
		return nil, err
	}
	return s.cfg.Deploy.State(r.Context(), r.target.Name)
}

func (s *Server) getStates(r *request) (any, error) {
	states, err := s.cfg.Deploy.States(r.Context())
	if err != nil {
		return nil, err
	}
	out := map[string]rinca.StackState{}
	for name, state := range states {
		if r.may(rinca.Target{Kind: rinca.KindStack, Name: name}, rinca.Read) {
			out[name] = state
		}
	}
	return out, nil
}

func (s *Server) postPlan(r *request) (any, error) {
	if err := s.known(r); err != nil {
		return nil, err
	}
	return s.cfg.Deploy.Plan(r.Context(), r.target.Name)
}

func (s *Server) getLogs(r *request) (any, error) {
	if err := s.known(r); err != nil {
		return nil, err
	}
	o, err := logOptions(r, s.cfg.Now())
	if err != nil {
		return nil, err
	}
	name := r.target.Name
	if err := s.haveServices(r, o.Services); err != nil {
		return nil, err
	}
	return stream(func(out *sse) error {
		err := s.cfg.Deploy.Logs(out.ctx, name, o, func(l rinca.Line) {
			out.send("", 0, maskLine(s.cfg.Known.Masker(), l))
		})
		if failed := out.failed(); failed != nil {
			return failed
		}
		return err
	}), nil
}

// haveServices refuses the name of a service of which there is no container:
// its log would be empty, as that of one that is silent.
func (s *Server) haveServices(r *request, services []string) error {
	if len(services) == 0 {
		return nil
	}
	state, err := s.cfg.Deploy.State(r.Context(), r.target.Name)
	if err != nil || state.Status == rinca.StatusUnknown {
		return err
	}
	var names []string
	for _, c := range state.Services {
		if !slices.Contains(names, c.Service) {
			names = append(names, c.Service)
		}
	}
	for _, name := range services {
		if !slices.Contains(names, name) {
			e := rinca.Errorf(rinca.NotFound, "the stack %s has no container of a service %q", r.target.Name, cut(name))
			if len(names) == 0 {
				return e.Try("rinca stack deploy %s", r.target.Name)
			}
			return e.Try("it has: %s", strings.Join(names, ", "))
		}
	}
	return nil
}

func logOptions(r *request, now time.Time) (o rinca.LogOptions, err error) {
	tail, err := r.number("tail", 100, 1_000_000)
	if err != nil {
		return o, err
	}
	o.Tail = int(tail)
	if o.Follow, err = r.flag("follow"); err != nil {
		return o, err
	}
	q := r.URL.Query()
	if text := q.Get("service"); text != "" {
		o.Services = strings.Split(text, ",")
	}
	if text := q.Get("since"); text != "" {
		if d, err := time.ParseDuration(text); err == nil && d >= 0 {
			o.Since = now.Add(-d)
		} else if o.Since, err = time.Parse(time.RFC3339, text); err != nil {
			return o, rinca.Errorf(rinca.Invalid, "since is neither a time nor a duration").Try("2026-01-02T15:04:05Z or 10m")
		}
	}
	return o, nil
}
