package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
)

// consulTemplate is the version that is measured, installed by bench/run.
const consulTemplate = "consul-template"

// exportAgainstConsulTemplate: 1,000 values into 50 files. consul-template
// reads its values from a key-value server on this machine that answers as
// Consul does, from memory.
func exportAgainstConsulTemplate(ctx context.Context, b *bench) ([]line, error) {
	const files, values = 50, 20
	tool, err := filepath.Abs(filepath.Join(".cache", "bin", consulTemplate))
	if err != nil {
		return nil, err
	}
	kv := keyValueServer(files, values)
	defer kv.Close()
	config, out := filepath.Join(b.dir, "config.hcl"), filepath.Join(b.dir, "ct")
	if err := writeTemplates(config, out, kv.URL, files, values); err != nil {
		return nil, err
	}
	render := func() error { _, err := command(ctx, os.Environ(), tool, "-config", config, "-once"); return err }
	theirCold, err := median(5, func() error {
		if err := empty(out); err != nil {
			return err
		}
		return render()
	})
	if err != nil {
		return nil, fmt.Errorf("consul-template: %w", err)
	}
	theirSame, err := median(5, render)
	if err != nil {
		return nil, err
	}
	if made, _ := filepath.Glob(filepath.Join(out, "*.env")); len(made) != files {
		return nil, fmt.Errorf("consul-template made %d files", len(made))
	}

	s, err := startServer(ctx, b)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.seed(ctx, 10, files/10, values); err != nil {
		return nil, err
	}
	dest, home := filepath.Join(b.dir, "dest"), filepath.Join(b.dir, "home")
	if err := os.MkdirAll(dest, 0o755); err != nil {
		return nil, err
	}
	env := append(s.env, "DEST_ROOT="+dest, "RINCA_HOME="+home)
	export := func() error { _, err := command(ctx, env, b.rinca, "export", "--all"); return err }
	var requests int
	cold, err := median(5, func() error {
		if err := empty(dest, home); err != nil {
			return err
		}
		requests, err = s.counted(export)
		return err
	})
	if err != nil {
		return nil, err
	}
	same, err := median(9, export)
	if err != nil {
		return nil, err
	}
	c := newLine("values-cold-vs-consul-template", cold, theirCold)
	c.Requests = requests
	return []line{c, newLine("values-unchanged-vs-consul-template", same, theirSame)}, nil
}

func writeTemplates(config, out, address string, files, values int) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "consul { address = %q }\nlog_level = \"err\"\n", strings.TrimPrefix(address, "http://"))
	for f := range files {
		fmt.Fprintf(&b, "template {\n  destination = %q\n  perms = 0600\n  contents = <<EOT\n", filepath.Join(out, fmt.Sprintf("f%d.env", f)))
		for v := range values {
			fmt.Fprintf(&b, "KEY_%d={{ key \"f%d/KEY_%d\" }}\n", v, f, v)
		}
		b.WriteString("EOT\n}\n")
	}
	return os.WriteFile(config, []byte(b.String()), 0o600)
}

func keyValueServer(files, values int) *httptest.Server {
	answers := map[string][]byte{}
	for f := range files {
		for v := range values {
			key := fmt.Sprintf("f%d/KEY_%d", f, v)
			value := fmt.Sprintf("value-%d-%d-0123456789", f, v)
			answers["/v1/kv/"+key], _ = json.Marshal([]map[string]any{{
				"Key": key, "Value": base64.StdEncoding.EncodeToString([]byte(value)),
				"CreateIndex": 1, "ModifyIndex": 1, "LockIndex": 0, "Flags": 0,
			}})
		}
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.URL.Query().Get("index") != "" { // a blocking query: nothing ever changes
			<-r.Context().Done()
			return
		}
		w.Header().Set("X-Consul-Index", "1")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
}
