package export

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

// A rendering is an item as the text of its file.
type rendering struct {
	own          Settings
	attr         Attr
	vars         []envfile.Var
	data         rinca.Secret
	placeholders []string // keys
	// because says which keys keep a reader without quoting, such as docker
	// stack deploy, from reading the file; empty when everybody can.
	because  []string
	problems []string
}

// render turns an item into the text of the file stack/title. What is wrong
// with it is in problems, by item id and key, never by value.
func render(item *rinca.Item, stack string, rules Rules, allowPlaceholders bool) *rendering {
	r := &rendering{}
	r.readFields(item)
	attr, err := rules.resolve(rules.file(stack, item.Title, r.own))
	if err != nil {
		r.problem(item, err.Error())
		return r
	}
	r.attr = attr
	for _, v := range r.vars {
		if envfile.IsPlaceholder(v.Value.Reveal()) {
			r.placeholders = append(r.placeholders, v.Key)
		}
	}
	if len(r.placeholders) > 0 && !allowPlaceholders {
		r.problem(item, fmt.Sprintf("%s still a placeholder; set it in the vault, or give --allow-placeholders", are(r.placeholders)))
	}
	if len(r.vars) == 0 && len(r.problems) == 0 {
		r.problem(item, "has no field to export")
	}
	data, report, err := envfile.Render(r.vars, attr.Format)
	if err != nil {
		r.explain(item, err)
	}
	for _, b := range report.Because {
		r.because = append(r.because, b.Key+" "+b.Reason)
	}
	if len(r.problems) == 0 {
		r.data = rinca.NewSecret(string(data))
	}
	return r
}

func are(keys []string) string {
	if len(keys) == 1 {
		return keys[0] + " is"
	}
	return strings.Join(keys, ", ") + " are each"
}

func (r *rendering) problem(item *rinca.Item, what string) {
	r.problems = append(r.problems, fmt.Sprintf("%s: %s (item %s)", item.Title, what, item.ID))
}

// explain lists what envfile refused, one problem for each key.
func (r *rendering) explain(item *rinca.Item, err error) {
	problems, ok := errors.AsType[envfile.Problems](err)
	if !ok {
		r.problem(item, err.Error())
		return
	}
	for _, p := range problems {
		r.problem(item, envfile.Problems{p}.Error())
	}
}

// readFields takes an item apart into variables and its own settings.
func (r *rendering) readFields(item *rinca.Item) {
	for _, f := range item.Fields {
		section, _ := item.Section(f.SectionID)
		switch {
		case strings.EqualFold(section.Label, rinca.OwnSection):
			r.readOwn(item, f)
		case !item.Variable(f):
		case f.Label == "":
			r.problem(item, fmt.Sprintf("the field %q has no label to name its variable", f.ID))
		default:
			r.vars = append(r.vars, envfile.Var{Key: f.Label, Value: plain(f)})
		}
	}
}

func (r *rendering) readOwn(item *rinca.Item, f rinca.Field) {
	value := f.Value.Reveal()
	if len(value) > 64 {
		r.problem(item, fmt.Sprintf("the field %s of the section %s is too long", f.Label, rinca.OwnSection))
		return
	}
	switch strings.ToLower(f.Label) {
	case "mode":
		r.own.Mode = value
	case "owner":
		r.own.Owner = value
	case "group":
		r.own.Group = value
	case "format":
		r.own.Format = value
	default:
		r.problem(item, fmt.Sprintf("the section %s knows mode, owner, group and format, not %q", rinca.OwnSection, f.Label))
	}
}

// plain is the value that is exported. A date is kept by vaults as seconds
// since 1970 and shown as a day; the day is what its user typed. A one-time
// password exports the secret or URL that it is made from, not a code that is
// old before it is read.
func plain(f rinca.Field) rinca.Secret {
	if f.Type != rinca.TypeDate {
		return f.Value
	}
	seconds, err := strconv.ParseInt(f.Value.Reveal(), 10, 64)
	if err != nil {
		return f.Value
	}
	return rinca.NewSecret(time.Unix(seconds, 0).UTC().Format(time.DateOnly))
}
