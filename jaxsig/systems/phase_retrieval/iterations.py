"""Phase retrieval by iterated projections: one image from one start.

The methods are error reduction, HIO, RAAR and an augmented Lagrangian. P_M and P_S are the
projections onto the images with the measured magnitude and onto those of an object (support,
positivity).
"""
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxsig.systems.phase_retrieval import projections

Projection = Callable[[jax.Array], jax.Array]


class Shrinkwrap(NamedTuple):
  """How the support is redrawn around the blurred image, ever more tightly.

  Marchesini et al., Phys. Rev. B 68, 140101, 2003.
  """
  sigma_px: float = 3.0
  least_sigma_px: float = 1.0
  decay: float = 0.97      # of sigma, from one redrawing to the next
  threshold: float = 0.1   # of the maximum of the blurred image


class Options(NamedTuple):
  """How to solve; every field is static, so that each combination compiles once.

  Fields:
    method: one of METHODS.
    iterations: at most; each is one pair of Fourier transforms.
    restarts: starts for each image.
    beta: of the method; None takes the method's own.
    real: the object is real, and its image of real dtype.
    positivity: the object is nowhere negative.
    shrinkwrap: how the support is redrawn; None leaves it as it is given.
    every: iterations from one computation of the residual (and redrawing of the support) to the
      next.
    final_er: how many of the last iterations are error reduction with the support as it is; None
      takes one in twenty.
    tolerance: an image is done at this residual: on a solved one, shrinkwrap would go on to cut dim
      pixels.
  """
  method: str = "hio"
  iterations: int = 1000
  restarts: int = 1
  beta: float | None = None
  real: bool = True
  positivity: bool = True
  shrinkwrap: Shrinkwrap | None = None
  every: int = 20
  final_er: int | None = None
  tolerance: float = 3e-3


# --- methods: one iteration each

class Method(NamedTuple):
  """An iteration (x, P_M x, dual, P_S, beta, key) -> (x, dual), and the beta that suits it."""
  update: Callable[..., tuple[jax.Array, jax.Array]]
  beta: float


def _error_reduction(
    x: jax.Array,
    p: jax.Array,
    dual: jax.Array,
    project: Projection,
    beta: float,
    key: jax.Array,
) -> tuple[jax.Array, jax.Array]:
  """x <- P_S P_M x: the residual of P_S P_M x never increases.

  Gerchberg & Saxton 1972; Fienup, Appl. Opt. 21, 2758, 1982.
  """
  del x, beta, key
  return project(p), dual


def _hybrid_input_output(
    x: jax.Array,
    p: jax.Array,
    dual: jax.Array,
    project: Projection,
    beta: float,
    key: jax.Array,
) -> tuple[jax.Array, jax.Array]:
  """x <- P_M x where the object may have that value, x - beta P_M x elsewhere.

  Fienup 1982, equation 44.
  """
  del key
  is_allowed = project(p) == p
  x = jnp.where(is_allowed, p, x - beta * p)
  return x, dual


def _averaged_reflections(
    x: jax.Array,
    p: jax.Array,
    dual: jax.Array,
    project: Projection,
    beta: float,
    key: jax.Array,
) -> tuple[jax.Array, jax.Array]:
  """RAAR: x <- beta / 2 (R_S R_M x + x) + (1 - beta) P_M x with R = 2 P - 1.

  Luke, Inverse Problems 21, 37, 2005.
  """
  del key
  projected = project(2 * p - x)
  x = beta * (projected + x) + (1 - 2 * beta) * p
  return x, dual


def _augmented_lagrangian(
    x: jax.Array,
    p: jax.Array,
    dual: jax.Array,
    project: Projection,
    beta: float,
    key: jax.Array,
) -> tuple[jax.Array, jax.Array]:
  """Minimises ||x - P_M x||^2 / 2 subject to x in S by the method of multipliers.

  After Zhuang et al. (2020), who solve for x by L-BFGS. Here p = P_M of the last x stands for
  P_M x, which majorises the objective and gives x in closed form: the nearest to p under the
  penalty rho / 2 times the squared distance of x + dual / rho from S, a cone. As there, rho is
  drawn from (0, beta) in every iteration; there S is the support alone.
  """
  del x
  rho = beta * jax.random.uniform(key, (), p.real.dtype)
  pull = dual + rho * p
  outside = pull - project(pull)
  dual = outside / (1 + rho)
  return p - dual, dual


METHODS = {
    "er": Method(_error_reduction, 1.0),
    "hio": Method(_hybrid_input_output, 0.9),
    "raar": Method(_averaged_reflections, 0.95),
    "alm": Method(_augmented_lagrangian, 0.1),
}


# --- one solve

class Solved(NamedTuple):
  """An image in the object's set, its residual, and the iterations it took."""
  image_y_x: jax.Array
  residual: jax.Array
  iterations: jax.Array


class _State(NamedTuple):
  """What an iteration hands to the next."""
  x_y_x: jax.Array         # what is iterated
  dual_y_x: jax.Array      # multipliers of the augmented Lagrangian; other methods leave them zero
  support_y_x: jax.Array
  image_y_x: jax.Array     # P_S P_M x of the last iteration
  residual: jax.Array      # of the image when it was last computed
  iterations: jax.Array


def solve_one(
    x_y_x: jax.Array,
    measured: projections.Measured,
    support_y_x: jax.Array,
    key: jax.Array,
    options: Options,
) -> Solved:
  """Iterates from x by the method, then by error reduction, until the residual is small enough.

  Under `vmap` a solved example is frozen.

  Args:
    x_y_x: [m, m], of complex dtype for a complex object.
    measured: the measurement of the same kind of object.
    support_y_x: [m, m] bool.
    key: of jax.random.
    options: without None except for shrinkwrap.

  Returns:
    The image [m, m] with its residual, below the tolerance unless the iterations ran out.
  """
  image_y_x = projections.project_object(x_y_x, support_y_x, options.positivity)
  state = _State(
      x_y_x=x_y_x,
      dual_y_x=jnp.zeros_like(x_y_x),
      support_y_x=support_y_x,
      image_y_x=image_y_x,
      residual=projections.residual(image_y_x, measured),
      iterations=jnp.int32(0),
  )

  # Blocks have a static length: with a traced one, vmap would select in every iteration. So the
  # iterations that fill no whole block are a block of their own.
  left_over = options.iterations % options.every
  in_whole_blocks = options.iterations - left_over
  if in_whole_blocks:
    state = _blocks_until(in_whole_blocks, options.every, state, measured, key, options)
  if left_over:
    state = _blocks_until(options.iterations, left_over, state, measured, key, options)

  return Solved(state.image_y_x, state.residual, state.iterations)


def _blocks_until(
    last: int,
    length: int,
    state: _State,
    measured: projections.Measured,
    key: jax.Array,
    options: Options,
) -> _State:
  """Blocks of `length` iterations until the image is solved or `last` iterations are done."""
  def goes_on(state: _State) -> jax.Array:
    is_unsolved = state.residual > options.tolerance
    return (state.iterations < last) & is_unsolved

  def block(state: _State) -> _State:
    return _block(state, length, measured, key, options)

  return jax.lax.while_loop(goes_on, block, state)


def _block(
    state: _State,
    length: int,
    measured: projections.Measured,
    key: jax.Array,
    options: Options,
) -> _State:
  """`length` iterations, then the residual and, with shrinkwrap, a new support.

  The support stays as it is once error reduction has begun.
  """
  def step(_: jax.Array, state: _State) -> _State:
    return _step(state, measured, key, options)

  state = jax.lax.fori_loop(0, length, step, state)
  residual = projections.residual(state.image_y_x, measured)
  state = state._replace(residual=residual)
  shrinkwrap = options.shrinkwrap
  if not shrinkwrap:
    return state

  redrawings = state.iterations.astype(residual.dtype) / options.every - 1
  sigma_px = shrinkwrap.sigma_px * shrinkwrap.decay ** redrawings
  sigma_px = jnp.maximum(sigma_px, shrinkwrap.least_sigma_px)
  redrawn_y_x = projections.shrunk_support(state.image_y_x, sigma_px, shrinkwrap.threshold)

  method_goes_on = state.iterations <= options.iterations - options.final_er
  support_y_x = jnp.where(method_goes_on, redrawn_y_x, state.support_y_x)
  return state._replace(support_y_x=support_y_x)


def _step(
    state: _State,
    measured: projections.Measured,
    key: jax.Array,
    options: Options,
) -> _State:
  """One iteration of the method, or of error reduction at the end."""
  def project(x_y_x: jax.Array) -> jax.Array:
    return projections.project_object(x_y_x, state.support_y_x, options.positivity)

  p_y_x = projections.project_magnitude(state.x_y_x, measured)
  image_y_x = project(p_y_x)

  method = METHODS[options.method]
  x_y_x, dual_y_x = method.update(
      state.x_y_x,
      p_y_x,
      state.dual_y_x,
      project,
      options.beta,
      jax.random.fold_in(key, state.iterations),
  )

  is_method = state.iterations < options.iterations - options.final_er
  return state._replace(
      x_y_x=jnp.where(is_method, x_y_x, image_y_x),
      dual_y_x=dual_y_x,
      image_y_x=image_y_x,
      iterations=state.iterations + 1,
  )
