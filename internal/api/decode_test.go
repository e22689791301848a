package api

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

func TestDecodeIsStrict(t *testing.T) {
	tests := map[string]struct{ in, wants string }{
		"fine":                {`{"name":"web","source":{"kind":"git"}}`, ""},
		"unknown key":         {`{"nam":"hunter2"}`, `there is no key "nam"`},
		"unknown nested key":  {`{"source":{"brnach":"hunter2"}}`, `there is no key "source.brnach"`},
		"unknown key in list": {`{"source":{"files":[{"path":"a","text":"hunter2"}]}}`, `"source.files[0].text"`},
		"another case":        {`{"Name":"hunter2"}`, `there is no key "Name"`},
		"twice":               {`{"name":"a","name":"hunter2"}`, `the key "name" is there twice`},
		"wrong type":          {`{"name":["hunter2"]}`, `"name" is of the wrong type: it has to be a text`},
		"nested wrong type":   {`{"source":{"files":"hunter2"}}`, `"source.files" is of the wrong type: it has to be a list`},
		"number":              {`{"verify":{"skip":"hunter2"}}`, `has to be true or false`},
		"bad duration":        {`{"verify":{"timeout":"soon"}}`, "no duration"},
		"two documents":       {`{"name":"a"} {"name":"hunter2"}`, "no JSON"},
		"cut off":             {`{"name":"hunter2`, "no JSON"},
		"not an object":       {`"hunter2"`, "wrong type"},
		"null":                {`null`, ""},
		"not UTF-8":           {"{\"name\":\"\xff\"}", "not UTF-8"},
		"empty list":          {`{"tags":[]}`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := decode([]byte(tt.in), reflect.New(reflect.TypeFor[rinca.Stack]()))
			switch {
			case tt.wants == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.wants != "" && (err == nil || !strings.Contains(err.Error(), tt.wants)):
				t.Errorf("got %v, want %s", err, tt.wants)
			case err != nil && rinca.CodeOf(err) != rinca.Invalid:
				t.Errorf("code %s", rinca.CodeOf(err))
			case err != nil && strings.Contains(err.Error()+rinca.HintOf(err), "hunter2"):
				t.Errorf("%v repeats a value", err)
			}
		})
	}
	err := decode([]byte(`{"descriptio":""}`), reflect.New(reflect.TypeFor[rinca.Stack]()))
	if got := rinca.HintOf(err); got != `did you mean "description"?` {
		t.Errorf("the hint is %q", got)
	}
}

func TestSecretsArriveExactly(t *testing.T) {
	var in variableInput
	value := "a: b # c\n'\"$X{{}}\\ \u2028 \U0001F511 \ufffd end "
	data, err := json.Marshal(map[string]string{"value": value})
	if err != nil {
		t.Fatal(err)
	}
	if err := decode(data, reflect.ValueOf(&in)); err != nil {
		t.Fatal(err)
	}
	if in.Value.Reveal() != value {
		t.Errorf("got %q", in.Value.Reveal())
	}
	if err := decode([]byte(`{"value":"\ud800x"}`), reflect.ValueOf(&in)); rinca.CodeOf(err) != rinca.Invalid {
		t.Errorf("half of a pair: %v", err)
	}
	var none variableInput
	if err := decode([]byte(`{"value":null}`), reflect.ValueOf(&none)); err != nil || none.Value.IsSet() {
		t.Errorf("null: %v, set: %v", err, none.Value.IsSet())
	}
	if err := decode([]byte(`{"value":12345678}`), reflect.ValueOf(&none)); err == nil || strings.Contains(err.Error(), "12345678") {
		t.Errorf("a number: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"name":"web","source":{"kind":"git"}}`, `{"source":{"files":[{"path":"a","content":"x"}]}}`, `{"a":{"b":[[{}]]}}`,
		`[]`, `{"name":1e999}`, `{"tags":[null]}`, `{"":""}`, "{\"name\":\"\\u0000\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		into := reflect.New(reflect.TypeFor[rinca.Stack]())
		if err := decode(data, into); err != nil {
			if rinca.CodeOf(err) != rinca.Invalid {
				t.Errorf("code %s of %v", rinca.CodeOf(err), err)
			}
			return
		}
		// What was taken says the same when it is written and read again.
		out, err := json.Marshal(into.Elem().Interface())
		if err != nil {
			t.Fatal(err)
		}
		if err := decode(out, reflect.New(reflect.TypeFor[rinca.Stack]())); err != nil {
			t.Errorf("%s was taken, and %s is not: %v", data, out, err)
		}
	})
}
