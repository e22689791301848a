package vault_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/pelletier/go-toml/v2"
	yaml3 "gopkg.in/yaml.v3"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// awkward are values that break out of quotes, or change on the way.
var awkward = []string{
	"", "plain", "true", "NULL", "~", "12", "1e3", "0x1f", "2026-11-23", "-", "- a", "a: b", "a #b", "#", "&a", "*a", "!t", "|", ">", "%", "@", "?",
	"[x]", "{x: y}", ", ", "it's", "''", "'", "say \"hi\"", "\"", `back\slash`, `\`, `\\n`, "a\\", "$HOME", "${X}", "$$", "$(id)", "`id`", "a`b'c", "it's \"$x\" \\",
	" lead", "trail ", "\ttab\t", "two\nlines", "\nlead", "trail\n", "trail\n\n", "a\n\n\nb", "\n", "\n\n", " \n ", "a\n  indented\n back", "cr\rhere", "crlf\r\nline\r\n",
	"nul\x00x", "bell\a\x1b[0m", "del\x7f", "nel\u0085x", "nbsp\u00a0x", "ls\u2028ps\u2029x", "bom\ufeffx", "ünïcödé 𝄞", "bad\xffutf8", "\u200b",
	"EOF", "EO", "-----BEGIN KEY-----\nabc+/=\n-----END KEY-----\n", "{\"json\": [1, \"two\"]}", "'''", "\"\"\"", "x'''", "<tag>&amp;", "---", "...", "--- x", "=", "k=v", "export A=b", strings.Repeat("long ", 300),
}

// values are the awkward ones and random mixes.
func mixes(n int) []string {
	rnd := rand.New(rand.NewPCG(7, 8))
	atoms := []string{"a", "B", "1", " ", "  ", "\n", "\t", "\r", "'", "\"", "\\", "$", "`", "#", ":", ": ", " #", "{", "}", "[", "]", ",", "&", "*", "!", "|", ">", "%", "@", "-", "é", "\u0085", "\u00a0", "\u2028", "𝄞", "=", "~", "/", "\x02", "x"}
	out := append([]string(nil), awkward...)
	for range n {
		var b strings.Builder
		for range rnd.IntN(9) {
			b.WriteString(atoms[rnd.IntN(len(atoms))])
		}
		out = append(out, b.String())
	}
	return out
}

// with renders a template in which V and W are references to these values.
func with(tb testing.TB, target vault.Target, text, v, w string) (string, error) {
	tb.Helper()
	m := &memory{
		vaults: []rinca.Vault{{ID: homeID, Name: "v"}},
		items: []rinca.Item{{
			Info:   rinca.Info{ID: pgID, VaultID: homeID, Title: "i"},
			Fields: []rinca.Field{text1("V", v), text1("W", w)},
		}},
	}
	text = strings.NewReplacer("<V>", "{{ op://v/i/V }}", "<W>", "{{ op://v/i/W }}").Replace(text)
	tpl, err := vault.ParseTemplate("t", text, vault.Syntax{Target: target, Comments: vault.SkipComments})
	if err != nil {
		tb.Fatalf("%q: %v", text, err)
	}
	out, err := vault.Render(tb.Context(), &vault.Resolver{Provider: m}, tpl)
	if err != nil {
		if rinca.CodeOf(err) == rinca.Internal {
			tb.Errorf("%q with %q: %v", text, v, err)
		}
		return "", err
	}
	return out[0].Reveal(), nil
}

func text1(label, value string) rinca.Field { return text(label, "", label, value) }

// reads checks that every template, read back, holds what it should: want
// says what the reader's answer is, with V and W in it.
func reads(t *testing.T, target vault.Target, cases map[string]any, read func(string) (any, error), carries func(string) bool) {
	t.Helper()
	values := mixes(150)
	for text, want := range cases {
		for i, v := range values {
			w := values[(i*7+3)%len(values)]
			if !strings.Contains(text, "<W>") {
				w = ""
			}
			out, err := with(t, target, text, v, w)
			if err != nil {
				if carries(v) && carries(w) {
					t.Errorf("%q with %q and %q: %v", text, v, w, err)
				}
				continue
			}
			got, err := read(out)
			if err != nil {
				t.Errorf("%q with %q and %q: %q is not read: %v", text, v, w, out, err)
				continue
			}
			wanted := strings.NewReplacer("<V>", v, "<W>", w)
			if g, w := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", put(want, wanted)); g != w {
				t.Errorf("%q with %q: wrote %q\nread %s\nwant %s", text, v, out, g, w)
			}
			if t.Failed() {
				return
			}
		}
	}
}

// put replaces V and W in every text of a tree.
func put(v any, r *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return r.Replace(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = put(v[i], r)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[r.Replace(k)] = put(e, r)
		}
		return out
	}
	return v
}

type m = map[string]any

func TestYAMLReadsBack(t *testing.T) {
	reads(t, vault.YAML, map[string]any{
		"k: <V>\n":                 m{"k": "<V>"},
		"k: <V>":                   m{"k": "<V>"},
		"k: '<V>'  # note\nl: 1\n": m{"k": "<V>", "l": 1},
		"k: \"<V>\"\n":             m{"k": "<V>"},
		"k: postgres://u:<V>@h:5432/<W>  # note\nl: x\n": m{"k": "postgres://u:<V>@h:5432/<W>", "l": "x"},
		"k: 'it''s <V>'\n":                                     m{"k": "it's <V>"},
		"k: \"tab\\t<V>\\x41\"\n":                              m{"k": "tab\t<V>A"},
		"- <V>\n- {a: <W>, b: [<V>, '<W>']}\n- x\n":            []any{"<V>", m{"a": "<W>", "b": []any{"<V>", "<W>"}}, "x"},
		"k:\n  <V>\nl: 2\n":                                    m{"k": "<V>", "l": 2},
		"k: a\n  b <V>\n  c\nl: 2\n":                           m{"k": "a b <V> c", "l": 2},
		"k: |\n  <V>\nl: 2\n":                                  m{"k": "<V>\n", "l": 2},
		"k: |-\n    <V>\nl: 2\n":                               m{"k": "<V>", "l": 2},
		"k: |+\n  a=<V>\n\nl: 2\n":                             m{"k": "a=<V>\n\n", "l": 2},
		"k: |\n  a: <V>\n  # c\n    b: <W>;\n\n# note\nl: 2\n": m{"k": "a: <V>\n# c\n  b: <W>;\n", "l": 2},
		"k: >\n  some <V>\n  words\nl: 2\n":                    m{"k": "some <V> words\n", "l": 2},
		"a:\n  - k: |\n      x<V>\n    z: 1\n":                 m{"a": []any{m{"k": "x<V>\n", "z": 1}}},
		"k: !!str <V>\n":                                       m{"k": "<V>"},
		"k: &a <V>\nl: *a\n":                                   m{"k": "<V>", "l": "<V>"},
		"\"é\": [ü, <V>]  \n":                                  m{"é": []any{"ü", "<V>"}},
		"# <W>\nk: <V> # <W>\n":                                m{"k": "<V>"},
		"k: 'one\n  two <V>'\n":                                m{"k": "one two <V>"},
		"k: \"one \\\n  <V>\"\n":                               m{"k": "one <V>"},
	}, func(s string) (any, error) {
		var v any
		err := yaml3.Unmarshal([]byte(s), &v)
		return v, err
	}, utf8.ValidString)
}

func TestJSONReadsBack(t *testing.T) {
	reads(t, vault.JSON, map[string]any{
		`{"k": "<V>"}`:           m{"k": "<V>"},
		`{"k": <V>}`:             m{"k": "<V>"},
		`[<V>,"a\"<W>\\", 1.50]`: []any{"<V>", `a"<W>\`, json.Number("1.50")},
		"{\"url\": \"http://u:<V>@h/\", \"n\":1}": m{"url": "http://u:<V>@h/", "n": json.Number("1")},
		`<V>`:            "<V>",
		`{"x<V>": true}`: m{"x<V>": true},
	}, func(s string) (any, error) {
		var v any
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		err := dec.Decode(&v)
		return v, err
	}, utf8.ValidString)
}

func TestTOMLReadsBack(t *testing.T) {
	reads(t, vault.TOML, map[string]any{
		"k = <V>\n":                              m{"k": "<V>"},
		"k = \"<V>\" # <W>\nl = 1\n":             m{"k": "<V>", "l": int64(1)},
		"k = 'a<V>b'\n":                          m{"k": "a<V>b"},
		"k = \"\"\"\n<V>\"\"\"\n":                m{"k": "<V>"},
		"k = \"\"\"a \\\n   <V>x\"\"\"\n":        m{"k": "a <V>x"},
		"k = '''\n<V>\n'''\n":                    m{"k": "<V>\n"},
		"k = '''<V>'''\n":                        m{"k": "<V>"},
		"k = \"it's \\\"<V>\\\" \\u00e9\"\n":     m{"k": "it's \"<V>\" é"},
		"[t]\n<V>.x = [<W>, 'y', \"z\"]\n":       m{"t": m{"<V>": m{"x": []any{"<W>", "y", "z"}}}},
		"k = {a = <V>, b = \"<W>\"}\n":           m{"k": m{"a": "<V>", "b": "<W>"}},
		"# \"<V>\nk = \"http://u:<V>@h/#<W>\"\n": m{"k": "http://u:<V>@h/#<W>"},
	}, func(s string) (any, error) {
		var v map[string]any
		err := toml.Unmarshal([]byte(s), &v)
		return any(v), err
	}, utf8.ValidString)
}

// envCarries: what Compose and sh both can read, in the quotes of the
// template or in others.
func envCarries(v string) bool { return !strings.ContainsAny(v, "\x00`") }

var envCases = map[string]string{
	"K=<V>\n":                     "<V>",
	"K=<V>":                       "<V>",
	"export K=<V> # note\n":       "<V>",
	"K='<V>'\n":                   "<V>",
	"K=\"<V>\"\n":                 "<V>",
	"A=1\nK=\"a<V>b\" # <W>\nB=2": "a<V>b",
	"K=postgres://u:<V>@h/<W>\n":  "postgres://u:<V>@h/<W>",
	"X=1\nK=\"$X<V>\\\"\"\n":      "1<V>\"",
	"X=1\nK=${X}<V>\n":            "1<V>",
	"X=1\nK=$X<V>$X<W>\n":         "1<V>1<W>",
	"X=1\nK=\"\\$X<V>$<W>\"\n":    "$X<V>$<W>",
	"# <W>\nK='two\nlines <V>'\n": "two\nlines <V>",
}

func TestEnvReadsBack(t *testing.T) {
	cases := map[string]any{}
	for text, want := range envCases {
		cases[text] = want
	}
	reads(t, vault.Env, cases, func(s string) (any, error) {
		env, err := dotenv.UnmarshalBytesWithLookup([]byte(s), nil)
		return env["K"], err
	}, envCarries)
}

// TestEnvReadsBackInShell asks sh, many files at once.
func TestEnvReadsBackInShell(t *testing.T) {
	throughShell(t, vault.Env, envCases, func(text string) string { return "(\n" + text + "\nprintf '%s\\0' \"$K\")\n" }, envCarries)
}

var shellCases = map[string]string{
	"K=<V>\n":                                  "<V>",
	"K=a<V>'b'\"c<W>\" # <V>'\n":               "a<V>bc<W>",
	"K='a <V> b'\n":                            "a <V> b",
	"K=\"a <V> ${X:-}b\"\n":                    "a <V> b",
	"K=$(printf '%s.' <V>)\n":                  "<V>.",
	"K=\"$(printf '%s.' \"<V>\" | cat)x\"\n":   "<V>.x",
	"f() { K=$1; }\nf <V> # it's\n":            "<V>",
	"K=$(cat <<'X_Y'\n<V>.\nX_Y\n)\n":          "<V>.",
	"K=$(cat <<X_Y\na <V>.\nX_Y\n)\n":          "a <V>.",
	"K=$(cat <<-X_Y\n\ta <V>.\n\tX_Y\n)\n":     "a <V>.",
	"X=1; K=\"$X<V>\\$X<V>$<W>\"\n":            "1<V>$X<V>$<W>",
	"X=1; K=$X<V>$<W>\\$X<V>\n":                "1<V>$<W>$X<V>",
	"X=1; K=$(cat <<X_Y\n$X<V>$<V>.\nX_Y\n)\n": "1<V>$<V>.",
	"K=${X:-<V>}\n":                            "<V>",
	"case <V> in\n*) K=<V>;;\nesac\n":          "<V>",
	"if [ 1 = 1 ]; then K=\"<V>\"; fi #<V>\n":  "<V>",
}

func TestShellReadsBack(t *testing.T) {
	carries := func(v string) bool { return !strings.ContainsAny(v, "\x00") }
	throughShell(t, vault.Shell, shellCases, func(text string) string { return "(" + text + "\nprintf '%s\\0' \"$K\")\n" }, carries)
}

// throughShell renders the cases with every value and has shells print K.
func throughShell(t *testing.T, target vault.Target, cases map[string]string, wrap func(string) string, carries func(string) bool) {
	t.Helper()
	values := mixes(40)
	for _, name := range []string{"dash", "bash"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Logf("no %s here", name)
			continue
		}
		var script strings.Builder
		var want, from []string
		for text, wanted := range cases {
			for i, v := range values {
				w := values[(i*5+1)%len(values)]
				out, err := with(t, target, text, v, w)
				if err != nil {
					if carries(v) && carries(w) && !strings.Contains(text, "<<") {
						t.Errorf("%q with %q and %q: %v", text, v, w, err)
					}
					continue
				}
				script.WriteString(wrap(out))
				want = append(want, strings.NewReplacer("<V>", v, "<W>", w).Replace(wanted))
				from = append(from, text)
			}
		}
		cmd := exec.CommandContext(t.Context(), path)
		cmd.Stdin = strings.NewReader(script.String())
		cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil || stderr.Len() > 0 {
			t.Fatalf("%s: %v: %s", name, err, stderr.String())
		}
		got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		if len(got) != len(want) {
			t.Fatalf("%s: %d answers to %d questions", name, len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %q: read %q, want %q", name, from[i], got[i], want[i])
			}
		}
	}
}

// TestTargetRefuses: a template that is wrong for its target says where,
// before anybody asks the vault.
func TestTargetRefuses(t *testing.T) {
	for _, tt := range []struct {
		target vault.Target
		text   string
		want   string
	}{
		{vault.JSON, "{\n  \"k\": x<V>\n}", "t:2:"},
		{vault.JSON, `{"k": "\<V>"}`, "t:1:9: a backslash"},
		{vault.JSON, `{"k": "<V>"`, "t:1:"},
		{vault.YAML, "a: 1\nb: [<V>\n", "not valid YAML"},
		{vault.YAML, "b: |2\n    <V>\n", "t:1:4: a block with an indentation indicator"},
		{vault.TOML, "a = 1\nb = x<V>\n", "t:2:"},
		{vault.TOML, "a = \"<V>\n", "t:1:5: this string does not end"},
		{vault.TOML, `a = "\<V>"`, "t:1:7: a backslash"},
		{vault.Env, "A=1\n<V>=2\n", "t:2:1: a reference"},
		{vault.Env, "just <V>\n", "t:1:6: a reference"},
		{vault.Env, "A='<V>\n", "t:1:3: this quote does not end"},
		{vault.Env, "A='<V>'x\n", "t:1:3: text follows"},
		{vault.Env, "A=x'<V>'\n", "t:1:3: quotes in the middle"},
		{vault.Shell, "A=`echo <V>`\n", "t:1:9: a reference cannot stand within"},
		{vault.Shell, "A=$((1+<V>))\n", "t:1:8: a reference cannot stand within"},
		{vault.Shell, "A=\"${B:-<V>}\"\n", "t:1:9: a reference cannot stand within"},
		{vault.Shell, "A=\"<V>\n", "t:1:3: what begins here"},
		{vault.Shell, "cat <<EOF\n<V>\n", "t:2:1: this here-document"},
		{vault.Shell, "cat <<EOF\n$(echo <V>)\nEOF\n", "t:2:8: a reference cannot stand within"},
	} {
		text := strings.ReplaceAll(tt.text, "<V>", "{{ op://v/i/V }}")
		_, err := vault.ParseTemplate("t", text, vault.Syntax{Target: tt.target})
		if rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %q: %v, want %q", tt.target, tt.text, err, tt.want)
		}
	}
}

// TestTargetCannotCarry: the place and the reference, never the value.
func TestTargetCannotCarry(t *testing.T) {
	for _, tt := range []struct {
		target          vault.Target
		text, v, reason string
	}{
		{vault.JSON, "\n <V>", "hunter2\xff", "t:2:2: op://v/i/V: the value is not valid UTF-8, which JSON cannot carry"},
		{vault.YAML, "k: <V>", "hunter2\xff", "YAML cannot carry"},
		{vault.TOML, "k = <V>", "hunter2\xff", "TOML cannot carry"},
		{vault.Env, "k = <V>", "hunter2\x00", "NUL"},
		{vault.Env, "X=1\nK=\"$X<V>\"", "hunter2`", "backtick"},
		{vault.Shell, "K=<V>", "hunter2\x00", "NUL"},
		{vault.Shell, "cat <<END\n<V>\nEND\n", "hunter2\nEND\nid", "here-document"},
	} {
		out, err := with(t, tt.target, tt.text, tt.v, "")
		if out != "" || rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(err.Error(), tt.reason) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s %q: %q, %v", tt.target, tt.text, out, err)
		}
	}
}

// TestTargetKeepsTheRest: what is not a reference does not change by a byte.
func TestTargetKeepsTheRest(t *testing.T) {
	for target, text := range map[vault.Target]string{
		vault.YAML:  "# head <V>\n\na:   'x'   # t\nb: \"<V>\"\r\nc: [1,  2]\n...\n",
		vault.JSON:  "{ \"a\" :1.0,\n\t\"b\":\"<V>\" }\n\n",
		vault.TOML:  "# <V>\na   = 0x1F\nb=\"<V>\"   # t\n",
		vault.Env:   "# <V>\n\n  A = 1 \nB=\"<V>\"  # t\r\nC\n",
		vault.Shell: "#!/bin/sh\n# <V>\nA=\"<V>\"   # t\n: ${X}\n",
	} {
		out, err := with(t, target, text, "value", "")
		tpl := strings.ReplaceAll(text, "<V>", "{{ op://v/i/V }}")
		i := strings.LastIndex(tpl, "{{")
		want := tpl[:i] + "value" + tpl[i+len("{{ op://v/i/V }}"):]
		if target == vault.YAML || target == vault.JSON {
			want = strings.Replace(want, `"'value'"`, `"value"`, 1)
		}
		if err != nil || out != want {
			t.Errorf("%s: %v\ngot  %q\nwant %q", target, err, out, want)
		}
	}
}

func TestTargetOf(t *testing.T) {
	for name, want := range map[string]vault.Target{
		"a/.env": vault.Env, "x.env": vault.Env, ".env.production": vault.Env, "c.YML": vault.YAML, "c.yaml": vault.YAML,
		"c.json": vault.JSON, "c.toml": vault.TOML, "run.sh": vault.Shell, "nginx.conf": vault.Plain, "env": vault.Plain,
	} {
		if got := vault.TargetOf(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, target := range append(vault.Targets(), vault.Plain) {
		if got, err := vault.ParseTarget(string(target)); got != target || err != nil {
			t.Error(got, err)
		}
	}
	if _, err := vault.ParseTarget("xml"); rinca.CodeOf(err) != rinca.Usage {
		t.Error(err)
	}
}
