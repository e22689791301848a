#!/usr/bin/env bash
# The shell scripts of the workflow, as people write them around op and jq,
# run with the op on PATH.
set -euo pipefail
dir=$1 # for files
here=$(cd "$(dirname "$0")" && pwd)
export DEST_ROOT=$dir/secrets

same() { # NAME WANT GOT
	if [ "$2" != "$3" ]; then
		printf 'FAIL scripts %s\nwant %s\ngot  %s\n' "$1" "$2" "$3" >&2
		exit 1
	fi
	echo "ok scripts $1"
}

mkdir -p "$dir/authentik"
cat >"$dir/authentik/postgres.env" <<'END'
# the database
POSTGRES_USER=authentik
POSTGRES_PASSWORD=p$a"s's w=rd#1
POSTGRES_DB=authentik
END
printf 'AUTHENTIK_SECRET_KEY=one\nAUTHENTIK_HOST=https://auth.example\n' >"$dir/authentik/authentik.env"

eval "$(op signin)"
same signed-in ACTIVE "$(op account get --format json | jq -r .state)"
same create "✓ Created item: postgres.env" "$("$here/create.sh" "$dir/authentik/postgres.env")"
same create-second "✓ Created item: authentik.env" "$("$here/create.sh" "$dir/authentik/authentik.env")"
same one-write 1 "$(op item get postgres.env --format json | jq .version)"

same export $'✓ Exported: postgres.env\n✓ Exported: authentik.env' "$("$here/export.sh" authentik)"
same content "$(grep -v '^#' "$dir/authentik/postgres.env")" "$(cat "$DEST_ROOT/authentik/postgres.env")"
same unchanged $'⊘ No changes: postgres.env (up to date)\n⊘ No changes: authentik.env (up to date)' "$("$here/export.sh" authentik)"

op item edit authentik.env --vault homelab AUTHENTIK_SECRET_KEY=new-key >/dev/null
same rotated $'⊘ No changes: postgres.env (up to date)\n✓ Updated: authentik.env' "$("$here/export.sh" authentik)"
same rotated-content 'AUTHENTIK_SECRET_KEY=new-key' "$(head -1 "$DEST_ROOT/authentik/authentik.env")"

same update "✓ Updated item: authentik.env" "$("$here/create.sh" "$dir/authentik/authentik.env")"
same a-write-for-each 5 "$(op item get authentik.env --format json | jq .version)"
same kept-concealed CONCEALED "$(op item get authentik.env --format json | jq -r '.fields[] | select(.label == "AUTHENTIK_SECRET_KEY").type')"

same no-items "no items for stack nothing" "$("$here/export.sh" nothing 2>&1 || true)"
same no-vault "vault 'nowhere' not found" "$(VAULT=nowhere "$here/export.sh" authentik 2>&1 || true)"
same not-signed-in 'not signed in: eval $(op signin)' "$(RINCA_HOME=$dir/none "$here/export.sh" authentik 2>&1 || true)"

# Many items in one call: a list in, documents one after the other out.
same bulk 'postgres.env authentik.env' "$(op item list --tags stack:authentik --format json | op item get - --format json | jq -r .title | xargs)"
same template 'renamed.env 1 authentik' "$(op item get postgres.env --format json | jq '.title = "renamed.env"' | op item create --vault homelab - --format json |
	jq -r '[.title, .version, (.fields[] | select(.label == "POSTGRES_USER").value)] | map(tostring) | join(" ")')"
