package git

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// A manifest says what Checkout has put into a directory. It lies beside it.
type manifest struct {
	Version int    `json:"version"`
	Commit  string `json:"commit"` // "" while files are being replaced
	// Files are those that may have been written here, by path. Nothing else
	// is ever removed.
	Files map[string]manifestFile `json:"files"`
}

// A manifestFile is one file. Its stamp is not set when it may have changed
// without a trace: then its content is read the next time.
type manifestFile struct {
	Hash  string `json:"hash"`
	Kind  string `json:"kind"`
	Stamp *stamp `json:"stamp,omitempty"`
}

// A stamp tells a file that was changed or replaced from one that was not.
type stamp struct {
	Size    int64  `json:"size"`
	Changed int64  `json:"ctime"` // nanoseconds; unlike mtime it cannot be set
	Inode   uint64 `json:"inode"`
	Mode    uint32 `json:"mode"`
}

// settled is how old a change must be for its time to tell it from a later
// one: clocks of file systems tick slowly.
const settled = 50 * time.Millisecond

func stampOf(info fs.FileInfo) *stamp {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return &stamp{Size: st.Size, Changed: st.Ctim.Nano(), Inode: st.Ino, Mode: st.Mode}
}

// same reports whether the file is surely the one that the stamp is of.
func (s *stamp) same(info fs.FileInfo) bool {
	now := stampOf(info)
	return s != nil && now != nil && *s == *now
}

// readManifest reads a manifest. One that is missing or cannot be read is an
// empty one: then files that are there and should be different are a conflict,
// and nothing is lost.
func readManifest(root *os.Root, name string) (*manifest, error) {
	man := &manifest{}
	data, err := root.ReadFile(name)
	if err == nil && json.Unmarshal(data, man) == nil && man.Version == 1 && man.Files != nil {
		return man, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, atomicfile.Error("read", atomicfile.Path(root, name), err)
	}
	return &manifest{Version: 1, Files: map[string]manifestFile{}}, nil
}

func (man *manifest) write(root *os.Root, name string) error {
	data, err := json.Marshal(man)
	if err != nil {
		return rinca.Errorf(rinca.Internal, "write a manifest: %w", err)
	}
	return atomicfile.Write(root, name, data, atomicfile.Mode(0o600))
}
