package connectapi

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// A patchOp is one operation of a PATCH: RFC 6902, without move, copy and
// test. Fields are named by id, not by index.
type patchOp struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

// applyPatch returns the item after all operations; the first that cannot be
// done fails the whole.
func applyPatch(it itemJSON, ops []patchOp) (itemJSON, error) {
	it.Fields, it.Tags, it.Sections = slices.Clone(it.Fields), slices.Clone(it.Tags), slices.Clone(it.Sections)
	for _, op := range ops {
		if err := op.apply(&it); err != nil {
			return it, err
		}
	}
	return it, nil
}

func (op patchOp) apply(it *itemJSON) error {
	if op.Op != "add" && op.Op != "remove" && op.Op != "replace" {
		return errorf(400, "Invalid patch operation: use add, remove or replace")
	}
	if !strings.HasPrefix(op.Path, "/") {
		return errorf(400, "Invalid patch path: it begins with /")
	}
	parts := strings.Split(op.Path[1:], "/")
	for i := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(parts[i])
	}
	switch {
	case op.Path == "/":
		return op.whole(it)
	case parts[0] == "title" && len(parts) == 1:
		return op.into(&it.Title)
	case parts[0] == "favorite" && len(parts) == 1:
		if op.Op == "remove" {
			it.Favorite = false
			return nil
		}
		return op.into(&it.Favorite)
	case parts[0] == "tags":
		return op.tags(it, parts[1:])
	case parts[0] == "urls" && len(parts) == 1:
		return op.into(&it.URLs)
	case parts[0] == "sections":
		return op.sections(it, parts[1:])
	case parts[0] == "fields":
		return op.fields(it, parts[1:])
	}
	return errorf(400, "Invalid patch path: %.60q cannot be changed", op.Path)
}

// into sets a value; the error does not quote it.
func (op patchOp) into(v any) error {
	if op.Op == "remove" {
		return errorf(400, "Invalid patch: %.60q cannot be removed", op.Path)
	}
	if json.Unmarshal(op.Value, v) != nil || (string(op.Value) == "null" && !mayBeNull(v)) {
		return errorf(400, "Invalid patch: the value for %.60q has the wrong form", op.Path)
	}
	return nil
}

// mayBeNull tells for what null means nothing rather than no change, which is
// how encoding/json takes it.
func mayBeNull(v any) bool {
	switch v.(type) {
	case **string, **refJSON, **recipeJSON, *[]string, *[]urlJSON, *[]fieldJSON, *[]sectionJSON:
		return true
	}
	return false
}

func (op patchOp) whole(it *itemJSON) error {
	if op.Op != "replace" {
		return errorf(400, "Invalid patch: / can only be replaced")
	}
	next := itemJSON{ID: it.ID, Vault: it.Vault, Category: it.Category}
	if err := op.into(&next); err != nil {
		return err
	}
	if next.ID != it.ID {
		return errorf(400, "Item UUID in the body does not match the path")
	}
	*it = next
	return nil
}

func (op patchOp) tags(it *itemJSON, rest []string) error {
	if len(rest) == 0 {
		if op.Op == "remove" {
			it.Tags = nil
			return nil
		}
		var one string
		if op.Op == "add" && json.Unmarshal(op.Value, &one) == nil {
			it.Tags = append(it.Tags, one)
			return nil
		}
		it.Tags = nil
		return op.into(&it.Tags)
	}
	i, err := strconv.Atoi(rest[0])
	if rest[0] == "-" && op.Op == "add" {
		i, err = len(it.Tags), nil
	}
	most := len(it.Tags) - 1
	if op.Op == "add" {
		most++
	}
	if err != nil || len(rest) > 1 || i < 0 || i > most {
		return errorf(400, "Invalid patch path: the item has %d tags", len(it.Tags))
	}
	switch op.Op {
	case "remove":
		it.Tags = slices.Delete(it.Tags, i, i+1)
		return nil
	case "add":
		it.Tags = slices.Insert(it.Tags, i, "")
	}
	return op.into(&it.Tags[i])
}

func (op patchOp) sections(it *itemJSON, rest []string) error {
	if len(rest) == 0 && op.Op == "add" {
		var sec sectionJSON
		if err := op.into(&sec); err != nil {
			return err
		}
		it.Sections = append(it.Sections, sec)
		return nil
	}
	if len(rest) == 0 {
		it.Sections = nil
		return op.into(&it.Sections)
	}
	i := slices.IndexFunc(it.Sections, func(s sectionJSON) bool { return s.ID == rest[0] })
	switch {
	case i < 0:
		return errorf(400, "The item doesn't have a %.60s section.", rest[0])
	case op.Op == "remove":
		it.Sections = slices.Delete(it.Sections, i, i+1)
		return nil
	case len(rest) == 2 && rest[1] == "label":
		return op.into(&it.Sections[i].Label)
	}
	return op.into(&it.Sections[i])
}

func (op patchOp) fields(it *itemJSON, rest []string) error {
	if len(rest) == 0 {
		if op.Op != "add" {
			it.Fields = nil
			if op.Op == "remove" {
				return nil
			}
			return op.into(&it.Fields)
		}
		var f fieldJSON
		if err := op.into(&f); err != nil {
			return err
		}
		it.Fields = append(it.Fields, f)
		return nil
	}
	i := slices.IndexFunc(it.Fields, func(f fieldJSON) bool { return f.ID == rest[0] })
	switch {
	case i < 0 && op.Op == "add" && len(rest) == 1:
		f := fieldJSON{ID: rest[0]}
		if err := op.into(&f); err != nil {
			return err
		}
		it.Fields = append(it.Fields, f)
		return nil
	case i < 0:
		return errorf(400, "The item doesn't have a %.60s field.", rest[0])
	case len(rest) == 1 && op.Op == "remove":
		it.Fields = slices.Delete(it.Fields, i, i+1)
		return nil
	case len(rest) == 1:
		f := fieldJSON{ID: rest[0], Type: it.Fields[i].Type, Purpose: it.Fields[i].Purpose, Section: it.Fields[i].Section}
		if err := op.into(&f); err != nil {
			return err
		}
		it.Fields[i] = f
		return nil
	case len(rest) == 2:
		return op.attribute(&it.Fields[i], rest[1])
	}
	return errorf(400, "Invalid patch path: %.60q cannot be changed", op.Path)
}

func (op patchOp) attribute(f *fieldJSON, name string) error {
	if op.Op == "remove" {
		switch name {
		case "value":
			f.Value = nil
		case "section":
			f.Section = nil
		case "label":
			f.Label = ""
		case "purpose":
			f.Purpose = ""
		default:
			return errorf(400, "Invalid patch: %.60q cannot be removed", op.Path)
		}
		return nil
	}
	switch name {
	case "value":
		f.Value = nil
		return op.into(&f.Value)
	case "label":
		return op.into(&f.Label)
	case "type":
		return op.into(&f.Type)
	case "purpose":
		return op.into(&f.Purpose)
	case "section":
		f.Section = nil
		return op.into(&f.Section)
	case "generate":
		f.Value = nil // a new one is wanted
		return op.into(&f.Generate)
	case "recipe":
		return op.into(&f.Recipe)
	}
	return errorf(400, "Invalid patch path: a field has no %.60q", name)
}
