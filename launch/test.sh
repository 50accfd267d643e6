#!/usr/bin/env bash
# Sets up .venv and passes lint and tests.
set -euo pipefail
cd "$(dirname "$0")/.."
./launch/setup.sh
.venv/bin/python -m ruff check .
exec .venv/bin/python -m pytest -n 2 "$@"
