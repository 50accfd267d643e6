"""Seconds for eight minutes of PPG through the prediction that users call, and where they go.

  python -m benchmarks.predict_8min                       random weights of configs/respdiff_60s.py
  python -m benchmarks.predict_8min configs/respdiff.py   another config's
  python -m benchmarks.predict_8min respdiff_60s          a shipped model, or a workdir

The program is compiled and warm. The PPG is an array, as from Python; reading a file and drawing
are not counted. The parts are timed on their own: cutting the windows, the compiled program over
all of them, and scoring.
"""
import sys
from collections.abc import Callable

import jax
import numpy as np

from benchmarks.timing import header, interleaved, row
from jaxsig import config as configs
from jaxsig import system as systems
from jaxsig.data.records import window_names
from jaxsig.engine import mesh
from jaxsig.experiment.predictor import Predictor, predict_windows
from jaxsig.prediction import model as models
from jaxsig.prediction import own_file
from jaxsig.prediction.model import Model
from jaxsig.system import OwnOptions

CONFIG = "configs/respdiff_60s.py"
ROUNDS = 9
DURATION_S = 480.0
RATE_HZ = 125.0


def open_model(name: str) -> Model:
  """Returns a shipped model or workdir by its name, or a config's network with random weights.

  Args:
    name: of a model, a workdir, or a config (`path.py:arg`).
  """
  path, _, arg = name.partition(":")
  if not path.endswith(".py"):
    return models.open_model(name)

  config = configs.load(path, arg)
  system = systems.make(config)
  record = system.own.read(pulse(), OwnOptions(RATE_HZ, config.data, config.own))
  spans = system.data.spans(record, config.data)
  windows = system.data.cut(record, spans, config.data)
  two_windows = {key: x[:2] for key, x in windows.items()}
  params, stats = jax.jit(system.task.init)(jax.random.key(0), two_windows)
  return Model(name, config, system, jax.device_get(params), jax.device_get(stats))


def pulse() -> np.ndarray:
  """Returns eight minutes of a pulse of 72/min that breathes at 15/min, without a gap."""
  t = np.arange(int(DURATION_S * RATE_HZ)) / RATE_HZ
  breath = np.sin(2 * np.pi * 0.25 * t)
  beats = np.sin(2 * np.pi * 1.2 * t + 0.2 * breath) ** 3
  noise = np.random.default_rng(0).normal(size=len(t))
  ppg_t = (1 + 0.2 * breath) * beats + 0.3 * breath + 0.01 * noise
  return ppg_t.astype(np.float32)


def parts(model: Model) -> dict[str, Callable[[], object]]:
  """Returns {part: function that blocks}."""
  ppg_t = pulse()
  config = model.config
  system = model.system
  record = system.own.read(ppg_t, OwnOptions(RATE_HZ, config.data, config.own))
  spans = system.data.spans(record, config.data)
  windows = system.data.cut(record, spans, config.data)
  n = len(spans)
  names = window_names(record.id, np.arange(n))
  size = min(n, config.run.predict_batch_size)
  predictor = Predictor(system.task, model.params, model.stats, size, config.read.seed)
  predicted = own_file.predict(ppg_t, RATE_HZ, model).record

  def whole() -> object:
    return own_file.predict(ppg_t, RATE_HZ, model)

  def cut_windows() -> object:
    return system.data.cut(record, spans, config.data)

  def compiled_program() -> object:
    return predict_windows(predictor, windows, names, "")

  def score() -> object:
    return system.protocol.score(predicted)

  return {
    "whole": whole,
    "cut windows": cut_windows,
    "compiled program": compiled_program,
    "score": score,
  }


def main(name: str) -> None:
  """Prints seconds and the real-time factor, and the share of each part."""
  mesh.start()
  model = open_model(name)
  _print_head(model)
  taken = interleaved(parts(model), ROUNDS)
  whole_s = taken["whole"].wall_s

  header("part", "median s", "least s", "processor s", "share")
  for part, seconds in taken.items():
    row(
      part,
      seconds.wall_s,
      seconds.least_s,
      seconds.processor_s,
      seconds.wall_s / whole_s,
    )
  print(f"\n{DURATION_S / whole_s:.0f} times faster than real time")


def _print_head(model: Model) -> None:
  data = model.config.data
  sampler = model.config.read.sampler
  strides = int((DURATION_S - data.window_s) / data.stride_s)
  print(
    f"{model.name}: {DURATION_S / 60:g} minutes, "
    f"{strides + 1} windows of {data.window_s:g} s, "
    f"{sampler.samples} samples of {sampler.steps} steps, "
    f"{model.parameters:,} parameters, {jax.default_backend()}"
  )


if __name__ == "__main__":
  name = CONFIG
  if len(sys.argv) > 1:
    name = sys.argv[1]
  main(name)
