package child

import (
	"os"

	"golang.org/x/sys/unix"
)

// widen lets a pipe hold more, so that a command that prints much is not
// stopped after each 64 KiB. It does no harm if the system refuses.
func widen(pipe *os.File) {
	const most = 1 << 20 // what anybody may ask for
	if c, err := pipe.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, most) })
	}
}
