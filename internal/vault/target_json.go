package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

const notUTF8 = "the value is not valid UTF-8"

// splitJSON makes a slot of every reference: in a string its characters are
// escaped, and outside it becomes a string.
func splitJSON(d *draft) ([]slot, error) {
	var slots []slot
	inString, escape := false, false
	for i := 0; i < len(d.text); i++ {
		c := d.text[i]
		switch {
		case d.isToken(i):
			if escape {
				return nil, badAt(i, "a backslash stands before the reference")
			}
			slots = append(slots, jsonSlot(d, i, inString))
			i += d.size - 1
		case escape:
			escape = false
		case inString && c == '\\':
			escape = true
		case c == '"':
			inString = !inString
		}
	}
	return slots, nil
}

func jsonSlot(d *draft, at int, inString bool) slot {
	name := d.text[at : at+d.size]
	return slot{start: at, end: at + d.size, write: func(fill filling) (string, string) {
		value := fill.in(name)
		if !utf8.ValidString(value) {
			return "", notUTF8 + ", which JSON cannot carry"
		}
		text := jsonString(value)
		if inString {
			text = text[1 : len(text)-1]
		}
		return text, ""
	}}
}

// jsonString returns a JSON string, with quotes.
func jsonString(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string can be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// readJSON reads one or several JSON documents.
func readJSON(text string) (any, error) {
	docs := []any{}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	for {
		var v any
		switch err := dec.Decode(&v); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, badLine(lineOf(text, jsonOffset(err, dec)), "the template is not valid JSON once its references are filled in")
		}
		docs = append(docs, v)
	}
}

func jsonOffset(err error, dec *json.Decoder) int64 {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return s.Offset
	}
	return dec.InputOffset()
}

func lineOf(text string, offset int64) int {
	offset = min(max(offset, 0), int64(len(text)))
	return strings.Count(text[:offset], "\n") + 1
}
