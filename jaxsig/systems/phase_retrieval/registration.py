"""Comparison of a reconstruction with the truth up to shift, conjugate flip, phase and scale.

These are what an intensity leaves open. For a patch B of the reconstruction and the truth A, the
best factor leaves min_s |A - s B|^2 = |A|^2 - |<A, B>|^2 / |B|^2. Equation A.6 of Tayal et al.
(2020) prints another form, which is no minimum. All <A, B> come from one product of spectra; those
with the flipped truth are a convolution, from the same two transforms. The error at the best place
is then computed from the pixels themselves: in float32 the difference above would leave 1e-5 of a
perfect reconstruction, this leaves about 1e-12.

Everything is batched over leading axes, which broadcast, and can be jitted. Places are found by
argmax, so gradients are those at the place found.
"""
import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval.far_field import flip, frequencies, ramp, roll

# A patch with less than eps ** FAINT of the whole energy is left out: its correlation is rounding.
FAINT = 0.75


class Aligned(NamedTuple):
  """An image x laid onto a reference.

  image = scale * B, with B the n x n patch of x that begins at the shift, flipped if `flipped`.
  Shifts say how many pixels the reference lies below (y) or to the right (x) of the corner of x;
  they are in [-m/2, m/2), and whole unless subpixel > 1.
  """
  image: jax.Array     # [..., n, n]
  error: jax.Array     # [...] |reference - image|^2 / |reference|^2
  flipped: jax.Array   # [...] bool
  shift_y: jax.Array   # [...] pixels
  shift_x: jax.Array   # [...] pixels
  scale: jax.Array     # [...] modulus and phase (or sign); complex where x or the reference is


class Place(NamedTuple):
  """Where a patch begins in an image, and whether it is the reference's twin."""
  flipped: jax.Array   # [...] bool
  y: jax.Array         # [...] row
  x: jax.Array         # [...] column


@functools.partial(jax.jit, static_argnames="subpixel")
def align(x_y_x: jax.Array, reference_y_x: jax.Array, subpixel: int = 1) -> Aligned:
  """The shift, flip, phase and scale of x with the least squared difference to the reference.

  Exact for whole pixels. x is periodic, as the grid of an intensity is: pad with zeros where
  nothing may wrap around. Sub-pixel shifts follow Guizar-Sicairos et al. (Opt. Lett. 33(2), 2008):
  the correlation's peak on a grid finer by `subpixel`, one pixel around the best whole shift, by a
  matrix product. The better of the two is returned.

  Args:
    x_y_x: [..., m, m], m >= n, real or complex.
    reference_y_x: [..., n, n].
    subpixel: steps per pixel.

  Raises:
    UserError: x is smaller than the reference, or one of them is not square.
  """
  x_y_x, reference_y_x = _checked_pair(x_y_x, reference_y_x)
  n = reference_y_x.shape[-1]
  m = x_y_x.shape[-1]

  gains = _gains(x_y_x, reference_y_x, np.arange(m))
  place = _best_place(gains)
  patch_y_x = _patch(x_y_x, place, n)
  whole = _fitted(patch_y_x, reference_y_x, place)
  if subpixel == 1:
    return _with_signed_shifts(whole, m)

  place = _refined(x_y_x, reference_y_x, place, subpixel)
  moved_y_x = _moved_by_fraction(x_y_x, -place.y, -place.x)
  fine = _fitted(moved_y_x[..., :n, :n], reference_y_x, place)
  better = _better_of(fine, whole)
  return _with_signed_shifts(better, m)


@functools.partial(jax.jit, static_argnames="normalise")
def symmetric_error(
    recon_y_x: jax.Array,
    truth_y_x: jax.Array,
    normalise: bool = True,
) -> jax.Array:
  """Least squared error over shifts, flip, phase and scale.

  As in Tayal et al. (2020), appendix A.2, with A.6 corrected. Every n x n patch inside the
  reconstruction may be the object, as it is and flipped. What lies outside the patch costs nothing,
  and a copy that wraps around the grid is not seen. A patch with next to no energy (FAINT) is left
  out, which only matters beside something 1e3 times brighter in float32, 1e6 in float64.

  Args:
    recon_y_x: [..., m, m], m >= n.
    truth_y_x: [..., n, n].
    normalise: divide by |truth|^2. The paper's figures are read as means of this over images.

  Returns:
    [...]; within [0, 1] if normalised. Zero for a truth of zeros.

  Raises:
    UserError: the reconstruction is smaller than the truth, or one of them is not square.
  """
  recon_y_x, truth_y_x = _checked_pair(recon_y_x, truth_y_x)
  n = truth_y_x.shape[-1]
  m = recon_y_x.shape[-1]

  gains = _gains(recon_y_x, truth_y_x, np.arange(m - n + 1))
  place = _best_place(gains)
  patch_y_x = _patch(recon_y_x, place, n)
  error = _fitted(patch_y_x, truth_y_x, place).error
  if normalise:
    return error
  return error * _energy(truth_y_x)


@jax.jit
def strict_error(recon_y_x: jax.Array, truth_y_x: jax.Array) -> jax.Array:
  """Squared error relative to |truth|^2 over cyclic shifts, flip and phase alone.

  The phase is a sign where both are real. Scale counts, and so does everything that the
  reconstruction has anywhere on its grid: the error is zero only for a member of the orbit.
  Arguments and errors as in `symmetric_error`.

  Returns:
    [...], not bounded; for a truth of zeros 0 or inf.
  """
  recon_y_x, truth_y_x = _checked_pair(recon_y_x, truth_y_x)
  n = truth_y_x.shape[-1]
  m = recon_y_x.shape[-1]

  correlations = _correlations(recon_y_x, truth_y_x)
  place = _best_place(jnp.abs(correlations))
  moved_y_x = roll(recon_y_x, -place.y, -place.x)

  patch_y_x = _flipped_where(place.flipped, moved_y_x[..., :n, :n])
  product = (jnp.conj(patch_y_x) * truth_y_x).sum((-2, -1), keepdims=True)
  phase = _divided(product, jnp.abs(product), otherwise=1)
  patch_y_x = patch_y_x * phase

  in_frame = np.pad(np.ones((n, n), bool), (0, m - n))
  error_inside = _energy(truth_y_x - patch_y_x)
  error_outside = _energy(jnp.where(in_frame, 0, moved_y_x))
  error = error_inside + error_outside

  without_truth = jnp.where(error > 0, jnp.inf, 0)
  return _divided(error, _energy(truth_y_x), without_truth)


# --- arguments

def _checked_pair(x_y_x: jax.Array, reference_y_x: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Both images in one floating or complex type.

  A value that is not finite, wherever it is, spoils the whole image, as it has no place.
  """
  h, w = np.shape(x_y_x)[-2:]
  n, n_x = np.shape(reference_y_x)[-2:]
  if h != w or n != n_x or h < n:
    raise UserError(
        f"cannot lay an image of {h} x {w} onto one of {n} x {n_x}: "
        "both must be square, the first not smaller; pad it")

  dtype = jnp.result_type(x_y_x, reference_y_x, jnp.bfloat16)
  if jnp.finfo(dtype).bits < 32:
    dtype = jnp.float32   # there are no transforms in half precision
  x_y_x = jnp.asarray(x_y_x, dtype)
  reference_y_x = jnp.asarray(reference_y_x, dtype)

  zero_or_nan = 0 * x_y_x.sum((-2, -1), keepdims=True)
  return x_y_x + zero_or_nan, reference_y_x


# --- the best whole place

def _correlations(x_y_x: jax.Array, reference_y_x: jax.Array) -> jax.Array:
  """Correlations of x with the reference and with its flip, [..., 2, m, m].

  sum_p x(p + t) conj(a(p)) for all cyclic shifts t, of a = reference and of a = its flip. The
  second is sum_p x(p + t) reference(n-1-p): the convolution of the two at t + n - 1.
  """
  n = reference_y_x.shape[-1]
  m = x_y_x.shape[-1]
  if jnp.iscomplexobj(x_y_x):
    forward = jnp.fft.fft2
    backward = jnp.fft.ifft2
  else:
    forward = jnp.fft.rfft2
    backward = jnp.fft.irfft2

  f_v_u = forward(x_y_x)
  g_v_u = forward(reference_y_x, s=(m, m))
  correlation = backward(f_v_u * jnp.conj(g_v_u), s=(m, m))
  convolution = backward(f_v_u * g_v_u, s=(m, m))
  with_flip = jnp.roll(convolution, (1 - n, 1 - n), (-2, -1))
  return jnp.stack([correlation, with_flip], -3)


def _gains(x_y_x: jax.Array, reference_y_x: jax.Array, places: np.ndarray) -> jax.Array:
  """How much of the reference's energy each patch explains, [..., 2, k, k].

  That is |<a, B>|^2 / |B|^2 for the patches B that begin at `places` [k], of a = reference and of
  a = its flip.
  """
  n = reference_y_x.shape[-1]
  m = x_y_x.shape[-1]

  # The energies of patches are sums of squares alone, so that nothing cancels.
  offset_k_m = (np.arange(m) - places[:, None]) % m
  in_patch_k_m = (offset_k_m < n).astype(x_y_x.real.dtype)
  power_y_x = x_y_x.real ** 2 + x_y_x.imag ** 2
  energy = jnp.einsum(
      "ki,...ij,lj->...kl",
      in_patch_k_m,
      power_y_x,
      in_patch_k_m,
      precision="highest",
  )

  floor = jnp.finfo(x_y_x.dtype).eps ** FAINT * _energy(x_y_x)
  is_enough = energy > floor[..., None, None]
  is_enough = is_enough[..., None, :, :]
  energy = energy[..., None, :, :]
  safe_energy = jnp.where(is_enough, energy, 1)

  count = len(places)
  product = _correlations(x_y_x, reference_y_x)
  product = product[..., :count, :count]
  power = product.real ** 2 + product.imag ** 2
  return jnp.where(is_enough, power / safe_energy, 0)


def _best_place(score: jax.Array) -> Place:
  """The place [...] of the largest entry of a score [..., 2, k, k]."""
  orientation, y, x = _first_maximum(score, 3)
  return Place(orientation == 1, y, x)


def _first_maximum(score: jax.Array, axes: int) -> tuple[jax.Array, ...]:
  """Indices [...] of the first of the largest entries along the last axes.

  Written out because argmax takes nine times as long on a CPU.
  """
  lead = score.shape[:-axes]
  flat = jax.lax.stop_gradient(score).reshape(*lead, -1)
  last = flat.shape[-1] - 1

  is_largest = flat >= flat.max(-1, keepdims=True)
  indices = jnp.where(is_largest, np.arange(last + 1), last)
  first = indices.min(-1)
  return jnp.unravel_index(first, score.shape[-axes:])


# --- a patch laid onto the reference

def _patch(x_y_x: jax.Array, place: Place, n: int) -> jax.Array:
  """The n x n patch that begins at a whole place of a periodic image; it is not flipped."""
  moved_y_x = roll(x_y_x, -place.y, -place.x)
  return moved_y_x[..., :n, :n]


def _fitted(patch_y_x: jax.Array, reference_y_x: jax.Array, place: Place) -> Aligned:
  """The patch of a place, flipped and scaled to the least squared difference."""
  patch_y_x = _flipped_where(place.flipped, patch_y_x)
  product = (jnp.conj(patch_y_x) * reference_y_x).sum((-2, -1))
  scale = _divided(product, _energy(patch_y_x), otherwise=0)
  image_y_x = scale[..., None, None] * patch_y_x

  missed = _energy(reference_y_x - image_y_x)
  error = _divided(missed, _energy(reference_y_x), otherwise=0)
  float_dtype = patch_y_x.real.dtype
  return Aligned(
      image=image_y_x,
      error=error,
      flipped=place.flipped,
      shift_y=place.y.astype(float_dtype),
      shift_x=place.x.astype(float_dtype),
      scale=scale,
  )


def _better_of(fine: Aligned, whole: Aligned) -> Aligned:
  """Image by image the fine alignment where its error is smaller, else the whole one."""
  is_better = fine.error < whole.error

  def choose(a: jax.Array, b: jax.Array) -> jax.Array:
    added_axes = [1] * (a.ndim - is_better.ndim)
    mask = is_better.reshape(*is_better.shape, *added_axes)
    return jnp.where(mask, a, b)

  return jax.tree.map(choose, fine, whole)


def _with_signed_shifts(aligned: Aligned, m: int) -> Aligned:
  """The same alignment with shifts in [-m/2, m/2)."""
  shift_y = (aligned.shift_y + m // 2) % m - m // 2
  shift_x = (aligned.shift_x + m // 2) % m - m // 2
  return aligned._replace(shift_y=shift_y, shift_x=shift_x)


# --- fractions of a pixel

def _moved_by_fraction(x_y_x: jax.Array, shift_y: jax.Array, shift_x: jax.Array) -> jax.Array:
  """x moved cyclically, each image by its own fraction of a pixel: band-limited interpolation."""
  m = x_y_x.shape[-1]
  f_v_u = jnp.fft.fft2(x_y_x) * ramp(shift_y, shift_x, m)
  moved_y_x = jnp.fft.ifft2(f_v_u)
  if jnp.iscomplexobj(x_y_x):
    return moved_y_x
  return moved_y_x.real


def _refined(
    x_y_x: jax.Array,
    reference_y_x: jax.Array,
    place: Place,
    subpixel: int,
) -> Place:
  """The place of the largest |correlation| on a grid of 1/subpixel around a whole place.

  The grid reaches one pixel to each side.
  """
  m = x_y_x.shape[-1]
  reference_y_x = _flipped_where(place.flipped, reference_y_x)
  f_v_u = jnp.fft.fft2(x_y_x)
  g_v_u = jnp.fft.fft2(reference_y_x, s=(m, m))
  product_v_u = f_v_u * jnp.conj(g_v_u)

  offset = np.arange(-subpixel, subpixel + 1) / subpixel
  offset = jnp.asarray(offset, x_y_x.real.dtype)
  ys = place.y[..., None] + offset
  xs = place.x[..., None] + offset
  correlation = jnp.einsum(
      "...yv,...vu,...xu->...yx",
      _waves(ys, m),
      product_v_u,
      _waves(xs, m),
      precision="highest",
  )
  if not jnp.iscomplexobj(x_y_x):
    correlation = correlation.real

  i, j = _first_maximum(jnp.abs(correlation), 2)
  y = jnp.take_along_axis(ys, i[..., None], -1)
  x = jnp.take_along_axis(xs, j[..., None], -1)
  return Place(place.flipped, y[..., 0], x[..., 0])


def _waves(shifts: jax.Array, m: int) -> jax.Array:
  """exp(2 pi i k shift / m) [..., s, m] for shifts [..., s]."""
  turns = frequencies(m) * shifts[..., None]
  return jnp.exp(2j * math.pi / m * (turns % m))


# --- small helpers

def _energy(x_y_x: jax.Array) -> jax.Array:
  """|x|^2 [...], the sum over pixels."""
  power_y_x = x_y_x.real ** 2 + x_y_x.imag ** 2
  return power_y_x.sum((-2, -1))


def _divided(a: jax.Array, b: jax.Array, otherwise: float | jax.Array) -> jax.Array:
  """a / b where b > 0, with finite gradients everywhere."""
  is_positive = b > 0
  safe_b = jnp.where(is_positive, b, 1)
  return jnp.where(is_positive, a / safe_b, otherwise)


def _flipped_where(flipped: jax.Array, x_y_x: jax.Array) -> jax.Array:
  """The flip of those images whose mark [...] is set, the others as they are."""
  return jnp.where(flipped[..., None, None], flip(x_y_x), x_y_x)
