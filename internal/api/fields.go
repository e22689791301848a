package api

import (
	"reflect"
	"slices"
	"strings"
)

// fieldsOf returns the keys of a struct in JSON, with their types.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for _, f := range jsonFields(t) {
		out[f.name] = f.typ
	}
	return out
}

// keysOf returns the keys of a struct in JSON, in order.
func keysOf(t reflect.Type) []string {
	var out []string
	for _, f := range jsonFields(t) {
		out = append(out, f.name)
	}
	slices.Sort(out)
	return out
}

type jsonField struct {
	name     string
	typ      reflect.Type
	optional bool
}

// jsonFields lists the fields of a struct as encoding/json sees them.
func jsonFields(t reflect.Type) []jsonField {
	var out []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "-" {
			continue
		}
		if f.Anonymous && tag == "" {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				out = append(out, jsonFields(inner)...)
				continue
			}
		}
		if !f.IsExported() {
			continue
		}
		if tag == "" {
			tag = f.Name
		}
		out = append(out, jsonField{tag, f.Type, strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")})
	}
	return out
}
