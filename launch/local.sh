#!/usr/bin/env bash
# Sets up .venv and runs jaxsig with the given flags, in the current folder:
#   ./launch/local.sh --config=configs/respdiff.py --workdir=runs/respdiff
#   ./launch/local.sh --help
set -euo pipefail
script="$(readlink -f -- "$0")"   # also from a link
repository="$(CDPATH='' cd -- "$(dirname -- "$script")/.." && pwd)"
jaxsig="$repository/.venv/bin/jaxsig"
for word in "$@"; do
  case "$word" in
    -h | --help | -help | --version)   # what is there can tell
      if [ -e "$repository/.venv/.jaxsig_from" ]; then
        exec "$jaxsig" "$@"
      fi
      ;;
  esac
done
"$repository/launch/setup.sh" --quiet >&2
exec "$jaxsig" "$@"
