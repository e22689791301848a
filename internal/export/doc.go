// Package export carries items of a vault to files on disk: every item that is
// tagged "stack:<name>" and titled "<something>.env" becomes
// <dest>/<name>/<something>.env.
//
// The interesting decision is a value: Decide turns facts (what the vault
// lists, what the manifest remembers, what is on disk, what was rendered) into
// a Plan. Applying a Plan is dull, and all or nothing for each stack. What must
// survive the process lives in <dest>/.rinca: a lock, a key, the manifest and,
// between renames, a journal. None of them holds a value.
package export
