#!/usr/bin/env bash
# launch/local.sh on a machine with one or more GPUs: .venv gets the CUDA build of jax.
#   ./launch/gpu_node.sh --config=configs/respdiff.py --workdir=runs/respdiff
set -euo pipefail
export JAXSIG_ACCELERATOR="${JAXSIG_ACCELERATOR:-cuda13}"
exec "$(dirname -- "$(readlink -f -- "$0")")/local.sh" "$@"
