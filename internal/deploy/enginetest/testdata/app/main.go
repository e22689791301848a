// Command app is what the containers of tests run. Its environment says how
// it behaves:
//
//	APP_EXIT=3        exits with 3 …
//	APP_AFTER=2s      … after that time (0 by default)
//	APP_LONGEST=50    exits with 7 when KEY is longer
//	APP_HEALTH=bad    "app health" fails; "later:2s" fails for 2 seconds, then passes
//	APP_PRINT=1       prints its environment and the files of APP_FILES first
//	APP_LINES=100     prints that many numbered lines first
//	APP_CHATTER=10ms  prints a line each time that passes
//	APP_LISTEN=:8080  answers HTTP with its fingerprint
//	APP_REGISTRY=/data  answers at APP_LISTEN as an image registry, from files there
//	APP_STUBBORN=1    ignores SIGTERM
//
// As "app fingerprint" it prints a digest of its environment and files.
package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	started = "/tmp/started" // when the container did
	probed  = "/tmp/probed"  // the same, once a probe has passed
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "health":
			health()
			return
		case "fingerprint":
			fmt.Println(fingerprint())
			return
		case "print":
			show()
			return
		}
	}
	stop := make(chan os.Signal, 1) // first of all: a signal may come early
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	_ = os.MkdirAll(filepath.Dir(started), 0o755)
	_ = os.WriteFile(started, []byte(time.Now().Format(time.RFC3339Nano)), 0o644)
	if os.Getenv("APP_PRINT") != "" {
		show()
	}
	lines, _ := strconv.Atoi(os.Getenv("APP_LINES"))
	for i := range lines {
		fmt.Println("line", i+1)
	}
	if most, err := strconv.Atoi(os.Getenv("APP_LONGEST")); err == nil && len(os.Getenv("KEY")) > most {
		fmt.Fprintln(os.Stderr, "app: KEY is too long")
		os.Exit(7)
	}
	after, _ := time.ParseDuration(os.Getenv("APP_AFTER"))
	if code, err := strconv.Atoi(os.Getenv("APP_EXIT")); err == nil {
		time.Sleep(after)
		if code != 0 {
			fmt.Fprintln(os.Stderr, "app: exiting with", code)
		}
		os.Exit(code)
	}
	run(stop)
}

func run(stop <-chan os.Signal) {
	if addr := os.Getenv("APP_LISTEN"); addr != "" {
		go func() { fmt.Fprintln(os.Stderr, http.ListenAndServe(addr, http.HandlerFunc(answer))) }()
	}
	fmt.Println("app: up", fingerprint())
	if every, err := time.ParseDuration(os.Getenv("APP_CHATTER")); err == nil && every > 0 {
		go func() {
			for i := 1; ; i++ {
				fmt.Println("tick", i)
				time.Sleep(every)
			}
		}()
	}
	for range stop {
		if os.Getenv("APP_STUBBORN") == "" {
			os.Exit(0)
		}
	}
}

func answer(w http.ResponseWriter, r *http.Request) {
	dir := os.Getenv("APP_REGISTRY")
	if dir == "" {
		fmt.Fprintln(w, fingerprint())
		return
	}
	if r.URL.Path == "/v2/" {
		return
	}
	data, err := os.ReadFile(filepath.Join(dir, filepath.Clean(r.URL.Path)))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if strings.Contains(r.URL.Path, "/manifests/") {
		w.Header().Set("Content-Type", "application/vnd.docker.distribution.manifest.v2+json")
	}
	w.Header().Set("Docker-Content-Digest", fmt.Sprintf("sha256:%x", sha256.Sum256(data)))
	_, _ = w.Write(data)
}

// health answers the first probe that passes at once and takes its time with
// those that follow: starting a probe costs an engine more than all else that
// a container does, and tests ask for one several times a second.
func health() {
	text, _ := os.ReadFile(started)
	switch mode := os.Getenv("APP_HEALTH"); {
	case mode == "bad":
		fmt.Println("health: bad")
		os.Exit(1)
	case strings.HasPrefix(mode, "later:"):
		wait, _ := time.ParseDuration(strings.TrimPrefix(mode, "later:"))
		at, err := time.Parse(time.RFC3339Nano, string(text))
		if err != nil || time.Since(at) < wait {
			os.Exit(1)
		}
	}
	if last, _ := os.ReadFile(probed); string(last) == string(text) {
		time.Sleep(3 * time.Second)
	}
	_ = os.WriteFile(probed, text, 0o644)
}

func show() {
	env := os.Environ()
	slices.Sort(env)
	for _, e := range env {
		fmt.Printf("env %q\n", e)
	}
	for _, path := range files() {
		text, err := os.ReadFile(path)
		fmt.Printf("file %s %q %v\n", path, text, err)
	}
}

func files() []string { return strings.Fields(os.Getenv("APP_FILES")) }

func fingerprint() string {
	env := os.Environ()
	slices.Sort(env)
	h := sha256.New()
	for _, e := range env {
		if !strings.HasPrefix(e, "HOSTNAME=") {
			fmt.Fprintf(h, "%q\n", e)
		}
	}
	for _, path := range files() {
		text, err := os.ReadFile(path)
		fmt.Fprintf(h, "%q %q %v\n", path, text, err != nil)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}
