#!/usr/bin/env bash
# chezmoi, unmodified, renders templates with the secrets of the op on PATH.
set -euo pipefail
dir=$1 # for files
export HOME=$dir
unset OP_SERVICE_ACCOUNT_TOKEN OP_CONNECT_HOST OP_CONNECT_TOKEN

expect() { # NAME WANT TEMPLATE: the template renders to exactly that
	got=$(chezmoi --config-format toml --config "$dir/chezmoi.toml" execute-template "$3" && printf x)
	if [ "$got" != "$2x" ]; then
		printf 'FAIL chezmoi %s\nwant %s\ngot  %s\n' "$1" "$2" "${got%x}" >&2
		exit 1
	fi
	echo "ok chezmoi $1"
}

: >"$dir/chezmoi.toml"
printf 'line one\nline two' >"$dir/note.txt"
op item create --category login --title web --vault homelab username=wendy 'password=pa"ss, w$rd' 'conn.host[text]=db.local' 'port[text]=5432' </dev/null >/dev/null
op document create "$dir/note.txt" --title note --vault homelab >/dev/null
account=$(op account list --format json | jq -r '.[0].account_uuid')

expect read 'pa"ss, w$rd' '{{ onepasswordRead "op://homelab/web/password" }}'
expect read-section 'db.local' '{{ onepasswordRead "op://homelab/web/conn/host" }}'
expect read-account 'wendy' '{{ onepasswordRead "op://homelab/web/username" "'"$account"'" }}'
expect read-account-name 'wendy' '{{ onepasswordRead "op://homelab/web/username" "rinca" }}'
expect item 'web LOGIN 1' '{{ with onepassword "web" "homelab" }}{{ .title }} {{ .category }} {{ .version }}{{ end }}'
expect item-account 'homelab' '{{ (onepassword "web" "homelab" "rinca").vault.name }}'
expect details-fields 'wendy 5432' '{{ with onepasswordDetailsFields "web" }}{{ .username.value }} {{ range . }}{{ if eq .label "port" }}{{ .value }}{{ end }}{{ end }}{{ end }}'
expect item-fields 'db.local' '{{ (onepasswordItemFields "web" "homelab").host.value }}'
expect document $'line one\nline two' '{{ onepasswordDocument "note" }}'
expect document-vault $'line one\nline two' '{{ onepasswordDocument "note" "homelab" "rinca" }}'

if chezmoi --config "$dir/chezmoi.toml" execute-template '{{ onepasswordRead "op://homelab/web/nope" }}' >"$dir/out" 2>"$dir/err"; then
	echo "FAIL chezmoi: a field that is not there is rendered" >&2
	exit 1
fi
grep -q "item 'homelab/web' does not have a field 'nope'" "$dir/err"
echo "ok chezmoi error"

# A whole dotfile, through apply and not only through execute-template.
mkdir -p "$dir/src" "$dir/dst"
echo 'host={{ (onepasswordItemFields "web").host.value }} user={{ onepasswordRead "op://homelab/web/username" }}' >"$dir/src/dot_webrc.tmpl"
chezmoi --config "$dir/chezmoi.toml" --source "$dir/src" --destination "$dir/dst" apply
[ "$(cat "$dir/dst/.webrc")" = 'host=db.local user=wendy' ]
echo "ok chezmoi apply"
