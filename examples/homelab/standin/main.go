// Command standin stands in for the programs of the homelab's images, so that
// the demo needs no registry. Like many of them it refuses to start with a
// password that is too short. By the name it is called by it is a server, a
// health check, or just enough of a shell to run one. A server prints, and
// answers over HTTP, a fingerprint of each value that it was given: one sees
// that a change has arrived, and not what it is.
package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ready is written once a server has started.
const ready = "/tmp/ready"

func main() {
	switch filepath.Base(os.Args[0]) {
	case "pg_isready", "redis-cli", "healthcheck.sh":
		check()
	case "sh":
		// sh -c "pg_isready …", as a health check of Compose calls it.
		check()
	default:
		serve()
	}
}

func check() {
	if _, err := os.Stat(ready); err != nil {
		fmt.Println("not ready")
		os.Exit(1)
	}
	fmt.Println("ready")
}

func serve() {
	text := fingerprints()
	fmt.Print(text)
	if name := tooShort(); name != "" {
		fmt.Printf("FATAL: %s is too short: at least 12 characters\n", name)
		os.Exit(7)
	}
	for _, port := range []string{":9000", ":3001"} {
		go func() {
			_ = http.ListenAndServe(port, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })) //nolint:gosec // a stand-in in a demo
		}()
	}
	time.Sleep(300 * time.Millisecond) // so that a health check has something to wait for
	if err := os.MkdirAll(filepath.Dir(ready), 0o755); err == nil {
		_ = os.WriteFile(ready, nil, 0o644) //nolint:gosec // nothing is in it
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}

// tooShort names a password that nobody should use.
func tooShort() string {
	for _, e := range os.Environ() {
		if key, value, _ := strings.Cut(e, "="); strings.HasSuffix(key, "_PASSWORD") && !strings.Contains(key, "RANDOM") && len(value) < 12 {
			return key
		}
	}
	return ""
}

// fingerprints are of every variable that a stack's secrets may be in.
func fingerprints() string {
	env := os.Environ()
	slices.Sort(env)
	var b strings.Builder
	for _, e := range env {
		key, value, _ := strings.Cut(e, "=")
		if key == "PATH" || key == "HOSTNAME" || key == "HOME" {
			continue
		}
		sum := sha256.Sum256([]byte("homelab demo\x00" + value))
		fmt.Fprintf(&b, "%-34s fingerprint %x\n", key, sum[:4])
	}
	return b.String()
}
