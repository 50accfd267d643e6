"""Seconds from the command to the first finished training step, with a cold and with a warm compilation cache.

  python -m benchmarks.first_step                              configs/respdiff.py, two rounds
  python -m benchmarks.first_step configs/respdiff_60s.py 3    another config, three rounds

Each start is the program that users run, in a process of its own with a new workdir, on 24 simulated patients; what the config would
simulate besides comes on top. The step is finished when its line is in scalars.jsonl (`train.log_steps=1`); then the process is asked to
stop. "data ready" is when the program says what it has loaded: imports and data come before it, tracing and compiling after it.
"""
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from benchmarks.timing import header, row

LITTLE = {"data.source": "simulated", "data.simulate_patients": 24, "data.simulate_duration_s": 120.0, "train.log_steps": 1,
          "train.val_windows": 0, "run_controls": False}
ROOT, PATIENCE_S = pathlib.Path(__file__).parent.parent, 600.0


def start(config: str, folder: pathlib.Path, compilation_cache: pathlib.Path) -> tuple[float, float]:
  """Seconds to (data ready, first step) of one training in a new workdir."""
  flags = [f"--config.{key}={value}" for key, value in LITTLE.items()]
  words = [sys.executable, "-u", "-m", "jaxsig.main", f"--config={config}", f"--workdir={folder / 'run'}", *flags,
           f"--config.cache_dir={folder / 'prepared'}"]
  environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(compilation_cache)}
  folder.mkdir()
  begin = time.perf_counter()
  with (folder / "log").open("w") as log:
    process = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log, env=environment)
  try:
    ready = wait(process, folder, lambda: "members, config" in (folder / "log").read_text()) - begin
    step = wait(process, folder, lambda: any(f.stat().st_size for f in folder.glob("run/members/*/scalars.jsonl"))) - begin
  finally:
    process.send_signal(signal.SIGTERM)
    process.wait()
  return ready, step


def wait(process: subprocess.Popen, folder: pathlib.Path, there: Callable) -> float:
  """When `there()` came true, by the clock of `time.perf_counter`; stops with the log where the process ends before."""
  until = time.perf_counter() + PATIENCE_S
  while not there():
    if process.poll() is not None or time.perf_counter() > until:
      raise SystemExit(f"no first step:\n{(folder / 'log').read_text()[-2000:]}")
    time.sleep(0.01)
  return time.perf_counter()


def main(config: str, rounds: int) -> None:
  """Prints medians over rounds; a round is a cold start and a warm one."""
  seconds = {"cold": [], "warm": []}
  with tempfile.TemporaryDirectory() as folder:
    for i in range(rounds):
      for name, taken in seconds.items():
        taken.append(start(config, pathlib.Path(folder) / f"{name}_{i}", pathlib.Path(folder) / f"xla_{i}"))
  header("compilation cache", "data ready, s", "first step, s", "between, s", "x warm")
  medians = {name: [statistics.median(column) for column in zip(*taken, strict=True)] for name, taken in seconds.items()}
  for name, (ready, step) in medians.items():
    row(name, ready, step, step - ready, step / medians["warm"][1])


if __name__ == "__main__":
  main(sys.argv[1] if len(sys.argv) > 1 else "configs/respdiff.py", int(sys.argv[2]) if len(sys.argv) > 2 else 2)
