package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/server"
)

// sources is what the choice of a provider depends on.
func (a *app) sources() (server.Sources, error) {
	c, err := a.config()
	if err != nil {
		return server.Sources{}, err
	}
	self, _ := os.Executable()
	return server.Sources{
		Config: c, Environ: a.Environ, LookPath: exec.LookPath, Self: self,
		Embedded: a.embeddedConfig(c), Version: version(),
	}, nil
}

// provider opens the vault that the configuration chooses, and returns a
// function that closes it.
func (a *app) provider(ctx context.Context) (rinca.Provider, func(), error) {
	s, err := a.sources()
	if err != nil {
		return nil, nil, err
	}
	p, err := server.Open(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	return p, func() {
		if c, ok := p.(io.Closer); ok {
			c.Close()
		}
	}, nil
}

func newProvider(a *app) *cobra.Command {
	var check, remote bool
	c := &cobra.Command{
		Use:   "provider",
		Short: "Say which vault provider is chosen, and why",
		Long: `Says where secrets come from. The first of these that is configured is used:

  named     --provider or RINCA_PROVIDER
  connect   OP_CONNECT_HOST and OP_CONNECT_TOKEN
  op        OP_SERVICE_ACCOUNT_TOKEN, and 1Password's op command is on PATH
  sdk       OP_SERVICE_ACCOUNT_TOKEN
  embedded  the home has a vault (rinca init)

Every token variable may be given as NAME_FILE, the path of a file.

--server shows the vault of the server that runs rinca serve: how many of the
requests that its token and its account may send are used, what is kept for
people, and whether background work leaves the vault alone for now.`,
		Example: `  rinca provider
  rinca provider --server
  rinca provider --check
  rinca --provider embedded provider --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if remote {
				return a.serverProvider(cmd.Context())
			}
			return a.showProvider(cmd.Context(), check)
		},
	}
	c.Flags().BoolVar(&remote, "server", false, "show the vault of the server, and its budget of requests")
	c.Flags().BoolVar(&check, "check", false, "also ask it for its vaults: one request")
	c.MarkFlagsMutuallyExclusive("server", "check")
	return a.remoteFlags(c)
}

func (a *app) showProvider(ctx context.Context, check bool) error {
	s, err := a.sources()
	if err != nil {
		return err
	}
	choice, err := server.Choose(s)
	if err != nil {
		return err
	}
	out := struct {
		Provider  string   `json:"provider"`
		Reason    string   `json:"reason"`
		Vaults    []string `json:"vaults,omitempty"`
		Requests  int      `json:"requests,omitempty"`
		MilliSecs int64    `json:"milliseconds,omitempty"`
	}{Provider: choice.Name, Reason: choice.Reason}
	if check {
		p, closeProvider, err := a.provider(ctx)
		if err != nil {
			return err
		}
		defer closeProvider()
		start := time.Now()
		vaults, err := p.Vaults(ctx)
		if err != nil {
			return err
		}
		out.MilliSecs = time.Since(start).Milliseconds()
		for _, v := range vaults {
			out.Vaults = append(out.Vaults, v.Name)
		}
		if l, ok := p.(rinca.Limiter); ok {
			out.Requests = l.Requests()
		}
	}
	if a.json {
		return json.NewEncoder(a.Stdout).Encode(out)
	}
	fmt.Fprintf(a.Stdout, "%s: %s\n", out.Provider, out.Reason)
	if check {
		fmt.Fprintf(a.Stdout, "It answers in %d ms; visible vaults: %s\n", out.MilliSecs, strings.Join(out.Vaults, ", "))
	}
	return nil
}
