//go:build tools

// Package tools pins the chezmoi that drives our op in a test.
package tools

import _ "github.com/twpayne/chezmoi/v2"
