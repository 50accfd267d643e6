"""The launch scripts, in a copy of them with a pretended Python that only writes down its words."""
import os
import pathlib
import shutil
import subprocess
from typing import NamedTuple

import pytest
from builders import ROOT

pytestmark = pytest.mark.quick

PYTHON = r"""#!/usr/bin/env bash
version=VERSION
case "$*" in
  --version) echo "Python $version.0" ;;
  "-m venv .venv")
    mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    printf '#!/usr/bin/env bash\necho "in $PWD: $*"\n' > .venv/bin/jaxsig
    chmod +x .venv/bin/jaxsig
    echo "venv $version" >> "$LOG"
    ;;
  "-m pip"*"jax["*) echo "pip ${!#}" >> "$LOG" ;;
  *version_info\)\)*) echo "$version" ;;
  *importlib*) echo 1.0 ;;
  -) cat > /dev/null ;;
esac
"""


class Checkout(NamedTuple):
  """A copy of the launch scripts, and what its Pythons were asked for."""
  folder: pathlib.Path
  log: pathlib.Path

  def run(self, script: str, *words: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs a script in the folder `elsewhere`, with nothing but the pretended Pythons."""
    self.log.write_text("")
    paths = f"{self.folder / 'pythons'}{os.pathsep}{os.defpath}"
    return subprocess.run(
        ["bash", str(self.folder / "launch" / script), *words],
        cwd=self.folder / "elsewhere",
        capture_output=True,
        text=True,
        env={"PATH": paths, "LOG": str(self.log), **environment},
        timeout=60,
        check=False,
    )

  def made(self) -> list[str]:
    """What the last script has made and installed for an accelerator."""
    return self.log.read_text().splitlines()


@pytest.fixture
def checkout(tmp_path):
  shutil.copytree(ROOT / "launch", tmp_path / "launch")
  for name in ("requirements.txt", "pyproject.toml"):
    shutil.copy(ROOT / name, tmp_path / name)
  (tmp_path / "elsewhere").mkdir()
  (tmp_path / "pythons").mkdir()
  for name, version in (("python3", "3.11"), ("python3.12", "3.12")):
    path = tmp_path / "pythons" / name
    path.write_text(PYTHON.replace("VERSION", version))
    path.chmod(0o755)
  return Checkout(tmp_path, tmp_path / "log")


def test_an_environment_is_made_once(checkout):
  assert checkout.run("setup.sh").returncode == 0
  assert checkout.made() == ["venv 3.11"]
  assert checkout.run("setup.sh").returncode == 0
  assert checkout.made() == []


def test_another_python_that_is_asked_for_makes_it_anew(checkout):
  checkout.run("setup.sh")
  done = checkout.run("setup.sh", PYTHON="python3.12")
  assert ".venv has Python 3.11, PYTHON=python3.12 is 3.12" in done.stdout
  assert checkout.made() == ["venv 3.12"]
  checkout.run("setup.sh", PYTHON="python3.12")
  assert checkout.made() == []


def test_a_python_that_nobody_asks_for_leaves_it_as_it_is(checkout):
  checkout.run("setup.sh", PYTHON="python3.12")
  checkout.run("setup.sh")
  assert checkout.made() == []


def test_a_command_without_the_accelerators_variable_keeps_it(checkout):
  checkout.run("gpu_node.sh", "--help")
  assert checkout.made() == ["venv 3.11", "pip jax[cuda13]==1.0"]
  for script in ("local.sh", "setup.sh", "gpu_node.sh"):
    assert checkout.run(script).returncode == 0
    assert checkout.made() == []
  checkout.run("setup.sh", JAXSIG_ACCELERATOR="")
  assert checkout.made() == []


def test_a_changed_lock_keeps_the_accelerator(checkout):
  checkout.run("gpu_node.sh")
  (checkout.folder / "requirements.txt").write_text("another==1\n")
  checkout.run("local.sh")
  assert checkout.made() == ["venv 3.11", "pip jax[cuda13]==1.0"]


@pytest.mark.parametrize(("environment", "said"), [
    ({"PYTHON": "python3.99"}, "there is no command python3.99"),
    ({"JAXSIG_ACCELERATOR": "gpu"}, "JAXSIG_ACCELERATOR=gpu is unknown"),
])
def test_a_mistake_leaves_the_environment_as_it_is(checkout, environment, said):
  checkout.run("setup.sh")
  done = checkout.run("setup.sh", **environment)
  assert done.returncode == 2
  assert said in done.stderr
  assert checkout.made() == []
  assert (checkout.folder / ".venv" / ".made_from").is_file()


@pytest.mark.parametrize("script", ["local.sh", "gpu_node.sh"])
def test_a_command_runs_in_the_users_folder(checkout, script):
  done = checkout.run(script, "--mode=predict", "--input=mine.csv", CDPATH=str(checkout.folder))
  assert done.returncode == 0
  assert done.stdout == f"in {checkout.folder / 'elsewhere'}: --mode=predict --input=mine.csv\n"
