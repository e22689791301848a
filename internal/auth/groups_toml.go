package auth

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"rinca/internal/rinca"
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
	root, err := parseTree(file, text)
	if err != nil {
		return nil, err
	}
	r := &groupReader{file: file}
	var groups []rinca.UserGroup
	for _, key := range r.keys(root, "", "user_group") {
		for _, n := range r.list(key.node, "user_group") {
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
	at    []place // of each group
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

func (r *groupReader) complain(at place, format string, args ...any) {
	if len(r.wrong) < maxWrong {
		r.wrong = append(r.wrong, at.in(r.file)+": "+rinca.Errorf(rinca.Invalid, format, args...).Message)
	}
}

// fault complains with an error's message, and keeps its hint.
func (r *groupReader) fault(at place, err error) {
	if r.hint == "" {
		r.hint = rinca.HintOf(err)
	}
	r.complain(at, "%s", err.Error())
}

// keys returns the entries of a table, and complains of those that are not
// known.
func (r *groupReader) keys(n *node, path string, known ...string) []entry {
	if n.kind != tomlTable {
		r.complain(n.place, "%s is a table", path)
		return nil
	}
	var out []entry
	for _, e := range n.entries {
		if slices.Contains(known, e.key) {
			out = append(out, e)
			continue
		}
		name := line(strings.TrimPrefix(path+"."+e.key, "."), 100)
		if near := nearest(e.key, known); near != "" {
			r.complain(e.place, "unknown key %s; is it %s?", name, near)
		} else {
			r.complain(e.place, "unknown key %s; known are %s", name, strings.Join(known, ", "))
		}
	}
	return out
}

func (r *groupReader) list(n *node, path string) []*node {
	if n.kind != tomlArray {
		what := "a list"
		if path == "user_group" {
			what = "written [[user_group]], with two brackets"
		}
		r.complain(n.place, "%s is %s", path, what)
		return nil
	}
	return n.items
}

func (r *groupReader) text(n *node, path string) string {
	if n.kind != tomlString {
		r.complain(n.place, "%s is text in quotes", path)
		return ""
	}
	return n.text
}

func (r *groupReader) texts(n *node, path string) []string {
	var out []string
	for _, x := range r.list(n, path) {
		out = append(out, r.text(x, path))
	}
	return out
}

func (r *groupReader) group(n *node) rinca.UserGroup {
	var g rinca.UserGroup
	r.at = append(r.at, n.place)
	before, named := len(r.wrong), false
	for _, e := range r.keys(n, "user_group", "name", "everyone", "users", "claims", "all", "permissions", "permission") {
		switch e.key {
		case "name":
			g.Name, named = r.text(e.node, "name"), true
			if err := CheckGroup(rinca.UserGroup{Name: g.Name}); err != nil && e.node.kind == tomlString {
				r.fault(e.node.place, err)
			}
		case "everyone":
			if e.node.kind != tomlBool {
				r.complain(e.node.place, "everyone is true or false")
			}
			g.Everyone = e.node.text == "true"
		case "users":
			g.Users = r.texts(e.node, "users")
		case "claims":
			g.Claims = r.texts(e.node, "claims")
		case "all":
			g.All = r.all(e.node)
		default:
			for _, p := range r.list(e.node, e.key) {
				g.Permissions = append(g.Permissions, r.permission(p))
			}
		}
	}
	if !named {
		r.complain(n.place, "the group has no name")
	} else if err := CheckGroup(g); err != nil && len(r.wrong) == before {
		r.fault(n.place, err)
	}
	return g
}

func (r *groupReader) all(n *node) map[rinca.Kind]rinca.Grant {
	kinds := make([]string, 0, len(rinca.Kinds()))
	for _, k := range rinca.Kinds() {
		kinds = append(kinds, string(k))
	}
	out := map[rinca.Kind]rinca.Grant{}
	for _, e := range r.keys(n, "all", kinds...) {
		out[rinca.Kind(e.key)] = r.grant(e.node, "all."+e.key)
	}
	return out
}

// grant reads a level, or a table of level and specific.
func (r *groupReader) grant(n *node, path string) rinca.Grant {
	if n.kind == tomlString {
		return rinca.Grant{Level: r.level(n, path)}
	}
	if n.kind != tomlTable {
		r.complain(n.place, `%s is a level such as "Read", or { level = "Read", specific = ["Reveal"] }`, path)
		return rinca.Grant{}
	}
	return r.grantOf(n, path, r.keys(n, path, "level", "specific"))
}

func (r *groupReader) grantOf(n *node, path string, entries []entry) rinca.Grant {
	var g rinca.Grant
	before := len(r.wrong)
	for _, e := range entries {
		switch e.key {
		case "level":
			g.Level = r.level(e.node, path+".level")
		case "specific":
			g.Specific = r.texts(e.node, path+".specific")
		}
	}
	if err := g.Check(); err != nil && len(r.wrong) == before {
		r.fault(n.place, err)
	}
	return g
}

func (r *groupReader) level(n *node, path string) rinca.Level {
	text := r.text(n, path)
	if n.kind != tomlString {
		return rinca.None
	}
	l, err := rinca.ParseLevel(text)
	if err != nil {
		r.fault(n.place, err)
	}
	return l
}

func (r *groupReader) permission(n *node) rinca.Permission {
	var p rinca.Permission
	before := len(r.wrong)
	entries := r.keys(n, "permissions", "target", "level", "specific")
	for _, e := range entries {
		if e.key != "target" {
			continue
		}
		for _, t := range r.keys(e.node, "permissions.target", "type", "id") {
			if t.key == "type" {
				p.Target.Kind = rinca.Kind(r.text(t.node, "target.type"))
			} else {
				p.Target.Name = r.text(t.node, "target.id")
			}
		}
	}
	p.Grant = r.grantOf(n, "permissions", entries)
	if err := (rinca.Rights{Permissions: []rinca.Permission{p}}).Check(); err != nil && len(r.wrong) == before {
		// The number that Check tells would be of this list of one.
		r.hint = rinca.HintOf(err)
		r.complain(n.place, "%s", strings.TrimPrefix(err.Error(), "permission 1: "))
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
