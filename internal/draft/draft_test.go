package draft_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"rinca/internal/draft"
	"rinca/internal/envfile"
	"rinca/internal/generate"
	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

// newVault is a real vault in a temporary home.
func newVault(t *testing.T) (*embedded.DB, string) {
	t.Helper()
	cfg := embedded.Config{Dir: filepath.Join(t.TempDir(), "home")}
	if err := embedded.Init(t.Context(), cfg, rinca.Secret{}); err != nil {
		t.Fatal(err)
	}
	db, err := embedded.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	v, err := db.CreateVault(t.Context(), "homelab", "")
	if err != nil {
		t.Fatal(err)
	}
	return db, v.ID
}

// read parses the example web/NAME.example.
func read(t *testing.T, name, text string) draft.File {
	t.Helper()
	path := "/stacks/web/" + name + ".example"
	f, err := draft.Read(path, path, []byte(text), draft.Names{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func plan(t *testing.T, db *embedded.DB, v string, files ...draft.File) *draft.Draft {
	t.Helper()
	have, err := draft.Load(t.Context(), db, v, files)
	if err != nil {
		t.Fatal(err)
	}
	d, err := draft.Compare(files, have)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// write makes and applies everything, and fails when a value is missing.
func write(t *testing.T, db *embedded.DB, v string, d *draft.Draft) []rinca.Item {
	t.Helper()
	for _, f := range d.Make() {
		t.Errorf("%s: %s", f.Key, f.Missing)
	}
	var items []rinca.Item
	for _, it := range d.Items {
		item, err := it.Apply(t.Context(), db, v)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	return items
}

func values(item rinca.Item) map[string]string {
	m := map[string]string{}
	for _, f := range item.Fields {
		m[f.Label] = f.Value.Reveal()
	}
	return m
}

const webExample = `
# openssl rand -hex 32
SECRET_KEY=REPLACE_ME
HOST=db
# must match postgres.env
DB_PASSWORD=REPLACE_ME
DB_URL=postgres://app:${DB_PASSWORD}@${HOST}/app
# rinca: bcrypt:ADMIN_PASSWORD
ADMIN_HASH=
ADMIN_PASSWORD=change_me
EMPTY_HOST=
#SMTP_HOST=mail.lan
`

const pgExample = "POSTGRES_USER=app\n# at least 40 characters\nPOSTGRES_PASSWORD=change_me\n"

func TestCreateThenNothingToDo(t *testing.T) {
	db, v := newVault(t)
	files := []draft.File{read(t, "web.env", webExample), read(t, "postgres.env", pgExample)}
	items := write(t, db, v, plan(t, db, v, files...))
	web, pg := values(items[0]), values(items[1])
	if len(web["SECRET_KEY"]) != 64 || web["HOST"] != "db" || len(pg["POSTGRES_PASSWORD"]) != 40 || pg["POSTGRES_USER"] != "app" {
		t.Error("a value was not made as its hint says")
	}
	if web["DB_PASSWORD"] != pg["POSTGRES_PASSWORD"] || web["DB_URL"] != "postgres://app:"+pg["POSTGRES_PASSWORD"]+"@db/app" {
		t.Error("what must match does not")
	}
	if bcrypt.CompareHashAndPassword([]byte(web["ADMIN_HASH"]), []byte(web["ADMIN_PASSWORD"])) != nil {
		t.Error("the hash is not that of the password")
	}
	types := map[string]rinca.FieldType{}
	for _, f := range items[0].Fields {
		types[f.Label] = f.Type
	}
	if diff := cmp.Diff(map[string]rinca.FieldType{
		"SECRET_KEY": rinca.TypeConcealed, "HOST": rinca.TypeString, "DB_PASSWORD": rinca.TypeConcealed, "DB_URL": rinca.TypeConcealed,
		"ADMIN_HASH": rinca.TypeConcealed, "ADMIN_PASSWORD": rinca.TypeConcealed, "EMPTY_HOST": rinca.TypeString,
	}, types); diff != "" {
		t.Error(diff)
	}
	if items[0].Category != rinca.CategorySecureNote || !slices.Equal(items[0].Tags, []string{"stack:web"}) || items[0].Title != "web.env" {
		t.Errorf("%s, %v, %s", items[0].Category, items[0].Tags, items[0].Title)
	}

	d := plan(t, db, v, files...)
	for i, again := range write(t, db, v, d) {
		if d.Items[i].Action() != draft.Unchanged || again.Version != 1 {
			t.Errorf("%s: %s, version %d", again.Title, d.Items[i].Action(), again.Version)
		}
	}
}

// The vault's values stay; only what is new or given is written, in one write,
// and what the example does not know is kept.
func TestUpdateKeepsWhatIsThere(t *testing.T) {
	db, v := newVault(t)
	old, err := db.Create(t.Context(), rinca.Item{
		Info:     rinca.Info{VaultID: v, Title: "web.env", Category: rinca.CategoryServer, Tags: []string{"mine", "stack:web"}},
		Sections: []rinca.Section{{ID: "add more"}},
		Fields: []rinca.Field{
			{ID: "notesPlain", Purpose: rinca.PurposeNotes, Label: "notesPlain", Value: rinca.NewSecret("a note")},
			{Label: "SECRET_KEY", SectionID: "add more", Type: rinca.TypeConcealed, Value: rinca.NewSecret("kept")},
			{Label: "HOST", Type: rinca.TypeString, Value: rinca.NewSecret("other")},
			{Label: "DB_PASSWORD", Type: rinca.TypeConcealed, Value: rinca.NewSecret("REPLACE_ME")},
			{Label: "EXTRA", Type: rinca.TypeConcealed, Value: rinca.NewSecret("extra")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := plan(t, db, v, read(t, "web.env", "SECRET_KEY=REPLACE_ME\nHOST=db\nDB_PASSWORD=REPLACE_ME\nADDED=1\nPORT=1\n"))
	if err := d.Give([]draft.Gift{{Key: "PORT", Value: rinca.NewSecret("5432"), Argv: true}}); err != nil {
		t.Fatal(err)
	}
	it := d.Items[0]
	item := write(t, db, v, d)[0]
	states := map[string]draft.State{}
	for _, f := range it.Fields {
		states[f.Key] = f.State()
	}
	if diff := cmp.Diff(map[string]draft.State{"SECRET_KEY": draft.Same, "HOST": draft.Same, "DB_PASSWORD": draft.Changed, "ADDED": draft.New, "PORT": draft.New}, states); diff != "" {
		t.Error(diff)
	}
	got := values(item)
	if len(got["DB_PASSWORD"]) != 32 {
		t.Error("the placeholder in the vault was not replaced")
	}
	delete(got, "DB_PASSWORD")
	if diff := cmp.Diff(map[string]string{"notesPlain": "a note", "SECRET_KEY": "kept", "HOST": "other", "EXTRA": "extra", "ADDED": "1", "PORT": "5432"}, got); diff != "" {
		t.Error(diff)
	}
	if item.Version != old.Version+1 || !slices.Equal(item.Tags, []string{"mine", "stack:web"}) || item.Category != rinca.CategoryServer || item.ID != old.ID || !slices.Equal(it.Kept, []string{"EXTRA"}) {
		t.Errorf("version %d, tags %v, category %s, kept %v", item.Version, item.Tags, item.Category, it.Kept)
	}
}

// Two stacks may each have a postgres.env; an item without any stack is taken
// over, with its tags.
func TestItemsAreFoundByStackAndTitle(t *testing.T) {
	db, v := newVault(t)
	for _, tag := range []string{"stack:other", "mine"} {
		if _, err := db.Create(t.Context(), rinca.Item{Info: rinca.Info{VaultID: v, Title: "postgres.env", Category: rinca.CategorySecureNote, Tags: []string{tag}}}); err != nil {
			t.Fatal(err)
		}
	}
	d := plan(t, db, v, read(t, "postgres.env", pgExample))
	if !d.Items[0].Untagged() {
		t.Fatal("the item without a stack was not taken")
	}
	item := write(t, db, v, d)[0]
	if !slices.Equal(item.Tags, []string{"mine", "stack:web"}) || item.Version != 2 {
		t.Errorf("%v, version %d", item.Tags, item.Version)
	}
	if _, err := db.Create(t.Context(), rinca.Item{Info: rinca.Info{VaultID: v, Title: "postgres.env", Category: rinca.CategorySecureNote, Tags: []string{"stack:web"}}}); err != nil {
		t.Fatal(err)
	}
	have, err := draft.Load(t.Context(), db, v, []draft.File{d.Items[0].File})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := draft.Compare([]draft.File{d.Items[0].File}, have); rinca.CodeOf(err) != rinca.Conflict || !strings.Contains(err.Error(), item.ID) {
		t.Errorf("two items of one title: %v", err)
	}
}

// A derived value follows its source when that changes in the same call, and
// finds it in the vault when the other file is not part of the call.
func TestDerivedValuesFollow(t *testing.T) {
	db, v := newVault(t)
	pg := read(t, "postgres.env", pgExample)
	web := read(t, "web.env", "# must match postgres.env\nDB_PASSWORD=REPLACE_ME\nURL=pg://${DB_PASSWORD}@db\nTOKEN=REPLACE_ME\n")

	d := plan(t, db, v, web)
	missing := d.Make()
	if len(missing) != 2 || !strings.Contains(missing[0].Missing, "neither in the vault nor in this call") {
		t.Errorf("without postgres.env: %d missing, %+v", len(missing), missing)
	}
	first := values(write(t, db, v, plan(t, db, v, pg))[0])
	got := values(write(t, db, v, plan(t, db, v, web))[0])
	if got["DB_PASSWORD"] != first["POSTGRES_PASSWORD"] {
		t.Error("the value in the vault was not found")
	}

	d = plan(t, db, v, web, pg)
	if err := d.Give([]draft.Gift{{Key: "POSTGRES_PASSWORD", Value: rinca.NewSecret("rotated-by-hand")}}); err != nil {
		t.Fatal(err)
	}
	after := values(write(t, db, v, d)[0])
	if after["DB_PASSWORD"] != "rotated-by-hand" || after["URL"] != "pg://rotated-by-hand@db" || after["TOKEN"] != got["TOKEN"] {
		t.Error("derived values did not follow their source, or another one moved")
	}
}

// A value that changes in one item and stays in another of the stack is told.
func TestLeftovers(t *testing.T) {
	db, v := newVault(t)
	pg := read(t, "postgres.env", pgExample)
	web := read(t, "web.env", "# must match postgres.env\nDB_PASSWORD=REPLACE_ME\n")
	write(t, db, v, plan(t, db, v, web, pg))
	gift := []draft.Gift{{Key: "POSTGRES_PASSWORD", Value: rinca.NewSecret("rotated-by-hand")}}

	d := plan(t, db, v, pg)
	if err := d.Give(gift); err != nil {
		t.Fatal(err)
	}
	d.Make()
	if diff := cmp.Diff([]draft.Leftover{{Title: "web.env", Key: "DB_PASSWORD", Source: "postgres.env", From: "POSTGRES_PASSWORD"}}, d.Leftovers()); diff != "" {
		t.Error(diff)
	}
	d = plan(t, db, v, pg, web)
	if err := d.Give(gift); err != nil {
		t.Fatal(err)
	}
	if d.Make(); len(d.Leftovers()) != 0 {
		t.Errorf("both in one call: %v", d.Leftovers())
	}
}

func TestGive(t *testing.T) {
	db, v := newVault(t)
	web, pg := read(t, "web.env", webExample), read(t, "postgres.env", pgExample+"HOST=pg\n")
	spec, err := generate.Parse("pin:6")
	if err != nil {
		t.Fatal(err)
	}
	d := plan(t, db, v, web, pg)
	if err := d.Give([]draft.Gift{
		{Key: "SMTP_HOST", Value: rinca.NewSecret("smtp.lan"), Argv: true},
		{Item: "postgres.env", Key: "HOST", Value: rinca.NewSecret("just-there"), Argv: true},
		{Key: "SECRET_KEY", Recipe: spec},
		{Key: "DB_PASSWORD", Value: rinca.NewSecret("from-a-file")},
	}); err != nil {
		t.Fatal(err)
	}
	items := write(t, db, v, d)
	got := values(items[0])
	if got["SMTP_HOST"] != "smtp.lan" || got["HOST"] != "db" || values(items[1])["HOST"] != "just-there" || len(got["SECRET_KEY"]) != 6 || got["DB_PASSWORD"] != "from-a-file" {
		t.Errorf("given values are not where they belong: %d fields", len(got))
	}

	// An existing value is never made anew.
	d = plan(t, db, v, web, pg)
	if err := d.Give([]draft.Gift{{Key: "SECRET_KEY", Recipe: spec}}); err != nil {
		t.Fatal(err)
	}
	if again := values(write(t, db, v, d)[0]); again["SECRET_KEY"] != got["SECRET_KEY"] {
		t.Error("a recipe replaced a value of the vault")
	}

	err = plan(t, db, v, web).Give([]draft.Gift{
		{Key: "SECRET_KEY", Value: rinca.NewSecret("hunter2"), Argv: true},
		{Key: "HOST", Value: rinca.NewSecret("pg://u:hunter2@x"), Argv: true},
		{Key: "HOTS", Value: rinca.NewSecret("x")},
		{Item: "postgres.env", Key: "HOST", Value: rinca.NewSecret("x")},
		{Key: "ADMIN_PASSWORD", Value: rinca.NewSecret("hunter2\x00")},
		{Key: "ADMIN_PASSWORD", Value: rinca.NewSecret(""), Argv: true},
		{Key: "HOST", Value: rinca.NewSecret("<hunter2>"), Argv: true},
	})
	if rinca.CodeOf(err) != rinca.Usage || strings.Count(err.Error(), "\n") != 5 || strings.Contains(err.Error(), "hunter") {
		t.Errorf("%v", err)
	}
}

func TestGiveFile(t *testing.T) {
	db, v := newVault(t)
	entries, err := envfile.Parse([]byte("SECRET_KEY='sk'\nDB_PASSWORD=dp\nDB_URL=\"pg://${DB_PASSWORD}@db\"\nSMTP_HOST=mail\nLEGACY_TOKEN=lt\nADMIN_PASSWORD=REPLACE_ME\nINHERITED\n"))
	if err != nil {
		t.Fatal(err)
	}
	d := plan(t, db, v, read(t, "web.env", webExample))
	if err := d.Items[0].GiveFile("old.env", entries); err != nil {
		t.Fatal(err)
	}
	got := values(write(t, db, v, d)[0])
	if got["SECRET_KEY"] != "sk" || got["DB_URL"] != "pg://dp@db" || got["SMTP_HOST"] != "mail" || got["LEGACY_TOKEN"] != "lt" || len(got["ADMIN_PASSWORD"]) != 32 {
		t.Error("the file's values are not in the item")
	}
	d = plan(t, db, v, read(t, "web.env", webExample))
	if err := d.Items[0].GiveFile("old.env", entries); err != nil {
		t.Fatal(err)
	}
	if d.Make(); d.Items[0].Action() != draft.Unchanged {
		t.Error("the same file again changes something")
	}
}

func TestMissing(t *testing.T) {
	db, v := newVault(t)
	d := plan(t, db, v, read(t, "web.env", "A_TOKEN=\nMAIL=admin@example.com\n# rinca: given\nKEY=REPLACE_ME\nURL=x${NOWHERE}\n# same as LOOP2\nLOOP=\n# same as THE_LOOP\nLOOP2=\n# rinca: same:LOOP2\nTHE_LOOP=\n# exactly 4 characters\nPIN=change_me\n"))
	reasons := map[string]string{}
	for _, f := range d.Make() {
		reasons[f.Key] = f.Missing
	}
	if len(reasons) != 8 {
		t.Errorf("%v", reasons)
	}
	for key, want := range map[string]string{"A_TOKEN": "no value", "MAIL": "placeholder", "KEY": "placeholder", "URL": "NOWHERE", "LOOP2": "THE_LOOP", "PIN": "placeholder"} {
		if !strings.Contains(reasons[key], want) {
			t.Errorf("%s: %q", key, reasons[key])
		}
	}
}

func TestReadNames(t *testing.T) {
	for _, c := range []struct {
		path  string
		names draft.Names
		stack string
		title string
	}{
		{"/x/auth/authentik/postgres.env.example", draft.Names{}, "authentik", "postgres.env"},
		{"/x/web/.env.example", draft.Names{}, "web", "web.env"},
		{"/x/web/env.example", draft.Names{}, "web", "web.env"},
		{"/x/web/.env", draft.Names{}, "web", "web.env"},
		{"/x/web/app.env.sample", draft.Names{Stack: "s"}, "s", "app.env"},
		{"/x/web/anything", draft.Names{Title: "t.env"}, "web", "t.env"},
	} {
		f, err := draft.Read(c.path, c.path, []byte("A=1"), c.names)
		if err != nil || f.Stack != c.stack || f.Title != c.title {
			t.Errorf("%s: %s/%s, %v", c.path, f.Stack, f.Title, err)
		}
	}
	for _, c := range []struct {
		path, text string
		names      draft.Names
		want       string
	}{
		{"/x/web/.env.production", "A=1", draft.Names{}, "begins with a dot"},
		{"/x/my stack/a.env.example", "A=1", draft.Names{}, "names no stack"},
		{"/a.env.example", "A=1", draft.Names{}, "names no stack"},
		{"/x/web/a.env.example", "A=1", draft.Names{Title: "../x.env"}, "is a path"},
		{"/x/web/a.env.example", "A=1", draft.Names{Stack: ".."}, "names no stack"},
		{"/x/web/a.env.example", "A=1\nB.C=2\nA=3", draft.Names{}, "A is on line 1 already"},
		{"/x/web/a.env.example", "# nothing\n#A=1", draft.Names{}, "no variable"},
		{"/x/web/a.env.example", "A='", draft.Names{}, "/x/web/a.env.example:1:3: this quote"},
	} {
		if _, err := draft.Read(c.path, c.path, []byte(c.text), c.names); rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.path, err)
		}
	}
}

func TestCompareRefuses(t *testing.T) {
	a := read(t, "a.env", "A=1")
	if _, err := draft.Compare([]draft.File{a, a}, nil); rinca.CodeOf(err) != rinca.Conflict {
		t.Error(err)
	}
	bad := read(t, "a.env", "# rinca: hex:1\nA=\n# rinca: nonsense\nB=\n")
	if _, err := draft.Compare([]draft.File{bad}, nil); rinca.CodeOf(err) != rinca.Invalid || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "a.env.example:4: B: unknown recipe") {
		t.Error(err)
	}
	twice := rinca.Item{Info: rinca.Info{ID: "x", Title: "a.env", Tags: []string{"stack:web"}}, Fields: []rinca.Field{{Label: "A"}, {Label: "A"}}}
	twice.Fields[0].Value, twice.Fields[1].Value = rinca.NewSecret("1"), rinca.NewSecret("2")
	if _, err := draft.Compare([]draft.File{a}, []rinca.Item{twice}); rinca.CodeOf(err) != rinca.Conflict {
		t.Error(err)
	}
}
