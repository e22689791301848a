package cli

import (
	"context"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newLogout(a *app) *cobra.Command {
	var everywhere, local bool
	c := &cobra.Command{
		Use:   "logout",
		Short: "End the session, and forget it",
		Long: `Ends the session of the profile at the server, and removes its token here. The
address stays. An API key is only removed here; rinca apikey delete ends it.`,
		Example: `  rinca logout
  rinca logout --everywhere`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.logout(cmd.Context(), everywhere, local) },
	}
	c.Flags().BoolVar(&everywhere, "everywhere", false, "end all of your sessions")
	c.Flags().BoolVar(&local, "local", false, "only forget the token here, without asking the server")
	c.MarkFlagsMutuallyExclusive("everywhere", "local")
	return a.remoteFlags(c)
}

func (a *app) logout(ctx context.Context, everywhere, local bool) error {
	file, err := a.profiles()
	if err != nil {
		return err
	}
	name := file.choose(a.or(a.profile, "RINCA_PROFILE", ""))
	p, ok := file.Profiles[name]
	if !ok || p.Key == "" {
		return rinca.Errorf(rinca.NotFound, "nobody is signed in with the profile %s", printable(name)).Try("rinca login")
	}
	if !local {
		if err := a.endSession(ctx, p, everywhere); err != nil {
			return err
		}
	}
	p.Key = ""
	if err := a.setProfile(name, &p); err != nil {
		return err
	}
	return a.tell(map[string]any{"profile": name, "host": p.Host}, "Signed out of %s.", printable(p.Host))
}

// endSession ends the session of a profile. One that is over already is as
// good.
func (a *app) endSession(ctx context.Context, p profile, everywhere bool) error {
	if !strings.HasPrefix(p.Key, "rs_") {
		if everywhere {
			return rinca.Errorf(rinca.Usage, "the profile has an API key and no session").Try("rinca login, then rinca logout --everywhere")
		}
		return nil
	}
	c, err := remote{Host: p.Host, Key: rinca.NewSecret(p.Key), CAFile: p.CAFile}.client()
	if err != nil {
		return err
	}
	path := "/v1/logout"
	if everywhere {
		path = "/v1/logout-everywhere"
	}
	err = c.Do(ctx, http.MethodPost, path, nil, nil)
	switch rinca.CodeOf(err) {
	case rinca.Unauthenticated:
		return nil
	case rinca.Unavailable:
		return rinca.Errorf(rinca.Unavailable, "the session was not ended: %w", err).Try("rinca logout --local   # forget it here; it lasts at the server until it expires")
	}
	return err
}
