"""Spectra along the last axis in jnp, batched over leading axes.

Sampling rates and band limits are static.
"""
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

# coarsest grid of a zero-padded spectrum before interpolation: 0.1/min
GRID_HZ = 0.1 / 60
# a residual below this fraction of the signal is rounding of float32
FLAT = 1e-6


def fft_length(n: int, rate_hz: float, grid_hz: float = GRID_HZ) -> int:
  """Smallest fast FFT length of at least `n` samples whose bins are at most `grid_hz` apart."""
  import scipy.fft  # takes long to import: only where it is used

  rounding = 1e-9
  bins = math.ceil(rate_hz / grid_hz - rounding)
  least = max(n, bins)
  return scipy.fft.next_fast_len(least, real=True)


def detrend(x_t: jax.Array) -> jax.Array:
  """Removes the least-squares line along the last axis of x_t [..., t]."""
  n = x_t.shape[-1]
  ramp_t = jnp.linspace(-1.0, 1.0, n)
  mean = x_t.mean(-1, keepdims=True)
  centred_t = x_t - mean
  product_t = centred_t * ramp_t
  product = product_t.sum(-1, keepdims=True)
  ramp_square_t = ramp_t ** 2
  slope = product / ramp_square_t.sum()
  return centred_t - slope * ramp_t


@functools.partial(
    jax.jit,
    static_argnames=("rate_hz", "n_fft"),
)
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

  hann_t = hann(n)
  detrended_t = detrend(jnp.asarray(x_t))
  tapered_t = detrended_t * hann_t.astype(np.float32)
  spectrum_f = jnp.fft.rfft(tapered_t, n_fft)

  hann_square_t = hann_t ** 2
  divisor = rate_hz * hann_square_t.sum()
  magnitude_f = jnp.abs(spectrum_f)
  power_f = _mirror_images(n_fft) * magnitude_f ** 2 / divisor
  frequency_hz_f = np.fft.rfftfreq(n_fft, 1 / rate_hz)
  return jnp.asarray(frequency_hz_f), power_f


def squared_magnitude(z: jax.Array) -> jax.Array:
  """|z|^2 of complex numbers, without a root."""
  return z.real**2 + z.imag**2


def hann(n: int) -> np.ndarray:
  """The periodic Hann window of n samples."""
  phase_t = 2 * np.pi * np.arange(n) / n
  return 0.5 - 0.5 * np.cos(phase_t)


def _mirror_images(n_fft: int) -> np.ndarray:
  """How often each bin of a one-sided spectrum stands in the two-sided one: [f].

  Twice; DC, and Nyquist of an even length, have no mirror image.
  """
  bins = n_fft // 2 + 1
  times_f = np.full(bins, 2.0, np.float32)
  times_f[0] = 1
  if n_fft % 2 == 0:
    times_f[-1] = 1
  return times_f


@functools.partial(
    jax.jit,
    static_argnames=("rate_hz", "low_hz", "high_hz", "n_fft"),
)
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

  band = _bins_between(low_hz, high_hz, rate_hz, n_fft)
  first = band[0]
  end = band[-1] + 1
  last = len(band) - 1   # counted from the first bin of the band, as top is

  _, power_f = power_spectrum(x_t, rate_hz, n_fft)
  band_power_f = power_f[..., first:end]
  top = jnp.argmax(band_power_f, -1)

  half_lobe = 2 * n_fft // n   # in bins
  off_the_edges = (top > 0) & (top < last)
  tops_its_lobe = _tops_its_lobe(power_f, first + top, half_lobe)
  is_peak = off_the_edges & tops_its_lobe
  inner_top = jnp.clip(top, 1, last - 1)
  shift = _parabola_shift(band_power_f, inner_top)

  flat = _is_flat(x_t)
  peak_bin = first + top + shift
  peak_hz = peak_bin * (rate_hz / n_fft)
  return jnp.where(is_peak & ~flat, peak_hz, jnp.nan)


def _bins_between(
    low_hz: float,
    high_hz: float,
    rate_hz: float,
    n_fft: int,
) -> np.ndarray:
  """The bins of a spectrum that lie in a band, at least three."""
  frequency_hz_f = np.fft.rfftfreq(n_fft, 1 / rate_hz)
  above = frequency_hz_f >= low_hz
  below = frequency_hz_f <= high_hz
  band = np.flatnonzero(above & below)
  if len(band) < 3:
    raise ValueError(f"no three bins between {low_hz} and {high_hz} Hz at {rate_hz} Hz")
  return band


def _is_flat(x_t: jax.Array) -> jax.Array:
  """Whether nothing but rounding is left of a signal without its line."""
  detrended_t = detrend(x_t)
  residual = jnp.abs(detrended_t).max(-1)
  largest = jnp.abs(x_t).max(-1)
  return residual <= FLAT * largest


def _tops_its_lobe(
    power_f: jax.Array,
    top: jax.Array,
    half_lobe: int,
) -> jax.Array:
  """Whether no bin within `half_lobe` bins of `top`, in the band or not, is larger."""
  last = power_f.shape[-1] - 1
  offset = np.arange(-half_lobe, half_lobe + 1)
  near = top[..., None] + offset
  near = jnp.clip(near, 0, last)
  power_near = jnp.take_along_axis(power_f, near, -1)
  power_top = power_near[..., half_lobe]
  return power_top >= power_near.max(-1)


def _parabola_shift(power_f: jax.Array, top: jax.Array) -> jax.Array:
  """Vertex of the parabola through the bins top-1, top, top+1, as an offset from `top` in bins."""
  top_1 = top[..., None]
  left = _at_bin(power_f, top_1 - 1)
  middle = _at_bin(power_f, top_1)
  right = _at_bin(power_f, top_1 + 1)
  slope = 0.5 * (left - right)
  curvature = left - 2 * middle + right
  return slope / curvature


def _at_bin(power_f: jax.Array, index_1: jax.Array) -> jax.Array:
  """The power [...] at one bin [..., 1] of each spectrum [..., f]."""
  power_1 = jnp.take_along_axis(
      power_f,
      index_1,
      axis=-1,
  )
  return power_1[..., 0]
