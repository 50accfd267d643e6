"""A training step on CPU with and without `mesh.start`'s setting that freed memory is kept, in processes that take turns.

  python -m benchmarks.memory                                  configs/respdiff.py, three rounds
  python -m benchmarks.memory configs/respdiff_60s.py 5        another config, five rounds

Page faults are those of a step: without the setting glibc returns every large buffer to the kernel, which must clear it for the next step.
"""
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

from benchmarks.timing import header, once, row

STEPS = 15


def measure(path: str, keep: bool) -> None:
  """In a process of its own: prints median wall and processor seconds and page faults of a step."""
  from benchmarks.members import LITTLE, stepper
  from jaxsig import config as configs
  from jaxsig.engine import mesh
  from jaxsig.experiment import sweep
  if keep:
    mesh.start()
  file, _, arg = path.partition(":")
  with tempfile.TemporaryDirectory() as folder:
    run, [member, *_] = sweep.open_run(configs.load(file, arg, LITTLE), pathlib.Path(folder))
  step = stepper(run, member, 1)
  for _ in range(3):
    step()
  before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
  seconds = [once(step) for _ in range(STEPS)]
  faults = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / STEPS
  print(*map(statistics.median, zip(*seconds, strict=True)), faults)


def main(path: str, rounds: int) -> None:
  """Prints medians over rounds of both."""
  taken = {"kept": [], "given back": []}
  for _ in range(rounds):
    for name, found in taken.items():
      words = [sys.executable, "-m", "benchmarks.memory", path, name]
      out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
      found.append([float(x) for x in out.splitlines()[-1].split()])
  header("freed memory", "ms a step", "processor ms", "page faults a step", "x kept")
  medians = {name: [statistics.median(column) for column in zip(*found, strict=True)] for name, found in taken.items()}
  for name, (wall, processor, faults) in medians.items():
    row(name, 1e3 * wall, 1e3 * processor, round(faults), wall / medians["kept"][0])


if __name__ == "__main__":
  path, last = [*sys.argv[1:], "configs/respdiff.py", "3"][:2] if len(sys.argv) != 2 else (sys.argv[1], "3")
  if last.isdigit():
    main(path, int(last))
  else:
    measure(path, last == "kept")
