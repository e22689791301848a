package auth

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
)

// document is the one of the workflow document, as it is there.
const document = `[[user_group]]
name = "platform-ops"

# Can deploy all stacks
all.Stack = { level = "Execute" }

# Can edit op-export configuration (and see token)
permissions = [
  { target.type = "Stack", target.id = "op-export", level = "Write" }
]
`

func TestParseGroupsTOML(t *testing.T) {
	ops := rinca.UserGroup{Name: "platform-ops", Rights: rinca.Rights{
		All:         map[rinca.Kind]rinca.Grant{rinca.KindStack: {Level: rinca.Execute}},
		Permissions: []rinca.Permission{{Target: rinca.Target{Kind: rinca.KindStack, Name: "op-export"}, Grant: rinca.Grant{Level: rinca.Write}}},
	}}
	for name, c := range map[string]struct {
		text string
		want []rinca.UserGroup
	}{
		"the document":    {document, []rinca.UserGroup{ops}},
		"the short level": {strings.Replace(document, `{ level = "Execute" }`, `"Execute"`, 1), []rinca.UserGroup{ops}},
		"tables": {`
[[user_group]]
name = "platform-ops"
[user_group.all]
Stack = "execute"
[[user_group.permissions]]
target = { type = "Stack", id = "op-export" }
level = "Write"
`, []rinca.UserGroup{ops}},
		"deeper tables": {`
[[user_group]]
name = "platform-ops"
[user_group.all.Stack]
level = "Execute"
[[user_group.permission]]
level = "Write"
[user_group.permission.target]
type = "Stack"
id = "op-export"
`, []rinca.UserGroup{ops}},
		"two, with everything": {`
user_group = [
  { name = "all", everyone = true, all.Variable = { level = "Read", specific = ["Reveal"] } },
  { name = "media", users = ["bob", "alice"], claims = ["media team"], permissions = [
    # comment
    { target.type = "Stack", target.id = '\^media-.*$\', level = "Execute" },
  ] },
]`, []rinca.UserGroup{
			{Name: "all", Everyone: true, Rights: rinca.Rights{All: map[rinca.Kind]rinca.Grant{rinca.KindVariable: {Level: rinca.Read, Specific: []string{"Reveal"}}}}},
			{Name: "media", Users: []string{"bob", "alice"}, Claims: []string{"media team"}, Rights: rinca.Rights{
				Permissions: []rinca.Permission{{Target: rinca.Target{Kind: rinca.KindStack, Name: `\^media-.*$\`}, Grant: rinca.Grant{Level: rinca.Execute}}},
			}},
		}},
		"nothing": {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseGroupsTOML("groups.toml", c.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseGroupsTOMLSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		"[[user_group]]\nname = \"a\"\nal.Stack = \"Read\"\n":                                                                   `g:3:1: unknown key user_group.al; is it all?`,
		"[[user_group]]\nname = \"a\"\nall.Stak = \"Read\"\n":                                                                   `g:3:5: unknown key all.Stak; is it Stack?`,
		"[[user_group]]\nname = \"a\"\nall.Deployment = \"Read\"\n":                                                             `g:3:5: unknown key all.Deployment; known are Stack, Server, Variable, GitAccount`,
		"[[user_group]]\nname = \"a\"\nall.Stack = \"Exec\"\n":                                                                  `g:3:13: "Exec" is no permission level`,
		"[[user_group]]\nname = \"a\"\nall.Stack = { levl = \"Read\" }\n":                                                       `g:3:15: unknown key all.Stack.levl; is it level?`,
		"[[user_group]]\nname = \"a\"\nall.Stack = 7\n":                                                                         `g:3:13: all.Stack is a level such as "Read"`,
		"[[user_group]]\nname = \"a\"\nall.Stack = { level = \"Read\", specific = [\"Logs\"] }\n":                               `there is no extra right "Logs"`,
		"[[user_group]]\nname = \"a\"\nusers = \"bob\"\n":                                                                       `g:3:9: users is a list`,
		"[[user_group]]\nname = \"a\"\nusers = [1]\n":                                                                           `g:3:10: users is text in quotes`,
		"[[user_group]]\nname = \"a\"\nusers = [\"b c\"]\n":                                                                     `"b c" cannot be the name of a user`,
		"[[user_group]]\nname = \"a b\"\n":                                                                                      `g:2:8: "a b" cannot be the name of a group`,
		"[[user_group]]\neveryone = true\n":                                                                                     `g:1:3: the group has no name`,
		"[[user_group]]\nname = \"a\"\neveryone = \"yes\"\n":                                                                    `g:3:12: everyone is true or false`,
		"[user_group]\nname = \"a\"\n":                                                                                          `g:1:2: user_group is written [[user_group]]`,
		"[[user_groups]]\nname = \"a\"\n":                                                                                       `g:1:3: unknown key user_groups; is it user_group?`,
		"[[stack]]\nname = \"a\"\n":                                                                                             `g:1:3: unknown key stack; known are user_group`,
		"[[user_group]]\nname = \"a\"\n[[user_group]]\nname = \"a\"\n":                                                          `g:3:3: there are two groups named "a"`,
		"[[user_group]]\nname = \"a\"\npermissions = [\n { target.type = \"Stack\", target.name = \"x\", level = \"Read\" }]\n": `g:4:34: unknown key permissions.target.name; known are type, id`,
		"[[user_group]]\nname = \"a\"\npermissions = [ { target.type = \"stack\", target.id = \"x\", level = \"Read\" } ]\n":    `"stack" is no kind of resource`,
		"[[user_group]]\nname = \"a\"\npermissions = [ { target.type = \"Stack\", target.id = \"\", level = \"Read\" } ]\n":     `the name of the resource is missing`,
		"[[user_group]]\nname = \"a\"\npermissions = [ { target.type = \"Stack\", target.id = \"x\", level = \"None\", specific = [\"Reveal\"] } ]\n": `Reveal needs at least`,
		"[[user_group]]\nname = \"a\"\nname = \"b\"\n": `g:3:1: this is not TOML, or a key is there twice`,
		"[[user_group]\n":              `g:1:13: this is not TOML`,
		"name = \"hunter2\nx":          `g:1:`,
		"a = \"\x00hunter2\"\n":        `g:1:6: this is not TOML`,
		strings.Repeat("#", maxTOML+1): `g is larger than`,
	} {
		_, err := ParseGroupsTOML("g", text)
		if err == nil || !strings.Contains(err.Error(), want) || rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%.120q:\n got %v\nwant %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error quotes the file: %v", err)
		}
	}
}

func TestParseGroupsTOMLSaysAll(t *testing.T) {
	_, err := ParseGroupsTOML("g", "[[user_group]]\nnme = \"a\"\nuser = []\n[[user_group]]\nname = \"b\"\nall.Stack = \"Rad\"\n")
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("%v", err)
	}
}

func FuzzParseGroupsTOML(f *testing.F) {
	f.Add(document)
	f.Add("[[user_group]]\nname=\"a\"\n[user_group.all.Stack]\nlevel=\"Read\"\n[[user_group.permission]]\n[user_group.permission.target]\nid=\"x\"\n")
	f.Add("user_group=[{name='a',all={Stack='Read'}},{}]\n[x.y]\n[[x.z]]\n")
	f.Add("a=[[[[1]]]]\nb={c={d={e=1}}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		groups, err := ParseGroupsTOML("g", text)
		if err != nil && rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%v", err)
		}
		for _, g := range groups {
			if err := CheckGroup(g); err != nil {
				t.Errorf("it takes %+v: %v", g, err)
			}
		}
	})
}
