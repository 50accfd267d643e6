"""Phase retrieval without a network, in the same rows: a constant image, and the classical solvers on the first test images."""
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig.errors import UserError
from jaxsig.system import Method
from jaxsig.systems.phase_retrieval import canonical, far_field, registration
from jaxsig.systems.phase_retrieval import projections as phase_projections
from jaxsig.systems.phase_retrieval import solvers as phase_solvers

# Chosen on validation images: how a proposal's support is drawn, and HIO from there on, where little blur is enough
PROPOSED = phase_solvers.Shrinkwrap(sigma_px=1.0, threshold=0.12)
FROM_PROPOSAL = {"hio": {"beta": 0.8, "shrinkwrap": phase_solvers.Shrinkwrap(0.8, 0.8, 1.0, 0.07)}}


def methods(options: dict, m: int, real: bool, objects: Callable, measured: Callable) -> dict[str, Method]:
  """The rivals of `config.solvers`.

  Args:
    options: `images`, how many test images the solvers run on (they are slow), and `methods`, {name: options of `phase_solvers.solve`,
      and "support", "frame" or "autocorrelation", and "shrinkwrap", how the support is redrawn: {} as `Shrinkwrap` has it}.
    m: side of the intensities.
    real: whether objects are real (and then not negative).
    objects: (record) -> [t, n, n] its objects.
    measured: (record, indices) -> (intensity [b, m, m], keys [b]) of some of its images.

  Raises:
    UserError: a method with an unknown option.
  """
  if options["images"] < 0:
    raise UserError(f"solvers.images={options['images']} is no number of images: give 0 or more")
  found = {name: _solver(dict(given), options["images"], m, real, objects, measured) for name, given in options["methods"].items()}
  return {"constant": _constant(m, objects, measured), **found}


def to_middle(image_b_v_u: jax.Array) -> jax.Array:
  """Images rolled so that their energy lies around the middle of the grid: nothing of a compact object wraps around."""
  m = image_b_v_u.shape[-1]
  energy = jnp.abs(image_b_v_u) ** 2
  turn = jnp.exp(2j * jnp.pi * np.arange(m) / m)
  middle = lambda axis: jnp.round(jnp.angle((energy.sum(axis) * turn).sum(-1)) / (2 * jnp.pi) * m).astype(int)
  return far_field.roll(image_b_v_u, m // 2 - middle(-1), m // 2 - middle(-2))


def refined(image_b_v_u: jax.Array, intensity_b_v_u: jax.Array, keys_b: jax.Array, options: dict, real: bool,
            seen_v_u: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
  """A classical solver from a proposal: (image [b, m, m] in the middle, residual [b]), the best of restarts by residual.

  All restarts are given the proposal's support, which HIO then redraws (shrinkwrap) and the others keep; the first also starts
  from its image.

  Args:
    image_b_v_u: [b, m, m] the proposals.
    intensity_b_v_u: [b, m, m].
    keys_b: [b] random keys.
    options: "method" (HIO where it is not there), "iterations" and "restarts" of `phase_solvers.Options`.
    real: the objects are real, and then not negative.
    seen_v_u: [m, m], 0 where nothing is measured.

  Raises:
    UserError: an unknown method.
  """
  support = jax.vmap(lambda image: phase_projections.shrunk_support(image, PROPOSED.sigma_px, PROPOSED.threshold))(image_b_v_u)
  options = {**FROM_PROPOSAL.get(options.get("method", "hio"), {}), **options, "real": real, "positivity": real}
  found = phase_solvers.solve(jnp.sqrt(intensity_b_v_u), keys_b, support, seen_v_u, start=image_b_v_u, **options)
  image, residual_b = phase_solvers.best(found)
  return to_middle(image), residual_b


def _constant(m: int, objects: Callable, measured: Callable) -> Method:
  """The mean of the canonical training objects, whatever was measured."""
  def fit(records: list) -> np.ndarray:
    images = [np.asarray(canonical.canonicalise_image(objects(r), m)) for r in records]
    return np.concatenate(images).mean(0)

  def predict(mean_y_x: np.ndarray, record: Any) -> dict:
    indices = np.arange(len(record.annotations["id_t"]))
    intensity, _ = measured(record, indices)
    image = to_middle(jnp.pad(jnp.asarray(mean_y_x), (0, m - len(mean_y_x)))[None])
    image = jnp.broadcast_to(image, (len(indices), m, m))
    return _found(image, far_field.residual(image, intensity), indices, objects(record))

  return Method(fit, predict)


def _found(image: jax.Array, residual_b: jax.Array, indices: np.ndarray, objects_t_y_x: jax.Array) -> dict[str, np.ndarray]:
  aligned = registration.align(image, objects_t_y_x[indices]).image   # for pictures
  return {"image_b_v_u": np.asarray(image), "residual_b": np.asarray(residual_b), "index_b": indices, "aligned_b_y_x": np.asarray(aligned)}


def _solver(options: dict, images: int, m: int, real: bool, objects: Callable, measured: Callable) -> Method:
  support, redrawn = options.pop("support", "frame"), options.pop("shrinkwrap", None)
  known = phase_solvers.Shrinkwrap._fields
  if redrawn is not None and not (isinstance(redrawn, dict) and redrawn.keys() <= {*known}):
    raise UserError(f"a solver's shrinkwrap={redrawn} cannot be read: give a dict of {', '.join(known)}, or leave shrinkwrap out")
  redrawn = None if redrawn is None else phase_solvers.Shrinkwrap(**redrawn)
  options = {"real": real, "positivity": real, **options, "shrinkwrap": redrawn}
  phase_solvers.checked(options)

  def predict(params: None, record: Any) -> dict:
    del params
    before = record.info["first"] if record.info["part"] == "test" else 0   # any block of the training part serves to calibrate by
    indices = np.arange(min(len(record.annotations["id_t"]), max(0, images - before)))
    if not len(indices):
      return {"image_b_v_u": np.zeros((0, m, m)), "residual_b": np.zeros(0), "index_b": indices}
    intensity, keys_b = measured(record, indices)
    x_t_y_x = objects(record)
    solution = phase_solvers.solve(jnp.sqrt(intensity), keys_b, x_t_y_x.shape[-1] if support == "frame" else support, **options)
    image, residual_b = phase_solvers.best(solution)
    return {**_found(to_middle(image), residual_b, indices, x_t_y_x), "iterations_b": np.asarray(solution.iterations_b_r.sum(1))}

  return Method(lambda records: None, predict)
