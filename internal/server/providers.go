// Package server is the wiring: it knows the adapters, and chooses among them.
package server

import (
	"context"

	"rinca/internal/config"
	"rinca/internal/rinca"
	"rinca/internal/vault/connect"
	"rinca/internal/vault/embedded"
)

// Sources is what the choice of a provider depends on.
type Sources struct {
	Config   config.Config
	LookPath func(string) (string, error) // exec.LookPath
	Embedded embedded.Config
	Version  string // of this program
}

// A Choice is a provider, and why it is the one.
type Choice struct {
	Name   string
	Reason string
}

// A kind is one kind of provider: whether what is configured chooses it, and
// how to open it.
type kind struct {
	name string
	// why returns the reason to choose it, "" for none, or an error when it is
	// half configured.
	why  func(Sources) (string, error)
	open func(context.Context, Sources) (rinca.Provider, error)
}

// kinds lists the providers in the order in which they are considered.
func kinds() []kind {
	return []kind{
		{"connect", whyConnect, openConnect},
		{"embedded", whyEmbedded, openEmbedded},
	}
}

// Choose says which provider is used: the one that is named, else the first
// that is configured.
func Choose(s Sources) (Choice, error) {
	for _, k := range kinds() {
		if k.name == s.Config.Provider {
			return Choice{k.name, "named by --provider or RINCA_PROVIDER"}, nil
		}
	}
	if s.Config.Provider != "" {
		return Choice{}, rinca.Errorf(rinca.Usage, "no provider is named %q", s.Config.Provider).Try("embedded, connect, op or sdk")
	}
	for _, k := range kinds() {
		reason, err := k.why(s)
		if err != nil {
			return Choice{}, err
		}
		if reason != "" {
			return Choice{k.name, reason}, nil
		}
	}
	return Choice{}, rinca.Errorf(rinca.Unauthenticated, "no vault is configured").
		Try("OP_CONNECT_HOST and OP_CONNECT_TOKEN, or OP_SERVICE_ACCOUNT_TOKEN, or an encrypted vault of your own: rinca init")
}

// Open opens the provider that Choose chooses. It may also be a rinca.Writer,
// a rinca.Limiter and an io.Closer.
func Open(ctx context.Context, s Sources) (rinca.Provider, error) {
	c, err := Choose(s)
	if err != nil {
		return nil, err
	}
	for _, k := range kinds() {
		if k.name == c.Name {
			return k.open(ctx, s)
		}
	}
	return nil, rinca.Errorf(rinca.Internal, "no provider %q", c.Name)
}

func whyConnect(s Sources) (string, error) {
	host, token := s.Config.ConnectHost != "", s.Config.ConnectToken.IsSet()
	switch {
	case host && token:
		return "OP_CONNECT_HOST and OP_CONNECT_TOKEN are set", nil
	case host:
		return "", rinca.Errorf(rinca.Unauthenticated, "OP_CONNECT_HOST is set and OP_CONNECT_TOKEN is not").
			Try("set OP_CONNECT_TOKEN or OP_CONNECT_TOKEN_FILE, or unset OP_CONNECT_HOST")
	case token:
		return "", rinca.Errorf(rinca.Unauthenticated, "OP_CONNECT_TOKEN is set and OP_CONNECT_HOST is not").
			Try("OP_CONNECT_HOST=http://connect:8080, or unset OP_CONNECT_TOKEN")
	}
	return "", nil
}

func openConnect(_ context.Context, s Sources) (rinca.Provider, error) {
	if reason, err := whyConnect(s); err != nil {
		return nil, err
	} else if reason == "" {
		return nil, rinca.Errorf(rinca.Unauthenticated, "the provider connect needs OP_CONNECT_HOST and OP_CONNECT_TOKEN")
	}
	return connect.New(connect.Config{Host: s.Config.ConnectHost, Token: s.Config.ConnectToken, Version: s.Version})
}

func whyEmbedded(s Sources) (string, error) {
	if embedded.Exists(s.Embedded.Dir) {
		return s.Embedded.Dir + " has a vault", nil
	}
	return "", nil
}

func openEmbedded(ctx context.Context, s Sources) (rinca.Provider, error) {
	return embedded.Open(ctx, s.Embedded)
}
