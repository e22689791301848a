package connectapi

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzFilter(f *testing.F) {
	for _, s := range []string{`title eq "a"`, `name co "x\"y"`, `tag eq "a/b"`, `title eq "`, `title  eq  "a\\"`, ` `, `title eq ""`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseFilter(s)
		if err == nil && got.attribute != "" && !got.contains {
			title, tags := got.value, []string{got.value}
			if !got.matches(title, tags) {
				t.Errorf("%q does not match its own value %q", s, got.value)
			}
		}
	})
}

// A patch never panics, and what it makes of an item is an item or an error.
func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`[{"op":"replace","path":"/","value":{}}]`, `[{"op":"add","path":"/fields","value":{"id":"x"}}]`, `[{"op":"remove","path":"/tags/0"}]`,
		`[{"op":"replace","path":"/fields/k/value","value":"v"}]`, `[{"op":"add","path":"/tags/-","value":"v"}]`, `[{"op":"replace","path":"/fields/~1~0","value":null}]`,
		`[{"op":"remove","path":"/sections/s"}]`, `[{"op":"add","path":"/sections","value":{"id":"s"}}]`,
	} {
		f.Add(s)
	}
	value := "canary-value"
	item := itemJSON{
		ID: "i", Title: "t", Category: "LOGIN", Tags: []string{"a"}, Sections: []sectionJSON{{ID: "s"}},
		Fields: []fieldJSON{{ID: "k", Type: "STRING", Value: &value}},
	}
	before, _ := json.Marshal(item)
	f.Fuzz(func(t *testing.T, s string) {
		var ops []patchOp
		if json.Unmarshal([]byte(s), &ops) != nil {
			return
		}
		_, err := applyPatch(item, ops)
		if err != nil && strings.Contains(err.Error(), value) && !strings.Contains(s, value) {
			t.Errorf("the error holds a value: %v", err)
		}
		if after, _ := json.Marshal(item); string(after) != string(before) {
			t.Errorf("%s changed the item it was given", s)
		}
	})
}
