package server

import (
	"context"

	"rinca/internal/rinca"
	"rinca/internal/vault/connect"
)

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
