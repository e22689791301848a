package resource

import (
	"fmt"
	"testing"

	"rinca/internal/rinca"
)

// manyFiles are n stacks in twice as many files: each stack has a variable of
// its own beside it.
func manyFiles(n int) []File {
	var out []File
	for i := range n {
		after := ""
		if i > 0 {
			after = fmt.Sprintf("after = [\"stack-%d\"]\n", (i-1)/2)
		}
		out = append(out,
			File{fmt.Sprintf("stacks/%d.toml", i), rinca.NewSecret(fmt.Sprintf(`[[stack]]
name = "stack-%d"
description = "one of many"
tags = ["media", "home"]
%sdeploy = true

[stack.config]
repo = "me/homelab"
run_directory = "stacks/%d"
file_paths = ["compose.yaml"]
environment = """
A = [[A_%d]]
B = two
"""
`, i, after, i, i))},
			File{fmt.Sprintf("variables/%d.toml", i), rinca.NewSecret(fmt.Sprintf("[[variable]]\nname = \"A_%d\"\nvalue = \"%d\"\n", i, i))})
	}
	return out
}

func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{100, 1000, 2000} {
		b.Run(fmt.Sprintf("stacks=%d", n), func(b *testing.B) {
			files := manyFiles(n)
			set, _, err := Parse(files, kinds())
			if err != nil {
				b.Fatal(err)
			}
			have := &State{}
			for i := range set.Stacks {
				have.Stacks = append(have.Stacks, set.Stacks[i].Value)
				have.Variables = append(have.Variables, set.Variables[i].Value)
			}
			have.Stacks[n/2].Description = "before"
			b.ResetTimer()
			for b.Loop() {
				set, _, err := Parse(files, kinds())
				if err != nil {
					b.Fatal(err)
				}
				p, err := MakePlan(set, have, Options{})
				if err != nil || len(p.Changes) != 1 {
					b.Fatal(err, p)
				}
			}
		})
	}
}
