// Package leaktest looks for values in places where they must not be, in every
// form that programs put values into.
package leaktest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Forms returns the ways a value may show up: as it is, line by line, and in
// encodings.
func Forms(value string) []string {
	out := []string{value}
	for part := range strings.SplitSeq(value, "\n") {
		js, _ := json.Marshal(part) // a string is always encoded
		var plain bytes.Buffer
		enc := json.NewEncoder(&plain)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(part)
		quoted := strconv.Quote(part)
		out = append(out, part, strings.Trim(string(js), `"`), strings.Trim(strings.TrimSpace(plain.String()), `"`),
			url.QueryEscape(part), url.PathEscape(part), quoted[1:len(quoted)-1],
			hex.EncodeToString([]byte(part)), strings.ToUpper(hex.EncodeToString([]byte(part))))
		for skip := range 3 { // base64 of a text that holds the value at any offset
			if len(part) > skip+8 {
				tail := part[skip:]
				tail = tail[:len(tail)/3*3]
				out = append(out, base64.StdEncoding.EncodeToString([]byte(tail)), base64.URLEncoding.EncodeToString([]byte(tail)))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A Search looks for values. Forms of less than 8 bytes are not looked for:
// they are anywhere.
type Search struct{ forms [][][]byte }

// New returns a search for values.
func New(values ...string) *Search {
	s := &Search{}
	for _, v := range values {
		var forms [][]byte
		for _, f := range Forms(v) {
			if len(f) >= 8 {
				forms = append(forms, []byte(f))
			}
		}
		s.forms = append(s.forms, forms)
	}
	return s
}

// Find says which of the values data holds, by its number, and in which form;
// "" for none.
func (s *Search) Find(data []byte) string {
	for i, forms := range s.forms {
		for _, f := range forms {
			if bytes.Contains(data, f) {
				return fmt.Sprintf("canary %d as %q", i, f)
			}
		}
	}
	return ""
}
