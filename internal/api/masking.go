package api

import (
	"bytes"
	"encoding/json"
	"reflect"

	"rinca/internal/redact"
	"rinca/internal/rinca"
)

// learn makes the values that came with a request known while it is served:
// what fails with one of them may repeat it.
func (s *Server) learn(r *request) {
	if r.body == nil {
		return
	}
	values := secretsIn(reflect.ValueOf(r.body).Elem(), nil)
	if len(values) > 0 {
		s.cfg.Known.Set("request "+r.id, values)
	}
}

// secretsIn collects the values of a body, also those of its lists.
func secretsIn(v reflect.Value, found []rinca.Secret) []rinca.Secret {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			found = secretsIn(v.Index(i), found)
		}
	case reflect.Struct:
		if s, ok := v.Interface().(secretText); ok {
			if s.IsSet() {
				found = append(found, s.Secret)
			}
			return found
		}
		for i := range v.NumField() {
			if v.Field(i).CanInterface() {
				found = secretsIn(v.Field(i), found)
			}
		}
	}
	return found
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
