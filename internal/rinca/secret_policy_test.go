package rinca_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

func TestParseAge(t *testing.T) {
	for s, want := range map[string]time.Duration{"1d": 24 * time.Hour, "90d": 90 * 24 * time.Hour, "2w": 14 * 24 * time.Hour, " 36h ": 36 * time.Hour, "90m": 90 * time.Minute} {
		got, err := rinca.ParseAge(s)
		if err != nil || time.Duration(got) != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "d", "0d", "-1d", "+", "1.5d", "90", "1 d", "99999999999d", "36601d", "1y", "-3h", "0s", "d90", "９d"} {
		if a, err := rinca.ParseAge(s); rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%q: %v, %v", s, a, err)
		}
	}
}

func FuzzParseAge(f *testing.F) {
	f.Add("90d")
	f.Add("1h30m")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := rinca.ParseAge(s)
		if err != nil {
			return
		}
		if again, err := rinca.ParseAge(a.String()); err != nil || again != a || a <= 0 {
			t.Errorf("%q is %v, and printed as %q", s, time.Duration(a), a)
		}
	})
}

// The most specific rule holds, and of two the stricter one.
func TestRuleFor(t *testing.T) {
	rule := func(age, item, tag, vault string) rinca.AgeRule {
		a, err := rinca.ParseAge(age)
		if err != nil {
			t.Fatal(err)
		}
		return rinca.AgeRule{MaxAge: a, Item: item, Tag: tag, Vault: vault}
	}
	p := rinca.SecretPolicy{Rules: []rinca.AgeRule{
		rule("400d", "", "", ""), rule("300d", "", "", "HomeLab"), rule("90d", "", "production", ""), rule("60d", "", "blue", ""),
		rule("7d", "session-*.env", "", ""), rule("1d", "iiiiiiiiiiiiiiiiiiiiiiiiii", "", ""),
	}}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s    rinca.SecretInfo
		want string
	}{
		{rinca.SecretInfo{Title: "a.env", VaultName: "other"}, "400d"},
		{rinca.SecretInfo{Title: "a.env", VaultName: "homelab"}, "300d"},
		{rinca.SecretInfo{Title: "a.env", VaultName: "homelab", Tags: []string{"Production"}}, "90d"},
		{rinca.SecretInfo{Title: "a.env", Tags: []string{"production", "blue"}}, "60d"},
		{rinca.SecretInfo{Title: "Session-1.env", Tags: []string{"blue"}}, "7d"},
		{rinca.SecretInfo{Title: "x", Item: "iiiiiiiiiiiiiiiiiiiiiiiiii"}, "1d"},
	} {
		if r, ok := p.RuleFor(&c.s); !ok || r.MaxAge.String() != c.want {
			t.Errorf("%+v: %v %v, want %s", c.s, r, ok, c.want)
		}
	}
	if _, ok := (rinca.SecretPolicy{}).RuleFor(&rinca.SecretInfo{Title: "a"}); ok {
		t.Error("a rule from nowhere")
	}
	p = p.With(rule("10d", "", "PRODUCTION", ""))
	if n := len(p.Rules); n != 6 {
		t.Errorf("%d rules after one was replaced", n)
	}
	if p = p.Without(rinca.AgeRule{Tag: "production"}); len(p.Rules) != 5 {
		t.Errorf("%d rules after one was deleted", len(p.Rules))
	}
}

func TestPolicyCheck(t *testing.T) {
	day := rinca.Age(24 * time.Hour)
	for name, p := range map[string]rinca.SecretPolicy{
		"no age":       {Rules: []rinca.AgeRule{{Tag: "x"}}},
		"negative":     {Rules: []rinca.AgeRule{{MaxAge: -day}}},
		"twice":        {Rules: []rinca.AgeRule{{MaxAge: day, Tag: "x"}, {MaxAge: 2 * day, Tag: "X"}}},
		"bad pattern":  {Rules: []rinca.AgeRule{{MaxAge: day, Item: "[a"}}},
		"control":      {Rules: []rinca.AgeRule{{MaxAge: day, Item: "a\nb"}}},
		"long":         {Rules: []rinca.AgeRule{{MaxAge: day, Tag: strings.Repeat("x", 301)}}},
		"many":         {Rules: make([]rinca.AgeRule, 501)},
		"shared by -1": {SharedBy: -1},
	} {
		if err := p.Check(); rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	data, err := json.Marshal(rinca.SecretPolicy{Rules: []rinca.AgeRule{{MaxAge: 90 * day, Tag: "x"}}})
	if err != nil || !strings.Contains(string(data), `"max_age":"90d"`) {
		t.Errorf("%s %v", data, err)
	}
	var p rinca.SecretPolicy
	if err := json.Unmarshal([]byte(`{"rules":[{"max_age":"soon"}]}`), &p); err == nil {
		t.Error("an age that is none was read")
	}
}

func TestDriftStates(t *testing.T) {
	order := rinca.DriftStates()
	for i, a := range order {
		for j, b := range order {
			if got := a.Worse(b); got != order[max(i, j)] {
				t.Errorf("worse of %s and %s: %s", a, b, got)
			}
		}
	}
}
