package compose

import (
	"context"
	"io"
	"strings"
	"sync"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/compose/v5/pkg/api"
	engine "github.com/docker/compose/v5/pkg/compose"
	"github.com/moby/moby/client"

	"rinca/internal/rinca"
)

// concurrency bounds the requests that Compose sends at once.
const concurrency = 32

// service returns Compose for one operation, whose progress goes to out.
func (e *Engine) service(out rinca.Output) (api.Compose, *progress, error) {
	p := &progress{out: out, said: map[string]bool{}}
	cli, err := command.NewDockerCli(command.WithAPIClient(e.client), command.WithCombinedStreams(p.writer()))
	if err != nil {
		return nil, nil, rinca.Errorf(rinca.Internal, "prepare compose: %w", err)
	}
	svc, err := engine.NewComposeService(&dockerCli{Cli: cli, api: finisher{e.client}},
		engine.WithEventProcessor(p), engine.WithMaxConcurrency(concurrency),
		// Asked whether data may be lost, we say no.
		engine.WithPrompt(func(string, bool) (bool, error) { return false, nil }))
	if err != nil {
		return nil, nil, rinca.Errorf(rinca.Internal, "prepare compose: %w", err)
	}
	return svc, p, nil
}

// A dockerCli is what Compose takes for the docker command: it has our
// connection, and no configuration of this process's user.
type dockerCli struct {
	command.Cli
	api    client.APIClient
	config configfile.ConfigFile
}

func (c *dockerCli) Client() client.APIClient           { return c.api }
func (c *dockerCli) ConfigFile() *configfile.ConfigFile { return &c.config }
func (c *dockerCli) CurrentContext() string             { return "default" }

// A progress turns Compose's events into lines.
type progress struct {
	out  rinca.Output
	mu   sync.Mutex
	said map[string]bool
	// serviceOf knows the services of containers by their names.
	serviceOf func(container string) string
}

// Start and Done tell nothing: Compose 5.6 says the opposite of how an
// operation ended.
func (p *progress) Start(context.Context, string) {}

// Done is not believed; see Start.
func (p *progress) Done(string, bool) {}

// On sends each thing once, in the order in which it is first told.
func (p *progress) On(events ...api.Resource) {
	for _, e := range events {
		text := strings.TrimSpace(e.ID + " " + e.Text)
		if e.Details != "" {
			text += ": " + e.Details
		}
		line := rinca.Line{Text: text, Current: e.Current, Total: e.Total}
		if e.ParentID != "" { // a layer
			line.Stream, line.Transient = "pull", true
		}
		if name, ok := strings.CutPrefix(e.ID, "Container "); ok && p.serviceOf != nil {
			line.Service = p.serviceOf(name)
		}
		if e.Status == api.Error {
			line.Stream = "err"
		}
		p.mu.Lock()
		known := p.said[text] && !line.Transient
		p.said[text] = true
		p.mu.Unlock()
		if !known && p.out != nil {
			p.out(line)
		}
	}
}

// writer takes what Compose prints, such as the output of a build.
func (p *progress) writer() io.Writer {
	return &lineWriter{each: func(text string) {
		if p.out != nil && strings.TrimSpace(text) != "" {
			p.out(rinca.Line{Stream: "out", Text: text})
		}
	}}
}

// maxLine is the longest line; longer ones are cut in pieces.
const maxLine = 64 << 10

// A lineWriter splits what is written to it into lines.
type lineWriter struct {
	each func(text string)
	mu   sync.Mutex
	rest []byte
}

// Write never fails.
func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(b)
	for len(b) > 0 {
		i := indexNewline(b)
		if i < 0 {
			w.rest = append(w.rest, b...)
			b = nil
		} else {
			w.rest = append(w.rest, b[:i]...)
			b = b[i+1:]
		}
		if i >= 0 || len(w.rest) >= maxLine {
			w.flush()
		}
	}
	return n, nil
}

func indexNewline(b []byte) int {
	for i, c := range b {
		if c == '\n' {
			return i
		}
	}
	return -1
}

func (w *lineWriter) flush() {
	text := strings.TrimSuffix(string(w.rest), "\r")
	w.rest = w.rest[:0]
	w.each(text)
}

// close sends a last line that has no end.
func (w *lineWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.flush()
	}
}
