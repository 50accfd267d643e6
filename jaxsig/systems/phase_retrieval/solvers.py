"""Phase retrieval without training, batched over images and restarts.

Images are recovered from the magnitudes of their Fourier transforms. Shift, flip and global phase
of an object are lost in the measurement, so every image stands for all of its symmetric copies.
"""
import difflib
import functools
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import projections
from jaxsig.systems.phase_retrieval.iterations import (
    METHODS,
    Options,
    Shrinkwrap,
    Solved,
    solve_one,
)

__all__ = ["METHODS", "Options", "Shrinkwrap", "Solution", "best", "solve"]

# A group ends with its slowest member: on one core that wait costs more than batching the
# transforms gains.
CPU_GROUP = 1

Shape = tuple[int | None, ...]   # None: any length


class Solution(NamedTuple):
  """Images in the object's set, their relative Fourier residuals, and the iterations they took."""
  image_b_r_y_x: jax.Array
  residual_b_r: jax.Array
  iterations_b_r: jax.Array


class _Starts(NamedTuple):
  """What every restart begins with."""
  measured_b: projections.Measured
  x_b_r_y_x: jax.Array   # with random phases
  keys_b_r: jax.Array


def solve(
    magnitude_b_v_u: jax.Array,
    keys_b: jax.Array,
    support: int | str | jax.Array,
    measured_v_u: jax.Array | None = None,
    start: jax.Array | None = None,
    group: int | None = None,
    **options: object,
) -> Solution:
  """Solves images from Fourier magnitudes.

  Neither the other images of a batch nor the number of restarts change a result.

  Args:
    magnitude_b_v_u: [b, m, m] square root of the intensity, zero frequency at [0, 0]; the
      computation has its dtype.
    keys_b: [b] keys of jax.random, one an image.
    support: n for a frame of n x n pixels at the corner, "autocorrelation", or an array [b, m, m]
      or [m, m], nonzero inside.
    measured_v_u: [m, m], 0 where nothing is measured (a beam stop); everything is measured by
      default.
    start: [b, s, m, m], images from which the first s restarts begin, or [b, m, m] for the first;
      random phases for the others.
    group: how many image-restarts are solved at once, for time and memory: by default one on a CPU,
      else all. The last bits of a residual depend on it.
    **options: fields of `Options`.

  Returns:
    Solution with image [b, r, m, m], residual [b, r] and iterations [b, r]. The residual is
    || |F x| - magnitude || over || magnitude ||, on the measured bins, of the image as it is
    returned.

  Raises:
    UserError: an unknown method, support or option, positivity of a complex object, or arrays whose
      shapes do not fit.
  """
  options = checked(options)
  magnitude_b_v_u = jnp.asarray(magnitude_b_v_u)
  _check_shape("magnitude", magnitude_b_v_u, (None, None, None))
  shape = magnitude_b_v_u.shape
  _check_shape("keys", keys_b, shape[:1])

  seen_v_u = _seen_bins(measured_v_u, shape[1:])
  support_b_y_x = _supports(support, magnitude_b_v_u, seen_v_u)
  starts = _random_starts(
      magnitude_b_v_u,
      seen_v_u,
      keys_b,
      options.restarts,
      options.real,
  )
  if start is not None:
    starts = _with_given_images(starts, start)

  units = shape[0] * options.restarts
  return _solve(starts, support_b_y_x, options, _group_size(group, units))


def best(solution: Solution) -> tuple[jax.Array, jax.Array]:
  """The restart with the smallest residual: images [b, m, m] and their residuals [b]."""
  b = jnp.arange(len(solution.residual_b_r))
  r = jnp.nanargmin(solution.residual_b_r, 1)
  return solution.image_b_r_y_x[b, r], solution.residual_b_r[b, r]


# --- checks

def checked(given: Mapping[str, object]) -> Options:
  """Options with the method's own values in place of None.

  Raises:
    UserError: as `solve` does.
  """
  for name in given:
    _check_known("option", name, Options._fields)
  options = Options(**given)
  _check_known("method", options.method, METHODS)

  if options.positivity and not options.real:
    raise UserError("a complex object has no sign: set positivity=False with real=False")

  is_negative = options.iterations < 0 or (options.final_er or 0) < 0
  is_below_one = options.restarts < 1 or options.every < 1
  if is_negative or is_below_one:
    raise UserError(
        "phase retrieval counts iterations and final_er from 0, restarts and every from 1")

  beta = options.beta
  if beta is None:
    beta = METHODS[options.method].beta

  final_er = options.final_er
  if final_er is None:
    final_er = options.iterations // 20
  final_er = min(final_er, options.iterations)
  return options._replace(beta=beta, final_er=final_er)


def _check_known(kind: str, name: str, names: Iterable[str]) -> None:
  """Raises UserError, with the nearest name as a hint, where a name is unknown."""
  if name in names:
    return

  close = difflib.get_close_matches(name, names, 1, 0.5)
  if close:
    hint = f"did you mean {close[0]!r}?"
  else:
    hint = f"known are {', '.join(names)}"
  raise UserError(f"unknown {kind} {name!r} of phase retrieval; {hint}")


def _check_shape(name: str, array: jax.Array, wanted: Shape) -> None:
  """Raises UserError where an array has another shape."""
  fits = len(array.shape) == len(wanted)
  for length, wanted_length in zip(array.shape, wanted):
    if wanted_length is not None and length != wanted_length:
      fits = False
  if fits:
    return

  lengths = []
  for wanted_length in wanted:
    if wanted_length is None:
      lengths.append("any")
    else:
      lengths.append(str(wanted_length))
  raise UserError(
      f"{name} has shape {list(array.shape)} where phase retrieval takes [{', '.join(lengths)}]")


# --- supports and starts

def _seen_bins(measured_v_u: jax.Array | None, shape: tuple[int, int]) -> jax.Array:
  """Which bins [m, m] are measured; all of them where nothing is given."""
  if measured_v_u is None:
    return jnp.ones(shape, bool)
  seen_v_u = jnp.asarray(measured_v_u) > 0
  _check_shape("measured", seen_v_u, shape)
  return seen_v_u


def _supports(
    support: int | str | jax.Array,
    magnitude_b_v_u: jax.Array,
    seen_v_u: jax.Array,
) -> jax.Array:
  """Supports [b, m, m] bool from any kind of support."""
  shape = magnitude_b_v_u.shape
  if isinstance(support, str):
    _check_known("support", support, ["autocorrelation"])
    return _autocorrelation_supports(magnitude_b_v_u, seen_v_u)
  if isinstance(support, int):
    support = _frame(support, shape[1:])

  support = jnp.asarray(support) != 0
  if support.ndim == 2:
    _check_shape("support", support, shape[1:])
  else:
    _check_shape("support", support, shape)
  return jnp.broadcast_to(support, shape)


def _frame(n: int, shape: tuple[int, int]) -> np.ndarray:
  """The support [m, m] of n x n pixels at the corner."""
  h, w = shape
  largest = min(shape)
  if not 0 < n <= largest:
    raise UserError(
        f"a frame of {n} pixels does not fit an image of {h} x {w}: give 1 to {largest}")

  in_rows = np.arange(h) < n
  in_columns = np.arange(w) < n
  return in_rows[:, None] & in_columns


@jax.jit
def _autocorrelation_supports(magnitude_b_v_u: jax.Array, seen_v_u: jax.Array) -> jax.Array:
  """Supports [b, m, m] from the autocorrelations, with hidden bins taken for zero."""
  seen_magnitude_b_v_u = jnp.where(seen_v_u, magnitude_b_v_u, 0)
  return jax.vmap(projections.autocorrelation_support)(seen_magnitude_b_v_u)


@functools.partial(jax.jit, static_argnames=("restarts", "real"))
def _random_starts(
    magnitude_b_v_u: jax.Array,
    seen_v_u: jax.Array,
    keys_b: jax.Array,
    restarts: int,
    real: bool,
) -> _Starts:
  """Measurements, starts with random phases, and keys of every restart.

  The key of a restart is its image's, folded with the restart's number.
  """
  dtype = magnitude_b_v_u.dtype
  if not real:
    dtype = jnp.result_type(magnitude_b_v_u, jnp.complex64)

  def fold(magnitude_v_u: jax.Array) -> projections.Measured:
    return projections.fold_magnitude(magnitude_v_u, seen_v_u, real)

  def start(
      r: jax.Array,
      key: jax.Array,
      measured: projections.Measured,
  ) -> tuple[jax.Array, jax.Array]:
    key_start, key = jax.random.split(jax.random.fold_in(key, r))
    noise_y_x = jax.random.normal(key_start, seen_v_u.shape, dtype)
    # Hidden bins are 0 to begin with: as if they were measured.
    all_measured = measured._replace(weight_v_u=jnp.ones_like(measured.weight_v_u))
    return projections.project_magnitude(noise_y_x, all_measured), key

  measured_b = jax.vmap(fold)(magnitude_b_v_u)
  starts_of_image = jax.vmap(start, (0, None, None))
  starts_of_images = jax.vmap(starts_of_image, (None, 0, 0))
  x_b_r_y_x, keys_b_r = starts_of_images(jnp.arange(restarts), keys_b, measured_b)
  return _Starts(measured_b, x_b_r_y_x, keys_b_r)


def _with_given_images(starts: _Starts, start: jax.Array) -> _Starts:
  """The same with images for the first restarts, [b, s, m, m] or [b, m, m] for the first."""
  start = jnp.asarray(start)
  if start.ndim == 3:
    start = start[:, None]
  b, restarts, *shape = starts.x_b_r_y_x.shape
  _check_shape("start", start, (b, None, *shape))

  given = start[:, :restarts].astype(starts.x_b_r_y_x.dtype)
  count = given.shape[1]
  x_b_r_y_x = jnp.concatenate([given, starts.x_b_r_y_x[:, count:]], 1)
  return starts._replace(x_b_r_y_x=x_b_r_y_x)


def _group_size(group: int | None, units: int) -> int:
  """How many image-restarts are solved at once: what is asked for, or what suits the backend."""
  if group:
    return min(group, units)
  if jax.default_backend() == "cpu":
    return min(CPU_GROUP, units)
  return units


# --- all restarts of all images

@functools.partial(jax.jit, static_argnames=("options", "group"))
def _solve(
    starts: _Starts,
    support_b_y_x: jax.Array,
    options: Options,
    group: int,
) -> Solution:
  """Solves every restart of every image, `group` at a time."""
  measured_b, x_b_r_y_x, keys_b_r = starts

  def solve_unit(unit: jax.Array) -> Solved:
    b = unit // options.restarts
    r = unit % options.restarts
    measured = jax.tree.map(lambda leaf: leaf[b], measured_b)
    return solve_one(
        x_b_r_y_x[b, r],
        measured,
        support_b_y_x[b],
        keys_b_r[b, r],
        options,
    )

  units = jnp.arange(keys_b_r.size)
  solved = jax.lax.map(solve_unit, units, batch_size=group)

  def by_image_and_restart(leaf: jax.Array) -> jax.Array:
    return leaf.reshape(*keys_b_r.shape, *leaf.shape[1:])

  return Solution(
      by_image_and_restart(solved.image_y_x),
      by_image_and_restart(solved.residual),
      by_image_and_restart(solved.iterations),
  )
