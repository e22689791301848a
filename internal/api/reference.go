package api

import (
	_ "embed"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

//go:embed reference.md
var referenceText string // what the page says before the endpoints

// Reference returns the page about the API, as Markdown without a comment at
// its top.
func Reference(kinds []rinca.ExecutionKind) string {
	var b strings.Builder
	b.WriteString("# API\n\n" + referenceText + "\n| Code | Status |\n| --- | --- |\n")
	for _, code := range enums()[reflect.TypeFor[rinca.Code]()] {
		fmt.Fprintf(&b, "| `%s` | %d |\n", code, statuses()[rinca.Code(code)])
	}
	writeSections(&b)
	writeKinds(&b, kinds)
	s := &schemas{named: map[string]object{}, types: map[string]reflect.Type{}}
	for _, rt := range routes() {
		for _, v := range []any{rt.in, rt.out} {
			switch v.(type) {
			case nil, raw, redirect:
			default:
				s.of(reflect.TypeOf(v))
			}
		}
	}
	writeTypes(&b, s)
	return b.String()
}

func writeSections(b *strings.Builder) {
	var sections []string
	bySection := map[string][]route{}
	for _, rt := range routes() {
		name := rt.section()
		if bySection[name] == nil {
			sections = append(sections, name)
		}
		bySection[name] = append(bySection[name], rt)
	}
	for _, name := range sections {
		fmt.Fprintf(b, "\n## %s\n", strings.ToUpper(name[:1])+name[1:])
		for _, rt := range bySection[name] {
			writeRoute(b, &rt)
		}
	}
}

func writeRoute(b *strings.Builder, rt *route) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n- Needs: %s.\n", rt.pattern, rt.doc, rt.need)
	for _, p := range rt.query {
		if p.name != "*" {
			fmt.Fprintf(b, "- `?%s=`: %s.\n", p.name, p.doc)
		}
	}
	if rt.in != nil {
		fmt.Fprintf(b, "- Body: %s.\n", typeWord(reflect.TypeOf(rt.in)))
	}
	switch rt.out.(type) {
	case nil:
		fmt.Fprintf(b, "- Answer: %d.\n", rt.good())
	case raw:
		fmt.Fprintf(b, "- Answer: %d, a text.\n", rt.good())
	case redirect:
		fmt.Fprintf(b, "- Answer: %d, a redirect.\n", rt.good())
	default:
		word := typeWord(reflect.TypeOf(rt.out))
		if rt.streams() {
			word = "a stream of " + word
		}
		fmt.Fprintf(b, "- Answer: %d, %s.\n", rt.good(), word)
	}
	if rt.audit != "" {
		fmt.Fprintf(b, "- In the audit log as `%s`.\n", rt.audit)
	}
}

func writeKinds(b *strings.Builder, kinds []rinca.ExecutionKind) {
	if len(kinds) == 0 {
		return
	}
	b.WriteString("\n## Kinds of executions\n\n| Kind | Needs | Parameters | |\n| --- | --- | --- | --- |\n")
	for _, k := range kinds {
		var params []string
		if k.Params != nil {
			t := reflect.TypeOf(k.Params)
			for t.Kind() == reflect.Pointer {
				t = t.Elem()
			}
			for _, f := range jsonFields(t) {
				name := "`" + f.name + "`"
				if f.optional {
					name += "?"
				}
				params = append(params, name)
			}
		}
		fmt.Fprintf(b, "| `%s` | %s on %s | %s | %s |\n", k.Name, k.Level, k.Target, strings.Join(params, " "), k.Doc)
	}
}

func writeTypes(b *strings.Builder, s *schemas) {
	b.WriteString("\n## Types\n\nA `?` marks what may be missing.\n")
	var names []string
	for name := range s.types {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(b, "\n### %s\n\n", name)
		for _, f := range jsonFields(s.types[name]) {
			mark := ""
			if f.optional {
				mark = "?"
			}
			fmt.Fprintf(b, "- `%s`%s: %s\n", f.name, mark, typeWord(f.typ))
		}
	}
}

// typeWord says what a type is, with a link to its own heading.
func typeWord(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := &schemas{named: map[string]object{}, types: map[string]reflect.Type{}}
	o := s.of(t)
	switch {
	case o["$ref"] != nil:
		name := schemaName(t)
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name))
	case o["enum"] != nil:
		values, _ := o["enum"].([]string)
		return "`" + strings.Join(values, "`, `") + "`"
	case o["writeOnly"] != nil:
		return "text, never shown"
	case t.Kind() == reflect.Slice && o["type"] == "array":
		return "list of " + typeWord(t.Elem())
	case t.Kind() == reflect.Map:
		return "object of " + typeWord(t.Elem())
	case o["format"] == "date-time":
		return "time"
	case o["examples"] != nil:
		return "duration, such as `90s`"
	case o["type"] == nil:
		return "anything"
	}
	words := map[any]string{"string": "text", "boolean": "true or false", "integer": "number", "number": "number", "object": "object"}
	return words[o["type"]]
}
