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
		if why := r.req.Hold(v, infoOf(v, f.item)); why != "" {
			f.held = why
		}
	}
}

func infoOf(v rinca.Vault, i listedItem) rinca.Info {
	return rinca.Info{ID: i.ID, VaultID: v.ID, Title: i.Title, Version: i.Version, UpdatedAt: i.UpdatedAt}
}

func infosOf(v rinca.Vault, items []listedItem) []rinca.Info {
	out := make([]rinca.Info, len(items))
	for i := range items {
		out[i] = infoOf(v, items[i])
	}
	return out
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
