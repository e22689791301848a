package cli

import "github.com/spf13/cobra"

// commands lists every command. Adding one is a file, and a line here.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newBackup(a),
		newConnect(a),
		newDoctor(a),
		newExport(a),
		newGit(a),
		newInit(a),
		newInject(a),
		newItem(a),
		newKey(a),
		newOp(a),
		newProvider(a),
		newRead(a),
		newReference(a),
		newRestore(a),
		newRun(a),
		newServe(a),
		newServer(a),
		newStack(a),
		newToken(a),
		newUpdate(a),
		newVariable(a),
		newVault(a),
		newVersion(a),
	}
}
