"""The launch scripts, in a copy of them with a pretended Python that only writes down its words."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
from typing import NamedTuple

import pytest
from builders import ROOT

pytestmark = pytest.mark.quick

PYTHON = r"""#!/usr/bin/env bash
version=VERSION
case "$*" in
  --version) echo "Python $version.0" ;;
  "-m venv "*)
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python"
    printf '#!/usr/bin/env bash\necho "in $PWD: $*"\n' > "$3/bin/jaxsig"
    chmod +x "$3/bin/jaxsig"
    echo "venv $version" >> "$LOG"
    ;;
  "-m pip"*requirements.txt)
    sleep "${SLOW_S:-0}"
    exit "${PIP_FAILS:-0}"
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


@pytest.mark.parametrize("there", ["folder", "empty", "link", "dangling"])
def test_an_environment_of_somebody_elses_stays(checkout, there):
  venv = checkout.folder / ".venv"
  mine = checkout.folder / "mine"
  if there == "folder":
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").write_text("mine")
  elif there == "empty":
    venv.mkdir()
  else:
    venv.symlink_to(mine)
    if there == "link":
      mine.mkdir()
  done = checkout.run("setup.sh")
  assert done.returncode == 2
  assert "was not made by launch/setup.sh: move it away" in done.stderr
  assert checkout.made() == []
  assert venv.is_symlink() or venv.is_dir()
  assert there != "folder" or (venv / "bin" / "python").read_text() == "mine"


@pytest.mark.parametrize("changes", [{"PYTHON": "python3.12"}, {"JAXSIG_ACCELERATOR": "tpu"}])
def test_a_failed_rebuild_keeps_the_environment(checkout, changes):
  checkout.run("setup.sh")
  done = checkout.run("setup.sh", PIP_FAILS="1", **changes)
  assert done.returncode != 0
  assert (checkout.folder / ".venv" / ".made_from").is_file()
  assert not (checkout.folder / ".venv.new").exists()
  assert checkout.run("local.sh", "--mode=x").stdout.endswith(": --mode=x\n")
  assert checkout.made() == []


def test_a_first_make_that_fails_leaves_nothing_in_the_way(checkout):
  assert checkout.run("setup.sh", PIP_FAILS="1").returncode != 0
  assert checkout.run("setup.sh").returncode == 0
  assert checkout.made() == ["venv 3.11"]


def test_scripts_name_the_environment_where_it_lies(checkout):
  stub = (checkout.folder / "pythons" / "python3").read_text()
  shebang = "#!$PWD/.venv.new/bin/python"
  stub = stub.replace("printf '#!/usr/bin/env bash", f"echo \"{shebang}\" > \"$3/bin/tool\"\n"
                      "    printf '#!/usr/bin/env bash")
  stub = stub.replace("-) cat > /dev/null ;;", f"-) exec {sys.executable} - ;;")
  (checkout.folder / "pythons" / "python3").write_text(stub)
  assert checkout.run("setup.sh").returncode == 0
  tool = checkout.folder / ".venv" / "bin" / "tool"
  assert tool.read_text() == f"#!{checkout.folder}/.venv/bin/python\n"


@pytest.mark.skipif(shutil.which("flock") is None, reason="no flock here")
def test_two_calls_at_once_make_it_once(checkout):
  with concurrent.futures.ThreadPoolExecutor() as pool:
    calls = [pool.submit(checkout.run, "setup.sh", SLOW_S="0.5") for _ in range(2)]
  assert [call.result().returncode for call in calls] == [0, 0]
  assert len(checkout.made()) == 1


@pytest.mark.parametrize("word", ["--help", "-h", "--version"])
def test_help_makes_nothing_anew(checkout, word):
  checkout.run("setup.sh")
  (checkout.folder / "requirements.txt").write_text("another==1\n")
  done = checkout.run("local.sh", word)
  assert done.stdout.endswith(f": {word}\n")
  assert checkout.made() == []


@pytest.mark.parametrize("name", ["cudafoo", "cuda", "cuda130", "CPU", "cpu ", "gpu", "cuda13,tpu"])
def test_only_known_accelerators(checkout, name):
  done = checkout.run("setup.sh", JAXSIG_ACCELERATOR=name)
  assert done.returncode == 2
  assert "is unknown: use cpu, cuda13, cuda12 or tpu" in done.stderr


@pytest.mark.parametrize("script", ["local.sh", "gpu_node.sh"])
@pytest.mark.parametrize("links", [1, 2])
def test_a_link_to_a_script_runs_it(checkout, script, links):
  target = checkout.folder / "launch" / script
  for i in range(links):
    link = checkout.folder / "far" / "bin" / f"x{i}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(target, link.parent))
    target = link
  done = checkout.run(str(target), "--mode=x")
  assert done.stdout == f"in {checkout.folder / 'elsewhere'}: --mode=x\n"


def test_an_environment_that_a_stopped_call_left_aside_comes_back(checkout):
  checkout.run("setup.sh")
  (checkout.folder / ".venv").rename(checkout.folder / ".venv.old")
  assert checkout.run("setup.sh", PIP_FAILS="1").returncode != 0
  assert (checkout.folder / ".venv" / ".made_from").is_file()
  assert not (checkout.folder / ".venv.old").exists()
