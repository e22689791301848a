#!/usr/bin/env bash
# The workflow, from an empty home to stacks that run with rotated secrets, on
# the embedded vault and a local Git repository. Prints each command as it runs
# it, and leaves everything running: demo-down.sh removes all of it. Without a
# Docker Engine it does everything up to the point where one is needed.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
demo=${RINCA_DEMO_DIR:-$root/.cache/demo}
PATH="$root/bin:$PATH"

bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'
if [ ! -t 1 ] || [ -n "${NO_COLOR:-}" ]; then bold='' dim='' off=''; fi
say() { printf '\n%s# %s%s\n' "$dim" "$*" "$off"; }
show() { printf '%s$ %s%s\n' "$bold" "$*" "$off"; }
run() {
	show "$(printf '%q ' "$@" | sed 's/ $//')"
	"$@"
}

command -v git >/dev/null || { echo "the demo needs git: apt-get install git" >&2; exit 1; }
if [ -e "$demo" ]; then
	say "An earlier demo is removed first"
	./demo-down.sh
fi
mkdir -p "$demo"
# The vault lies where the op-export stack can reach it; on your own machines
# that stack has a token of 1Password instead.
export RINCA_HOME=$demo/apps01/rinca DEST_ROOT=$demo/apps01/secrets XDG_CONFIG_HOME=$demo/config
export RINCA_PROVIDER=embedded VAULT=homelab STACKS="authentik restic uptime-kuma"
unset OP_CONNECT_HOST OP_CONNECT_TOKEN OP_SERVICE_ACCOUNT_TOKEN RINCA_API_KEY RINCA_API_KEY_FILE RINCA_PROFILE
socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
engine=no
if [ -S "${socket#unix://}" ] && go run ../../tools/image -ping; then engine=yes; fi

say "A home: the key, and an encrypted vault named homelab"
mkdir -p "$DEST_ROOT" "$demo/apps01"/appdata/{authentik/{media,templates,postgres,redis},restic/cache,uptime-kuma/{data,mariadb}}
run rinca init

say "One item per .env.example; what has a recipe is generated, nothing is printed"
run rinca item create stacks/platform/auth/authentik/*.env.example --yes
run rinca item create stacks/platform/backup/restic/restic.env.example --yes \
	--set RESTIC_REPOSITORY=s3:https://s3.internal.lan/homelab
run rinca item create stacks/platform/monitoring/uptime-kuma/uptime-kuma.env.example --yes

say "The stacks, in a Git repository: the paths of this demo, and stand-ins for the images"
mkdir "$demo/work"
cp -r stacks sync "$demo/work/"
find "$demo/work" -name compose.yaml -exec sed -i \
	-e "s|/mnt/apps01|$demo/apps01|g" \
	-e 's|image: rinca:latest.*|image: rinca-demo/rinca:latest|' \
	-Ee 's#image: (ghcr.io/goauthentik/server|postgres|redis|mazzolino/restic|louislam/uptime-kuma|mariadb):.*#image: rinca-demo/standin:latest#' \
	-e 's|"9000:9000"|"127.0.0.1:19000:9000"|; s|"9443:9443"|"127.0.0.1:19443:9443"|; s|"3001:3001"|"127.0.0.1:13001:3001"|' \
	-e 's|interval: 10s|interval: 1s|' {} +
git -C "$demo/work" init -q -b main
git -C "$demo/work" add -A
git -C "$demo/work" -c user.name=demo -c user.email=demo@localhost commit -qm "The platform"
run git clone -q --bare "$demo/work" "$demo/homelab.git"

if [ "$engine" = yes ]; then
	say "Images, made here: no registry is asked"
	mkdir -p "$demo/standin"/{bin,tmp,data} "$demo/rinca"/{etc/ssl/certs,tmp}
	CGO_ENABLED=0 go build -trimpath -o "$demo/standin/bin/standin" ./standin
	for name in sh pg_isready redis-cli healthcheck.sh; do ln -s standin "$demo/standin/bin/$name"; done
	cp "$root/bin/rinca" "$demo/rinca/rinca"
	run go run ../../tools/image -name rinca-demo/standin:latest -entrypoint /bin/standin "$demo/standin"
	run go run ../../tools/image -name rinca-demo/rinca:latest -entrypoint "/rinca export" \
		-env "PATH=/ RINCA_PROVIDER=embedded RINCA_HOME=$RINCA_HOME" "$demo/rinca"
fi

say "The server"
for port in $(seq 9120 9139); do
	(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
done
export RINCA_HOST=http://127.0.0.1:$port
umask 077
head -c 24 /dev/urandom | base64 >"$demo/password"
umask 022
show rinca serve --listen "127.0.0.1:$port" '&'
RINCA_INIT_ADMIN_USERNAME=demo RINCA_INIT_ADMIN_PASSWORD_FILE=$demo/password \
	setsid nohup rinca serve --listen "127.0.0.1:$port" >"$demo/serve.out" 2>"$demo/serve.log" </dev/null &
echo $! >"$demo/pid"
for _ in $(seq 100); do
	grep -q Listening "$demo/serve.out" 2>/dev/null && break
	kill -0 "$(cat "$demo/pid")" 2>/dev/null || { cat "$demo/serve.log" >&2; exit 1; }
	sleep 0.1
done
cat "$demo/serve.out"
run rinca login --host "$RINCA_HOST" --user demo --password-file "$demo/password"
run rinca user create admin --admin | tee "$demo/admin"

# By itself the server looks for changes every minute. Here each step is shown.
run rinca rotate policy set --off

say "A variable for the compose file of op-export: [[OP_SERVICE_ACCOUNT_TOKEN]]"
show "head -c 32 /dev/urandom | base64 | rinca variable set OP_SERVICE_ACCOUNT_TOKEN --secret --value-file -"
head -c 32 /dev/urandom | base64 | tr -d '\n' | rinca variable set OP_SERVICE_ACCOUNT_TOKEN --secret --value-file -

say "The stacks: where their files are, what they come after, what they may mount"
repo=file://$demo/homelab.git
run rinca stack create op-export --repo "$repo" --branch main --path stacks/platform/secrets/op-export --host-path "$demo/apps01"
run rinca stack create authentik --repo "$repo" --branch main --path stacks/platform/auth/authentik --after op-export --host-path "$demo/apps01/appdata"
run rinca stack create restic --repo "$repo" --branch main --path stacks/platform/backup/restic --after op-export --host-path "$demo/apps01/appdata"
run rinca stack create uptime-kuma --repo "$repo" --branch main --path stacks/platform/monitoring/uptime-kuma --after op-export --host-path "$demo/apps01/appdata"

say "What runs by itself and who may do what, from TOML files of the same repository"
run rinca sync set homelab --repo "$repo" --branch main --path sync --groups
run rinca sync run homelab
run rinca schedule list

if [ "$engine" = no ]; then
	say "No Docker Engine answers at $socket: a deploy ends before it touches anything"
	run rinca stack deploy op-export || true
	say "With an engine, make demo goes on from here. Everything until now runs: make demo-down removes it"
	exit 0
fi

say "op-export writes every stack's secrets, and is done when its container has ended with 0"
run rinca stack deploy op-export
run rinca stack logs op-export

say "The stacks that use them"
run rinca stack deploy authentik restic uptime-kuma
run rinca stack list
run rinca stack logs authentik postgres --tail 3

say "Rotate one password: what would change, by name"
show "head -c 36 /dev/urandom | base64 | rinca item create stacks/platform/auth/authentik --set POSTGRES_PASSWORD=- --update"
head -c 36 /dev/urandom | base64 | rinca item create stacks/platform/auth/authentik --set POSTGRES_PASSWORD=- --update
run rinca stack plan authentik || [ $? -eq 2 ]
run rinca stack deploy authentik
run rinca stack logs authentik postgres --tail 3

say "Nothing changed: nothing is touched"
run rinca stack deploy --all

say "The loop: two values change in the vault. Who uses them, and what would restart?"
show "head -c 36 /dev/urandom | base64 | rinca item create stacks/platform/auth/authentik --set POSTGRES_PASSWORD=- --update"
head -c 36 /dev/urandom | base64 | rinca item create stacks/platform/auth/authentik --set POSTGRES_PASSWORD=- --update
show "head -c 36 /dev/urandom | base64 | rinca item create stacks/platform/backup/restic/restic.env.example --set RESTIC_PASSWORD=- --update"
head -c 36 /dev/urandom | base64 | rinca item create stacks/platform/backup/restic/restic.env.example --set RESTIC_PASSWORD=- --update
run rinca secret used-by postgres.env
run rinca rotate --plan || [ $? -eq 2 ]
run rinca rotate

say "A bad value: the database refuses a password that short. Everything goes back, and that version is kept away"
run rinca op item edit postgres.env --vault homelab POSTGRES_PASSWORD=short >/dev/null
run rinca rotate || echo "(exit status $?)"
run rinca rotate quarantine list
run rinca stack list

say "A newer version goes through again; then every value is where it belongs"
show "head -c 36 /dev/urandom | base64 | rinca item create stacks/platform/auth/authentik --set POSTGRES_PASSWORD=- --update"
head -c 36 /dev/urandom | base64 | rinca item create stacks/platform/auth/authentik --set POSTGRES_PASSWORD=- --update
run rinca rotate
run rinca drift

say "From here on the server looks by itself, every minute"
run rinca rotate policy set --off=false --batch 10s

say "Is everything well?"
run rinca doctor

printf '\n%sThe server:%s       %s\n' "$bold" "$off" "$RINCA_HOST"
printf '%sSign in as:%s       admin, one-time password %s\n' "$bold" "$off" "$(grep . "$demo/admin" | tail -1)"
printf '%sLook around:%s      export XDG_CONFIG_HOME=%s RINCA_HOST=%s; bin/rinca stack list\n' "$bold" "$off" "$XDG_CONFIG_HOME" "$RINCA_HOST"
printf '%sRemove all of it:%s make demo-down\n' "$bold" "$off"
