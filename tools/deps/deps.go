//go:build deps

package deps

import (
	_ "github.com/compose-spec/compose-go/v2/loader"
	_ "github.com/coreos/go-oidc/v3/oidc"
	_ "github.com/docker/cli/cli/command"
	_ "github.com/docker/compose/v5/pkg/compose"
	_ "github.com/go-git/go-git/v5"
	_ "github.com/moby/moby/api/types/container"
	_ "github.com/moby/moby/client"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "golang.org/x/oauth2"
)
