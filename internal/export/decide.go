package export

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// Decide turns facts into a plan. It does no I/O, and its cost grows linearly
// in the number of files.
func Decide(f Facts) *Plan {
	p := &Plan{Vault: f.Vault, Dest: f.Dest, anyItems: f.anyItems, Stacks: make([]Stack, 0, len(f.stacks))}
	for _, s := range f.stacks {
		p.Stacks = append(p.Stacks, f.decideStack(s))
	}
	return p
}

func (f Facts) decideStack(s *stackFacts) Stack {
	out := Stack{Name: s.choice.stack, dirExists: s.dir.exists}
	for _, o := range s.orphans {
		out.Files = append(out.Files, stale(o))
	}
	if s.err != nil || s.missing != nil {
		out.Err = s.err
		if s.err == nil {
			out.Err = s.missing
		}
		return out
	}
	problems := slices.Clone(s.choice.problems)
	blocked := false // by what is on disk
	var files []File
	var attrs []Attr
	for _, ff := range s.files {
		file, wrong := f.decideFile(s.choice.stack, ff)
		problems = append(problems, wrong...)
		blocked = blocked || ff.disk.kind == special
		files = append(files, file)
		attrs = append(attrs, file.attr)
	}
	stackAttr, err := f.Rules.resolve(f.Rules.stack(s.choice.stack))
	if err != nil {
		problems = append(problems, err.Error())
	}
	if len(problems) > 0 {
		out.Problems = problems
		out.Err = problemError(s.choice.stack, problems, blocked)
		return out
	}
	out.Files = append(files, out.Files...)
	out.dirAttr = dirAttr(stackAttr, attrs)
	if s.dir.exists {
		out.DirChange = attrChange(s.dir.stat, out.dirAttr)
	}
	return out
}

// problemError puts all the problems of a stack into one error.
func problemError(stack string, problems []string, destination bool) error {
	code := rinca.Invalid
	if destination {
		code = rinca.Destination
	}
	if len(problems) == 1 {
		return rinca.Errorf(code, "stack %s: %s", stack, problems[0])
	}
	return rinca.Errorf(code, "stack %s has %d problems:\n  %s", stack, len(problems), strings.Join(problems, "\n  "))
}

func stale(o orphan) File {
	_, title := split(o.name)
	f := File{Title: title, Action: Stale, disk: o.disk}
	if !o.disk.intact {
		f.Drift = "edited on disk"
	}
	return f
}

// decideFile decides about one file, and says what is wrong with it.
func (f Facts) decideFile(stack string, ff *fileFacts) (File, []string) {
	file := File{Title: ff.item.Title, Item: ff.item.ID, Version: ff.item.Version, disk: ff.disk, entry: ff.entry}
	var wrong []string
	if ff.disk.kind == special {
		wrong = append(wrong, fmt.Sprintf("%s/%s/%s is not a file; move it away (item %s)", f.Dest, stack, ff.item.Title, ff.item.ID))
	}
	if ff.held != "" {
		f.hold(&file, ff)
		return file, wrong
	}
	if ff.out == nil {
		attr, err := f.Rules.resolve(f.Rules.file(stack, ff.item.Title, ff.entry.Own))
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v (item %s)", ff.item.Title, err, ff.item.ID))
		}
		file.attr = attr
		f.keep(&file)
		return file, wrong
	}
	wrong = append(wrong, ff.out.problems...)
	if len(wrong) > 0 {
		return file, wrong
	}
	file.attr, file.Because = ff.out.attr, ff.out.because
	file.entry = f.newEntry(ff)
	file.note = true
	if ff.disk.kind == regular && ff.disk.stat.Links <= 1 && ff.oldDigest == ff.digest {
		file.entry.ExportedAt = ff.entry.ExportedAt
		if !ff.known {
			file.entry.ExportedAt = f.Now
		}
		f.keep(&file)
		return file, nil
	}
	f.replace(&file, ff)
	return file, nil
}

// keep is for a file whose content stays.
func (f Facts) keep(file *File) {
	file.Action = Unchanged
	if file.Change = attrChange(file.disk.stat, file.attr); file.Change != "" {
		file.Action = Permissions
	}
	if file.disk.moved {
		file.note = true
	}
	file.entry.Stat = file.disk.stat
}

// replace is for a file whose content is to be written.
func (f Facts) replace(file *File, ff *fileFacts) {
	file.data = ff.out.data
	file.Keys = ff.keys
	file.Action = Updated
	ours := ff.known && ff.entry.Vault == f.Vault.ID && ff.entry.Item == ff.item.ID
	switch {
	case ff.disk.kind == absent:
		file.Action = Exported
		if ours {
			file.Drift = "was missing"
		}
	case ff.disk.kind == symlink:
		file.Drift = "was a symbolic link"
	case ff.disk.stat.Links > 1:
		file.Drift = "had another name: a hard link"
	case ours && !ff.disk.intact:
		file.Drift = "edited on disk"
	case ff.known && ff.entry.Vault != f.Vault.ID:
		file.Drift = "was exported from another vault"
	}
	if ours && file.Action == Updated && file.Drift != "" && ff.entry.Digest == ff.digest {
		file.Action = Repaired
	}
	if ff.disk.kind == regular {
		file.Change = attrChange(ff.disk.stat, file.attr)
	}
}

func (f Facts) newEntry(ff *fileFacts) entry {
	e := entry{
		Vault: f.Vault.ID, Item: ff.item.ID, Version: ff.item.Version, UpdatedAt: ff.item.UpdatedAt,
		Digest: ff.digest, Own: ff.out.own, Format: string(ff.out.attr.Format), Rule: renderRule,
		Placeholders: len(ff.out.placeholders) > 0, Keys: len(ff.out.vars), ExportedAt: f.Now,
	}
	// The item may have changed between the list and the fetch. Its time is
	// then not known in the list's precision, and left out.
	if v := ff.fetched.Version; ff.item.Version != 0 && v != 0 && v != ff.item.Version {
		e.Version, e.UpdatedAt = v, time.Time{}
	}
	return e
}

// attrChange says how the permissions of what is on disk have to change; ""
// when they are as they should be.
func attrChange(s stat, a Attr) string {
	var parts []string
	if s.Mode != a.Mode {
		parts = append(parts, octal(s.Mode)+" → "+octal(a.Mode))
	}
	if a.UID != -1 && s.UID != a.UID {
		parts = append(parts, fmt.Sprintf("owner %d → %d", s.UID, a.UID))
	}
	if a.GID != -1 && s.GID != a.GID {
		parts = append(parts, fmt.Sprintf("group %d → %d", s.GID, a.GID))
	}
	return strings.Join(parts, ", ")
}

func octal(m fs.FileMode) string { return fmt.Sprintf("%04o", m.Perm()) }
