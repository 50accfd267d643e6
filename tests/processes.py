"""Trainings of the toy network in processes of their own: see `train_only.py`."""
import json
import os
import pathlib
import subprocess
import sys

from builders import ROOT


def job(workdir: pathlib.Path, signal_at: tuple[int, int] | None = None, **changes: object):
  """One training of `train_only`; it sends itself a signal at (step, number)."""
  return {"workdir": str(workdir), "changes": changes, "signal_at": signal_at}


def start(devices: int, *jobs: dict[str, object], **environment: str) -> subprocess.Popen:
  """Starts trainings, one after another in one process."""
  return subprocess.Popen(
    [sys.executable, str(ROOT / "tests" / "train_only.py"), str(devices), json.dumps(jobs)],
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    env={**os.environ, **environment},
  )


def finish(process: subprocess.Popen, code: int = 0) -> None:
  """Waits for a process that must end with this code."""
  output = process.communicate(timeout=600)[0]
  assert process.returncode == code, output
