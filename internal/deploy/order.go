package deploy

import "rinca/internal/rinca"

// An Order is which stacks come after which. A cycle, which is refused when a
// stack is saved, does no harm.
type Order struct {
	after  map[string][]string // what each names
	before map[string][]string // who names it
}

// OrderOf returns the order of stacks.
func OrderOf(stacks []rinca.Stack) Order {
	o := Order{map[string][]string{}, map[string][]string{}}
	for i := range stacks {
		s := &stacks[i]
		for _, name := range s.After {
			o.after[s.Name] = append(o.after[s.Name], name)
			o.before[name] = append(o.before[name], s.Name)
		}
	}
	return o
}

// Dependencies are the stacks that a stack comes after, directly or not; the
// nearest first.
func (o Order) Dependencies(stack string) []string { return reach(o.after, stack) }

// Dependents are the stacks that come after a stack, directly or not; the
// nearest first.
func (o Order) Dependents(stack string) []string { return reach(o.before, stack) }

func reach(next map[string][]string, from string) []string {
	seen := map[string]bool{from: true}
	var out []string
	for at := []string{from}; len(at) > 0; at = at[1:] {
		for _, name := range next[at[0]] {
			if !seen[name] {
				seen[name] = true
				out, at = append(out, name), append(at, name)
			}
		}
	}
	return out
}
