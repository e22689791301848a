package cli

import "github.com/spf13/cobra"

// commands lists every command. Adding one is a file, and a line here.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newConnect(a),
		newDoctor(a),
		newExport(a),
		newInit(a),
		newItem(a),
		newKey(a),
		newOp(a),
		newProvider(a),
		newReference(a),
		newVault(a),
		newVersion(a),
	}
}
