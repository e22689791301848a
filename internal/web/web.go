// Package web is the embedded web UI: the files that npm builds from ui/ into
// dist. Without them the program works all the same, and says how to build
// them.
package web

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist
var built embed.FS

// nonceMark is what the build writes where each answer has its own nonce.
const nonceMark = "__CSP_NONCE__"

// policy lets the page load what this server gives it and nothing else, and
// forbids it to turn text into markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + nonceMark + "'; img-src 'self' data:; " +
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default"

// filePolicy is for a file by itself: the worker that holds the stream of
// events may ask this server, and nothing else may anything.
const filePolicy = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"

// A UI serves the files of a build.
type UI struct {
	files map[string]file
	index []byte // nil: nothing was built
}

// A file is one file of the build, in the forms that it is sent in.
type file struct {
	plain, gzip, brotli []byte
	contentType, etag   string
}

// Embedded returns the UI that this program was built with.
func Embedded() *UI {
	dist, err := fs.Sub(built, "dist")
	if err != nil {
		return &UI{}
	}
	return New(dist)
}

// New returns the UI of a build. A folder without an index.html is none.
func New(dist fs.FS) *UI {
	u := &UI{files: map[string]file{}}
	_ = fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
			return nil //nolint:nilerr // what cannot be read is not served
		}
		data, err := fs.ReadFile(dist, name)
		if err == nil {
			u.add(name, data)
		}
		return nil
	})
	return u
}

func (u *UI) add(name string, data []byte) {
	if name == "index.html" {
		u.index = data
		return
	}
	plain := strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".br")
	f := u.files[plain]
	switch path.Ext(name) {
	case ".gz":
		f.gzip = data
	case ".br":
		f.brotli = data
	default:
		sum := sha256.Sum256(data)
		f.plain, f.etag = data, `"`+hex.EncodeToString(sum[:12])+`"`
		f.contentType = mime.TypeByExtension(path.Ext(name))
	}
	u.files[plain] = f
}

// Serve answers a request for a file of the UI, or with the page itself where
// a browser asks for anything else. It reports whether it did.
func (u *UI) Serve(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if f, ok := u.files[name]; ok && f.plain != nil {
		f.serve(w, r, strings.HasPrefix(name, "assets/"))
		return true
	}
	if name != "" && !strings.Contains(r.Header.Get("Accept"), "text/html") || strings.HasPrefix(name, "assets/") {
		return false
	}
	u.page(w, r)
	return true
}

// page answers with the page, under a nonce of its own.
func (u *UI) page(w http.ResponseWriter, r *http.Request) {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	nonce := base64.RawStdEncoding.EncodeToString(b[:])
	body, status := bytes.ReplaceAll(u.index, []byte(nonceMark), []byte(nonce)), http.StatusOK
	if u.index == nil {
		body, status = []byte(strings.ReplaceAll(placeholder, nonceMark, nonce)), http.StatusServiceUnavailable
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", strings.ReplaceAll(policy, nonceMark, nonce))
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the client may have gone
	}
}

// serve sends a file. The names of assets have a digest in them: they are kept
// for ever.
func (f file) serve(w http.ResponseWriter, r *http.Request, asset bool) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if asset {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Security-Policy", filePolicy)
	h.Set("ETag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	switch {
	case f.brotli != nil && takes(r, "br"):
		body = f.brotli
		h.Set("Content-Encoding", "br")
	case f.gzip != nil && takes(r, "gzip"):
		body = f.gzip
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the client may have gone
	}
}

// takes reports whether the client reads an encoding.
func takes(r *http.Request, encoding string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == encoding {
			return strings.Trim(strings.ReplaceAll(q, " ", ""), "q=0.") != "" || !strings.Contains(q, "0")
		}
	}
	return false
}

// placeholder is the page of a program that was built without the UI.
const placeholder = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Rinca</title>
<style nonce="` + nonceMark + `">body{font:1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}code{font-size:1.05rem}</style></head>
<body><h1>The pages are not built</h1>
<p>This server works, and so do its API and the commands. The pages are built with Node 20 or newer, and then the program once more:</p>
<p><code>make build</code></p>
<p>The API is described at <a href="/v1/openapi.json">/v1/openapi.json</a>.</p></body></html>
`
