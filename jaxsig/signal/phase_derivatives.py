"""Phase differences of a spectrogram in time and in frequency, in jnp.

Muth, Uhlich, Perraudin, Kemp, Cardinaux & Mitsufuji, "Improving DNN-based music source separation
using phase features", 2018 (arXiv 1807.02710): the difference from frame to frame, less the advance
of a cosine in the middle of its bin over one hop, and the difference from bin to bin, less the pi
that a signal in the middle of its frame has. Both are 0 for such a signal, wrapped to (-pi, pi],
blind to gain and polarity, and move by one frame where the signal moves by one hop.

With the phase referred to the first sample of the frame (NumPy, SciPy's stft, librosa, PyTorch,
`jaxsig.signal.stft`) the advance of bin k is +2 pi k hop / n_fft. Other transforms conjugate or
centre the phase: `measure_shifts` takes the shifts from a tone through the very transform in use.
The first frame and the first bin, which have no neighbour, are 0.
"""
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.signal.spectra import hann, squared_magnitude

Transform = Callable[[np.ndarray], np.ndarray]   # x_t [t] real -> [n, f] complex


class Shifts(NamedTuple):
  """What the phase of a centred tone does by itself under a transform.

  time_f: [f] radians from frame to frame, of a tone in the middle of bin f.
  frequency: radians from bin to bin, of a signal in the middle of its frame.
  """
  time_f: np.ndarray
  frequency: float


# Where the raw differences are wanted.
NO_SHIFTS = Shifts(np.zeros(1), 0.0)


def shifts(n_fft: int, hop: int) -> Shifts:
  """The shifts of `jaxsig.signal.stft` and all whose phase refers to the start of the frame."""
  return _shifts_by_turns(n_fft, hop, 1, n_fft // 2)


def _shifts_by_turns(n_fft: int, hop: int, sign: int, bin_turn: int) -> Shifts:
  """Shifts of sign k hop / n_fft turns in time and bin_turn / n_fft turns in frequency."""
  bins = np.arange(n_fft // 2 + 1)
  # Modulo n_fft in integers: k hop / n_fft turns in float32 err by 2e-4 rad.
  turn_f = (sign * bins * hop) % n_fft
  time_f = 2 * np.pi * turn_f / n_fft
  frequency = 2 * np.pi * (bin_turn % n_fft) / n_fft
  return Shifts(time_f, frequency)


def measure_shifts(
    transform: Transform,
    n_fft: int,
    hop: int,
    tolerance: float = 1e-6,
) -> Shifts:
  """The shifts of any transform, from tones in the middle of bins; exact, no measured noise.

  One tone tells the sign of the advance and the sample of the frame that phases refer to. Four
  more, at the four residues of the bin modulo 4, must then have corrected differences of 0.

  Args:
    transform: x_t [t] -> [n, f], f = n_fft / 2 + 1 bins under a symmetric window (a Hann window of
      n_fft samples, say).
    n_fft: samples of a frame.
    hop: samples from frame to frame.
    tolerance: the largest residual in radians. In float32 1e-6 is met to spare; a symmetric
      instead of a periodic window leaves pi / n_fft in frequency.

  Raises:
    ValueError: no sign fits (another hop; a phase that refers to the start of the signal), or a
      tone's corrected difference is above the tolerance.
  """
  probe = 2 * (n_fft // 16) + 1
  step, bin_step = _tone_steps(transform, n_fft, hop, probe)
  turn = round(step * n_fft / (2 * np.pi))
  bin_turn = round(bin_step * n_fft / (2 * np.pi))

  signs = []
  for sign in (1, -1):
    if (turn - sign * probe * hop) % n_fft == 0:
      signs.append(sign)
  if not signs:
    raise ValueError(f"a tone of bin {probe} advances by {step:.6f} rad over a hop of {hop}")

  found = _shifts_by_turns(n_fft, hop, signs[0], bin_turn)
  for k in range(probe + 1, probe + 5):
    step, bin_step = _tone_steps(transform, n_fft, hop, k)
    in_time = abs(_wrapped(step - found.time_f[k]))
    in_frequency = abs(_wrapped(bin_step - found.frequency))
    residual = max(in_time, in_frequency)
    if not residual <= tolerance:
      raise ValueError(f"a tone of bin {k} is left with {residual:.2g} rad, over {tolerance:g}")
  return found


def _tone_steps(
    transform: Transform,
    n_fft: int,
    hop: int,
    k: int,
) -> tuple[float, float]:
  """Radians from frame to frame, and from bin k to bin k + 1, of a cosine of bin k."""
  samples = 5 * n_fft   # frames in the middle are free of any padding
  turn_t = (k * np.arange(samples)) % n_fft
  tone_t = np.cos(2 * np.pi * turn_t / n_fft + 0.3)
  stft_n_f = np.asarray(transform(tone_t))
  n = stft_n_f.shape[0] // 2
  step = np.angle(stft_n_f[n, k] * np.conj(stft_n_f[n - 1, k]))
  bin_step = np.angle(stft_n_f[n, k + 1] * np.conj(stft_n_f[n, k]))
  return float(step), float(bin_step)


def _wrapped(angle: float) -> float:
  """The angle within [-pi, pi)."""
  return (angle + np.pi) % (2 * np.pi) - np.pi


# --- products of neighbours: their angle is the difference


def time_product(stft_n_f: jax.Array, shift: Shifts) -> jax.Array:
  """X[n] conj X[n-1] exp(-i shift) [..., n, f] of each frame and the one before; 0 in the first."""
  here_n_f = stft_n_f[..., 1:, :]
  before_n_f = stft_n_f[..., :-1, :]
  back_f = np.exp(-1j * shift.time_f).astype(stft_n_f.dtype)
  product_n_f = here_n_f * jnp.conj(before_n_f) * back_f
  first_n_f = jnp.zeros_like(stft_n_f[..., :1, :])
  return jnp.concatenate([first_n_f, product_n_f], -2)


def frequency_product(stft_n_f: jax.Array, shift: Shifts) -> jax.Array:
  """X[f] conj X[f-1] exp(-i shift) [..., n, f] of each bin and the one below; 0 in the lowest."""
  here_n_f = stft_n_f[..., 1:]
  below_n_f = stft_n_f[..., :-1]
  back = np.exp(-1j * shift.frequency).astype(stft_n_f.dtype)
  product_n_f = here_n_f * jnp.conj(below_n_f) * back
  first_n_f = jnp.zeros_like(stft_n_f[..., :1])
  return jnp.concatenate([first_n_f, product_n_f], -1)


# --- forms of the differences


def angle(product_n_f: jax.Array) -> jax.Array:
  """The angle in (-pi, pi] of complex numbers; 0, with a gradient of 0, at 0."""
  heard_n_f = _heard(product_n_f)
  safe_n_f = jnp.where(heard_n_f, product_n_f, 1)
  return jnp.angle(safe_n_f)


def time_difference(stft_n_f: jax.Array, shift: Shifts) -> jax.Array:
  """Wrapped phase difference [..., n, f] from frame to frame, less its shift.

  Args:
    stft_n_f: [..., n, f].
    shift: of the transform; NO_SHIFTS for the raw difference.
  """
  product_n_f = time_product(stft_n_f, shift)
  return angle(product_n_f)


def frequency_difference(stft_n_f: jax.Array, shift: Shifts) -> jax.Array:
  """Wrapped phase difference [..., n, f] from bin to bin, less its shift.

  Arguments are as in `time_difference`.
  """
  product_n_f = frequency_product(stft_n_f, shift)
  return angle(product_n_f)


def gate(product_n_f: jax.Array, floor: float) -> jax.Array:
  """Weights [..., n, f] of differences by amplitude: 0 in silence, 1/2 at the floor, to 1.

  |z| / (|z| + floor^2) of a product z of neighbours, so that the floor is an amplitude of the
  spectrogram. The phase of what is quieter is noise.

  Args:
    product_n_f: of `time_product` or `frequency_product`.
    floor: in units of the spectrogram; with 0 only silence is gated.
  """
  magnitude_n_f = _magnitude(product_n_f)
  heard_n_f = _heard(product_n_f)
  sum_n_f = jnp.where(heard_n_f, magnitude_n_f + floor**2, 1)
  return magnitude_n_f / sum_n_f


def cosine_and_sine(product_n_f: jax.Array, floor: float = 0.0) -> jax.Array:
  """Cosine and sine [2, ..., n, f] of differences, times their `gate`: no jump at +-pi."""
  magnitude_n_f = _magnitude(product_n_f)
  heard_n_f = _heard(product_n_f)
  sum_n_f = jnp.where(heard_n_f, magnitude_n_f + floor**2, 1)
  heard_product_n_f = jnp.where(heard_n_f, product_n_f, 0)
  unit_n_f = heard_product_n_f / sum_n_f
  return jnp.stack([unit_n_f.real, unit_n_f.imag])


def _heard(z: jax.Array) -> jax.Array:
  """Where the gradient of an angle is a number: |z|^2 does not underflow."""
  power = squared_magnitude(z)
  return power > jnp.finfo(power.dtype).tiny


def _magnitude(z: jax.Array) -> jax.Array:
  """|z|, with a gradient of 0 where it is not heard."""
  safe = jnp.where(_heard(z), z, 1)
  magnitude = jnp.sqrt(squared_magnitude(safe))
  return jnp.where(_heard(z), magnitude, 0)


# --- noise as a check of a transform and its shifts


class NoiseCheck(NamedTuple):
  """Resultant lengths of corrected differences on white noise, measured and expected.

  A wrong sign of the advance in time gives about 0; a wrong shift in frequency leaves the
  resultant length as it is and turns the mean direction (radians, expected 0).
  """
  time: float
  time_expected: float
  time_mean: float
  frequency: float
  frequency_expected: float
  frequency_mean: float


def noise_check(
    transform: Transform,
    n_fft: int,
    hop: int,
    shift: Shifts,
    window_t: np.ndarray | None = None,
    frames: int = 200,
    seed: int = 0,
) -> NoiseCheck:
  """Resultant lengths of a transform's corrected differences on white noise.

  Args:
    transform: x_t [t] -> [n, f].
    n_fft: samples of a frame.
    hop: samples from frame to frame.
    shift: of the transform, as assumed or as measured.
    window_t: [n_fft], the transform's window; Hann by default.
    frames: how many hops of noise.
    seed: of the noise.
  """
  if window_t is None:
    window_t = hann(n_fft)
  samples = n_fft + (frames - 1) * hop
  noise_t = np.random.default_rng(seed).standard_normal(samples)
  stft_n_f = np.asarray(transform(noise_t))

  time_n_f = np.asarray(time_difference(stft_n_f, shift))
  frequency_n_f = np.asarray(frequency_difference(stft_n_f, shift))
  margin = n_fft // hop   # frames that padding may touch
  inner = np.s_[margin:-margin, 3:-3]   # DC and Nyquist are real
  time = resultant(time_n_f[inner])
  frequency = resultant(frequency_n_f[inner])
  return NoiseCheck(
      time=abs(time),
      time_expected=time_resultant_of_noise(window_t, hop),
      time_mean=float(np.angle(time)),
      frequency=abs(frequency),
      frequency_expected=frequency_resultant_of_noise(window_t),
      frequency_mean=float(np.angle(frequency)),
  )


def resultant(angles: np.ndarray) -> complex:
  """The mean of unit vectors: its length is 1 for equal angles and 0 for uniform ones."""
  unit = np.exp(1j * np.asarray(angles, np.float64))
  return complex(unit.mean())


def time_resultant_of_noise(window_t: np.ndarray, hop: int) -> float:
  """Resultant length of corrected differences in time on white noise, by the window's overlap."""
  product_t = window_t[hop:] * window_t[:-hop]
  square_t = window_t**2
  return _resultant_of_correlated(product_t.sum() / square_t.sum())


def frequency_resultant_of_noise(window_t: np.ndarray) -> float:
  """Resultant length of differences in frequency on white noise: neighbouring bins correlate."""
  n_fft = len(window_t)
  square_t = window_t**2
  turn_t = np.exp(2j * np.pi * np.arange(n_fft) / n_fft)
  product = (square_t * turn_t).sum()
  return _resultant_of_correlated(abs(product) / square_t.sum())


def _resultant_of_correlated(rho: float) -> float:
  """Resultant length of the phase difference of two circular normal variables.

  (pi / 4) rho 2F1(1/2, 1/2; 2; rho^2) for a correlation of magnitude rho.
  """
  import scipy.special  # takes long to import: only where it is used

  series = scipy.special.hyp2f1(0.5, 0.5, 2, rho**2)
  return float(np.pi / 4 * rho * series)
