package api

import (
	"bytes"
	"encoding/json"
	"reflect"

	"rinca/internal/redact"
	"rinca/internal/rinca"
)

// learn makes the values that came with a request known while it is served:
// what fails with one of them may repeat it. Values within lists are those of
// bodies that say so: files of a sync are texts that people read.
func (s *Server) learn(r *request) {
	if r.body == nil {
		return
	}
	var values []rinca.Secret
	body := reflect.ValueOf(r.body).Elem()
	if body.Kind() != reflect.Struct {
		return
	}
	for i := range body.NumField() {
		if !body.Field(i).CanInterface() {
			continue
		}
		if v, ok := body.Field(i).Interface().(secretText); ok && v.IsSet() {
			values = append(values, v.Secret)
		}
	}
	if v, ok := r.body.(interface{ values() []rinca.Secret }); ok {
		values = append(values, v.values()...)
	}
	if len(values) > 0 {
		s.cfg.Known.Set("request "+r.id, values)
	}
}

func (s *Server) forget(r *request) { s.cfg.Known.Remove("request " + r.id) }

// maskJSON hides known values in a document. Values that look like a piece of
// the document itself, such as a number, are looked for in its texts only.
func maskJSON(m *redact.Masker, data json.RawMessage) json.RawMessage {
	if len(data) == 0 {
		return data
	}
	masked := m.String(string(data))
	if masked == string(data) {
		return data
	}
	if json.Valid([]byte(masked)) {
		return json.RawMessage(masked)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return json.RawMessage(`{}`)
	}
	out, err := json.Marshal(maskTexts(m, v))
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return out
}

func maskTexts(m *redact.Masker, v any) any {
	switch v := v.(type) {
	case string:
		return m.String(v)
	case []any:
		for i := range v {
			v[i] = maskTexts(m, v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = maskTexts(m, v[k])
		}
	}
	return v
}

// maskLine hides known values in a line.
func maskLine(m *redact.Masker, l rinca.Line) rinca.Line {
	l.Text = m.String(l.Text)
	return l
}
