#!/usr/bin/env bash
# Makes .venv from the lock (requirements.txt) and installs this checkout in it, once.
#   ./launch/setup.sh             says at the end which Python has jaxsig; --quiet: only if it did something
#   PYTHON=python3.12             the Python that makes .venv, 3.11 to 3.13; by default python3
#   JAXSIG_ACCELERATOR=cuda13     adds that build of jax (or tpu)
# Another lock, Python or accelerator than that of .venv makes it anew; what is not asked for stays.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$0")/.."

python="${PYTHON:-python3}"
pip_install=(.venv/bin/python -m pip install --quiet --disable-pip-version-check)
quiet="${1:-}"

# .venv/.made_from holds the lock's checksum and the accelerator of a complete .venv.
lock="$(cksum < requirements.txt)"
made_from="$(cat .venv/.made_from 2>/dev/null || true)"
accelerator="${JAXSIG_ACCELERATOR:-${made_from##* }}"   # none asked for: the present one will do
accelerator="${accelerator:-cpu}"
case "$accelerator" in
  cpu | cuda* | tpu) ;;
  *)
    echo "jaxsig: JAXSIG_ACCELERATOR=$accelerator is unknown: use cpu, cuda13, cuda12 or tpu" >&2
    exit 2
    ;;
esac
if ! command -v "$python" > /dev/null; then
  echo "jaxsig: there is no command $python: set PYTHON to a Python of 3.11 to 3.13" >&2
  exit 2
fi

if [ -n "${PYTHON:-}" ] && [ -n "$made_from" ]; then
  version='import sys; print("{}.{}".format(*sys.version_info))'
  asked="$("$python" -c "$version")"
  present="$(.venv/bin/python -c "$version" || true)"
  if [ "$asked" != "$present" ]; then
    echo "jaxsig: .venv has Python ${present:-no longer}, PYTHON=$PYTHON is $asked"
    made_from=
  fi
fi

if [ "$made_from" != "$lock $accelerator" ]; then
  quiet=
  "$python" - <<'EOF'
import sys
if not (3, 11) <= sys.version_info < (3, 14):
  sys.exit(f"jaxsig needs Python 3.11 to 3.13, this is {sys.version.split()[0]}: set PYTHON=python3.12")
EOF
  echo "jaxsig: making $PWD/.venv with $("$python" --version) ($(command -v "$python"))"
  echo "jaxsig: jax, TensorFlow and the rest of requirements.txt take about 2.6 GB of disk and some minutes"
  rm -rf .venv
  "$python" -m venv .venv
  "${pip_install[@]}" -r requirements.txt
  if [ "$accelerator" != cpu ]; then
    version="$(.venv/bin/python -c 'import importlib.metadata as m; print(m.version("jax"))')"
    echo "jaxsig: adding jax[$accelerator] $version, several GB more"
    "${pip_install[@]}" "jax[$accelerator]==$version"
  fi
  echo "$lock $accelerator" > .venv/.made_from
fi

# .venv/.jaxsig_from holds the pyproject.toml and the folder of the checkout that is installed.
checkout="$(cksum < pyproject.toml) $PWD"
if [ "$(cat .venv/.jaxsig_from 2>/dev/null || true)" != "$checkout" ]; then
  quiet=
  "${pip_install[@]}" --no-deps --no-build-isolation --editable .
  echo "$checkout" > .venv/.jaxsig_from
fi

if [ "$quiet" != --quiet ]; then
  version="$(.venv/bin/python -c 'import importlib.metadata as m; print(m.version("jaxsig"))')"
  echo "jaxsig: $PWD/.venv/bin/python ($(.venv/bin/python --version)) has jaxsig $version;" \
    "$PWD/.venv/bin/jaxsig --help tells more"
fi
