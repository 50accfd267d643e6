"""Spectra along the last axis in jnp, batched over leading axes.

Rates and band limits are static.
"""
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

GRID_HZ = 0.1 / 60   # coarsest grid of a zero-padded spectrum before interpolation: 0.1/min
FLAT = 1e-6          # a residual below this fraction of the signal is rounding of float32


def fft_length(n: int, rate_hz: float, grid_hz: float = GRID_HZ) -> int:
  """Smallest fast FFT length of at least `n` samples whose bins are at most `grid_hz` apart."""
  import scipy.fft  # takes long to import: only where it is used

  rounding = 1e-9
  bins = math.ceil(rate_hz / grid_hz - rounding)
  return scipy.fft.next_fast_len(max(n, bins), real=True)


def detrend(x_t: jax.Array) -> jax.Array:
  """Removes the least-squares line along the last axis of x_t [..., t]."""
  ramp_t = jnp.linspace(-1.0, 1.0, x_t.shape[-1])
  centred_t = x_t - x_t.mean(-1, keepdims=True)
  product = (centred_t * ramp_t).sum(-1, keepdims=True)
  slope = product / (ramp_t ** 2).sum()
  return centred_t - slope * ramp_t


@functools.partial(jax.jit, static_argnames=("rate_hz", "n_fft"))
def power_spectrum(
    x_t: jax.Array,
    rate_hz: float,
    n_fft: int | None = None,
) -> tuple[jax.Array, jax.Array]:
  """One-sided power density of the detrended signal under a Hann window.

  This is the modified periodogram (Welch 1967).

  Args:
    x_t: [..., t], any unit.
    rate_hz: sampling rate.
    n_fft: length after zero padding; by default a fast one with bins at most 0.1/min apart.

  Returns:
    (frequency_hz_f [f], power_f [..., f] in unit^2/Hz); the same as
    scipy.signal.periodogram(detrend="linear").

  Raises:
    ValueError: n_fft would cut the signal.
  """
  n = x_t.shape[-1]
  n_fft = n_fft or fft_length(n, rate_hz)
  if n_fft < n:
    raise ValueError(f"n_fft {n_fft} is shorter than the signal ({n} samples)")

  window_t = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
  tapered_t = detrend(jnp.asarray(x_t)) * window_t.astype(np.float32)
  spectrum_f = jnp.fft.rfft(tapered_t, n_fft)

  # DC, and Nyquist of an even length, have no mirror image.
  mirrored_f = np.full(n_fft // 2 + 1, 2.0, np.float32)
  mirrored_f[0] = 1
  if n_fft % 2 == 0:
    mirrored_f[-1] = 1

  window_energy = (window_t ** 2).sum()
  power_f = mirrored_f * jnp.abs(spectrum_f) ** 2 / (rate_hz * window_energy)
  frequency_hz_f = np.fft.rfftfreq(n_fft, 1 / rate_hz)
  return jnp.asarray(frequency_hz_f), power_f


@functools.partial(jax.jit, static_argnames=("rate_hz", "low_hz", "high_hz", "n_fft"))
def peak_frequency_hz(
    x_t: jax.Array,
    rate_hz: float,
    low_hz: float,
    high_hz: float,
    n_fft: int | None = None,
) -> jax.Array:
  """Frequency of the largest spectral value in a band, refined by a parabola.

  The parabola goes through the largest value and its two neighbours. NaN where the largest value
  sits on the edge of the band, or within half a main lobe (2 / duration) of something larger
  outside: drift leaks into the band, and its side lobes have maxima there. NaN too for a flat or
  broken signal.

  Args:
    x_t: [..., t].
    rate_hz: sampling rate.
    low_hz: lower end of the band, included.
    high_hz: upper end of the band, included.
    n_fft: as in `power_spectrum`.

  Returns:
    [...] in Hz.

  Raises:
    ValueError: the band holds fewer than three bins.
  """
  x_t = jnp.asarray(x_t)
  n = x_t.shape[-1]
  n_fft = n_fft or fft_length(n, rate_hz)

  frequency_f = np.fft.rfftfreq(n_fft, 1 / rate_hz)
  band = np.flatnonzero((frequency_f >= low_hz) & (frequency_f <= high_hz))
  if len(band) < 3:
    raise ValueError(f"no three bins between {low_hz} and {high_hz} Hz at {rate_hz} Hz")

  _, power_f = power_spectrum(x_t, rate_hz, n_fft)
  band_power_f = power_f[..., band[0]:band[-1] + 1]
  top = jnp.argmax(band_power_f, -1)   # counted from the first bin of the band
  last = len(band) - 1

  half_lobe = 2 * n_fft // n   # in bins
  off_the_edges = (top > 0) & (top < last)
  is_peak = off_the_edges & _tops_its_lobe(power_f, band[0] + top, half_lobe)
  shift = _parabola_shift(band_power_f, jnp.clip(top, 1, last - 1))

  residual = jnp.abs(detrend(x_t)).max(-1)
  flat = residual <= FLAT * jnp.abs(x_t).max(-1)

  peak_hz = (band[0] + top + shift) * (rate_hz / n_fft)
  return jnp.where(is_peak & ~flat, peak_hz, jnp.nan)


def _tops_its_lobe(power_f: jax.Array, top: jax.Array, half_lobe: int) -> jax.Array:
  """Whether no bin within `half_lobe` bins of `top`, in the band or not, is larger."""
  last = power_f.shape[-1] - 1
  offset = np.arange(-half_lobe, half_lobe + 1)
  near = jnp.clip(top[..., None] + offset, 0, last)
  power_near = jnp.take_along_axis(power_f, near, -1)
  return power_near[..., half_lobe] >= power_near.max(-1)


def _parabola_shift(power_f: jax.Array, top: jax.Array) -> jax.Array:
  """Vertex of the parabola through the bins top-1, top, top+1, as an offset from `top` in bins."""
  left = jnp.take_along_axis(power_f, top[..., None] - 1, -1)[..., 0]
  middle = jnp.take_along_axis(power_f, top[..., None], -1)[..., 0]
  right = jnp.take_along_axis(power_f, top[..., None] + 1, -1)[..., 0]
  return 0.5 * (left - right) / (left - 2 * middle + right)
