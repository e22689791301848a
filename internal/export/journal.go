package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

const journalFile = stateDir + "/journal"

// A journal says which renames belong together. It is written when the new
// bytes of every file are safe under temporary names, and removed when every
// file has its own name and the manifest knows it.
type journal struct {
	Format int    `json:"format"`
	Units  []unit `json:"units"`
}

// A unit is the files of one stack: all of them are replaced, or none.
type unit struct {
	Stack string `json:"stack"`
	Moves []move `json:"moves"`
}

// A move replaces one file of a stack.
type move struct {
	Title string `json:"title"`
	Temp  string `json:"temp"` // holds the new bytes until they are renamed
	// Backup is another name of the old file, while there is one.
	Backup string `json:"backup,omitempty"`
	// Old tells that there was a file.
	Old   bool  `json:"old,omitempty"`
	Entry entry `json:"entry"`
}

func (u unit) name(base string) string { return path.Join(u.Stack, base) }

// write makes the journal durable.
func (j journal) write(d *dest) error {
	j.Format = manifestFormat
	data, err := sign(d.key, "journal", j)
	if err != nil {
		return err
	}
	return atomicfile.Write(d.root, journalFile, data, atomicfile.Mode(0o600))
}

// removeJournal ends a transaction.
func removeJournal(root *os.Root) error {
	if err := root.Remove(journalFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return atomicfile.Error("remove", atomicfile.Path(root, journalFile), err)
	}
	return atomicfile.SyncDir(root, stateDir)
}

// pending reports whether an export was interrupted between its renames.
func (d *dest) pending() bool {
	if d.root == nil {
		return false
	}
	_, err := d.root.Lstat(journalFile)
	return err == nil
}

// A Recovery says what became of a stack whose export was interrupted.
type Recovery struct {
	Stack     string
	Completed bool // else undone
}

// recover completes or undoes what an interrupted export left, before anything
// is read, and records completed files in the manifest. The caller holds the
// lock. When a stack can be neither completed nor undone, the journal stays and
// the error has code Destination.
func (d *dest) recover(m *manifest) ([]Recovery, error) {
	data, _, err := readRegular(d.root, journalFile)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errSpecial) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	j, ok := readJournal(data, d.key)
	if !ok {
		// Only rot makes a journal unreadable: it is written atomically. What
		// it spoke of is written again by the export that follows.
		return nil, removeJournal(d.root)
	}
	var done []Recovery
	for _, u := range j.Units {
		ok, err := d.recoverUnit(u, m)
		if err != nil {
			return done, err
		}
		done = append(done, Recovery{Stack: u.Stack, Completed: ok})
	}
	if err := m.save(d.root, d.key); err != nil {
		return done, err
	}
	if err := removeJournal(d.root); err != nil {
		return done, err
	}
	for _, u := range j.Units {
		d.dropBackups(u)
	}
	return done, nil
}

func readJournal(data []byte, k key) (journal, bool) {
	body, mac, ok := bytes.Cut(data, []byte("\n"))
	if !ok || k == nil || !equalMAC(strings.TrimSpace(string(mac)), k.mac("journal", body)) {
		return journal{}, false
	}
	var j journal
	if json.Unmarshal(body, &j) != nil || j.Format != manifestFormat {
		return journal{}, false
	}
	for _, u := range j.Units {
		bad := func(m move) bool {
			return rinca.TitleProblem(m.Title) != "" || !atomicfile.IsTemp(m.Temp) || (m.Backup != "" && !atomicfile.IsTemp(m.Backup))
		}
		if !rinca.ValidStackName(u.Stack) || slices.ContainsFunc(u.Moves, bad) {
			return journal{}, false
		}
	}
	return j, true
}

func (d *dest) recoverUnit(u unit, m *manifest) (completed bool, err error) {
	if d.canComplete(u) {
		if err := d.complete(u); err == nil {
			d.record(u, m)
			return true, nil
		}
	}
	if err := d.undo(u); err != nil {
		return false, rinca.Errorf(rinca.Destination,
			"stack %s: an interrupted export can be neither completed nor undone: %w", u.Stack, err).Try("%s", hint(err))
	}
	return false, nil
}

func hint(err error) string {
	if h := rinca.HintOf(err); h != "" {
		return h
	}
	return "rinca doctor"
}

// canComplete reports whether each file is either renamed already or waits,
// whole, under its temporary name.
func (d *dest) canComplete(u unit) bool {
	for _, mv := range u.Moves {
		if !d.holds(u.name(mv.Temp), u.name(mv.Title), mv.Entry) && !d.holds(u.name(mv.Title), u.name(mv.Title), mv.Entry) {
			return false
		}
	}
	return true
}

// holds reports whether name has the content that e, the entry of target, is
// about.
func (d *dest) holds(name, target string, e entry) bool {
	data, _, err := readRegular(d.root, name)
	return err == nil && equalMAC(d.key.digest(target, data), e.Digest)
}

// complete renames what is not renamed yet, and makes that durable.
func (d *dest) complete(u unit) error {
	for _, mv := range u.Moves {
		_, err := d.root.Lstat(u.name(mv.Temp))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := atomicfile.CheckTarget(d.root, u.name(mv.Title)); err != nil {
			return err
		}
		if err := atomicfile.Rename(d.root, u.name(mv.Temp), u.name(mv.Title)); err != nil {
			return err
		}
	}
	return atomicfile.SyncDir(d.root, u.Stack)
}

// undo brings the old files back and removes the new ones. It may be repeated.
func (d *dest) undo(u unit) error {
	for _, mv := range u.Moves {
		if d.exists(u.name(mv.Temp)) { // it was never renamed
			if mv.Backup != "" {
				_ = d.root.Remove(u.name(mv.Backup))
			}
			_ = d.root.Remove(u.name(mv.Temp))
			continue
		}
		if err := d.undoMove(u, mv); err != nil {
			return err
		}
	}
	if !d.exists(u.Stack) {
		return nil
	}
	return atomicfile.SyncDir(d.root, u.Stack)
}

// undoMove takes a rename back.
func (d *dest) undoMove(u unit, mv move) error {
	target := u.name(mv.Title)
	switch {
	case mv.Backup != "" && d.exists(u.name(mv.Backup)):
		return atomicfile.Rename(d.root, u.name(mv.Backup), target)
	case !mv.Old && d.holds(target, target, mv.Entry):
		if err := d.root.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return atomicfile.Error("remove", filepath.Join(d.path, target), err)
		}
	}
	return nil
}

func (d *dest) exists(name string) bool {
	_, err := d.root.Lstat(name)
	return err == nil
}

// record puts the files of a completed unit into the manifest.
func (d *dest) record(u unit, m *manifest) {
	for _, mv := range u.Moves {
		info, err := d.root.Lstat(u.name(mv.Title))
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		e := mv.Entry
		e.Stat = statOf(info)
		m.put(u.name(mv.Title), e)
	}
}

// dropBackups removes the other names of replaced files.
func (d *dest) dropBackups(u unit) {
	for _, mv := range u.Moves {
		if mv.Backup != "" {
			_ = d.root.Remove(u.name(mv.Backup)) // what stays is swept by the next run
		}
	}
}
