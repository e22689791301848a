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
		{"OP_CONNECT_HOST", "", "address of a 1Password Connect server"},
		{"OP_CONNECT_TOKEN", "", "token for it; or `OP_CONNECT_TOKEN_FILE`, the path of a file that holds it"},
		{"OP_SERVICE_ACCOUNT_TOKEN", "", "1Password service account token; or `OP_SERVICE_ACCOUNT_TOKEN_FILE`"},
	}
}
