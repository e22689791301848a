#!/usr/bin/env bash
# The public clients of 1Password Connect, unmodified, against rinca connect
# serve: test/clients/connect/run.sh [go|js|python|eso|terraform]…
#
# js needs node and npm, python needs python3, terraform needs terraform or
# tofu. What they are made of comes from the registries, into .cache.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
cache=$root/.cache/clients
mkdir -p "$cache"
rinca=$cache/rinca
(cd "$root" && CGO_ENABLED=0 go build -tags nosdk -o "$rinca" .)

work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" || true; wait || true; rm -rf "$work"' EXIT
export RINCA_HOME=$work/home RINCA_PROVIDER=embedded
unset OP_CONNECT_HOST OP_CONNECT_TOKEN OP_SERVICE_ACCOUNT_TOKEN
"$rinca" init --quiet

# A file cannot be attached through Connect, so one is there before.
printf -- '-----BEGIN CERTIFICATE-----\n' >"$work/ca.pem"
"$rinca" op item create --category 'Secure Note' --title tls --vault homelab "ca\\.pem[file]=$work/ca.pem" 'KEY=value' >/dev/null

"$rinca" connect serve --listen 127.0.0.1:0 2>"$work/log" &
server=$!
for _ in $(seq 50); do
	host=$(sed -n 's/^Serving the Connect API on //p' "$work/log")
	[ -n "$host" ] && break
	sleep 0.1
done
[ -n "$host" ] || { cat "$work/log" >&2; exit 1; }
export CONNECT_TEST_HOST=$host
CONNECT_TEST_TOKEN=$("$rinca" connect token create clients --vault homelab,rw)
export CONNECT_TEST_TOKEN

run_eso() { (cd "$here/eso" && go run .); }
run_go() { (cd "$here/go" && go run .); }
run_js() {
	mkdir -p "$cache/js"
	cp "$here/js/"* "$cache/js/"
	(cd "$cache/js" && npm ci --silent --no-audit --no-fund && node client.mjs)
}
run_python() {
	[ -x "$cache/python/bin/python" ] || python3 -m venv "$cache/python"
	"$cache/python/bin/pip" install --quiet --disable-pip-version-check -r "$here/python/requirements.txt"
	"$cache/python/bin/python" "$here/python/client.py"
}
run_terraform() {
	(cd "$here/terraform" && CGO_ENABLED=0 go build -o "$cache/" github.com/1Password/terraform-provider-onepassword)
	mkdir "$work/terraform"
	RINCA=$rinca "$here/terraform/drive.sh" "$work/terraform" "$cache"
}
if [ $# -eq 0 ]; then
	set -- go js python eso
	if command -v terraform >/dev/null || command -v tofu >/dev/null; then
		set -- "$@" terraform
	else
		echo "connect: terraform left out: neither terraform nor tofu is installed"
	fi
fi
for client in "$@"; do
	for c in $client; do
		start=$SECONDS
		"run_$c" || { echo "connect: $c failed" >&2; tail -5 "$work/log" >&2; exit 1; }
		echo "connect: $c ok ($((SECONDS - start)) s)"
	done
done
