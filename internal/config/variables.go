package config

// A Variable is an environment variable that the program reads.
type Variable struct {
	Name    string
	Flag    string // the flag that beats it; "" when there is none
	Meaning string
}

// Variables lists every environment variable that the program reads; the
// reference page is printed from it.
func Variables() []Variable {
	return []Variable{
		{"RINCA_HOME", "--home", "directory of the embedded vault, its key and rinca.toml; default `/var/lib/rinca` for root, else `$XDG_DATA_HOME/rinca`"},
		{"RINCA_CONFIG", "--config", "configuration file; default `rinca.toml` in the home, if it is there"},
		{"RINCA_PROVIDER", "--provider", "`embedded`, `connect`, `op` or `sdk`; chosen from what is configured when not given"},
		{"RINCA_LOG_LEVEL", "--log-level", "`debug`, `info`, `warn` (default) or `error`"},
		{"RINCA_KEY_FILE", "", "the key file; default `rinca.key` in the home. A systemd credential named `rinca.key` comes before it"},
		{"RINCA_PASSPHRASE_FILE", "", "path of a file that holds the passphrase of the key file; or `RINCA_PASSPHRASE`"},
		{"VAULT", "--vault", "vault whose items are exported; default `homelab`"},
		{"DEST_ROOT", "--dest", "directory that secrets are exported to; default `/mnt/apps01/secrets`"},
		{"STACKS", "", "stacks to export when none is named, separated by blanks"},
		{"RINCA_HOST", "", "address of the server that commands talk to; default `http://127.0.0.1:9120`"},
		{"RINCA_API_KEY", "", "key for it; or `RINCA_API_KEY_FILE`, the path of a file that holds it"},
		{"RINCA_PROFILE", "--profile", "profile that names a server and a key, made by `rinca login`"},
		{"RINCA_LISTEN", "--listen", "address that `rinca serve` listens on; default `127.0.0.1:9120`"},
		{"RINCA_TRUSTED_PROXIES", "--trusted-proxy", "addresses of reverse proxies whose `X-Forwarded-For` is believed"},
		{"RINCA_INIT_ADMIN_USERNAME", "", "name of the administrator that the first `rinca serve` makes; default `admin`"},
		{"RINCA_INIT_ADMIN_PASSWORD_FILE", "", "file with that administrator's password; without it a one-time password is printed"},
		{"RINCA_WEBHOOK_SECRET", "", "secret of all webhooks that have none of their own, before the one that is kept; or `RINCA_WEBHOOK_SECRET_FILE`"},
		{"RINCA_URL", "", "address at which browsers reach the server, for logins through an identity provider"},
		{"RINCA_OIDC_ISSUER", "", "URL of an OpenID Connect provider"},
		{"RINCA_OIDC_CLIENT_ID", "", "what it calls us"},
		{"RINCA_OIDC_CLIENT_SECRET", "", "our secret there; or `RINCA_OIDC_CLIENT_SECRET_FILE`"},
		{"RINCA_OIDC_SCOPES", "", "scopes to ask for beside openid; default `profile email`, and `groups` if the provider has it"},
		{"RINCA_OIDC_NAME_CLAIM", "", "claim that users are named after; default `preferred_username`"},
		{"RINCA_OIDC_GROUPS_CLAIM", "", "claim with a user's groups, which groups here name in `claims`; default `groups`"},
		{"RINCA_OIDC_CREATE_USERS", "", "`true` makes a user at the first login of somebody unknown"},
		{"RINCA_OIDC_ADMIN_GROUPS", "", "groups of the provider whose members are administrators"},
		{"RINCA_VAULT_PLAN", "", "plan of the 1Password account, whose limits the server keeps to: `families`, `teams`, `business` or `none`; default `families` for a service account, `none` for other vaults"},
		{"RINCA_VAULT_BUDGET", "", "limits of one's own in its place, such as `500/h,2000/d`: for the token in an hour, and for the account in a day"},
		{"DOCKER_HOST", "--docker", "address of the local engine; default `unix:///var/run/docker.sock`"},
		{"NOTIFY_SOCKET", "", "set by systemd: it is told when the server is ready, lives (`WATCHDOG_USEC`) and stops"},
		{"RINCA_CA_FILE", "", "PEM file of authorities that the server's certificate may come from, beside the system's"},
		{"OP_CONNECT_HOST", "", "address of a 1Password Connect server"},
		{"OP_CONNECT_TOKEN", "", "token for it; or `OP_CONNECT_TOKEN_FILE`, the path of a file that holds it"},
		{"OP_SERVICE_ACCOUNT_TOKEN", "", "1Password service account token; or `OP_SERVICE_ACCOUNT_TOKEN_FILE`"},
	}
}
