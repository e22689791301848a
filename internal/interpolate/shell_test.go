package interpolate_test

import (
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

// shells are those that this machine has, of those that sh may be.
func shells(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, name := range []string{"sh", "dash", "bash", "busybox"} {
		if path, err := exec.LookPath(name); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		t.Skip("no shell")
	}
	return found
}

func run(t *testing.T, shell, script string, env map[string]rinca.Secret) string {
	t.Helper()
	args := []string{"-c", script}
	if strings.HasSuffix(shell, "busybox") {
		args = append([]string{"sh"}, args...)
	}
	cmd := exec.CommandContext(t.Context(), shell, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nowhere"}
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v.Reveal())
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%s: %v\n%s\n%s", shell, err, errs.String(), script)
	}
	return string(out)
}

// Each command prints words between < and >; V stands for the value.
var commands = map[string]string{
	`printf '<%s>' [[V]]`:                                        `<V>`,
	`printf '<%s>' a[[V]]b"[[V]]"'[[V]]'`:                        `<aVbVV>`,
	`printf '<%s>' 'a [[V]]' "b [[V]]"`:                          `<a V><b V>`,
	`printf '<%s>' "a\[[V]]" "\\[[V]]" "\"[[V]]\""`:              `<a\V><\V><"V">`,
	`x=[[V]]; printf '<%s>' "$x"`:                                `<V>`,
	`x='[[V]]' y="$x[[V]]"; printf '<%s>' "$y"`:                  `<VV>`,
	`printf '<%s>' "$(printf '%s.' [[V]] "[[V]]")"`:              `<V.V.>`,
	"printf '<%s>' \"`printf '%s.' [[V]]`\"":                     `<V.>`,
	`printf '<%s>' "${x:-[[V]]}" ${x:-[[V]]}`:                    `<V><V>`,
	`printf '<%s>' "${x:-'[[V]]'}"`:                              `<'V'>`,
	`printf '<%s>' $(( 1 + (2) )) [[V]] # it's [[NO]]`:           `<3><V>`,
	`printf '<%s>' a#[[V]] "# [[V]]" $# [[V]]`:                   `<a#V><# V><0><V>`,
	"# don't [[NO]]\nprintf '<%s>' [[V]]":                        `<V>`,
	"cat <<E\n<[[V]]'\"\\[[V]]>\nE\nprintf '<%s>' [[V]]":         "<V'\"\\V>\n<V>",
	"cat <<-'E' ; printf '<%s>' [[V]]\n\t[[ -f x ]] it's\n\tE\n": "[[ -f x ]] it's\n<V>",
	`case [[V]] in [[V]]) printf '<%s>' [[V]];; esac`:            `<V>`,
	`(printf '<%s>' [[V]]; printf "<%s>" "[[V]]")`:               `<V><V>`,
	`f() { printf '<%s>' "$@"; }; f [[V]] \[[V]] [[[V]]]`:        `<V><[[V]]><[[V]]>`,
	`for i in [[V]] b; do printf '<%s>' "$i"; done`:              `<V><b>`,
	"printf '<%s>' a \\\n  [[V]]":                                `<a><V>`,
	`printf '<%s>' "a
[[V]]"`: "<a\nV>",
}

func TestShellIsExactInEveryPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	values := []string{"v", "$(touch x)", "`id`", "'; echo evil; '", `"; echo evil; "`, "a  b\tc", "*", "~", "-n", "\\", "\\\\", "$HOME", "é\nq", "#", "!x", "x) evil ;; y"}
	for range 3 {
		values = append(values, random(r))
	}
	for _, shell := range shells(t) {
		for command, want := range commands {
			for i, v := range values {
				if testing.Short() && i > 3 {
					break
				}
				if v == "" || strings.Trim(v, "\n") != v {
					v = "x" + v + "x" // $( ) would take ends of lines away
				}
				script, env, missing, err := interpolate.Shell("hook", command, lookup(map[string]string{"V": v}))
				if err != nil || missing != nil {
					t.Fatalf("%s: %v %v", command, missing, err)
				}
				if got := run(t, shell, script, env); got != strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(want, "[[V]]", "\x00"), "V", v), "\x00", "[[V]]") {
					t.Fatalf("%s: %q with %q: %q\n%s", shell, command, v, got, script)
				}
				if v != "v" && len(v) > 3 && strings.Contains(script, v) {
					t.Errorf("%q: the value is in the script", command)
				}
			}
		}
	}
}

func TestShellRefuses(t *testing.T) {
	values := map[string]string{"V": "hunter2", "NUL": "hunter2\x00", "LONG": strings.Repeat("hunter2", 20_000)}
	for command, want := range map[string]string{
		"cat <<'E'\n[[V]]\nE":                      "h:2: [[V]] stands in a here-document that expands nothing",
		"cat <<E\n$(([[V]]))\nE":                   "h:2: [[V]] stands behind $((",
		"echo\necho $(( [[V]] ))":                  "h:2: [[V]] stands inside $(( ))",
		"(( [[V]] ))":                              "h:1: [[V]] stands inside $(( ))",
		`echo $'a\'' [[V]]`:                        "h:1: [[V]] stands behind $'…'",
		`echo "$(case x in x) echo [[V]];; esac)"`: "h:1: [[V]] stands behind a case",
		"echo [[NUL]]":                             "the value of NUL holds a NUL byte",
		"echo [[LONG]]":                            "the value of LONG is too long",
	} {
		_, _, _, err := interpolate.Shell("h", command, lookup(values))
		if rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v; want %q", command, err, want)
		}
	}
	_, env, missing, err := interpolate.Shell("h", "a [[X]]\n[[Y]]", lookup(nil))
	if diff := cmp.Diff([]interpolate.Missing{{Name: "X", File: "h", Line: 1}, {Name: "Y", File: "h", Line: 2}}, missing); diff != "" || err != nil || env != nil {
		t.Error(diff, err)
	}
}

func FuzzShell(f *testing.F) {
	for c := range commands {
		f.Add(c, "$(x)'\"")
	}
	f.Fuzz(func(t *testing.T, command, value string) {
		canary := "~canary~" + value
		script, env, _, err := interpolate.Shell("h", command, lookup(map[string]string{"V": canary}))
		if err != nil {
			return
		}
		if strings.Contains(script, "~canary~") && !strings.Contains(command, "~canary~") {
			t.Errorf("the value is in the script: %q", script)
		}
		for _, v := range env {
			if v.Reveal() != canary {
				t.Errorf("%q", v.Reveal())
			}
		}
	})
}
