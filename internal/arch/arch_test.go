// Package arch holds the import rules: a test parses every Go file of the
// module and fails when an import points up, or when a heavy dependency is
// used outside its home. It parses the files, rather than asking the go
// command, so that the test cache sees every file it depends on and every
// build tag is covered.
package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "rinca"

// layers, bottom first. A package imports only from lines above its own;
// packages on one line do not import one another.
var layers = []string{
	"rinca lazyregexp",
	"web atomicfile envfile redact seal interpolate schedule tomltree",
	"config generate database redact/leaktest",
	"vault/connect vault/opcli vault/opsdk vault/embedded store git client deploy/compose",
	"vault/vaulttest deploy/enginetest home",
	"vault event",
	"inject child auth alert",
	"export draft lint connectapi opcommand",
	"deploy",
	"rotation resource",
	"run",
	"scheduler webhook watch",
	"api",
	"server",
	"doctor",
	"cli",
	"arch scenario",
}

// homes of heavy dependencies: nobody else may import them.
var homes = map[string][]string{
	"github.com/1password/onepassword-sdk-go": {"vault/opsdk"},
	"github.com/1Password/connect-sdk-go":     {"vault/connect", "connectapi"},
	"modernc.org/sqlite":                      {"database"},
	"golang.org/x/crypto":                     {"seal", "generate", "auth", "git", "deploy/compose"},
	"github.com/docker/":                      {"deploy/compose"},
	"github.com/moby/":                        {"deploy/compose"},
	"github.com/compose-spec/":                {"deploy/compose"},
	"github.com/go-git/go-git":                {"git"},
	"github.com/coreos/go-oidc":               {"auth"},
	"golang.org/x/oauth2":                     {"auth"},
	"github.com/prometheus/client_golang":     {"api"},
	"github.com/spf13/cobra":                  {"cli", "opcommand"},
	"github.com/nicholas-fedor/shoutrrr":      {"alert"},
	"github.com/netresearch/go-cron":          {"schedule"},
}

// adapters may be imported by the wiring only. connectapi serves the embedded
// vault itself, with its tokens and history.
var adapters = map[string][]string{
	"vault/embedded": {"server", "cli", "connectapi", "doctor", "home"},
	"vault/connect":  {"server"},
	"vault/opcli":    {"server"},
	"vault/opsdk":    {"server"},
	"deploy/compose": {"server"},
}

func TestImportsPointDown(t *testing.T) {
	rank := map[string]int{}
	for i, line := range layers {
		for p := range strings.FieldsSeq(line) {
			rank[p] = i
		}
	}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		rel, err := filepath.Rel(filepath.Join(root, "internal"), filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(rel)
		if strings.Contains(pkg, "testdata") {
			return nil
		}
		mine, ok := rank[pkg]
		if !ok {
			t.Errorf("%s: package %s is in no layer; give it a line in layers", path, pkg)
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		isTest := strings.HasSuffix(path, "_test.go")
		for _, spec := range file.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			for dep, where := range homes {
				if (imp == dep || strings.HasPrefix(imp, strings.TrimSuffix(dep, "/")+"/")) && !slices.Contains(where, pkg) && !isTest {
					t.Errorf("%s imports %s, whose home is %v", path, imp, where)
				}
			}
			dep, ours := strings.CutPrefix(imp, module+"/internal/")
			if !ours || dep == pkg {
				continue
			}
			if isTest { // tests may use any package; they are not part of the program
				continue
			}
			if r, ok := rank[dep]; !ok || r >= mine {
				t.Errorf("%s: %s imports %s, which is not below it", path, pkg, dep)
			}
			if where, ok := adapters[dep]; ok && !slices.Contains(where, pkg) && !strings.HasPrefix(pkg, "vault/vaulttest") && pkg != "deploy/enginetest" {
				t.Errorf("%s: %s imports the adapter %s; only %v may", path, pkg, dep, where)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestVocabularyIsPure: internal/rinca imports the standard library alone,
// and nothing of it that touches the world.
func TestVocabularyIsPure(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "rinca", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			imp, _ := strconv.Unquote(spec.Path.Value)
			if strings.Contains(imp, ".") || slices.Contains([]string{"os", "net", "net/http", "database/sql", "os/exec", "path/filepath"}, imp) {
				t.Errorf("%s imports %s; the vocabulary does no I/O", path, imp)
			}
		}
	}
}
