package interpolate

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"rinca/internal/lazyregexp"
)

// findCommands finds the scalars that a container's shell may get to read:
// those of services.*.command, entrypoint and healthcheck.test, through
// aliases and merge keys too.
func (y *yamlFile) findCommands(docs []*yaml.Node) {
	y.commands, y.whole = map[*yaml.Node]bool{}, map[*yaml.Node]string{}
	for _, d := range docs {
		for _, root := range d.Content {
			for _, services := range children(root, "services", 0) {
				for i := 0; i+1 < len(services.Content); i += 2 {
					service := follow(services.Content[i+1])
					y.findIn(service)
					y.findWhole(services.Content[i].Value, service)
				}
			}
		}
	}
}

func (y *yamlFile) findIn(service *yaml.Node) {
	found := append(children(service, "command", 0), children(service, "entrypoint", 0)...)
	for _, h := range children(service, "healthcheck", 0) {
		found = append(found, children(h, "test", 0)...)
	}
	for _, n := range found {
		switch n.Kind {
		case yaml.ScalarNode:
			y.commands[n] = true
		case yaml.SequenceNode:
			for _, item := range n.Content {
				y.commands[follow(item)] = true
			}
		}
	}
}

var (
	shellName = lazyregexp.New(`(^|/)(sh|ash|bash|dash|ksh|zsh)$`)
	shellFlag = lazyregexp.New(`^-[a-z]*c$`)
)

// findWhole finds the command of a service that must not be split: one text of
// several words, behind an entrypoint that is a shell with -c.
func (y *yamlFile) findWhole(name string, service *yaml.Node) {
	var entry []string
	for _, n := range children(service, "entrypoint", 0) {
		entry = strings.Fields(n.Value)
		for _, item := range n.Content {
			entry = append(entry, follow(item).Value)
		}
	}
	if len(entry) < 2 || !shellName.MatchString(entry[0]) || !shellFlag.MatchString(entry[len(entry)-1]) {
		return
	}
	for _, n := range children(service, "command", 0) {
		if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 && !oneWord(n.Value) {
			y.whole[n] = name
		}
	}
}

// oneWord reports whether Compose reads a text as one word.
func oneWord(s string) bool {
	s = strings.TrimSpace(s)
	if n := len(s); n > 1 && (s[0] == '\'' || s[0] == '"') && s[n-1] == s[0] && strings.Count(s, s[:1]) == 2 {
		return true
	}
	return !strings.ContainsAny(s, blanks+`'"\;&|<>`+"`")
}

// children returns the values of a mapping under a key, those that are merged
// into it among them.
func children(n *yaml.Node, key string, depth int) []*yaml.Node {
	n = follow(n)
	if depth > 10 {
		return nil // merges of merges of merges
	}
	var found []*yaml.Node
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			switch {
			case k.ShortTag() == "!!merge":
				found = append(found, children(n.Content[i+1], key, depth+1)...)
			case k.Value == key:
				found = append(found, follow(n.Content[i+1]))
			}
		}
	case yaml.SequenceNode: // of mappings, under a merge key
		if depth > 0 {
			for _, item := range n.Content {
				found = append(found, children(item, key, depth+1)...)
			}
		}
	}
	return found
}

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}
