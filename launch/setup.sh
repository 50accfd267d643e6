#!/usr/bin/env bash
# Makes .venv from the lock, once; a changed lock makes it anew. JAXSIG_ACCELERATOR=cuda13 (or tpu) adds that build of jax.
set -euo pipefail
cd "$(dirname "$0")/.."
mark=.venv/.made_from
want="$(cat requirements.txt launch/setup.sh | cksum) ${JAXSIG_ACCELERATOR:-cpu}"
if [ "$(cat "$mark" 2>/dev/null)" != "$want" ]; then
  rm -rf .venv
  "${PYTHON:-python3}" -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "jaxsig needs Python 3.11 to 3.13: set PYTHON=python3.12")'
  "${PYTHON:-python3}" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
  if [ -n "${JAXSIG_ACCELERATOR:-}" ]; then
    version=$(.venv/bin/python -c 'import jax; print(jax.__version__)')
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "jax[$JAXSIG_ACCELERATOR]==$version"
  fi
  echo "$want" > "$mark"
fi
