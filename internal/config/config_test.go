package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rinca/internal/config"
	"rinca/internal/rinca"
)

func env(kv map[string]string) func(string) string {
	return func(k string) string { return kv[k] }
}

func TestFlagsBeatEnvironment(t *testing.T) {
	c, err := config.Load(env(map[string]string{"RINCA_HOME": "/e", "RINCA_PROVIDER": "connect"}), config.Flags{Home: "/f"})
	if err != nil || c.Home != "/f" || c.Provider != "connect" || c.LogLevel != "warn" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestSecretVar(t *testing.T) {
	dir := t.TempDir()
	file := func(name, data string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	cases := map[string]struct {
		env  map[string]string
		want string
		code rinca.Code
	}{
		"unset":           {env: map[string]string{}},
		"value":           {env: map[string]string{"T": "abc"}, want: "abc"},
		"file":            {env: map[string]string{"T_FILE": file("a", "abc\n")}, want: "abc"},
		"file crlf":       {env: map[string]string{"T_FILE": file("b", "abc\r\n")}, want: "abc"},
		"file no newline": {env: map[string]string{"T_FILE": file("c", "abc")}, want: "abc"},
		"both":            {env: map[string]string{"T": "canary", "T_FILE": "/x"}, code: rinca.Invalid},
		"missing":         {env: map[string]string{"T_FILE": filepath.Join(dir, "none")}, code: rinca.Unauthenticated},
		"empty":           {env: map[string]string{"T_FILE": file("d", "\n")}, code: rinca.Unauthenticated},
		"directory":       {env: map[string]string{"T_FILE": dir}, code: rinca.Unauthenticated},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := config.SecretVar(env(c.env), "T")
			if rinca.CodeOf(err) != c.code || got.Reveal() != c.want {
				t.Errorf("got %d bytes, %v", got.Len(), err)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Error("the error holds the value")
			}
		})
	}
}
