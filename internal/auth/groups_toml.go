package auth

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/tomltree"
	"rinca/internal/vault"
)

// maxTOML bounds a file of groups, in bytes.
const maxTOML = 1 << 20

// ParseGroupsTOML reads [[user_group]] tables in the form that Komodo's have:
//
//	[[user_group]]
//	name = "platform-ops"
//	users = ["bob"]
//	all.Stack = "Execute"            # or { level = "Execute", specific = ["Reveal"] }
//	permissions = [
//	  { target.type = "Stack", target.id = "op-export", level = "Write" },
//	]
//
// Everything that it does not know is an error that says where: file, line
// and column. All of them are told at once. Code Invalid.
func ParseGroupsTOML(file, text string) ([]rinca.UserGroup, error) {
	if len(text) > maxTOML {
		return nil, rinca.Errorf(rinca.Invalid, "%s is larger than %d bytes", file, maxTOML)
	}
	root, err := tomltree.Parse(file, text)
	if err != nil {
		return nil, err
	}
	r := &groupReader{file: file}
	var groups []rinca.UserGroup
	for _, key := range r.keys(root, "", "user_group") {
		for _, n := range r.list(key.Node, "user_group") {
			groups = append(groups, r.group(n))
		}
	}
	seen := map[string]bool{}
	for i, g := range groups {
		if seen[g.Name] && g.Name != "" {
			r.complain(r.at[i], "there are two groups named %q", g.Name)
		}
		seen[g.Name] = true
	}
	if len(r.wrong) > 0 {
		return nil, r.err()
	}
	return groups, nil
}

// A groupReader collects what is wrong, up to a limit.
type groupReader struct {
	file  string
	at    []tomltree.Place // of each group
	wrong []string
	hint  string
}

const maxWrong = 20

func (r *groupReader) err() error {
	e := rinca.Errorf(rinca.Invalid, "%s", strings.Join(r.wrong, "\n"))
	if r.hint != "" {
		return e.Try("%s", r.hint)
	}
	return e
}

func (r *groupReader) complain(at tomltree.Place, format string, args ...any) {
	if len(r.wrong) < maxWrong {
		r.wrong = append(r.wrong, at.In(r.file)+": "+rinca.Errorf(rinca.Invalid, format, args...).Message)
	}
}

// fault complains with an error's message, and keeps its hint.
func (r *groupReader) fault(at tomltree.Place, err error) {
	if r.hint == "" {
		r.hint = rinca.HintOf(err)
	}
	r.complain(at, "%s", err.Error())
}

// keys returns the entries of a table, and complains of those that are not
// known.
func (r *groupReader) keys(n *tomltree.Node, path string, known ...string) []tomltree.Entry {
	if n.Kind != tomltree.Table {
		r.complain(n.Place, "%s is a table", path)
		return nil
	}
	var out []tomltree.Entry
	for _, e := range n.Entries {
		if slices.Contains(known, e.Key) {
			out = append(out, e)
			continue
		}
		name := line(strings.TrimPrefix(path+"."+e.Key, "."), 100)
		if near := nearest(e.Key, known); near != "" {
			r.complain(e.Place, "unknown key %s; is it %s?", name, near)
		} else {
			r.complain(e.Place, "unknown key %s; known are %s", name, strings.Join(known, ", "))
		}
	}
	return out
}

func (r *groupReader) list(n *tomltree.Node, path string) []*tomltree.Node {
	if n.Kind != tomltree.Array {
		what := "a list"
		if path == "user_group" {
			what = "written [[user_group]], with two brackets"
		}
		r.complain(n.Place, "%s is %s", path, what)
		return nil
	}
	return n.Items
}

func (r *groupReader) text(n *tomltree.Node, path string) string {
	if n.Kind != tomltree.String {
		r.complain(n.Place, "%s is text in quotes", path)
		return ""
	}
	return n.Text
}

func (r *groupReader) texts(n *tomltree.Node, path string) []string {
	var out []string
	for _, x := range r.list(n, path) {
		out = append(out, r.text(x, path))
	}
	return out
}

func (r *groupReader) group(n *tomltree.Node) rinca.UserGroup {
	var g rinca.UserGroup
	r.at = append(r.at, n.Place)
	before, named := len(r.wrong), false
	for _, e := range r.keys(n, "user_group", "name", "everyone", "users", "claims", "all", "permissions", "permission") {
		switch e.Key {
		case "name":
			g.Name, named = r.text(e.Node, "name"), true
			if err := CheckGroup(rinca.UserGroup{Name: g.Name}); err != nil && e.Node.Kind == tomltree.String {
				r.fault(e.Node.Place, err)
			}
		case "everyone":
			if e.Node.Kind != tomltree.Bool {
				r.complain(e.Node.Place, "everyone is true or false")
			}
			g.Everyone = e.Node.Text == "true"
		case "users":
			g.Users = r.texts(e.Node, "users")
		case "claims":
			g.Claims = r.texts(e.Node, "claims")
		case "all":
			g.All = r.all(e.Node)
		default:
			for _, p := range r.list(e.Node, e.Key) {
				g.Permissions = append(g.Permissions, r.permission(p))
			}
		}
	}
	if !named {
		r.complain(n.Place, "the group has no name")
	} else if err := CheckGroup(g); err != nil && len(r.wrong) == before {
		r.fault(n.Place, err)
	}
	return g
}

func (r *groupReader) all(n *tomltree.Node) map[rinca.Kind]rinca.Grant {
	kinds := make([]string, 0, len(rinca.Kinds()))
	for _, k := range rinca.Kinds() {
		kinds = append(kinds, string(k))
	}
	out := map[rinca.Kind]rinca.Grant{}
	for _, e := range r.keys(n, "all", kinds...) {
		out[rinca.Kind(e.Key)] = r.grant(e.Node, "all."+e.Key)
	}
	return out
}

// grant reads a level, or a table of level and specific.
func (r *groupReader) grant(n *tomltree.Node, path string) rinca.Grant {
	if n.Kind == tomltree.String {
		return rinca.Grant{Level: r.level(n, path)}
	}
	if n.Kind != tomltree.Table {
		r.complain(n.Place, `%s is a level such as "Read", or { level = "Read", specific = ["Reveal"] }`, path)
		return rinca.Grant{}
	}
	return r.grantOf(n, path, r.keys(n, path, "level", "specific"))
}

func (r *groupReader) grantOf(n *tomltree.Node, path string, entries []tomltree.Entry) rinca.Grant {
	var g rinca.Grant
	before := len(r.wrong)
	for _, e := range entries {
		switch e.Key {
		case "level":
			g.Level = r.level(e.Node, path+".level")
		case "specific":
			g.Specific = r.texts(e.Node, path+".specific")
		}
	}
	if err := g.Check(); err != nil && len(r.wrong) == before {
		r.fault(n.Place, err)
	}
	return g
}

func (r *groupReader) level(n *tomltree.Node, path string) rinca.Level {
	text := r.text(n, path)
	if n.Kind != tomltree.String {
		return rinca.None
	}
	l, err := rinca.ParseLevel(text)
	if err != nil {
		r.fault(n.Place, err)
	}
	return l
}

func (r *groupReader) permission(n *tomltree.Node) rinca.Permission {
	var p rinca.Permission
	before := len(r.wrong)
	entries := r.keys(n, "permissions", "target", "level", "specific")
	for _, e := range entries {
		if e.Key != "target" {
			continue
		}
		for _, t := range r.keys(e.Node, "permissions.target", "type", "id") {
			if t.Key == "type" {
				p.Target.Kind = rinca.Kind(r.text(t.Node, "target.type"))
			} else {
				p.Target.Name = r.text(t.Node, "target.id")
			}
		}
	}
	p.Grant = r.grantOf(n, "permissions", entries)
	if err := (rinca.Rights{Permissions: []rinca.Permission{p}}).Check(); err != nil && len(r.wrong) == before {
		// The number that Check tells would be of this list of one.
		r.hint = rinca.HintOf(err)
		r.complain(n.Place, "%s", strings.TrimPrefix(err.Error(), "permission 1: "))
	}
	return p
}

// nearest returns what a name is likely a misspelling of, or "".
func nearest(name string, known []string) string {
	if len(name) > 200 {
		return ""
	}
	return vault.Nearest(name, known)
}

// unmarshal is json.Unmarshal for types whose embedded Grant has its own way.
func unmarshal(data []byte, into any) error {
	return json.NewDecoder(bytes.NewReader(data)).Decode(into)
}
