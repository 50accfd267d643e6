"""What the benchmarks share: candidates timed in turn, and a small table.

Candidates take turns, so that a busy machine slows all alike.
"""
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Taken(NamedTuple):
  """Seconds of wall and of processor time (all threads), medians over rounds, and the least wall
  time."""
  wall_s: float
  processor_s: float
  least_s: float


def interleaved(
    runs: Mapping[str, Callable[[], object]],
    rounds: int,
    warm_up: bool = True,
) -> dict[str, Taken]:
  """Times every function once a round, the rounds after each other.

  Args:
    runs: {name: function that blocks until its result is there}.
    rounds: how many.
    warm_up: calls every function once before the first round.
  """
  if warm_up:
    for run in runs.values():
      run()

  wall_s = {name: [] for name in runs}
  processor_s = {name: [] for name in runs}
  for _ in range(rounds):
    for name, run in runs.items():
      wall, processor = once(run)
      wall_s[name].append(wall)
      processor_s[name].append(processor)

  taken = {}
  for name in runs:
    taken[name] = Taken(
        wall_s=statistics.median(wall_s[name]),
        processor_s=statistics.median(processor_s[name]),
        least_s=min(wall_s[name]),
    )
  return taken


def once(run: Callable[[], object]) -> tuple[float, float]:
  """(wall, processor) seconds of one call."""
  wall_before = time.perf_counter()
  processor_before = _processor_s()
  run()
  wall_s = time.perf_counter() - wall_before
  processor_s = _processor_s() - processor_before
  return wall_s, processor_s


def _processor_s() -> float:
  """Processor seconds of this process so far."""
  used = resource.getrusage(resource.RUSAGE_SELF)
  return used.ru_utime + used.ru_stime


def row(*cells: object) -> None:
  """Prints a row of a Markdown table; floats with three digits."""
  texts = []
  for cell in cells:
    if isinstance(cell, float):
      texts.append(f"{cell:.3g}")
    else:
      texts.append(str(cell))
  print(f"| {' | '.join(texts)} |", flush=True)


def header(*names: str) -> None:
  """Prints the head of a Markdown table: the first column to the left, the others to the right."""
  print()
  row(*names)
  right_aligned = "---:|" * (len(names) - 1)
  print(f"|---|{right_aligned}", flush=True)
