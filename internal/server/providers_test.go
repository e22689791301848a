package server_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rinca/internal/config"
	"rinca/internal/rinca"
	"rinca/internal/server"
	"rinca/internal/vault/embedded"
)

func TestChoose(t *testing.T) {
	dir := t.TempDir()
	op, self := filepath.Join(dir, "op"), filepath.Join(dir, "rinca")
	for _, p := range []string{op, self} {
		if err := os.WriteFile(p, nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	home := filepath.Join(dir, "home")
	if err := embedded.Init(t.Context(), embedded.Config{Dir: home}, rinca.Secret{}); err != nil {
		t.Fatal(err)
	}
	have := func(path string) func(string) (string, error) {
		return func(string) (string, error) {
			if path == "" {
				return "", errors.New("not found")
			}
			return path, nil
		}
	}
	secret := rinca.NewSecret("x")
	for name, c := range map[string]struct {
		conf config.Config
		op   string
		home string
		want string
		code rinca.Code
	}{
		"nothing":               {code: rinca.Unauthenticated},
		"embedded":              {home: home, want: "embedded"},
		"connect beats all":     {conf: config.Config{ConnectHost: "http://c", ConnectToken: secret, ServiceAccountToken: secret}, op: op, home: home, want: "connect"},
		"host without token":    {conf: config.Config{ConnectHost: "http://c"}, home: home, code: rinca.Unauthenticated},
		"token without host":    {conf: config.Config{ConnectToken: secret}, home: home, code: rinca.Unauthenticated},
		"account with op":       {conf: config.Config{ServiceAccountToken: secret}, op: op, home: home, want: "op"},
		"account without op":    {conf: config.Config{ServiceAccountToken: secret}, home: home, want: "sdk"},
		"op that is ourselves":  {conf: config.Config{ServiceAccountToken: secret}, op: self, want: "sdk"},
		"named":                 {conf: config.Config{Provider: "embedded", ConnectHost: "http://c", ConnectToken: secret}, home: home, want: "embedded"},
		"named, and no such":    {conf: config.Config{Provider: "bitwarden"}, home: home, code: rinca.Usage},
		"op without an account": {op: op, home: home, want: "embedded"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := server.Choose(server.Sources{Config: c.conf, LookPath: have(c.op), Self: self, Embedded: embedded.Config{Dir: c.home}})
			if got.Name != c.want || rinca.CodeOf(err) != c.code {
				t.Errorf("%q (%s), %v", got.Name, got.Reason, err)
			}
		})
	}
}

func TestServiceAccountTokenForm(t *testing.T) {
	good := "ops_" + base64.RawURLEncoding.EncodeToString([]byte(`{"email":"x"}`))
	for token, text := range map[string]string{
		good:                               "",
		"":                                 "not set",
		good[:20]:                          "cut off",
		"ops_a b":                          "characters",
		"eyJhbGci":                         "Connect",
		"abc":                              "ops_",
		"[[OP_SERVICE_ACCOUNT_TOKEN]]":     "not replaced",
		"OP_SERVICE_ACCOUNT_TOKEN=" + good: "whole assignment",
	} {
		err := server.CheckServiceAccountToken(rinca.NewSecret(token))
		if (err == nil) != (text == "") || (err != nil && (!strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "OP_SERVICE_ACCOUNT_TOKEN invalid"))) {
			t.Errorf("%.12q: %v", token, err)
		}
		if err != nil && len(token) > 8 && strings.Contains(err.Error(), token) {
			t.Errorf("the error holds the token: %v", err)
		}
	}
}
