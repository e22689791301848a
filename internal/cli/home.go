package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"rinca/internal/config"
	"rinca/internal/home"
	"rinca/internal/rinca"
	"rinca/internal/seal"
	"rinca/internal/vault/embedded"
)

// embeddedConfig says where the embedded vault is; its passphrase, when it
// needs one, comes from the configuration, else from the terminal.
func (a *app) embeddedConfig(c config.Config) embedded.Config {
	return embedded.Config{Dir: c.Home, Keys: a.keySource(c)}
}

func (a *app) keySource(c config.Config) seal.Source {
	return seal.Source{
		Path: c.KeyFile, Credential: c.Credential,
		Passphrase: func() (rinca.Secret, error) {
			if c.Passphrase.IsSet() {
				return c.Passphrase, nil
			}
			return a.askHidden("Passphrase: ")
		},
	}
}

// homeConfig says where the whole home is.
func (a *app) homeConfig() (home.Config, error) {
	c, err := a.config()
	return home.Config{Dir: c.Home, Keys: a.keySource(c)}, err
}

// openEmbedded opens the embedded vault of the home.
func (a *app) openEmbedded(ctx context.Context) (*embedded.DB, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	return embedded.Open(ctx, a.embeddedConfig(c))
}

// isTerminal reports whether v is an open terminal.
func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// askHidden asks on the terminal without showing what is typed. Without a
// terminal the answer is not set, and nothing is read.
func (a *app) askHidden(prompt string) (rinca.Secret, error) {
	f, ok := a.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return rinca.Secret{}, nil
	}
	fmt.Fprint(a.Stderr, prompt)
	line, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(a.Stderr)
	if err != nil && !errors.Is(err, io.EOF) {
		return rinca.Secret{}, rinca.Errorf(rinca.Canceled, "read the answer: %w", err)
	}
	return rinca.NewSecret(string(line)), nil
}

// newPassphrase asks for a new passphrase, twice on a terminal.
func (a *app) newPassphrase(c config.Config) (rinca.Secret, error) {
	if c.Passphrase.IsSet() {
		return c.Passphrase, nil
	}
	if !isTerminal(a.Stdin) {
		line, err := bufio.NewReader(a.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "read the passphrase from standard input: %w", err)
		}
		pass := rinca.NewSecret(strings.TrimRight(line, "\r\n"))
		if pass.IsEmpty() {
			return pass, rinca.Errorf(rinca.Invalid, "the passphrase is empty").Try("RINCA_PASSPHRASE_FILE=/path/to/file")
		}
		return pass, nil
	}
	first, err := a.askHidden("New passphrase: ")
	if err != nil {
		return first, err
	}
	again, err := a.askHidden("The same again: ")
	if err != nil {
		return first, err
	}
	if first.IsEmpty() || !first.Equal(again) {
		return first, rinca.Errorf(rinca.Invalid, "the two are not the same, or empty; nothing was changed")
	}
	return first, nil
}
