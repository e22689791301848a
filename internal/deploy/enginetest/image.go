package enginetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Image makes an image of that name on the engine ("demo", "demo:2") and
// returns the name. It holds one program, /bin/app, which is described in
// testdata/app, and a shell where busybox is installed. Images of different
// tags differ. Making one twice costs nothing.
func (e *Engine) Image(t testing.TB, name string) string {
	t.Helper()
	if !strings.Contains(name[strings.LastIndex(name, "/")+1:], ":") {
		name += ":latest"
	}
	if _, ok := e.images.Load(name); !ok {
		e.MakeImage(t, name, name)
		e.images.Store(name, true)
	}
	return name
}

// MakeImage makes an image of that name, or makes it anew: the content of
// /etc/mark decides whether it is another image than the one before.
func (e *Engine) MakeImage(t testing.TB, name, mark string) {
	t.Helper()
	layer, err := layer()
	if err != nil {
		t.Fatalf("make image %s: %v", name, err)
	}
	archive, err := dockerArchive(name, mark, layer)
	if err != nil {
		t.Fatalf("make image %s: %v", name, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := e.request(ctx, "POST", "/images/load?quiet=1", bytes.NewReader(archive)); err != nil {
		t.Fatalf("load image %s: %v", name, err)
	}
}

// layer returns the files of every image, as a tar archive.
var layer = sync.OnceValues(func() ([]byte, error) {
	app, err := buildApp()
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, dir := range []string{"bin/", "etc/", "tmp/", "run/", "data/"} {
		if err := w.WriteHeader(&tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o1777}); err != nil {
			return nil, err
		}
	}
	files := map[string][]byte{"bin/app": app, "etc/passwd": []byte("root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n")}
	if box := busybox(); box != nil {
		files["bin/busybox"] = box
		for _, name := range strings.Fields("sh cat ls env echo sleep grep true false test mkdir rm cp mv printf seq wc head tail date id nc wget stat find touch chmod") {
			if err := w.WriteHeader(&tar.Header{Name: "bin/" + name, Typeflag: tar.TypeSymlink, Linkname: "busybox", Mode: 0o777}); err != nil {
				return nil, err
			}
		}
	}
	for name, content := range files {
		if err := addFile(w, name, content); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), w.Close()
})

func addFile(w *tar.Writer, name string, content []byte) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}

func buildApp() ([]byte, error) {
	script, err := scriptPath()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "rinca-app-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "app")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, "./internal/deploy/enginetest/testdata/app")
	cmd.Dir = filepath.Dir(filepath.Dir(script))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build app: %w\n%s", err, text)
	}
	return os.ReadFile(out)
}

// busybox returns the shell, nil where there is none that needs no libraries.
func busybox() []byte {
	for _, path := range []string{"/usr/bin/busybox", "/bin/busybox"} {
		f, err := elf.Open(path)
		if err != nil {
			continue
		}
		libs, err := f.ImportedLibraries()
		_ = f.Close()
		if err != nil || len(libs) > 0 {
			continue
		}
		if b, err := os.ReadFile(path); err == nil {
			return b
		}
	}
	return nil
}

// dockerArchive packs an image as "docker save" does: one layer of files, one
// with the mark.
func dockerArchive(name, mark string, files []byte) ([]byte, error) {
	marked, err := markLayer(mark)
	if err != nil {
		return nil, err
	}
	layers := map[string][]byte{"files.tar": files, "mark.tar": marked}
	config, err := imageConfig(files, marked)
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal([]map[string]any{{
		"Config": "config.json", "RepoTags": []string{name}, "Layers": []string{"files.tar", "mark.tar"},
	}})
	if err != nil {
		return nil, err
	}
	layers["config.json"], layers["manifest.json"] = config, manifest
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, content := range layers {
		if err := addFile(w, name, content); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}

// Publish writes an image into the folder of a registry, for an app with
// APP_REGISTRY to serve. The mark is as that of MakeImage.
func Publish(t testing.TB, dir, name, tag, mark string) {
	t.Helper()
	if err := publish(filepath.Join(dir, "v2", name), tag, mark); err != nil {
		t.Fatalf("publish image %s: %v", name, err)
	}
}

func publish(dir, tag, mark string) error {
	files, err := layer()
	if err != nil {
		return err
	}
	marked, err := markLayer(mark)
	if err != nil {
		return err
	}
	config, err := imageConfig(files, marked)
	if err != nil {
		return err
	}
	type descriptor struct {
		MediaType string `json:"mediaType"`
		Size      int    `json:"size"`
		Digest    string `json:"digest"`
	}
	put := func(kind string, data []byte) (descriptor, error) {
		d := descriptor{"application/vnd.docker." + kind, len(data), digest(data)}
		return d, writeFile(filepath.Join(dir, "blobs", d.Digest), data)
	}
	manifest := struct {
		Schema    int          `json:"schemaVersion"`
		MediaType string       `json:"mediaType"`
		Config    descriptor   `json:"config"`
		Layers    []descriptor `json:"layers"`
	}{Schema: 2, MediaType: "application/vnd.docker.distribution.manifest.v2+json"}
	if manifest.Config, err = put("container.image.v1+json", config); err != nil {
		return err
	}
	for _, data := range [][]byte{files, marked} {
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		if _, err := w.Write(data); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		d, err := put("image.rootfs.diff.tar.gzip", zipped.Bytes())
		if err != nil {
			return err
		}
		manifest.Layers = append(manifest.Layers, d)
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	return errors.Join(writeFile(filepath.Join(dir, "manifests", digest(text)), text), writeFile(filepath.Join(dir, "manifests", tag), text))
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644) //nolint:gosec // a registry in a container reads it
}

func markLayer(mark string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := addFile(w, "etc/mark", []byte(mark)); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

func imageConfig(files, marked []byte) ([]byte, error) {
	return json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z",
		"config": map[string]any{"Entrypoint": []string{"/bin/app"}, "Env": []string{"PATH=/bin"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{digest(files), digest(marked)}},
	})
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
