package redact

import (
	"strings"
)

// Mask is what stands in place of a secret; it is the text that op uses.
const Mask = "<concealed by 1Password>"

const shortest = 4 // bytes of a value that is masked

// common lists values that are masked nowhere, because text is full of them.
var common = []string{ //nolint:gochecknoglobals // a literal list
	"true", "false", "null", "none", "nil", "auto", "always", "never", "enabled", "disabled", "default", "yes", "off",
	"admin", "administrator", "root", "user", "username", "guest", "test", "example", "name", "password", "passwd", "secret", "token",
	"localhost", "127.0.0.1", "0.0.0.0", "http", "https", "ldap", "smtp", "imap", "host", "port", "email", "value", "data",
	"debug", "info", "warn", "warning", "error", "trace", "production", "development", "staging", "prod", "main", "master", "latest",
	"postgres", "postgresql", "mysql", "mariadb", "redis", "mongo", "mongodb", "sqlite", "rabbitmq", "nginx", "docker", "public",
	"us-east-1", "eu-west-1", "europe", "starttls", "require", "prefer", "plain", "login", "json", "text", "utf8", "utf-8", "utf8mb4",
}

// Unmaskable returns why a value is not masked where it appears: it is too
// short or too ordinary, and masking it would make all text unreadable. It
// returns "" for a value that is masked.
func Unmaskable(value string) string {
	value = strings.TrimSpace(value)
	if len(value) < shortest {
		return "shorter than 4 bytes"
	}
	if len(value) < 6 && strings.Trim(value, "0123456789") == "" {
		return "a number of fewer than six digits"
	}
	for _, w := range common {
		if strings.EqualFold(value, w) {
			return "a common word"
		}
	}
	return ""
}
