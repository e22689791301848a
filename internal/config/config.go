// Package config is the configuration of the process: flags over environment
// over file, read once and passed down as a value.
package config

import (
	"os"
	"path/filepath"
	"strings"

	"rinca/internal/rinca"
)

// Flags are the global command-line flags; empty means not given.
type Flags struct {
	Home     string
	File     string
	Provider string
	LogLevel string
}

// Config is the configuration of the process.
type Config struct {
	Home     string // RINCA_HOME: the embedded vault, its key, rinca.toml
	File     string // RINCA_CONFIG: "" means rinca.toml in the home, if it is there
	Provider string // RINCA_PROVIDER: "" means choose
	LogLevel string // RINCA_LOG_LEVEL: debug, info, warn (default) or error

	// How the embedded vault is unlocked.
	KeyFile    string       // RINCA_KEY_FILE; "" means rinca.key in Home
	Credential string       // the key that the service manager provides, or ""
	Passphrase rinca.Secret // RINCA_PASSPHRASE, or RINCA_PASSPHRASE_FILE

	// Credentials of vaults. Each NAME may be given as NAME_FILE instead, the
	// path of a file that holds the value.
	ConnectHost         string       // OP_CONNECT_HOST
	ConnectToken        rinca.Secret // OP_CONNECT_TOKEN
	ServiceAccountToken rinca.Secret // OP_SERVICE_ACCOUNT_TOKEN
}

// Load reads the configuration. A variable whose _FILE cannot be read is an
// error that names the variable and the file.
func Load(getenv func(string) string, flags Flags) (Config, error) {
	c := Config{
		Home:        first(flags.Home, getenv("RINCA_HOME"), defaultHome(getenv)),
		File:        first(flags.File, getenv("RINCA_CONFIG")),
		Provider:    first(flags.Provider, getenv("RINCA_PROVIDER")),
		LogLevel:    first(flags.LogLevel, getenv("RINCA_LOG_LEVEL"), "warn"),
		KeyFile:     getenv("RINCA_KEY_FILE"),
		ConnectHost: getenv("OP_CONNECT_HOST"),
	}
	if d := getenv("CREDENTIALS_DIRECTORY"); d != "" {
		c.Credential = filepath.Join(d, "rinca.key")
	}
	var err error
	if c.Passphrase, err = SecretVar(getenv, "RINCA_PASSPHRASE"); err != nil {
		return Config{}, err
	}
	if c.ConnectToken, err = SecretVar(getenv, "OP_CONNECT_TOKEN"); err != nil {
		return Config{}, err
	}
	if c.ServiceAccountToken, err = SecretVar(getenv, "OP_SERVICE_ACCOUNT_TOKEN"); err != nil {
		return Config{}, err
	}
	return c, nil
}

// SecretVar reads a secret from the variable name, or from the file that
// name_FILE points at (one trailing newline is cut). Not set when neither is
// given; both at once is an error, because one of them would be ignored.
func SecretVar(getenv func(string) string, name string) (rinca.Secret, error) {
	value, file := getenv(name), getenv(name+"_FILE")
	switch {
	case value != "" && file != "":
		return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "%s and %s_FILE are both set", name, name).
			Try("unset %s", name)
	case value != "":
		return rinca.NewSecret(value), nil
	case file == "":
		return rinca.Secret{}, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return rinca.Secret{}, rinca.Errorf(rinca.Unauthenticated, "read %s_FILE: %w", name, err)
	}
	value = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if value == "" {
		return rinca.Secret{}, rinca.Errorf(rinca.Unauthenticated, "%s_FILE: %s is empty", name, file)
	}
	return rinca.NewSecret(value), nil
}

func defaultHome(getenv func(string) string) string {
	if os.Geteuid() == 0 {
		return "/var/lib/rinca"
	}
	if d := getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "rinca")
	}
	return filepath.Join(getenv("HOME"), ".local", "share", "rinca")
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
