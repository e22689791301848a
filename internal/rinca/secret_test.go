package rinca_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v4"

	"rinca/internal/rinca"
)

const canary = "hunter2-canary"

type holder struct {
	Public  rinca.Secret
	private rinca.Secret
	Ptr     *rinca.Secret
	List    []rinca.Secret
	Map     map[string]rinca.Secret
	any     any
}

func held() holder {
	s := rinca.NewSecret(canary)
	return holder{s, s, &s, []rinca.Secret{s}, map[string]rinca.Secret{"k": s}, s}
}

// A Secret hides from every verb, also in an unexported field of another
// struct, where fmt may not call its methods.
func TestSecretDoesNotPrint(t *testing.T) {
	for _, v := range []any{rinca.NewSecret(canary), held(), []holder{held()}} {
		for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %t %T %p %o %c %U %e %8.3v %-20s") {
			out := fmt.Sprintf(verb, v)
			if strings.Contains(out, canary) || strings.Contains(strings.ToLower(out), fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of %T prints the value", verb, v)
			}
		}
		var text, js bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&js, nil)).Info("m", "v", v)
		if strings.Contains(text.String()+js.String(), canary) {
			t.Errorf("slog of %T prints the value", v)
		}
		if err := errors.Join(fmt.Errorf("%v", v)); strings.Contains(err.Error(), canary) {
			t.Errorf("an error with %T prints the value", v)
		}
	}
}

// Encoding is an error, so a Secret cannot be saved as a word either.
func TestSecretIsNotEncoded(t *testing.T) {
	v := struct{ V rinca.Secret }{rinca.NewSecret(canary)}
	encoders := map[string]func() ([]byte, error){
		"json": func() ([]byte, error) { return json.Marshal(v) },
		"xml":  func() ([]byte, error) { return xml.Marshal(v) },
		"toml": func() ([]byte, error) { return toml.Marshal(v) },
		"yaml": func() ([]byte, error) { return yaml.Marshal(v) },
		"gob": func() ([]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return b.Bytes(), err
		},
	}
	for name, encode := range encoders {
		out, err := encode()
		if err == nil {
			t.Errorf("%s: encoded as %q", name, out)
		}
		if bytes.Contains(out, []byte(canary)) {
			t.Errorf("%s: the value is in the output", name)
		}
	}
}

func TestSecretEqual(t *testing.T) {
	none, empty, a := rinca.Secret{}, rinca.NewSecret(""), rinca.NewSecret("a")
	for _, c := range []struct {
		x, y rinca.Secret
		want bool
	}{
		{none, none, true},
		{none, empty, false},
		{empty, rinca.NewSecret(""), true},
		{a, rinca.NewSecret("a"), true},
		{a, rinca.NewSecret("b"), false},
		{a, rinca.NewSecret("aa"), false},
	} {
		if got := c.x.Equal(c.y); got != c.want {
			t.Errorf("Equal(%q, %q) = %v", c.x.Reveal(), c.y.Reveal(), got)
		}
	}
	if none.IsSet() || !none.IsEmpty() || !empty.IsSet() || !empty.IsEmpty() || a.IsEmpty() || a.Len() != 1 {
		t.Error("IsSet, IsEmpty or Len is wrong")
	}
}

func ExampleSecret() {
	s := rinca.NewSecret("hunter2")
	fmt.Printf("%v %+v %q\n", s, []rinca.Secret{s}, s)
	fmt.Println(len(s.Reveal()))
	// Output:
	// [secret] [[secret]] [secret]
	// 7
}
