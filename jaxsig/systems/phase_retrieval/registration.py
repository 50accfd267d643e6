"""Comparison of a reconstruction with the truth up to what an intensity leaves open: shift, conjugate flip, phase, scale.

For a patch B of the reconstruction and the truth A, the best factor leaves min_s |A - s B|^2 = |A|^2 - |<A, B>|^2 / |B|^2; equation
A.6 of Tayal et al. (2020) prints another form, which is no minimum. All <A, B> come from one product of spectra; those with
the flipped truth are a convolution, from the same two transforms. The error is then taken at the best place from the pixels
themselves: the difference above would leave 1e-5 of a perfect reconstruction in float32, this leaves about 1e-12.

Batched over leading axes, which broadcast, and jit-able. Places are found by argmax, so gradients are those at the place found.
"""
import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval.far_field import flip, frequencies, ramp, roll

FAINT = 0.75   # a patch with less than eps ** FAINT of the whole energy is left out: its correlation is rounding


class Aligned(NamedTuple):
  """x laid onto a reference: image = scale * B, B the n x n patch of x that begins at the shift, then flipped if `flipped`."""
  image: jax.Array     # [..., n, n]
  error: jax.Array     # [...] |reference - image|^2 / |reference|^2
  flipped: jax.Array   # [...] bool
  shift_y: jax.Array   # [...] pixels in [-m/2, m/2): rows of x that the reference lies below the corner; whole unless subpixel > 1
  shift_x: jax.Array   # [...] the same for columns
  scale: jax.Array     # [...] complex where x or the reference is; its modulus and its phase (or sign)


@functools.partial(jax.jit, static_argnames="subpixel")
def align(x_y_x: jax.Array, reference_y_x: jax.Array, subpixel: int = 1) -> Aligned:
  """The shift, flip, phase and scale of x with the least squared difference to the reference; exact for whole pixels.

  x is periodic, as the grid of an intensity is: pad with zeros where nothing may wrap around. Sub-pixel shifts follow
  Guizar-Sicairos et al. (Opt. Lett. 33(2), 2008): the correlation's peak on a grid finer by `subpixel`, one pixel around
  the best whole shift, by a matrix product. The better of the two is returned.

  Args:
    x_y_x: [..., m, m], m >= n, real or complex.
    reference_y_x: [..., n, n].
    subpixel: steps per pixel.

  Raises:
    UserError: x is smaller than the reference, or one of them is not square.
  """
  x_y_x, reference_y_x = _pair(x_y_x, reference_y_x)
  n, m = reference_y_x.shape[-1], x_y_x.shape[-1]
  flipped, y, x = _best_place(_gains(x_y_x, reference_y_x, np.arange(m)))
  whole = _laid(roll(x_y_x, -y, -x)[..., :n, :n], reference_y_x, flipped, y, x)
  if subpixel == 1:
    return _signed(whole, m)
  y, x = _refined(x_y_x, reference_y_x, flipped, y, x, subpixel)
  fine = _laid(_moved(x_y_x, -y, -x)[..., :n, :n], reference_y_x, flipped, y, x)
  better = fine.error < whole.error
  choose = lambda a, b: jnp.where(better.reshape(*better.shape, *[1] * (a.ndim - better.ndim)), a, b)
  return _signed(jax.tree.map(choose, fine, whole), m)


@functools.partial(jax.jit, static_argnames="normalise")
def symmetric_error(recon_y_x: jax.Array, truth_y_x: jax.Array, normalise: bool = True) -> jax.Array:
  """Least squared error over shifts, flip, phase and scale (Tayal et al. 2020, appendix A.2 with A.6 corrected).

  Every n x n patch inside the reconstruction may be the object, as it is and flipped; what lies outside the patch costs
  nothing, a copy that wraps around the grid is not seen, and a patch with next to no energy (FAINT) is left out. The last only
  matters beside something 1e3 times brighter in float32, 1e6 in float64.

  Args:
    recon_y_x: [..., m, m], m >= n.
    truth_y_x: [..., n, n].
    normalise: divide by |truth|^2. The paper's figures are read as means of this over images.

  Returns:
    [...]; within [0, 1] if normalised. Zero for a truth of zeros.

  Raises:
    UserError: the reconstruction is smaller than the truth, or one of them is not square.
  """
  recon_y_x, truth_y_x = _pair(recon_y_x, truth_y_x)
  n, m = truth_y_x.shape[-1], recon_y_x.shape[-1]
  flipped, y, x = _best_place(_gains(recon_y_x, truth_y_x, np.arange(m - n + 1)))
  error = _laid(roll(recon_y_x, -y, -x)[..., :n, :n], truth_y_x, flipped, y, x).error
  return error if normalise else error * _energy(truth_y_x)


@jax.jit
def strict_error(recon_y_x: jax.Array, truth_y_x: jax.Array) -> jax.Array:
  """Squared error relative to |truth|^2 over cyclic shifts, flip and phase (sign, where both are real) alone.

  Scale counts, and so does everything that the reconstruction has anywhere on its grid: zero only for a member of the
  orbit. Arguments and errors as in `symmetric_error`. Returns [...], not bounded; for a truth of zeros 0 or inf.
  """
  recon_y_x, truth_y_x = _pair(recon_y_x, truth_y_x)
  n, m = truth_y_x.shape[-1], recon_y_x.shape[-1]
  flipped, y, x = _best_place(jnp.abs(_correlations(recon_y_x, truth_y_x)))
  moved_y_x = roll(recon_y_x, -y, -x)
  patch_y_x = _turned(moved_y_x[..., :n, :n], flipped)
  product = (jnp.conj(patch_y_x) * truth_y_x).sum((-2, -1), keepdims=True)
  patch_y_x = patch_y_x * _safe(product, jnp.abs(product), 1)
  frame = np.pad(np.ones((n, n), bool), (0, m - n))
  error = _energy(truth_y_x - patch_y_x) + _energy(jnp.where(frame, 0, moved_y_x))
  energy = _energy(truth_y_x)
  return _safe(error, energy, jnp.where(error > 0, jnp.inf, 0))


def _pair(x_y_x: jax.Array, reference_y_x: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Both in one floating or complex type; a value anywhere that is not finite spoils the whole image, as it has no place."""
  (h, w), (n, n_x) = np.shape(x_y_x)[-2:], np.shape(reference_y_x)[-2:]
  if h != w or n != n_x or h < n:
    raise UserError(f"cannot lay an image of {h} x {w} onto one of {n} x {n_x}: both must be square, the first not smaller; pad it")
  dtype = jnp.result_type(x_y_x, reference_y_x, jnp.bfloat16)
  dtype = dtype if jnp.finfo(dtype).bits >= 32 else jnp.float32   # no transforms in half precision
  x_y_x, reference_y_x = jnp.asarray(x_y_x, dtype), jnp.asarray(reference_y_x, dtype)
  return x_y_x + 0 * x_y_x.sum((-2, -1), keepdims=True), reference_y_x


def _energy(x_y_x: jax.Array) -> jax.Array:
  return (x_y_x.real ** 2 + x_y_x.imag ** 2).sum((-2, -1))


def _safe(a: jax.Array, b: jax.Array, otherwise: float | jax.Array) -> jax.Array:
  """a / b where b > 0, with finite gradients everywhere."""
  return jnp.where(b > 0, a / jnp.where(b > 0, b, 1), otherwise)


def _turned(x_y_x: jax.Array, flipped: jax.Array) -> jax.Array:
  return jnp.where(flipped[..., None, None], flip(x_y_x), x_y_x)


def _correlations(x_y_x: jax.Array, reference_y_x: jax.Array) -> jax.Array:
  """sum_p x(p + t) conj(a(p)) for all cyclic shifts t, of a = reference and of a = its flip: [..., 2, m, m].

  The second is sum_p x(p + t) reference(n-1-p): the convolution of the two at t + n - 1.
  """
  n, m = reference_y_x.shape[-1], x_y_x.shape[-1]
  complex_ = jnp.iscomplexobj(x_y_x)
  forward, backward = (jnp.fft.fft2, jnp.fft.ifft2) if complex_ else (jnp.fft.rfft2, jnp.fft.irfft2)
  f, g = forward(x_y_x), forward(reference_y_x, s=(m, m))
  plain, turned = backward(f * jnp.conj(g), s=(m, m)), backward(f * g, s=(m, m))
  return jnp.stack([plain, jnp.roll(turned, (1 - n, 1 - n), (-2, -1))], -3)


def _gains(x_y_x: jax.Array, reference_y_x: jax.Array, places: np.ndarray) -> jax.Array:
  """|<a, B>|^2 / |B|^2 for the patches B that begin at `places` [k], for the reference and its flip: [..., 2, k, k]."""
  n, m = reference_y_x.shape[-1], x_y_x.shape[-1]
  inside = ((np.arange(m) - places[:, None]) % m < n).astype(x_y_x.real.dtype)   # sums of nothing but squares: none cancels
  power_y_x = x_y_x.real ** 2 + x_y_x.imag ** 2
  energy = jnp.einsum("ki,...ij,lj->...kl", inside, power_y_x, inside, precision="highest")
  enough = energy > jnp.finfo(x_y_x.dtype).eps ** FAINT * _energy(x_y_x)[..., None, None]
  enough, energy = enough[..., None, :, :], energy[..., None, :, :]
  product = _correlations(x_y_x, reference_y_x)[..., :len(places), :len(places)]
  power = product.real ** 2 + product.imag ** 2
  return jnp.where(enough, power / jnp.where(enough, energy, 1), 0)


def _best_place(score: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
  """(flipped, y, x) [...] of the largest entry of score [..., 2, k, k]."""
  turned, y, x = _peak(score, 3)
  return turned == 1, y, x


def _peak(score: jax.Array, axes: int) -> tuple[jax.Array, ...]:
  """Indices [...] of the first of the largest entries along the last axes; argmax takes nine times as long on a CPU."""
  flat = jax.lax.stop_gradient(score).reshape(*score.shape[:-axes], -1)
  last = flat.shape[-1] - 1
  first = jnp.where(flat >= flat.max(-1, keepdims=True), np.arange(last + 1), last).min(-1)
  return jnp.unravel_index(first, score.shape[-axes:])


def _laid(patch_y_x: jax.Array, reference_y_x: jax.Array, flipped: jax.Array, y: jax.Array, x: jax.Array) -> Aligned:
  """The patch that begins at (y, x), turned and scaled to the least squared difference."""
  patch_y_x = _turned(patch_y_x, flipped)
  product = (jnp.conj(patch_y_x) * reference_y_x).sum((-2, -1))
  scale = _safe(product, _energy(patch_y_x), 0)
  image_y_x = scale[..., None, None] * patch_y_x
  error = _safe(_energy(reference_y_x - image_y_x), _energy(reference_y_x), 0)
  float_ = patch_y_x.real.dtype
  return Aligned(image_y_x, error, flipped, y.astype(float_), x.astype(float_), scale)


def _signed(found: Aligned, m: int) -> Aligned:
  centred = lambda shift: (shift + m // 2) % m - m // 2
  return found._replace(shift_y=centred(found.shift_y), shift_x=centred(found.shift_x))


def _moved(x_y_x: jax.Array, shift_y: jax.Array, shift_x: jax.Array) -> jax.Array:
  """x moved cyclically by any fraction of a pixel, each image by its own: its band-limited interpolation."""
  moved = jnp.fft.ifft2(jnp.fft.fft2(x_y_x) * ramp(shift_y, shift_x, x_y_x.shape[-1]))
  return moved if jnp.iscomplexobj(x_y_x) else moved.real


def _refined(x_y_x: jax.Array, reference_y_x: jax.Array, flipped: jax.Array, y: jax.Array, x: jax.Array,
             subpixel: int) -> tuple[jax.Array, jax.Array]:
  """The place (y, x) of the largest |correlation| on a grid of 1/subpixel, one pixel around the whole place given."""
  m = x_y_x.shape[-1]
  product = jnp.fft.fft2(x_y_x) * jnp.conj(jnp.fft.fft2(_turned(reference_y_x, flipped), s=(m, m)))
  offset = np.arange(-subpixel, subpixel + 1) / subpixel
  ys, xs = (place[..., None] + jnp.asarray(offset, x_y_x.real.dtype) for place in (y, x))
  waves = lambda t: jnp.exp(2j * math.pi / m * ((frequencies(m) * t[..., None]) % m))
  near = jnp.einsum("...yv,...vu,...xu->...yx", waves(ys), product, waves(xs), precision="highest")
  i, j = _peak(jnp.abs(near if jnp.iscomplexobj(x_y_x) else near.real), 2)
  return tuple(jnp.take_along_axis(t, k[..., None], -1)[..., 0] for t, k in ((ys, i), (xs, j)))
