package envfile_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

// hard are values that some reader of env files is known to misread.
var hard = []string{
	"", " ", "  lead", "trail  ", "\ttab\t", "a b", "a #c", "a#c", "#c", "#", `"x"`, `'x'`, `"`, `'`, `'"`, `"'"'`,
	"$HOME", "${HOME}", "$$", "$", "a$", "$1", `\$HOME`, `\`, `a\`, `a\\`, `\\\`, `\n`, `a\nb`, "a\nb", "\n", "a\r\nb", "a\r", "\r",
	"`id`", "a`b", "a`'b", "a`b\\", "'`\\", "$(id)", "~", "~/x", "x:~/y", "a=b", "=", "KEY=v", "export A=x", "é", "ünï", "日本語",
	"\u00a0x", "x\u00a0", "\u0085x", "\u2000x", "\u3000", "\ufeffx", "\u2028", `{"a":1}`, `{"a":"b c"}`, "{a,b}", "*", "?", "[a]", "!x", "a;b", "a&b", "a|b", "<a>", "(a)",
	"%s", "%", "-n", "-", "--", "\x01", "\x1b[0m", "\x7f", "\xff", "a\xffb", "\xc3", "\x81\x82\x88", "a\x81'b", "-----BEGIN X-----\nMIIE+/=\n-----END X-----\n",
	`\x41`, `\u0041`, `\0101`, `\a\b\c\f\v`, `$\`, `\'`, `\"`, `'\`, "\\`", "`'\\", "''", `""`, "'a'b'", `a"b'c`, "a'\nb", "\"\n", "'\r\n'", "$'a'",
}

// random mixes what readers treat in a special way.
func random(r *rand.Rand) string {
	pieces := []string{
		"'", `"`, "`", `\`, "$", "$$", "${A}", "$A", "\n", "\r", "\r\n", "\t", " ", "#", " #", "~", "=", ":", ";", "&", "|", "<", ">", "(", ")", "{", "}", "[", "]",
		"*", "?", "!", "%", "^", "@", "+", ",", "-", "_", ".", "/", "a", "Z", "0", "n", "x41", "\u00a0", "\u0085", "\u2003", "é", "日", "\ufeff", "\x01", "\x1b", "\x7f", "\x81", "\xff", "abc", "export ", "K=v", `\n`, `\"`, `\$`, "$(x)",
	}
	plain := strings.Split("abcXYZ019_./:@%+=,^!#*?{}[]-", "")
	if r.IntN(8) == 0 { // some values must be bare
		pieces = plain
	}
	var b strings.Builder
	for range r.IntN(12) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

func values(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	list := append([]string{}, hard...)
	for _, a := range hard {
		for _, b := range hard {
			list = append(list, a+b)
		}
	}
	for len(list) < n {
		list = append(list, random(r))
	}
	return list
}

// What is written is what is read, by every reader the dialect promises:
// Compose's and Docker's own parsers and the shells of this machine.
func TestEveryReaderReadsTheExactValue(t *testing.T) {
	all := values(30000)
	for _, format := range envfile.Formats() {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			byDialect := map[envfile.Dialect][]string{}
			refused := 0
			for _, v := range all {
				_, report, err := envfile.Render([]envfile.Var{{Key: "K", Value: rinca.NewSecret(v)}}, format)
				if err != nil {
					refused++
					continue
				}
				byDialect[report.Dialect] = append(byDialect[report.Dialect], v)
			}
			t.Logf("%d values, %d refused", len(all), refused)
			if refused > len(all)/4 && format != envfile.Raw {
				t.Errorf("refused %d of %d values", refused, len(all))
			}
			for d, list := range byDialect {
				checkDialect(t, format, d, list)
			}
		})
	}
}

func checkDialect(t *testing.T, format envfile.Format, d envfile.Dialect, list []string) {
	t.Helper()
	vars := make([]envfile.Var, len(list))
	keys := make([]string, len(list))
	for i, v := range list {
		keys[i] = fmt.Sprintf("K%d", i)
		vars[i] = envfile.Var{Key: keys[i], Value: rinca.NewSecret(v)}
	}
	file, report, err := envfile.Render(vars, format)
	if err != nil || report.Dialect != d || report.Universal != (d == envfile.Bare) {
		t.Fatalf("%s: dialect %s, report %+v, %v", format, d, report, err)
	}
	for name, read := range readers(t, d) {
		got := read(t, file, keys)
		bad := 0
		for i := range list {
			if got[i] != list[i] {
				if bad++; bad < 5 {
					t.Errorf("%s as %s: %s reads %q for %q", format, d, name, got[i], list[i])
				}
			}
		}
	}
	t.Logf("%s as %s: %d values", format, d, len(list))
}

// Compose and Sh carry everything but NUL; Auto refuses only what they
// disagree about, and says who can carry it.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ value, format, reason, hint string }{
		{"a\x00b", "compose", "NUL", "base64"},
		{"a\x00b", "raw", "NUL", "base64"},
		{"a'`b", "auto", "backtick and a single quote", "--format compose or --format sh or --format raw"},
		{"a`\\", "auto", "ends in a backslash", "--format compose"},
		{"a`'\n", "auto", "backtick", "--format compose or --format sh"},
		{"two\nlines", "raw", "newline", "--format auto or --format compose or --format sh"},
		{"cr\r", "raw", "carriage return", "--format auto"},
		{"\xff", "raw", "UTF-8", "--format auto"},
		{strings.Repeat("x", 70000), "raw", "65,535", "--format auto"},
	} {
		_, err := envfile.Quote(c.value, envfile.Format(c.format))
		if rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%.10q as %s: %v", c.value, c.format, err)
			continue
		}
		if !strings.Contains(err.Error(), c.reason) || !strings.Contains(rinca.HintOf(err), c.hint) {
			t.Errorf("%.10q as %s: %v; try %s", c.value, c.format, err, rinca.HintOf(err))
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, v := range hard {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		for _, format := range envfile.Formats() {
			file, report, err := envfile.Render([]envfile.Var{{Key: "K", Value: rinca.NewSecret(v)}}, format)
			if err != nil {
				if strings.ContainsRune(v, 0) || format == envfile.Raw || strings.Contains(v, "`") && format == envfile.Auto {
					continue
				}
				t.Fatalf("%s refuses %q: %v", format, v, err)
			}
			for name, read := range readers(t, report.Dialect) {
				if !strings.Contains(name, "sh") { // a process per value is too slow here
					if got := read(t, file, []string{"K"}); got[0] != v {
						t.Errorf("%s: %s reads %q for %q", format, name, got[0], v)
					}
				}
			}
		}
	})
}
