"""One representative for all objects of one intensity: the trivial symmetries of far-field phase retrieval, broken exactly.

Shift, conjugate flip and global phase leave an intensity as it is (jaxsig.systems.phase_retrieval.far_field). Learning a single answer needs
one representative of every orbit, as Tayal et al. (2020) propose. The representative here refers to the centre of the
object's bounding box, halves of pixels included: with the ramp of that centre removed, a flip is precisely a conjugation of
the spectrum, whatever the sizes. For clean objects with a support: one pixel of noise moves the box.

Everything is batched over leading axes and jit-able (m and rule are static); a further rule compiles nothing anew.
"""
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval.far_field import box, flip, frequencies, ramp, roll, spectrum

RULES = {"0,1": {(0, 1): 1.0}, "1,0": {(1, 0): 1.0}, "both": {(0, 1): 1.0, (1, 0): 2.0}, "odd_pca": None}
REACH = 8         # the highest frequency that a rule weighs
ROUNDING = 0.75   # eps ** ROUNDING of the largest bin is zero: 2e-12 in float64, 7e-6 in float32


class Canonical(NamedTuple):
  """The representative's spectrum G = |G| omega about the centre of the object's box.

  G is m-periodic, and Hermitian for a real object, but for the Nyquist row and column of an even m: about a centre between
  two pixels they change sign with the period. `image_of` removes the centre first, so that real objects come out real.
  """
  omega_v_u: jax.Array      # [..., m, m] phases, 1 where |G| is rounding
  spectrum_v_u: jax.Array   # [..., m, m] G
  margin: jax.Array         # [...] |w . Im G| / (|w| max |G|) of the rule's weights w: how far the flip is from the other answer
  flipped: jax.Array        # [...] whether the object was flipped
  odd: jax.Array            # [..., 2] whether height and width of its box are odd: its centre is a pixel, not a border


def canonicalise(x_y_x: jax.Array, m: int, rule: str = "both", weights: jax.Array | None = None) -> Canonical:
  """The canonical spectrum of the orbit of x.

  The global phase (sign, for real x) makes G[0, 0] positive or, for a sum of zero, the first bin in order of |k| that has at
  least half of the largest value. Then w . Im G > 0 or the object is flipped; where that is rounding, the first bin in
  order of |k| decides whose imaginary part is not. A self-symmetric object stays as it is, with margin 0; so does an empty one.

  Args:
    x_y_x: [..., n, n], real or complex, zero outside the object.
    m: size of the grid.
    rule: "0,1" (w of Tayal et al.: left against right), "1,0", "both" (Im G[0, 1] + 2 Im G[1, 0]) or "odd_pca".
    weights: of `learn_odd_pca`, for that rule.

  Raises:
    UserError: an unknown rule, missing or misshapen weights, m < n.
  """
  return _canonical(_inexact(x_y_x), m, weights_of(m, rule, weights))


def canonicalise_image(x_y_x: jax.Array, m: int, rule: str = "both", weights: jax.Array | None = None) -> jax.Array:
  """The canonical object [..., n, n]: phase and flip of `canonicalise`, its h x w box at row (n-h)//2 and column (n-w)//2.

  A real x is copied bit for bit up to its sign. Arguments and errors as in `canonicalise`; take the same m, as rules depend on it.
  """
  return _canonical_image(_inexact(x_y_x), m, weights_of(m, rule, weights))


@functools.partial(jax.jit, static_argnames="m")
def literal(x_y_x: jax.Array, m: int, centre: float = 0.0) -> jax.Array:
  """Phases [..., m, m] by the steps of Tayal et al. (2020) as they are written, counted from zero: not invariant to flips.

  The box goes to the middle of the frame rounded down, the phase of bin (0, 0) is removed, and the phases are conjugated
  where Im omega[0, 1] < 0. The paper does not say which pixel is the origin: `centre` = 0 is the corner, n // 2 the middle.
  """
  omega_v_u = phases_about(at_middle(x_y_x), jnp.stack([centre, centre]), m)
  omega_v_u = omega_v_u * jnp.conj(omega_v_u[..., :1, :1])
  return jnp.where(omega_v_u[..., :1, 1:2].imag < 0, jnp.conj(omega_v_u), omega_v_u)


@functools.partial(jax.jit, static_argnames="m")
def learn_odd_pca(images_b_y_x: jax.Array, m: int) -> jax.Array:
  """Weights [k] for the rule "odd_pca": the first principal component of Im G / max |G| over the half plane |k| <= REACH.

  The second moments are taken about zero, so flips of the images cannot change them. The largest weight is positive.

  Raises:
    UserError: m < n.
  """
  first_k = jnp.linalg.eigh(odd_moments(images_b_y_x, m))[1][:, -1]
  return first_k * jnp.sign(first_k[jnp.argmax(jnp.abs(first_k))])


@functools.partial(jax.jit, static_argnames="m")
def odd_moments(images_b_y_x: jax.Array, m: int) -> jax.Array:
  """Second moments [k, k], summed over images, of which `learn_odd_pca` takes the first component; an empty image adds nothing."""
  g_b_v_u, _, _ = _centred(_inexact(images_b_y_x), m)
  v, u = _low(m)
  odd_b_k = g_b_v_u.imag[..., v, u] / _top(g_b_v_u)[..., None]
  return jnp.einsum("...k,...l->kl", odd_b_k, odd_b_k, precision="highest")


def weights_of(m: int, rule: str, weights: jax.Array | None = None) -> jax.Array:
  """Weights [k] of a rule over Im G at the lowest |k|, in the order of `learn_odd_pca`; errors as in `canonicalise`."""
  v, u = _low(m)
  if rule not in RULES:
    raise UserError(f"unknown rule {rule!r} for the flip: one of {', '.join(map(repr, RULES))}")
  if rule != "odd_pca":
    return np.array([RULES[rule].get(bin_, 0.0) for bin_ in zip(v, u)])
  if weights is None or np.shape(weights) != v.shape:
    raise UserError(f"the rule odd_pca needs its {len(v)} weights: learn them with learn_odd_pca(images, {m})")
  return jnp.asarray(weights)


@functools.partial(jax.jit, static_argnames=("real", "n"))
def image_of(omega_v_u: jax.Array, magnitude_v_u: jax.Array, real: bool, n: int, odd: jax.Array | None = None) -> jax.Array:
  """The object of canonical phases: [..., m, m] with the n-frame at its corner, as `in_frame` cuts it.

  Phases of `canonicalise` with the true magnitude give `canonicalise_image` there, and zero beyond. That asks for the parity
  of the box, as a centre is a pixel or a border. Where it is not known, the one of four with the most energy in the frame is
  taken: half a pixel away, a band-limited object rings over the whole grid.

  Args:
    omega_v_u: [..., m, m] phases as in `Canonical`, or a network's estimate of them.
    magnitude_v_u: [..., m, m].
    real: take the real part, which is the Hermitian part of the spectrum.
    n: size of the frame.
    odd: [..., 2] as in `Canonical`.
  """
  if odd is not None:
    return image_about(omega_v_u, magnitude_v_u, centre_of(n, odd), real)
  odd = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], bool).reshape(4, *[1] * (omega_v_u.ndim - 2), 2)
  images = image_about(omega_v_u, magnitude_v_u, centre_of(n, odd), real)
  inside = (jnp.abs(in_frame(images, n)) ** 2).sum((-2, -1), keepdims=True)
  return jnp.take_along_axis(images, jnp.argmax(inside, 0)[None], 0)[0]


def in_frame(image_y_x: jax.Array, n: int) -> jax.Array:
  """The n-frame [..., n, n] of an image on the m-grid: its corner."""
  return image_y_x[..., :n, :n]


def centre_of(n: int, odd: jax.Array) -> jax.Array:
  """Where `canonicalise_image` puts the centre of a box, [..., 2] row and column: (n-1)/2, or 1/2 less where parities differ."""
  return (n - 1 - (n - odd) % 2) / 2


def phases_about(x_y_x: jax.Array, centre: jax.Array, m: int) -> jax.Array:
  """Phases [..., m, m] of x [..., n, n] about a point [..., 2] of its frame, which may lie between pixels; 1 where |F| is rounding."""
  return _phases(_about(spectrum(_inexact(x_y_x), m), centre))


def image_about(omega_v_u: jax.Array, magnitude_v_u: jax.Array, centre: jax.Array, real: bool) -> jax.Array:
  """Undoes `phases_about`: [..., m, m] with the n-frame at its corner; of real objects the real part."""
  image_y_x = jnp.fft.ifft2(_about(omega_v_u * magnitude_v_u, -jnp.asarray(centre)))
  return image_y_x.real if real else image_y_x


def at_middle(x_y_x: jax.Array) -> jax.Array:
  """The object's h x w box moved to row (n-h)//2 and column (n-w)//2 of its frame [..., n, n]."""
  top, bottom, left, right = box(x_y_x)
  n_y, n_x = x_y_x.shape[-2:]
  return roll(x_y_x, (n_y - bottom + top) // 2 - top, (n_x - right + left) // 2 - left)


@functools.partial(jax.jit, static_argnames="m")
def _canonical(x_y_x: jax.Array, m: int, w_k: jax.Array) -> Canonical:
  g_v_u, _, odd = _centred(x_y_x, m)
  flipped, margin = _orientation(g_v_u, w_k)
  g_v_u = jnp.where(flipped[..., None, None], jnp.conj(g_v_u), g_v_u)
  return Canonical(_phases(g_v_u), g_v_u, margin, flipped, odd)


@functools.partial(jax.jit, static_argnames="m")
def _canonical_image(x_y_x: jax.Array, m: int, w_k: jax.Array) -> jax.Array:
  g_v_u, phase, _ = _centred(x_y_x, m)
  flipped, _ = _orientation(g_v_u, w_k)
  return at_middle(jnp.where(flipped[..., None, None], flip(x_y_x * phase), x_y_x * phase))


def _about(f_v_u: jax.Array, centre: jax.Array) -> jax.Array:
  """A spectrum with the pixel `centre` [..., 2] of its object as the origin."""
  y, x = jnp.moveaxis(jnp.asarray(centre, f_v_u.real.dtype), -1, 0)
  return f_v_u * ramp(-y, -x, f_v_u.shape[-1])


def _inexact(x: jax.Array) -> jax.Array:
  x = jnp.asarray(x)
  return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(float)


def _centred(x_y_x: jax.Array, m: int) -> tuple[jax.Array, jax.Array, jax.Array]:
  """(spectrum about the centre of the box with its global phase removed, that factor [..., 1, 1], parities [..., 2])."""
  top, bottom, left, right = box(x_y_x)
  g_v_u = _about(spectrum(x_y_x, m), jnp.stack([top + bottom - 1, left + right - 1], -1) / 2)
  phase = _global_phase(g_v_u, not jnp.iscomplexobj(x_y_x))
  return g_v_u * phase, phase, jnp.stack([(bottom - top) % 2 == 1, (right - left) % 2 == 1], -1)


def _global_phase(g_v_u: jax.Array, real: bool) -> jax.Array:
  """The factor [..., 1, 1] that makes the bin in charge positive; for real objects a sign, by real parts, which no flip changes."""
  values_k = _by_frequency(g_v_u.real if real else g_v_u)
  size_k, floor = jnp.abs(values_k), _floor(g_v_u)
  half_top = jnp.argmax(size_k >= 0.5 * size_k.max(-1, keepdims=True), -1)
  charge = jnp.where(size_k[..., 0] > floor, 0, half_top)
  value = jnp.take_along_axis(values_k, charge[..., None], -1)
  return jnp.conj(_unit(value, floor[..., None]))[..., None]


def _orientation(g_v_u: jax.Array, w_k: jax.Array) -> tuple[jax.Array, jax.Array]:
  """(whether to flip, margin), both [...]: by the weights or, where that is rounding, by the first bin that is not."""
  v, u = _low(g_v_u.shape[-1])
  ruled = (g_v_u.imag[..., v, u] * (w_k / jnp.linalg.norm(w_k)).astype(g_v_u.real.dtype)).sum(-1)
  votes_k = jnp.concatenate([ruled[..., None], _by_frequency(g_v_u.imag)], -1)
  floor = _floor(g_v_u)[..., None]
  first = jnp.argmax(jnp.abs(votes_k) > floor, -1)[..., None]
  flipped = (jnp.take_along_axis(votes_k, first, -1) < -floor)[..., 0]
  return flipped, jnp.abs(ruled) / _top(g_v_u)


@functools.lru_cache   # int32, so that one table serves both precisions of jax
def _low(m: int) -> tuple[np.ndarray, np.ndarray]:
  """Bins (v, u) with |k| <= REACH in each direction, one of each pair k, -k: for a real object the other says the same."""
  reach = min(REACH, (m - 1) // 2)
  v, u = np.mgrid[0:reach + 1, -reach:reach + 1].reshape(2, -1)
  half = (v > 0) | (u > 0)
  return v[half].astype(np.int32), u[half].astype(np.int32)


@functools.lru_cache
def _order(m: int) -> np.ndarray:
  """Flat indices of all bins by |k|: (0, 0), (0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), ..."""
  v, u = (k.ravel() for k in np.meshgrid(frequencies(m), frequencies(m), indexing="ij"))
  return np.lexsort((-u, np.abs(v), (v < 0) | ((v == 0) & (u < 0)), v ** 2 + u ** 2)).astype(np.int32)


def _by_frequency(x_v_u: jax.Array) -> jax.Array:
  return x_v_u.reshape(*x_v_u.shape[:-2], -1)[..., _order(x_v_u.shape[-1])]


def _top(g_v_u: jax.Array) -> jax.Array:
  """The largest |G| [...], and 1 for an empty object."""
  top = jnp.abs(g_v_u).max((-2, -1))
  return jnp.where(top > 0, top, 1)


def _floor(g_v_u: jax.Array) -> jax.Array:
  """Up to this value [...] a bin is taken for rounding."""
  return jnp.finfo(g_v_u.dtype).eps ** ROUNDING * _top(g_v_u)


def _unit(z: jax.Array, floor: jax.Array) -> jax.Array:
  """z / |z|, and 1 where |z| is not above the floor."""
  z = jnp.where(jnp.abs(z) > floor, z, 1)
  return z / jnp.abs(z)


def _phases(g_v_u: jax.Array) -> jax.Array:
  return _unit(g_v_u, _floor(g_v_u)[..., None, None])
