package compose

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"

	"rinca/internal/rinca"
)

// A peer is the process of an engine on this machine.
type peer struct {
	pid  int
	same bool // it sees the files that we see
}

// peer finds the engine's process by its socket. From inside a container, the
// engine's process and files are out of sight: pid is 0.
func (e *Engine) peer(ctx context.Context) (p peer) {
	conn, err := e.dial.dial(ctx)
	if err != nil {
		return p
	}
	defer conn.Close()
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return p
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return p
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			p.pid = int(cred.Pid)
		}
	})
	if p.pid > 0 {
		p.same = sameRoot(p.pid)
	}
	return p
}

// sameRoot reports whether a process has our root directory. Without the
// right to know it is taken to: the usual engine has.
func sameRoot(pid int) bool {
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/root/", pid))
	if err != nil {
		return os.Getuid() != 0
	}
	ours, err := os.Stat("/")
	return err == nil && os.SameFile(theirs, ours)
}

// An engineRoot is where an engine's process keeps its containers. It does not
// change while the process lives, and to ask takes the engine long: it starts
// programs to answer.
type engineRoot struct {
	mu  sync.Mutex
	pid int
	at  time.Time
	dir string
}

func (e *Engine) rootDir(ctx context.Context, host peer) (string, error) {
	r := e.root
	r.mu.Lock()
	defer r.mu.Unlock()
	// Of a socket that the service manager made, the process is always that.
	if r.pid == host.pid && time.Since(r.at) < 10*time.Minute {
		return r.dir, nil
	}
	res, err := e.client.Info(ctx, client.InfoOptions{})
	if err != nil {
		return "", e.fault(ctx, "ask engine", err)
	}
	r.pid, r.at, r.dir = host.pid, time.Now(), res.Info.DockerRootDir
	return r.dir, nil
}

// What must be free where an engine keeps its containers.
const (
	minBytes  = 256 << 20
	minInodes = 2000
)

// diskFull looks whether the engine has room for containers.
func (d *deployment) diskFull(ctx context.Context, host peer) ([]rinca.Problem, error) {
	if host.pid == 0 {
		return nil, nil
	}
	root, err := d.engine.rootDir(ctx, host)
	if err != nil || root == "" {
		return nil, err
	}
	bytes, inodes, ok := free(filepath.Join(fmt.Sprintf("/proc/%d/root", host.pid), root))
	if !ok {
		bytes, inodes, ok = free(root)
	}
	if !ok {
		return nil, nil
	}
	switch {
	case bytes < minBytes:
		return []rinca.Problem{{
			Message: fmt.Sprintf("the disk is full: %d MB are free in %s, %d are needed", bytes>>20, root, minBytes>>20),
			Hint:    "docker system prune, or make room in another way",
		}}, nil
	case inodes < minInodes:
		return []rinca.Problem{{
			Message: fmt.Sprintf("the disk is full: %d files can still be made in %s", inodes, root),
			Hint:    "docker system prune, or make room in another way",
		}}, nil
	}
	return nil, nil
}

func free(path string) (bytes, inodes uint64, ok bool) {
	// A file system of the network may not answer.
	type answer struct {
		st  unix.Statfs_t
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		a.err = unix.Statfs(path, &a.st)
		answers <- a
	}()
	select {
	case a := <-answers:
		if a.err != nil {
			return 0, 0, false
		}
		inodes = a.st.Ffree
		if a.st.Files == 0 { // it does not count them
			inodes = minInodes
		}
		return a.st.Bavail * uint64(a.st.Bsize), inodes, true //nolint:gosec // a block is never negative
	case <-time.After(2 * time.Second):
		return 0, 0, false
	}
}
