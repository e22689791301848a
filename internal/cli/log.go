package cli

import (
	"log/slog"
	"strings"

	"rinca/internal/rinca"
)

// logger writes to standard error, from the level that the configuration
// names on; usual is the level when it names none.
func (a *app) logger(usual string) (*slog.Logger, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	name := c.LogLevel
	if a.flags.LogLevel == "" && a.Getenv("RINCA_LOG_LEVEL") == "" {
		name = usual
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(strings.ToUpper(name))); err != nil {
		return nil, rinca.Errorf(rinca.Usage, "no log level is named %q", name).Try("debug, info, warn or error")
	}
	return slog.New(slog.NewTextHandler(a.Stderr, &slog.HandlerOptions{Level: level})), nil
}
