#!/usr/bin/env bash
# Public programs that drive 1Password's op, unmodified, drive ours.
#
#   test/clients/op/run.sh [js|python|chezmoi|scripts]...
#
# js       npm @1password/op-js, 1Password's own package     needs node, npm
# python   PyPI pyonepassword                                needs python3
# chezmoi  chezmoi's onepassword functions, built from its Go module
# scripts  the workflow's shell scripts                      needs jq
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/bin"
(cd "$root" && CGO_ENABLED=0 go build -o "$work/bin/rinca" .)
ln -s rinca "$work/bin/op"
unset "${!OP_@}" "${!RINCA_@}"

[ $# -gt 0 ] || set -- js python chezmoi scripts
for client in "$@"; do
	dir=$work/$client
	mkdir -p "$dir/files"
	export RINCA_HOME=$dir/home PATH=$work/bin:$PATH
	rinca init --quiet
	case $client in
	js)
		cp "$here/js/"* "$dir/"
		(cd "$dir" && npm install --silent --no-audit --no-fund --no-package-lock && node drive.js "$dir/files")
		;;
	python)
		python3 -m venv "$dir/venv"
		"$dir/venv/bin/pip" --quiet --disable-pip-version-check install -r "$here/python/requirements.txt"
		"$dir/venv/bin/python" "$here/python/drive.py" "$dir/files"
		;;
	chezmoi)
		(cd "$here/chezmoi" && CGO_ENABLED=0 go build -o "$work/bin/chezmoi" github.com/twpayne/chezmoi/v2)
		"$here/chezmoi/drive.sh" "$dir/files"
		;;
	scripts) "$here/scripts/drive.sh" "$dir/files" ;;
	*)
		echo "no client is named $client" >&2
		exit 64
		;;
	esac
done
