"""Times what blood pressure is made of, in one run each.

  python -m benchmarks.pressure lstm      a step and inference of the published LSTM, against Keras
                                          and, where it is there, PyTorch
  python -m benchmarks.pressure beats     24 h of PPG: beats against NeuroKit2's
  python -m benchmarks.pressure pos       POS by strided windows against a loop over frames
  python -m benchmarks.pressure members   20 personalised members: one program, one after another
  python -m benchmarks.pressure feed      a million windows by the tf.data feed, against one batch

PyTorch and NeuroKit2 are left out where they are not installed.
"""
import importlib.util
import pathlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.members import stepper
from benchmarks.timing import header, interleaved, row
from jaxsig import config as configs
from jaxsig import system as systems
from jaxsig.data import cache, feeds
from jaxsig.data.ppg.camera.pos import PLANE, WINDOW_S, pos
from jaxsig.data.ppg.pressure.beat_peaks import find_beats
from jaxsig.data.ppg.pressure.pulse_filters import band_pass
from jaxsig.data.records import Record
from jaxsig.data.splits import Member
from jaxsig.engine import mesh, train
from jaxsig.engine import run as engine_run
from jaxsig.experiment import sweep
from jaxsig.systems.blood_pressure.network import PressureNetwork
from jaxsig.systems.blood_pressure.network_lstm import PRESETS, Lstm

BATCH, SAMPLES = 32, 875
RATE_HZ = 125.0
DAY_S = 86_400
ROUNDS = 5

Run = Callable[[], object]


def lstm() -> None:
  """Prints the time of a training step and of inference, as ratios to ours."""
  draw = np.random.default_rng(0)
  x = draw.standard_normal((BATCH, SAMPLES, 1)).astype(np.float32)
  y = draw.standard_normal((BATCH, 2)).astype(np.float32)
  runs = jax_lstm(x, y) | keras_lstm(x, y)
  if importlib.util.find_spec("torch") is not None:
    for threads in (1, 2):
      runs |= torch_lstm(x, y, threads)
  taken = interleaved(runs, ROUNDS)
  header("LSTM, batch of 32", "training step, s", "in ours", "inference, s", "in ours")
  own = {what: taken[f"jaxsig {what}"].wall_s for what in ("step", "inference")}
  for name in dict.fromkeys(key.rpartition(" ")[0] for key in runs):
    step = taken[f"{name} step"].wall_s
    inference = taken[f"{name} inference"].wall_s
    row(name, step, step / own["step"], inference, inference / own["inference"])


def jax_lstm(x: np.ndarray, y: np.ndarray) -> dict[str, Run]:
  """Our network: a step is the squared error, all gradients and Adam."""
  network = PressureNetwork(Lstm(*PRESETS["released"]), outputs=1)
  rate = jnp.full(BATCH, 80.0)
  params = network.init(jax.random.key(0), x, rate)
  optimiser = optax.adam(1e-3)
  state = optimiser.init(params)

  def loss(params: dict) -> jax.Array:
    return jnp.mean((network.apply(params, x, rate)[..., 0] - y) ** 2)

  @jax.jit
  def step(params: dict, state: optax.OptState) -> tuple[dict, optax.OptState]:
    updates, state = optimiser.update(jax.grad(loss)(params), state)
    return optax.apply_updates(params, updates), state

  infer = jax.jit(lambda params: network.apply(params, x, rate))
  return {
      "jaxsig step": lambda: jax.block_until_ready(step(params, state)),
      "jaxsig inference": lambda: jax.block_until_ready(infer(params)),
  }


def keras_lstm(x: np.ndarray, y: np.ndarray) -> dict[str, Run]:
  """The same layers in Keras on TensorFlow."""
  import keras
  import tensorflow as tf

  layers = keras.layers
  model = keras.Sequential([
      keras.Input((SAMPLES, 1)),
      layers.Conv1D(32, 5, padding="same", activation="relu"),
      layers.Bidirectional(layers.LSTM(64, return_sequences=True)),
      layers.Bidirectional(layers.LSTM(64, return_sequences=True)),
      layers.Bidirectional(layers.LSTM(32)),
      layers.Dense(128, activation="relu"),
      layers.Dense(2),
  ])
  assert model.count_params() == 198_466
  optimiser = keras.optimizers.Adam(1e-3)

  @tf.function
  def step() -> tf.Tensor:
    with tf.GradientTape() as tape:
      loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
    grads = tape.gradient(loss, model.trainable_variables)
    optimiser.apply_gradients(zip(grads, model.trainable_variables, strict=True))
    return loss

  infer = tf.function(lambda: model(x, training=False))
  return {"Keras step": lambda: step().numpy(), "Keras inference": lambda: infer().numpy()}


def torch_lstm(x: np.ndarray, y: np.ndarray, threads: int) -> dict[str, Run]:
  """The same layers in PyTorch, on so many threads."""
  import torch

  class Network(torch.nn.Module):
    """The published network."""

    def __init__(self) -> None:
      super().__init__()
      self.conv = torch.nn.Conv1d(1, 32, 5, padding=2)
      self.first = torch.nn.LSTM(32, 64, batch_first=True, bidirectional=True)
      self.second = torch.nn.LSTM(128, 64, batch_first=True, bidirectional=True)
      self.third = torch.nn.LSTM(128, 32, batch_first=True, bidirectional=True)
      self.dense = torch.nn.Linear(64, 128)
      self.heads = torch.nn.Linear(128, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
      h = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
      h = self.first(h)[0]
      h = self.second(h)[0]
      _, (last, _) = self.third(h)
      joined = torch.cat([last[0], last[1]], -1)
      return self.heads(torch.relu(self.dense(joined)))

  model = Network()
  optimiser = torch.optim.Adam(model.parameters(), 1e-3)
  x_t, y_t = torch.from_numpy(x), torch.from_numpy(y)

  def step() -> None:
    torch.set_num_threads(threads)
    optimiser.zero_grad()
    torch.mean((model(x_t) - y_t) ** 2).backward()
    optimiser.step()

  def infer() -> None:
    torch.set_num_threads(threads)
    with torch.no_grad():
      model(x_t)

  name = f"PyTorch, {threads} threads"
  return {f"{name} step": step, f"{name} inference": infer}


def day_of_ppg() -> np.ndarray:
  """24 h of a PPG with wandering rate, baseline and noise."""
  draw = np.random.default_rng(0)
  time_s = np.arange(round(DAY_S * RATE_HZ)) / RATE_HZ
  rate_hz = 1.2 + 0.2 * np.sin(2 * np.pi * time_s / 1800) + 0.03 * np.sin(2 * np.pi * 0.25 * time_s)
  place = np.cumsum(rate_hz) / RATE_HZ % 1
  beat = np.exp(-((place - 0.3) / 0.1) ** 2) + 0.4 * np.exp(-((place - 0.6) / 0.12) ** 2)
  return beat + 0.1 * np.sin(2 * np.pi * 0.25 * time_s) + 0.02 * draw.standard_normal(len(time_s))


def beats() -> None:
  """Prints the time of finding beats in 24 h, and how many are the same."""
  ppg_t = day_of_ppg()
  found = {}

  def ours() -> None:
    pulse_t = band_pass(ppg_t, RATE_HZ, 0.5, 8.0)
    found["jaxsig"] = find_beats(pulse_t, RATE_HZ).peak_k

  runs = {"jaxsig": ours}
  if importlib.util.find_spec("neurokit2") is not None:
    import neurokit2

    def theirs() -> None:
      clean_t = neurokit2.ppg_clean(ppg_t, sampling_rate=RATE_HZ)
      peaks = neurokit2.ppg_findpeaks(clean_t, sampling_rate=RATE_HZ)
      found["NeuroKit2"] = peaks["PPG_Peaks"]

    runs["NeuroKit2"] = theirs
  taken = interleaved(runs, 3)
  header("beats of 24 h of PPG", "s", "in ours", "beats", "of these within 20 ms of ours")
  for name in runs:
    distance_s = nearest_s(found[name], found["jaxsig"])
    share = float(np.mean(distance_s <= 0.02))
    row(name, taken[name].wall_s, taken[name].wall_s / taken["jaxsig"].wall_s,
        len(found[name]), share)


def nearest_s(peak_k: np.ndarray, other_k: np.ndarray) -> np.ndarray:
  """[k] the distance of each peak to the nearest of the others, in seconds."""
  place_k = np.searchsorted(other_k, peak_k).clip(1, len(other_k) - 1)
  before = np.abs(peak_k - other_k[place_k - 1])
  after = np.abs(peak_k - other_k[place_k])
  return np.minimum(before, after) / RATE_HZ


def pos_by_loop(rgb_t_c: np.ndarray, rate_hz: float) -> np.ndarray:
  """POS window by window."""
  length = int(np.ceil(WINDOW_S * rate_hz))
  pulse_t = np.zeros(len(rgb_t_c))
  for first in range(len(rgb_t_c) - length + 1):
    window_t_c = rgb_t_c[first:first + length]
    one_t, two_t = PLANE @ (window_t_c / window_t_c.mean(0)).T
    own_t = one_t + one_t.std() / two_t.std() * two_t
    pulse_t[first:first + length] += own_t - own_t.mean()
  return pulse_t


def camera() -> None:
  """Prints the time of POS on ten minutes at 30 frames a second."""
  draw = np.random.default_rng(0)
  rgb_t_c = 150 + draw.standard_normal((18_000, 3))
  runs = {"jaxsig": lambda: pos(rgb_t_c, 30.0), "a loop": lambda: pos_by_loop(rgb_t_c, 30.0)}
  assert np.allclose(pos(rgb_t_c, 30.0), pos_by_loop(rgb_t_c, 30.0))
  taken = interleaved(runs, ROUNDS)
  header("POS of 10 min of frames", "s", "in ours")
  for name in runs:
    row(name, taken[name].wall_s, taken[name].wall_s / taken["jaxsig"].wall_s)


PERSONAL = {
    "data.simulate_groups": 20,
    "split.kind": "personal",
    "split.n_folds": 0,
    "split.folds": (),
    "split.adapt_s": 33.0,
    "split.val_groups": 0,
    "split.val_share": 0.0,
}
HEAD = "heads|hidden"
PEOPLE = 20


def members() -> None:
  """Prints the time of a step of 20 personalised members, in one program and one after another."""
  mesh.start()
  header(
      "20 personalised members", "trained", "one program, ms a step", "one after another, ms",
      "x throughput")
  for network, arg in (("ours", ""), ("LSTM, stride 4", "network=lstm")):
    for name, trainable in (("head", HEAD), ("all", "")):
      changes = {**PERSONAL, "trainable": trainable, "model.stride": 1}
      if arg:
        changes["model.stride"] = 4
      together_s, alone_s = personal_steps_s(arg, changes)
      row(network, name, 1e3 * together_s, 1e3 * PEOPLE * alone_s,
          PEOPLE * alone_s / together_s)


def personal_steps_s(arg: str, changes: dict[str, object]) -> tuple[float, float]:
  """Seconds of a step of PEOPLE members in one program, and of one member alone."""
  config = configs.load("configs/blood_pressure.py", arg, changes)
  with tempfile.TemporaryDirectory() as folder:
    opened = sweep.open_run(config, pathlib.Path(folder))
    run, member = opened.run, opened.members[0]
    runs = {
        "together": stepper(run, member, PEOPLE),
        "alone": stepper(run, member, 1),
    }
    taken = interleaved(runs, ROUNDS)
  return taken["together"].wall_s, taken["alone"].wall_s


WINDOWS = 1_000_000
HOURS = 24
FED_STEPS = 1500


def records_of_a_day() -> list[Record]:
  """24 h of PPG in records of an hour, with a pressure at each beat."""
  ppg_t = day_of_ppg().astype(np.float32)
  draw = np.random.default_rng(1)
  hour = len(ppg_t) // HOURS
  records = []
  for number in range(HOURS):
    part_t = ppg_t[number * hour:(number + 1) * hour]
    annotations = {}
    for target, mean in (("sbp_t", 120.0), ("dbp_t", 70.0)):
      mmhg_t = np.full(hour, np.nan, np.float32)
      mmhg_t[::100] = mean + 5 * draw.standard_normal(len(mmhg_t[::100]))
      annotations[target] = mmhg_t
    records.append(Record(
        f"h{number}", f"h{number}", RATE_HZ, {"ppg_t": part_t}, annotations, {"source": "day"}))
  return records


def feed() -> None:
  """Prints the time of a step on streamed windows of a million, beside one repeated batch."""
  hop_s = HOURS * 3600 / WINDOWS
  config = configs.load("configs/blood_pressure.py", "", {
      "data.hop_s": hop_s, "data.stable": False, "data.known_share": 0.0, "train.batch_size": 128,
      "readings": {}, "own.reading": ""})
  mesh.start()
  system = systems.make(config)
  began_s = time.perf_counter()
  prepared = cache.prepare(system.data, config, records_of_a_day())
  windows = prepared.windows
  listed_s = time.perf_counter() - began_s
  with tempfile.TemporaryDirectory() as folder:
    run = engine_run.make_run(config, pathlib.Path(folder), system, prepared)
    began_s = time.perf_counter()
    windows.store(pathlib.Path(folder) / "windows", lambda count: None)
    cut_s = time.perf_counter() - began_s
    repeated_s, streamed_s = feed_steps_s(run)
  memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
  header("windows", "of them in memory, GB", "listed, s", "cut once, s", "peak memory, GB",
         "repeated batch, ms a step", "streamed, ms", "share of its speed")
  row(len(windows), windows.nbytes() / 2**30, listed_s, cut_s, memory_gb, 1e3 * repeated_s,
      1e3 * streamed_s, repeated_s / streamed_s)


def feed_steps_s(run: engine_run.Run) -> tuple[float, float]:
  """Seconds of a step on one repeated batch, and on the stream, as the training loop feeds both."""
  windows = run.prepared.windows
  size = run.config.train.batch_size
  order = feeds.Order((0,), ("day",), (np.arange(len(windows)),), size, size)
  stream = feeds.tfdata(windows, order, (slice(0, 1), slice(0, size)), run.config.run.prefetch)
  where = mesh.make(1)
  member = Member("day", 0, 0, (), (), ())
  keys = mesh.put(train.member_keys([member]), mesh.by_member(where))
  steps = train.make_steps(run, 1)
  first = mesh.put(next(stream.steps(0, 1)), mesh.by_batch(where))
  state = jax.jit(steps.init, out_shardings=mesh.by_member(where))(keys, first, None)
  step = jax.jit(steps.step)
  jax.block_until_ready(step(state, first, keys))

  def repeated(count: int) -> None:
    new = state
    for _ in range(count):
      new, _ = step(new, first, keys)
    jax.block_until_ready(new)

  def streamed(count: int) -> None:
    new = state
    for batch in stream.steps(0, count):
      new, _ = step(new, mesh.put(batch, mesh.by_batch(where)), keys)
    jax.block_until_ready(new)

  streamed(2)   # TensorFlow is imported
  count = FED_STEPS // ROUNDS
  taken = interleaved(
      {"repeated": lambda: repeated(count), "streamed": lambda: streamed(count)}, ROUNDS)
  return taken["repeated"].wall_s / count, taken["streamed"].wall_s / count


PARTS = {"lstm": lstm, "beats": beats, "pos": camera, "members": members, "feed": feed}

if __name__ == "__main__":
  for part in sys.argv[1:] or PARTS:
    PARTS[part]()
