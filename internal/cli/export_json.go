package cli

import (
	"path/filepath"
	"time"

	"rinca/internal/export"
	"rinca/internal/rinca"
)

// The documents of rinca export --json; docs/reference/export.md describes
// them. They hold names, never values.
type (
	exportDoc struct {
		Time     time.Time      `json:"time,omitzero"` // with --watch
		Vault    exportVault    `json:"vault"`
		Dest     string         `json:"dest"`
		Plan     bool           `json:"plan"`
		Offline  bool           `json:"offline"`
		Changes  bool           `json:"changes"`
		Requests int            `json:"requests"`
		Summary  map[string]int `json:"summary"`
		Stacks   []exportStack  `json:"stacks"`
		Notes    []string       `json:"notes,omitempty"`
		Error    *jsonError     `json:"error,omitempty"`
		// NextSeconds is how long --watch waits now.
		NextSeconds float64 `json:"next_seconds,omitempty"`
	}
	exportVault struct {
		ID             string `json:"id"`
		Name           string `json:"name"`
		ContentVersion int64  `json:"content_version"`
	}
	exportStack struct {
		Name      string       `json:"name"`
		Dir       string       `json:"dir"`
		Files     []exportFile `json:"files"`
		Directory string       `json:"directory_permissions,omitempty"`
		Notes     []string     `json:"notes,omitempty"`
		Problems  []string     `json:"problems,omitempty"`
		Error     *jsonError   `json:"error,omitempty"`
	}
	exportFile struct {
		Title       string        `json:"title"`
		Path        string        `json:"path"`
		Action      export.Action `json:"action"`
		Item        string        `json:"item,omitempty"`
		Version     int64         `json:"version,omitempty"`
		Drift       string        `json:"drift,omitempty"`
		Permissions string        `json:"permissions,omitempty"`
		Keys        export.Keys   `json:"keys"`
		AgeSeconds  float64       `json:"age_seconds,omitempty"`
		// NotUniversal says which variables keep docker stack deploy and the
		// like from reading the file; known when the item was fetched.
		NotUniversal []string `json:"not_universal,omitempty"`
	}
	jsonError struct {
		Code    rinca.Code `json:"code"`
		Message string     `json:"message"`
		Hint    string     `json:"hint,omitempty"`
	}
)

func exportDocument(p *export.Plan, plan bool, err error) exportDoc {
	d := exportDoc{
		Vault: exportVault{p.Vault.ID, p.Vault.Name, p.Vault.ContentVersion},
		Dest:  p.Dest, Plan: plan, Offline: p.Offline, Changes: p.Changes(), Requests: p.Requests,
		Summary: map[string]int{}, Stacks: []exportStack{}, Notes: p.Notes, Error: toJSONError(err),
	}
	for i := range p.Stacks {
		s := &p.Stacks[i]
		for action, n := range s.Count() {
			d.Summary[string(action)] += n
		}
		if s.Err != nil {
			d.Summary["failed_stacks"]++
		}
		d.Stacks = append(d.Stacks, stackDocument(p, s))
	}
	return d
}

func stackDocument(p *export.Plan, s *export.Stack) exportStack {
	out := exportStack{
		Name: s.Name, Dir: p.Dir(s.Name), Files: []exportFile{}, Directory: s.DirChange,
		Notes: s.Notes, Problems: s.Problems, Error: toJSONError(s.Err),
	}
	for i := range s.Files {
		f := &s.Files[i]
		out.Files = append(out.Files, exportFile{
			Title: f.Title, Path: filepath.Join(p.Dir(s.Name), f.Title), Action: f.Action, Item: f.Item,
			Version: f.Version, Drift: f.Drift, Permissions: f.Change, Keys: f.Keys,
			AgeSeconds: f.Age.Seconds(), NotUniversal: f.Because,
		})
	}
	return out
}

func toJSONError(err error) *jsonError {
	if err == nil {
		return nil
	}
	return &jsonError{rinca.CodeOf(err), err.Error(), rinca.HintOf(err)}
}
