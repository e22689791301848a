package resource

import "rinca/internal/tomltree"

// What Komodo has and this program does not.

// foreignKinds are lists of resources, by both of their names.
func foreignKinds() [][2]string {
	return [][2]string{{"swarm", "swarms"}, {"build", "builds"}, {"builder", "builders"}, {"deployment", "deployments"}, {"action", "actions"}}
}

// foreignTargets are kinds of resources that rights may be about.
func foreignTargets() []string {
	return []string{"Swarm", "Build", "Builder", "Deployment", "Action"}
}

func foreignAlerts() []string {
	return []string{
		"None", "SwarmUnhealthy", "ServerCpu", "ServerMem", "ServerDisk", "ServerVersionMismatch", "ContainerStateChange", "DeploymentImageUpdateAvailable",
		"DeploymentAutoUpdated", "StackStateChange", "StackImageUpdateAvailable", "StackAutoUpdated", "AwsBuilderTerminationFailed", "BuildFailed",
		"RepoBuildFailed", "ActionFailed",
	}
}

// sameExecution are executions that have another name here.
func sameExecution() map[string]string {
	return map[string]string{"BackupCoreDatabase": "Backup", "BatchDeployStackIfChanged": "BatchDeployStack"}
}

func foreignExecutions() []string {
	return []string{
		"DeployStackIfChanged", "BatchDeployStackIfChanged", "BatchPullStack", "PauseStack", "UnpauseStack", "BatchDestroyStack", "RunStackService",
		"Deploy", "BatchDeploy", "PullDeployment", "StartDeployment", "RestartDeployment", "PauseDeployment", "UnpauseDeployment", "StopDeployment",
		"DestroyDeployment", "BatchDestroyDeployment", "RunBuild", "BatchRunBuild", "CancelBuild", "CloneRepo", "BatchCloneRepo", "PullRepo",
		"BatchPullRepo", "BuildRepo", "BatchBuildRepo", "CancelRepoBuild", "RunProcedure", "BatchRunProcedure", "CancelProcedure", "RunAction",
		"BatchRunAction", "CancelAction", "RunSync", "CommitSync", "TestAlerter", "SendAlert", "StartContainer", "RestartContainer", "PauseContainer",
		"UnpauseContainer", "StopContainer", "DestroyContainer", "StartAllContainers", "RestartAllContainers", "PauseAllContainers",
		"UnpauseAllContainers", "StopAllContainers", "PruneContainers", "DeleteNetwork", "PruneNetworks", "DeleteImage", "PruneImages", "DeleteVolume",
		"PruneVolumes", "PruneDockerBuilders", "PruneBuildx", "PruneSystem", "RemoveSwarmNodes", "UpdateSwarmNode", "RemoveSwarmStacks",
		"RemoveSwarmServices", "CreateSwarmConfig", "RotateSwarmConfig", "RemoveSwarmConfigs", "CreateSwarmSecret", "RotateSwarmSecret",
		"RemoveSwarmSecrets", "ClearRepoCache", "BackupCoreDatabase", "GlobalAutoUpdate", "RotateAllServerKeys", "RotateCoreKeys", "Sleep",
	}
}

// foreignParams are parameters of executions.
func foreignParams() []string {
	return []string{
		"stop_time", "remove_orphans", "signal", "skip_auto_update", "no_tty", "no_deps", "detach", "service_ports", "env", "workdir", "user", "entrypoint", "pull",
		"alerters", "level", "details", "resource_type", "resources",
	}
}

// foreign notes resources of a kind that only Komodo has.
func (r *reader) foreign(n *tomltree.Node, kind string) {
	if n.Kind != tomltree.Array {
		r.complain(n.Place, "%s is written [[%s]], with two brackets", kind, kind)
		return
	}
	for _, item := range n.Items {
		name := "without a name"
		if v := item.Get("name"); v != nil && v.Kind == tomltree.String {
			r.set.Foreign[v.Text] = true
			name = shown(v.Text)
		}
		r.warn(item.Place, "[[%s]] %s is not supported, ignored", kind, name)
	}
}
