#!/usr/bin/env bash
# Exports a stack's secrets the way people do with op and jq: one file for each
# item that is tagged stack:<name> and whose title ends in .env.
set -euo pipefail
stack=$1
: "${VAULT:=homelab}" "${DEST_ROOT:?}"

op account get >/dev/null 2>&1 || { echo "not signed in: eval \$(op signin)" >&2; exit 3; }
op vault get "$VAULT" >/dev/null 2>&1 || { echo "vault '$VAULT' not found" >&2; exit 4; }

items=$(op item list --vault "$VAULT" --tags "stack:$stack" --format json)
[ "$(jq length <<<"$items")" -gt 0 ] || { echo "no items for stack $stack" >&2; exit 1; }
mkdir -p "$DEST_ROOT/$stack"
jq -r '.[] | select(.title | endswith(".env")) | [.id, .title] | @tsv' <<<"$items" |
	while IFS=$'\t' read -r id title; do
		out=$DEST_ROOT/$stack/$title
		op item get "$id" --vault "$VAULT" --format json |
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
