"""Seconds for eight minutes of PPG through the prediction that users call, compiled and warm, and where they go.

  python -m benchmarks.predict_8min                            random weights of configs/respdiff_60s.py
  python -m benchmarks.predict_8min configs/respdiff.py        another config's
  python -m benchmarks.predict_8min respdiff_60s               a shipped model, or a workdir

The PPG is an array, as from Python; reading a file and drawing are not counted. The parts are timed on their own: preparing the
windows, one pass of the encoder and of the denoiser over all windows (and samples), the whole compiled program, and scoring.
"""
import sys

import jax
import numpy as np

from benchmarks.timing import header, interleaved, row
from jaxsig import config as configs
from jaxsig.engine import mesh
from jaxsig.experiment import evaluate
from jaxsig.predict import model as shipped
from jaxsig.predict import own_file as infer
from jaxsig.system import make, make_data

ROUNDS, SECONDS, RATE_HZ = 9, 480.0, 125.0


def open_model(name: str) -> shipped.Model:
  """A shipped model or workdir by its name, or a config (`path.py:arg`) with random weights."""
  path, _, arg = name.partition(":")
  if not path.endswith(".py"):
    return shipped.open_model(name)
  config = configs.load(path, arg)
  task, data = make(config), make_data(config)
  windows = data.prepare(data.read(pulse(), RATE_HZ, config.data), config.data)
  params, stats = jax.jit(task.init)(jax.random.key(0), {k: x[:2] for k, x in windows.items()})
  return shipped.Model(name, config, task, data, jax.device_get(params), stats)


def pulse() -> np.ndarray:
  """Eight minutes of a pulse of 72/min that breathes at 15/min, without a gap."""
  t = np.arange(int(SECONDS * RATE_HZ)) / RATE_HZ
  breath = np.sin(2 * np.pi * 0.25 * t)
  noise = 0.01 * np.random.default_rng(0).normal(size=len(t))
  return ((1 + 0.2 * breath) * np.sin(2 * np.pi * 1.2 * t + 0.2 * breath) ** 3 + 0.3 * breath + noise).astype(np.float32)


def parts(model: shipped.Model) -> dict:
  """{part: function that blocks}."""
  task, config, data, ppg_t = model.task, model.config, model.data, pulse()
  record = data.read(ppg_t, RATE_HZ, config.data)
  windows = data.prepare(record, config.data)
  n = len(windows["start_s_b"])
  ids = np.stack([np.zeros(n), np.arange(n)], -1).astype(np.uint32)
  program = lambda: evaluate.predict_windows(task, model.params, model.stats, windows, ids, min(n, config.eval.batch_size), 0, "")
  done = infer.predict(ppg_t, RATE_HZ, model)
  return {
    "whole": lambda: infer.predict(ppg_t, RATE_HZ, model),
    "prepare windows": lambda: data.prepare(record, config.data),
    "compiled program": program,
    "score": lambda: task.score(done.record)}


def main(name: str) -> None:
  """Prints seconds and the real-time factor, and the share of each part."""
  mesh.start()
  model = open_model(name)
  data, sampler = model.config.data, model.config.sampler
  n = int((SECONDS - data.window_s) / data.stride_s) + 1
  print(f"{model.name}: {SECONDS / 60:g} minutes, {n} windows of {data.window_s:g} s, {sampler.samples} samples of {sampler.steps} steps, "
        f"{sum(x.size for x in jax.tree.leaves(model.params)):,} parameters, {jax.default_backend()}")
  taken = interleaved(parts(model), ROUNDS)
  header("part", "median s", "least s", "processor s", "share")
  for part, spent in taken.items():
    row(part, spent.wall_s, spent.least_s, spent.processor_s, spent.wall_s / taken["whole"].wall_s)
  print(f"\n{SECONDS / taken['whole'].wall_s:.0f} times faster than real time")


if __name__ == "__main__":
  main(sys.argv[1] if len(sys.argv) > 1 else "configs/respdiff_60s.py")
