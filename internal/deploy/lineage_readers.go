package deploy

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"rinca/internal/envfile"
	"rinca/internal/interpolate"
	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// readers says which services variables end up in, as far as the compose
// files tell. A variable that may end up in any service is not there.
func (j *job) readers() map[string][]string {
	r := &readers{env: j.environmentNames(), services: map[string]map[string]bool{}, any: map[string]bool{}}
	for _, data := range j.compose.raw {
		if strings.Contains(string(data), "extends") {
			return nil // what one service takes from another is the loader's to know
		}
	}
	for path, data := range j.compose.raw {
		if slices.Contains(j.envFiles(), path) {
			continue
		}
		var doc yaml.Node
		if yaml.Unmarshal(data, &doc) != nil || len(doc.Content) != 1 {
			return nil
		}
		r.file(doc.Content[0])
	}
	known := map[string]bool{}
	for _, s := range j.facts.Services {
		known[s.Name] = true
	}
	out := map[string][]string{}
	for name := range j.vars.used {
		services := slices.DeleteFunc(slices.Sorted(maps.Keys(r.services[name])), func(s string) bool { return !known[s] })
		if !r.any[name] && len(services) > 0 {
			out[name] = services
		}
	}
	return out
}

// environmentNames says which variables are in the values of the environment
// that compose files are filled in from.
func (j *job) environmentNames() map[string][]string {
	// What it is filled in with is a sign in place of the value.
	const begin, end = "\uE000", "\uE001"
	sign := func(name string) (rinca.Secret, bool) { return rinca.NewSecret(begin + name + end), true }
	out := map[string][]string{}
	add := func(key, text string) {
		for _, part := range strings.Split(text, begin)[1:] {
			name, _, _ := strings.Cut(part, end)
			out[key] = append(out[key], name)
		}
	}
	for _, path := range j.envFiles() {
		entries, err := envfile.Parse(j.compose.raw[path])
		if err != nil {
			continue // it was read before
		}
		for _, e := range entries {
			if value, _, err := interpolate.Text(path, e.Value.Reveal(), sign); err == nil && !e.Optional {
				add(e.Key, value.Reveal())
				for _, ref := range e.Refs {
					out[e.Key] = append(out[e.Key], out[ref]...)
				}
			}
		}
	}
	if pairs, _, err := interpolate.Environment("environment", j.stack.Environment, sign); err == nil {
		for _, p := range pairs {
			delete(out, p.Key)
			add(p.Key, p.Value.Reveal())
		}
	}
	return out
}

// Readers are gathered from compose files.
type readers struct {
	env      map[string][]string
	services map[string]map[string]bool // by variable
	any      map[string]bool
}

func (r *readers) file(root *yaml.Node) {
	objects := map[string][]string{} // variables, by "secrets/name"
	each(root, func(key string, value *yaml.Node) {
		switch {
		case key == "services", strings.HasPrefix(key, "x-"): // those are used by way of anchors
		case key == "secrets", key == "configs":
			each(value, func(name string, object *yaml.Node) {
				objects[key+"/"+name] = r.names(object)
				each(object, func(k string, v *yaml.Node) {
					if k == "environment" {
						objects[key+"/"+name] = append(objects[key+"/"+name], r.env[v.Value]...)
					}
				})
			})
		default:
			for _, name := range r.names(value) {
				r.any[name] = true
			}
		}
	})
	each(root, func(key string, value *yaml.Node) {
		if key != "services" {
			return
		}
		each(value, func(service string, body *yaml.Node) {
			r.add(service, r.names(body))
			each(body, func(k string, v *yaml.Node) {
				switch k {
				case "secrets", "configs":
					for _, name := range sources(v) {
						r.add(service, objects[k+"/"+name])
					}
				case "environment":
					for _, name := range bare(v) {
						r.add(service, r.env[name])
					}
				}
			})
		})
	})
}

func (r *readers) add(service string, names []string) {
	for _, name := range names {
		if r.services[name] == nil {
			r.services[name] = map[string]bool{}
		}
		r.services[name][service] = true
	}
}

var dollarName = lazyregexp.New(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// names lists the variables in a node and all that is under it.
func (r *readers) names(n *yaml.Node) []string {
	var out []string
	seen := map[*yaml.Node]bool{}
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		if n.Kind == yaml.ScalarNode {
			out = append(out, interpolate.Names(n.Value)...)
			for _, m := range dollarName.FindAllStringSubmatch(n.Value, -1) {
				out = append(out, r.env[m[1]]...)
			}
		}
		if n.Kind == yaml.SequenceNode { // an unquoted [[NAME]] is a list in a list
			if name := nested(n); name != "" {
				out = append(out, name)
			}
		}
		walk(n.Alias)
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(n)
	return out
}

// nested returns NAME for the list that YAML reads [[NAME]] as.
func nested(n *yaml.Node) string {
	if len(n.Content) == 1 && n.Content[0].Kind == yaml.SequenceNode && len(n.Content[0].Content) == 1 {
		return n.Content[0].Content[0].Value
	}
	return ""
}

// each calls f for every entry of a mapping, those that are merged into it
// among them.
func each(n *yaml.Node, f func(key string, value *yaml.Node)) { eachTo(n, f, maxMerges) }

// maxMerges bounds how deep mappings are merged into one another: one may be
// merged into itself.
const maxMerges = 20

func eachTo(n *yaml.Node, f func(key string, value *yaml.Node), deep int) {
	n = aliased(n)
	if n == nil || n.Kind != yaml.MappingNode || deep == 0 {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" {
			f(n.Content[i].Value, n.Content[i+1])
			continue
		}
		merged := aliased(n.Content[i+1])
		eachTo(merged, f, deep-1)
		if merged != nil && merged.Kind == yaml.SequenceNode {
			for _, c := range merged.Content {
				eachTo(c, f, deep-1)
			}
		}
	}
}

// aliased returns what a node stands for.
func aliased(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < maxMerges; i++ {
		n = n.Alias
	}
	return n
}

// sources lists the secrets or configs of a service.
func sources(n *yaml.Node) []string {
	var out []string
	if n = aliased(n); n == nil {
		return nil
	}
	for _, c := range n.Content {
		if c.Kind == yaml.ScalarNode {
			out = append(out, c.Value)
		}
		each(c, func(k string, v *yaml.Node) {
			if k == "source" {
				out = append(out, v.Value)
			}
		})
	}
	return out
}

// bare lists the keys of an environment that have no value of their own.
func bare(n *yaml.Node) []string {
	var out []string
	if n = aliased(n); n == nil {
		return nil
	}
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			if !strings.Contains(c.Value, "=") {
				out = append(out, c.Value)
			}
		}
	}
	each(n, func(k string, v *yaml.Node) {
		if v.Tag == "!!null" || v.Value == "" && v.Kind == yaml.ScalarNode {
			out = append(out, k)
		}
	})
	return out
}
