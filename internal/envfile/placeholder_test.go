package envfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/envfile"
)

func TestIsPlaceholder(t *testing.T) {
	yes := strings.Split(`REPLACE_ME|REPLACE_ME_LONG_RANDOM|REPLACE_WITH_YOUR_SERVICE_ACCOUNT_TOKEN|FILL_ME_IN|change_me|changeme|CHANGE_ME|ChangeMe!|change_me_to_a_long_random_value|`+
		`your-secure-password|your-secret-key-here-minimum-50-chars|your-agent-secret-here-minimum-32-chars|your-access-key|paste-token-here|<your token>|<>|you@example.com|admin@example.com|`+
		`https://s3.example.com|https://s3.example.com/x|s3:https://s3.example.com/bucket-name|example.org|xxxxx|XXX|***|...|TODO|tbd|none|password|secret|changeit| REPLACE_ME |set-this|insert_this_token|your_token`, "|")
	for _, v := range yes {
		if !envfile.IsPlaceholder(v) {
			t.Errorf("%q is not seen as a placeholder", v)
		}
	}
	no := strings.Split(`|hunter2|authentik|settings|Passw0rd!|postgres|https://s3.eu-central-1.amazonaws.com|xx|myexample.com|counterexample.community|passwords|secret-7f3a|${PW}|a<b>c|replacement|yours|somewhere`, "|")
	for _, v := range no {
		if envfile.IsPlaceholder(v) {
			t.Errorf("%q is seen as a placeholder", v)
		}
	}
	if !envfile.IsUnexpanded("${DB_PASSWORD}") || envfile.IsUnexpanded("a${B}") || envfile.IsUnexpanded("$x") {
		t.Error("IsUnexpanded is wrong")
	}
}

func TestHints(t *testing.T) {
	for _, c := range []struct {
		text string
		want envfile.Hint
	}{
		{"# generate with: openssl rand -base64 50\nAUTHENTIK_SECRET_KEY=REPLACE_ME", envfile.Hint{Recipe: "base64:50", Concealed: true, Placeholder: true}},
		{"# openssl rand -hex 32\nX=", envfile.Hint{Recipe: "hex:32", Concealed: true}},
		{"ID=change_me # uuidgen", envfile.Hint{Recipe: "uuid", Concealed: true, Placeholder: true}},
		{"# pwgen -s 40 1\nP=x", envfile.Hint{Recipe: "generate:40", Concealed: true}},
		{"# tr -dc A-Za-z0-9 </dev/urandom | head -c 60\nP=x", envfile.Hint{Recipe: "generate:60", Concealed: true}},
		{"# python3 -c 'import secrets; print(secrets.token_urlsafe(32))'\nP=", envfile.Hint{Recipe: "base64url:32", Concealed: true}},
		{"SECRET=your-secret-key-here-minimum-50-chars", envfile.Hint{MinLength: 50, Concealed: true, Placeholder: true}},
		{"# at least 24 characters\nPG_PASS=REPLACE_ME", envfile.Hint{MinLength: 24, Concealed: true, Placeholder: true}},
		{"# exactly 16 characters\nENC=REPLACE_ME", envfile.Hint{ExactLength: 16, Concealed: true, Placeholder: true}},
		{"# Must match POSTGRES_PASSWORD in postgres.env\nAUTHENTIK_POSTGRESQL__PASSWORD=REPLACE_ME", envfile.Hint{SameFile: "postgres.env", SameKey: "POSTGRES_PASSWORD", Concealed: true, Placeholder: true}},
		{"PG=REPLACE_ME # must match postgres.env", envfile.Hint{SameFile: "postgres.env", Concealed: true, Placeholder: true}},
		{"# same as DB_PASSWORD\nPG=REPLACE_ME", envfile.Hint{SameKey: "DB_PASSWORD", Concealed: true, Placeholder: true}},
		{"# passwords must match\nPG=x", envfile.Hint{Concealed: true}},
		{"# rinca: words:5\n# openssl rand -hex 9\nPG=x", envfile.Hint{Recipe: "words:5", Concealed: true}},
		{"# rinca: text\nTHING=x", envfile.Hint{}},
		{"# rinca: given\nAPI_TOKEN=REPLACE_ME", envfile.Hint{Given: true, Concealed: true, Placeholder: true}},
		{"# rinca: concealed\nDB_HOST=x", envfile.Hint{Concealed: true}},
		{"TZ=Europe/Vienna", envfile.Hint{}},
		{"POSTGRES_HOST=db", envfile.Hint{}},
		{"DEBUG_IT=true", envfile.Hint{}},
		{"SMTP_URL=smtp://u:p@mail", envfile.Hint{Concealed: true}},
		{"PASSWORD_MIN_LENGTH=12", envfile.Hint{}},
		{"UNKNOWN_THING=abc", envfile.Hint{Concealed: true}},
		{"RESTIC_PASSWORD=", envfile.Hint{Concealed: true}},
		{"AWS_ACCESS_KEY_ID=x", envfile.Hint{Concealed: true}},
		{"DISCORD_WEBHOOK_URL=https://discord", envfile.Hint{Concealed: true}},
	} {
		entries, err := envfile.Parse([]byte(c.text))
		if err != nil || len(entries) != 1 {
			t.Fatalf("%q: %v, %v", c.text, entries, err)
		}
		if diff := cmp.Diff(c.want, entries[0].Hint()); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
}
