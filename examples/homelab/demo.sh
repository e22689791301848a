#!/usr/bin/env bash
# The runbook, from an empty home to rotated secrets, on the embedded vault.
# Prints each command as it runs it; leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")"
PATH="$(cd ../.. && pwd)/bin:$PATH"
work=$(mktemp -d "${TMPDIR:-/tmp}/rinca-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
export RINCA_HOME=$work/home DEST_ROOT=$work/secrets STACKS="authentik restic uptime-kuma"
export RINCA_PROVIDER=embedded
unset OP_CONNECT_HOST OP_CONNECT_TOKEN OP_SERVICE_ACCOUNT_TOKEN VAULT

bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'
if [ ! -t 1 ] || [ -n "${NO_COLOR:-}" ]; then bold='' dim='' off=''; fi
say() { printf '\n%s# %s%s\n' "$dim" "$*" "$off"; }
run() {
	printf '%s$ %s%s\n' "$bold" "$(printf '%q ' "$@" | sed 's/ $//')" "$off"
	"$@"
}

say "A home: the key, and an encrypted vault named homelab"
mkdir -p "$DEST_ROOT"
run rinca init
run rinca provider

say "One item per .env.example; what has a recipe is generated, nothing is printed"
run rinca item create stacks/platform/auth/authentik/*.env.example --yes
run rinca item create stacks/platform/backup/restic/restic.env.example --yes \
	--set RESTIC_REPOSITORY=s3:https://s3.internal.lan/homelab
run rinca item create stacks/platform/monitoring/uptime-kuma/uptime-kuma.env.example --yes
run rinca item lint --all

say "Every stack's secrets, on disk"
run rinca export
run ls -l "$DEST_ROOT/authentik"

say "Nothing changed: one request, no write"
run rinca export

say "Rotate one password: what would change, by name; then the files"
printf '%s$ head -c 36 /dev/urandom | base64 | rinca item create stacks/platform/auth/authentik --set POSTGRES_PASSWORD=- --update%s\n' "$bold" "$off"
head -c 36 /dev/urandom | base64 | rinca item create stacks/platform/auth/authentik --set POSTGRES_PASSWORD=- --update
run rinca export --plan || [ $? -eq 2 ]
run rinca export

say "Is everything well?"
run rinca doctor
