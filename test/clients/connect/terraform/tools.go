//go:build tools

// Package tools pins the Terraform provider that a test runs.
package tools

import _ "github.com/1Password/terraform-provider-onepassword"
