package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHintsAreCommands reads every hint of the program: a command that one
// suggests exists, with its flags, and has the arguments it needs.
func TestHintsAreCommands(t *testing.T) {
	root := (&app{}).root()
	seen := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "Try" {
				return true
			}
			for _, hint := range texts(call.Args) {
				for _, command := range strings.Split(hint, "rinca ")[1:] {
					seen++
					if why := checkHint(root, command); why != "" {
						t.Errorf("%s: rinca %s: %s", set.Position(call.Pos()), command, why)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 100 {
		t.Errorf("%d commands, %v", seen, err)
	}
}

// texts returns the constant texts in expressions.
func texts(list []ast.Expr) (out []string) {
	for _, e := range list {
		ast.Inspect(e, func(n ast.Node) bool {
			if sum, ok := n.(*ast.BinaryExpr); ok { // "command " + argument
				for _, text := range texts([]ast.Expr{sum.X}) {
					out = append(out, text+"%s")
				}
				return false
			}
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					out = append(out, s)
				}
			}
			return true
		})
	}
	return out
}

var (
	hintEnd  = regexp.MustCompile("[,;`)]|#|: |$")
	hintFlag = regexp.MustCompile(`^--([a-z][a-z-]*)`)
)

// checkHint returns what is wrong with a command, or "". Words of prose may
// come after it.
func checkHint(root *cobra.Command, text string) string {
	words := strings.Fields(text[:hintEnd.FindStringIndex(text)[0]])
	c := root
	if words[0] == "as" || words[0] == "op" || words[0] == "%s" {
		return "" // not a command, one that reads its arguments itself, and one of several
	}
	for len(words) > 0 {
		next, _, err := c.Find(words[:1])
		if err != nil || next == c {
			break
		}
		c, words = next, words[1:]
	}
	if c == root || c.HasSubCommands() && len(words) > 0 && !strings.HasPrefix(words[0], "-") && words[0] != "%s" {
		return "there is no such command"
	}
	var args []string
	for _, w := range words {
		if m := hintFlag.FindStringSubmatch(w); m != nil {
			if m[1] == "help" || m[1] == "%s" {
				return ""
			}
			if c.Flag(m[1]) == nil {
				return "there is no flag --" + m[1]
			}
		} else if !strings.HasPrefix(w, "-") {
			args = append(args, w)
		}
	}
	for n := 0; n <= len(args); n++ {
		if c.ValidateArgs(args[:n]) == nil {
			return ""
		}
	}
	return "it needs arguments: " + c.UseLine()
}
