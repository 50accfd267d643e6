#!/usr/bin/env bash
# Makes .venv from the lock (requirements.txt) and installs this checkout in it, once.
#   ./launch/setup.sh             says at the end which Python has jaxsig; --quiet: only if it did something
#   PYTHON=python3.12             the Python that makes .venv, 3.11 to 3.13; by default python3
#   JAXSIG_ACCELERATOR=cuda13     adds that build of jax (or cuda12, tpu)
# Another lock, Python or accelerator than that of .venv makes it anew, beside the old one, which stays
# until the new one is complete; what is not asked for stays.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

python="${PYTHON:-python3}"
quiet="${1:-}"

refuse() {
  echo "jaxsig: $1" >&2
  exit 2
}

# .venv/.made_from holds the lock's checksum and the accelerator of a complete .venv,
# .venv/.jaxsig_from the pyproject.toml and the folder of the checkout that is installed.
look() {
  lock="$(cksum < requirements.txt)"
  made_from="$(cat .venv/.made_from 2>/dev/null || true)"
  accelerator="${JAXSIG_ACCELERATOR:-${made_from##* }}"   # none asked for: the present one will do
  accelerator="${accelerator:-cpu}"
  checkout="$(cksum < pyproject.toml) $PWD"
  jaxsig_from="$(cat .venv/.jaxsig_from 2>/dev/null || true)"
  why=
  if [ -n "${PYTHON:-}" ] && [ -n "$made_from" ]; then
    local version='import sys; print("{}.{}".format(*sys.version_info))'
    local asked present
    asked="$("$python" -c "$version")"
    present="$(.venv/bin/python -c "$version" || true)"
    if [ "$asked" != "$present" ]; then
      why="jaxsig: .venv has Python ${present:-no longer}, PYTHON=$PYTHON is $asked"
      made_from=
    fi
  fi
}

install() {   # install VENV WHAT...
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check "${@:2}"
}

install_checkout() {
  install "$1" --no-deps --no-build-isolation --editable .
  echo "$checkout" > "$1/.jaxsig_from"
}

# What a stopped call has left: half of a new environment, or the old one aside.
put_back() {
  rm -rf .venv.new
  if [ -e .venv.old ] && [ ! -e .venv ]; then
    mv .venv.old .venv
  fi
  rm -rf .venv.old
}

# Makes .venv.new, writes .venv for its path into its scripts, and puts it in the place of .venv.
make_environment() {
  trap put_back EXIT
  put_back
  "$python" -m venv .venv.new --prompt .venv
  install .venv.new -r requirements.txt
  if [ "$accelerator" != cpu ]; then
    local version
    version="$(.venv.new/bin/python -c 'import importlib.metadata as m; print(m.version("jax"))')"
    echo "jaxsig: adding jax[$accelerator] $version, several GB more"
    install .venv.new "jax[$accelerator]==$version"
  fi
  echo "$lock $accelerator" > .venv.new/.made_from
  install_checkout .venv.new
  .venv.new/bin/python - <<'EOF'
import pathlib
here = bytes(pathlib.Path.cwd())
for path in [*pathlib.Path(".venv.new/bin").iterdir(), pathlib.Path(".venv.new/pyvenv.cfg")]:
  if path.is_file() and not path.is_symlink():
    text = path.read_bytes()
    path.write_bytes(text.replace(here + b"/.venv.new", here + b"/.venv"))
EOF
  if [ -e .venv ]; then
    mv .venv .venv.old
  fi
  mv .venv.new .venv
}

case "${JAXSIG_ACCELERATOR:-cpu}" in
  cpu | cuda12 | cuda13 | tpu) ;;
  *) refuse "JAXSIG_ACCELERATOR=$JAXSIG_ACCELERATOR is unknown: use cpu, cuda13, cuda12 or tpu" ;;
esac
if ! command -v "$python" > /dev/null; then
  refuse "there is no command $python: set PYTHON to a Python of 3.11 to 3.13"
fi

look
if [ "$made_from" != "$lock $accelerator" ] || [ "$jaxsig_from" != "$checkout" ]; then
  quiet=
  if command -v flock > /dev/null; then   # two calls at once: the second finds it made
    exec 9> .venv.lock
    flock --nonblock 9 || { echo "jaxsig: waiting for another launch/setup.sh"; flock 9; }
    look
  fi
fi

if [ "$made_from" != "$lock $accelerator" ]; then
  if { [ -e .venv ] || [ -L .venv ]; } && [ ! -e .venv/.made_from ]; then
    refuse "$PWD/.venv was not made by launch/setup.sh: move it away, or remove it, and try again"
  fi
  "$python" - <<'EOF'
import sys
if not (3, 11) <= sys.version_info < (3, 14):
  sys.exit(f"jaxsig needs Python 3.11 to 3.13, this is {sys.version.split()[0]}: set PYTHON=python3.12")
EOF
  if [ -n "$why" ]; then
    echo "$why"
  fi
  echo "jaxsig: making $PWD/.venv with $("$python" --version) ($(command -v "$python"))"
  echo "jaxsig: jax, TensorFlow and the rest of requirements.txt take about 2.6 GB of disk and some minutes"
  make_environment
elif [ "$jaxsig_from" != "$checkout" ]; then
  install_checkout .venv
fi

if [ "$quiet" != --quiet ]; then
  version="$(.venv/bin/python -c 'import importlib.metadata as m; print(m.version("jaxsig"))')"
  echo "jaxsig: $PWD/.venv/bin/python ($(.venv/bin/python --version)) has jaxsig $version;" \
    "$PWD/.venv/bin/jaxsig --help tells more"
fi
