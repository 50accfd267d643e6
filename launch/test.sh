#!/usr/bin/env bash
# Sets up .venv, checks the style and runs the tests on two processes; flags are pytest's:
#   ./launch/test.sh
#   ./launch/test.sh -m quick     the tests marked quick: about a minute
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
./launch/setup.sh --quiet >&2
.venv/bin/python -m ruff check .
exec .venv/bin/python -m pytest -n 2 --dist loadfile "$@"
