package api

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// object is a piece of a JSON document.
type object = map[string]any

// A schemas collects the types that a document describes, by name.
type schemas struct {
	named map[string]object
	types map[string]reflect.Type
}

// enums are the values of types that have few.
func enums() map[reflect.Type][]string {
	return map[reflect.Type][]string{
		reflect.TypeFor[rinca.Level]():       texts(rinca.None, rinca.Read, rinca.Execute, rinca.Write),
		reflect.TypeFor[rinca.Kind]():        texts(append(rinca.Kinds(), rinca.KindSystem)...),
		reflect.TypeFor[rinca.SourceKind]():  texts(rinca.SourceGit, rinca.SourceHost, rinca.SourceInline),
		reflect.TypeFor[rinca.OnBusy]():      texts(rinca.Wait, rinca.Refuse),
		reflect.TypeFor[rinca.Change]():      texts(rinca.Create, rinca.Recreate, rinca.Start, rinca.Remove, rinca.Keep),
		reflect.TypeFor[rinca.UpdateState](): texts(rinca.Queued, rinca.Running, rinca.Succeeded, rinca.Failed, rinca.CanceledRun, rinca.Interrupted),
		reflect.TypeFor[rinca.StackStatus](): texts(rinca.StatusHealthy, rinca.StatusRunning, rinca.StatusDone, rinca.StatusStarting,
			rinca.StatusUnhealthy, rinca.StatusStopped, rinca.StatusDown, rinca.StatusUnknown),
		reflect.TypeFor[rinca.AlertLevel](): texts(rinca.AlertOK, rinca.AlertWarning, rinca.AlertCritical),
		reflect.TypeFor[rinca.Code](): texts(rinca.Invalid, rinca.NotFound, rinca.Conflict, rinca.Unauthenticated, rinca.Forbidden,
			rinca.RateLimited, rinca.Unavailable, rinca.Destination, rinca.Corrupt, rinca.Partial, rinca.Changes, rinca.Canceled, rinca.Internal),
	}
}

func texts[T any](values ...T) []string {
	var out []string
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// of returns the schema of a type; a struct with a name is referred to.
func (s *schemas) of(t reflect.Type) object {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if values, ok := enums()[t]; ok {
		return object{"type": "string", "enum": values}
	}
	switch t {
	case reflect.TypeFor[secretText](), reflect.TypeFor[typedText]():
		return object{"type": "string", "format": "password", "writeOnly": true}
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[rinca.Duration]():
		return object{"type": "string", "examples": []string{"90s"}}
	case reflect.TypeFor[json.RawMessage]():
		return object{}
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float64, reflect.Float32:
		return object{"type": "number"}
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.ref(t)
	}
	return object{}
}

// ref describes a struct once, and refers to that.
func (s *schemas) ref(t reflect.Type) object {
	name := schemaName(t)
	if name == "" {
		return s.fields(t)
	}
	if known, ok := s.types[name]; ok && known != t {
		panic("two types are named " + name + " in the API: " + known.String() + " and " + t.String()) // a test finds it
	}
	if s.named[name] == nil {
		s.types[name] = t
		s.named[name] = object{} // ends recursion
		s.named[name] = s.fields(t)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s *schemas) fields(t reflect.Type) object {
	properties := object{}
	var required []string
	for _, f := range jsonFields(t) {
		properties[f.name] = s.of(f.typ)
		if !f.optional {
			required = append(required, f.name)
		}
	}
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		slices.Sort(required)
		out["required"] = required
	}
	return out
}

// schemaName is what a type is called for those who read the document.
func schemaName(t reflect.Type) string {
	name := strings.TrimSuffix(t.Name(), "JSON")
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// paramsSchema describes the parameters of a kind of execution, by themselves.
func paramsSchema(k rinca.ExecutionKind) (json.RawMessage, error) {
	if k.Params == nil {
		return json.RawMessage(`{"type":"object","properties":{}}`), nil
	}
	s := &schemas{named: map[string]object{}, types: map[string]reflect.Type{}}
	t := reflect.TypeOf(k.Params)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	out := s.fields(t)
	if len(s.named) > 0 {
		return nil, rinca.Errorf(rinca.Internal, "the parameters of %s are nested", k.Name)
	}
	out["additionalProperties"] = false
	data, err := json.Marshal(out)
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "encode a schema: %w", err)
	}
	return data, nil
}
