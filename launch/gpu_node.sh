#!/usr/bin/env bash
# One node with one or more GPUs: the same program, with the CUDA build of jax in .venv.
set -euo pipefail
JAXSIG_ACCELERATOR="${JAXSIG_ACCELERATOR:-cuda13}" "$(dirname "$0")/local.sh" "$@"
