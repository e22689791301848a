package cli

import (
	"context"
	"io"
	"os/exec"

	"rinca/internal/rinca"
	"rinca/internal/server"
)

// provider opens the vault that the configuration chooses, and returns a
// function that closes it.
func (a *app) provider(ctx context.Context) (rinca.Provider, func(), error) {
	c, err := a.config()
	if err != nil {
		return nil, nil, err
	}
	p, err := server.Open(ctx, server.Sources{Config: c, LookPath: exec.LookPath, Embedded: a.embeddedConfig(c), Version: version()})
	if err != nil {
		return nil, nil, err
	}
	return p, func() {
		if c, ok := p.(io.Closer); ok {
			c.Close()
		}
	}, nil
}
