#!/bin/sh
# Exports a stack's secrets with op and jq, as the workflow does: one file for
# each item that is tagged stack:<name> and whose title ends in .env.
set -eu
stack=$1
: "${VAULT:=homelab}" "${DEST_ROOT:?}" "${OP_SERVICE_ACCOUNT_TOKEN:?}"

op vault get "$VAULT" >/dev/null 2>&1 || { echo "vault '$VAULT' not found" >&2; exit 4; }
mkdir -p "$DEST_ROOT/$stack"
op item list --vault "$VAULT" --tags "stack:$stack" --format json |
	jq -r '.[] | select(.title | endswith(".env")) | .title' |
	while read -r title; do
		out=$DEST_ROOT/$stack/$title
		op item get "$title" --vault "$VAULT" --format json |
			jq -r '.fields[] | select(.purpose != "NOTES" and .value? != null) | "\(.label)=\(.value)"' >"$out.new"
		if [ ! -e "$out" ]; then
			echo "✓ Exported: $title"
		elif cmp -s "$out" "$out.new"; then
			echo "⊘ No changes: $title (up to date)"
		else
			echo "✓ Updated: $title"
		fi
		mv "$out.new" "$out"
		chmod 600 "$out"
	done
