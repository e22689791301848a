package api

import (
	"fmt"
	"reflect"
	"strings"

	"rinca/internal/rinca"
)

// ReferenceExecutions returns the page about the kinds of executions, as
// Markdown without a comment at its top.
func ReferenceExecutions(kinds []rinca.ExecutionKind) string {
	var b strings.Builder
	b.WriteString("# Executions\n\n" +
		"An execution is one thing to do: a kind and its parameters. It is run by hand (`rinca execute KIND --param key=value`), " +
		"by the API (`POST /v1/executions`), and as part of a [procedure](../how-to/procedures.md), which a schedule or a webhook may start. " +
		"Every run is an update, with its stages, its lines and how it ended.\n\n" +
		"Durations are written with a unit: `90s`, `5m`, `1h30m`. A `?` marks what may be missing.\n\n| Kind | |\n| --- | --- |\n")
	for _, k := range kinds {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", k.Name, strings.ToLower(k.Name), k.Doc)
	}
	for _, k := range kinds {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", k.Name, k.Doc)
		switch {
		case k.Level == rinca.None:
			b.WriteString("It needs no rights.\n")
		case k.Target == rinca.KindSystem:
			b.WriteString("Only administrators may run it.\n")
		default:
			fmt.Fprintf(&b, "It needs %s on the %s.\n", k.Level, k.Target)
		}
		writeParams(&b, reflect.TypeOf(k.Params))
	}
	return b.String()
}

func writeParams(b *strings.Builder, t reflect.Type) {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return
	}
	fields := jsonFields(t)
	if len(fields) == 0 {
		b.WriteString("\nIt has no parameters.\n")
		return
	}
	b.WriteString("\n| Parameter | |\n| --- | --- |\n")
	for _, f := range fields {
		mark := ""
		if f.optional {
			mark = "?"
		}
		fmt.Fprintf(b, "| `%s`%s | %s |\n", f.name, mark, paramWord(f.typ))
	}
}

// paramWord is typeWord without links to types of the API.
func paramWord(t reflect.Type) string {
	word := typeWord(t)
	if i := strings.IndexByte(word, ']'); strings.HasPrefix(word, "[") && i > 0 {
		return word[1:i]
	}
	return word
}
