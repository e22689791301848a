package child

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// reap does what is expected of the first process of a container: it takes
// leave of orphans, so that they do not stay as zombies. The process with the
// pid own is left to who waits for it. It does nothing in any other process.
func reap(own int) (stop func()) {
	if os.Getpid() != 1 {
		return func() {}
	}
	born := make(chan os.Signal, 1)
	signal.Notify(born, syscall.SIGCHLD)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-born:
				reapOrphans(own)
			}
		}
	}()
	return func() {
		signal.Stop(born)
		close(done)
	}
}

func reapOrphans(own int) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, task := range tasks {
		children, err := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		if err != nil {
			continue
		}
		for field := range strings.FieldsSeq(string(children)) {
			if pid, err := strconv.Atoi(field); err == nil && pid != own {
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			}
		}
	}
}
