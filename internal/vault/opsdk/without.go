//go:build nosdk

// Package opsdk is left out of this build.
package opsdk

import "rinca/internal/rinca"

// Available tells that this binary does not have the SDK.
const Available = false

// Config holds the token of the service account.
type Config struct {
	Token   rinca.Secret
	Version string
}

// Open refuses: this binary was built without the SDK.
func Open(Config) (rinca.Provider, error) {
	return nil, rinca.Errorf(rinca.Unavailable, "this rinca was built without 1Password's SDK (-tags nosdk)").
		Try("put the op command on PATH, or use Connect")
}
