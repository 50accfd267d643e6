#!/usr/bin/env bash
# Sets up .venv and runs jaxsig with the given flags, in the current folder:
#   ./launch/local.sh --config=configs/respdiff.py --workdir=runs/respdiff
#   ./launch/local.sh --help
set -euo pipefail
repository="$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)"
"$repository/launch/setup.sh" --quiet >&2
exec "$repository/.venv/bin/jaxsig" "$@"
