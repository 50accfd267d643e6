"""Peak memory of training and evaluating on four hours of two-channel signal at 44.1 kHz.

On the CPU, with the tf.data feed.

  python -m benchmarks.four_hours                  48 records of five minutes: 5.1 GB as float32
  python -m benchmarks.four_hours --minutes=20     a shorter trial

The system below is a plain one of two windows a second, plugged in from outside: `config.system =
"benchmarks.four_hours"`. Records are simulated one by one into the cache and read from there in
slices; windows are cut as a batch needs them; an evaluation holds one record's output. The peak is
that of this whole process, TensorFlow included.
"""
import pathlib
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsig.config import module_of
from jaxsig.data.records import Record, Spans, spans_of
from jaxsig.rows import Row
from jaxsig.system import Batch, Data, Metric, Params, Predictions, Protocol, Stats, System, Task

RATE_HZ = 44_100.0
CHANNELS = 2
WINDOW_S = 1.0
STRIDE_S = 0.5
RECORD_S = 300.0
HOURS = 4.0
LIMIT_GIB = 3.0
TAPS = 33


def simulate(seed: int, n: int, config: ConfigDict) -> Iterator[Record]:
  """n records of noise through a filter of their own: what the network is to undo."""
  for i in range(n):
    draw = np.random.default_rng((seed, i))
    shape_t_c = (int(config.duration_s * RATE_HZ), CHANNELS)
    clean_t_c = draw.standard_normal(shape_t_c, dtype=np.float32)
    mixed_t_c = clean_t_c.copy()
    mixed_t_c[1:] += np.float32(0.5) * clean_t_c[:-1]

    name = f"take{i:03}"
    part = "train"
    if i % 3 == 0:
      part = "test"
    yield Record(
        id=name,
        group=name,
        rate_hz=RATE_HZ,
        signals={"mixed_t_c": mixed_t_c, "clean_t_c": clean_t_c},
        annotations={},
        info={"source": "simulated", "part": part},
    )


def spans(record: Record, config: ConfigDict) -> Spans:
  """Windows of a second, every half."""
  last_s = record.duration_s - WINDOW_S
  start_s_b = np.arange(0, last_s + 1e-9, STRIDE_S)
  return spans_of(start_s_b, WINDOW_S)


def cut(record: Record, spans: Spans, config: ConfigDict) -> Mapping[str, np.ndarray]:
  """The windows [b, c, t] of both signals, each read from the record's file."""
  size = int(WINDOW_S * RATE_HZ)
  windows = {}
  for name in ("mixed", "clean"):
    parts = []
    for start_s in spans.start_s_b:
      first = round(start_s * RATE_HZ)
      window_t_c = record.signals[f"{name}_t_c"][first:first + size]
      parts.append(window_t_c.T)
    windows[f"{name}_b_c_t"] = np.stack(parts)
  return windows


def _filtered(params: Params, batch: Batch) -> jax.Array:
  """Both channels through one trained filter of TAPS coefficients."""
  x_b_c_t = batch["mixed_b_c_t"]
  b, c, t = x_b_c_t.shape
  y = jax.lax.conv_general_dilated(
      x_b_c_t.reshape(b * c, 1, t),
      params["taps"],
      window_strides=(1,),
      padding=[(TAPS - 1, 0)],
  )
  return y.reshape(b, c, t)


def _init(key: jax.Array, batch: Batch) -> tuple[Params, Stats]:
  taps = 0.1 * jax.random.normal(key, (1, 1, TAPS))
  return {"taps": taps}, {}


def _loss(
    params: Params,
    stats: Stats,
    batch: Batch,
    key: jax.Array,
) -> tuple[jax.Array, tuple[Stats, dict[str, jax.Array]]]:
  """Mean square of the error over real rows."""
  error = _filtered(params, batch) - batch["clean_b_c_t"]
  error_b = jnp.mean(error ** 2, (1, 2))
  mask_b = batch["mask_b"]
  total = jnp.sum(error_b * mask_b)
  return total / jnp.sum(mask_b), (stats, {})


def _predict(
    params: Params,
    stats: Stats,
    batch: Batch,
    keys_b: jax.Array,
) -> Predictions:
  return {"clean_b_c_t": _filtered(params, batch)}


def _score(record: Record) -> Iterator[Row]:
  """A row each ten seconds: the mean square of the error."""
  estimate_c_t = record.predictions["clean_c_t"]
  length = estimate_c_t.shape[-1]
  n = int(10 * RATE_HZ)
  for first in range(0, length - n + 1, n):
    part = slice(first, first + n)
    clean_t_c = record.signals["clean_t_c"][part]
    error_t_c = estimate_c_t[:, part].T - clean_t_c
    yield Row(
        metric="squared_error",
        group=record.group,
        record=record.id,
        unit=f"{first / RATE_HZ:g} s",
        value=float(np.mean(error_t_c ** 2)),
    )


def _nothing(folder: pathlib.Path) -> Sequence[pathlib.Path]:
  return []


def make(config: ConfigDict) -> System:
  """The system of this benchmark."""
  data = Data(
      load=_nothing,
      simulate=simulate,
      spans=spans,
      cut=cut,
      inspect=_nothing,
      sources=_nothing,
  )
  task = Task(_init, _loss, _predict)
  protocol = Protocol(
      score=_score,
      metrics={"squared_error": Metric("Squared error")},
      baselines={},
  )
  return System(data, task, protocol)


def experiment(cache_dir: str, minutes: float) -> ConfigDict:
  """Its config: a third of the records is tested."""
  config = module_of("configs/base.py").get_config()
  config.system = "benchmarks.four_hours"
  config.cache_dir = cache_dir
  config.data.name = "noise"
  config.data.duration_s = RECORD_S
  records = round(minutes * 60 / RECORD_S)
  config.data.simulate_groups = max(3, records)
  config.split.kind = "given"
  config.optim.learning_rate = 1e-2
  config.train.steps = 100
  config.train.batch_size = 16
  config.read.method = "filter"
  config.run.feed = "tfdata"
  config.run.ckpt_steps = 100
  config.run.val_windows = 16
  config.run.tensorboard = False
  config.run.predict_batch_size = 16
  config.report.title = "Four hours"
  config.report.primary = "squared_error"
  return config


def peak_gib() -> float:
  """The largest resident size of this process so far."""
  usage = resource.getrusage(resource.RUSAGE_SELF)
  return usage.ru_maxrss / 2**20


def main(words: Sequence[str]) -> None:
  """Runs the experiment and prints the peak memory after each part."""
  from jaxsig.engine.train import train
  from jaxsig.experiment.evaluate import evaluate
  from jaxsig.experiment.sweep import open_run

  minutes = 60 * HOURS
  for word in words:
    minutes = float(word.removeprefix("--minutes="))

  print("| after | peak memory, GiB |\n|---|---:|")
  print(f"| importing | {peak_gib():.2f} |", flush=True)
  with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    config = experiment(str(folder / "cache"), minutes)
    run, members = open_run(config, folder / "run")
    hours = sum(record.duration_s for record in run.prepared.records) / 3600
    print(f"| simulating {hours:.1f} h into the cache | {peak_gib():.2f} |", flush=True)

    train(run, members)
    print(f"| training | {peak_gib():.2f} |", flush=True)

    rows = evaluate(run, members)
    records = {row.record for row in rows}
    print(f"| evaluating {len(records)} records | {peak_gib():.2f} |")
  if peak_gib() > LIMIT_GIB:
    sys.exit(f"over the limit of {LIMIT_GIB:g} GiB")


if __name__ == "__main__":
  main(sys.argv[1:])
