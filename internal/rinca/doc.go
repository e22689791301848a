// Package rinca is the vocabulary of the program: the nouns of the product,
// the rules that need nothing but those nouns, the contracts that several
// implementations obey, the errors, and Secret, the only type that may hold a
// value from a vault.
//
// It imports the standard library alone and does no I/O, so every other
// package may depend on it and it depends on none.
package rinca
