package opcommand_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	anyID   = regexp.MustCompile(`[a-z2-7]{26}|[A-Z2-7]{26}`)
	anyTime = regexp.MustCompile(`\d{4}-\d{2}-\d{2}T[0-9:.]+Z`)
)

// shape replaces what differs from run to run: ids by the order of their
// appearance, and times.
func shape(text string) string {
	names := map[string]string{}
	text = anyID.ReplaceAllStringFunc(text, func(id string) string {
		if names[id] == "" {
			names[id] = "ID" + string(rune('1'+len(names)))
		}
		return names[id]
	})
	return anyTime.ReplaceAllString(text, "TIME")
}

// TestShapes: the documents, to the letter.
func TestShapes(t *testing.T) {
	d := newDesk(t)
	d.op("item", "create", "--category", "login", "--title", "a/b", "--tags", "stack:web,db", "--url", "https://x.example", "--favorite",
		"username=wendy", "password=hunter2000", "conn.K[text]=<v> & \"w\"", "é=1", "one-time password[otp]=JBSWY3DPEHPK3PXP")
	d.op("item", "edit", "a/b", "one-time password[delete]")
	for _, c := range []struct{ args, want string }{
		{"vault list", `[
  {
    "id": "ID1",
    "name": "homelab",
    "content_version": 3,
    "items": 1,
    "created_at": "TIME",
    "updated_at": "TIME"
  }
]
`},
		{"vault get homelab", `{
  "id": "ID1",
  "name": "homelab",
  "content_version": 3,
  "description": "what runs at home",
  "attribute_version": 1,
  "items": 1,
  "type": "USER_CREATED",
  "created_at": "TIME",
  "updated_at": "TIME"
}
`},
		{"item list", `[
  {
    "id": "ID1",
    "title": "a/b",
    "favorite": true,
    "tags": [
      "stack:web",
      "db"
    ],
    "version": 2,
    "vault": {
      "id": "ID2",
      "name": "homelab"
    },
    "category": "LOGIN",
    "last_edited_by": "ID3",
    "created_at": "TIME",
    "updated_at": "TIME",
    "additional_information": "wendy",
    "urls": [
      {
        "primary": true,
        "href": "https://x.example"
      }
    ]
  }
]
`},
		{"item get a/b", `{
  "id": "ID1",
  "title": "a/b",
  "favorite": true,
  "tags": [
    "stack:web",
    "db"
  ],
  "version": 2,
  "vault": {
    "id": "ID2",
    "name": "homelab"
  },
  "category": "LOGIN",
  "last_edited_by": "ID3",
  "created_at": "TIME",
  "updated_at": "TIME",
  "additional_information": "wendy",
  "urls": [
    {
      "primary": true,
      "href": "https://x.example"
    }
  ],
  "sections": [
    {
      "id": "Section_ID4",
      "label": "conn"
    }
  ],
  "fields": [
    {
      "id": "username",
      "type": "STRING",
      "purpose": "USERNAME",
      "label": "username",
      "value": "wendy",
      "reference": "op://homelab/ID1/username"
    },
    {
      "id": "password",
      "type": "CONCEALED",
      "purpose": "PASSWORD",
      "label": "password",
      "value": "hunter2000",
      "reference": "op://homelab/ID1/password",
      "password_details": {
        "strength": "GOOD"
      }
    },
    {
      "id": "notesPlain",
      "type": "STRING",
      "purpose": "NOTES",
      "label": "notesPlain",
      "reference": "op://homelab/ID1/notesPlain"
    },
    {
      "id": "ID5",
      "section": {
        "id": "Section_ID4",
        "label": "conn"
      },
      "type": "STRING",
      "label": "K",
      "value": "<v> & \"w\"",
      "reference": "op://homelab/ID1/conn/K"
    },
    {
      "id": "ID6",
      "type": "CONCEALED",
      "label": "é",
      "value": "1",
      "reference": "op://homelab/ID1/ID6"
    }
  ]
}
`},
		{"item get a/b --fields username", `{
  "id": "username",
  "type": "STRING",
  "purpose": "USERNAME",
  "label": "username",
  "value": "wendy",
  "reference": "op://homelab/ID1/username"
}
`},
		{"whoami", `{
  "url": "https://rinca.invalid",
  "email": "owner@rinca.invalid",
  "user_uuid": "ID1",
  "account_uuid": "ID2"
}
`},
		{"account list", `[
  {
    "url": "rinca.invalid",
    "email": "owner@rinca.invalid",
    "user_uuid": "ID1",
    "account_uuid": "ID2"
  }
]
`},
		{"account get", `{
  "id": "ID1",
  "name": "the desk",
  "domain": "rinca",
  "type": "INDIVIDUAL",
  "state": "ACTIVE",
  "created_at": "TIME"
}
`},
		{"item template get Password", `{
  "title": "",
  "category": "PASSWORD",
  "fields": [
    {
      "id": "password",
      "type": "CONCEALED",
      "purpose": "PASSWORD",
      "label": "password",
      "password_details": {
        "strength": "TERRIBLE"
      },
      "value": ""
    },
    {
      "id": "notesPlain",
      "type": "STRING",
      "purpose": "NOTES",
      "label": "notesPlain",
      "value": ""
    }
  ]
}
`},
	} {
		got := shape(d.op(append(strings.Fields(c.args), "--format", "json")...))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("op %s: %s", c.args, diff)
		}
	}
}

// TestEveryCategory: an item of each kind can be made, from its name and from
// its template, and has the fields of the template.
func TestEveryCategory(t *testing.T) {
	d := newDesk(t)
	for line := range strings.Lines(d.op("item", "template", "list")) {
		uuid, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		name = strings.TrimSpace(name)
		if uuid == "UUID" || name == "Document" {
			continue
		}
		template := d.op("item", "template", "get", name)
		fields := len(d.item(template)["fields"].([]any))
		for _, it := range []map[string]any{
			d.item(d.op("item", "create", "--category", strings.ToUpper(strings.ReplaceAll(name, " ", "")), "--format", "json")),
			d.item(d.op("item", "create", "--category", uuid, "--format", "json")),
			d.item(d.pipe(template, "item", "create", "-", "--format", "json")),
		} {
			if it["title"] != "Untitled "+name+" item" || len(it["fields"].([]any)) != fields {
				t.Errorf("%s: title %q, %d fields", name, it["title"], len(it["fields"].([]any)))
			}
		}
	}
}

// TestSSHKey: a generated key is a pair that belongs together.
func TestSSHKey(t *testing.T) {
	d := newDesk(t)
	it := d.item(d.op("item", "create", "--category", "ssh key", "--title", "deploy", "--ssh-generate-key", "--format", "json"))
	v := variables(it)
	if !strings.HasPrefix(v["private key"], "-----BEGIN PRIVATE KEY-----\n") || !strings.HasPrefix(v["public key"], "ssh-ed25519 AAAA") || !strings.HasPrefix(v["fingerprint"], "SHA256:") {
		t.Errorf("%v", it)
	}
	if out := d.op("read", "op://homelab/deploy/private key?ssh-format=openssh"); !strings.HasPrefix(out, "-----BEGIN OPENSSH PRIVATE KEY-----\n") {
		t.Error(out)
	}
	if got := d.fails(1, "", "item", "create", "--ssh-generate-key=dsa"); !strings.Contains(got, "isn't a type of SSH key") {
		t.Error(got)
	}
}
