#!/usr/bin/env bash
# Applies, changes, and destroys main.tf: drive.sh WORKDIR PROVIDER_DIR.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tf=$(command -v terraform || command -v tofu) || { echo "terraform or tofu is needed" >&2; exit 1; }
cp "$here/main.tf" "$1/"
cd "$1"
cat >cli.tfrc <<EOF
provider_installation {
  dev_overrides {
    "1Password/onepassword" = "$2"
  }
  direct {}
}
EOF
export TF_CLI_CONFIG_FILE=$PWD/cli.tfrc CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1
export TF_VAR_host=$CONNECT_TEST_HOST TF_VAR_token=$CONNECT_TEST_TOKEN
expect() { [ "$2" = "$3" ] || { echo "terraform: $1 is '$2', not '$3'" >&2; exit 1; }; }
run() { "$tf" "$@" >out 2>&1 || { cat out >&2; exit 1; }; }

export TF_VAR_password=one
run apply -auto-approve -no-color
expect key "$("$tf" output -raw key)" 'a b$c#one'
expect length "$("$tf" output -raw length)" 40
expect tls "$("$tf" output -raw tls)" secure_note
# Nothing has changed, so nothing is to be done (the status would be 2).
run plan -detailed-exitcode -no-color
TF_VAR_password=two
run apply -auto-approve -no-color
expect key "$("$tf" output -raw key)" 'a b$c#two'
run plan -detailed-exitcode -no-color
run destroy -auto-approve -no-color
expect "what is left" "$("$RINCA" op item list --vault homelab --tags terraform --format json)" '[]'
