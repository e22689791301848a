package interpolate_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

// load reads a compose file as Compose does.
func load(t *testing.T, content string, env map[string]string) *types.Project {
	t.Helper()
	p, err := tryLoad(content, env)
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	return p
}

func tryLoad(content string, env map[string]string) (*types.Project, error) {
	return loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  "/work",
		ConfigFiles: []types.ConfigFile{{Filename: "/work/compose.yaml", Content: []byte(content)}},
		Environment: env,
	}, func(o *loader.Options) {
		o.SetProjectName("test", true)
		o.SkipResolveEnvironment = true
	})
}

func fill(t *testing.T, content string, values map[string]string, o interpolate.Options) string {
	t.Helper()
	o.Lookup = lookup(values)
	got, missing, err := interpolate.YAML("compose.yaml", []byte(content), o)
	if err != nil || missing != nil {
		t.Fatalf("%v %v\n%s", missing, err, content)
	}
	return got.Reveal()
}

// The workflow document's compose file works as it is written there.
func TestDocument(t *testing.T) {
	content, err := os.ReadFile("testdata/op-export.yaml")
	if err != nil {
		t.Fatal(err)
	}
	token := "ops_eyJ: #'\"$x${y}{{z}}\\\n- =="
	var kept []interpolate.Kept
	out := fill(t, string(content), map[string]string{"OP_SERVICE_ACCOUNT_TOKEN": token}, interpolate.Options{
		Env:  func(string) bool { return false },
		Kept: func(k interpolate.Kept) { kept = append(kept, k) },
	})
	s := load(t, out, nil).Services["op-export"]
	if got := s.Environment["OP_SERVICE_ACCOUNT_TOKEN"]; got == nil || *got != token {
		t.Errorf("token: %v", got)
	}
	if got := *s.Environment["STACKS"]; got != "authentik restic uptime-kuma" {
		t.Errorf("STACKS: %q", got)
	}
	want := []string{"apk add --no-cache jq >/dev/null && for s in $STACKS; do\n  /mnt/apps01/scripts/op-export-stack-env.sh \"$s\";\ndone\n"}
	if diff := cmp.Diff(want, []string(s.Command)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]interpolate.Kept{
		{Name: "STACKS", File: "compose.yaml", Line: 16},
		{Name: "s", File: "compose.yaml", Line: 16},
		{Service: "op-export", File: "compose.yaml", Line: 16},
	}, kept); diff != "" {
		t.Error(diff)
	}
	if strings.Count(out, "\n") != strings.Count(string(content), "\n") {
		t.Error("the lines have moved")
	}
}

const everything = `# [[IN_A_COMMENT]]
name: test
x-base: &base
  labels: {from: "[[V]]"} # [[IN_A_COMMENT]]
services:
  a:
    <<: *base
    image: [[V_IMAGE]]/app:1
    environment:
      PLAIN: [[V]]
      COMMENT: [[V]] # comment
      DOUBLE: "a[[V]]b"
      SINGLE: 'a[[V]]b'''
      INSIDE: a[[V]]b[[V]]
      ESCAPED: [[[V]]]
      MULTI: one
        two [[V]]
        three
      QUOTED: "one
        \
        two [[V]]"
      LITERAL: | # comment
        one [[V]]
          two

      KEEP: |+2
          [[V]]

      FOLDED: >-
        one
        [[V]]
      FLOW: &anchor [[V]]
      ALIAS: *anchor
      TAGGED: !!str [[V]]
      "[[KEY]]": key
      [[KEY]]_2: [[V]]
      TWICE: $$[[V]]
      AFTER: $HOMELY/[[V]]
      REFERENCE: ${FOO}[[V]]$FOO
  b:
    image: x
    environment:
      - LIST=[[V]]
      - "DOUBLE=[[V]]"
      - 'SINGLE=[[V]]'
    command: ["sh", -c, [[V]], "echo [[V]]"]
    labels: [ "l=[[V]]" , m=[[V]]]
    entrypoint: [ [[V]],[[V]] ]
    healthcheck:
      test: ["CMD", [[V]]]
---
services:
  c: {image: y, environment: {J:  [[V]], "K":[[V]]}}
`

// exact checks that everything arrives as it should for one value.
func exact(t *testing.T, v, key string) {
	t.Helper()
	values := map[string]string{"V": v, "KEY": key, "V_IMAGE": "reg"}
	out := fill(t, everything, values, interpolate.Options{})
	p := load(t, out, map[string]string{"FOO": "foo", "HOMELY": "home"})
	got := map[string]string{}
	for name, s := range p.Services {
		for k, e := range s.Environment {
			got[name+"."+k] = *e
		}
		for k, l := range s.Labels {
			got[name+".label."+k] = l
		}
		for i, c := range s.Command {
			got[fmt.Sprint(name, ".command.", i)] = c
		}
		for i, c := range s.Entrypoint {
			got[fmt.Sprint(name, ".entrypoint.", i)] = c
		}
		if s.HealthCheck != nil {
			got[name+".test"] = s.HealthCheck.Test[1]
		}
	}
	want := map[string]string{
		"a.PLAIN": v, "a.COMMENT": v, "a.DOUBLE": "a" + v + "b", "a.SINGLE": "a" + v + "b'", "a.INSIDE": "a" + v + "b" + v,
		"a.ESCAPED": "[[V]]", "a.MULTI": "one two " + v + " three", "a.QUOTED": "one two " + v,
		"a.LITERAL": "one " + v + "\n  two\n", "a.KEEP": "  " + v + "\n\n", "a.FOLDED": "one " + v,
		"a.FLOW": v, "a.ALIAS": v, "a.TAGGED": v, "a." + key: "key", "a." + key + "_2": v,
		"a.TWICE": "$" + v, "a.AFTER": "home/" + v, "a.REFERENCE": "foo" + v + "foo", "a.label.from": v,
		"b.LIST": v, "b.DOUBLE": v, "b.SINGLE": v, "b.command.0": "sh", "b.command.1": "-c", "b.command.2": v,
		"b.command.3": "echo " + v, "b.label.l": v, "b.label.m": v, "b.entrypoint.0": v, "b.entrypoint.1": v, "b.test": v,
		"c.J": v, "c.K": v,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("value %q, key %q\n%s\n%s", v, key, diff, out)
	}
	if strings.Count(out, "[[IN_A_COMMENT]]") != 2 {
		t.Error("comments have changed")
	}
}

var hostile = []string{
	": ", "#", " #", "'", "\"", "\n", "\r", "\r\n", "\t", "$", "$$", "${A}", "$A", "{{", "}}", "{", "}", "[", "]", "[[V]]", "]]",
	"- ", "-", "? ", "|", ">", "&a", "*a", "!", "!!int 1", "%", "@", "`", "\\", "\\n", ",", " ", "  ", "é", "日本", "😀", "\u0085", "\u00a0",
	"\u2028", "\u2029", "\ufeff", "\ue000", "\ue001", "\x01", "\x07", "\x1b[0m", "\x7f", "<<", "=", "~", "null", "true", "yes", "1", "0x1", "1e3",
	"---", "\n---\n", "...", "a", "b", "FOO", "${FOO}", "$FOO", ":-", "}", "\uffff", "\ufffe", "\U0010ffff", "services:\n  evil: {image: x}",
}

func TestExactValues(t *testing.T) {
	n := 400
	if testing.Short() {
		n = 100
	}
	for _, v := range append(hostile, "", strings.Repeat("x", 100_000), "-----BEGIN\nKEY-----\n") {
		exact(t, v, "K")
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		exact(t, random(r), "K"+strings.NewReplacer("\x00", "", "=", "").Replace(random(r)))
	}
}

func random(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(8) {
		if r.IntN(4) == 0 {
			b.WriteRune(rune(1 + r.IntN(0xd7fe)))
		} else {
			b.WriteString(hostile[r.IntN(len(hostile))])
		}
	}
	return b.String()
}

func TestNothingToFillInIsKeptToTheByte(t *testing.T) {
	content := "# c\r\na:   [ [x], [[ y ]] ]\nb: {c: &d !reset e, <<: *f}\n"
	content = strings.ReplaceAll(content, ", <<: *f", "")
	if out := fill(t, content, nil, interpolate.Options{}); out != content {
		t.Errorf("%q", out)
	}
}

func TestTagsAnchorsAndDocumentsAreKept(t *testing.T) {
	content := "a: &x\n  - !override [1, [[V]]]\nb: !reset null\nc: *x\n--- # two\nd: {<<: {e: f}, g: !!int \"[[V]]\"}\n...\n"
	want := "a: &x\n  - !override [1, \"5\"]\nb: !reset null\nc: *x\n--- # two\nd: {<<: {e: f}, g: !!int \"5\"}\n...\n"
	if out := fill(t, content, map[string]string{"V": "5"}, interpolate.Options{}); out != want {
		t.Errorf("%q", out)
	}
}

func TestYAMLMissing(t *testing.T) {
	content := "a: [[A]]\nb: |\n  x\n  [[B]]\nc: \"x\n  [[[A]]]\n  [[A]]\"\n# [[NO]]\n[[K]]: {d: [[A]]}\n"
	out, missing, err := interpolate.YAML("f", []byte(content), interpolate.Options{Lookup: lookup(nil)})
	want := []interpolate.Missing{{"A", "f", 1}, {"B", "f", 4}, {"A", "f", 7}, {"K", "f", 9}, {"A", "f", 9}}
	if diff := cmp.Diff(want, missing); diff != "" || err != nil || out.IsSet() {
		t.Error(diff, err)
	}
}

func TestYAMLRefuses(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	for content, want := range map[string]string{
		bomb:                      "aliases stand for more than",
		"a: &a [*a]":              "an alias of what it stands in",
		strings.Repeat("[", 1500): "", // whoever finds it
		strings.Repeat("[", 1500) + strings.Repeat("]", 1500): "deep",
		"a: [1\nb: 2":               "read f as YAML",
		"a: \xff":                   "not UTF-8",
		"{a:[[V]]}":                 "f:1: a colon right before [[",
		"a: b\n[[K]]: 1\nx: 2":      "f:3: this key is in the mapping twice",
		"a: ${X:-[[V]]}":            "f:1: [[V]] stands inside ${ }",
		"a: [[BAD]]":                "the value of BAD is not UTF-8",
		"[[LONG]]: x":               "a key of more than 1024 characters",
		"a: *unknown":               "read f as YAML",
		"a: \"\\[[V]]\"":            "read f as YAML",
		strings.Repeat("x", 17<<20): "larger than 16 MB",
	} {
		values := map[string]string{"V": "hunter2", "K": "x", "BAD": "hunter2\xff", "LONG": strings.Repeat("hunter2", 200)}
		_, _, err := interpolate.YAML("f", []byte(content), interpolate.Options{Lookup: lookup(values)})
		if rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%.60q: %.200v; want %q", content, err, want)
		}
	}
}

func TestBigFiles(t *testing.T) {
	var b strings.Builder
	b.WriteString("x-a:\n")
	for i := 0; b.Len() < 5<<20; i++ {
		fmt.Fprintf(&b, "  key%d: \"some text [[V]] with more\" # comment\n", i)
	}
	out := fill(t, b.String(), map[string]string{"V": "v"}, interpolate.Options{Env: func(string) bool { return true }})
	if want := strings.ReplaceAll(b.String(), "[[V]]", "v"); out != want {
		t.Error("not what it should be")
	}
}

// References that Compose cannot fill in stay for the shell, in commands only.
func TestKept(t *testing.T) {
	content := `
x-c: &c {command: "echo $KEEP $HAVE ${KEEP} ${HAVE} ${KEEP:-x} $$KEEP $1 $"}
services:
  a:
    <<: [*c]
    image: $HAVE
    entrypoint: [sh, -c, "$KEEP[[V]]"]
    healthcheck: {test: 'CMD $KEEP'}
    environment: {E: $KEEP}
`
	var kept []string
	out := fill(t, content, map[string]string{"V": "ING"}, interpolate.Options{
		Env:  func(n string) bool { return n == "HAVE" },
		Kept: func(k interpolate.Kept) { kept = append(kept, fmt.Sprint(k.Name, k.Line)) },
	})
	s := load(t, out, map[string]string{"HAVE": "have"}).Services["a"]
	if diff := cmp.Diff([]string{"echo", "$KEEP", "have", "${KEEP}", "have", "x", "$KEEP", "$1", "$"}, []string(s.Command)); diff != "" {
		t.Error(diff)
	}
	if s.Entrypoint[2] != "$KEEPING" || s.HealthCheck.Test[1] != "CMD $KEEP" || *s.Environment["E"] != "" {
		t.Errorf("%q %q %q", s.Entrypoint, s.HealthCheck.Test, *s.Environment["E"])
	}
	if diff := cmp.Diff([]string{"KEEP2", "KEEP2", "KEEP7", "KEEP8"}, kept); diff != "" {
		t.Error(diff)
	}
}

// A command behind "sh -c" reaches the shell whole, unless it is one word.
func TestWholeCommands(t *testing.T) {
	for content, want := range map[string][]string{
		`{entrypoint: [sh, -c], command: "echo [[V]] && ls"}`:                              {"echo v && ls"},
		`{entrypoint: /bin/bash -lc, command: echo [[V]]}`:                                 {"echo v"},
		`{entrypoint: [sh, -c], command: "'echo [[V]] && ls'"}`:                            {"echo v && ls"},
		`{entrypoint: [sh, -c], command: ls}`:                                              {"ls"},
		`{entrypoint: [sh, -c], command: [echo, "[[V]]"]}`:                                 {"echo", "v"},
		`{entrypoint: [sh, run], command: echo [[V]]}`:                                     {"echo", "v"},
		`{entrypoint: [python, -c], command: echo [[V]]}`:                                  {"echo", "v"},
		`{command: echo [[V]]}`:                                                            {"echo", "v"},
		`{entrypoint: [sh, -c], command: !override echo [[V]]}`:                            {"echo", "v"},
		"\n    entrypoint: [sh, -c]\n    command: >\n      a [[V]]\n      b\n    image: y": {"a v b\n"},
	} {
		if strings.HasPrefix(content, "{") {
			content = "{image: x, " + content[1:]
		}
		out := fill(t, "services:\n  a: "+content+"\n", map[string]string{"V": "v"}, interpolate.Options{Env: func(string) bool { return false }})
		if diff := cmp.Diff(want, []string(load(t, out, nil).Services["a"].Command)); diff != "" {
			t.Errorf("%s\n%s\n%s", content, out, diff)
		}
	}
}
