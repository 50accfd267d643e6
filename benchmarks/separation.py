"""Times what music separation is made of, in one run each.

  python -m benchmarks.separation wiener     the Wiener filter against norbert's
  python -m benchmarks.separation sdr        framewise SDR against museval's
  python -m benchmarks.separation step       a training step of DNN_A against the same in PyTorch
  python -m benchmarks.separation features   what computing spectrograms in the step costs
  python -m benchmarks.separation song       four minutes of music through the shipped model

norbert, museval and PyTorch are needed where they are named; they are no dependencies of jaxsig.
"""
import importlib.util
import os
import sys
import time
from typing import TYPE_CHECKING

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import header, interleaved, row
from jaxsig import config as configs
from jaxsig import system as systems
from jaxsig.data.audio import song_windows
from jaxsig.data.audio.simulate_music import simulate
from jaxsig.signal import bss_eval, wiener
from jaxsig.system import Params
from jaxsig.systems.music_separation import network, spectra
from jaxsig.systems.music_separation.network import Separator

if TYPE_CHECKING:
  import torch

ROUNDS = 5
STEPS = 5     # of a training that is timed
RATE = 1e-3


def filters() -> None:
  """Prints the time of one iteration of the Wiener filter, beside norbert's."""
  import norbert

  draw = np.random.default_rng(0)
  shape_j_c_n_f = (4, 2, 300, 1025)
  magnitude = draw.gamma(1.0, 30.0, shape_j_c_n_f).astype(np.float32)
  mixture = (magnitude.sum(0) * np.exp(2j * np.pi * draw.uniform(size=shape_j_c_n_f[1:])))
  mixture = mixture.astype(np.complex64)
  v_n_f_c_j = np.moveaxis(magnitude, (0, 1), (3, 2)).astype(np.float64)
  x_n_f_c = np.moveaxis(mixture, 0, -1).astype(np.complex128)
  ours_magnitude, ours_mixture = jnp.asarray(magnitude), jnp.asarray(mixture)
  taken = interleaved(
      {
          "norbert": lambda: norbert.wiener(v_n_f_c_j, x_n_f_c.copy(), 1),
          "jaxsig": lambda: wiener.wiener(ours_magnitude, ours_mixture).block_until_ready(),
      },
      ROUNDS,
  )
  header("4 sources, 300 frames, 1025 bins", "wall, s", "processor, s", "times as fast")
  for name, one in taken.items():
    row(name, one.wall_s, one.processor_s, taken["norbert"].processor_s / one.processor_s)


def sdr() -> None:
  """Prints the time of framewise SDR of ten seconds of three stereo sources, beside museval's."""
  import museval

  rate_hz = 22_050
  draw = np.random.default_rng(0)
  reference_j_t_c = draw.standard_normal((3, 10 * rate_hz, 2))
  estimate_j_t_c = reference_j_t_c + 0.3 * draw.standard_normal(reference_j_t_c.shape)

  def theirs() -> np.ndarray:
    sdr_db, *_ = museval.evaluate(
        reference_j_t_c, estimate_j_t_c, win=rate_hz, hop=rate_hz, mode="v4")
    return sdr_db

  def ours() -> np.ndarray:
    seconds = bss_eval.energies(reference_j_t_c, estimate_j_t_c, rate_hz)
    return bss_eval.frame_sdr_db(seconds, bss_eval.V4)

  difference = np.abs(theirs() - ours()).max()
  taken = interleaved({"museval": theirs, "jaxsig": ours}, 2, warm_up=False)
  header("10 s of 3 stereo sources", "wall, s", "processor, s", "times as fast")
  for name, one in taken.items():
    row(name, one.wall_s, one.processor_s, taken["museval"].processor_s / one.processor_s)
  print(f"\nframes differ by {difference:.1e} dB at most; museval's time is for SIR and SAR too")


# --- a training step of DNN_A

EXAMPLES, FRAMES, BINS, OUTPUTS, HIDDEN = 16, 24, 512, 1025, 256
CONTEXT, STRIDE, INSTRUMENTS = 5, 2, 3


def step() -> None:
  """Prints the speed of training three instruments' DNN_A, beside PyTorch's; outputs must agree."""
  if importlib.util.find_spec("torch") is None:
    raise SystemExit("PyTorch is not installed: pip install torch")
  import torch

  from benchmarks.against_torch import compare, must_agree, our_training, their_training

  draw = np.random.default_rng(0)
  x = draw.standard_normal((EXAMPLES, FRAMES, BINS)).astype(np.float32)
  frames = FRAMES - (CONTEXT - 1) * STRIDE
  y = draw.uniform(size=(INSTRUMENTS, EXAMPLES, frames, OUTPUTS)).astype(np.float32)
  separator = Separator(HIDDEN, CONTEXT, STRIDE, OUTPUTS)
  params = network.init_instruments(separator, jax.random.key(0), [jnp.asarray(x)], INSTRUMENTS)

  def ours(params: Params, x: jax.Array) -> jax.Array:
    out = network.apply_instruments(separator, params, [x], own_inputs=False)
    return jax.nn.relu(out)

  def loss(params: Params, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.mean((ours(params, x) - y) ** 2)

  def their_loss(
      theirs: torch.nn.Module,
      x: torch.Tensor,
      y: torch.Tensor,
  ) -> torch.Tensor:
    return torch.mean((theirs(x) - y) ** 2)

  theirs = torch_networks(params)
  with torch.no_grad():
    must_agree(np.asarray(ours(params, x)), theirs(torch.tensor(x)).numpy(), params)
  training = {"jaxsig": our_training(loss, params, x, y, RATE, STEPS)}
  for threads in (1, 2):
    training[f"PyTorch, threads {threads}"] = their_training(
        their_loss, torch_networks(params), x, y, RATE, STEPS, threads)
  compare("DNN_A, three instruments", training, STEPS * EXAMPLES * frames, ROUNDS)


def torch_networks(params: Params) -> "torch.nn.Module":
  """The networks of all instruments in PyTorch, with the weights copied."""
  import torch

  class Instrument(torch.nn.Module):
    """DNN_A of one instrument."""

    def __init__(self, weights: Params):
      super().__init__()
      branch = weights["branch_0"]
      kernel_k_f_h = np.asarray(branch["context"]["kernel"])
      self.context = torch.nn.Conv1d(BINS, HIDDEN, CONTEXT, dilation=STRIDE)
      self.dense = torch.nn.Linear(HIDDEN, HIDDEN)
      self.out = torch.nn.Linear(HIDDEN, OUTPUTS)
      pairs = (
          (self.context, kernel_k_f_h.transpose(2, 1, 0), branch["context"]["bias"]),
          (self.dense, np.asarray(branch["dense"]["kernel"]).T, branch["dense"]["bias"]),
          (self.out, np.asarray(weights["out"]["kernel"]).T, weights["out"]["bias"]),
      )
      with torch.no_grad():
        for layer, weight, bias in pairs:
          layer.weight.copy_(torch.tensor(np.array(weight)))
          layer.bias.copy_(torch.tensor(np.array(bias)))

    def forward(self, x_b_n_f: torch.Tensor) -> torch.Tensor:
      context_b_h_n = torch.relu(self.context(x_b_n_f.swapaxes(1, 2)))
      dense_b_n_h = torch.relu(self.dense(context_b_h_n.swapaxes(1, 2)))
      return torch.relu(self.out(dense_b_n_h))

  class Instruments(torch.nn.Module):
    """All of them on one input."""

    def __init__(self):
      super().__init__()
      each = []
      for j in range(INSTRUMENTS):
        each.append(Instrument(jax.tree.map(lambda x, j=j: x[j], params["params"])))
      self.each = torch.nn.ModuleList(each)

    def forward(self, x_b_n_f: torch.Tensor) -> torch.Tensor:
      return torch.stack([one(x_b_n_f) for one in self.each])

  return Instruments()


def features() -> None:
  """Prints which share of a training step the spectrograms of its excerpts take."""
  header("network", "spectrograms, s", "step, s", "share")
  for name in ("ours", "a", "a_phi"):
    config = configs.load("configs/music_separation.py", f"network={name}", {
        "data.simulate_groups": 2, "data.simulate_duration_s": 30.0})
    task = systems.make(config).task
    batch = _batch(config)
    params, stats = task.init(jax.random.key(0), batch)
    gradient = jax.jit(jax.grad(task.loss, has_aux=True))
    grid = spectra.grid_of(config.data)
    samples = grid.samples(config.loss.frames + 24)
    excerpts = spectra.stems_of(batch)[:, :samples]
    transform = jax.jit(lambda x: spectra.stems_stft_of(x, grid))
    taken = interleaved(
        {
            "spectrograms": lambda: transform(excerpts).block_until_ready(),
            "step": lambda: jax.block_until_ready(
                gradient(params, stats, batch, jax.random.key(1))),
        },
        ROUNDS,
    )
    spectrogram_s, step_s = taken["spectrograms"].wall_s, taken["step"].wall_s
    row(name, spectrogram_s, step_s, spectrogram_s / step_s)


def _batch(config: object) -> dict[str, np.ndarray]:
  """A batch of windows of simulated songs."""
  record = next(iter(simulate(0, 1, config.data)))
  where = song_windows.spans(record, config.data)
  ids = np.resize(np.arange(len(where)), config.train.batch_size)
  arrays = song_windows.cut(record, where.at(ids), config.data)
  return {**arrays, "mask_b": np.ones(len(ids), np.float32)}


def song() -> None:
  """Prints how long the shipped model takes for four minutes of stereo music at 44.1 kHz."""
  import jaxsig

  model = jaxsig.open_model("stems_3")
  draw = np.random.default_rng(0)
  noise_t_c = 0.1 * draw.standard_normal((240 * 44_100, 2)).astype(np.float32)
  times = []
  for _ in range(2):   # the first compiles
    began_s = time.perf_counter()
    model.predict(noise_t_c, rate_hz=44_100)
    times.append(time.perf_counter() - began_s)
  header("240 s of stereo at 44.1 kHz", "s", "real-time factor")
  row("first call, with compilation", times[0], times[0] / 240)
  row("next call", times[1], times[1] / 240)


PARTS = {
    "wiener": filters,
    "sdr": sdr,
    "step": step,
    "features": features,
    "song": song,
}

if __name__ == "__main__":
  for part in sys.argv[1:] or PARTS:
    PARTS[part]()
