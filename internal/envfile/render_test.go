package envfile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

func v(key, value string) envfile.Var {
	return envfile.Var{Key: key, Value: rinca.NewSecret(value)}
}

func TestRenderIsTheGivenOrderAndNothingElse(t *testing.T) {
	vars := []envfile.Var{v("B", "two words"), v("A", "1"), {Key: "UNSET"}, v("Q", "it's $5"), v("PEM", "a\nb")}
	out, report, err := envfile.Render(vars, envfile.Auto)
	if err != nil {
		t.Fatal(err)
	}
	want := "B='two words'\nA=1\nUNSET=\nQ=\"it's \\$5\"\nPEM='a\nb'\n"
	if string(out) != want {
		t.Errorf("%q", out)
	}
	if diff := cmp.Diff(envfile.Report{Dialect: envfile.Quoted, Because: []envfile.Reason{
		{"B", "holds a blank", []envfile.Format{"auto", "compose", "sh", "raw"}},
		{"Q", "holds a blank, a quote and $", []envfile.Format{"auto", "compose", "sh", "raw"}},
		{"PEM", "holds a line break", []envfile.Format{"auto", "compose", "sh"}},
	}}, report); diff != "" {
		t.Error(diff)
	}
	if out, report, err := envfile.Render(nil, envfile.Auto); err != nil || len(out) != 0 || !report.Universal {
		t.Errorf("no variables: %q, %+v, %v", out, report, err)
	}
}

// Everything that is wrong is said at once, by name, without a value.
func TestRenderListsAllProblems(t *testing.T) {
	vars := []envfile.Var{v("A", "fine"), v("A", "hunter2"), v("B C", "hunter2"), v("", "x"), v("1X", "x"), v("T", "hunter2'`"), v("N", "hunter2\x00")}
	_, _, err := envfile.Render(vars, envfile.Auto)
	var problems envfile.Problems
	if !errors.As(err, &problems) || rinca.CodeOf(err) != rinca.Invalid {
		t.Fatal(err)
	}
	if len(problems) != 6 || strings.Contains(err.Error(), "hunter") {
		t.Errorf("%v", err)
	}
	for _, part := range []string{"6 variables cannot be written", "A is there twice", `"B C" is no name`, `"" is no name`, `"1X" is no name`, "T holds a backtick", "--format compose or --format sh", "N holds a NUL"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in %v", part, err)
		}
	}
	if _, _, err := envfile.Render(vars[5:6], envfile.Auto); !strings.Contains(rinca.HintOf(err), "--format compose or --format sh") {
		t.Errorf("%v: %q", err, rinca.HintOf(err))
	}
}

// A raw line counts its name, and a long bare value is not universal.
func TestRawLinesHaveALimit(t *testing.T) {
	exact := v("KEY", strings.Repeat("x", 65535-4))
	out, report, err := envfile.Render([]envfile.Var{exact}, envfile.Raw)
	if err != nil || !report.Universal {
		t.Fatal(err)
	}
	if got := readRaw(t, out, []string{"KEY"}); got[0] != exact.Value.Reveal() {
		t.Error("Docker's reader reads something else at the limit")
	}
	long := v("KEYS", exact.Value.Reveal())
	if _, _, err := envfile.Render([]envfile.Var{long}, envfile.Raw); rinca.CodeOf(err) != rinca.Invalid {
		t.Errorf("one byte more: %v", err)
	}
	if _, report, err := envfile.Render([]envfile.Var{long}, envfile.Auto); err != nil || report.Universal || len(report.Because) != 1 {
		t.Errorf("as auto: %+v, %v", report, err)
	}
	huge := v("HUGE", strings.Repeat("y z", 1<<20/3))
	out, _, err = envfile.Render([]envfile.Var{huge}, envfile.Auto)
	if err != nil || readCompose(t, out, []string{"HUGE"})[0] != huge.Value.Reveal() {
		t.Errorf("1 MB: %v", err)
	}
}

func TestParseFormat(t *testing.T) {
	if f, err := envfile.ParseFormat(""); f != envfile.Auto || err != nil {
		t.Error(f, err)
	}
	if f, err := envfile.ParseFormat("raw"); f != envfile.Raw || err != nil {
		t.Error(f, err)
	}
	if _, err := envfile.ParseFormat("json"); rinca.CodeOf(err) != rinca.Usage {
		t.Error(err)
	}
}
