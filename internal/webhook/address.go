package webhook

import (
	"net/url"
	"strings"

	"rinca/internal/rinca"
)

// Prefix is where the addresses of the listener begin.
const Prefix = "/listener/"

// anyBranch stands for every branch in the address of a procedure.
const anyBranch = "__ANY__"

// What a delivery to an address asks for.
const (
	start   = "start"   // what the resource is there for
	refresh = "refresh" // a look at the source, and no more
)

// A Form is one kind of address: what follows /listener/PROVIDER/.
type Form struct {
	Path string // such as "stack/{name}/deploy"; "" is nothing at all
	Doc  string // what a delivery there does, a sentence

	kind   rinca.Kind // "" is the whole repository, or whatever has that path
	action string     // "" is not supported
}

// Forms lists the addresses. The listener reads them, and the reference is
// printed from them.
func Forms() []Form {
	return []Form{
		{"", "Deploy every stack, in the order of their `after`, and run every sync, whose source is the repository and whose files the push touches.", "", start},
		{"stack/{name}/deploy", "Deploy the stack if anything differs from what runs.", rinca.KindStack, start},
		{"stack/{name}/refresh", "Nothing: there is no copy that would have to be refreshed. The delivery is kept.", rinca.KindStack, refresh},
		{"sync/{name}/sync", "Run the resource sync.", rinca.KindSync, start},
		{"sync/{name}/refresh", "Nothing: the plan of a sync is made when somebody asks for it. The delivery is kept.", rinca.KindSync, refresh},
		{"procedure/{name}/{branch}", "Run the procedure when that branch was pushed; `__ANY__` is any of them.", rinca.KindProcedure, start},
		{"repo/{name}/pull", "Run every resource sync that is linked to the repo, then deploy every stack that is; those whose files the push touches.", rinca.KindRepo, start},
		{"repo/{name}/clone", "The same as pull.", rinca.KindRepo, start},
		{"{path}", "What has that `webhook_path`: deploy the stack, run the procedure or the sync, or deploy what is linked to the repo.", "", start},
		{"build/{name}", "Not supported.", "", ""},
		{"action/{name}/{branch}", "Not supported.", "", ""},
	}
}

// kindWords are the kinds in addresses and on the command line.
func kindWords() map[string]rinca.Kind {
	return map[string]rinca.Kind{
		"stack": rinca.KindStack, "sync": rinca.KindSync, "procedure": rinca.KindProcedure, "repo": rinca.KindRepo,
	}
}

// KindOf returns the kind that a word of an address stands for.
func KindOf(word string) (rinca.Kind, bool) {
	k, ok := kindWords()[word]
	return k, ok
}

// A call is what an address asks for.
type call struct {
	provider provider
	target   rinca.Target // zero: the whole repository
	path     string       // of a resource by its own path; target is not known yet
	action   string
	branch   string // that has to be pushed; "" leaves it to the resource
	every    bool   // every branch will do
}

// parseAddress reads the path of a URL as it was sent, escapes and all.
func parseAddress(escaped string) (call, error) {
	rest, ok := strings.CutPrefix(escaped, Prefix)
	if !ok {
		return call{}, noAddress()
	}
	parts := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	for i, p := range parts {
		plain, err := url.PathUnescape(p)
		if err != nil {
			return call{}, noAddress()
		}
		parts[i] = plain
	}
	p, ok := providerOf(parts[0])
	if !ok {
		return call{}, noAddress()
	}
	c := call{provider: p}
	parts = parts[1:]
	if len(parts) == 0 {
		c.action = start
		return c, nil
	}
	switch word := parts[0]; word {
	case "build", "action", "deployment":
		return c, rinca.Errorf(rinca.NotFound, "webhooks of a %s are not supported", word).Try("a procedure can do more than one thing: %s%s/procedure/NAME/%s", Prefix, p.name, anyBranch)
	case "stack", "sync", "repo":
		return c.resource(word, parts)
	case "procedure":
		return c.procedure(parts)
	}
	c.path, c.action = strings.Join(parts, "/"), start
	return c, nil
}

// resource reads KIND/NAME/ACTION.
func (c call) resource(word string, parts []string) (call, error) {
	if len(parts) != 3 || parts[1] == "" {
		return c, noAddress()
	}
	c.target = rinca.Target{Kind: kindWords()[word], Name: parts[1]}
	for _, f := range Forms() {
		if f.kind == c.target.Kind && strings.HasSuffix(f.Path, "/"+parts[2]) {
			c.action = f.action
			return c, nil
		}
	}
	return c, noAddress()
}

// procedure reads procedure/NAME/BRANCH; a branch may hold slashes.
func (c call) procedure(parts []string) (call, error) {
	if len(parts) < 3 || parts[1] == "" || parts[2] == "" {
		return c, noAddress()
	}
	c.target, c.action = rinca.Target{Kind: rinca.KindProcedure, Name: parts[1]}, start
	if branch := strings.Join(parts[2:], "/"); branch == anyBranch {
		c.every = true
	} else {
		c.branch = branch
	}
	return c, nil
}

func noAddress() error {
	var list []string
	for _, f := range Forms() {
		if f.action != "" {
			list = append(list, strings.TrimSuffix(Prefix+"{provider}/"+f.Path, "/"))
		}
	}
	var names []string
	for _, p := range providers() {
		names = append(names, p.name)
	}
	return rinca.Errorf(rinca.NotFound, "the listener has no such address").
		Try("{provider} is one of %s: %s", strings.Join(names, ", "), strings.Join(list, ", "))
}

// Address returns the path of the listener for a resource's deliveries; the
// zero target is a whole repository. branch is for procedures.
func Address(provider string, t rinca.Target, branch string) string {
	base := Prefix + provider
	if t == (rinca.Target{}) {
		return base
	}
	name := url.PathEscape(t.Name)
	switch t.Kind {
	case rinca.KindStack:
		return base + "/stack/" + name + "/deploy"
	case rinca.KindSync:
		return base + "/sync/" + name + "/sync"
	case rinca.KindRepo:
		return base + "/repo/" + name + "/pull"
	}
	if branch == "" || branch == "*" {
		branch = anyBranch
	}
	return base + "/procedure/" + name + "/" + url.PathEscape(branch)
}
