package interpolate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

func lookup(values map[string]string) interpolate.Lookup {
	return func(name string) (rinca.Secret, bool) {
		v, ok := values[name]
		return rinca.NewSecret(v), ok
	}
}

func TestText(t *testing.T) {
	values := map[string]string{"A": "one", "B_2": "[[A]]", "_c": ""}
	for text, want := range map[string]string{
		"":                        "",
		"[[A]]":                   "one",
		"x[[A]]y[[A]]":            "xoneyone",
		"[[B_2]]":                 "[[A]]", // not looked at again
		"-[[_c]]-":                "--",
		"[[[A]]]":                 "[[A]]",
		"[[[A]] [[A]]]":           "[one one]",
		"[[[[A]]]]":               "[[[A]]]",
		"[[ A ]]":                 "[[ A ]]",
		"if [[ $a == b ]]; then":  "if [[ $a == b ]]; then",
		"[[ $x == [[:alpha:]] ]]": "[[ $x == [[:alpha:]] ]]",
		"[[":                      "[[",
		"[[A":                     "[[A",
		"[[A]":                    "[[A]",
		"[[2A]]":                  "[[2A]]",
		"[[é]]":                   "[[é]]",
		"[[[[A":                   "[[[[A",
		"é[[A]]é":                 "éoneé",
	} {
		got, missing, err := interpolate.Text("f", text, lookup(values))
		if err != nil || missing != nil || got.Reveal() != want {
			t.Errorf("%q: %q, %v, %v; want %q", text, got.Reveal(), missing, err, want)
		}
	}
}

func TestMissingNamesAreListedWithTheirPlaces(t *testing.T) {
	got, missing, err := interpolate.Text("a.txt", "[[X]]\n[[A]]\n\n[[Y]] [[X]] [[X]]", lookup(map[string]string{"A": "1"}))
	want := []interpolate.Missing{{"X", "a.txt", 1}, {"Y", "a.txt", 4}, {"X", "a.txt", 4}, {"X", "a.txt", 4}}
	if diff := cmp.Diff(want, missing); diff != "" || err != nil || got.IsSet() {
		t.Error(diff, err, got.IsSet())
	}
	err = interpolate.Error(missing)
	if rinca.CodeOf(err) != rinca.Invalid || err.Error() != "no variables X (a.txt:1, a.txt:4), Y (a.txt:4)" ||
		rinca.HintOf(err) != "rinca variable set X; rinca variable set Y" {
		t.Errorf("%v / %s", err, rinca.HintOf(err))
	}
	if interpolate.Error(nil) != nil {
		t.Error("nothing missing is no error")
	}
}

func TestNames(t *testing.T) {
	got := interpolate.Names("[[B]] [[A]] [[[C]]] [[B]] [[ D ]]")
	if diff := cmp.Diff([]string{"B", "A"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironment(t *testing.T) {
	text := "\n# comment\n// comment\n" + strings.Join([]string{
		"A = one",
		"B: two # not this",
		"- C=[[HASH]]",
		`"D = four"`,
		"E = [[LINES]] # comment",
		"export F = 'single $A # [[HASH]]'",
		`G = "double \"$A\" \$A\n[[LINES]]" # comment`,
		"H=$A/${A}/${B:-x}/${NONE:-alt}/${NONE-}/$$A/$1",
		"I=",
		"J==a=b:c",
		"K='it' # x",
		"L=[[[HASH]]]",
		"A=again[[BLANKS]]",
		"M=#hash",
		"N=a#b",
		"O=" + `back\slash`,
	}, "\n") + "\r\n"
	values := map[string]string{"HASH": "a #b", "LINES": "x\ny='\"$A", "BLANKS": "  "}
	pairs, missing, err := interpolate.Environment("env", text, lookup(values))
	if err != nil || missing != nil {
		t.Fatal(missing, err)
	}
	type pair struct {
		Key, Value string
		Line       int
	}
	var got []pair
	for _, p := range pairs {
		got = append(got, pair{p.Key, p.Value.Reveal(), p.Line})
	}
	want := []pair{
		{"A", "one", 4},
		{"B", "two", 5},
		{"C", "a #b", 6},
		{"D", "four", 7},
		{"E", "x\ny='\"$A", 8},
		{"F", "single $A # a #b", 9},
		{"G", "double \"one\" $A\nx\ny='\"$A", 10},
		{"H", "one/one/two/alt//$A/$1", 11},
		{"I", "", 12},
		{"J", "=a=b:c", 13},
		{"K", "it", 14},
		{"L", "[[HASH]]", 15},
		{"A", "again  ", 16},
		{"M", "", 17},
		{"N", "a#b", 18},
		{"O", `back\slash`, 19},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironmentRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"A":               "env:1: no = in this line",
		"\nA B = c":       `env:2: the text before "=" is no name`,
		"[[K]] = c":       `env:1: the text before "=" is no name`,
		"=x":              `env:1: the text before "=" is no name`,
		`A = "x`:          "A has no closing quote",
		`A = 'x`:          "A has no closing quote",
		`A = "`:           "A has no closing quote",
		`A = "x" y`:       "A has text behind its closing quote",
		"A = $B":          "A refers to $B, which no line above defines",
		"A = ${B?x}":      "A refers to $B with an operator",
		"A = ${B":         "A has a ${ that is no reference",
		"A = hunter2\x00": "A holds a NUL byte",
		"#x\nA # b = c":   "env:2: no = in this line",
	} {
		_, _, err := interpolate.Environment("env", text, lookup(nil))
		if rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
	_, missing, err := interpolate.Environment("env", "A=[[X]]\nB=[[Y]][[X]]", lookup(nil))
	if diff := cmp.Diff([]interpolate.Missing{{"X", "env", 1}, {"Y", "env", 2}, {"X", "env", 2}}, missing); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
