package interpolate

import (
	"go.yaml.in/yaml/v4"

	"rinca/internal/rinca"
)

// checkSize refuses documents that are too deep, or whose aliases stand for
// too much.
func (y *yamlFile) checkSize(docs []*yaml.Node) error {
	for _, d := range docs {
		c := &counter{y: y, sizes: map[*yaml.Node]int{}}
		if _, err := c.size(d, 0); err != nil {
			return err
		}
	}
	return nil
}

// A counter counts what is below nodes, aliases expanded.
type counter struct {
	y     *yamlFile
	sizes map[*yaml.Node]int // of anchored nodes; -1 while one is being counted
	extra int                // what aliases stand for
}

func (c *counter) size(n *yaml.Node, depth int) (int, error) {
	if depth > maxDepth {
		return 0, rinca.Errorf(rinca.Invalid, "%s:%d: nested more than %d deep", c.y.name, n.Line, maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		size := c.sizes[n.Alias]
		if size < 0 {
			return 0, rinca.Errorf(rinca.Invalid, "%s:%d: an alias of what it stands in", c.y.name, n.Line)
		}
		c.extra += size
		if c.extra > maxAlias {
			return 0, rinca.Errorf(rinca.Invalid, "%s:%d: aliases stand for more than %d nodes", c.y.name, n.Line, maxAlias)
		}
		return size, nil
	}
	if n.Anchor != "" {
		c.sizes[n] = -1
	}
	total := 1
	for _, child := range n.Content {
		size, err := c.size(child, depth+1)
		if err != nil {
			return 0, err
		}
		total += size
	}
	if n.Anchor != "" {
		c.sizes[n] = total
	}
	return total, nil
}

// same reports whether two trees mean the same; else the line where they
// differ.
func (y *yamlFile) same(want, got *yaml.Node) (line int, ok bool) {
	if want.Kind != got.Kind || want.Anchor != got.Anchor || len(want.Content) != len(got.Content) {
		return want.Line, false
	}
	if want.Kind == yaml.AliasNode {
		return want.Line, want.Value == got.Value && want.Alias.Anchor == got.Alias.Anchor
	}
	if want.Kind == yaml.ScalarNode {
		return want.Line, want.Value == got.Value && want.ShortTag() == got.ShortTag()
	}
	if want.ShortTag() != got.ShortTag() {
		return want.Line, false
	}
	for i := range want.Content {
		if line, ok := y.same(want.Content[i], got.Content[i]); !ok {
			return line, false
		}
	}
	return 0, true
}
