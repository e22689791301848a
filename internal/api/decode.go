package api

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// readBody reads what a request carries, within the limit of its route.
func readBody(rt *route, r *request) (err error) {
	if rt.in == nil {
		return nil
	}
	if r.data, err = io.ReadAll(r.Body); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return err
		}
		return rinca.Errorf(rinca.Invalid, "the body of the request breaks off").Because(err)
	}
	return nil
}

// decodeBody decodes the body into a fresh value of the route's type. It
// refuses what is not exactly that: unknown and repeated keys, text after the
// end, bytes that are no UTF-8. Errors name keys, and never values.
func decodeBody(rt *route, r *request) error {
	if rt.in == nil {
		return nil
	}
	t := reflect.TypeOf(rt.in)
	if len(bytes.TrimSpace(r.data)) == 0 {
		return rinca.Errorf(rinca.Invalid, "the body of the request is empty").Try("an object with: %s", strings.Join(keysOf(t), ", "))
	}
	into := reflect.New(t)
	if err := decode(r.data, into); err != nil {
		return err
	}
	r.body = into.Interface()
	return nil
}

func decode(data []byte, into reflect.Value) error {
	if !utf8.Valid(data) {
		return rinca.Errorf(rinca.Invalid, "the body of the request is not UTF-8")
	}
	if !json.Valid(data) {
		return rinca.Errorf(rinca.Invalid, "the body of the request is no JSON%s", whereBroken(data))
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := check(dec, into.Elem().Type(), ""); err != nil {
		return err
	}
	if err := json.Unmarshal(data, into.Interface()); err != nil {
		return decodeError(err)
	}
	return nil
}

// decodeError says what is wrong without the text that is.
func decodeError(err error) error {
	if e, ok := errors.AsType[*rinca.Error](err); ok && e.Code == rinca.Invalid {
		return e
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return rinca.Errorf(rinca.Invalid, "%s is of the wrong type: it has to be %s", quoteKey(e.Field), wordFor(e.Type))
	}
	return rinca.Errorf(rinca.Invalid, "a value in the body of the request cannot be read").Because(err)
}

func whereBroken(data []byte) string {
	var v any
	if e, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data, &v)); ok {
		line := 1 + bytes.Count(data[:min(int(e.Offset), len(data))], []byte("\n"))
		return fmt.Sprintf(": it breaks off or goes wrong in line %d", line)
	}
	return ""
}

// check walks over a document beside the type that it is decoded into, and
// looks at keys: encoding/json takes unknown and repeated ones, and those in
// another case, as if they were right.
func check(dec *json.Decoder, t reflect.Type, at string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	tok, err := dec.Token()
	if err != nil {
		return rinca.Errorf(rinca.Invalid, "the body of the request is no JSON")
	}
	delim, nested := tok.(json.Delim)
	if !nested {
		return nil
	}
	own := decodesItself(t)
	if delim == '[' {
		elem := reflect.TypeFor[any]()
		if !own && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			elem = t.Elem()
		}
		for i := 0; dec.More(); i++ {
			if err := check(dec, elem, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	} else if err := checkObject(dec, t, at, own); err != nil {
		return err
	}
	_, err = dec.Token()
	return err
}

func checkObject(dec *json.Decoder, t reflect.Type, at string, own bool) error {
	var fields map[string]reflect.Type
	elem := reflect.TypeFor[any]()
	switch {
	case own:
	case t.Kind() == reflect.Struct:
		fields = fieldsOf(t)
	case t.Kind() == reflect.Map:
		elem = t.Elem()
	}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return rinca.Errorf(rinca.Invalid, "the body of the request is no JSON")
		}
		key, _ := tok.(string)
		path := strings.TrimPrefix(at+"."+key, ".")
		if seen[key] {
			return rinca.Errorf(rinca.Invalid, "the key %s is there twice", quoteKey(path))
		}
		seen[key] = true
		next := elem
		if fields != nil {
			var ok bool
			if next, ok = fields[key]; !ok {
				return suggest(rinca.Errorf(rinca.Invalid, "there is no key %s", quoteKey(path)), key, keysOf(t))
			}
		}
		if err := check(dec, next, path); err != nil {
			return err
		}
	}
	return nil
}

// decodesItself reports whether a type reads its own JSON, so that we do not
// know its keys.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// suggest adds the nearest name to an error about one that does not exist.
func suggest(err *rinca.Error, name string, known []string) error {
	if near := vault.Nearest(name, known); near != "" {
		return err.Try("did you mean %q?", near)
	}
	if len(known) == 0 {
		return err
	}
	return err.Try("there are: %s", strings.Join(known, ", "))
}

// quoteKey bounds a key that came with a request.
func quoteKey(key string) string {
	if key == "" {
		return "the body"
	}
	return fmt.Sprintf("%q", cut(key))
}

func wordFor(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint, reflect.Uint64, reflect.Float64:
		return "a number"
	}
	return "another one"
}

// UnmarshalJSON reads a text. One that would not arrive exactly, because it
// has half of a surrogate pair, is refused.
func (s *secretText) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var v string
	if err := json.Unmarshal(data, &v); err != nil {
		return rinca.Errorf(rinca.Invalid, "a value is of the wrong type: it has to be a text") // without the text
	}
	if strings.ContainsRune(v, utf8.RuneError) && !bytes.Contains(data, []byte("\ufffd")) && !bytes.Contains(bytes.ToLower(data), []byte(`\ufffd`)) {
		return rinca.Errorf(rinca.Invalid, "a value has half of a surrogate pair, which is no character")
	}
	s.Secret = rinca.NewSecret(v)
	return nil
}
