#!/usr/bin/env bash
# Removes everything that demo.sh left: stacks, images, the server, its files.
set -uo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
demo=${RINCA_DEMO_DIR:-$root/.cache/demo}
PATH="$root/bin:$PATH"
[ -d "$demo" ] || { echo "There is no demo."; exit 0; }
export XDG_CONFIG_HOME=$demo/config
unset RINCA_HOST RINCA_API_KEY RINCA_API_KEY_FILE RINCA_PROFILE
if [ -e "$demo/pid" ] && kill -0 "$(cat "$demo/pid")" 2>/dev/null; then
	for stack in authentik restic uptime-kuma op-export; do
		rinca stack destroy "$stack" --volumes --yes --quiet 2>/dev/null
	done
	kill "$(cat "$demo/pid")"
	for _ in $(seq 100); do
		kill -0 "$(cat "$demo/pid")" 2>/dev/null || break
		sleep 0.1
	done
fi
for image in rinca-demo/standin:latest rinca-demo/rinca:latest; do
	go run ../../tools/image -remove -name "$image" 2>/dev/null
done
rm -rf "$demo"
echo "Removed the demo."
