package api

import (
	"encoding/json"
	"testing"

	"rinca/internal/redact"
	"rinca/internal/rinca"
)

func TestMaskedDocumentsStayDocuments(t *testing.T) {
	m := redact.New([]rinca.Secret{
		rinca.NewSecret("20261126"), rinca.NewSecret(`quote"and\slash`), rinca.NewSecret(`nabcd`), rinca.NewSecret(`":"app`),
	})
	tests := map[string]string{
		`{"seq":20261126,"text":"at 20261126"}`:      `{"seq":20261126,"text":"at ` + redact.Mask + `"}`,
		`{"text":"x quote\"and\\slash y"}`:           `{"text":"x ` + redact.Mask + ` y"}`,
		`{"text":"a\nabcd"}`:                         `{"text":"a\nabcd"}`,
		`{"service":"app","list":["20261126",true]}`: `{"service":"app","list":["` + redact.Mask + `",true]}`,
		`{"text":"nothing"}`:                         `{"text":"nothing"}`,
	}
	for in, want := range tests {
		got := maskJSON(m, json.RawMessage(in))
		var a, b any
		if err := json.Unmarshal(got, &a); err != nil {
			t.Errorf("%s became %s", in, got)
			continue
		}
		if err := json.Unmarshal([]byte(want), &b); err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if string(x) != string(y) {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
	if got := maskJSON(m, nil); got != nil {
		t.Errorf("nothing became %s", got)
	}
}
