"""Far-field diffraction: what a detector measures of an object, with which noise.

Also the symmetries: changes of an object that the measurement cannot tell apart. Everything is
batched over leading axes and can be jitted (sizes are static). An object x [..., n, n] lies at the
corner of an m x m grid of zeros. Spectra are unshifted, with the zero frequency (DC) at [0, 0] and
the kernel exp(-2 pi i k p / m). Frequencies k are signed, and the Nyquist bin of an even m is -m/2.
From m = 2n - 1 on, the intensity determines the whole autocorrelation of the object.
"""
import dataclasses
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError

# Expected counts above which a normal distribution replaces Poisson's: int32 ends at 2e9.
MANY = 1e6

Symmetry = Callable[[jax.Array, jax.Array], jax.Array]   # (key, x [..., n, n]) -> moved x


# --- spectra and intensities

def frequencies(m: int) -> np.ndarray:
  """Signed frequencies [m] in the order of the FFT."""
  ascending = np.arange(m) - m // 2
  return np.fft.ifftshift(ascending)


def ramp(shift_y: jax.Array, shift_x: jax.Array, m: int) -> jax.Array:
  """The factor [..., m, m] by which a shift of the object multiplies its spectrum.

  It is exp(-2 pi i (k_v shift_y + k_u shift_x) / m), with shifts [...] in pixels.
  """
  shift_y = jnp.asarray(shift_y)
  shift_x = jnp.asarray(shift_x)
  shift_y, shift_x = jnp.broadcast_arrays(shift_y, shift_x)

  along_v = _ramp_along_one_axis(shift_y, m)
  along_u = _ramp_along_one_axis(shift_x, m)
  return along_v[..., :, None] * along_u[..., None, :]


def _ramp_along_one_axis(shift: jax.Array, m: int) -> jax.Array:
  """exp(-2 pi i k shift / m) [..., m]."""
  # Reduced modulo m first, the product is exact for halves of pixels in float32 too.
  turns = frequencies(m) * shift[..., None]
  turns = turns % m
  return jnp.exp(-2j * math.pi / m * turns)


def spectrum(x_y_x: jax.Array, m: int) -> jax.Array:
  """Discrete Fourier transform [..., m, m] of the object x [..., n, n] padded by zeros.

  Raises:
    UserError: m < n.
  """
  n = max(x_y_x.shape[-2:])
  if n > m:
    raise UserError(
        f"a grid of {m} bins cuts an object of {n} pixels: take at least twice as many bins")
  return jnp.fft.fft2(x_y_x, s=(m, m))


def intensity(x_y_x: jax.Array, m: int) -> jax.Array:
  """What a detector measures: |spectrum|^2 [..., m, m]."""
  f_v_u = spectrum(x_y_x, m)
  return f_v_u.real ** 2 + f_v_u.imag ** 2


def residual(x_y_x: jax.Array, intensity_v_u: jax.Array) -> jax.Array:
  """Relative distance [...] of the Fourier magnitudes of an image from the measured ones.

  Args:
    x_y_x: [..., m, m], on the grid of the intensity.
    intensity_v_u: [..., m, m].
  """
  measured_v_u = jnp.sqrt(intensity_v_u)
  magnitude_v_u = jnp.abs(jnp.fft.fft2(x_y_x))

  distance = jnp.linalg.norm(magnitude_v_u - measured_v_u, axis=(-2, -1))
  norm = jnp.linalg.norm(measured_v_u, axis=(-2, -1))
  tiny = jnp.finfo(distance.dtype).tiny
  return distance / jnp.maximum(norm, tiny)


# --- noise and hidden bins

@jax.jit
def with_poisson(
    key: jax.Array,
    intensity_v_u: jax.Array,
    photons: float | jax.Array,
) -> jax.Array:
  """Photon counts of a detector, in the scale of the intensity given.

  Args:
    key: a random key.
    intensity_v_u: [..., m, m], not negative.
    photons: expected total over the grid of one image, a number or [...]; inf leaves the intensity
      as it is.

  Returns:
    [..., m, m]: its mean is the intensity, its variance intensity * sum(intensity) / photons.
  """
  total = intensity_v_u.sum((-2, -1), keepdims=True)
  photons = jnp.asarray(photons, intensity_v_u.dtype)
  photons = photons[..., None, None]

  is_lit = total > 0
  is_counted = jnp.isfinite(photons) & is_lit
  safe_total = jnp.where(is_lit, total, 1)
  photons_per_unit = jnp.where(is_counted, photons / safe_total, 1)
  expected = jnp.where(is_counted, intensity_v_u * photons_per_unit, 0)

  key_few, key_many = jax.random.split(key)
  few = jax.random.poisson(key_few, jnp.minimum(expected, MANY))
  few = few.astype(expected.dtype)
  normal = jax.random.normal(key_many, expected.shape, expected.dtype)
  many = expected + jnp.sqrt(expected) * normal
  counts = jnp.where(expected > MANY, many, few)

  return jnp.where(is_counted, counts / photons_per_unit, intensity_v_u)


@jax.jit
def with_gaussian(
    key: jax.Array,
    intensity_v_u: jax.Array,
    sd_relative: float | jax.Array,
) -> jax.Array:
  """The intensity [..., m, m] with normal read-out noise of the same variance in all bins.

  Values below zero are set to zero, as no intensity is negative: dark bins come out too bright, as
  they do in practice.

  Args:
    key: a random key.
    intensity_v_u: [..., m, m].
    sd_relative: standard deviation over the mean intensity of the image, a number or [...].
  """
  sd_relative = jnp.asarray(sd_relative, intensity_v_u.dtype)
  mean = intensity_v_u.mean((-2, -1), keepdims=True)
  sd = sd_relative[..., None, None] * mean

  noise_v_u = jax.random.normal(key, intensity_v_u.shape, intensity_v_u.dtype)
  return jnp.maximum(intensity_v_u + sd * noise_v_u, 0)


def regrid(intensity_v_u: jax.Array, m: int) -> jax.Array:
  """The intensity [..., m, m] of the same object on a finer or coarser grid.

  It goes through the autocorrelation and is exact where the object's side n fits both grids,
  2n - 1 <= m. Otherwise lags beyond the smaller grid are lost and negative values are set to zero.
  """
  old_m = intensity_v_u.shape[-1]
  reach = (min(m, old_m) - 1) // 2
  lags = np.arange(-reach, reach + 1)
  rows = lags[:, None]
  columns = lags[None]

  old_autocorrelation = jnp.fft.ifft2(intensity_v_u)
  shared = old_autocorrelation[..., rows % old_m, columns % old_m]

  lead = intensity_v_u.shape[:-2]
  zeros = jnp.zeros((*lead, m, m), shared.dtype)
  autocorrelation = zeros.at[..., rows % m, columns % m].set(shared)

  regridded = jnp.fft.fft2(autocorrelation).real
  return jnp.maximum(regridded, 0)


def filled(intensity_v_u: jax.Array, seen_v_u: jax.Array, reach_px: float = 3.0) -> jax.Array:
  """The intensity [..., m, m] with a guess in its hidden bins (seen 0).

  The guess is the mirror bin where that is seen, else the mean of the seen bins around, weighted by
  a Gaussian of standard deviation reach_px.
  """
  seen = jnp.broadcast_to(seen_v_u, intensity_v_u.shape) > 0
  mirror_seen = _mirror(seen)
  from_mirror = jnp.where(mirror_seen, _mirror(intensity_v_u), 0)
  known = jnp.where(seen, intensity_v_u, from_mirror)
  is_known = seen | mirror_seen

  m = intensity_v_u.shape[-1]
  k_u, k_v = np.meshgrid(frequencies(m), frequencies(m))
  distance_px = np.hypot(k_u, k_v)
  gaussian = jnp.exp(-0.5 * (distance_px / reach_px) ** 2)

  weighted_sum = _convolved(known, gaussian)
  weight = _convolved(is_known.astype(known.dtype), gaussian)
  around = weighted_sum / jnp.maximum(weight, 1e-6)
  around = jnp.maximum(around, 0)
  return jnp.where(is_known, known, around)


def _mirror(x_v_u: jax.Array) -> jax.Array:
  """The value at -k in every bin k."""
  reversed_v_u = x_v_u[..., ::-1, ::-1]
  return jnp.roll(reversed_v_u, (1, 1), (-2, -1))


def _convolved(x_v_u: jax.Array, kernel_v_u: jax.Array) -> jax.Array:
  """The cyclic convolution with a kernel about [0, 0], by FFT."""
  product = jnp.fft.fft2(x_v_u) * jnp.fft.fft2(kernel_v_u)
  return jnp.fft.ifft2(product).real


def beam_stop(m: int, radius_px: float) -> np.ndarray:
  """Mask [m, m] float32: 0 in bins that a beam stop hides, 1 in those that are measured.

  Hidden are the bins less than radius_px from DC.
  """
  k = frequencies(m)
  distance_px = np.hypot(k[:, None], k[None, :])
  is_measured = distance_px >= radius_px
  return is_measured.astype(np.float32)


# --- moving objects

def flip(x_y_x: jax.Array) -> jax.Array:
  """The object's twin: conj(x[..., n-1-i, n-1-j])."""
  return jnp.conj(x_y_x[..., ::-1, ::-1])


def box(x_y_x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
  """Bounding box (top, bottom, left, right) [...] of what is not zero, ends exclusive.

  It is the whole frame where nothing differs from zero.
  """
  used = x_y_x != 0
  top, bottom = _first_and_end(used.any(-1))
  left, right = _first_and_end(used.any(-2))
  return top, bottom, left, right


def _first_and_end(used: jax.Array) -> tuple[jax.Array, jax.Array]:
  """The first index and the one after the last [...] where used [..., k] is True."""
  size = used.shape[-1]
  first = jnp.argmax(used, -1)
  from_end = jnp.argmax(used[..., ::-1], -1)
  return first, size - from_end


@jax.jit
def roll(x_y_x: jax.Array, shift_y: jax.Array, shift_x: jax.Array) -> jax.Array:
  """x [..., h, w] moved cyclically, each image by its own whole number of pixels [...]."""
  shift_y = jnp.asarray(shift_y)
  shift_x = jnp.asarray(shift_x)
  h, w = x_y_x.shape[-2:]
  lead = jnp.broadcast_shapes(x_y_x.shape[:-2], shift_y.shape, shift_x.shape)

  rows = (np.arange(h) - shift_y[..., None]) % h
  columns = (np.arange(w) - shift_x[..., None]) % w
  rows = jnp.broadcast_to(rows[..., :, None], (*lead, h, 1))
  columns = jnp.broadcast_to(columns[..., None, :], (*lead, 1, w))

  x_y_x = jnp.broadcast_to(x_y_x, (*lead, h, w))
  x_y_x = jnp.take_along_axis(x_y_x, rows, -2)
  return jnp.take_along_axis(x_y_x, columns, -1)


@jax.jit
def random_shift(key: jax.Array, x_y_x: jax.Array) -> jax.Array:
  """Each image moved by a random whole number of pixels.

  The shift is uniform among those that keep the object's box inside the frame: nothing wraps
  around.
  """
  top, bottom, left, right = box(x_y_x)
  h, w = x_y_x.shape[-2:]

  key_y, key_x = jax.random.split(key)
  shift_y = jax.random.randint(key_y, top.shape, -top, h - bottom + 1)
  shift_x = jax.random.randint(key_x, left.shape, -left, w - right + 1)
  return roll(x_y_x, shift_y, shift_x)


def random_phase(key: jax.Array, x_y_x: jax.Array) -> jax.Array:
  """Each image times a random global phase.

  The phase is uniform on the circle for complex content, and +1 or -1 for real content.
  """
  shape = (*x_y_x.shape[:-2], 1, 1)
  if not jnp.iscomplexobj(x_y_x):
    sign = jax.random.rademacher(key, shape, x_y_x.dtype)
    return x_y_x * sign

  turns = jax.random.uniform(key, shape, x_y_x.real.dtype)
  return x_y_x * jnp.exp(2j * math.pi * turns)


def _always_flip(key: jax.Array, x_y_x: jax.Array) -> jax.Array:
  """`flip` as a symmetry."""
  del key
  return flip(x_y_x)


# --- the operator

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
      raise UserError(
          f"a grid of {self.m} bins cuts an object of {self.n} pixels: "
          f"take at least {2 * self.n - 1}")

  def __call__(self, x_y_x: jax.Array) -> jax.Array:
    """The intensity [..., m, m] of objects [..., n, n]."""
    return intensity(x_y_x, self.m)

  @property
  def oversampled(self) -> bool:
    """Whether the grid holds the whole autocorrelation.

    On a smaller grid several objects may share an intensity, which no solver can tell apart.
    """
    return self.m >= 2 * self.n - 1

  @property
  def symmetries(self) -> dict[str, Symmetry]:
    """Changes of an object that leave its intensity as it is, by name.

    Each is a function (key, x [..., n, n]) -> moved x. Together they generate the group.
    """
    return {
        "shift": random_shift,
        "flip": _always_flip,
        "phase": random_phase,
    }
