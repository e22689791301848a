// Package auth says who somebody is and what they may do: passwords, second
// factors, sessions, API keys, identity providers, users and groups. Logins,
// and changes that no request of the API made, are written into the audit log
// here; the API writes the others.
package auth
