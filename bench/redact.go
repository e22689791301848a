package main

import "context"

// redaction: masking 500 secrets in 256 MB, against a plain copy.
func redaction(ctx context.Context, b *bench) ([]line, error) {
	return nil, nil
}
