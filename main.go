// Command rinca carries secrets from a vault to stacks. Called by the name
// "op", it is the op-compatible command.
package main

import (
	"context"
	"os"

	"rinca/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), cli.Env{
		Args: os.Args, Environ: os.Environ(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}))
}
