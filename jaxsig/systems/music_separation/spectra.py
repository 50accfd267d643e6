"""A window's samples as spectrograms, and spectrograms of stems as the window's samples."""
from typing import NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig.data.audio import song_windows
from jaxsig.signal import stft as transforms
from jaxsig.system import Batch

LEVEL = 0.1   # root mean square of every song's mixture, as networks see it


class Grid(NamedTuple):
  """Sizes of windows and frames.

  Attributes:
    rate_hz: sampling rate.
    frame, hop: samples of a frame and from frame to frame.
    context: frames on both sides of those that reach a window.
    window: samples of a window.
  """
  rate_hz: int
  frame: int
  hop: int
  context: int
  window: int

  @property
  def bins(self) -> int:
    """How many bins a frame has."""
    return self.frame // 2 + 1

  def samples(self, frames: int) -> int:
    """How many samples hold so many frames."""
    return self.frame + (frames - 1) * self.hop


def grid_of(data: ConfigDict) -> Grid:
  """The sizes of `config.data`."""
  return Grid(
      rate_hz=int(data.rate_hz),
      frame=data.frame,
      hop=data.hop,
      context=data.context_frames,
      window=round(data.window_s * data.rate_hz),
  )


def stems_of(batch: Batch) -> jax.Array:
  """The stems [b, t, j, c] of a batch as fractions of full scale."""
  scale_b = batch["scale_b"]
  return batch["stems_b_t_j_c"].astype(jnp.float32) * scale_b[:, None, None, None]


def mixture_of(batch: Batch) -> jax.Array:
  """The mixture [b, t, c] of a batch as fractions of full scale: the sum of the stems, or given."""
  if "mixture_b_t_c" in batch:
    return batch["mixture_b_t_c"].astype(jnp.float32)
  return stems_of(batch).sum(2)


def levelled_stems_of(batch: Batch) -> jax.Array:
  """The stems [b, t, j, c] of a batch, their songs brought to LEVEL."""
  return stems_of(batch) * gain_of(batch)[:, None, None, None]


def gain_of(batch: Batch) -> jax.Array:
  """The factors [b] that bring a batch's songs to LEVEL."""
  return LEVEL / jnp.maximum(batch["level_b"], 1e-6)


def stft_of(x_b_t_c: jax.Array, grid: Grid) -> jax.Array:
  """The spectrogram [b, c, n, f] of all whole frames of [b, t, c] samples."""
  x_b_c_t = jnp.swapaxes(x_b_t_c, 1, 2)
  return transforms.stft(x_b_c_t, grid.frame, grid.hop, pad=False)


def stems_stft_of(x_b_t_j_c: jax.Array, grid: Grid) -> jax.Array:
  """The spectrograms [b, j, c, n, f] of all whole frames of stems."""
  x_b_j_c_t = jnp.moveaxis(x_b_t_j_c, 1, -1)
  return transforms.stft(x_b_j_c_t, grid.frame, grid.hop, pad=False)


def without_context(x_n_f: jax.Array, grid: Grid) -> jax.Array:
  """The frames [..., n, f] that reach a window, of a spectrogram with context on both sides."""
  return x_n_f[..., grid.context:x_n_f.shape[-2] - grid.context, :]


def samples_of(
    stft_b_j_c_n_f: jax.Array,
    offset_b: jax.Array,
    grid: Grid,
    data: ConfigDict,
) -> jax.Array:
  """The samples [b, j, c, t] of windows from the frames that reach them.

  Args:
    stft_b_j_c_n_f: `without_context`.
    offset_b: samples from the first sample that all its frames have reached to the window's own.
    grid, data: the sizes.
  """
  sum_b_j_c_t = transforms.overlap_add(stft_b_j_c_n_f, grid.frame, grid.hop)
  before = grid.frame - grid.hop
  whole_t = song_windows.samples_of(data) - 2 * song_windows.margin_of(data)
  reached_b_j_c_t = sum_b_j_c_t[..., before:before + whole_t]
  power_h = transforms.window_power(grid.frame, grid.hop).astype(sum_b_j_c_t.dtype)
  blocks = whole_t // grid.hop
  divided_b_j_c_t = reached_b_j_c_t / jnp.tile(power_h, blocks)
  return parts_of(divided_b_j_c_t, offset_b, grid.window, -1)


def inside_window(
    x_b_t_c: jax.Array,
    offset_b: jax.Array,
    grid: Grid,
    data: ConfigDict,
) -> jax.Array:
  """The window's own samples [b, t, ...] of what was cut with its surroundings."""
  first_b = song_windows.margin_of(data) + offset_b
  return parts_of(x_b_t_c, first_b, grid.window, 0)


def parts_of(x_b: jax.Array, first_b: jax.Array, length: int, axis: int) -> jax.Array:
  """So many values of each example [b, ...] along an axis of it, from a place of its own on."""

  def part(x: jax.Array, first: jax.Array) -> jax.Array:
    return jax.lax.dynamic_slice_in_dim(x, first, length, axis)

  return jax.vmap(part)(x_b, first_b)


def sixteen_bits(x: jax.Array) -> jax.Array:
  """Fractions of full scale as integers of 16 bits, clipped: for ears, not for figures."""
  return jnp.clip(jnp.rint(x * 2**15), -(2**15), 2**15 - 1).astype(jnp.int16)
