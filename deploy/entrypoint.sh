#!/bin/sh
# Makes mounted secrets what the gateway reads: a file with a name in capitals is a variable of that name, and keys go to the
# state directory, where they must be the gateway's own. Without such files it only starts the command.
set -eu

secrets="${SPILLWAY_SECRETS:-/run/secrets}"
state="${XDG_STATE_HOME:-/var/lib}/spillway"

for file in "$secrets"/*; do
  [ -f "$file" ] || continue
  name="${file##*/}"
  case "$name" in
    operator.key | keys.json)
      # Written beside and moved, so that nobody reads half a key.
      install -D -m 600 "$file" "$state/.$name.new"
      mv "$state/.$name.new" "$state/$name"
      ;;
    *[!A-Z0-9_]* | [0-9]*) ;;
    *)
      value="$(cat "$file")"
      export "$name=$value"
      ;;
  esac
done

exec "$@"
