package cli

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

func newAPIKey(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "apikey",
		Short: "Make, list or end API keys",
		Example: `  rinca apikey create backup --expires-in 90d --grant 'Stack:restic=Execute'
  rinca apikey list
  rinca apikey delete backup`,
	}, newAPIKeyCreate(a), newAPIKeyDelete(a), newAPIKeyList(a))
}

// keysPath is where the keys of a user are: the caller's own for "".
func keysPath(user string, more ...string) string {
	if user == "" {
		return client.Path(append([]string{"v1", "me", "keys"}, more...)...)
	}
	return userPath(user, append([]string{"keys"}, more...)...)
}

func userFlag(a *app, c *cobra.Command, user *string) {
	c.Flags().StringVar(user, "user", "", "`NAME` of the user whose key it is; an administrator may")
	a.flagNames(c, "user", "/v1/users")
}

func newAPIKeyCreate(a *app) *cobra.Command {
	var user, expires string
	var grants []string
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an API key and print it, once",
		Long: `Makes an API key and prints it, and nothing else. It is stored as a keyed digest,
so it cannot be shown again. A key may what its user may; --grant bounds it
further, and never gives it more. It takes a session to make a key of your own.

` + grantHelp + ` A scope of an administrator's
key may name System too: System=Read lets it read the audit log and metrics.`,
		Example: `  rinca apikey create laptop
  rinca apikey create deploy --user ci --expires-in 90d --grant 'Stack:media-*=Execute'`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			life, err := parseLife(expires)
			if err != nil {
				return err
			}
			body := map[string]any{"name": args[0]}
			if life > 0 {
				body["expires"] = time.Now().Add(life).UTC().Truncate(time.Second)
			}
			if len(grants) > 0 {
				scope, err := parseGrants(grants)
				if err != nil {
					return err
				}
				body["scope"] = scope
			}
			var out struct {
				Key string `json:"key"`
				rinca.APIKey
			}
			if err := a.ask(cmd.Context(), http.MethodPost, keysPath(user), body, &out); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, out)
			}
			return a.print(out.Key) // to its owner
		},
	}
	c.Flags().StringVar(&expires, "expires-in", "", "`TIME` that it is good for: 90d, 12h; forever when not given")
	grantsFlag(c, &grants, "that bounds the key")
	userFlag(a, c, &user)
	return c
}

// print writes one line to standard output, also with --quiet.
func (a *app) print(line string) error {
	if _, err := a.Stdout.Write([]byte(line + "\n")); err != nil {
		return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
	}
	return nil
}

func newAPIKeyList(a *app) *cobra.Command {
	var user string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List API keys, never the keys themselves",
		Example: "  rinca apikey list --user ci",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []rinca.APIKey
			if err := a.get(cmd.Context(), keysPath(user), &rows); err != nil {
				return err
			}
			now := time.Now()
			return list(a, rows, "There are no API keys. Try: rinca apikey create NAME", func(t *table, k rinca.APIKey) {
				scope := "no bound"
				if k.Scope != nil {
					scope = strings.Join(grantTexts(*k.Scope), " ")
				}
				t.add(k.Name, keyState(now, k), ago(now, k.LastUsed), k.ID, scope)
			}, "NAME", "EXPIRES", "LAST USED", "ID", "SCOPE")
		},
	}
	userFlag(a, c, &user)
	return c
}

// keyState says when a key ends.
func keyState(now time.Time, k rinca.APIKey) string {
	switch {
	case k.ExpiresAt.IsZero():
		return "never"
	case now.After(k.ExpiresAt):
		return "expired"
	}
	return k.ExpiresAt.Local().Format(time.DateOnly)
}

// keyText describes a key in a line.
func keyText(now time.Time, k rinca.APIKey) string {
	text := "used " + ago(now, k.LastUsed) + ", expires " + keyState(now, k)
	if k.Scope != nil {
		text += ", bound to " + strings.Join(grantTexts(*k.Scope), " ")
	}
	return text
}

func newAPIKeyDelete(a *app) *cobra.Command {
	var user string
	c := &cobra.Command{
		Use:     "delete NAME|ID",
		Short:   "End an API key at once",
		Example: "  rinca apikey delete backup",
		Aliases: []string{"revoke"},
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/me/keys", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.deleteKey(cmd.Context(), user, args[0])
		},
	}
	userFlag(a, c, &user)
	return c
}

func (a *app) deleteKey(ctx context.Context, user, key string) error {
	if err := a.ask(ctx, http.MethodDelete, keysPath(user, key), nil, nil); err != nil {
		return err
	}
	return a.tell(map[string]string{"deleted": key}, "Ended the API key %s.", printable(key))
}
