#!/bin/sh
# Makes what compose.yaml reads: random passwords and keys, once. What is there stays as it is.
# The folder is closed to others; the files are not, because each program in its container is another user.
set -eu

folder="${1:-"$(dirname "$0")/secrets"}"
mkdir -p "$folder"
chmod 700 "$folder"

random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

keep() {
  [ -e "$folder/$1" ] || printf '%s\n' "$2" > "$folder/$1"
}

keep operator.key "$(random)"
keep POSTGRES_PASSWORD "$(random)"
keep VALKEY_PASSWORD "$(random)"
keep GRAFANA_PASSWORD "$(random)"
keep DATABASE_URL "postgres://spillway:$(cat "$folder/POSTGRES_PASSWORD")@postgres:5432/spillway"
keep VALKEY_URL "redis://:$(cat "$folder/VALKEY_PASSWORD")@valkey:6379"
# The provider's key is yours; without it the frontier of the policy is unavailable.
keep OPENAI_API_KEY "${OPENAI_API_KEY:-}"
chmod 644 "$folder"/*
printf 'secrets are in %s\n' "$folder"
