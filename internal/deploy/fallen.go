package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// How a service that was verified, and starts again by itself, is waited for.
const (
	standPatience = 30 * time.Second
	standEvery    = 250 * time.Millisecond
)

// Fallen says, in words, which service of a stack is not well any more, of
// those that its last deploy has verified; "" when all of them are. What is
// healthy may still die a moment later, and what comes after it must not take
// it for well. A service that starts again by itself is waited for, for half a
// minute at most. No services means all of the stack.
func (d *Deployer) Fallen(ctx context.Context, stack string, services []string) (string, error) {
	s, err := d.DB.Stack(ctx, stack)
	if err != nil || s.Verify.Skip {
		return "", err
	}
	patience := standPatience
	if v := time.Duration(s.Verify.Timeout); v > 0 {
		patience = min(patience, v)
	}
	for began, doubted := time.Now(), false; ; {
		state := d.statesOn(ctx, s.ServerName(), []*rinca.Stack{&s})[s.Name]
		if state.Status == rinca.StatusUnknown {
			return "", rinca.Errorf(rinca.Unavailable, "how stack %s is cannot be told: %s", stack, state.Error).
				Try("rinca server show %s", s.ServerName())
		}
		why, again := fallen(state, services)
		switch {
		case why == "" && !doubted:
			return "", nil
		case why == "":
			doubted = false // well once may be between two crashes
		case !again, time.Since(began) > patience:
			return why, nil
		default:
			doubted = true
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(standEvery):
		}
	}
}

// fallen reads one state. again says that the service may yet become well.
func fallen(state rinca.StackState, services []string) (why string, again bool) {
	seen := map[string]bool{}
	for _, s := range state.Services {
		if len(services) > 0 && !slices.Contains(services, s.Service) {
			continue
		}
		seen[s.Service] = true
		switch s.Status {
		case rinca.StatusHealthy, rinca.StatusRunning, rinca.StatusDone:
			continue
		case rinca.StatusStopped:
			if strings.HasPrefix(s.Text, "Exited (0)") {
				continue // it had something to do once
			}
			why, again = "is stopped", false
		case rinca.StatusStarting:
			why, again = "is starting again", true
		case rinca.StatusUnhealthy:
			if why, again = "is unhealthy", false; s.ExitCode != 0 {
				why = fmt.Sprintf("exited with %d", s.ExitCode)
			}
			if strings.HasPrefix(s.Text, "Restarting") {
				why, again = why+" and restarts", true
			}
		default:
			why, again = "is "+string(s.Status), false
		}
		return "service " + s.Service + " was verified and then " + why, again
	}
	for _, name := range services {
		if !seen[name] {
			return "service " + name + " was verified and then removed", false
		}
	}
	return "", false
}
