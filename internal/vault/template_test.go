package vault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// render renders a template on the vault of homelab().
func render(tb testing.TB, text string, syntax vault.Syntax) (string, []vault.Problem, error) {
	tb.Helper()
	tpl, parseErr := vault.ParseTemplate("t", text, syntax)
	out, err := vault.Render(tb.Context(), &vault.Resolver{Provider: homelab()}, tpl)
	if parseErr != nil && err == nil {
		tb.Errorf("%q: parsed with %v, and rendered", text, parseErr)
	}
	if err != nil {
		return "", tpl.Notes, err
	}
	return out[0].Reveal(), tpl.Notes, nil
}

func vars(name string) (string, bool) {
	return vault.Variables([]string{"APP_ENV=homelab", "Empty=", "item=postgres.env", "QUOTE=a\"b"})(name)
}

// TestTemplateRules: what is a reference, and where it ends.
func TestTemplateRules(t *testing.T) {
	const user, pw = "authentik", "hunter2-postgres"
	for in, want := range map[string]string{
		"":           "",
		"plain text": "plain text",
		"a=op://homelab/postgres.env/POSTGRES_USER\n":  "a=" + user + "\n",
		"op://homelab/postgres.env/POSTGRES_USER":      user,
		"\"op://homelab/postgres.env/POSTGRES_USER\",": "\"" + user + "\",",
		"(op://homelab/postgres.env/POSTGRES_USER)":    "(" + user + ")",
		"x:op://homelab/postgres.env/POSTGRES_USER:x":  "x:" + user + ":x",
		"/op://homelab/postgres.env/POSTGRES_USER":     "/" + user,
		"_op://homelab/postgres.env/POSTGRES_USER":     "_" + user,
		"op://homelab/postgres.env/POSTGRES_USER@db":   user + "@db",
		"é op://homelab/postgres.env/POSTGRES_USERé":   "é " + user + "é",
		"op://homelab/postgres.env/POSTGRES_USER\r\nx": user + "\r\nx",
		"aop://homelab/postgres.env/POSTGRES_USER":     "aop://homelab/postgres.env/POSTGRES_USER",
		"-op://x":          "-op://x",
		"+op://x":          "+op://x",
		`\op://x`:          `\op://x`,
		".op://x":          ".op://x",
		"9op://x":          "9op://x",
		"OP://homelab/x/y": "OP://homelab/x/y",
		"{{ op://homelab/postgres.env/POSTGRES_USER }}":                                  user,
		"{{op://homelab/postgres.env/POSTGRES_USER}}":                                    user,
		"{{\top://homelab/postgres.env/POSTGRES_USER  }}x":                               user + "x",
		"{{ op://homelab/postgres.env/add more/EMPTY }}":                                 "",
		"{{ op://other vault/my web/api key }}":                                          "sk-web",
		"tgram://{{ op://homelab/postgres.env/f2 }}/{{ op://homelab/postgres.env/f1 }}/": "tgram://" + user + "/" + pw + "/",
		"{{ op://homelab/mixed/password?attribute=type }}":                               "CONCEALED",
		"{{ .Values.x }} {{ $y }}":                                                       "{{ .Values.x }} {{ $y }}",
		"{{ use op://homelab/postgres.env/POSTGRES_USER }}":                              "{{ use " + user + " }}",
		`{{ "{{ literal op://x/y/z }}" }}`:                                               "{{ literal op://x/y/z }}",
		`{{"say \"hi\" $HOME"}}`:                                                         `say "hi" $HOME`,
		`{{ "two` + "\n" + `lines" }}`:                                                   "two\nlines",
		`{{ "open`:                                                                       `{{ "open`,
		`{{ "x" }`:                                                                       `{{ "x" }`,
		"{{":                                                                             "{{",
		"\x00\xff{{ op://homelab/postgres.env/f2 }}\xfe":                                 "\x00\xff" + user + "\xfe",
	} {
		for _, lookup := range []func(string) (string, bool){nil, vars} {
			if lookup != nil && strings.Contains(in, "$") && !strings.Contains(in, `{{"`) {
				continue
			}
			got, _, err := render(t, in, vault.Syntax{Lookup: lookup})
			if err != nil || got != want {
				t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
			}
		}
	}
}

func TestTemplateVariables(t *testing.T) {
	for in, want := range map[string]string{
		"$APP_ENV":         "homelab",
		"$app_env/x":       "homelab/x",
		"${APP_ENV}":       "homelab",
		"${ App_Env\t}x":   "homelabx",
		"${NOPE:-dev}":     "dev",
		"${NOPE:-}":        "",
		"${NOPE:-a b:-c}":  "a b:-c",
		"${EMPTY:-dev}":    "",
		"$2y$10$ $ 5$":     "$2y$10$ $ 5$",
		"${}${1a}${a.b}${": "${}${1a}${a.b}${",
		"$$APP_ENV":        "$homelab",
		`\$APP_ENV`:        `\homelab`,
		"op://$APP_ENV/postgres.env/POSTGRES_USER!":               "authentik!",
		"op://${NOPE:-homelab}/${ITEM}/POSTGRES_USER":             "authentik",
		"{{ op://${APP_ENV}/$item/${NOPE:-POSTGRES_USER}}}":       "authentik",
		"{{ op://$APP_ENV/postgres.env/add more/POSTGRES_USER }}": "authentik",
		"$QUOTE {{ \"$QUOTE\" }}":                                 `a"b $QUOTE`,
		"x${NOPE:-one\ntwo}\n{{ op://homelab/postgres.env/f2 }}":  "xone\ntwo\nauthentik",
	} {
		got, _, err := render(t, in, vault.Syntax{Lookup: vars})
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
	got, _, err := render(t, "$NOPE ${NOPE} op://homelab/postgres.env/f2", vault.Syntax{})
	if err != nil || got != "$NOPE ${NOPE} authentik" {
		t.Errorf("without variables: %q, %v", got, err)
	}
}

// TestTemplateReportsAll: everything that is wrong, at once, with its place.
func TestTemplateReportsAll(t *testing.T) {
	_, _, err := render(t, strings.Join([]string{
		"ok=op://homelab/postgres.env/POSTGRES_USER",
		"é=op://homelab/postgres.env/NOPE",
		"\tx={{ op://homelab/postgre.env/X }} {{ op://homelab/it's/X }}",
		"v=$NOPE op://${NOPE}/a/b",
		"few op://a",
		"q=op://homelab/mixed/given?attribute=otp",
		"again=op://homelab/postgres.env/NOPE",
		"# in a comment op://nowhere/x/y",
	}, "\n"), vault.Syntax{Lookup: vars})
	var problems vault.Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%d:%d %s", p.Line, p.Column, rinca.CodeOf(p.Err)))
	}
	want := []string{
		"2:3 not_found", "3:4 not_found", "3:37 invalid", "4:3 invalid", "4:9 invalid",
		"5:5 invalid", "6:3 invalid", "7:7 not_found", "8:16 not_found",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%v", diff, err)
	}
	for _, part := range []string{
		"t:2:3: op://homelab/postgres.env/NOPE: item 'homelab/postgres.env' does not have a field 'NOPE'",
		"t:4:3: variable NOPE is not set",
		"vault 'nowhere' not found",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in\n%v", part, err)
		}
	}
	if strings.Contains(err.Error(), "authentik") {
		t.Errorf("a value is in %v", err)
	}
}

// TestTemplateComments: the three rules about comments.
func TestTemplateComments(t *testing.T) {
	const in = "# op://homelab/postgres.env/f2 op://old/item/gone {{ op://b@d/x }} $NOPE\n  ; op://a\n// $APP_ENV\nx=op://homelab/postgres.env/f2 # op://homelab/postgres.env/f2\n"
	const tail = "x=authentik # authentik\n"
	for comments, want := range map[vault.Comments]string{
		vault.TryComments:  "# authentik op://old/item/gone {{ op://b@d/x }} $NOPE\n  ; op://a\n// homelab\n" + tail,
		vault.SkipComments: "# op://homelab/postgres.env/f2 op://old/item/gone {{ op://b@d/x }} $NOPE\n  ; op://a\n// $APP_ENV\n" + tail,
	} {
		got, notes, err := render(t, in, vault.Syntax{Lookup: vars, Comments: comments})
		if err != nil || got != want {
			t.Errorf("rule %d: got %q, %v", comments, got, err)
		}
		if want := map[vault.Comments]int{vault.TryComments: 3}[comments]; len(notes) != want {
			t.Errorf("rule %d: notes %v", comments, notes)
		}
	}
	if _, _, err := render(t, in, vault.Syntax{Lookup: vars}); err == nil {
		t.Error("op's own rule does not fail")
	}
}

// TestRenderWithoutReferencesAsksNobody, not even for a Resolver.
func TestRenderWithoutReferencesAsksNobody(t *testing.T) {
	tpl, err := vault.ParseTemplate("t", "a\nb", vault.Syntax{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := vault.Render(t.Context(), nil, tpl)
	if err != nil || out[0].Reveal() != "a\nb" {
		t.Error(out, err)
	}
}

// TestRenderAllOrNothing: one template that fails fails all, and says both.
func TestRenderAllOrNothing(t *testing.T) {
	good, _ := vault.ParseTemplate("good", "op://homelab/postgres.env/f2", vault.Syntax{})
	bad, _ := vault.ParseTemplate("bad", "op://homelab/postgres.env/nope op://a", vault.Syntax{})
	m := homelab()
	out, err := vault.Render(t.Context(), &vault.Resolver{Provider: m}, good, bad)
	if out != nil || !strings.Contains(fmt.Sprint(err), "bad:1:1:") || !strings.Contains(fmt.Sprint(err), "bad:1:32:") {
		t.Error(out, err)
	}
	if len(m.calls) != 3 {
		t.Errorf("asked %v", m.calls)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{
		"a=op://homelab/postgres.env/POSTGRES_USER", "{{ op://homelab/postgres.env/f1 }}", `{{ "{{ \" }}" }}`,
		"${A:-b}$c # op://x", "{{ op://${A}}}", "a: |\n  {{ op://homelab/mixed/ca.pem }}\n", "x = '''\n{{ op://homelab/postgres.env/f1 }}'''",
		"cat <<EOF\n{{ op://homelab/postgres.env/f1 }}\nEOF\n", `{"a": "{{ op://homelab/postgres.env/f1 }}"}`,
	} {
		for target := range uint8(6) {
			f.Add(s, target)
		}
	}
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		targets := append(vault.Targets(), vault.Plain)
		syntax := vault.Syntax{Lookup: vars, Target: targets[int(which)%len(targets)], Comments: vault.Comments(which / 8 % 3)}
		tpl, _ := vault.ParseTemplate("t", text, syntax)
		out, err := vault.Render(t.Context(), &vault.Resolver{Provider: homelab()}, tpl)
		if rinca.CodeOf(err) == rinca.Internal {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2-postgres") && !strings.Contains(text, "hunter2") {
			t.Errorf("%q: %v shows a value", text, err)
		}
		if err == nil && !strings.ContainsAny(text, "$") && !strings.Contains(text, "op://") && !strings.Contains(text, "{{") && out[0].Reveal() != text {
			t.Errorf("%q became %q", text, out[0].Reveal())
		}
	})
}
