package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

const (
	apiStacks      = 1000
	apiConnections = 16
	apiSeconds     = 4
)

// apiLoad: a list of 1,000 stacks, and one secret variable, asked for with an
// API key by 16 clients at once over loopback. The server is the program
// itself; the clients are this process, on the same processors.
func apiLoad(ctx context.Context, b *bench) ([]line, error) {
	p, err := startPlane(ctx, b, "unix:///nonexistent/docker.sock")
	if err != nil {
		return nil, err
	}
	defer p.stop()
	if err := fillPlane(ctx, p); err != nil {
		return nil, err
	}
	var tag string
	if tag, err = p.tag(ctx, "/v1/stacks"); err != nil {
		return nil, err
	}
	var lines []line
	for _, c := range []struct {
		name, path, header string
		goal               float64
	}{
		{"api-list-1000-stacks", "/v1/stacks", "Accept-Encoding: gzip\r\n", 5000},
		{"api-list-1000-stacks-plain", "/v1/stacks", "", 5000},
		{"api-list-1000-stacks-unchanged", "/v1/stacks", "If-None-Match: " + tag + "\r\n", 5000},
		{"api-secret-variable", "/v1/variables/TOKEN", "", 10000},
		{"api-secret-variable-revealed", "/v1/variables/TOKEN/value", "", 10000},
	} {
		rate, p99, err := p.load(ctx, c.path, c.header)
		if err != nil {
			return lines, fmt.Errorf("%s: %w", c.name, err)
		}
		lines = append(lines, line{
			Name: c.name, Ours: round(rate), Theirs: c.goal, Ratio: round(rate / c.goal),
			Note: fmt.Sprintf("requests a second; theirs: the goal; 99%% within %.2f ms, goal: 10 ms", p99*1000),
		})
	}
	return lines, nil
}

func fillPlane(ctx context.Context, p *plane) error {
	var g errgroup.Group
	g.SetLimit(4)
	for i := range apiStacks {
		g.Go(func() error {
			return p.put(ctx, rinca.Stack{
				Name: fmt.Sprintf("stack-%04d", i), Tags: []string{"media", "homelab"}, After: []string{},
				Source: rinca.Source{Kind: rinca.SourceGit, Repo: "https://forge.example.org/homelab.git", Branch: "main", Path: fmt.Sprint("stacks/", i)},
			})
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	value := map[string]any{"value": "a secret value of the benchmark", "secret": true}
	return p.client.Do(ctx, http.MethodPut, client.Path("v1", "variables", "TOKEN"), value, nil)
}

// tag returns the ETag of an answer.
func (p *plane) tag(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", p.address+path, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.Header.Get("ETag"), err
}

// load sends the same request over several connections for some seconds, and
// returns requests a second and the 99th percentile in seconds. The client is
// as small as it can be.
func (p *plane) load(ctx context.Context, path, header string) (rate, p99 float64, err error) {
	host := strings.TrimPrefix(p.address, "http://")
	text := "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + p.key + "\r\n" + header + "\r\n"
	took := make([][]float64, apiConnections)
	begin := time.Now()
	end := begin.Add(apiSeconds * time.Second)
	var g errgroup.Group
	for c := range apiConnections {
		g.Go(func() error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
			if err != nil {
				return err
			}
			defer conn.Close()
			took[c], err = hammer(conn, text, end)
			return err
		})
	}
	err = g.Wait()
	elapsed := time.Since(begin).Seconds()
	all := slices.Concat(took...)
	if err != nil || len(all) == 0 {
		return 0, 0, fmt.Errorf("no answer: %w", err)
	}
	slices.Sort(all)
	return float64(len(all)) / elapsed, all[len(all)*99/100], nil
}

func hammer(conn net.Conn, text string, end time.Time) (took []float64, err error) {
	in := bufio.NewReaderSize(conn, 64<<10)
	for at := time.Now(); at.Before(end); at = time.Now() {
		if _, err := io.WriteString(conn, text); err != nil {
			return took, err
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return took, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil {
			return took, err
		}
		if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotModified {
			return took, fmt.Errorf("answered %s", resp.Status)
		}
		took = append(took, time.Since(at).Seconds())
	}
	return took, nil
}
