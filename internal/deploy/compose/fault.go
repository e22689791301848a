package compose

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"rinca/internal/rinca"
)

// fault gives an error of the engine, or of the way to it, its code. The
// context decides first: Compose reports a cancellation in other words.
func (e *Engine) fault(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*rinca.Error](err); ok {
		return known
	}
	where := "server " + e.name
	switch {
	case errors.Is(ctx.Err(), context.Canceled), errors.Is(err, context.Canceled):
		return rinca.Errorf(rinca.Canceled, "%s: canceled", doing).Because(err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return rinca.Errorf(rinca.Unavailable, "%s: %s did not answer in time", doing, where).Because(err).
			Try("see whether its Docker Engine hangs: docker info on %s", e.name)
	case errors.Is(err, fs.ErrPermission):
		return rinca.Errorf(rinca.Forbidden, "%s: %s refuses us: %w", doing, where, err).
			Try("run rinca as root, or add its user to the docker group")
	case isTrust(err):
		return rinca.Errorf(rinca.Forbidden, "%s: %s and rinca do not trust each other: %w", doing, where, e.cause(err)).
			Try("compare its certificates with ours: rinca server set %s --ca FILE --cert FILE --key FILE", e.name)
	case isConnection(err):
		return rinca.Errorf(rinca.Unavailable, "%s: %s is out of reach: %w", doing, where, e.cause(err)).
			Try("see whether its Docker Engine runs, and its address: rinca server show %s", e.name)
	}
	text := err.Error()
	if strings.Contains(text, "has active endpoints") {
		return rinca.Errorf(rinca.Conflict, "%s: %w", doing, err).
			Try("a container that is in no file of the stack uses the network; see docker network inspect, and disconnect or remove it")
	}
	code := rinca.Unavailable // an engine's 5xx, and what Compose says without a class
	switch {
	case strings.Contains(text, "port is already allocated"), strings.Contains(text, "address already in use"),
		errdefs.IsConflict(err), errdefs.IsAlreadyExists(err):
		code = rinca.Conflict
	case errdefs.IsNotFound(err):
		code = rinca.NotFound
	case errdefs.IsInvalidArgument(err):
		code = rinca.Invalid
	case errdefs.IsUnauthorized(err), errdefs.IsPermissionDenied(err):
		code = rinca.Forbidden
	}
	return rinca.Errorf(code, "%s: %w", doing, err)
}

// isTrust reports whether one side does not accept the other's certificate.
func isTrust(err error) bool {
	_, theirs := errors.AsType[*tls.CertificateVerificationError](err)
	return theirs || strings.Contains(err.Error(), "remote error: tls:")
}

// cause is what went wrong below the client, which speaks of a socket that is
// none.
func (e *Engine) cause(err error) error {
	if strings.Contains(err.Error(), "Cannot connect to the Docker daemon") {
		if last := e.lastDial.Load(); last != nil {
			return *last
		}
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
		return request.Err
	}
	return err
}

func isConnection(err error) bool {
	_, isNet := errors.AsType[*net.OpError](err)
	return isNet || client.IsErrConnectionFailed(err) || errors.Is(err, net.ErrClosed)
}
