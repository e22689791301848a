// Package auth says who somebody is and what they may do: passwords, second
// factors, sessions, API keys, identity providers, users and groups. What it
// changes, and who signed in or could not, it writes into the audit log.
package auth
