package rinca

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"authentik", "authentik", true},
		{"authentik", "Authentik", false},
		{"authentik", "authentik2", false},
		{"*", "anything", true},
		{"*", "a/b", true},
		{"media-*", "media-", true},
		{"media-*", "media", false},
		{"*-db", "media-db", true},
		{"m*a*-?b", "media-db", true},
		{"m*a*-?b", "media-b", false},
		{"?", "ü", true},
		{"**", "", true},
		{"a[b]c", "a[b]c", true},
		{"a[b]c", "abc", false},
		{"a[b]*", "a[b]c", true},
		{`\^media-(a|b)$\`, "media-b", true},
		{`\^media-(a|b)$\`, "media-bc", false},
		{`\edia\`, "media", true},
		{`\(\`, "(", false},
		{`\\`, "x", false},
		{`a\`, `a\`, true},
		{"", "", false},
	} {
		p := Permission{Target: Target{KindStack, c.pattern}, Grant: Grant{Level: Read}}
		target := Target{KindStack, c.name}
		if got := p.Matches(target); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.name, got)
		}
		if p.Matches(Target{KindServer, c.name}) {
			t.Errorf("%q matches another kind", c.pattern)
		}
		id := &Identity{Rights: []Rights{{Permissions: []Permission{p}}}}
		id.Prepare()
		if got := id.On(target).Level == Read; got != c.want {
			t.Errorf("prepared: %q on %q: %v", c.pattern, c.name, got)
		}
	}
}

func TestWildcardIsNotExponential(t *testing.T) {
	start := time.Now()
	if wildcard(strings.Repeat("*a", 200)+"b", strings.Repeat("a", 5000)) {
		t.Error("it matches")
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("took %v", d)
	}
}

// TestOn is the table of what an identity may do.
func TestOn(t *testing.T) {
	reveal := []string{Reveal}
	all := func(k Kind, l Level, specific ...string) Rights { return Rights{All: map[Kind]Grant{k: {l, specific}}} }
	one := func(k Kind, name string, l Level, specific ...string) Rights {
		return Rights{Permissions: []Permission{{Target{k, name}, Grant{l, specific}}}}
	}
	scope := func(r Rights) *Rights { return &r }
	stack, variable, system := Target{KindStack, "op-export"}, Target{KindVariable, "TOKEN"}, Target{Kind: KindSystem}
	for name, c := range map[string]struct {
		id   Identity
		on   Target
		want Grant
	}{
		"nothing":                      {Identity{}, stack, Grant{}},
		"all":                          {Identity{Rights: []Rights{all(KindStack, Execute)}}, stack, Grant{Level: Execute}},
		"all of another kind":          {Identity{Rights: []Rights{all(KindServer, Write)}}, stack, Grant{}},
		"the document's group":         {Identity{Rights: []Rights{all(KindStack, Execute), one(KindStack, "op-export", Write)}}, stack, Grant{Level: Write}},
		"the highest wins":             {Identity{Rights: []Rights{one(KindStack, "op-*", Read), one(KindStack, "op-export", Execute)}}, stack, Grant{Level: Execute}},
		"None takes nothing away":      {Identity{Rights: []Rights{all(KindStack, Read), one(KindStack, "op-export", None)}}, stack, Grant{Level: Read}},
		"None gives nothing":           {Identity{Rights: []Rights{all(KindVariable, None, Reveal), all(KindVariable, Read)}}, variable, Grant{Level: Read}},
		"write does not reveal":        {Identity{Rights: []Rights{all(KindVariable, Write)}}, variable, Grant{Level: Write}},
		"reveal by name":               {Identity{Rights: []Rights{all(KindVariable, Read), one(KindVariable, "TOK*", Read, Reveal)}}, variable, Grant{Read, reveal}},
		"reveal on another":            {Identity{Rights: []Rights{all(KindVariable, Read), one(KindVariable, "KEY", Read, Reveal)}}, variable, Grant{Level: Read}},
		"system is not given":          {Identity{Rights: []Rights{all(KindSystem, Write)}}, system, Grant{}},
		"administrator":                {Identity{User: User{Admin: true}}, stack, Grant{Write, reveal}},
		"administrator of the system":  {Identity{User: User{Admin: true}}, system, Grant{Write, reveal}},
		"disabled administrator":       {Identity{User: User{Admin: true, Disabled: true}}, stack, Grant{}},
		"must change the password":     {Identity{User: User{Admin: true}, Session: &Session{ChangeOnly: true}}, stack, Grant{}},
		"key below its user":           {Identity{User: User{Admin: true}, Scope: scope(all(KindStack, Execute))}, stack, Grant{Level: Execute}},
		"key of an administrator":      {Identity{User: User{Admin: true}, Scope: scope(all(KindStack, Write))}, system, Grant{}},
		"key that reads the system":    {Identity{User: User{Admin: true}, Scope: scope(all(KindSystem, Read))}, system, Grant{Level: Read}},
		"key above its user":           {Identity{Rights: []Rights{all(KindStack, Read)}, Scope: scope(all(KindStack, Write, Reveal))}, stack, Grant{Level: Read}},
		"key of a user, on the system": {Identity{Rights: []Rights{all(KindStack, Read)}, Scope: scope(all(KindSystem, Write))}, system, Grant{}},
		"empty scope":                  {Identity{User: User{Admin: true}, Scope: &Rights{}}, stack, Grant{}},
		"scope without reveal":         {Identity{User: User{Admin: true}, Scope: scope(all(KindVariable, Write))}, variable, Grant{Level: Write}},
		"scope with reveal":            {Identity{User: User{Admin: true}, Scope: scope(one(KindVariable, "TOKEN", Read, Reveal))}, variable, Grant{Read, reveal}},
		"scope reveals, user does not": {Identity{Rights: []Rights{all(KindVariable, Read)}, Scope: scope(all(KindVariable, Read, Reveal))}, variable, Grant{Level: Read}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.id.On(c.on)); diff != "" {
				t.Error(diff)
			}
			c.id.Prepare()
			if diff := cmp.Diff(c.want, c.id.On(c.on)); diff != "" {
				t.Errorf("prepared: %s", diff)
			}
			if got, want := c.id.Admin(), c.id.On(system).Level == Write; got != want {
				t.Errorf("Admin: %v", got)
			}
		})
	}
}

func TestRightsFromJSON(t *testing.T) {
	want := Rights{
		All:         map[Kind]Grant{KindStack: {Level: Execute}, KindVariable: {Read, []string{Reveal}}},
		Permissions: []Permission{{Target{KindStack, "op-export"}, Grant{Write, nil}}},
	}
	var got Rights
	text := `{"all":{"Stack":"execute","Variable":{"level":"Read","specific":["Reveal"]}},"permissions":[{"target":{"type":"Stack","id":"op-export"},"level":"Write"}]}`
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var again Rights
	if err := json.Unmarshal(data, &again); err != nil || !cmp.Equal(want, again) {
		t.Errorf("%s: %v %+v", data, err, again)
	}
	for _, bad := range []string{
		`{"all":{"Stack":"Exec"}}`, `{"all":{"Stack":{"levl":"Read"}}}`, `{"all":{"Stack":7}}`,
		`{"permissions":[{"target":{"type":"Stack","name":"x"},"level":"Read"}]}`, `{"permissions":[{"lvl":"Read"}]}`,
	} {
		if err := json.Unmarshal([]byte(bad), &Rights{}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestRightsCheck(t *testing.T) {
	perm := func(k Kind, name string, l Level, specific ...string) Rights {
		return Rights{Permissions: []Permission{{Target{k, name}, Grant{l, specific}}}}
	}
	for want, r := range map[string]Rights{
		"":                                 perm(KindStack, "media-*", Read),
		`"stack" is no kind`:               perm("stack", "a", Read),
		`"System" is no kind`:              perm(KindSystem, "a", Read),
		`"Deployment" is no`:               {All: map[Kind]Grant{"Deployment": {Level: Read}}},
		`no extra right "Logs"`:            perm(KindStack, "a", Read, "Logs"),
		"Reveal needs at least":            perm(KindVariable, "a", None, Reveal),
		"is missing":                       perm(KindStack, "", Read),
		"no regular expression":            perm(KindStack, `\(\`, Read),
		"at most 500 bytes":                perm(KindStack, strings.Repeat("a", 501), Read),
		"more than 1000 permissions":       {Permissions: make([]Permission, 1001)},
		"all.Stack: 7 is no permission le": {All: map[Kind]Grant{KindStack: {Level: 7}}},
	} {
		err := r.Check()
		if (err != nil) != (want != "") || err != nil && (!strings.Contains(err.Error(), want) || CodeOf(err) != Invalid) {
			t.Errorf("want %q, got %v", want, err)
		}
		if err != nil && want != "at most 500 bytes" && HintOf(err) == "" && !strings.Contains(want, "level") {
			t.Errorf("no hint: %v", err)
		}
	}
	if err := (Rights{All: map[Kind]Grant{KindSystem: {Level: Read}}}).CheckScope(); err != nil {
		t.Error(err)
	}
}

func BenchmarkOn(b *testing.B) {
	id := &Identity{Rights: []Rights{{All: map[Kind]Grant{KindStack: {Level: Read}}, Permissions: []Permission{
		{Target{KindStack, "media-*"}, Grant{Level: Execute}},
		{Target{KindStack, `\^home-[0-9]+$\`}, Grant{Level: Write}},
		{Target{KindStack, "authentik"}, Grant{Level: Write}},
	}}}}
	id.Prepare()
	b.ReportAllocs()
	for b.Loop() {
		id.On(Target{KindStack, "restic"})
	}
}
