package opcli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// maxOutput bounds what op may print.
const maxOutput = 128 << 20

func (p *Provider) json(ctx context.Context, cost int, stdin []byte, out any, args ...string) error {
	data, err := p.run(ctx, cost, stdin, append(args, "--format=json")...)
	if err != nil {
		return err
	}
	if json.Unmarshal(data, out) != nil { // its text would quote the answer
		return rinca.Errorf(rinca.Unavailable, "op %s: the answer is not whole JSON", strings.Join(args[:2], " ")).Try("op --version; then repeat")
	}
	return nil
}

// run runs op and returns what it printed. Reads are tried again when the
// failure is one that passes.
func (p *Provider) run(ctx context.Context, cost int, stdin []byte, args ...string) ([]byte, error) {
	if args[0] != "--version" {
		if err := p.checked(); err != nil {
			return nil, err
		}
	}
	read := !slices.Contains([]string{"create", "edit", "delete"}, args[min(1, len(args)-1)])
	for n := 1; ; n++ {
		if p.gate != nil && cost > 0 {
			if err := p.gate(cost); err != nil {
				return nil, err
			}
		}
		p.requests.Add(int64(cost))
		out, err := p.once(ctx, stdin, args)
		if err == nil || !read || n == 3 || rinca.CodeOf(err) != rinca.Unavailable || ctx.Err() != nil {
			return out, err
		}
		select {
		case <-ctx.Done():
			return nil, rinca.Errorf(rinca.Canceled, "op %s: %w", args[0], ctx.Err())
		case <-time.After(time.Duration(n) * 300 * time.Millisecond):
		}
	}
}

func (p *Provider) once(ctx context.Context, stdin []byte, args []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.cfg.Path, args...)
	cmd.Env = childEnviron(p.cfg.Environ, p.cfg.Token)
	cmd.WaitDelay = 5 * time.Second
	// Without an input op must not wait for a terminal.
	cmd.Stdin = bytes.NewReader(stdin)
	stdout, stderr := &limited{max: maxOutput}, &limited{max: 64 << 10}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, rinca.Errorf(rinca.Unavailable, "op %s: no answer in two minutes", args[0]).Try("run it by hand: op %s", strings.Join(args, " "))
	case ctx.Err() != nil:
		return nil, rinca.Errorf(rinca.Canceled, "op %s: %w", args[0], ctx.Err())
	case stdout.over:
		return nil, rinca.Errorf(rinca.Unavailable, "op %s: it prints more than %d MB", args[0], maxOutput>>20)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, classify(args, stderr.String(), exit)
	}
	if err != nil {
		return nil, rinca.Errorf(rinca.Unavailable, "run op: %w", err).Try("is %s there, and may you run it?", p.cfg.Path)
	}
	return stdout.Bytes(), nil
}

// limited keeps up to max bytes, and notes that there were more.
type limited struct {
	bytes.Buffer
	max  int
	over bool
}

func (l *limited) Write(b []byte) (int, error) {
	if l.Len()+len(b) > l.max {
		l.over = true
		return 0, errors.New("too much output")
	}
	return l.Buffer.Write(b)
}

// childEnviron is what op gets of our environment: what it documents, and
// what any program needs to find its files and the network. Connect's
// variables are left out, because they would come before the account.
func childEnviron(environ []string, token rinca.Secret) []string {
	keep := lazyregexp.New(`^(OP_[A-Z_]+|HOME|PATH|USER|LOGNAME|TMPDIR|TZ|LANG|LC_[A-Z]+|XDG_[A-Z_]+|SSL_CERT_(FILE|DIR)|(?i:https?_proxy|no_proxy|all_proxy)|DBUS_SESSION_BUS_ADDRESS)=`)
	drop := lazyregexp.New(`^OP_(CONNECT_.*|SERVICE_ACCOUNT_TOKEN.*|FORMAT|INCLUDE_ARCHIVE|DEBUG)=`)
	var out []string
	for _, kv := range environ {
		if keep.MatchString(kv) && !drop.MatchString(kv) {
			out = append(out, kv)
		}
	}
	if token.IsSet() {
		out = append(out, "OP_SERVICE_ACCOUNT_TOKEN="+token.Reveal())
	}
	return out
}

// The failures of op that can be told apart, by the text of its error line.
var failures = []struct {
	text *lazyregexp.Regexp
	code rinca.Code
	hint string
}{
	{lazyregexp.New(`\(429\)|(?i)too many requests`), rinca.RateLimited, "op service-account ratelimit   # how much is left, and until when"},
	{lazyregexp.New(`isn't a vault in this account|isn't an item|could not find item|does not have a (field|file)|isn't a field|\(404\)`), rinca.NotFound, "op vault list; 1Password also says so when the token has no right to see it"},
	{lazyregexp.New(`More than one item matches`), rinca.Conflict, "name the item by its id"},
	{lazyregexp.New(`DecodeSACredentials|parseToken|unrecognized auth type|Service Account Deleted|not compatible with the provided user auth|re-initialize service account session|\(401\)|invalid bearer token`), rinca.Unauthenticated, "make a new service account token and set OP_SERVICE_ACCOUNT_TOKEN to it"},
	{lazyregexp.New(`not currently signed in|account is not signed in|No accounts configured|no account found|session token for account|not authenticated yet`), rinca.Unauthenticated, "op signin, or set OP_SERVICE_ACCOUNT_TOKEN"},
	{lazyregexp.New(`\(403\)|aren't authorized`), rinca.Forbidden, "give the service account access to the vault: op service-account create NAME --vault VAULT:read_items"},
	{lazyregexp.New(`no such host|connection refused|timeout|timed out|network is unreachable|\(5\d\d\)|EOF|reset by peer`), rinca.Unavailable, "is the network up? op does not work offline"},
	{lazyregexp.New(`\(400\)|Usage:`), rinca.Invalid, ""},
}

var errorLine = lazyregexp.New(`\[ERROR\] \d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2} (.+)`)

// classify turns op's error line into ours.
func classify(args []string, stderr string, exit *exec.ExitError) error {
	message := ""
	if m := errorLine.FindStringSubmatch(stderr); m != nil {
		message = m[1]
	} else {
		message, _, _ = strings.Cut(strings.TrimSpace(stderr), "\n")
	}
	if len(message) > 300 {
		message = message[:300] + "…"
	}
	what := "op " + strings.Join(args[:min(2, len(args))], " ")
	if message == "" {
		message = fmt.Sprintf("it ended with status %d and said nothing", exit.ExitCode())
	}
	for _, f := range failures {
		if !f.text.MatchString(stderr) {
			continue
		}
		if f.code == rinca.Unauthenticated {
			return rinca.Errorf(f.code, "%s: OP_SERVICE_ACCOUNT_TOKEN invalid or expired, or not signed in: %s", what, message).Try("%s", f.hint)
		}
		err := rinca.Errorf(f.code, "%s: %s", what, message)
		if f.hint != "" {
			err = err.Try("%s", f.hint)
		}
		return err
	}
	return rinca.Errorf(rinca.Internal, "%s: %s", what, message).Try("run it by hand: op %s", strings.Join(args, " "))
}
