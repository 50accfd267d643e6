"""Phase retrieval without training: images from the magnitudes of their Fourier transforms, batched over images and restarts.

Shift, flip and global phase of an object are lost in the measurement, so every image stands for all of its symmetric copies.
"""
import difflib
import functools
from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError
from jaxsig.systems.phase_retrieval import projections as sets
from jaxsig.systems.phase_retrieval.iterations import METHODS, Options, Shrinkwrap, solve_one

__all__ = ["METHODS", "Options", "Shrinkwrap", "Solution", "best", "solve"]
CPU_GROUP = 1   # a group ends with its slowest member: on one core that wait costs more than batching the transforms gains


class Solution(NamedTuple):
  """Images in the object's set, their relative Fourier residuals, and the iterations that each took."""
  image_b_r_y_x: jax.Array
  residual_b_r: jax.Array
  iterations_b_r: jax.Array


def solve(magnitude_b_v_u: jax.Array, keys_b: jax.Array, support: int | str | jax.Array, measured_v_u: jax.Array | None = None,
          start: jax.Array | None = None, group: int | None = None, **options) -> Solution:
  """Images from Fourier magnitudes; neither an image's batch mates nor the number of restarts change a result.

  Args:
    magnitude_b_v_u: [b, m, m] square root of the intensity, zero frequency at [0, 0]; the computation has its dtype.
    keys_b: [b] keys of jax.random, one an image.
    support: n for a frame of n x n pixels at the corner, "autocorrelation", or an array [b, m, m] or [m, m], nonzero inside.
    measured_v_u: [m, m], 0 where nothing is measured (a beam stop); everything is measured by default.
    start: [b, s, m, m], images from which the first s restarts begin, or [b, m, m] for the first; random phases for the others.
    group: how many image-restarts are solved at once, for time and memory: by default one on a CPU, else all. The last bits of a
      residual depend on it.
    **options: fields of `Options`.

  Returns:
    Solution with image [b, r, m, m], residual [b, r] and iterations [b, r]. The residual is || |F x| - magnitude || over
    || magnitude ||, on the measured bins, of the image as it is returned.

  Raises:
    UserError: an unknown method, support or option, positivity of a complex object, or arrays whose shapes do not fit.
  """
  options = checked(options)
  magnitude_b_v_u = jnp.asarray(magnitude_b_v_u)
  _fits("magnitude", magnitude_b_v_u, (None, None, None))
  shape = magnitude_b_v_u.shape
  _fits("keys", keys_b, shape[:1])
  seen_v_u = jnp.ones(shape[1:], bool) if measured_v_u is None else jnp.asarray(measured_v_u) > 0
  _fits("measured", seen_v_u, shape[1:])
  support_b_y_x = _supports(support, magnitude_b_v_u, seen_v_u)
  measured_b, x_b_r_y_x, keys_b_r = _begin(magnitude_b_v_u, seen_v_u, keys_b, options.restarts, options.real)
  if start is not None:
    start_b_s_y_x = _starts(start, shape)[:, :options.restarts].astype(x_b_r_y_x.dtype)
    x_b_r_y_x = jnp.concatenate([start_b_s_y_x, x_b_r_y_x[:, start_b_s_y_x.shape[1]:]], 1)
  units = shape[0] * options.restarts
  group = group or (CPU_GROUP if jax.default_backend() == "cpu" else units)
  return _solve(x_b_r_y_x, measured_b, support_b_y_x, keys_b_r, options, min(group, units))


def checked(given: dict) -> Options:
  """Options with the method's own values in place of None; raises UserError as `solve` does."""
  for name in given:
    _known("option", name, Options._fields)
  options = Options(**given)
  _known("method", options.method, METHODS)
  if options.positivity and not options.real:
    raise UserError("a complex object has no sign: set positivity=False with real=False")
  if min(options.iterations, options.restarts - 1, options.every - 1, options.final_er or 0) < 0:
    raise UserError("phase retrieval counts iterations and final_er from 0, restarts and every from 1")
  beta = METHODS[options.method].beta if options.beta is None else options.beta
  final_er = options.iterations // 20 if options.final_er is None else min(options.final_er, options.iterations)
  return options._replace(beta=beta, final_er=final_er)


def best(solution: Solution) -> tuple[jax.Array, jax.Array]:
  """The restart with the smallest residual of each image: (image [b, m, m], residual [b])."""
  b, r = jnp.arange(len(solution.residual_b_r)), jnp.nanargmin(solution.residual_b_r, 1)
  return solution.image_b_r_y_x[b, r], solution.residual_b_r[b, r]


def _known(kind: str, name: str, names: Iterable[str]) -> None:
  if name not in names:
    close = difflib.get_close_matches(name, names, 1, 0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
    raise UserError(f"unknown {kind} {name!r} of phase retrieval; {hint}")


def _fits(name: str, array: jax.Array, shape: tuple[int | None, ...]) -> None:
  if len(array.shape) != len(shape) or any(want not in (None, got) for got, want in zip(array.shape, shape)):
    wanted = ", ".join("any" if n is None else str(n) for n in shape)
    raise UserError(f"{name} has shape {list(array.shape)} where phase retrieval takes [{wanted}]")


def _supports(support: int | str | jax.Array, magnitude_b_v_u: jax.Array, seen_v_u: jax.Array) -> jax.Array:
  """[b, m, m] bool from any kind of support."""
  shape = magnitude_b_v_u.shape
  if isinstance(support, str):
    _known("support", support, ["autocorrelation"])
    return _autocorrelation_supports(magnitude_b_v_u, seen_v_u)
  if isinstance(support, int):
    if not 0 < support <= min(shape[1:]):
      raise UserError(f"a frame of {support} pixels does not fit an image of {shape[1]} x {shape[2]}: give 1 to {min(shape[1:])}")
    inside = np.arange(shape[1])[:, None] < support
    support = inside & (np.arange(shape[2]) < support)
  support = jnp.asarray(support) != 0
  _fits("support", support, shape[1:] if support.ndim == 2 else shape)
  return jnp.broadcast_to(support, shape)


@jax.jit
def _autocorrelation_supports(magnitude_b_v_u: jax.Array, seen_v_u: jax.Array) -> jax.Array:
  return jax.vmap(sets.autocorrelation_support)(jnp.where(seen_v_u, magnitude_b_v_u, 0))


def _starts(start: jax.Array, shape: tuple[int, ...]) -> jax.Array:
  """[b, s, m, m] from [b, s, m, m] or [b, m, m]."""
  start = jnp.asarray(start)
  start = start[:, None] if start.ndim == 3 else start
  _fits("start", start, (shape[0], None, *shape[1:]))
  return start


@functools.partial(jax.jit, static_argnames=("restarts", "real"))
def _begin(magnitude_b_v_u: jax.Array, seen_v_u: jax.Array, keys_b: jax.Array, restarts: int, real: bool) -> tuple:
  """(measured [b], starts [b, r, m, m] with random phases, keys [b, r]); the key of a restart is its image's, folded with r."""
  dtype = magnitude_b_v_u.dtype if real else jnp.result_type(magnitude_b_v_u, jnp.complex64)

  def restart(r, key, measured):
    key_start, key = jax.random.split(jax.random.fold_in(key, r))
    everywhere = measured._replace(weight_v_u=jnp.ones_like(measured.weight_v_u))   # hidden bins are 0 to begin with
    return sets.project_magnitude(jax.random.normal(key_start, seen_v_u.shape, dtype), everywhere), key

  measured_b = jax.vmap(lambda magnitude_v_u: sets.fold_magnitude(magnitude_v_u, seen_v_u, real))(magnitude_b_v_u)
  restarts_of = jax.vmap(restart, (0, None, None))
  return measured_b, *jax.vmap(restarts_of, (None, 0, 0))(jnp.arange(restarts), keys_b, measured_b)


@functools.partial(jax.jit, static_argnames=("options", "group"))
def _solve(x_b_r_y_x: jax.Array, measured_b: sets.Measured, support_b_y_x: jax.Array, keys_b_r: jax.Array, options: Options,
           group: int) -> Solution:
  """Solves every restart of every image, `group` at a time."""
  def unit(u):
    b, r = u // options.restarts, u % options.restarts
    measured = jax.tree.map(lambda a: a[b], measured_b)
    return solve_one(x_b_r_y_x[b, r], measured, support_b_y_x[b], keys_b_r[b, r], options)

  units = jax.lax.map(unit, jnp.arange(keys_b_r.size), batch_size=group)
  return Solution(*(a.reshape(*keys_b_r.shape, *a.shape[1:]) for a in units))
