// Command image makes an image of a folder and gives it to the local engine,
// without a registry, a build or the docker command:
//
//	go run ./tools/image -name demo:latest -entrypoint /bin/app FOLDER
//
// DOCKER_HOST names the engine's socket, unix:///var/run/docker.sock otherwise.
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	name := flag.String("name", "", "name and tag of the image")
	entrypoint := flag.String("entrypoint", "", "program that its containers run, and its arguments, separated by blanks")
	env := flag.String("env", "PATH=/usr/local/bin:/usr/bin:/bin", "environment, separated by blanks")
	ping := flag.Bool("ping", false, "only see whether the engine answers")
	remove := flag.Bool("remove", false, "remove the image instead")
	flag.Parse()
	switch {
	case *ping:
		exit(send(http.MethodGet, "/_ping", nil))
	case *remove:
		exit(send(http.MethodDelete, "/images/"+*name+"?force=1", nil))
	}
	if *name == "" || flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	exit(load(*name, strings.Fields(*entrypoint), strings.Fields(*env), flag.Arg(0)))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func load(name string, entrypoint, env []string, dir string) error {
	layer, err := pack(dir)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(layer)
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "created": "2026-01-01T00:00:00Z",
		"config": map[string]any{"Entrypoint": entrypoint, "Env": env},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(sum[:])}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for file, data := range map[string][]byte{"layer.tar": layer, "config.json": config, "manifest.json": manifest} {
		if err := add(w, &tar.Header{Name: file, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(data))}, bytes.NewReader(data)); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return send(http.MethodPost, "/images/load?quiet=1", &archive)
}

// pack makes a layer of a folder's files, links and folders.
func pack(dir string) ([]byte, error) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			return add(w, &tar.Header{Name: rel + "/", Typeflag: tar.TypeDir, Mode: int64(info.Mode().Perm())}, nil)
		case info.Mode()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return add(w, &tar.Header{Name: rel, Typeflag: tar.TypeSymlink, Linkname: link, Mode: 0o777}, nil)
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return add(w, &tar.Header{Name: rel, Typeflag: tar.TypeReg, Mode: int64(info.Mode().Perm()), Size: info.Size()}, f)
	})
	return layer.Bytes(), errors.Join(err, w.Close())
}

func add(w *tar.Writer, h *tar.Header, content io.Reader) error {
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	if content == nil {
		return nil
	}
	_, err := io.Copy(w, content)
	return err
}

// send makes one request of the engine.
func send(method, path string, body io.Reader) error {
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		host = "unix:///var/run/docker.sock"
	}
	socket, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		return fmt.Errorf("DOCKER_HOST=%s is no local socket", host)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://engine"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-tar")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 || bytes.Contains(text, []byte(`"errorDetail"`)) {
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	return nil
}
