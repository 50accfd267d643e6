"""What the benchmarks share: candidates timed in turn, so that a busy machine slows all alike, and a small table."""
import resource
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Taken(NamedTuple):
  """Seconds of wall and of processor time (all threads), medians over rounds, and the least wall time."""
  wall_s: float
  processor_s: float
  least_s: float


def interleaved(runs: dict[str, Callable], rounds: int, warm_up: bool = True) -> dict[str, Taken]:
  """Times {name: function that blocks until its result is there}: every one once a round, the rounds after each other."""
  seconds = {name: [] for name in runs}
  for run in runs.values() if warm_up else ():
    run()
  for _ in range(rounds):
    for name, run in runs.items():
      seconds[name].append(once(run))
  middle = lambda pairs: map(statistics.median, zip(*pairs, strict=True))
  return {name: Taken(*middle(pairs), min(wall for wall, _ in pairs)) for name, pairs in seconds.items()}


def once(run: Callable) -> tuple[float, float]:
  """(wall, processor) seconds of one call."""
  wall, processor = time.perf_counter(), _processor_s()
  run()
  return time.perf_counter() - wall, _processor_s() - processor


def _processor_s() -> float:
  used = resource.getrusage(resource.RUSAGE_SELF)
  return used.ru_utime + used.ru_stime


def row(*cells: object) -> None:
  """Prints a row of a Markdown table; floats with three digits."""
  shown = (f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells)
  print(f"| {' | '.join(shown)} |", flush=True)


def header(*names: str) -> None:
  """Prints the head of a Markdown table: the first column to the left, the others to the right."""
  print()
  row(*names)
  print("|---|" + "---:|" * (len(names) - 1), flush=True)
