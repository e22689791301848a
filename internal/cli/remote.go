package cli

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/config"
	"rinca/internal/rinca"
)

// A remote is the server that commands talk to, and where that was said.
type remote struct {
	Profile string // the name of the profile that was chosen; "" for none
	Host    string
	Key     rinca.Secret
	CAFile  string
}

// remoteFlags defines --profile on a command and everything below it.
func (a *app) remoteFlags(c *cobra.Command) *cobra.Command {
	c.PersistentFlags().StringVar(&a.profile, "profile", "", "`NAME` of the server, as in rinca login --profile (RINCA_PROFILE)")
	_ = c.RegisterFlagCompletionFunc("profile", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		p, _ := a.profiles()
		return p.names(), cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

// remote says which server is meant: RINCA_HOST and RINCA_API_KEY, else the
// profile's, else one on this machine.
func (a *app) remote() (remote, error) {
	key, err := config.SecretVar(a.Getenv, "RINCA_API_KEY")
	if err != nil {
		return remote{}, err
	}
	file, err := a.profiles()
	if err != nil {
		return remote{}, err
	}
	r := remote{Profile: a.or(a.profile, "RINCA_PROFILE", "")}
	p, ok := file.Profiles[file.choose(r.Profile)]
	if r.Profile != "" && !ok {
		return remote{}, rinca.Errorf(rinca.NotFound, "there is no profile %q", printable(r.Profile)).Try("rinca login --profile %s --host https://…", printable(r.Profile))
	}
	r.Profile = file.choose(r.Profile)
	r.Host, r.Key, r.CAFile = p.Host, rinca.NewSecret(p.Key), p.CAFile
	// A profile's key is for the profile's server and for no other.
	if host := a.Getenv("RINCA_HOST"); host != "" && strings.TrimRight(host, "/") != strings.TrimRight(p.Host, "/") {
		r = remote{Host: host}
	}
	if key.IsSet() {
		r.Key = key
	}
	if ca := a.Getenv("RINCA_CA_FILE"); ca != "" {
		r.CAFile = ca
	}
	if r.Host == "" {
		r.Host = client.DefaultHost
	}
	return r, nil
}

// client returns a client of the server that flags, environment and profiles
// choose. It sends nothing.
func (a *app) client(context.Context) (*client.Client, error) {
	r, err := a.remote()
	if err != nil {
		return nil, err
	}
	return r.client()
}

// client returns a client of that server.
func (r remote) client() (*client.Client, error) {
	c := client.Config{Host: r.Host, Key: r.Key, Agent: "rinca/" + version()}
	if r.CAFile != "" {
		data, err := os.ReadFile(r.CAFile)
		if err != nil {
			return nil, rinca.Errorf(rinca.Usage, "read the CA file: %w", err).Try("RINCA_CA_FILE=/path/to/ca.pem")
		}
		c.CA = data
	}
	return client.New(c)
}
