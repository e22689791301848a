package connectapi

import (
	"encoding/base64"
	"mime"
	"strconv"
	"strings"
	"unicode"

	"rinca/internal/rinca"
)

func (s *Server) listFiles(r *request) (any, error) {
	it, err := s.stored(r)
	if err != nil {
		return nil, err
	}
	out := []fileJSON{}
	for _, f := range it.Files {
		j, err := s.file(r, it, f)
		if err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	return out, nil
}

func (s *Server) getFile(r *request) (any, error) {
	it, f, err := s.oneFile(r)
	if err != nil {
		return nil, err
	}
	return s.file(r, it, f)
}

// file is a file as JSON, with its content when the client asks for that.
func (s *Server) file(r *request, it rinca.Item, f rinca.File) (fileJSON, error) {
	out := toFile(it, f)
	if inline, _ := strconv.ParseBool(r.URL.Query().Get("inline_files")); !inline {
		return out, nil
	}
	if f.Size > s.cfg.MaxInline {
		return out, errorf(413, "File is too large to inline in request. Use the /v1/vaults/{vaultUUID}/items/{itemUUID}/files/{fileUUID}/content endpoint instead.")
	}
	content, err := s.cfg.DB.ReadFile(r.Context(), it.VaultID, it.ID, f.ID)
	out.Content = base64.StdEncoding.EncodeToString([]byte(content.Reveal()))
	return out, err
}

func (s *Server) getContent(r *request) (any, error) {
	it, f, err := s.oneFile(r)
	if err != nil {
		return nil, err
	}
	content, err := s.cfg.DB.ReadFile(r.Context(), it.VaultID, it.ID, f.ID)
	if err != nil {
		return nil, err
	}
	r.header.Set("Content-Disposition", disposition(f.Name))
	return raw{"application/octet-stream", []byte(content.Reveal())}, nil
}

// disposition names the file of an answer: quoted as Connect does where the
// name is plain, encoded where it is not.
func disposition(name string) string {
	odd := func(r rune) bool { return r > unicode.MaxASCII || unicode.IsControl(r) || r == '"' || r == '\\' }
	if strings.ContainsFunc(name, odd) {
		return mime.FormatMediaType("attachment", map[string]string{"filename": name})
	}
	return `attachment; filename="` + name + `"`
}

func (s *Server) oneFile(r *request) (rinca.Item, rinca.File, error) {
	it, err := s.stored(r)
	if err != nil {
		return it, rinca.File{}, err
	}
	for _, f := range it.Files {
		if f.ID == r.fileID {
			return it, f, nil
		}
	}
	return it, rinca.File{}, errorf(404, "file %.60s not found", r.fileID)
}
