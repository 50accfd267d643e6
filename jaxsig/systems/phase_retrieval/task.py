"""Phase retrieval: a network from Fourier magnitudes to the object, trained on targets in which the symmetries are broken, or are not.

Shift, conjugate flip and global phase leave the measurement |F x|^2 as it is, so a network that is told to find the object as it
lay learns an average of equivalents (Tayal et al. 2020). Batches hold `image_b_y_x` (uint8; and `phase_b_y_x` in radians for complex
objects), `id_b` (an image's own number, of which its shift and flip are drawn) and `mask_b`.
"""
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig import rng
from jaxsig.config import nearest
from jaxsig.errors import UserError
from jaxsig.system import Task
from jaxsig.systems.phase_retrieval import baselines as classical
from jaxsig.systems.phase_retrieval import canonical, far_field, registration, solved
from jaxsig.systems.phase_retrieval.canonical import image_about
from jaxsig.systems.phase_retrieval.network import HEADS, MagnitudeUNet, heads, image_map, magnitude_features, unit_phases
from jaxsig.systems.phase_retrieval.score import score_block, solved_b
from jaxsig.systems.phase_retrieval.targets import TARGETS, Target, target_of

VARIANTS = {"none": (False, False), "flip": (False, True), "shift": (True, False), "shift_flip": (True, True)}
LOSSES = ("circle", "weighted", "image", "group")
PHASE_ONLY = ("circle", "weighted")


class Scene(NamedTuple):
  """Objects as they lie in their n-frame, and what is measured of them on the m-grid."""
  n: int
  m: int
  shift: bool
  flip: bool
  photons: float | tuple[float, float]   # expected in an image; of two, each image has its own between them, even in the logarithm
  complex_objects: bool

  def objects(self, image_b_y_x: jax.Array, phase_b_y_x: jax.Array | None = None) -> jax.Array:
    """[b, n, n], real in [0, 1] or complex, in the middle of the frame."""
    x = jnp.asarray(image_b_y_x, jnp.float32) / 255
    if self.complex_objects:
      x = x * jnp.exp(1j * jnp.asarray(phase_b_y_x, jnp.float32))
    room = [self.n - size for size in x.shape[1:]]
    if min(room) < 0:
      raise UserError(f"objects of {max(x.shape[1:])} pixels do not fit a frame of data.n={self.n}: enlarge it, or data.shrink")
    return jnp.pad(x, [(0, 0)] + [(r // 2, r - r // 2) for r in room])

  def moved(self, x_b_y_x: jax.Array, id_b: jax.Array) -> jax.Array:
    """Each object shifted and flipped, where the variant does so, as its own number says."""
    keys_b = jax.vmap(jax.random.fold_in, (None, 0))(rng.root(0, "scene"), id_b)
    if self.flip:
      coin_b = jax.vmap(lambda key: jax.random.bernoulli(rng.stream(key, "flip")))(keys_b)
      x_b_y_x = jnp.where(coin_b[:, None, None], far_field.flip(x_b_y_x), x_b_y_x)
    return jax.vmap(far_field.random_shift)(keys_b, x_b_y_x) if self.shift else x_b_y_x

  def measured(self, x_b_y_x: jax.Array, keys_b: jax.Array) -> jax.Array:
    """Intensities [b, m, m], with the noise of so many photons."""
    intensity = far_field.intensity(x_b_y_x, self.m)
    low, high = np.broadcast_to(self.photons, 2)
    if np.isinf(low):
      return intensity
    drawn = lambda key: jax.random.uniform(rng.stream(key, "photons"), minval=np.log(low), maxval=np.log(high))
    photons_b = jnp.exp(jax.vmap(drawn)(keys_b)) if low < high else jnp.full(len(keys_b), low)
    return jax.vmap(far_field.with_poisson)(keys_b, intensity, photons_b)


def make(config: Any) -> Task:
  """The task of `config.model`, `config.loss` (name, target, rule), `config.data` (n, m, variant, photons) and `config.sampler`.

  Raises:
    UserError: an unknown variant, target, loss, rule, head or solver, or ones that do not go together.
  """
  _check(config)
  data, loss, options = config.data, config.loss, config.model.to_dict()
  network = MagnitudeUNet(**{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}, complex_object=data.complex_objects)
  scene = Scene(data.n, data.m, *VARIANTS[data.variant], _photons(data), data.complex_objects)
  init, predict = functools.partial(_init, network, scene, loss.rule), functools.partial(_predict, network, scene, config)
  objects = lambda record: scene.objects(record.signals["image_t_y_x"], record.signals.get("phase_t_y_x"))
  measured = lambda record, indices: _measured_of(objects(record), record.id, indices, scene, config.eval.seed)
  score = lambda record: list(score_block(record, np.asarray(objects(record)))) if "image_t_y_x" in record.signals else []
  rivals = classical.methods(config.solvers.to_dict(), data.m, not data.complex_objects, objects, measured)
  return Task(init, functools.partial(_loss, network, scene, loss), predict, score, rivals, config.method or _name(config),
              functools.partial(_calibrate, objects), _assess)


def _check(config: Any) -> None:
  data, loss, head, channels = config.data, config.loss, config.model.head, tuple(config.model.channels)
  for name, known, what in ((data.variant, VARIANTS, "data.variant"), (loss.target, TARGETS, "loss.target"),
                            (loss.name, LOSSES, "loss.name"), (head, HEADS, "model.head"),
                            (loss.rule, canonical.RULES, "loss.rule")):
    if name not in known:
      raise UserError(f"unknown {what} {name!r}{nearest(name, known)}")
  if (head == "image" and loss.name in PHASE_ONLY) or (head != "phase" and loss.target == "literal"):
    raise UserError(f"model.head={head} does not go with loss.name={loss.name}, loss.target={loss.target}: an image head alone has "
                    "no phases to train, and literal phases have no image; change one, or set model.head=phase")
  if not channels or data.m < data.n or data.m % 2 ** (len(channels) - 1):
    raise UserError(f"data.m={data.m} does not suit data.n={data.n} and the levels of model.channels={channels}: take at "
                    f"least 2 n - 1 = {2 * data.n - 1}, and a multiple of 2^(levels - 1)")


def _photons(data: Any) -> float | tuple[float, float]:
  photons = data.photons if isinstance(data.photons, float) else tuple(data.photons)
  if not 0 < np.min(photons) <= np.max(photons) or np.shape(photons) not in ((), (2,)):
    raise UserError(f"data.photons={photons} is no number of photons: give one above 0, inf for no noise, or the least and the most")
  return photons


def _calibrate(objects: Callable, records: list) -> dict[str, float]:
  """The curve of `metrics.solved` from records whose truth is known."""
  found = [(r.predictions["residual_b"], solved_b(r, np.asarray(objects(r)))) for r in records]
  return solved.fit(*map(np.concatenate, zip(*found, strict=True)))


def _assess(predictions: dict, curve: dict) -> dict[str, np.ndarray]:
  return {"solved_probability_b": solved.probability(curve, predictions["residual_b"])}


def _name(config: Any) -> str:
  return f"{config.model.head} head, {config.loss.name} loss, {config.loss.target} target"


def _init(network: MagnitudeUNet, scene: Scene, rule: str, key: jax.Array, batch: dict) -> tuple:
  del batch
  grid = (scene.m, scene.m, 2)
  zeros = jnp.zeros(grid)
  stats = {"sum_v_u_c": zeros, "square_v_u_c": zeros, "count": jnp.zeros(())}
  if rule == "odd_pca":
    first_k = jnp.asarray(canonical.weights_of(scene.m, "both"), jnp.float32)
    stats |= {"odd_k": first_k, "moments_k_k": jnp.zeros((len(first_k), len(first_k)))}
  return network.init(key, jnp.zeros((1, *grid))), stats


def _counted(stats: dict, features: jax.Array, weight_b: jax.Array) -> dict:
  """Running sums, bin by bin, over all that was trained on."""
  weight = weight_b[:, None, None, None]
  return {"sum_v_u_c": stats["sum_v_u_c"] + jnp.sum(weight * features, 0),
          "square_v_u_c": stats["square_v_u_c"] + jnp.sum(weight * features**2, 0), "count": stats["count"] + jnp.sum(weight_b)}


def _with_odd(stats: dict, x_b_y_x: jax.Array, weight_b: jax.Array, m: int) -> dict:
  """The principal odd component of all that was trained on, nearer by one power iteration; in a few steps it stands still."""
  moments_k_k = stats["moments_k_k"] + canonical.odd_moments(x_b_y_x * weight_b[:, None, None], m)
  odd_k = moments_k_k @ stats["odd_k"]
  return {**stats, "moments_k_k": moments_k_k, "odd_k": odd_k / jnp.maximum(jnp.linalg.norm(odd_k), 1e-12)}


def _standardised(stats: dict, features: jax.Array) -> jax.Array:
  count = jnp.maximum(stats["count"], 1)
  mean = stats["sum_v_u_c"] / count
  variance = jnp.maximum(stats["square_v_u_c"] / count - mean**2, 0)
  return (features - mean) * jax.lax.rsqrt(variance + 1e-4)


def _loss(network: MagnitudeUNet, scene: Scene, loss: Any, params: Any, stats: dict, batch: dict, key: jax.Array) -> tuple:
  x = scene.moved(scene.objects(batch["image_b_y_x"], batch.get("phase_b_y_x")), batch["id_b"])
  intensity = scene.measured(x, rng.rows(rng.stream(key, "photons"), len(x)))
  features = magnitude_features(intensity)
  stats = {**stats, **_counted(stats, features, batch["mask_b"])}
  if "odd_k" in stats:
    stats = _with_odd(stats, x, batch["mask_b"], scene.m)
  out = network.apply(params, _standardised(stats, features))
  target = target_of(loss.target, loss.rule, x, scene.m, stats.get("odd_k"))
  error_b = _error(network, scene, loss.name, out, intensity, x, target)
  value = jnp.sum(error_b * batch["mask_b"]) / jnp.maximum(jnp.sum(batch["mask_b"]), 1)
  return value, (stats, {})


def _error(network: MagnitudeUNet, scene: Scene, name: str, out: jax.Array, intensity: jax.Array, x: jax.Array,
           target: Target) -> jax.Array:
  """The loss [b] by name: relative squared errors of phases, weighted phases, images, or of the best equivalent.

  The weighted error of unit phases is the relative error of the image (Parseval), but for the measurement's noise. Of two heads the
  errors are added; an image's own is that of the image where `name` is of phases.
  """
  error_of = {"phase": _phase_error, "image": _image_error}
  return sum(error_of[head](scene, name, maps, intensity, x, target) for head, maps in heads(network.head, out).items())


def _phase_error(scene: Scene, name: str, maps: jax.Array, intensity: jax.Array, x: jax.Array, target: Target) -> jax.Array:
  omega = unit_phases(maps)
  difference = jnp.abs(omega - target.omega_b_v_u) ** 2
  if name == "circle":
    return jnp.mean(difference, (1, 2))
  if name == "weighted":
    return jnp.sum(intensity * difference, (1, 2)) / jnp.sum(intensity, (1, 2))
  image = image_about(omega, jnp.sqrt(intensity), target.centre_b_2, not scene.complex_objects)
  return _miss(scene, name, image, x, target)


def _image_error(scene: Scene, name: str, maps: jax.Array, intensity: jax.Array, x: jax.Array, target: Target) -> jax.Array:
  return _miss(scene, name, _at_corner(image_map(maps, intensity, scene.n), scene.m), x, target)


def _miss(scene: Scene, name: str, image_b_y_x: jax.Array, x: jax.Array, target: Target) -> jax.Array:
  """Relative squared error [b] of images [b, m, m] with the frame at the corner."""
  if name == "group":
    return registration.strict_error(image_b_y_x, x)
  missed = jnp.abs(image_b_y_x - _at_corner(target.image_b_y_x, scene.m)) ** 2
  return jnp.sum(missed, (1, 2)) / jnp.maximum(jnp.sum(jnp.abs(x) ** 2, (1, 2)), 1e-12)


def _at_corner(x_b_y_x: jax.Array, m: int) -> jax.Array:
  return jnp.pad(x_b_y_x, [(0, 0)] + [(0, m - x_b_y_x.shape[-1])] * 2)


def _in_grid(x_b_y_x: jax.Array, m: int) -> jax.Array:
  """The n-frame in the middle of the m-grid, where alignment may move it to all sides."""
  room = m - x_b_y_x.shape[-1]
  return jnp.pad(x_b_y_x, [(0, 0)] + [(room // 2, room - room // 2)] * 2)


def _predict(network: MagnitudeUNet, scene: Scene, config: Any, params: Any, stats: dict, batch: dict, keys_b: jax.Array) -> dict:
  if "intensity_b_v_u" in batch:
    return _predict_own(network, scene, config, params, stats, batch, keys_b)
  x = scene.objects(batch["image_b_y_x"], batch.get("phase_b_y_x"))
  intensity = scene.measured(scene.moved(x, batch["id_b"]), keys_b)
  image = reconstruct(network, scene, config.loss.target, params, stats, intensity)
  residual_b = far_field.residual(image, intensity)
  if config.sampler.iterations:
    keys_b, real = jax.vmap(lambda key: rng.stream(key, "refine"))(keys_b), not scene.complex_objects
    image, residual_b = classical.refined(image, intensity, keys_b, config.sampler.to_dict(), real)
  shown = {"truth_b_y_x": x, "aligned_b_y_x": registration.align(image, x).image}   # for pictures
  return {"image_b_v_u": image, "residual_b": residual_b, **shown}


def _predict_own(network: MagnitudeUNet, scene: Scene, config: Any, params: Any, stats: dict, batch: dict, keys_b: jax.Array) -> dict:
  """Images of intensities of a user's own, on their own grid: the network's proposal, then a solver on what is seen."""
  intensity, seen = batch["intensity_b_v_u"], batch["mask_b_v_u"][0]
  m, real = intensity.shape[-1], not scene.complex_objects
  guess = reconstruct(network, scene, config.loss.target, params, stats, far_field.regrid(far_field.filled(intensity, seen), scene.m))
  first, size = (scene.m - min(m, scene.m)) // 2, min(m, scene.m)
  guess = _in_grid(guess[:, first:first + size, first:first + size], m)
  image, residual_b = classical.refined(guess, intensity, keys_b, config.sampler.to_dict(), real, seen)
  return {"image_b_y_x": image, "residual_b": residual_b}


def reconstruct(network: MagnitudeUNet, scene: Scene, target: str, params: Any, stats: dict, intensity: jax.Array) -> jax.Array:
  """Images [b, m, m] with the object in the middle, of intensities [b, m, m]; real ones are not negative.

  A real object's spectrum is Hermitian: the real part of the image is that of the mean of each predicted phase and its mirror's
  conjugate, so bins of which the network is unsure count less. Of two heads it is the mean of both. The sign is a real object's
  global phase: a network that is trained by the group loss may find the negative, which is turned here.
  """
  out, real = network.apply(params, _standardised(stats, magnitude_features(intensity))), not scene.complex_objects
  images = [_image_of(head, scene, target, maps, intensity) for head, maps in heads(network.head, out).items()]
  image = sum(images) / len(images)
  if real:
    image = jnp.maximum(image * jnp.sign(image.sum((1, 2), keepdims=True)), 0)
  return classical.to_middle(image)


def _image_of(head: str, scene: Scene, target: str, maps: jax.Array, intensity: jax.Array) -> jax.Array:
  """[b, m, m] with the frame at the corner."""
  if head == "image":
    return _at_corner(image_map(maps, intensity, scene.n), scene.m)
  omega, magnitude, real = unit_phases(maps), jnp.sqrt(intensity), not scene.complex_objects
  if target in ("centred", "canonical"):
    return canonical.image_of(omega, magnitude, real, scene.n)
  centre = jnp.full((len(maps), 2), (scene.n - 1) / 2 if target == "as_is" else 0.0)
  return image_about(omega, magnitude, centre, real)


def _measured_of(x_t_y_x: jax.Array, record: str, indices: np.ndarray, scene: Scene, seed: int) -> tuple[jax.Array, jax.Array]:
  """(intensities [b, m, m], keys [b]) of some objects of a record, with the noise that the network is shown."""
  key = rng.stream(rng.root(seed, "predict"), record)
  keys_b = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.asarray(indices))
  return scene.measured(x_t_y_x[indices], keys_b), keys_b
