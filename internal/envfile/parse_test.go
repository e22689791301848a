package envfile_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/google/go-cmp/cmp"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

// plain is an Entry that can be compared.
type plain struct {
	Key, Value string
	None       bool
	Refs       []string
	Comment    string
	Trailing   string
	Export     bool
	Optional   bool
	Line       int
}

func parsed(t *testing.T, text string) []plain {
	t.Helper()
	entries, err := envfile.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var list []plain
	for _, e := range entries {
		list = append(list, plain{e.Key, e.Value.Reveal(), !e.Value.IsSet(), e.Refs, e.Comment, e.Trailing, e.Export, e.Optional, e.Line})
	}
	return list
}

func TestParse(t *testing.T) {
	text := strings.Join([]string{
		"\ufeff# The file's header.",
		"",
		"# Where mail comes from",
		"## second line",
		"MAIL_FROM=a@b.c   # a comment",
		"export EXPORTED='single $NOT \\n'",
		"PLAIN=a#b",
		"EMPTY=",
		"EMPTY_NOTED=   # fill this in",
		"INHERIT",
		`DOUBLE="a\nb \"q\" \$x $$y ` + "`z`\" # note",
		"MULTI=\"one",
		"two # not a comment",
		"\"",
		"PEM='-----BEGIN-----",
		"x",
		"-----END-----'\r",
		"CRLF=v\r",
		"URL=postgres://u:${PW}@db/$DB?x=$$5&y=$5",
		"",
		"#OPTIONAL=x y",
		"# Turn this on for more.",
		"# OTHER=\"a b\" # why",
		"# key=see the documentation",
		"SPACED = v ",
		"YAML: w",
		"DEFAULT=${A:-b${C}}",
		"A.B-C[0]=dotted",
		"LAST=no newline",
	}, "\n")
	want := []plain{
		{Key: "MAIL_FROM", Value: "a@b.c", Comment: "Where mail comes from\nsecond line", Trailing: "a comment", Line: 5},
		{Key: "EXPORTED", Value: `single $NOT \n`, Export: true, Line: 6},
		{Key: "PLAIN", Value: "a#b", Line: 7},
		{Key: "EMPTY", Line: 8},
		{Key: "EMPTY_NOTED", Trailing: "fill this in", Line: 9},
		{Key: "INHERIT", None: true, Line: 10},
		{Key: "DOUBLE", Value: "a\nb \"q\" $x $y `z`", Trailing: "note", Line: 11},
		{Key: "MULTI", Value: "one\ntwo # not a comment\n", Line: 12},
		{Key: "PEM", Value: "-----BEGIN-----\nx\n-----END-----", Line: 15},
		{Key: "CRLF", Value: "v", Line: 18},
		{Key: "URL", Value: "postgres://u:${PW}@db/${DB}?x=$5&y=$5", Refs: []string{"PW", "DB"}, Line: 19},
		{Key: "OPTIONAL", Value: "x y", Optional: true, Line: 21},
		{Key: "OTHER", Value: "a b", Optional: true, Comment: "Turn this on for more.", Trailing: "why", Line: 23},
		{Key: "SPACED", Value: "v", Comment: "key=see the documentation", Line: 25},
		{Key: "YAML", Value: "w", Line: 26},
		{Key: "DEFAULT", Value: "${A:-b${C}}", Refs: []string{"A"}, Line: 27},
		{Key: "A.B-C[0]", Value: "dotted", Line: 28},
		{Key: "LAST", Value: "no newline", Line: 29},
	}
	if diff := cmp.Diff(want, parsed(t, text)); diff != "" {
		t.Error(diff)
	}
}

func TestParseErrorsSayWhereAndNoValue(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"A=1\nB=\"hunter2\n\nC=3", "2:3: this quote is not closed"},
		{"A='hunter2\\'", "1:3: this quote is not closed"},
		{"A='hunter2'hunter3", "1:12: text behind the closing quote"},
		{"A='x\ny'z", "2:3: text behind"},
		{"\n  A B=hunter2", "2:4: the name of a variable cannot contain a blank"},
		{"é$=hunter2", "1:2: a name of a variable cannot contain this character"},
		{"=hunter2", "1:1: no name"},
		{"A=hunter2${", "1:10: this ${ is not closed"},
		{"A=\"hunter2${1}\"", "1:3: a ${ in this value"},
		{"\xff\xfeA\x00=\x00", "1:4: holds a NUL byte; is it UTF-16"},
		{"curl http://hunter2", "1:5: the name of a variable cannot contain a blank"},
	} {
		_, err := envfile.Parse([]byte(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("%q: the error holds the value: %v", c.text, err)
		}
	}
}

func TestExpand(t *testing.T) {
	entries, err := envfile.Parse([]byte("PW='p$w'\nDB=x\n#OFF=1\nURL=pg://u:$PW@db/${DB}\nBARE\nOF=$URL!\n"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := envfile.Expand(entries)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range out {
		got[e.Key] = e.Value.Reveal()
	}
	want := map[string]string{"PW": "p$w", "DB": "x", "URL": "pg://u:p$w@db/x", "BARE": "", "OF": "pg://u:p$w@db/x!"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"A=$B\nB=1", "A=1\nB=${A:-x}"} {
		entries, err := envfile.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := envfile.Expand(entries); rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzParse compares with Compose's own reader: what both accept, both read
// alike.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"A=1\n", "A='x'\nB=\"y\\n\"\n", "export A=b # c\n", "#A=1\n\n# c\nB=2\n", "A=\"\n\"\n", "A: b\n", "A = b\n", "A\n", "A=$$x\n", "A=\"\\0101\\08\\$\"\n",
		"\ufeffA=1\r\n", "A='\\''\n", "A=\"\\\\\"\n", "A=#x\n", "A= #x\n", "A=x #y\n", "A=\u00a0x\u00a0\n", "A=${B}\n", "A=\"\\044{x}\"\n", "A='a' # b\n", "a.b[0]-c=1\n",
	} {
		f.Add([]byte(s))
	}
	if text, err := os.ReadFile("testdata/kitchen-sink.env.example"); err == nil {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := envfile.Parse(data)
		if err != nil {
			return
		}
		ours := map[string]string{}
		for _, e := range entries {
			_, _ = e.Template()
			_ = e.Hint()
			if e.Optional || !e.Value.IsSet() {
				continue
			}
			ours[e.Key] = e.Value.Reveal()
			if len(e.Refs) > 0 || e.Value.IsEmpty() && bytes.ContainsRune(data, '#') {
				return // Compose puts variables in, and takes "A= # x" for a value
			}
		}
		// Compose's reader misreads a name alone at the end of the text.
		theirs, err := dotenv.ParseWithLookup(bytes.NewReader(append(data, '\n')), nil)
		if err != nil || strings.ContainsAny(string(data), "\u212a\u017f") {
			return
		}
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("%q: compose-go, ours: %s", data, diff)
		}
	})
}

func TestExpandFrom(t *testing.T) {
	outside := func(name string) (string, bool) {
		v, ok := map[string]string{"HOST": "db", "NONE": ""}[name]
		return v, ok
	}
	entries, err := envfile.Parse([]byte("A=1\nB=$A-${HOST}-$GONE\nC=${GONE:-x}${NONE:-y}${NONE-z}${GONE-w}\nD='$A'\nE=\n#F=$A\nHOST=own\nG=$HOST\n"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := envfile.ExpandFrom(entries, outside)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range out {
		got[e.Key] = e.Value.Reveal()
	}
	want := map[string]string{"A": "1", "B": "1-db-", "C": "xyw", "D": "$A", "E": "", "HOST": "own", "G": "own"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	entries, err = envfile.Parse([]byte("A=1\nB=${A:?must}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := envfile.ExpandFrom(entries, outside); rinca.CodeOf(err) != rinca.Invalid {
		t.Errorf("got %v", err)
	}
}
