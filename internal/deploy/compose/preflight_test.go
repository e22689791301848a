package compose_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func (s *stack) problems() []string {
	s.t.Helper()
	problems, err := s.load().Preflight(s.t.Context())
	if err != nil {
		s.t.Fatalf("preflight: %v", err)
	}
	var out []string
	for _, p := range problems {
		if p.Hint == "" {
			s.t.Errorf("no mend: %s", p.Message)
		}
		out = append(out, fmt.Sprintf("%s: %s", p.Service, strings.ReplaceAll(p.Message, s.spec.Dir, "DIR")))
	}
	slices.Sort(out)
	return out
}

func TestPreflight(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": `
services:
  web:
    image: IMAGE
    container_name: preflight-taken
    ports: ["18080:80", "18081:81/udp", "127.0.0.1:18082:82", "18083-18085:83"]
    networks: [outside]
    volumes: ["kept:/kept", "./none.conf:/etc/none.conf", "./data:/data", {type: bind, source: ./strict, target: /strict, bind: {create_host_path: false}}, "./there:/there"]
    secrets: [token]
  other:
    image: IMAGE
    ports: ["18086:80"]
    read_only: true
    configs: [app]
  twin:
    image: IMAGE
    ports: ["18086:81"]
    secrets: [swarm]
networks: {outside: {external: true, name: preflight-outside}}
volumes: {kept: {external: true}}
secrets: {token: {file: token.txt}, swarm: {external: true}}
configs: {app: {content: x}}
`, "there/x": ""})
	holder := newStack(t, map[string]string{"compose.yaml": "services: {h: {image: IMAGE, container_name: preflight-taken, stop_grace_period: 1s, ports: [\"18080:1\"]}}\n"})
	holder.spec.Name = "preflight-holder"
	holder.deploy()
	got := s.problems()
	for _, want := range []string{
		": the external network preflight-outside does not exist",
		": the external volume kept does not exist",
		"web: port 18080/tcp is taken by the container preflight-taken, of the project preflight-holder",
		"twin: port 18086/tcp is taken by service other of the same stack",
		"web: a container named preflight-taken exists already, of the project preflight-holder",
		"web: the mounted path DIR/none.conf does not exist",
		"web: the mounted path DIR/strict does not exist",
		"web: the secret's file DIR/token.txt does not exist",
		"other: the service is read_only, and its config app is not a file",
		"twin: the secret swarm is external; only Swarm has those",
	} {
		i := slices.Index(got, want)
		if i < 0 {
			t.Errorf("missing: %s", want)
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
	if len(got) > 0 {
		t.Errorf("too much: %q", got)
	}
}

// Ports that are taken by a program, not a container, are found in the
// network of the engine; those of our own containers are not taken.
func TestPreflightFindsPortsOfPrograms(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": "services: {web: {image: IMAGE, stop_grace_period: 1s, ports: [\"18090:80\", \"127.0.0.1:18091:81\", \"18092:82/udp\"]}}\n"})
	if got := s.problems(); got != nil {
		t.Fatalf("before: %q", got)
	}
	s.deploy()
	if got := s.problems(); got != nil {
		t.Errorf("of our own container: %q", got)
	}
	s.write("compose.yaml", "services: {web: {image: IMAGE, stop_grace_period: 1s, ports: [\"18090:80\", \"18095:81\"]}, host: {image: IMAGE, stop_grace_period: 1s, network_mode: host, environment: {APP_LISTEN: \":18095\"}}}\n")
	// A container in the host's network is what a program of the host is.
	s.real.Docker(t, "run", "-d", "--name", "preflight-program", "--network", "host", "-e", "APP_LISTEN=:18095", s.image)
	t.Cleanup(func() { s.real.Docker(t, "rm", "-f", "preflight-program") })
	for range 100 {
		if got := s.problems(); slices.Equal(got, []string{"web: port 18095/tcp is taken by another program"}) {
			return
		}
	}
	t.Errorf("problems: %q", s.problems())
}

func TestPreflightIsContentWithAHealthyProject(t *testing.T) {
	s := richStack(t)
	if got := s.problems(); got != nil {
		t.Errorf("before: %q", got)
	}
	if err := os.Remove(filepath.Join(s.spec.Dir, "token.txt")); err != nil {
		t.Fatal(err)
	}
	if got := s.problems(); !slices.Equal(got, []string{"web: the secret's file DIR/token.txt does not exist"}) {
		t.Errorf("problems: %q", got)
	}
}
