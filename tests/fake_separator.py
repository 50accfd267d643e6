"""A system that separates a song into known shares of its mixture: for tests of own files."""

import functools

import jax
import jax.numpy as jnp
from builders import ROOT
from ml_collections import ConfigDict

from jaxsig.config import module_of
from jaxsig.data.audio import song_windows
from jaxsig.prediction.model import Model
from jaxsig.system import Data, Protocol, System, Task
from jaxsig.systems.music_separation.own_file import OWN_FILE
from jaxsig.systems.music_separation.own_settings import OPTIONS

RATE_HZ = 8000
# of the mixture, of which an eighth is left
SHARES = {"vocals": 0.5, "drums": 0.25, "other": 0.125}


def config_of(**own: object) -> ConfigDict:
  """A config of short windows, with changes of its section `own`."""
  config = module_of(ROOT / "configs" / "base.py").get_config()
  config.system = "fake_separator"
  config.data.update({
    "stems": tuple(SHARES),
    "rate_hz": RATE_HZ,
    "window_s": 1,
    "frame": 512,
    "hop": 128,
    "context_frames": 2,
  })
  config.own.update({**OPTIONS, **own})
  config.read.method = "shares"
  config.report.primary = ("sdr_db_song/vocals", "sdr_db_song/drums")
  config.run.predict_batch_size = 4
  return config.lock()


@functools.cache  # so that it is compiled once
def predict_of(shares: tuple[float, ...], margin: int):
  """A task's `predict` that gives each window's mixture times the shares."""

  def predict(params, stats, batch, keys_b):
    def window(mixture_t_c, offset):
      return jax.lax.dynamic_slice_in_dim(mixture_t_c, margin + offset, RATE_HZ)

    window_b_t_c = jax.vmap(window)(batch["mixture_b_t_c"], batch["offset_b"])
    window_b_c_t = jnp.swapaxes(window_b_t_c, 1, 2)
    return {"stems_b_j_c_t": jnp.array(shares)[:, None, None] * window_b_c_t[:, None]}

  return predict


def make(config: ConfigDict) -> System:
  """The system; its windows last a second."""
  predict = predict_of(tuple(SHARES.values()), song_windows.margin_of(config.data))
  data = Data(None, None, song_windows.spans, song_windows.cut, None, None)
  protocol = Protocol(score=lambda record: (), metrics={}, baselines={})
  return System(data, Task(None, None, predict), protocol, OWN_FILE)


def separator(figures: dict | None = None, **own: object) -> Model:
  """A model of it."""
  config = config_of(**own)
  return Model("fake", config, make(config), {}, {}, figures=figures)
