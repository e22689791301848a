package opcommand

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// FuzzParseTemplate: a template from anywhere makes an item that can be
// printed and read again as the same, or an error that shows none of it.
func FuzzParseTemplate(f *testing.F) {
	for _, s := range []string{
		`{"title":"x","category":"LOGIN","fields":[{"id":"password","type":"CONCEALED","purpose":"PASSWORD","label":"password","value":"v"}]}`,
		`{"fields":[{"label":"n","value":7},{"label":"b","value":true},{"label":"z","value":null},{"label":"o","value":{}}]}`,
		`{"category":"secure note","sections":[{"label":"s"}],"fields":[{"section":{"label":"s"},"type":"date","value":"2020-02-29"},{"section":{"id":"x"},"type":"TOTP","value":"JBSWY3DP"}]}`,
		`{"vault":{"name":"homelab"},"tags":["a"],"urls":[{"href":"https://x","primary":true},{"href":""}],"favorite":true}`,
		`[]`, `{`, `null`, `{"fields":null}`, `{"title":7}`, `{"fields":[{"value":["canary"]}]}`,
	} {
		f.Add(s)
	}
	s := &session{Env: Env{Account: "fuzz", Now: time.Now}}
	f.Fuzz(func(t *testing.T, text string) {
		it, err := parseTemplate([]byte(text))
		if err != nil {
			if strings.Contains(text, "canary") && strings.Contains(err.Error(), "canary") && !strings.Contains(err.Error(), "isn't a category") {
				t.Errorf("the error shows the template: %v", err)
			}
			return
		}
		again, err := json.Marshal(s.itemJSON(*it, rinca.Vault{}))
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseTemplate(again)
		if err != nil {
			t.Fatalf("%q → %s: %v", text, again, err)
		}
		if len(back.Fields) != len(it.Fields) || len(back.Sections) != len(it.Sections) || back.Title != it.Title {
			t.Errorf("%q → %s", text, again)
		}
		for i, f := range it.Fields {
			b := back.Fields[i]
			if b.ID != f.ID || b.Label != f.Label || b.Type != f.Type || b.SectionID != f.SectionID || b.Value.Reveal() != f.Value.Reveal() {
				t.Errorf("%q: field %d differs", text, i)
			}
		}
	})
}

// TestValues: how types store what people write.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		statement, typ, value string
	}{
		{"K=v", "CONCEALED", "v"},
		{"K[text]=v", "STRING", "v"},
		{"K[date]=1970-01-02", "DATE", "86400"},
		{"K[date]=86400", "DATE", "86400"},
		{"K[monthYear]=2024/07", "MONTH_YEAR", "202407"},
		{"K[monthYear]=202407", "MONTH_YEAR", "202407"},
		{"K[otp]=otpauth://totp/x?secret=JBSWY3DPEHPK3PXP", "OTP", "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"},
		{"K[phone]=+49", "PHONE", "+49"},
		{"K[email]=a@b", "EMAIL", "a@b"},
		{"K[url]=https://x", "URL", "https://x"},
	} {
		it := rinca.Item{}
		a, err := parseAssignments([]string{c.statement})
		if err == nil {
			err = apply(&it, a, true)
		}
		if err != nil || string(it.Fields[0].Type) != c.typ || it.Fields[0].Value.Reveal() != c.value {
			t.Errorf("%s: %v, %+v", c.statement, err, it.Fields)
		}
		// A date becomes text as people write it, and the text the same date.
		for _, convert := range []string{"K[text]", "K[" + strings.Split(strings.Split(c.statement+"[password]", "[")[1], "]")[0] + "]"} {
			if a, err = parseAssignments([]string{convert}); err == nil {
				err = apply(&it, a, false)
			}
			if err != nil {
				t.Errorf("%s then %s: %v", c.statement, convert, err)
			}
		}
		if string(it.Fields[0].Type) != c.typ || it.Fields[0].Value.Reveal() != c.value {
			t.Errorf("%s: text and back is %s %q", c.statement, it.Fields[0].Type, it.Fields[0].Value.Reveal())
		}
	}
	for _, s := range []string{"K[date]=2023-02-29", "K[date]=canary", "K[monthYear]=202413", "K[otp]=canary!", "K[monthYear]=canary"} {
		a, err := parseAssignments([]string{s})
		if err == nil {
			err = apply(&rinca.Item{}, a, true)
		}
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// TestFieldNames: which field a statement means. Env variables that differ in
// their case alone are different variables.
func TestFieldNames(t *testing.T) {
	c, _ := findCategory("Login")
	start := c.item()
	start.Sections = []rinca.Section{{ID: "s1", Label: "Prod DB"}, {ID: "s2", Label: "Test"}}
	for _, f := range []rinca.Field{
		{ID: "1", Label: "K"},
		{ID: "2", Label: "K", SectionID: "s1"},
		{ID: "3", Label: "K", SectionID: "s2"},
		{ID: "4", Label: "only here", SectionID: "s2"},
		{ID: "5", Label: "path"},
		{ID: "6", Label: "twice", SectionID: "s1"},
		{ID: "7", Label: "twice", SectionID: "s2"},
	} {
		f.Type = rinca.TypeString
		start.Fields = append(start.Fields, f)
	}
	for statement, want := range map[string]string{
		"K=new":         "1",
		"Prod DB.K=new": "2",
		"proddb.K=new":  "2",
		"s2.K=new":      "3",
		"onlyhere=new":  "4",
		"path=new":      "5",
		"PATH=new":      "made", // another variable
		"Username=new":  "username",
		"USER NAME=new": "username",
		"7=new":         "7",
		"Test.new=new":  "made",
		"other.K=new":   "made",
	} {
		it := start
		it.Fields = append([]rinca.Field(nil), start.Fields...)
		a, err := parseAssignments([]string{statement})
		if err == nil {
			err = apply(&it, a, false)
		}
		got := ""
		for _, f := range it.Fields {
			if f.Value.Reveal() == "new" {
				got += f.ID
			}
		}
		if len(it.Fields) > len(start.Fields) {
			got = "made"
		}
		if err != nil || got != want {
			t.Errorf("%s sets %q, want %q, %v", statement, got, want, err)
		}
	}
	a, _ := parseAssignments([]string{"twice=new"})
	if err := apply(&start, a, false); err == nil {
		t.Error("an ambiguous name is taken")
	}
}

func TestHasTag(t *testing.T) {
	info := rinca.Info{Tags: []string{"stack/x", "Stack:ab"}}
	for tag, want := range map[string]bool{"stack": true, "stack/x": true, "STACK": true, "stack:ab": true, "stack:a": false, "stack/": false, "x": false, "stack/x/y": false} {
		if hasTag(info, []string{"none", tag}) != want {
			t.Errorf("%s", tag)
		}
	}
}
