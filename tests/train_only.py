"""Trains the toy network in a process of its own, for tests that kill it.

Usage: `train_only.py DEVICES JOBS`.

DEVICES is the number of simulated devices, 0 for the plain CPU; JOBS a JSON list of {"workdir",
"changes": of the config, "signal_at": (step, number of a signal) or nothing}.
"""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from builders import toy

from jaxsig.engine import mesh
from jaxsig.engine.log import Scalars
from jaxsig.engine.train import train
from jaxsig.errors import Interrupted
from jaxsig.experiment import sweep

INTERRUPTED = 75   # as of main


def writer_that_signals(step: int, number: int):
  """`Scalars.write`, after which the process sends itself a signal at `step`."""
  write = Scalars.write

  def write_and_signal(self: Scalars, at: int, values: dict[str, float]) -> None:
    write(self, at, values)
    if at == step:
      os.kill(os.getpid(), number)

  return write_and_signal


def main(devices: int, jobs: list[dict[str, object]]) -> int:
  mesh.start(cpu_devices=devices)
  for job in jobs:
    if job["signal_at"]:
      Scalars.write = writer_that_signals(*job["signal_at"])
    run, members = sweep.open_run(toy(**job["changes"]), pathlib.Path(job["workdir"]))
    try:
      train(run, members)
    except Interrupted as error:
      print(error)
      return INTERRUPTED
  return 0


if __name__ == "__main__":
  sys.exit(main(int(sys.argv[1]), json.loads(sys.argv[2])))
