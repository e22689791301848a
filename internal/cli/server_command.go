package cli

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

func newServer(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "server",
		Short: "Add and look at Docker servers that stacks run on",
		Example: `  rinca server add nas ssh://deploy@nas.lan --ssh-key ./id_ed25519 --known-hosts ./known_hosts
  rinca server list`,
	}, newServerAdd(a), newServerSet(a), newServerList(a), newServerShow(a), newServerRemove(a))
}

// serverDoc is a server as the API shows it: without its keys.
type serverDoc struct {
	rinca.Server
	State rinca.ServerState `json:"state"`
}

// serverBody is what POST and PUT take. Keys that are nil stay as they are.
type serverBody struct {
	Name       string  `json:"name,omitempty"`
	Address    string  `json:"address"`
	CA         string  `json:"ca,omitempty"`
	Cert       string  `json:"cert,omitempty"`
	Key        *string `json:"key,omitempty"`
	SSHKey     *string `json:"ssh_key,omitempty"`
	KnownHosts string  `json:"known_hosts,omitempty"`
}

// serverFlags are files that hold what a server needs.
type serverFlags struct{ address, ca, cert, key, sshKey, knownHosts string }

func (f *serverFlags) define(fl *pflag.FlagSet) {
	fl.StringVar(&f.ca, "ca", "", "`FILE` with the certificates that signed the server's (tcp://)")
	fl.StringVar(&f.cert, "cert", "", "`FILE` with our certificate (tcp://)")
	fl.StringVar(&f.key, "key", "", "`FILE` with our certificate's key (tcp://); - is standard input")
	fl.StringVar(&f.sshKey, "ssh-key", "", "`FILE` with a private key (ssh://); - is standard input")
	fl.StringVar(&f.knownHosts, "known-hosts", "", "`FILE` with the keys of the host, as ssh-keyscan prints them (ssh://)")
}

// apply reads the files that were given.
func (f *serverFlags) apply(ctx context.Context, a *app, given func(string) bool, body *serverBody) error {
	for _, t := range []struct {
		flag, file string
		to         *string
	}{{"ca", f.ca, &body.CA}, {"cert", f.cert, &body.Cert}, {"known-hosts", f.knownHosts, &body.KnownHosts}} {
		if !given(t.flag) {
			continue
		}
		text, err := a.readText(ctx, t.file)
		if err != nil {
			return err
		}
		*t.to = text
	}
	for _, t := range []struct {
		flag, file string
		to         **string
	}{{"key", f.key, &body.Key}, {"ssh-key", f.sshKey, &body.SSHKey}} {
		if !given(t.flag) {
			continue
		}
		key, err := a.keyFile(ctx, t.flag, t.file)
		if err != nil {
			return err
		}
		text := key.Reveal() // on its way to the server
		*t.to = &text
	}
	return nil
}

// keyFile reads a private key in PEM, with its last line break.
func (a *app) keyFile(ctx context.Context, flag, file string) (rinca.Secret, error) {
	text, err := a.readText(ctx, file)
	if err != nil {
		return rinca.Secret{}, err
	}
	if !strings.Contains(text, "PRIVATE KEY") {
		return rinca.Secret{}, rinca.Errorf(rinca.Usage, "--%s: that is no private key in PEM", flag).Try("a file that begins with -----BEGIN … PRIVATE KEY-----")
	}
	return rinca.NewSecret(text), nil
}

func serverPath(name string) string { return client.Path("v1", "servers", name) }

func newServerAdd(a *app) *cobra.Command {
	var f serverFlags
	c := &cobra.Command{
		Use:   "add NAME ADDRESS",
		Short: "Add a Docker server",
		Long: `Adds a Docker Engine that stacks can run on. ADDRESS is ssh://user@host,
tcp://host:2376 with TLS, or unix:///path of a socket. The server "local" is
always there. Keys are read from files, sealed at once and never shown.`,
		Example: `  ssh-keyscan nas.lan > known_hosts
  rinca server add nas ssh://deploy@nas.lan --ssh-key ./id_ed25519 --known-hosts known_hosts
  rinca server add vps tcp://vps.example:2376 --ca ca.pem --cert cert.pem --key key.pem`,
		Args: cobra.ExactArgs(2), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			body := serverBody{Name: args[0], Address: args[1]}
			if strings.HasPrefix(body.Address, "ssh://") && f.sshKey != "" && f.knownHosts == "" {
				return rinca.Errorf(rinca.Usage, "ssh:// with a key needs the host's own keys, to know that it is the host").Try("ssh-keyscan HOST > known_hosts, compare it, and --known-hosts known_hosts")
			}
			if err := f.apply(cmd.Context(), a, cmd.Flags().Changed, &body); err != nil {
				return err
			}
			var s serverDoc
			if err := a.ask(cmd.Context(), http.MethodPost, "/v1/servers", body, &s); err != nil {
				return err
			}
			a.checkServer(cmd.Context(), args[0], &s.State)
			return a.tell(s, "Added the server %s.%s", printable(args[0]), reachable(s.State))
		},
	}
	f.define(c.Flags())
	return c
}

// checkServer lets the control plane look at a server now. It is kept, also
// when it does not answer: that is what the state is for.
func (a *app) checkServer(ctx context.Context, name string, state *rinca.ServerState) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var now rinca.ServerState
	err := a.ask(ctx, http.MethodPost, serverPath(name)+"/check", nil, &now)
	switch {
	case err == nil:
		*state = now
	case rinca.CodeOf(err) != rinca.NotFound:
		*state = rinca.ServerState{CheckedAt: time.Now().UTC(), Error: err.Error()}
	}
}

// reachable says how a server was found, if somebody looked.
func reachable(s rinca.ServerState) string {
	switch {
	case s.CheckedAt.IsZero():
		return ""
	case s.Reachable:
		return " Docker " + printable(s.Version) + " answers."
	}
	return " It does not answer: " + printable(s.Error)
}

func newServerSet(a *app) *cobra.Command {
	var f serverFlags
	c := &cobra.Command{
		Use:     "set NAME",
		Short:   "Change a Docker server",
		Long:    "Changes what is given and leaves the rest; keys stay when none is given.",
		Example: "  rinca server set nas --ssh-key ./new_key",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/servers", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			var s serverDoc
			if err := a.get(cmd.Context(), serverPath(args[0]), &s); err != nil {
				return err
			}
			body := serverBody{Address: s.Address, CA: s.CA, Cert: s.Cert, KnownHosts: s.KnownHosts}
			if cmd.Flags().Changed("address") {
				body.Address = f.address
			}
			if err := f.apply(cmd.Context(), a, cmd.Flags().Changed, &body); err != nil {
				return err
			}
			if err := a.ask(cmd.Context(), http.MethodPut, serverPath(args[0]), body, &s); err != nil {
				return err
			}
			a.checkServer(cmd.Context(), args[0], &s.State)
			return a.tell(s, "Changed the server %s.%s", printable(args[0]), reachable(s.State))
		},
	}
	c.Flags().StringVar(&f.address, "address", "", "new `ADDRESS`: ssh://, tcp:// or unix://")
	f.define(c.Flags())
	return c
}

func newServerList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the Docker servers, and whether they answer",
		Example: "  rinca server list --json",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []serverDoc
			if err := a.get(cmd.Context(), "/v1/servers", &rows); err != nil {
				return err
			}
			now := time.Now()
			return list(a, rows, "There are no servers.", func(t *table, s serverDoc) {
				t.add(s.Name, serverCell(s.State), sinceWhen(now, s.State), s.State.Version, s.Address)
			}, "NAME", "STATE", "SINCE", "DOCKER", "ADDRESS")
		},
	}
}

func sinceWhen(now time.Time, s rinca.ServerState) string {
	if s.Since.IsZero() {
		return ""
	}
	return span(now.Sub(s.Since))
}

func serverCell(s rinca.ServerState) cell {
	switch {
	case s.CheckedAt.IsZero():
		return cell{"unknown", yellow}
	case s.Reachable:
		return cell{"reachable", green}
	}
	return cell{"unreachable", red}
}

func newServerShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a Docker server, without its keys",
		Example: "  rinca server show nas",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/servers", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			var s serverDoc
			if err := a.get(cmd.Context(), serverPath(args[0]), &s); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, s)
			}
			st := s.State
			state := serverCell(st).text
			if !st.Since.IsZero() {
				state += " since " + st.Since.Local().Format("2006-01-02 15:04")
			}
			docker := st.Version
			if st.APIVersion != "" {
				docker += " (API " + st.APIVersion + ")"
			}
			a.printFacts([]fact{
				{"Server", s.Name},
				{"Address", s.Address},
				{"State", state},
				{"Why", st.Error},
				{"Docker", docker},
				{"System", st.OS},
				{"TLS", choose(s.CA != "" || s.Cert != "", "with certificates of its own", "")},
				{"Host keys", choose(s.KnownHosts != "", "known", "")},
				{"Changed", changed(s.UpdatedAt, "")},
			})
			return nil
		},
	}
}

func newServerRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Forget a Docker server that no stack uses",
		Example: "  rinca server remove nas",
		Aliases: []string{"delete"},
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/servers", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.ask(cmd.Context(), http.MethodDelete, serverPath(args[0]), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"removed": args[0]}, "Removed the server %s. What runs there goes on.", printable(args[0]))
		},
	}
}
