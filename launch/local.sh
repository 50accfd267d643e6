#!/usr/bin/env bash
# Sets up .venv and runs `python -m jaxsig.main` with the given flags: ./launch/local.sh --config=configs/respdiff.py --workdir=runs/respdiff
set -euo pipefail
cd "$(dirname "$0")/.."
./launch/setup.sh
exec .venv/bin/python -m jaxsig.main "$@"
