package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/vault/opcli"
	"rinca/internal/vault/opsdk"
)

// CheckServiceAccountToken looks at a token without using it: one that cannot
// work is an error Unauthenticated.
func CheckServiceAccountToken(token rinca.Secret) error {
	bad := func(why string) error {
		return rinca.Errorf(rinca.Unauthenticated, "OP_SERVICE_ACCOUNT_TOKEN invalid: %s", why).
			Try("copy the token again from 1Password (Developer, Service accounts), or make a new one")
	}
	t := token.Reveal()
	switch {
	case t == "":
		return bad("it is not set")
	case strings.Contains(t, "OP_SERVICE_ACCOUNT_TOKEN="):
		return bad("it holds the whole assignment, and not the token alone")
	case strings.HasPrefix(t, "eyJ"):
		return bad("it looks like a token of 1Password Connect, which belongs into OP_CONNECT_TOKEN")
	case strings.HasPrefix(t, "[["):
		return bad("it is a variable that was not replaced")
	case !strings.HasPrefix(t, "ops_"):
		return bad("it does not begin with ops_")
	}
	data, err := base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(t[4:], "=")))
	if err != nil {
		return bad("it is cut off, or has characters that no token has")
	}
	if !json.Valid(data) {
		return bad("it is cut off")
	}
	return nil
}

// findOp returns the op command, "" when there is none but ourselves.
func findOp(s Sources) string {
	if s.LookPath == nil {
		return ""
	}
	path, err := s.LookPath("op")
	if err != nil {
		return ""
	}
	op, errOp := os.Stat(path)
	self, errSelf := os.Stat(s.Self)
	if errOp != nil || (errSelf == nil && os.SameFile(op, self)) {
		return ""
	}
	return path
}

func whyOp(s Sources) (string, error) {
	if path := findOp(s); s.Config.ServiceAccountToken.IsSet() && path != "" {
		return "OP_SERVICE_ACCOUNT_TOKEN is set and " + path + " is there", nil
	}
	return "", nil
}

func openOp(_ context.Context, s Sources) (rinca.Provider, error) {
	path := findOp(s)
	if path == "" {
		return nil, rinca.Errorf(rinca.Unauthenticated, "the provider op needs 1Password's op command on PATH, and there is none but rinca itself").
			Try("install op, or use --provider sdk")
	}
	if t := s.Config.ServiceAccountToken; t.IsSet() {
		if err := CheckServiceAccountToken(t); err != nil {
			return nil, err
		}
	}
	return opcli.New(opcli.Config{Path: path, Environ: s.Environ, Token: s.Config.ServiceAccountToken}), nil
}

func whySDK(s Sources) (string, error) {
	if s.Config.ServiceAccountToken.IsSet() {
		return "OP_SERVICE_ACCOUNT_TOKEN is set, and there is no op on PATH", nil
	}
	return "", nil
}

func openSDK(_ context.Context, s Sources) (rinca.Provider, error) {
	if err := CheckServiceAccountToken(s.Config.ServiceAccountToken); err != nil {
		return nil, err
	}
	return opsdk.Open(opsdk.Config{Token: s.Config.ServiceAccountToken, Version: s.Version})
}
