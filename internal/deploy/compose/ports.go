package compose

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/client"

	"rinca/internal/rinca"
)

// A binding is a port of the host.
type binding struct {
	ip       netip.Addr // not valid, or unspecified: every address
	port     uint16
	protocol string
	who      string
}

func (b binding) everywhere() bool { return !b.ip.IsValid() || b.ip.IsUnspecified() }

// clashes reports whether two bindings cannot be at once.
func (b binding) clashes(c binding) bool {
	return b.port == c.port && b.protocol == c.protocol && (b.everywhere() || c.everywhere() || b.ip == c.ip)
}

// portsTaken looks for ports that the project publishes and others have: other
// containers, and on this machine any program.
func (d *deployment) portsTaken(ctx context.Context) ([]rinca.Problem, error) {
	wanted := d.published()
	if len(wanted) == 0 {
		return nil, nil
	}
	var problems []rinca.Problem
	for i, w := range wanted {
		for _, other := range wanted[:i] {
			if w.clashes(other) && w.who != other.who {
				problems = append(problems, taken(w, "by service "+other.who+" of the same stack"))
			}
		}
	}
	all, err := d.engine.containers(ctx, client.ContainerListOptions{})
	if err != nil {
		return nil, d.engine.fault(ctx, "look for ports", err)
	}
	var docker, own []binding
	for _, c := range all {
		_, service := d.project.Services[c.Labels[api.ServiceLabel]]
		mine := c.Labels[api.ProjectLabel] == d.project.Name && (service || ours(c))
		for _, p := range c.Ports {
			if p.PublicPort == 0 {
				continue
			}
			b := binding{p.IP, p.PublicPort, p.Type, "by the container " + containerName(c) + ofProject(c.Labels)}
			if mine {
				own = append(own, b)
			} else {
				docker = append(docker, b)
			}
		}
	}
	var programs []binding
	if d.engine.local {
		if host := d.engine.peer(ctx); host.pid > 0 {
			programs = listeners(fmt.Sprintf("/proc/%d/net", host.pid))
		}
	}
	for _, w := range wanted {
		if i := slices.IndexFunc(docker, w.clashes); i >= 0 {
			problems = append(problems, taken(w, docker[i].who))
			continue
		}
		if slices.ContainsFunc(own, w.clashes) {
			continue // by the container that is replaced, through docker's proxy
		}
		if slices.ContainsFunc(programs, w.clashes) {
			problems = append(problems, taken(w, "by another program"))
		}
	}
	return problems, nil
}

func taken(b binding, by string) rinca.Problem {
	hint := "stop that one, or publish another port"
	if by == "by another program" {
		hint = fmt.Sprintf("find it with: ss -lpn 'sport = :%d'", b.port)
	}
	return rinca.Problem{Service: b.who, Message: fmt.Sprintf("port %d/%s is taken %s", b.port, b.protocol, by), Hint: hint}
}

// published lists the ports that services ask for. Of a range, any will do,
// so it is not looked at.
func (d *deployment) published() []binding {
	var out []binding
	for _, name := range d.project.ServiceNames() {
		s := d.project.Services[name]
		if s.GetScale() == 0 || s.NetworkMode == "host" {
			continue
		}
		for _, p := range s.Ports {
			port, err := strconv.ParseUint(p.Published, 10, 16)
			if err != nil || port == 0 {
				continue
			}
			ip, _ := netip.ParseAddr(p.HostIP)
			protocol := p.Protocol
			if protocol == "" {
				protocol = "tcp"
			}
			out = append(out, binding{ip, uint16(port), protocol, name})
		}
	}
	return out
}

// listeners reads who listens from a process's tables of sockets.
func listeners(dir string) []binding {
	var out []binding
	for _, table := range []struct{ file, protocol, state string }{
		{"tcp", "tcp", "0A"}, {"tcp6", "tcp", "0A"}, {"udp", "udp", "07"}, {"udp6", "udp", "07"},
	} {
		f, err := os.Open(dir + "/" + table.file)
		if err != nil {
			continue
		}
		scanner := bufio.NewScanner(f)
		for scanner.Scan() {
			fields := strings.Fields(scanner.Text())
			if len(fields) < 4 || fields[3] != table.state {
				continue
			}
			if ip, port, ok := parseSocket(fields[1]); ok {
				out = append(out, binding{ip, port, table.protocol, ""})
			}
		}
		f.Close()
	}
	return out
}

// parseSocket reads "0100007F:1F90", an address in words of the machine's
// order.
func parseSocket(s string) (netip.Addr, uint16, bool) {
	address, portText, ok := strings.Cut(s, ":")
	port, err := strconv.ParseUint(portText, 16, 16)
	raw, hexErr := hex.DecodeString(address)
	if !ok || err != nil || hexErr != nil || len(raw)%4 != 0 {
		return netip.Addr{}, 0, false
	}
	for i := 0; i+4 <= len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	ip, ok := netip.AddrFromSlice(raw)
	return ip.Unmap(), uint16(port), ok
}
