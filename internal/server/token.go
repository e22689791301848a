package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"rinca/internal/vault/connect"
)

// CheckToken looks at the token of the chosen provider without using it: when
// it expires (zero when it does not say), or an error Unauthenticated for one
// that cannot work.
func CheckToken(s Sources, c Choice, now time.Time) (expires time.Time, err error) {
	switch c.Name {
	case "connect":
		return connect.CheckToken(s.Config.ConnectToken, now)
	case "op", "sdk":
		if t := s.Config.ServiceAccountToken; t.IsSet() || c.Name == "sdk" {
			return time.Time{}, CheckServiceAccountToken(t)
		}
	}
	return time.Time{}, nil
}

// Clock asks a Connect server what time it is there; false when there is no
// such server or it does not say.
func Clock(ctx context.Context, s Sources) (time.Time, bool) {
	if s.Config.ConnectHost == "" {
		return time.Time{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(s.Config.ConnectHost, "/")+"/heartbeat", nil)
	if err != nil {
		return time.Time{}, false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return time.Time{}, false
	}
	defer resp.Body.Close()
	t, err := http.ParseTime(resp.Header.Get("Date"))
	return t, err == nil
}
