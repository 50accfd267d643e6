"""A system of somebody else's, plugged in by `config.system = "toy_system"`: waves on a level.

It has all that the shared code must carry without knowing it: two targets a window with tolerances
of their own, windows of unequal length, a finish that makes several outputs of several channels, a
median over records, members that adapt, an own-file rule, words and a figure.
"""

import dataclasses
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.data.records import Record, spans_of
from jaxsig.errors import UserError
from jaxsig.rows import Row
from jaxsig.setting_rules import choice, number, optional, positive, whole
from jaxsig.system import (
  Aggregate,
  Baseline,
  Data,
  Figure,
  Metric,
  OwnFile,
  Protocol,
  System,
  Task,
  Words,
)

RATE_HZ = 20.0
LENGTHS_S = (1.0, 1.5, 2.0)  # of windows, again and again
LONGEST = int(max(LENGTHS_S) * RATE_HZ)
TARGETS = ("amplitude", "level")
SOURCES = ("moving", "steady")
CHANNELS = 2
SETTINGS = {
  "data.name": choice("toy"),
  "data.duration_s": positive(3600),
  "own.gain": number(0, 100),
  "read.sampler.samples": optional(whole(1, 100)),
  "read.sampler.temperature": optional(number(0, 10)),
}


def simulate(seed, n, config):
  """n groups of two records each, one after another."""
  for i in range(n):
    draw = np.random.default_rng((seed, i))
    scale = draw.uniform(0.5, 2.0)
    for part in range(2):
      yield _simulated(f"g{i}_{part}", f"g{i}", scale, draw, config.duration_s)


def _simulated(name, group, scale, draw, duration_s):
  n = int(duration_s * RATE_HZ)
  time_s = np.arange(n) / RATE_HZ
  amplitude_t = scale * (1 + 0.3 * np.sin(2 * np.pi * time_s / 17))
  level_t = scale * np.cos(2 * np.pi * time_s / 29)
  wave_t = amplitude_t * np.sin(2 * np.pi * 3 * time_s) + level_t
  gains_c = np.array([1.0, 0.5])
  mix_t_c = wave_t[:, None] * gains_c + 0.01 * draw.standard_normal((n, CHANNELS))
  annotations = {"amplitude_t": amplitude_t, "level_t": level_t}
  return Record(
    name,
    group,
    RATE_HZ,
    {"mix_t_c": mix_t_c.astype(np.float32)},
    annotations,
    {"source": "simulated"},
  )


def spans(record, config):
  """Windows of 1, 1.5 and 2 seconds in turn."""
  starts_s, lengths_s = [], []
  start_s = 0.0
  while True:
    length_s = LENGTHS_S[len(starts_s) % len(LENGTHS_S)]
    if start_s + length_s > record.duration_s + 1e-9:
      return spans_of(np.array(starts_s), np.array(lengths_s))
    starts_s.append(start_s)
    lengths_s.append(length_s)
    start_s += length_s


def cut(record, spans, config):
  """Windows padded to the longest, with what is valid of them."""
  windows = {
    "mix_b_s_c": np.zeros((len(spans), LONGEST, CHANNELS), np.float32),
    "valid_b_s": np.zeros((len(spans), LONGEST), np.float32),
  }
  targets_b_k = np.zeros((len(spans), len(TARGETS)), np.float32)
  for b, (start_s, length_s) in enumerate(zip(spans.start_s_b, spans.length_s_b)):
    first = round(start_s * record.rate_hz)
    last = first + round(length_s * record.rate_hz)
    windows["mix_b_s_c"][b, : last - first] = record.signals["mix_t_c"][first:last]
    windows["valid_b_s"][b, : last - first] = 1
    for k, name in enumerate(TARGETS):
      if f"{name}_t" in record.annotations:
        targets_b_k[b, k] = record.annotations[f"{name}_t"][first:last].mean()
  return {**windows, "target_b_k": targets_b_k}


def load(folder, config):
  """Records of a folder's *.toy.npy."""
  for path in sources(folder):
    mix_t_c = np.load(path, allow_pickle=False)
    yield Record(path.stem, path.stem, RATE_HZ, {"mix_t_c": mix_t_c}, {}, {"source": "toy"})


def sources(folder):
  """The files that `load` reads."""
  return sorted(pathlib.Path(folder).glob("*.toy.npy"))


def inspect(folder):
  """What the folder holds."""
  return {
    "records": [{"record": path.stem} for path in sources(folder)],
    "skipped": [],
    "licence": "CC0",
    "citation": [],
  }


def _features(batch):
  """Mean and SD of each window's valid samples, and 1."""
  valid_b_s = batch["valid_b_s"]
  count_b = valid_b_s.sum(1)
  wave_b_s = batch["mix_b_s_c"][..., 0]
  mean_b = (wave_b_s * valid_b_s).sum(1) / count_b
  variance_b = ((wave_b_s - mean_b[:, None]) ** 2 * valid_b_s).sum(1) / count_b
  return jnp.stack([mean_b, jnp.sqrt(variance_b), jnp.ones_like(mean_b)], -1)


def _init(key, batch):
  return {"weight_f_k": 0.1 * jax.random.normal(key, (3, len(TARGETS)))}, {}


def _loss(params, stats, batch, key):
  error_b_k = _features(batch) @ params["weight_f_k"] - batch["target_b_k"]
  error_b = jnp.mean(error_b_k**2, -1)
  weight_b = batch["mask_b"]
  return jnp.sum(error_b * weight_b) / jnp.sum(weight_b), (stats, {})


def _predict(params, stats, batch, keys_b):
  return {"target_b_k": _features(batch) @ params["weight_f_k"]}


def _finish(record, predictions):
  """Adds the sources: [source, channel, time], made once for a record."""
  mix_c_t = np.asarray(record.signals["mix_t_c"]).T
  level_t = np.repeat(
    predictions["target_b_k"][:, 1], np.rint(predictions["length_s_b"] * record.rate_hz).astype(int)
  )
  steady_c_t = np.zeros_like(mix_c_t)
  steady_c_t[:, : len(level_t)] = level_t
  sources_k_c_t = np.stack([mix_c_t - steady_c_t, steady_c_t])
  return {**predictions, "sources_k_c_t": sources_k_c_t, "rate_hz": record.rate_hz}


def _score(record):
  predictions = record.predictions
  for b, (start_s, length_s) in enumerate(zip(predictions["start_s_b"], predictions["length_s_b"])):
    place = {
      "group": record.group,
      "record": record.id,
      "unit": f"{start_s:g} s",
      "start_s": float(start_s),
      "end_s": float(start_s + length_s),
      "strata": {"length": f"{length_s:g} s"},
    }
    first = round(start_s * record.rate_hz)
    last = first + round(length_s * record.rate_hz)
    for k, name in enumerate(TARGETS):
      truth = None
      if f"{name}_t" in record.annotations:
        truth = float(record.annotations[f"{name}_t"][first:last].mean())
      yield Row(
        metric=f"{name}_units",
        truth=truth,
        estimate=float(predictions["target_b_k"][b, k]),
        spread=0.1,
        included=truth is not None,
        why="" if truth is not None else "no truth",
        **place,
      )
    for k, name in enumerate(SOURCES):
      energy = float(np.mean(predictions["sources_k_c_t"][k][:, first:last] ** 2))
      yield Row(metric="energy", target=name, value=energy, **place)


def _fit_mean(records):
  return [
    float(np.mean([record.annotations[f"{name}_t"].mean() for record in records]))
    for name in TARGETS
  ]


def _predict_mean(means, record):
  laid = spans(record, None)
  predictions = {
    "target_b_k": np.tile(means, (len(laid), 1)),
    "start_s_b": laid.start_s_b,
    "length_s_b": laid.length_s_b,
  }
  return _finish(record, predictions)


def _figures(material):
  def draw():
    import matplotlib.figure

    figure = matplotlib.figure.Figure()
    axis = figure.subplots()
    for stored in material.records(material.reference):
      axis.plot(stored["sources_k_c_t"][0, 0])
    return figure

  return [Figure("sources", "What was separated", "The moving source of each take.", draw)]


@dataclasses.dataclass(frozen=True, repr=False)
class Toy:
  """The typed result."""

  sources: np.ndarray
  amplitudes: tuple

  def to_dict(self):
    return {"amplitudes": list(self.amplitudes)}

  def __repr__(self):
    return f"<Toy: {len(self.amplitudes)} windows>"


def _read(source, options):
  mix_t_c = (
    np.load(source, allow_pickle=False)
    if isinstance(source, (str, pathlib.Path))
    else np.asarray(source)
  )
  if mix_t_c.ndim != 2:
    raise UserError(f"a take has two axes, not {mix_t_c.ndim}: give [time, channel]")
  name = pathlib.Path(source).stem if isinstance(source, (str, pathlib.Path)) else "take"
  return Record(
    name,
    "user",
    options.rate_hz or RATE_HZ,
    {"mix_t_c": mix_t_c},
    {},
    {"notes": [f"gain {options.own.gain:g}"]},
  )


def _judge(row, seen):
  if row.metric != "amplitude_units":
    return row
  if row.estimate < 0 or seen.unseen_s > 0.5:
    return dataclasses.replace(row, estimate=None, quality="silent")
  return dataclasses.replace(row, quality="heard")


def _tell(told):
  heard = sum(row.quality == "heard" for row in told.primary)
  yield f"{heard} of {len(told.primary)} notes heard"


def _write(told, folder):
  (folder / f"{told.record.id}.json").write_text(
    json.dumps({**told.about, **_result(told).to_dict()})
  )


def _result(told):
  amplitudes = [row.estimate for row in told.primary if row.metric == "amplitude_units"]
  return Toy(told.record.predictions["sources_k_c_t"], tuple(amplitudes))


def make(config):
  """The system."""
  error = {"unit": "units", "is_error": True, "aggregate": Aggregate("mean", "median", "mean")}
  metrics = {
    "amplitude_units": Metric("Amplitude", within=(0.1, 0.2), **error),
    "level_units": Metric("Level", within=(0.5,), **error),
    "energy": Metric(
      "Energy of a source",
      better="",
      aggregate=Aggregate("mean", "median", "median"),
      targets=SOURCES,
    ),
  }
  protocol = Protocol(
    score=_score,
    metrics=metrics,
    baselines={"mean": Baseline(_fit_mean, _predict_mean, "The training mean")},
    words=Words("player", "players", "take", "takes", "note", "notes"),
    keep=lambda record: {"sources_k_c_t": record.predictions["sources_k_c_t"]},
    figures=_figures,
  )
  return System(
    data=Data(load, simulate, spans, cut, inspect, sources),
    task=Task(_init, _loss, _predict, finish=_finish),
    protocol=protocol,
    own=OwnFile(_read, _judge, _tell, _write, _result),
  )
