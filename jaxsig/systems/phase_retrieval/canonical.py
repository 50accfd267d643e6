"""One representative for all objects that share an intensity: the symmetries broken exactly.

Shift, conjugate flip and global phase leave an intensity as it is
(jaxsig.systems.phase_retrieval.far_field). Learning a single answer needs one representative of
every orbit, as Tayal et al. (2020) propose. The representative here refers to the centre of the
object's bounding box, halves of pixels included: with the ramp of that centre removed, a flip is
precisely a conjugation of the spectrum, whatever the sizes. It is meant for clean objects with a
support: one pixel of noise moves the box.

Everything is batched over leading axes and can be jitted (m and rule are static); a further rule
compiles nothing anew.
"""
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import bins
from jaxsig.systems.phase_retrieval.far_field import box, flip, ramp, roll, spectrum

# Rules for the flip: weights of Im G by bin (v, u); those of "odd_pca" are learnt.
RULES = {
    "0,1": {(0, 1): 1.0},
    "1,0": {(1, 0): 1.0},
    "both": {(0, 1): 1.0, (1, 0): 2.0},
    "odd_pca": None,
}
PARITIES = ((False, False), (False, True), (True, False), (True, True))


class Canonical(NamedTuple):
  """The representative's spectrum G = |G| omega about the centre of the object's box.

  G is m-periodic, and Hermitian for a real object, except in the Nyquist row and column of an even
  m: about a centre between two pixels they change sign with the period. `image_of` removes the
  centre first, so that real objects come out real.
  """
  omega_v_u: jax.Array      # [..., m, m] phases, 1 where |G| is rounding
  spectrum_v_u: jax.Array   # [..., m, m] G
  margin: jax.Array         # [...] |w . Im G| / (|w| max |G|), w the weights: how sure the flip is
  flipped: jax.Array        # [...] whether the object was flipped
  odd: jax.Array            # [..., 2] whether height and width are odd: the centre is then a pixel


class Centred(NamedTuple):
  """An object's spectrum about the centre of its box, with its global phase removed."""
  spectrum_v_u: jax.Array   # [..., m, m]
  phase: jax.Array          # [..., 1, 1] the factor that removed the global phase
  odd: jax.Array            # [..., 2] as in `Canonical`


def canonicalise(
    x_y_x: jax.Array,
    m: int,
    rule: str = "both",
    weights: jax.Array | None = None,
) -> Canonical:
  """The canonical spectrum of the orbit of x.

  The global phase (sign, for real x) makes G[0, 0] positive or, for a sum of zero, the first bin in
  order of |k| that has at least half of the largest value. Then either w . Im G > 0 or the object
  is flipped. Where w . Im G is rounding, the first bin in order of |k| whose imaginary part is not
  rounding decides. A self-symmetric object stays as it is, with margin 0; so does an empty one.

  Args:
    x_y_x: [..., n, n], real or complex, zero outside the object.
    m: size of the grid.
    rule: "0,1" (w of Tayal et al.: left against right), "1,0", "both" (Im G[0, 1] + 2 Im G[1, 0])
      or "odd_pca".
    weights: of `learn_odd_pca`, for that rule.

  Raises:
    UserError: an unknown rule, missing or misshapen weights, m < n.
  """
  return _canonical(_inexact(x_y_x), m, weights_of(m, rule, weights))


def canonicalise_image(
    x_y_x: jax.Array,
    m: int,
    rule: str = "both",
    weights: jax.Array | None = None,
) -> jax.Array:
  """The canonical object [..., n, n].

  It has the phase and flip of `canonicalise`, and its h x w box at row (n-h)//2 and column
  (n-w)//2. A real x is copied bit for bit up to its sign. Arguments and errors as in
  `canonicalise`; take the same m, as rules depend on it.
  """
  return _canonical_image(_inexact(x_y_x), m, weights_of(m, rule, weights))


@functools.partial(jax.jit, static_argnames="m")
def literal(x_y_x: jax.Array, m: int, centre: float = 0.0) -> jax.Array:
  """Phases [..., m, m] by the steps of Tayal et al. (2020) as written: not invariant to flips.

  The box goes to the middle of the frame rounded down, the phase of bin (0, 0) is removed, and the
  phases are conjugated where Im omega[0, 1] < 0, with bins counted from zero. The paper does not
  say which pixel is the origin: `centre` = 0 is the corner, n // 2 the middle.
  """
  origin = jnp.stack([centre, centre])
  omega_v_u = phases_about(at_middle(x_y_x), origin, m)

  omega_v_u = omega_v_u * jnp.conj(omega_v_u[..., :1, :1])
  is_negative = omega_v_u[..., :1, 1:2].imag < 0
  return jnp.where(is_negative, jnp.conj(omega_v_u), omega_v_u)


# --- rules

@functools.partial(jax.jit, static_argnames="m")
def learn_odd_pca(images_b_y_x: jax.Array, m: int) -> jax.Array:
  """Weights [k] for the rule "odd_pca".

  They are the first principal component of Im G / max |G| over the half plane |k| <= bins.REACH.
  The second moments are taken about zero, so flips of the images cannot change them. The largest
  weight is positive.

  Raises:
    UserError: m < n.
  """
  moments_k_k = odd_moments(images_b_y_x, m)
  _, components_k_k = jnp.linalg.eigh(moments_k_k)
  first_k = components_k_k[:, -1]

  largest = first_k[jnp.argmax(jnp.abs(first_k))]
  return first_k * jnp.sign(largest)


@functools.partial(jax.jit, static_argnames="m")
def odd_moments(images_b_y_x: jax.Array, m: int) -> jax.Array:
  """Second moments [k, k] of Im G / max |G|, summed over images.

  `learn_odd_pca` takes their first principal component. An empty image adds nothing.
  """
  g_b_v_u = _centred(_inexact(images_b_y_x), m).spectrum_v_u
  v, u = bins.low_bins(m)
  odd_b_k = g_b_v_u.imag[..., v, u] / bins.largest_magnitude(g_b_v_u)[..., None]
  return jnp.einsum("...k,...l->kl", odd_b_k, odd_b_k, precision="highest")


def weights_of(m: int, rule: str, weights: jax.Array | None = None) -> jax.Array:
  """Weights [k] of a rule over Im G at the lowest |k|, in the order of `learn_odd_pca`.

  Arguments and errors as in `canonicalise`.
  """
  v, u = bins.low_bins(m)
  if rule not in RULES:
    known = ", ".join(map(repr, RULES))
    raise UserError(f"unknown rule {rule!r} for the flip: one of {known}")

  if rule == "odd_pca":
    if weights is None or np.shape(weights) != v.shape:
      raise UserError(
          f"the rule odd_pca needs its {len(v)} weights: "
          f"learn them with learn_odd_pca(images, {m})")
    return jnp.asarray(weights)

  weight_of_bin = RULES[rule]
  values = []
  for bin_ in zip(v, u):
    values.append(weight_of_bin.get(bin_, 0.0))
  return np.array(values)


# --- from phases to images and back

@functools.partial(jax.jit, static_argnames=("real", "n"))
def image_of(
    omega_v_u: jax.Array,
    magnitude_v_u: jax.Array,
    real: bool,
    n: int,
    odd: jax.Array | None = None,
) -> jax.Array:
  """The object of canonical phases: [..., m, m] with the n-frame at its corner.

  `in_frame` cuts out the frame. Phases of `canonicalise` with the true magnitude give
  `canonicalise_image` there, and zero beyond. That needs the parity of the box, as a centre is a
  pixel or a border. Where it is not known, the one of four with the most energy in the frame is
  taken: half a pixel away, a band-limited object rings over the whole grid.

  Args:
    omega_v_u: [..., m, m] phases as in `Canonical`, or a network's estimate of them.
    magnitude_v_u: [..., m, m].
    real: take the real part, which is the Hermitian part of the spectrum.
    n: size of the frame.
    odd: [..., 2] as in `Canonical`.
  """
  if odd is not None:
    centre = centre_of(n, odd)
    return image_about(omega_v_u, magnitude_v_u, centre, real)

  lead_axes = [1] * (omega_v_u.ndim - 2)
  parities = np.array(PARITIES, bool).reshape(4, *lead_axes, 2)
  images = image_about(omega_v_u, magnitude_v_u, centre_of(n, parities), real)

  power = jnp.abs(in_frame(images, n)) ** 2
  energy = power.sum((-2, -1), keepdims=True)
  best = jnp.argmax(energy, 0)
  return jnp.take_along_axis(images, best[None], 0)[0]


def in_frame(image_y_x: jax.Array, n: int) -> jax.Array:
  """The n-frame [..., n, n] of an image on the m-grid: its corner."""
  return image_y_x[..., :n, :n]


def centre_of(n: int, odd: jax.Array) -> jax.Array:
  """Where `canonicalise_image` puts the centre of a box, [..., 2] row and column.

  That is (n-1)/2, or 1/2 less where the parities of n and of the box differ.
  """
  return (n - 1 - (n - odd) % 2) / 2


def phases_about(x_y_x: jax.Array, centre: jax.Array, m: int) -> jax.Array:
  """Phases [..., m, m] of x [..., n, n] about a point of its frame; 1 where |F| is rounding.

  The point [..., 2], row and column, may lie between pixels.
  """
  f_v_u = spectrum(_inexact(x_y_x), m)
  return bins.phases(_about(f_v_u, centre))


def image_about(
    omega_v_u: jax.Array,
    magnitude_v_u: jax.Array,
    centre: jax.Array,
    real: bool,
) -> jax.Array:
  """The image [..., m, m] of phases about a point [..., 2]: undoes `phases_about`.

  The n-frame is at its corner. Of real objects it is the real part.
  """
  g_v_u = omega_v_u * magnitude_v_u
  f_v_u = _about(g_v_u, -jnp.asarray(centre))
  image_y_x = jnp.fft.ifft2(f_v_u)
  if real:
    return image_y_x.real
  return image_y_x


def at_middle(x_y_x: jax.Array) -> jax.Array:
  """The object's h x w box moved to row (n-h)//2 and column (n-w)//2 of its frame [..., n, n]."""
  top, bottom, left, right = box(x_y_x)
  n_y, n_x = x_y_x.shape[-2:]
  new_top = (n_y - bottom + top) // 2
  new_left = (n_x - right + left) // 2
  return roll(x_y_x, new_top - top, new_left - left)


# --- centre, global phase and flip

@functools.partial(jax.jit, static_argnames="m")
def _canonical(x_y_x: jax.Array, m: int, w_k: jax.Array) -> Canonical:
  """`canonicalise` by weights."""
  centred = _centred(x_y_x, m)
  flipped, margin = _orientation(centred.spectrum_v_u, w_k)

  g_v_u = centred.spectrum_v_u
  g_v_u = jnp.where(flipped[..., None, None], jnp.conj(g_v_u), g_v_u)
  return Canonical(
      omega_v_u=bins.phases(g_v_u),
      spectrum_v_u=g_v_u,
      margin=margin,
      flipped=flipped,
      odd=centred.odd,
  )


@functools.partial(jax.jit, static_argnames="m")
def _canonical_image(x_y_x: jax.Array, m: int, w_k: jax.Array) -> jax.Array:
  """`canonicalise_image` by weights."""
  centred = _centred(x_y_x, m)
  flipped, _ = _orientation(centred.spectrum_v_u, w_k)

  x_y_x = x_y_x * centred.phase
  x_y_x = jnp.where(flipped[..., None, None], flip(x_y_x), x_y_x)
  return at_middle(x_y_x)


def _centred(x_y_x: jax.Array, m: int) -> Centred:
  """The spectrum about the centre of the object's box, without its global phase."""
  top, bottom, left, right = box(x_y_x)
  twice_centre = jnp.stack([top + bottom - 1, left + right - 1], -1)
  g_v_u = _about(spectrum(x_y_x, m), twice_centre / 2)

  real = not jnp.iscomplexobj(x_y_x)
  phase = _global_phase(g_v_u, real)

  odd_height = (bottom - top) % 2 == 1
  odd_width = (right - left) % 2 == 1
  return Centred(g_v_u * phase, phase, jnp.stack([odd_height, odd_width], -1))


def _about(f_v_u: jax.Array, centre: jax.Array) -> jax.Array:
  """A spectrum with the pixel `centre` [..., 2] of its object as the origin."""
  centre = jnp.asarray(centre, f_v_u.real.dtype)
  y, x = jnp.moveaxis(centre, -1, 0)
  return f_v_u * ramp(-y, -x, f_v_u.shape[-1])


def _global_phase(g_v_u: jax.Array, real: bool) -> jax.Array:
  """The factor [..., 1, 1] that makes the deciding bin positive.

  For real objects it is a sign, by real parts, which no flip changes.
  """
  values_v_u = g_v_u
  if real:
    values_v_u = g_v_u.real
  values_k = bins.in_order_of_frequency(values_v_u)
  size_k = jnp.abs(values_k)
  floor = bins.rounding_floor(g_v_u)

  half_of_largest = 0.5 * size_k.max(-1, keepdims=True)
  first_large = jnp.argmax(size_k >= half_of_largest, -1)
  deciding = jnp.where(size_k[..., 0] > floor, 0, first_large)

  value = jnp.take_along_axis(values_k, deciding[..., None], -1)
  phase = bins.unit(value, floor[..., None])
  return jnp.conj(phase)[..., None]


def _orientation(g_v_u: jax.Array, w_k: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Whether to flip, and the margin, both [...].

  The weights decide or, where their sum is rounding, the first bin that is not.
  """
  v, u = bins.low_bins(g_v_u.shape[-1])
  imaginary_k = g_v_u.imag[..., v, u]
  unit_w_k = w_k / jnp.linalg.norm(w_k)
  unit_w_k = unit_w_k.astype(g_v_u.real.dtype)
  weighted = (imaginary_k * unit_w_k).sum(-1)

  candidates_k = jnp.concatenate([
      weighted[..., None],
      bins.in_order_of_frequency(g_v_u.imag),
  ], -1)
  floor = bins.rounding_floor(g_v_u)[..., None]
  first = jnp.argmax(jnp.abs(candidates_k) > floor, -1)
  deciding = jnp.take_along_axis(candidates_k, first[..., None], -1)
  flipped = (deciding < -floor)[..., 0]

  margin = jnp.abs(weighted) / bins.largest_magnitude(g_v_u)
  return flipped, margin


def _inexact(x: jax.Array) -> jax.Array:
  """x in a floating or complex type."""
  x = jnp.asarray(x)
  if jnp.issubdtype(x.dtype, jnp.inexact):
    return x
  return x.astype(float)
