"""Phase retrieval without a network: a constant image, and classical solvers.

The solvers are slow, so they run on the first test images only.
"""
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsig.data.records import Record
from jaxsig.errors import UserError
from jaxsig.system import Baseline, Predictions
from jaxsig.systems.phase_retrieval import canonical, far_field, solvers
from jaxsig.systems.phase_retrieval.scene import Scene, at_corner, to_middle

TITLES = {
    "er": "Error reduction",
    "hio": "Hybrid input-output",
    "raar": "Relaxed averaged alternating reflections",
    "alm": "Augmented Lagrangian",
}


class Setting(NamedTuple):
  """On what baselines are run.

  Fields:
    scene: what is measured of a record's objects.
    seed: of the measurement's noise.
    images: how many test images the solvers run on.
  """
  scene: Scene
  seed: int
  images: int


def make(config: ConfigDict, scene: Scene) -> dict[str, Baseline]:
  """{label: Baseline}: the constant, and the solvers of `config.baselines.methods`.

  Args:
    config: `baselines.images`, how many test images the solvers run on; `baselines.methods`, {name:
      {label, options}}. Options are those of `solvers.solve`, and "support", "frame" or
      "autocorrelation", and "shrinkwrap", how the support is redrawn: {} as `Shrinkwrap` has it.
    scene: what is measured of a record's objects.

  Raises:
    UserError: a method with an unknown option.
  """
  images = config.baselines.images
  if images < 0:
    raise UserError(f"baselines.images={images} is no number of images: give 0 or more")
  setting = Setting(scene, config.read.seed, images)

  baselines = {"constant": _constant(setting)}
  for name, method in config.baselines.methods.to_dict().items():
    label = method.get("label", name)
    if not label or label in baselines:
      raise UserError(
          f"baselines.methods.{name} has the label {label!r}, which is empty or another's: give it "
          "one of its own")
    baselines[label] = _solver(method["options"], setting)
  return _distinctly_titled(baselines)


def _distinctly_titled(baselines: Mapping[str, Baseline]) -> dict[str, Baseline]:
  """The baselines, where several share a title without it: their labels tell them apart."""
  uses = Counter(baseline.title for baseline in baselines.values())
  titled = {}
  for label, baseline in baselines.items():
    if uses[baseline.title] > 1:
      baseline = baseline._replace(title="")
    titled[label] = baseline
  return titled


def _constant(setting: Setting) -> Baseline:
  """The mean of the canonical training objects, whatever was measured."""
  return Baseline(
      fit=functools.partial(_mean_object, setting),
      predict=functools.partial(_predict_constant, setting),
      title="Constant: the mean of the canonical training objects",
  )


def _mean_object(setting: Setting, records: Sequence[Record]) -> np.ndarray:
  images = []
  for record in records:
    objects = setting.scene.objects_of(record)
    images.append(np.asarray(canonical.canonicalise_image(objects, setting.scene.m)))
  return np.concatenate(images).mean(0)


def _predict_constant(setting: Setting, mean_y_x: np.ndarray, record: Record) -> Predictions:
  m = setting.scene.m
  index_b = np.arange(len(record.annotations["id_t"]))
  measurement = setting.scene.measured_of(record, index_b, setting.seed)

  image = to_middle(at_corner(jnp.asarray(mean_y_x)[None], m))
  image = jnp.broadcast_to(image, (len(index_b), m, m))
  residual_b = far_field.residual(image, measurement.intensity_b_v_u)
  return _predictions(image, residual_b, index_b)


def _predictions(image: jax.Array, residual_b: jax.Array, index_b: np.ndarray) -> Predictions:
  """Predictions of the images `index_b` of a record.

  An image takes the place of a second, so `timed_s` is how many of them there are.
  """
  return {
      "image_b_v_u": np.asarray(image),
      "residual_b": np.asarray(residual_b),
      "index_b": index_b,
      "timed_s": float(len(index_b)),
  }


def _solver(given: Mapping[str, object], setting: Setting) -> Baseline:
  options = dict(given)
  support = options.pop("support", "frame")
  if support == "frame":
    support = setting.scene.n
  options["shrinkwrap"] = _shrinkwrap(options.get("shrinkwrap"))
  real = setting.scene.real
  options = {"real": real, "positivity": real, **options}
  checked = solvers.checked(options)
  return Baseline(
      fit=_no_fit,
      predict=functools.partial(_predict_solver, setting, support, options),
      title=_title(checked),
  )


def _shrinkwrap(given: Mapping[str, float] | None) -> solvers.Shrinkwrap | None:
  if given is None:
    return None
  known = solvers.Shrinkwrap._fields
  if not isinstance(given, Mapping) or not set(given) <= set(known):
    raise UserError(
        f"a solver's shrinkwrap={given} cannot be read: give a dict of {', '.join(known)}, or "
        "leave shrinkwrap out")
  return solvers.Shrinkwrap(**given)


def _title(options: solvers.Options) -> str:
  """A solver in words."""
  title = TITLES[options.method]
  if options.shrinkwrap is not None:
    title += " with shrinkwrap"
    if options.shrinkwrap != solvers.Shrinkwrap():
      title += f" (blur from {options.shrinkwrap.sigma_px:g} px)"
  title += f", {options.iterations} iterations"
  if options.restarts > 1:
    title += f", best of {options.restarts} restarts"
  return title


def _no_fit(records: Sequence[Record]) -> None:
  del records


def _predict_solver(
    setting: Setting,
    support: int | str,
    options: Mapping[str, object],
    params: None,
    record: Record,
) -> Predictions:
  del params
  m = setting.scene.m
  index_b = np.arange(_number_to_solve(setting, record))
  if not len(index_b):
    return _predictions(np.zeros((0, m, m)), np.zeros(0), index_b)

  measurement = setting.scene.measured_of(record, index_b, setting.seed)
  magnitude = jnp.sqrt(measurement.intensity_b_v_u)
  solution = solvers.solve(magnitude, measurement.keys_b, support, **options)
  image, residual_b = solvers.best(solution)
  return _predictions(to_middle(image), residual_b, index_b)


def _number_to_solve(setting: Setting, record: Record) -> int:
  """How many of a record's images are among the first test images; of a training block the first.

  Any block of the training part serves to calibrate by.
  """
  before = 0
  if record.info["part"] == "test":
    before = record.info["first"]
  return min(len(record.annotations["id_t"]), max(0, setting.images - before))
