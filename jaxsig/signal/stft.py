"""Short-time Fourier transform and its inverse in jnp, batched over leading axes.

Conventions. The window is a periodic Hann window of n_fft samples, the FFT is as long, and the hop
divides n_fft. The spectrum is not scaled: a cosine of amplitude 1 in the middle of a bin has
magnitude n_fft / 4 there. The phase of a frame refers to its first sample, so that a stationary
cosine of bin k advances by 2 pi k hop / n_fft from frame to frame. With padding, n_fft - hop zeros
stand before the signal and as many frames are cut as touch it: frame n begins at sample
(n + 1) hop - n_fft, and every sample lies in n_fft / hop frames. Sizes are static.
"""
import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.signal.spectra import hann


def overlap(n_fft: int, hop: int) -> int:
  """The number n_fft / hop of frames that a sample lies in.

  Raises:
    ValueError: the hop does not divide n_fft, or frames do not overlap (a Hann window is 0 at its
      first sample).
  """
  if hop < 1 or n_fft % hop or n_fft < 2 * hop:
    raise ValueError(f"a hop of {hop} must divide the {n_fft} samples of a frame at least twice")
  return n_fft // hop


def frame_count(samples: int, n_fft: int, hop: int) -> int:
  """The number of frames of a padded signal: ceil(samples / hop) + n_fft / hop - 1."""
  blocks = -(-samples // hop)
  return blocks + overlap(n_fft, hop) - 1


def frame_starts(samples: int, n_fft: int, hop: int) -> np.ndarray:
  """The first sample [n] of each frame of a padded signal; negative in the padding before it."""
  index_n = np.arange(frame_count(samples, n_fft, hop))
  return (index_n + 1) * hop - n_fft


def stft(
    x_t: jax.Array,
    n_fft: int,
    hop: int,
    *,
    pad: bool = True,
) -> jax.Array:
  """Short-time Fourier transform.

  Args:
    x_t: [..., t] real.
    n_fft: samples of a frame.
    hop: samples from frame to frame; divides n_fft.
    pad: zeros before and after, so that every sample lies in n_fft / hop frames. Without them
      frame n begins at sample n hop, and samples after the last whole frame are left out.

  Returns:
    [..., n, f] complex, n `frame_count` frames and f = n_fft / 2 + 1 bins, in units of x_t.

  Raises:
    ValueError: the hop does not divide n_fft, or there is no whole frame.
  """
  times = overlap(n_fft, hop)
  x_t = jnp.asarray(x_t)
  samples = x_t.shape[-1]
  if pad:
    before = n_fft - hop
    after = before + (-samples) % hop
    x_t = _pad_last_axis(x_t, before, after)

  blocks = x_t.shape[-1] // hop
  frames = blocks - times + 1
  if samples == 0 or frames < 1:
    raise ValueError(f"{samples} samples hold no frame of {n_fft}")

  whole_t = x_t[..., :blocks * hop]
  block_n_h = whole_t.reshape(*whole_t.shape[:-1], blocks, hop)
  shifted = []
  for shift in range(times):
    shifted.append(block_n_h[..., shift:shift + frames, :])
  frame_n_t = jnp.concatenate(shifted, -1)

  window_t = hann(n_fft).astype(frame_n_t.dtype)
  return jnp.fft.rfft(frame_n_t * window_t)


def istft(
    stft_n_f: jax.Array,
    n_fft: int,
    hop: int,
    samples: int,
) -> jax.Array:
  """The signal whose padded `stft` is nearest in least squares to a spectrogram.

  Griffin & Lim, IEEE Trans. ASSP 32, 1984, eq. 6: overlapped frames under the same window, over
  the sum of squared windows.

  Args:
    stft_n_f: [..., n, f], of `frame_count(samples, n_fft, hop)` frames.
    n_fft: samples of a frame.
    hop: samples from frame to frame.
    samples: length of the signal.

  Returns:
    [..., t] real.

  Raises:
    ValueError: the number of frames is another.
  """
  expected = frame_count(samples, n_fft, hop)
  frames = stft_n_f.shape[-2]
  if frames != expected:
    raise ValueError(f"{samples} samples have {expected} frames, not {frames}")

  sum_t = overlap_add(stft_n_f, n_fft, hop)
  power_t = np.tile(window_power(n_fft, hop), expected)   # longer than the signal
  before = n_fft - hop
  inside_t = sum_t[..., before:before + samples]
  return inside_t / power_t[:samples].astype(inside_t.dtype)


def overlap_add(
    stft_n_f: jax.Array,
    n_fft: int,
    hop: int,
) -> jax.Array:
  """The sum [..., (n - 1) hop + n_fft] of frames under the window, each at its place.

  For a signal in pieces: the last n_fft - hop samples of one piece of frames are added to the
  first of the next; a sample that all its frames have reached is divided by `window_power`.
  """
  times = overlap(n_fft, hop)
  frame_n_t = jnp.fft.irfft(stft_n_f, n_fft)
  window_t = hann(n_fft).astype(frame_n_t.dtype)
  windowed_n_t = frame_n_t * window_t

  blocks = frame_n_t.shape[-2] + times - 1
  sum_n_h = 0
  for shift in range(times):
    part_n_h = windowed_n_t[..., shift * hop:(shift + 1) * hop]
    placed_n_h = _pad_frames(part_n_h, shift, times - 1 - shift)
    sum_n_h = sum_n_h + placed_n_h
  return sum_n_h.reshape(*stft_n_f.shape[:-2], blocks * hop)


def window_power(n_fft: int, hop: int) -> np.ndarray:
  """The sum [hop] of the squared windows over a sample that lies in n_fft / hop frames."""
  times = overlap(n_fft, hop)
  square_t = hann(n_fft) ** 2
  return square_t.reshape(times, hop).sum(0)


def _pad_last_axis(x_t: jax.Array, before: int, after: int) -> jax.Array:
  """Zeros before and after along the last axis."""
  widths = [(0, 0)] * (x_t.ndim - 1)
  return jnp.pad(x_t, [*widths, (before, after)])


def _pad_frames(x_n_h: jax.Array, before: int, after: int) -> jax.Array:
  """Zeros before and after along the last axis but one."""
  widths = [(0, 0)] * (x_n_h.ndim - 2)
  return jnp.pad(x_n_h, [*widths, (before, after), (0, 0)])
