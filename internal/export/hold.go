package export

import (
	"rinca/internal/rinca"
)

// hold finds the files of a stack whose items are held. An item that is only
// tagged so, and was never exported, is: there is nothing that it would change.
func (r *run) hold(v rinca.Vault, s *stackFacts) {
	for _, f := range s.files {
		if f.item.Hold && f.disk.kind != absent {
			f.held = "it is tagged " + rinca.HoldTag
		}
		if r.req.Hold == nil {
			continue
		}
		info := rinca.Info{ID: f.item.ID, VaultID: v.ID, Title: f.item.Title, Version: f.item.Version, UpdatedAt: f.item.UpdatedAt}
		if why := r.req.Hold(v, info); why != "" {
			f.held = why
		}
	}
}

// hold is for a file that stays exactly as it is on disk. The manifest is told
// nothing, so that what is held is looked at anew when it is let go.
func (f Facts) hold(file *File, ff *fileFacts) {
	file.Action, file.Held = Unchanged, ff.held
	file.attr = Attr{Mode: 0o600, UID: -1, GID: -1}
	if ff.disk.kind == regular {
		file.attr.Mode = ff.disk.stat.Mode
	}
}

// Content returns what the action writes; not set when it writes nothing.
func (f *File) Content() rinca.Secret {
	if !f.writes() {
		return rinca.Secret{}
	}
	return f.data
}
