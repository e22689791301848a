package cli

import "github.com/spf13/cobra"

// commands lists every command. Adding one is a file, and a line here.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newAPIKey(a),
		newAlert(a),
		newAlerter(a),
		newAudit(a),
		newBackup(a),
		newConnect(a),
		newDoctor(a),
		newDrift(a),
		newExecute(a),
		newExport(a),
		newGit(a),
		newGroup(a),
		newInit(a),
		newInject(a),
		newItem(a),
		newKey(a),
		newLogin(a),
		newLogout(a),
		newOp(a),
		newPasswd(a),
		newProcedure(a),
		newProvider(a),
		newRead(a),
		newReference(a),
		newRestore(a),
		newRun(a),
		newSecret(a),
		newServe(a),
		newServer(a),
		newStack(a),
		newToken(a),
		newTOTP(a),
		newUpdate(a),
		newUser(a),
		newVariable(a),
		newVault(a),
		newVersion(a),
		newWebhook(a),
	}
}
