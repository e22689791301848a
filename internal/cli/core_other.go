//go:build !linux

package cli

// noCoreDumps does nothing here: only Linux is supported as a host.
func noCoreDumps() (restore func()) { return func() {} }
