package compose

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"rinca/internal/rinca"
)

// memoryFile makes a file that is in memory only, for libraries that read
// files by their path. It is gone when it is closed.
func memoryFile(name string, content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "make file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(content); err != nil {
		f.Close()
		return nil, rinca.Errorf(rinca.Internal, "fill file in memory: %w", err)
	}
	return f, nil
}

// memoryPath is the path by which this process opens an open file.
func memoryPath(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }
