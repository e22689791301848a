package deploy

import (
	"strconv"
	"strings"

	"rinca/internal/rinca"
)

// counted puts numbers of changes into words.
func counted(n map[rinca.Change]int) string {
	var parts []string
	for _, c := range []struct {
		change rinca.Change
		word   string
	}{
		{rinca.Create, "created"},
		{rinca.Recreate, "recreated"},
		{rinca.Start, "started"},
		{rinca.Remove, "removed"},
		{rinca.Keep, "unchanged"},
	} {
		if n[c.change] > 0 {
			parts = append(parts, strconv.Itoa(n[c.change])+" "+c.word)
		}
	}
	if len(parts) == 0 {
		return "no services"
	}
	return strings.Join(parts, ", ")
}

// plural is "1 file" or "2 files".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// short cuts a commit to what people read.
func short(commit string) string {
	if len(commit) > 10 {
		return commit[:10]
	}
	return commit
}
