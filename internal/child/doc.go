// Package child runs a command that gets secrets in its environment: it
// resolves the references there, masks the values in what the command prints,
// and passes signals and the exit status on.
package child
