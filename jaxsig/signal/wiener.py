"""Multichannel Wiener filter of a mixture's spectrogram, in jnp.

Each source is a zero-mean Gaussian whose covariance at frame n and bin f is a power p_j(n, f) times
a spatial covariance R_j(f). Expectation and maximisation as in Nugraha, Liutkus & Vincent,
"Multichannel audio source separation with deep neural networks", IEEE/ACM TASLP 24, 2016, in the
simplified form of the SiSEC campaigns: one iteration sets

  p_j(n, f) = mean over channels of |y_j|^2
  R_j(f)    = sum over n of y_j y_j^H / (eps + sum over n of p_j)
  y_j       = p_j R_j (sum over i of p_i R_i + sqrt(eps) I)^-1 x

R is of a window of frames. sqrt(eps) stands beside powers of the mixture, so that what it does
depends on the scale of the spectrogram: by default both are divided by the mixture's root mean
square in the window, and a gain of the input is a gain of the output and no more.
"""
import functools

import jax
import jax.numpy as jnp

from jaxsig.signal.spectra import squared_magnitude

STARTS = ("mixture_phase", "ratio_mask")
SCALES = ("mean_power", "largest")


def ratio_mask(
    magnitude_j_c_n_f: jax.Array,
    mixture_c_n_f: jax.Array,
    exponent: float = 2.0,
) -> jax.Array:
  """Each source's share v^exponent of the sum over sources, times the mixture.

  With an exponent of 2 the Wiener filter of one channel; the control of the multichannel one.

  Args:
    magnitude_j_c_n_f: estimated magnitudes v of the sources, not negative.
    mixture_c_n_f: complex.
    exponent: above 0.

  Returns:
    [j, c, n, f] complex; they add up to the mixture but where all magnitudes are 0, which gives 0.
  """
  # Relative to the largest source first, no power under- or overflows.
  largest_c_n_f = magnitude_j_c_n_f.max(0)
  safe_largest_c_n_f = jnp.where(largest_c_n_f > 0, largest_c_n_f, 1)
  relative_j_c_n_f = magnitude_j_c_n_f / safe_largest_c_n_f
  power_j_c_n_f = relative_j_c_n_f**exponent
  sum_c_n_f = power_j_c_n_f.sum(0)
  safe_sum_c_n_f = jnp.where(sum_c_n_f > 0, sum_c_n_f, 1)
  return power_j_c_n_f / safe_sum_c_n_f * mixture_c_n_f


def mixture_phase(magnitude_j_c_n_f: jax.Array, mixture_c_n_f: jax.Array) -> jax.Array:
  """Estimated magnitudes [j, c, n, f] with the phase of the mixture; phase 0 where it is silent."""
  absolute_c_n_f = jnp.abs(mixture_c_n_f)
  heard_c_n_f = absolute_c_n_f > 0
  safe_absolute_c_n_f = jnp.where(heard_c_n_f, absolute_c_n_f, 1)
  unit_c_n_f = jnp.where(heard_c_n_f, mixture_c_n_f / safe_absolute_c_n_f, 1)
  return magnitude_j_c_n_f * unit_c_n_f


@functools.partial(
    jax.jit,
    static_argnames=("iterations", "frames", "start", "scale"),
)
def wiener(
    magnitude_j_c_n_f: jax.Array,
    mixture_c_n_f: jax.Array,
    *,
    iterations: int = 1,
    frames: int = 300,
    start: str = "mixture_phase",
    scale: str = "mean_power",
    eps: float = 1e-10,
) -> jax.Array:
  """Multichannel Wiener filter, window by window of frames, in constant working memory.

  Args:
    magnitude_j_c_n_f: estimated magnitudes of the sources, not negative.
    mixture_c_n_f: complex, of one channel or more.
    iterations: of expectation and maximisation, 0 to 3; 0 returns the start.
    frames: length of a window; windows follow each other, and the last may be shorter.
    start: "mixture_phase" (magnitudes with the mixture's phase) or "ratio_mask" (shares of the
      magnitudes times the mixture).
    scale: what the spectrograms of a window are divided by: "mean_power", the mixture's root mean
      square there; "largest", its largest magnitude over 10 where that is above 1 (as in norbert,
      whose results depend on the input's scale below that).
    eps: regularisation in the units of the scaled spectrogram's power; its root is added to
      covariances.

  Returns:
    [j, c, n, f] complex, in units of the mixture. With one iteration or more they add up to the
    mixture but for the regularisation.

  Raises:
    ValueError: an unknown start or scale, no frame in a window, or shapes that do not agree.
  """
  if start not in STARTS:
    raise ValueError(f"unknown start {start!r}: {' or '.join(STARTS)}")
  if scale not in SCALES:
    raise ValueError(f"unknown scale {scale!r}: {' or '.join(SCALES)}")
  if frames < 1 or iterations < 0:
    raise ValueError(f"windows of {frames} frames, {iterations} iterations")
  if magnitude_j_c_n_f.shape[1:] != mixture_c_n_f.shape:
    raise ValueError(
        f"magnitudes {magnitude_j_c_n_f.shape[1:]} and mixture {mixture_c_n_f.shape} differ")

  def filtered(first: jax.Array, length: int) -> jax.Array:
    magnitude_j_c_w_f = _cut(magnitude_j_c_n_f, first, length)
    mixture_c_w_f = _cut(mixture_c_n_f, first, length)
    return _filter_window(magnitude_j_c_w_f, mixture_c_w_f, iterations, start, scale, eps)

  def put_window(index: int, estimate_j_c_n_f: jax.Array) -> jax.Array:
    first = index * frames
    return _put(estimate_j_c_n_f, filtered(first, frames), first)

  estimate_j_c_n_f = jnp.zeros(magnitude_j_c_n_f.shape, mixture_c_n_f.dtype)
  whole_windows, rest = divmod(mixture_c_n_f.shape[-2], frames)
  if whole_windows:
    estimate_j_c_n_f = jax.lax.fori_loop(0, whole_windows, put_window, estimate_j_c_n_f)
  if rest:
    first = whole_windows * frames
    estimate_j_c_n_f = _put(estimate_j_c_n_f, filtered(first, rest), first)
  return estimate_j_c_n_f


def _cut(x_n_f: jax.Array, first: jax.Array, length: int) -> jax.Array:
  """Frames [first, first + length) of a spectrogram."""
  return jax.lax.dynamic_slice_in_dim(x_n_f, first, length, -2)


def _put(x_n_f: jax.Array, part_w_f: jax.Array, first: jax.Array) -> jax.Array:
  """The spectrogram with a part of its frames replaced."""
  return jax.lax.dynamic_update_slice_in_dim(x_n_f, part_w_f, first, -2)


def _filter_window(
    magnitude_j_c_n_f: jax.Array,
    mixture_c_n_f: jax.Array,
    iterations: int,
    start: str,
    scale: str,
    eps: jax.Array,
) -> jax.Array:
  """The estimates [j, c, n, f] of one window."""
  if start == "mixture_phase":
    estimate_j_c_n_f = mixture_phase(magnitude_j_c_n_f, mixture_c_n_f)
  else:
    estimate_j_c_n_f = ratio_mask(magnitude_j_c_n_f, mixture_c_n_f, exponent=1.0)
  if iterations == 0:
    return estimate_j_c_n_f

  unit = _unit(mixture_c_n_f, scale)
  scaled_c_n_f = mixture_c_n_f / unit

  def iterate(_: int, estimate_j_c_n_f: jax.Array) -> jax.Array:
    return _iterate(estimate_j_c_n_f, scaled_c_n_f, eps)

  estimate_j_c_n_f = jax.lax.fori_loop(0, iterations, iterate, estimate_j_c_n_f / unit)
  return estimate_j_c_n_f * unit


def _unit(mixture_c_n_f: jax.Array, scale: str) -> jax.Array:
  """The magnitude that counts as 1 in a window."""
  absolute_c_n_f = jnp.abs(mixture_c_n_f)
  largest = absolute_c_n_f.max()
  if scale == "largest":
    return jnp.maximum(1, largest / 10)

  safe_largest = jnp.where(largest > 0, largest, 1)
  relative_c_n_f = absolute_c_n_f / safe_largest   # squares of faint spectra underflow
  square = jnp.mean(relative_c_n_f**2)
  return jnp.where(largest > 0, safe_largest * jnp.sqrt(square), 1)


def _iterate(
    estimate_j_c_n_f: jax.Array,
    mixture_c_n_f: jax.Array,
    eps: jax.Array,
) -> jax.Array:
  """One iteration: powers and spatial covariances of the estimates, and the filter they give."""
  channels = len(mixture_c_n_f)
  floor = jnp.sqrt(eps)
  power_j_n_f = jnp.mean(squared_magnitude(estimate_j_c_n_f), 1)
  weight_j_f = eps + power_j_n_f.sum(1)

  spatial_j_f = {}   # by pair of channels: the lower triangle, its diagonal real
  covariance_n_f = {}
  for c in range(channels):
    for d in range(c + 1):
      spatial_j_f[c, d] = _product_sum(estimate_j_c_n_f, c, d) / weight_j_f
      weighted_j_n_f = power_j_n_f * spatial_j_f[c, d][:, None]
      covariance_n_f[c, d] = weighted_j_n_f.sum(0)
    covariance_n_f[c, c] = covariance_n_f[c, c] + floor

  solution_c_n_f = _solve(covariance_n_f, list(mixture_c_n_f), floor)

  filtered = []
  for c in range(channels):
    sum_j_n_f = 0
    for d in range(channels):
      if d <= c:
        element_j_f = spatial_j_f[c, d]
      else:
        element_j_f = jnp.conj(spatial_j_f[d, c])
      sum_j_n_f = sum_j_n_f + element_j_f[:, None] * solution_c_n_f[d]
    filtered.append(power_j_n_f * sum_j_n_f)
  return jnp.stack(filtered, 1)


def _product_sum(y_j_c_n_f: jax.Array, c: int, d: int) -> jax.Array:
  """Sum over frames [j, f] of one channel times the conjugate of another; real for the same."""
  if c == d:
    return squared_magnitude(y_j_c_n_f[:, c]).sum(1)
  product_j_n_f = y_j_c_n_f[:, c] * jnp.conj(y_j_c_n_f[:, d])
  return product_j_n_f.sum(1)


def _solve(
    matrix: dict[tuple[int, int], jax.Array],
    right: list[jax.Array],
    floor: jax.Array,
) -> list[jax.Array]:
  """Solves Hermitian systems by elimination, all frames and bins at once.

  The determinant of a mono mixture's two channels is a difference of nearly equal products, which
  float32 loses; elimination is stable for every positive definite matrix, and in two channels as
  short.

  Args:
    matrix: by (row, column) the lower triangle [n, f], its diagonal real, no eigenvalue below
      the floor.
    right: by row the right-hand side [n, f].
    floor: no pivot can be less, but by rounding.

  Returns:
    By row the solution [n, f].
  """
  size = len(right)
  matrix = dict(matrix)
  right = list(right)
  pivots = []
  for k in range(size):
    pivot = jnp.maximum(matrix[k, k], floor)
    pivots.append(pivot)
    for c in range(k + 1, size):
      factor = matrix[c, k] / pivot
      right[c] = right[c] - factor * right[k]
      for d in range(k + 1, c):
        matrix[c, d] = matrix[c, d] - factor * jnp.conj(matrix[d, k])
      matrix[c, c] = matrix[c, c] - squared_magnitude(matrix[c, k]) / pivot

  solution = [None] * size
  for c in reversed(range(size)):
    remaining = right[c]
    for d in range(c + 1, size):
      remaining = remaining - jnp.conj(matrix[d, c]) * solution[d]
    solution[c] = remaining / pivots[c]
  return solution
