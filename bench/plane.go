package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

// A plane is `rinca serve`, as a process of its own, and what a client needs.
type plane struct {
	home, dest string
	address    string // http://127.0.0.1:port
	key        string
	env        []string // of clients and of the server
	client     *client.Client
	cmd        *exec.Cmd
	binary     string
}

// startPlane starts a server on an empty home, with an embedded vault, and
// makes an API key. docker is the address of its engine.
func startPlane(ctx context.Context, b *bench, docker string) (*plane, error) {
	address, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &plane{
		home: filepath.Join(b.dir, "plane"), dest: filepath.Join(b.dir, "secrets"), address: "http://" + address, binary: b.rinca,
	}
	password := filepath.Join(b.dir, "password")
	if err := os.WriteFile(password, []byte("a password of the benchmark"), 0o600); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(p.dest, 0o755); err != nil {
		return nil, err
	}
	p.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "RINCA_HOME=" + p.home, "RINCA_PROVIDER=embedded",
		"DEST_ROOT=" + p.dest, "DOCKER_HOST=" + docker, "RINCA_HOST=" + p.address,
		"RINCA_INIT_ADMIN_USERNAME=bench", "RINCA_INIT_ADMIN_PASSWORD_FILE=" + password,
	}
	if out, err := command(ctx, p.env, b.rinca, "init"); err != nil {
		return nil, fmt.Errorf("init: %w: %s", err, out)
	}
	if _, err := p.start(ctx); err != nil {
		return nil, err
	}
	if err := p.makeKey(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// start starts the server and returns how many seconds it took until it was
// ready.
func (p *plane) start(ctx context.Context) (float64, error) {
	log, err := os.Create(filepath.Join(filepath.Dir(p.home), "serve.log"))
	if err != nil {
		return 0, err
	}
	defer log.Close()
	p.cmd = exec.CommandContext(ctx, p.binary, "serve", "--listen", p.address[len("http://"):])
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, log, log
	// Each look is a connection of its own, so that none is reused half open.
	look := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return 0, err
	}
	for time.Since(begin) < 30*time.Second {
		if callJSON(ctx, look, request{method: "GET", url: p.address + "/readyz"}) == nil {
			return time.Since(begin).Seconds(), nil
		}
		time.Sleep(time.Millisecond)
	}
	p.stop()
	text, _ := os.ReadFile(log.Name())
	return 0, fmt.Errorf("the server is not ready: %s", text)
}

func (p *plane) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Wait()
}

func (p *plane) makeKey(ctx context.Context) error {
	var login struct{ Token string }
	in := map[string]string{"username": "bench", "password": "a password of the benchmark"}
	if err := callJSON(ctx, http.DefaultClient, request{"POST", p.address + "/v1/login", "", in, &login}); err != nil {
		return err
	}
	var key struct{ Key string }
	if err := callJSON(ctx, http.DefaultClient, request{"POST", p.address + "/v1/me/keys", login.Token, map[string]string{"name": "bench"}, &key}); err != nil {
		return err
	}
	p.key = key.Key
	p.env = append(p.env, "RINCA_API_KEY="+key.Key)
	var err error
	p.client, err = client.New(client.Config{Host: p.address, Key: rinca.NewSecret(key.Key)})
	return err
}

// cli runs the command line.
func (p *plane) cli(ctx context.Context, args ...string) error {
	out, err := command(ctx, p.env, p.binary, args...)
	if err != nil {
		return fmt.Errorf("rinca %v: %w: %s", args, err, out)
	}
	return nil
}

// put creates or replaces a stack.
func (p *plane) put(ctx context.Context, s rinca.Stack) error {
	return p.client.Do(ctx, http.MethodPut, client.Path("v1", "stacks", s.Name), s, nil)
}

// deploy deploys a stack through the API alone, and returns when its update
// has ended.
func (p *plane) deploy(ctx context.Context, stack string) error {
	params, err := json.Marshal(map[string]string{"stack": stack})
	if err != nil {
		return err
	}
	u, err := p.client.Submit(ctx, rinca.Execution{Kind: "DeployStack", Params: params})
	if err != nil {
		return err
	}
	err = p.client.Events(ctx, url.Values{"update": {u.ID}}, 0, func(e rinca.Event) error {
		var now rinca.Update
		if e.Type == "update" && json.Unmarshal(e.Data, &now) == nil && now.ID == u.ID && now.State.Final() {
			u = now
			return client.Stop()
		}
		return nil
	})
	if err == nil && u.State != rinca.Succeeded {
		err = errors.New("deploy ended as " + string(u.State))
		if u.Error != nil {
			err = errors.New(u.Error.Message)
		}
	}
	return err
}
