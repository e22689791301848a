// Package server is the wiring: it knows the adapters, and chooses among them.
package server

import (
	"context"

	"rinca/internal/config"
	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

// Sources is what the choice of a provider depends on.
type Sources struct {
	Config   config.Config
	Environ  []string                     // for the op command
	LookPath func(string) (string, error) // exec.LookPath
	Self     string                       // the path of this program, "" when unknown
	Embedded embedded.Config
	Version  string // of this program
}

// A Choice is a provider, and why it is the one.
type Choice struct {
	Name   string
	Reason string
}

// Names lists the providers in the order in which they are considered.
func Names() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
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
		{"op", whyOp, openOp},
		{"sdk", whySDK, openSDK},
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

func whyEmbedded(s Sources) (string, error) {
	if embedded.Exists(s.Embedded.Dir) {
		return s.Embedded.Dir + " has a vault", nil
	}
	return "", nil
}

func openEmbedded(ctx context.Context, s Sources) (rinca.Provider, error) {
	return embedded.Open(ctx, s.Embedded)
}
