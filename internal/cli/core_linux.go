package cli

import "golang.org/x/sys/unix"

// noCoreDumps keeps what is in memory out of core files, and returns a
// function that gives a child process the limit it would have had. The soft
// limit becomes one byte, not none: the kernel still feeds a core to a program
// (core_pattern "|…") when the limit is 0, and does not when it is 1.
func noCoreDumps() (restore func()) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &old); err != nil || old.Cur <= 1 {
		return func() {}
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1, Max: old.Max}); err != nil {
		return func() {}
	}
	return func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &old) }
}
