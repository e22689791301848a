#!/usr/bin/env bash
# Creates or updates the item of an env file the way people do with op: one
# create, or one edit for every field and one for the tags.
set -euo pipefail
file=$1
: "${VAULT:=homelab}"
stack=$(basename "$(dirname "$file")")
title=$(basename "$file")

args=()
while IFS= read -r line; do
	case $line in '' | '#'*) continue ;; esac
	key=${line%%=*} value=${line#*=}
	case $key in
	*PASSWORD* | *SECRET* | *TOKEN*) args+=("$key[password]=$value") ;;
	*) args+=("$key[text]=$value") ;;
	esac
done <"$file"

if id=$(op item get "$title" --vault "$VAULT" --format json 2>/dev/null | jq -er .id); then
	for a in "${args[@]}"; do
		op item edit "$id" --vault "$VAULT" "$a" >/dev/null
	done
	op item edit "$id" --vault "$VAULT" --tags "stack:$stack" >/dev/null
	echo "✓ Updated item: $title"
else
	op item create --category "secure note" --title "$title" --vault "$VAULT" --tags "stack:$stack" "${args[@]}" </dev/null >/dev/null
	echo "✓ Created item: $title"
fi
