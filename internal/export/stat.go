package export

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"rinca/internal/atomicfile"
)

// A stat is what can be learnt of a file without reading it. When nothing in
// it has moved, the content has not either: the change time cannot be set back.
type stat struct {
	Size  int64       `json:"size"`
	MTime int64       `json:"mtime"` // nanoseconds
	CTime int64       `json:"ctime"`
	Inode uint64      `json:"inode"`
	Mode  fs.FileMode `json:"mode"`
	UID   int         `json:"uid"`
	GID   int         `json:"gid"`
	Links uint64      `json:"links"`
}

func statOf(info fs.FileInfo) stat {
	s := stat{Size: info.Size(), MTime: info.ModTime().UnixNano(), Mode: info.Mode().Perm(), UID: -1, GID: -1}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.CTime = changeTime(sys)
		s.Inode = sys.Ino
		s.UID, s.GID = int(sys.Uid), int(sys.Gid)
		s.Links = uint64(sys.Nlink) //nolint:unconvert // its type differs between systems
	}
	return s
}

// A kind is what a name on disk is.
type kind string

const (
	absent  kind = ""
	regular kind = "file"
	symlink kind = "symbolic link"
	special kind = "special" // a directory, pipe, socket or device
)

func kindOf(mode fs.FileMode) kind {
	switch {
	case mode.IsRegular():
		return regular
	case mode&fs.ModeSymlink != 0:
		return symlink
	}
	return special
}

// errSpecial is a name that is not a regular file.
var errSpecial = errors.New("not a regular file")

// maxRead bounds what is read of a file that somebody else may have put there.
const maxRead = 64 << 20

// readRegular reads a regular file and nothing else: it neither follows a link
// nor waits for a pipe. Other errors than fs.ErrNotExist and errSpecial have
// code Destination.
func readRegular(root *os.Root, name string) ([]byte, fs.FileInfo, error) {
	before, err := root.Lstat(name)
	if err != nil {
		return nil, nil, readError(root, name, err)
	}
	if !before.Mode().IsRegular() || before.Size() > maxRead {
		return nil, before, errSpecial
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, before, readError(root, name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, before, readError(root, name, err)
	}
	if !os.SameFile(before, info) {
		return nil, before, errSpecial
	}
	data, err := io.ReadAll(io.LimitReader(f, maxRead))
	if err != nil {
		return nil, before, readError(root, name, err)
	}
	return data, info, nil
}

func readError(root *os.Root, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ErrNotExist
	}
	return atomicfile.Error("read", atomicfile.Path(root, name), err)
}
