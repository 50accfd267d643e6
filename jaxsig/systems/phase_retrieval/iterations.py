"""Phase retrieval by iterated projections: one image from one start, by error reduction, HIO, RAAR or an augmented Lagrangian.

P_M and P_S are the projections onto the images with the measured magnitude and onto those of an object (support, positivity).
"""
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxsig.systems.phase_retrieval import projections as sets


class Shrinkwrap(NamedTuple):
  """The support is redrawn around the blurred image, ever more tightly (Marchesini et al., Phys. Rev. B 68, 140101, 2003)."""
  sigma_px: float = 3.0
  least_sigma_px: float = 1.0
  decay: float = 0.97      # of sigma, from one redrawing to the next
  threshold: float = 0.1   # of the maximum of the blurred image


class Options(NamedTuple):
  """How to solve; every field is static, so that each combination compiles once."""
  method: str = "hio"                     # one of METHODS
  iterations: int = 1000                  # at most; each is one pair of Fourier transforms
  restarts: int = 1
  beta: float | None = None               # None: the method's own
  real: bool = True                       # the object is real, and its image of real dtype
  positivity: bool = True                 # it is nowhere negative
  shrinkwrap: Shrinkwrap | None = None    # None: the support stays as it is given
  every: int = 20                         # iterations from one look at the residual, and redrawing of the support, to the next
  final_er: int | None = None             # the last iterations are ER with the support as it is; None: one in twenty
  tolerance: float = 3e-3                 # an image is done at this residual: on a solved one shrinkwrap goes on to cut dim pixels


class Method(NamedTuple):
  """An iteration (x, P_M x, dual, P_S, beta, key) -> (x, dual), and the beta that suits it."""
  update: Callable
  beta: float


def _error_reduction(x, p, dual, project, beta, key):
  """x <- P_S P_M x (Gerchberg & Saxton 1972; Fienup, Appl. Opt. 21, 2758, 1982): the residual of P_S P_M x never increases."""
  return project(p), dual


def _hybrid_input_output(x, p, dual, project, beta, key):
  """x <- P_M x where the object may have that value, x - beta P_M x elsewhere (Fienup 1982, equation 44)."""
  return jnp.where(project(p) == p, p, x - beta * p), dual


def _averaged_reflections(x, p, dual, project, beta, key):
  """x <- beta / 2 (R_S R_M x + x) + (1 - beta) P_M x with R = 2 P - 1: RAAR (Luke, Inverse Problems 21, 37, 2005)."""
  return beta * (project(2 * p - x) + x) + (1 - 2 * beta) * p, dual


def _augmented_lagrangian(x, p, dual, project, beta, key):
  """Minimises ||x - P_M x||^2 / 2 subject to x in S by the method of multipliers, after Zhuang et al. (2020).

  They solve for x by L-BFGS. Here p = P_M of the last x stands for P_M x, which majorises the objective and gives x in closed
  form: the nearest to p under the penalty rho / 2 times the squared distance of x + dual / rho from S, a cone. As there, rho is
  drawn from (0, beta) in every iteration; there S is the support alone.
  """
  rho = beta * jax.random.uniform(key, (), p.real.dtype)
  pull = dual + rho * p
  dual = (pull - project(pull)) / (1 + rho)
  return p - dual, dual


METHODS = {
  "er": Method(_error_reduction, 1.0),
  "hio": Method(_hybrid_input_output, 0.9),
  "raar": Method(_averaged_reflections, 0.95),
  "alm": Method(_augmented_lagrangian, 0.1),
}


class _State(NamedTuple):
  x_y_x: jax.Array         # what is iterated
  dual_y_x: jax.Array      # the multipliers of the augmented Lagrangian; other methods leave them zero
  support_y_x: jax.Array
  image_y_x: jax.Array     # P_S P_M x of the last iteration
  residual: jax.Array      # of the image at the last look
  iterations: jax.Array


def solve_one(x_y_x: jax.Array, measured: sets.Measured, support_y_x: jax.Array, key: jax.Array, options: Options) -> tuple:
  """From x, by the method and then by error reduction, until the residual is below the tolerance.

  Args:
    x_y_x: [m, m], of complex dtype for a complex object.
    measured: the measurement of the same kind of object.
    support_y_x: [m, m] bool.
    key: of jax.random.
    options: without None but for shrinkwrap.

  Returns:
    (image [m, m] in the object's set, its residual, iterations taken). Under `vmap` a solved example is frozen.
  """
  image_y_x = sets.project_object(x_y_x, support_y_x, options.positivity)
  state = _State(x_y_x, jnp.zeros_like(x_y_x), support_y_x, image_y_x, sets.residual(image_y_x, measured), jnp.int32(0))
  left = options.iterations % options.every   # blocks have a static length: with a traced one, vmap would select in every iteration
  for last, length in ((options.iterations - left, options.every), (options.iterations, left)):
    if length and last:
      unsolved = lambda s: (s.iterations < last) & (s.residual > options.tolerance)
      state = jax.lax.while_loop(unsolved, lambda s: _block(s, length, measured, key, options), state)
  return state.image_y_x, state.residual, state.iterations


def _block(state: _State, length: int, measured: sets.Measured, key: jax.Array, options: Options) -> _State:
  """`length` iterations, then a look at the residual and, with shrinkwrap, a new support unless ER has begun."""
  state = jax.lax.fori_loop(0, length, lambda _, s: _step(s, measured, key, options), state)
  state = state._replace(residual=sets.residual(state.image_y_x, measured))
  shrinkwrap = options.shrinkwrap
  if not shrinkwrap:
    return state
  redrawn = state.iterations.astype(state.residual.dtype) / options.every - 1
  sigma_px = jnp.maximum(shrinkwrap.sigma_px * shrinkwrap.decay ** redrawn, shrinkwrap.least_sigma_px)
  support_y_x = sets.shrunk_support(state.image_y_x, sigma_px, shrinkwrap.threshold)
  method_goes_on = state.iterations <= options.iterations - options.final_er
  return state._replace(support_y_x=jnp.where(method_goes_on, support_y_x, state.support_y_x))


def _step(state: _State, measured: sets.Measured, key: jax.Array, options: Options) -> _State:
  """One iteration of the method, or of error reduction at the end."""
  project = lambda x_y_x: sets.project_object(x_y_x, state.support_y_x, options.positivity)
  p_y_x = sets.project_magnitude(state.x_y_x, measured)
  key = jax.random.fold_in(key, state.iterations)
  x_y_x, dual_y_x = METHODS[options.method].update(state.x_y_x, p_y_x, state.dual_y_x, project, options.beta, key)
  x_y_x = jnp.where(state.iterations < options.iterations - options.final_er, x_y_x, project(p_y_x))
  return state._replace(x_y_x=x_y_x, dual_y_x=dual_y_x, image_y_x=project(p_y_x), iterations=state.iterations + 1)
