package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the scripts' commands "rinca" and "op" this very program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rinca": main, "op": main})
}

// TestScripts runs testdata/*.txtar: the behaviour of the real binary. Every
// script has a home of its own, and none of the credentials of the machine.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("RINCA_HOME", e.WorkDir+"/home")
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TMPDIR", e.WorkDir+"/.tmp")
			e.Setenv("TZ", "UTC")
			return os.MkdirAll(e.WorkDir+"/.tmp", 0o700)
		},
	})
}
