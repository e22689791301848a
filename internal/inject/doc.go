// Package inject reads templates from files and trees, and writes what they
// render to: all files or none.
package inject
