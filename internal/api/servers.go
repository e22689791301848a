package api

import (
	"net/url"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

func serverRoutes() []route {
	const one = "/v1/servers/{server}"
	read := resource(rinca.KindServer, "server", rinca.Read)
	write := resource(rinca.KindServer, "server", rinca.Write)
	return []route{
		{
			pattern: "GET /v1/servers", need: list(), doc: "List the servers that you may read, with their state.",
			out: []serverJSON{}, serve: (*Server).getServers,
		}, {
			pattern: "POST /v1/servers", audit: "server.create", doc: "Add a server; one of that name is a conflict.",
			need: need{access: onTarget, kind: rinca.KindServer, level: rinca.Write, name: serverInBody()},
			in:   serverInput{}, out: serverJSON{}, status: 201, limit: 1 << 20, serve: (*Server).postServer,
		}, {
			pattern: "GET " + one, need: read, doc: "Show a server and its state; keys are not shown.",
			out: serverJSON{}, serve: (*Server).getServer,
		}, {
			pattern: "PUT " + one, need: write, audit: "server.update", limit: 1 << 20,
			doc: "Replace a server, or add it; keys that are left out are kept.",
			in:  serverInput{}, out: serverJSON{}, serve: (*Server).putServer,
		}, {
			pattern: "DELETE " + one, need: write, audit: "server.delete",
			doc: "Forget a server that no stack is on.", serve: (*Server).deleteServer,
		}, {
			pattern: "POST " + one + "/check", need: resource(rinca.KindServer, "server", rinca.Execute),
			doc: "Ask a server now how it is.",
			out: rinca.ServerState{}, serve: (*Server).checkServer,
		},
	}
}

// A serverInput is a server as it is written: with keys, which are not read
// again.
type serverInput struct {
	Name       string     `json:"name,omitempty"`
	Address    string     `json:"address"`
	CA         string     `json:"ca,omitempty"`
	Cert       string     `json:"cert,omitempty"`
	Key        secretText `json:"key,omitzero"`
	SSHKey     secretText `json:"ssh_key,omitzero"`
	KnownHosts string     `json:"known_hosts,omitempty"`
}

// A serverJSON is a server as it is read.
type serverJSON struct {
	rinca.Server
	HasKey    bool              `json:"has_key"`
	HasSSHKey bool              `json:"has_ssh_key"`
	State     rinca.ServerState `json:"state"`
}

func (s *Server) serverJSON(v rinca.Server) serverJSON {
	return serverJSON{v, !v.Key.IsEmpty(), !v.SSHKey.IsEmpty(), s.cfg.Deploy.ServerState(v.Name)}
}

func serverInBody() from {
	return from{doc: "name, in the body", body: true, find: func(_ *Server, r *request) (rinca.Target, error) {
		t := rinca.Target{Kind: rinca.KindServer, Name: body[serverInput](r).Name}
		return t, checkName(t)
	}}
}

// checkName checks the name of a server or a Git account.
func checkName(t rinca.Target) error {
	if rinca.ValidStackName(t.Name) {
		return nil
	}
	return rinca.Errorf(rinca.Invalid, "%.40q is no name of a %s", t.Name, t.Kind).Try("letters, digits and ._- , the first a letter or digit")
}

func (s *Server) servers(r *request) ([]rinca.Server, error) {
	servers, err := s.cfg.DB.Servers(r.Context())
	if err != nil {
		return nil, err
	}
	for i := range servers {
		if servers[i].Name == rinca.LocalServer {
			return servers, nil
		}
	}
	return append([]rinca.Server{s.local()}, servers...), nil
}

// local is the server that is always there.
func (s *Server) local() rinca.Server {
	return rinca.Server{Name: rinca.LocalServer, Address: s.cfg.LocalServer}
}

func (s *Server) getServers(r *request) (any, error) {
	servers, err := s.servers(r)
	if err != nil {
		return nil, err
	}
	out := []serverJSON{}
	for i := range servers {
		if r.may(rinca.Target{Kind: rinca.KindServer, Name: servers[i].Name}, rinca.Read) {
			out = append(out, s.serverJSON(servers[i]))
		}
	}
	return out, nil
}

func (s *Server) server(r *request) (rinca.Server, error) {
	v, err := s.cfg.DB.Server(r.Context(), r.target.Name)
	if rinca.CodeOf(err) == rinca.NotFound && r.target.Name == rinca.LocalServer {
		return s.local(), nil
	}
	return v, s.here(r, err)
}

func (s *Server) getServer(r *request) (any, error) {
	v, err := s.server(r)
	if err != nil {
		return nil, err
	}
	return s.serverJSON(v), nil
}

func (s *Server) postServer(r *request) (any, error) {
	return s.saveServer(r, body[serverInput](r), store.CreateOnly)
}

func (s *Server) putServer(r *request) (any, error) {
	in := body[serverInput](r)
	if in.Name != "" && in.Name != r.target.Name {
		return nil, rinca.Errorf(rinca.Invalid, "name differs from the one in the path")
	}
	in.Name = r.target.Name
	return s.saveServer(r, in, modeOf(r))
}

func (s *Server) saveServer(r *request, in *serverInput, mode store.PutMode) (any, error) {
	if err := checkName(r.target); err != nil {
		return nil, err
	}
	if err := checkServer(in); err != nil {
		return nil, err
	}
	before, err := s.cfg.DB.Server(r.Context(), in.Name)
	if err != nil && rinca.CodeOf(err) != rinca.NotFound {
		return nil, err
	}
	// A key goes where it was meant for, and nowhere else: to send it to
	// another address takes the key itself.
	if err == nil && before.Address != in.Address && (!before.Key.IsEmpty() && !in.Key.IsSet() || !before.SSHKey.IsEmpty() && !in.SSHKey.IsSet()) {
		return nil, rinca.Errorf(rinca.Invalid, "the address changes, and the key that is kept was for the one before").Try("send the key along")
	}
	v, err := s.cfg.DB.PutServer(r.Context(), rinca.Server{
		Name: in.Name, Address: in.Address, CA: in.CA, Cert: in.Cert, Key: in.Key.Secret, SSHKey: in.SSHKey.Secret, KnownHosts: in.KnownHosts,
	}, mode)
	if err != nil {
		return nil, err
	}
	return s.serverJSON(v), nil
}

// checkServer checks the form of an address and what belongs to it.
func checkServer(in *serverInput) error {
	hint := "unix:///var/run/docker.sock, ssh://user@host or tcp://host:2376"
	u, err := url.Parse(in.Address)
	if err != nil || in.Address == "" || strings.ContainsAny(in.Address, "\r\n\x00 ") {
		return rinca.Errorf(rinca.Invalid, "address is none of a server").Try("%s", hint)
	}
	if _, has := u.User.Password(); has {
		return rinca.Errorf(rinca.Invalid, "address holds a password").Try("ssh_key takes a private key: it is sealed")
	}
	switch u.Scheme {
	case "unix":
		if u.Path == "" || u.Host != "" {
			return rinca.Errorf(rinca.Invalid, "address has no absolute path").Try("unix:///var/run/docker.sock")
		}
	case "ssh":
		if u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return rinca.Errorf(rinca.Invalid, "address has no host").Try("ssh://user@host:22")
		}
		if in.KnownHosts == "" && !in.SSHKey.IsEmpty() {
			return rinca.Errorf(rinca.Invalid, "known_hosts is missing: without it, anybody could be that host").Try("ssh-keyscan %s", u.Hostname())
		}
	case "tcp":
		if u.Host == "" || u.Path != "" && u.Path != "/" {
			return rinca.Errorf(rinca.Invalid, "address has no host, or a path").Try("tcp://host:2376")
		}
	default:
		return rinca.Errorf(rinca.Invalid, "address cannot begin with %.20q", u.Scheme).Try("%s", hint)
	}
	return nil
}

func (s *Server) deleteServer(r *request) (any, error) {
	stacks, err := s.cfg.DB.Stacks(r.Context())
	if err != nil {
		return nil, err
	}
	for i := range stacks {
		if stacks[i].ServerName() == r.target.Name && r.target.Name != rinca.LocalServer {
			return nil, rinca.Errorf(rinca.Conflict, "stacks are on the server %q", r.target.Name).Try("give them another server first, or delete them")
		}
	}
	return nil, s.here(r, s.cfg.DB.DeleteServer(r.Context(), r.target.Name))
}

func (s *Server) checkServer(r *request) (any, error) {
	v, err := s.server(r)
	if err != nil {
		return nil, err
	}
	return s.cfg.Deploy.CheckServer(r.Context(), v)
}
