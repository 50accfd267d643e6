"""Seconds from the command to the first training step, with a cold and a warm compilation cache.

  python -m benchmarks.first_step                              configs/respdiff.py, two rounds
  python -m benchmarks.first_step configs/respdiff_60s.py 3    another config, three rounds

Each start is the program that users run, in a process of its own with a new workdir, on 24
simulated patients; what the config would simulate besides comes on top. The step is finished when
its line is in scalars.jsonl (`run.log_steps=1`); then the process is asked to stop. "data ready" is
when the program says what it has loaded: imports and data come before it, tracing and compiling
after it.
"""
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks.timing import header, row

ROOT = pathlib.Path(__file__).parent.parent
CONFIG = "configs/respdiff.py"
ROUNDS = 2
PATIENCE_S = 600.0
FEW_RECORDS = {
  "data.source": "simulated",
  "data.simulate_groups": 24,
  "data.simulate_duration_s": 120.0,
  "run.log_steps": 1,
  "run.val_windows": 0,
  "run.ablations": False,
}


class Start(NamedTuple):
  """Seconds since the command."""
  data_ready_s: float
  first_step_s: float


def start(config: str, folder: pathlib.Path, compilation_cache: pathlib.Path) -> Start:
  """Starts one training in a new workdir, and stops it after its first step."""
  folder.mkdir()
  log_path = folder / "log"

  def data_is_ready() -> bool:
    return "members, config" in log_path.read_text()

  def step_is_finished() -> bool:
    files = folder.glob("run/members/*/scalars.jsonl")
    return any(file.stat().st_size > 0 for file in files)

  begin_s = time.perf_counter()
  with log_path.open("w") as log:
    process = subprocess.Popen(
      _command(config, folder),
      cwd=ROOT,
      stdout=log,
      stderr=log,
      env={**os.environ, "JAX_COMPILATION_CACHE_DIR": str(compilation_cache)},
    )
  try:
    ready_s = _wait(process, log_path, data_is_ready)
    step_s = _wait(process, log_path, step_is_finished)
  finally:
    process.send_signal(signal.SIGTERM)
    process.wait()
  return Start(ready_s - begin_s, step_s - begin_s)


def _command(config: str, folder: pathlib.Path) -> list[str]:
  command = [sys.executable, "-u", "-m", "jaxsig.main"]
  command.append(f"--config={config}")
  command.append(f"--workdir={folder / 'run'}")
  command.append(f"--config.cache_dir={folder / 'prepared'}")
  for key, value in FEW_RECORDS.items():
    command.append(f"--config.{key}={value}")
  return command


def _wait(
    process: subprocess.Popen,
    log_path: pathlib.Path,
    happened: Callable[[], bool],
) -> float:
  """When it happened, by `time.perf_counter`; ends with the log where the process ends before."""
  until_s = time.perf_counter() + PATIENCE_S
  while not happened():
    ended = process.poll() is not None
    if ended or time.perf_counter() > until_s:
      last_words = log_path.read_text()[-2000:]
      raise SystemExit(f"no first step:\n{last_words}")
    time.sleep(0.01)
  return time.perf_counter()


def main(config: str, rounds: int) -> None:
  """Prints medians over rounds; a round is a cold start and a warm one."""
  starts = {"cold": [], "warm": []}
  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    for i in range(rounds):
      for cache_state, taken in starts.items():   # the first fills the cache for the second
        workdir = folder / f"{cache_state}_{i}"
        taken.append(start(config, workdir, folder / f"xla_{i}"))

  medians = {cache_state: _median(taken) for cache_state, taken in starts.items()}
  header("compilation cache", "data ready, s", "first step, s", "between, s", "x warm")
  for cache_state, taken in medians.items():
    row(
      cache_state,
      taken.data_ready_s,
      taken.first_step_s,
      taken.first_step_s - taken.data_ready_s,
      taken.first_step_s / medians["warm"].first_step_s,
    )


def _median(starts: Sequence[Start]) -> Start:
  columns = zip(*starts, strict=True)
  return Start(*map(statistics.median, columns))


if __name__ == "__main__":
  config = CONFIG
  rounds = ROUNDS
  if len(sys.argv) > 1:
    config = sys.argv[1]
  if len(sys.argv) > 2:
    rounds = int(sys.argv[2])
  main(config, rounds)
