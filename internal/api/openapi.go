package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"runtime"
	"strconv"
	"strings"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// OpenAPI returns the description of the API as OpenAPI 3.1, indented.
func OpenAPI(version string, kinds []rinca.ExecutionKind) []byte {
	s := &schemas{named: map[string]object{}, types: map[string]reflect.Type{}}
	paths := map[string]object{}
	for _, rt := range routes() {
		method, path, _ := strings.Cut(rt.pattern, " ")
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path][strings.ToLower(method)] = s.operation(&rt, method, path)
	}
	s.of(reflect.TypeFor[errorJSON]())
	for _, k := range kinds {
		if schema, err := paramsSchema(k); err == nil {
			s.named[k.Name+"Params"] = object{"description": k.Doc, "allOf": []any{schema}}
		}
	}
	doc := object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Rinca", "version": version,
			"description": "Errors are {\"error\":{\"code\",\"message\",\"hint\"}}. Unknown keys and parameters are refused.",
		},
		"paths": paths,
		"components": object{
			"schemas": s.named,
			"securitySchemes": object{
				"bearer": object{"type": "http", "scheme": "bearer", "description": "an API key (rk_…) or the token of a session (rs_…)"},
				"apiKey": object{"type": "apiKey", "in": "header", "name": "X-Api-Key"},
			},
		},
		"security": []any{object{"bearer": []string{}}, object{"apiKey": []string{}}},
	}
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic("describe the API: " + err.Error()) // types of our own; a test encodes them
	}
	return append(data, '\n')
}

func (s *schemas) operation(rt *route, method, path string) object {
	op := object{
		"operationId": rt.name(), "summary": rt.doc, "tags": []string{rt.section()},
		"x-rinca-needs": rt.need.String(), "responses": s.responses(rt),
	}
	if rt.audit != "" {
		op["x-rinca-audit"] = rt.audit
	}
	if params := parameters(rt, method, path); len(params) > 0 {
		op["parameters"] = params
	}
	if rt.in != nil {
		op["requestBody"] = object{"required": true, "content": object{jsonType: object{"schema": s.of(reflect.TypeOf(rt.in))}}}
	}
	if rt.need.access == public {
		op["security"] = []any{}
	}
	return op
}

func (s *schemas) responses(rt *route) object {
	failed := object{"description": "Failure.", "content": object{jsonType: object{"schema": s.of(reflect.TypeFor[errorJSON]())}}}
	good := object{"description": "Success."}
	switch rt.out.(type) {
	case nil:
	case raw:
		kind := jsonType
		if strings.HasSuffix(rt.pattern, "/metrics") {
			kind = "text/plain"
		}
		good["content"] = object{kind: object{}}
	case redirect:
	default:
		kind := jsonType
		if rt.streams() {
			kind = "text/event-stream"
		}
		good["content"] = object{kind: object{"schema": s.of(reflect.TypeOf(rt.out))}}
	}
	return object{strconv.Itoa(rt.good()): good, "default": failed}
}

var pathPart = lazyregexp.New(`\{([a-z_]+)\}`)

func parameters(rt *route, method, path string) []any {
	var out []any
	add := func(name, in, doc string) {
		p := object{"name": name, "in": in, "schema": object{"type": "string"}}
		if doc != "" {
			p["description"] = doc
		}
		if in == "path" {
			p["required"] = true
		}
		out = append(out, p)
	}
	for _, m := range pathPart.FindAllStringSubmatch(path, -1) {
		add(m[1], "path", "")
	}
	for _, p := range rt.query {
		if p.name != "*" {
			add(p.name, "query", p.doc)
		}
	}
	switch {
	case rt.need.access == execution:
		add("Idempotency-Key", "header", "makes a repeated request return the first update")
	case rt.streams() && strings.HasSuffix(path, "/events"):
		add("Last-Event-ID", "header", "the number of the last event that was seen")
	case method == http.MethodPut:
		add("If-Match", "header", "the ETag of what is to be replaced")
	}
	return out
}

// name of the handler, which is that of the operation too.
func (rt *route) name() string {
	f := runtime.FuncForPC(reflect.ValueOf(rt.serve).Pointer()).Name()
	return f[strings.LastIndexByte(f, '.')+1:]
}

// section that the route belongs to: the first part of its path.
func (rt *route) section() string {
	_, path, _ := strings.Cut(rt.pattern, " ")
	path = strings.TrimPrefix(strings.TrimPrefix(path, "/v1"), "/")
	section, _, _ := strings.Cut(path, "/")
	switch section {
	case "healthz", "readyz", "metrics", "version", "openapi.json":
		return "system"
	}
	return section
}

// streams reports whether the answer is a stream of server-sent events.
func (rt *route) streams() bool {
	return strings.HasSuffix(rt.pattern, "/logs") || strings.HasSuffix(rt.pattern, "/events")
}

// good is the status of success.
func (rt *route) good() int {
	switch _, redirects := rt.out.(redirect); {
	case redirects:
		return http.StatusFound
	case rt.status != 0:
		return rt.status
	case rt.out == nil:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// String says what a route needs, for the documents.
func (n need) String() string {
	text := ""
	switch n.access {
	case public:
		return "nothing"
	case signedIn:
		text = "a session or an API key"
	case listed:
		text = "a session or an API key; answers what you may read"
	case asAdmin:
		text = "an administrator"
		if n.level == rinca.Read {
			text += ", or Read on System"
		}
	case onUpdate:
		text = n.level.String() + " on what the update is about, or having asked for it"
	case onAlert:
		text = n.level.String() + " on what the alert is about"
	case onRotation:
		text = n.level.String() + " on every stack of the rotation"
	case onQuarantine:
		text = n.level.String() + " on the stack that failed with it"
	case execution:
		text = n.level.String() + ", or what the kind says, on what it is about"
	case onTarget:
		text = n.level.String() + " on " + string(n.kind) + " " + n.name.doc
	}
	if n.reveal {
		text += ", and Reveal if it is secret"
	}
	if n.session {
		text += "; no API key"
	}
	return text
}
