package connectapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// stored reads an item. An archived one is found by its id, as Connect does.
func (s *Server) stored(r *request) (rinca.Item, error) {
	items, err := s.cfg.DB.Get(r.Context(), r.vaultID, r.itemID)
	if rinca.CodeOf(err) == rinca.NotFound {
		return rinca.Item{}, errorf(404, "item %s not found", r.itemID)
	}
	if err != nil {
		return rinca.Item{}, err
	}
	r.note.version = items[0].Version
	return items[0], nil
}

func (s *Server) getItem(r *request) (any, error) {
	it, err := s.stored(r)
	if err != nil {
		return nil, err
	}
	return s.toItem(it)
}

func (s *Server) createItem(r *request) (any, error) {
	var in itemJSON
	if err := decode(r.Body, &in); err != nil {
		return nil, err
	}
	it, err := fromItem(in, r.vaultID, true)
	if err != nil {
		return nil, err
	}
	it.ID = "" // the server chooses
	made, err := s.cfg.DB.Create(r.Context(), it)
	if err != nil {
		return nil, err
	}
	r.itemID = made.ID
	return s.shown(r, made, made.Version)
}

// putItem replaces an item. Its answer carries the version from before: that
// is what Connect does, and what Terraform waits for.
func (s *Server) putItem(r *request) (any, error) {
	old, err := s.stored(r)
	if err != nil {
		return nil, err
	}
	var in itemJSON
	if err := decode(r.Body, &in); err != nil {
		return nil, err
	}
	if in.ID != "" && in.ID != r.itemID {
		return nil, errorf(400, "Item UUID in the body does not match the path")
	}
	if in.Category == "" {
		in.Category = string(old.Category)
	}
	it, err := fromItem(in, r.vaultID, false)
	if err != nil {
		return nil, err
	}
	return s.update(r, old, it)
}

// patchTries is how often a PATCH is applied again because somebody else
// changed the item between its reading and its writing.
const patchTries = 20

func (s *Server) patchItem(r *request) (any, error) {
	var ops []patchOp
	if err := decode(r.Body, &ops); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		out, err := s.patchOnce(r, ops)
		if rinca.CodeOf(err) != rinca.Conflict || try == patchTries {
			return out, err
		}
	}
}

func (s *Server) patchOnce(r *request, ops []patchOp) (any, error) {
	old, err := s.stored(r)
	if err != nil {
		return nil, err
	}
	if len(ops) == 0 {
		return s.shown(r, old, old.Version)
	}
	before, err := s.toItem(old)
	if err != nil {
		return nil, err
	}
	after, err := applyPatch(before, ops)
	if err != nil {
		return nil, err
	}
	it, err := fromItem(after, r.vaultID, false)
	if err != nil {
		return nil, err
	}
	it.Version = old.Version // so that a change in between is noticed
	made, err := s.save(r, old, it)
	if err != nil {
		return nil, err
	}
	return s.shown(r, made, made.Version)
}

func (s *Server) update(r *request, old, it rinca.Item) (any, error) {
	made, err := s.save(r, old, it)
	if err != nil {
		return nil, err
	}
	return s.shown(r, made, old.Version)
}

func (s *Server) save(r *request, old, it rinca.Item) (rinca.Item, error) {
	it.ID = r.itemID
	if it.Files == nil { // clients leave files out; that does not delete them
		it.Files = old.Files
	}
	made, err := s.cfg.DB.Update(r.Context(), it)
	r.note.version = made.Version
	return made, err
}

// writtenJSON is all that a token which may not read is told of an item it
// wrote: in the answer to a PATCH, even the title could be news.
type writtenJSON struct {
	ID        string    `json:"id"`
	Vault     refJSON   `json:"vault"`
	Version   int64     `json:"version"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// shown is an item as an answer to a write, as much of it as the token may
// read.
func (s *Server) shown(r *request, it rinca.Item, version int64) (any, error) {
	if !r.token.Vaults[r.vaultID].Read {
		return writtenJSON{it.ID, refJSON{it.VaultID}, version, it.UpdatedAt}, nil
	}
	out, err := s.toItem(it)
	out.Version = version
	return out, err
}

func (s *Server) deleteItem(r *request) (any, error) {
	if _, err := s.stored(r); err != nil {
		return nil, err
	}
	if err := s.cfg.DB.Delete(r.Context(), r.vaultID, r.itemID); err != nil {
		return nil, err
	}
	return noContent{}, nil
}

// decode reads a JSON body; the error never quotes it.
func decode(body io.Reader, into any) error {
	data, err := io.ReadAll(body)
	if err != nil {
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return tooLarge
		}
		return errorf(400, "Unable to read the request body")
	}
	if !exactText(data) || json.Unmarshal(data, into) != nil {
		return errorf(400, "Invalid JSON in the request body")
	}
	return nil
}

// surrogate finds the escapes of halves of characters in JSON, in pairs or
// alone; the first alternative steps over an escaped backslash. encoding/json
// puts U+FFFD in the place of half a character.
var surrogate = lazyregexp.New(`\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)

// exactText reports whether every string of a JSON text arrives as it was
// sent: a value that is changed on its way is worse than one refused.
func exactText(data []byte) bool {
	if !utf8.Valid(data) {
		return false
	}
	if !bytes.Contains(data, []byte(`\ud`)) && !bytes.Contains(data, []byte(`\uD`)) {
		return true
	}
	for _, m := range surrogate.FindAll(data, -1) {
		if len(m) == len(`\ud800`) {
			return false
		}
	}
	return true
}
