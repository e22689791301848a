package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rinca/internal/rinca"
)

const signedRounds = 9

// signedRequest: from a request with an API key until the containers run, as
// the engine's own events tell, less what the engine takes when its API is
// called for the same network and containers, one after the other.
func signedRequest(ctx context.Context, b *bench) ([]line, error) {
	e, err := startEngine(ctx, b)
	if err != nil {
		return nil, err
	}
	defer e.stop()
	p, err := startPlane(ctx, b, "unix://"+e.socket)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	stacks, err := makeStacks(ctx, b, p, signedRounds)
	if err != nil {
		return nil, err
	}
	var ours, theirs, over []float64
	for i, s := range stacks {
		var o, t float64
		us := func() error {
			o, err = timed(func() error { return e.untilStarted(ctx, s.Name, func() error { return p.submit(ctx, s) }) })
			return err
		}
		them := func() error {
			name := s.Name + "-raw"
			t, err = timed(func() error { return e.untilStarted(ctx, name, func() error { return e.raw(ctx, name) }) })
			return err
		}
		for _, f := range order(i, us, them) {
			if err := f(); err != nil {
				return nil, err
			}
		}
		ours, theirs, over = append(ours, o), append(theirs, t), append(over, o-t)
	}
	l := newLine("signed-request-to-running", middle(ours), middle(theirs))
	l.Note = fmt.Sprintf("the engine's own API; we add %.3f s, goal: at most 0.3 s", middle(over))
	return []line{l}, nil
}

// order lets two take turns at being first.
func order[T any](round int, a, b T) []T {
	if round%2 == 0 {
		return []T{a, b}
	}
	return []T{b, a}
}

// submit asks for a deploy, and does not wait for it.
func (p *plane) submit(ctx context.Context, s rinca.Stack) error {
	params, err := json.Marshal(map[string]string{"stack": s.Name})
	if err == nil {
		_, err = p.client.Submit(ctx, rinca.Execution{Kind: "DeployStack", Params: params})
	}
	return err
}

// untilStarted calls f, and returns when the engine says that the project's
// container has started.
func (e *engine) untilStarted(ctx context.Context, project string, f func() error) error {
	filters := fmt.Sprintf(`{"event":["start"],"label":["com.docker.compose.project=%s"]}`, project)
	req, err := http.NewRequestWithContext(ctx, "GET", "http://engine/events?filters="+url.QueryEscape(filters), nil)
	if err != nil {
		return err
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := f(); err != nil {
		return err
	}
	_, err = bufio.NewReader(resp.Body).ReadString('\n')
	return err
}

// raw makes what a stack of makeStacks is, with the least that it takes.
func (e *engine) raw(ctx context.Context, name string) error {
	labels := map[string]string{"com.docker.compose.project": name}
	network := map[string]any{"Name": name + "_default", "Driver": "bridge", "Labels": labels}
	if err := e.call(ctx, "POST", "/networks/create", network, nil); err != nil {
		return err
	}
	container := map[string]any{
		"Image": benchImage, "Labels": labels, "Env": []string{"NAME=" + strings.TrimSuffix(name, "-raw")},
		"HostConfig":       map[string]any{"NetworkMode": name + "_default"},
		"NetworkingConfig": map[string]any{"EndpointsConfig": map[string]any{name + "_default": map[string]any{"Aliases": []string{"app"}}}},
	}
	var made struct{ ID string }
	if err := e.call(ctx, "POST", "/containers/create?name="+name+"-app-1", container, &made); err != nil {
		return err
	}
	return e.call(ctx, "POST", "/containers/"+made.ID+"/start", nil, nil)
}
