"""A training step on CPU with and without the setting that freed memory is kept.

  python -m benchmarks.memory                                  configs/respdiff.py, three rounds
  python -m benchmarks.memory configs/respdiff_60s.py 5        another config, five rounds

The setting is that of `mesh.start`; processes with it and without it take turns. Page faults are
those of a step: without the setting glibc returns every large buffer to the kernel, which must
clear it for the next step.
"""
import resource
import statistics
import subprocess
import sys
import tempfile
from typing import NamedTuple

from benchmarks.timing import header, once, row

CONFIG = "configs/respdiff.py"
ROUNDS = 3
STEPS = 15
WARM_UP_STEPS = 3
KEPT, GIVEN_BACK = "kept", "given back"


class Step(NamedTuple):
  """What one training step takes."""
  wall_s: float
  processor_s: float
  page_faults: float


def measure(path: str, setting: str) -> None:
  """Prints medians over the steps of this process, which must have set nothing before."""
  from benchmarks.members import open_first, stepper
  from jaxsig.engine import mesh

  if setting == KEPT:
    mesh.start()
  with tempfile.TemporaryDirectory() as folder:
    run, member = open_first(path, folder)
    step = stepper(run, member, 1)
    for _ in range(WARM_UP_STEPS):
      step()

    faults_before = _page_faults()
    seconds = [once(step) for _ in range(STEPS)]
    faults = _page_faults() - faults_before

  wall_s, processor_s = zip(*seconds, strict=True)
  print(
    statistics.median(wall_s),
    statistics.median(processor_s),
    faults / STEPS,
  )


def _page_faults() -> int:
  return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def main(path: str, rounds: int) -> None:
  """Prints medians over rounds of both settings."""
  taken = {KEPT: [], GIVEN_BACK: []}
  for _ in range(rounds):
    for setting, steps in taken.items():
      steps.append(_in_a_process(path, setting))

  header("freed memory", "ms a step", "processor ms", "page faults a step", "x kept")
  medians = {setting: _median(steps) for setting, steps in taken.items()}
  for setting, step in medians.items():
    row(
      setting,
      1e3 * step.wall_s,
      1e3 * step.processor_s,
      round(step.page_faults),
      step.wall_s / medians[KEPT].wall_s,
    )


def _in_a_process(path: str, setting: str) -> Step:
  words = [sys.executable, "-m", "benchmarks.memory", path, setting]
  process = subprocess.run(words, capture_output=True, text=True, check=True)
  last_line = process.stdout.splitlines()[-1]
  return Step(*map(float, last_line.split()))


def _median(steps: list[Step]) -> Step:
  columns = zip(*steps, strict=True)
  return Step(*map(statistics.median, columns))


if __name__ == "__main__":
  path = CONFIG
  last = str(ROUNDS)
  if len(sys.argv) > 1:
    path = sys.argv[1]
  if len(sys.argv) > 2:
    last = sys.argv[2]

  if last in (KEPT, GIVEN_BACK):
    measure(path, last)
  else:
    main(path, int(last))
