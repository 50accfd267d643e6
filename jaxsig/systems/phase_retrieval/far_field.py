"""Far-field diffraction: what a detector sees of an object, with which noise, and what it cannot tell apart.

Everything is batched over leading axes and jit-able (sizes are static). An object x [..., n, n] lies at the corner of an m x m
grid of zeros. Spectra are unshifted, DC at [0, 0], with the kernel exp(-2 pi i k p / m); frequencies k are signed, and the
Nyquist bin of an even m is -m/2. From m = 2n - 1 on, the intensity determines the whole autocorrelation of the object.
"""
import dataclasses
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError

MANY = 1e6   # expected counts above which a normal distribution stands for Poisson's: int32 ends at 2e9


def frequencies(m: int) -> np.ndarray:
  """Signed frequencies [m] in the order of the FFT."""
  return np.fft.ifftshift(np.arange(m) - m // 2)


def ramp(shift_y: jax.Array, shift_x: jax.Array, m: int) -> jax.Array:
  """exp(-2 pi i (k_v shift_y + k_u shift_x) / m) [..., m, m]: a spectrum times this is that of the object moved by the shift.

  Shifts [...] in pixels. The product k shift is reduced modulo m first, which is exact for halves of pixels in float32 too.
  """
  turn = lambda shift: jnp.exp(-2j * math.pi / m * ((frequencies(m) * shift[..., None]) % m))
  y, x = jnp.broadcast_arrays(*map(jnp.asarray, (shift_y, shift_x)))
  return turn(y)[..., :, None] * turn(x)[..., None, :]


def spectrum(x_y_x: jax.Array, m: int) -> jax.Array:
  """Discrete Fourier transform [..., m, m] of the object x [..., n, n] padded by zeros.

  Raises:
    UserError: m < n.
  """
  if max(x_y_x.shape[-2:]) > m:
    raise UserError(f"a grid of {m} bins cuts an object of {max(x_y_x.shape[-2:])} pixels: take at least twice as many bins")
  return jnp.fft.fft2(x_y_x, s=(m, m))


def intensity(x_y_x: jax.Array, m: int) -> jax.Array:
  """|spectrum|^2 [..., m, m], what a detector measures."""
  f_v_u = spectrum(x_y_x, m)
  return f_v_u.real ** 2 + f_v_u.imag ** 2


@jax.jit
def with_poisson(key: jax.Array, intensity_v_u: jax.Array, photons: float | jax.Array) -> jax.Array:
  """Counts of a detector that expects `photons` over the grid of one image, in the scale of the intensity given.

  Args:
    key: a random key.
    intensity_v_u: [..., m, m], not negative.
    photons: expected total, a number or [...]; inf leaves the intensity as it is.

  Returns:
    [..., m, m]: its mean is the intensity, its variance intensity * sum(intensity) / photons.
  """
  total = intensity_v_u.sum((-2, -1), keepdims=True)
  photons = jnp.asarray(photons, intensity_v_u.dtype)[..., None, None]
  counted = jnp.isfinite(photons) & (total > 0)
  per_unit = jnp.where(counted, photons / jnp.where(total > 0, total, 1), 1)
  expected = jnp.where(counted, intensity_v_u * per_unit, 0)
  key_few, key_many = jax.random.split(key)
  few = jax.random.poisson(key_few, jnp.minimum(expected, MANY)).astype(expected.dtype)
  many = expected + jnp.sqrt(expected) * jax.random.normal(key_many, expected.shape, expected.dtype)
  return jnp.where(counted, jnp.where(expected > MANY, many, few) / per_unit, intensity_v_u)


@jax.jit
def with_gaussian(key: jax.Array, intensity_v_u: jax.Array, sd_relative: float | jax.Array) -> jax.Array:
  """Read-out noise: normal, the same in all bins, sd = sd_relative (a number or [...]) times the image's mean intensity.

  What falls below zero is set to zero, as no intensity is negative: dark bins come out too bright, as they do in practice.
  """
  sd = jnp.asarray(sd_relative, intensity_v_u.dtype)[..., None, None] * intensity_v_u.mean((-2, -1), keepdims=True)
  noise_v_u = jax.random.normal(key, intensity_v_u.shape, intensity_v_u.dtype)
  return jnp.maximum(intensity_v_u + sd * noise_v_u, 0)


def residual(x_y_x: jax.Array, intensity_v_u: jax.Array) -> jax.Array:
  """Relative distance [...] of the magnitudes of x [..., m, m], on the grid of the intensity, from the measured ones."""
  magnitude_v_u = jnp.sqrt(intensity_v_u)
  distance = jnp.linalg.norm(jnp.abs(jnp.fft.fft2(x_y_x)) - magnitude_v_u, axis=(-2, -1))
  return distance / jnp.maximum(jnp.linalg.norm(magnitude_v_u, axis=(-2, -1)), jnp.finfo(distance.dtype).tiny)


def regrid(intensity_v_u: jax.Array, m: int) -> jax.Array:
  """The intensity [..., m, m] of the same object on a finer or coarser grid, through its autocorrelation.

  Exact where the object's side n fits both grids, 2n - 1 <= m; lags beyond the smaller grid are lost, which rounds negative
  values up to zero.
  """
  old = intensity_v_u.shape[-1]
  reach = (min(m, old) - 1) // 2
  lags = np.arange(-reach, reach + 1)
  autocorrelation = jnp.fft.ifft2(intensity_v_u)[..., lags[:, None] % old, lags[None] % old]
  zeros = jnp.zeros((*intensity_v_u.shape[:-2], m, m), autocorrelation.dtype)
  return jnp.maximum(jnp.fft.fft2(zeros.at[..., lags[:, None] % m, lags[None] % m].set(autocorrelation)).real, 0)


def filled(intensity_v_u: jax.Array, seen_v_u: jax.Array, reach_px: float = 3.0) -> jax.Array:
  """Hidden bins (seen 0) [..., m, m] guessed: the mirror bin where that is seen, else the mean of what is seen around, by a Gaussian."""
  mirror = lambda x: jnp.roll(x[..., ::-1, ::-1], (1, 1), (-2, -1))
  seen = jnp.broadcast_to(seen_v_u, intensity_v_u.shape) > 0
  known = jnp.where(seen, intensity_v_u, jnp.where(mirror(seen), mirror(intensity_v_u), 0))
  seen = seen | mirror(seen)
  m = intensity_v_u.shape[-1]
  near = jnp.exp(-0.5 * (np.hypot(*np.meshgrid(frequencies(m), frequencies(m))) / reach_px) ** 2)
  blur = lambda x: jnp.fft.ifft2(jnp.fft.fft2(x) * jnp.fft.fft2(near)).real
  around = blur(known) / jnp.maximum(blur(seen.astype(known.dtype)), 1e-6)
  return jnp.where(seen, known, jnp.maximum(around, 0))


def beam_stop(m: int, radius_px: float) -> np.ndarray:
  """Mask [m, m] float32: 0 in bins less than radius_px from DC, which the stop hides, and 1 in those that are measured."""
  k = frequencies(m)
  return (np.hypot(k[:, None], k[None, :]) >= radius_px).astype(np.float32)


def flip(x_y_x: jax.Array) -> jax.Array:
  """conj(x[..., n-1-i, n-1-j]), the object's twin."""
  return jnp.conj(x_y_x[..., ::-1, ::-1])


def box(x_y_x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
  """(top, bottom, left, right) [...] of what is not zero, ends exclusive; the whole frame where nothing is."""
  bounds = []
  for other in (-1, -2):
    used = (x_y_x != 0).any(other)
    bounds += [jnp.argmax(used, -1), used.shape[-1] - jnp.argmax(used[..., ::-1], -1)]
  return tuple(bounds)


@jax.jit
def roll(x_y_x: jax.Array, shift_y: jax.Array, shift_x: jax.Array) -> jax.Array:
  """x [..., h, w] moved cyclically, each image by its own whole number of pixels [...]."""
  shift_y, shift_x = map(jnp.asarray, (shift_y, shift_x))
  lead = jnp.broadcast_shapes(x_y_x.shape[:-2], shift_y.shape, shift_x.shape)
  rows, columns = ((np.arange(size) - shift[..., None]) % size for size, shift in zip(x_y_x.shape[-2:], (shift_y, shift_x)))
  take = lambda x, index, axis: jnp.take_along_axis(x, jnp.broadcast_to(index, (*lead, *index.shape[-2:])), axis)
  x_y_x = take(jnp.broadcast_to(x_y_x, (*lead, *x_y_x.shape[-2:])), rows[..., :, None], -2)
  return take(x_y_x, columns[..., None, :], -1)


@jax.jit
def random_shift(key: jax.Array, x_y_x: jax.Array) -> jax.Array:
  """Each image moved by whole pixels, uniformly among those that keep its box inside the frame: nothing wraps around."""
  top, bottom, left, right = box(x_y_x)
  h, w = x_y_x.shape[-2:]
  key_y, key_x = jax.random.split(key)
  shift_y = jax.random.randint(key_y, top.shape, -top, h - bottom + 1)
  return roll(x_y_x, shift_y, jax.random.randint(key_x, left.shape, -left, w - right + 1))


def random_phase(key: jax.Array, x_y_x: jax.Array) -> jax.Array:
  """Each image times a global phase, uniform on the circle for complex content and one of +1, -1 for real."""
  shape = (*x_y_x.shape[:-2], 1, 1)
  if not jnp.iscomplexobj(x_y_x):
    return x_y_x * jax.random.rademacher(key, shape, x_y_x.dtype)
  return x_y_x * jnp.exp(2j * math.pi * jax.random.uniform(key, shape, x_y_x.real.dtype))


@dataclasses.dataclass(frozen=True)
class FarField:
  """Intensity of n x n objects, real or complex, on an m x m grid.

  Raises:
    UserError: m < n.
  """
  n: int
  m: int
  real: bool

  def __post_init__(self):
    if self.m < self.n:
      raise UserError(f"a grid of {self.m} bins cuts an object of {self.n} pixels: take at least {2 * self.n - 1}")

  def __call__(self, x_y_x: jax.Array) -> jax.Array:
    """[..., n, n] -> [..., m, m]."""
    return intensity(x_y_x, self.m)

  @property
  def oversampled(self) -> bool:
    """Whether the grid holds the whole autocorrelation; below, even the best solver may face more objects than one."""
    return self.m >= 2 * self.n - 1

  @property
  def symmetries(self) -> dict[str, Callable[[jax.Array, jax.Array], jax.Array]]:
    """{name: (key, x [..., n, n]) -> moved x}, each leaving the intensity as it is; together they generate the group."""
    return {"shift": random_shift, "flip": lambda key, x_y_x: flip(x_y_x), "phase": random_phase}
