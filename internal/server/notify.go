package server

import (
	"context"
	"net"
	"strconv"
	"time"
)

// Notifier returns a function that tells the service manager about states, as
// sd_notify does; nil when there is nobody to tell.
func Notifier(getenv func(string) string) func(state string) {
	path := getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	return func(state string) {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "unixgram", path)
		if err != nil {
			return // the manager went away; there is nobody to tell
		}
		defer c.Close()
		_, _ = c.Write([]byte(state)) // the same
	}
}

// Watchdog tells the service manager that we live, as often as it wants to
// hear it, until ctx ends.
func Watchdog(ctx context.Context, getenv func(string) string, notify func(string)) {
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 || notify == nil {
		return
	}
	t := time.NewTicker(time.Duration(usec) * time.Microsecond / 2)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			notify("WATCHDOG=1")
		}
	}
}
