"""The system: targets that the measurement can tell, losses that agree, refinement, settings."""

import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from builders import ROOT

from jaxsig import config as configs
from jaxsig import rng
from jaxsig.data.images import fashion_mnist, image_blocks
from jaxsig.errors import UserError
from jaxsig.system import make
from jaxsig.systems.phase_retrieval import (
  baselines,
  canonical,
  far_field,
  losses,
  reconstruction,
  refinement,
  registration,
  running_statistics,
)
from jaxsig.systems.phase_retrieval.network import (
  CircularConv,
  MagnitudeUNet,
  heads,
  magnitude_features,
)
from jaxsig.systems.phase_retrieval.scene import SYMMETRIES, Scene, at_corner, in_grid, to_middle
from jaxsig.systems.phase_retrieval.targets import target_of

FILE = ROOT / "configs" / "phase_retrieval.py"
N, M = 21, 48


@pytest.fixture(scope="module", autouse=True)
def quick_compiling():
  """Compiling takes most of the time, and a few runs of each program are all that a test needs."""
  jax.config.update("jax_disable_most_optimizations", True)
  yield
  jax.config.update("jax_disable_most_optimizations", False)


def small(arg="smoke", **overrides):
  dotted = {key.replace("__", "."): value for key, value in overrides.items()}
  return configs.load(FILE, arg, {"run.ablations": False, "run.tensorboard": False, **dotted})


@functools.lru_cache
def batch():
  config = small()
  [record, *_] = fashion_mnist.simulate(3, 80, config.data)
  spans = image_blocks.spans(record, config.data).at(slice(0, 12))
  windows = image_blocks.cut(record, spans, config.data)
  return {**windows, "mask_b": np.ones(12, np.float32)}


def scene(symmetries="shift_flip", photons=np.inf):
  return Scene(N, M, SYMMETRIES[symmetries], photons, complex_objects=False)


@functools.lru_cache
def objects():
  return scene().objects(batch()["image_b_y_x"])


@functools.lru_cache
def moved_objects():
  return scene().moved(objects(), batch()["id_b"])


def network_of(head):
  return MagnitudeUNet(channels=(4, 8), global_width=8, head=head)


@functools.lru_cache
def params_of(head):
  """Random parameters of the network of the smoke config, none of them zero: drawn by NumPy.

  Layers that start as zeros would hide others, and their own initialisers take long to compile.
  """
  random = np.random.default_rng(0)

  def drawn(path, leaf):
    fan_in = np.prod(leaf.shape[:-1])
    x = random.normal(size=leaf.shape) / np.sqrt(fan_in)
    if leaf.ndim == 1:
      x = 0.01 * x
    if path[-1].key == "scale":
      x = 1 + x
    return jnp.asarray(x, jnp.float32)

  example = jnp.zeros((1, M, M, 2))
  shapes = jax.eval_shape(network_of(head).init, jax.random.key(0), example)
  return jax.tree_util.tree_map_with_path(drawn, shapes)


@pytest.mark.parametrize(
  "symmetries, moves", [("none", False), ("flip", True), ("shift", True), ("shift_flip", True)]
)
def test_a_symmetry_moves_objects_and_never_their_intensity(symmetries, moves):
  x = objects()
  ids = batch()["id_b"]
  moved = scene(symmetries).moved(x, ids)
  assert moves == bool(jnp.abs(moved - x).max() > 0.1)
  np.testing.assert_allclose(far_field.intensity(moved, M), far_field.intensity(x, M), atol=2e-3)

  # by the image's number, not its place
  np.testing.assert_array_equal(scene(symmetries).moved(x[5:7], ids[5:7]), moved[5:7])


@pytest.mark.parametrize(
  "kind, same", [("canonical", True), ("centred", False), ("as_is", False), ("literal", False)]
)
def test_only_exact_canonical_targets_are_those_of_the_orbit(kind, same):
  lain = target_of(kind, "both", objects(), M)
  moved = target_of(kind, "both", moved_objects(), M)
  difference_b = jnp.abs(lain.omega_b_v_u - moved.omega_b_v_u).max((1, 2))
  images_b = jnp.abs(lain.image_b_y_x - moved.image_b_y_x).max((1, 2))
  if same:
    assert images_b.max() < 1e-5
    return
  assert (difference_b > 0.1).sum() >= 3
  if kind != "literal":
    assert (images_b > 0.1).sum() >= 3


@pytest.mark.parametrize("kind", ["canonical", "centred", "as_is"])
def test_a_target_s_phases_are_those_of_its_image(kind):
  x = moved_objects()
  target = target_of(kind, "both", x, M)
  magnitude = jnp.sqrt(far_field.intensity(x, M))
  image = canonical.image_about(target.omega_b_v_u, magnitude, target.centre_b_2, True)
  np.testing.assert_allclose(image[:, :N, :N], target.image_b_y_x, atol=2e-4)


def error_of(name, out, head="phase", kind="canonical", x=None):
  if x is None:
    x = moved_objects()
  truth = losses.Truth(x, far_field.intensity(x, M), target_of(kind, "both", x, M))
  return losses.error(scene(), head, name, out, truth)


def test_weighted_phase_error_is_the_relative_error_of_the_image():
  # Parseval: of unit phases that are Hermitian, so that the image is real; those of a network are
  # not, and lose their other part
  target = target_of("canonical", "both", objects()[::-1], M)
  other = jnp.fft.fftshift(target.omega_b_v_u, (1, 2))
  out = jnp.stack([other.real, other.imag], -1)
  weighted = error_of("weighted", out)
  image = error_of("image", out)
  assert weighted.min() > 0.05
  relative = jnp.abs(weighted - image) / weighted
  assert jnp.median(relative) < 0.02  # the Nyquist bins alone are not Hermitian about a half pixel


def untrained(head, out, target="canonical"):
  """A network that gives `out` whatever it is shown."""
  network = types.SimpleNamespace(head=head, apply=lambda params, features: out)
  return reconstruction.Trained(network, {}, running_statistics.zeros(M, "both"), target)


def test_two_heads_add_their_errors_and_their_images_are_averaged():
  out = jax.random.normal(jax.random.key(4), (12, M, M, 3))
  for name, of_image in (("weighted", "image"), ("group", "group")):
    added = error_of(name, out[..., :2]) + error_of(of_image, out[..., 2:], "image")
    np.testing.assert_allclose(error_of(name, out, "both"), added, rtol=1e-5)

  intensity = far_field.intensity(objects(), M)
  images = []
  for head, maps in heads("both", out).items():
    images.append(reconstruction.image_of(head, scene(), "canonical", maps, intensity))
  mean = sum(images) / 2
  mean = mean * jnp.sign(mean.sum((1, 2), keepdims=True))
  got = reconstruction.reconstruct(untrained("both", out), scene(), intensity)
  np.testing.assert_allclose(got, to_middle(jnp.maximum(mean, 0)), atol=1e-5)


def test_a_network_may_find_the_negative_of_an_object():
  intensity = far_field.intensity(objects(), M)
  maps = jnp.zeros((12, M, M, 1)).at[:, 13:34, 13:34, 0].set(objects()) - 0.01
  positive = reconstruction.reconstruct(untrained("image", maps, "as_is"), scene(), intensity)
  negative = reconstruction.reconstruct(untrained("image", -maps, "as_is"), scene(), intensity)
  np.testing.assert_array_equal(positive, negative)
  assert positive.min() == 0
  assert registration.symmetric_error(positive, objects()).max() < 0.05


def test_group_loss_does_not_know_which_equivalent_it_is_shown():
  out = jax.random.uniform(jax.random.key(0), (12, M, M, 1))
  group_as_it_lies = error_of("group", out, "image", "as_is", objects())
  group_moved = error_of("group", out, "image", "as_is", moved_objects())
  image_as_it_lies = error_of("image", out, "image", "as_is", objects())
  image_moved = error_of("image", out, "image", "as_is", moved_objects())
  np.testing.assert_allclose(group_as_it_lies, group_moved, rtol=1e-4)
  assert (jnp.abs(image_as_it_lies - image_moved) > 1e-3).sum() >= 3
  assert (group_as_it_lies <= image_as_it_lies + 1e-5).all()


def test_convolutions_are_circular():
  layer = CircularConv(8)
  x = jax.random.normal(jax.random.key(0), (1, 6, 8, 3))
  params = jax.jit(layer.init)(jax.random.key(1), x)
  apply = jax.jit(layer.apply)
  rolled = apply(params, jnp.roll(x, (2, -3), (1, 2)))
  expected = jnp.roll(apply(params, x), (2, -3), (1, 2))
  np.testing.assert_allclose(rolled, expected, atol=1e-5)
  spike = jnp.zeros_like(x).at[0, 0, 0].set(1.0)
  assert apply(params, spike)[0, -1, -1].std() > 0.01  # the corner opposite is a neighbour


@functools.lru_cache
def step_of(head, name):
  """(params, features, truth) -> (loss, gradient): compiled once for all targets."""

  def loss(params, features, truth):
    out = network_of(head).apply(params, features)
    return losses.error(scene(), head, name, out, truth).mean()

  return jax.jit(jax.value_and_grad(loss))


@pytest.mark.parametrize("method", ["", *sorted(configs.module_of(FILE).METHODS)])
def test_every_leaf_learns_and_the_loss_falls(method):
  arg = "smoke"
  if method:
    arg += f",method={method}"
  config = small(arg)
  head, loss = config.model.head, config.loss

  def moved_down(p, g):
    return p - 0.05 * g / norm

  params = params_of(head)
  stats = running_statistics.zeros(M, loss.rule)
  told, (stats, _) = make(config).task.loss(params, stats, batch(), jax.random.key(2))

  x = moved_objects()
  intensity = far_field.intensity(x, M)
  features = running_statistics.standardised(stats, magnitude_features(intensity))
  target = target_of(loss.target, loss.rule, x, M, stats.get("odd_k"))
  truth = losses.Truth(x, intensity, target)
  step = step_of(head, loss.name)
  first, gradient = step(params, features, truth)
  assert float(first) == pytest.approx(float(told), rel=1e-4)  # the task's own loss
  assert all(float(jnp.abs(g).max()) > 0 for g in jax.tree.leaves(gradient))

  for _ in range(15):
    value, gradient = step(params, features, truth)
    norm = jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(gradient)))
    params = jax.tree.map(moved_down, params, gradient)
  assert float(value) < float(first)


def stats_of_objects():
  """Statistics of the network's input."""
  features = magnitude_features(far_field.intensity(objects(), M))
  return running_statistics.with_features(
    running_statistics.zeros(M, "both"), features, jnp.ones(12)
  )


def test_a_prediction_forgets_its_batch():
  data = jax.tree.map(jnp.asarray, batch())
  params, stats = params_of("phase"), stats_of_objects()
  keys = rng.rows(jax.random.key(5), 12)
  predict = jax.jit(make(small()).task.predict)
  out = predict(params, stats, data, keys)
  others = {name: jnp.concatenate([x[3:6], x[:9]]) for name, x in data.items()}
  other_keys = jnp.concatenate([keys[3:6], keys[:9]])
  few = predict(params, stats, others, other_keys)
  np.testing.assert_allclose(few["image_b_v_u"][:3], out["image_b_v_u"][3:6], atol=1e-5)
  assert out["image_b_v_u"].min() >= 0


@pytest.mark.parametrize("head", ["phase", "image"])
def test_prediction_scales_with_the_intensity(head):
  intensity = far_field.intensity(objects(), M)
  stats = running_statistics.zeros(M, "both")
  trained = reconstruction.Trained(network_of(head), params_of(head), stats, "canonical")
  reconstruct = jax.jit(functools.partial(reconstruction.reconstruct, trained, scene()))
  one = reconstruct(intensity)
  hundred = reconstruct(100 * intensity)
  np.testing.assert_allclose(hundred, 10 * one, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("photons, spread", [(1e4, 1.5), ((1e3, 1e6), 10)])
def test_each_image_has_its_own_number_of_photons(photons, spread):
  x = objects()
  keys = rng.rows(jax.random.key(3), len(x))
  clean = far_field.intensity(x, M)
  noisy = scene(photons=photons).measured(x, keys)

  # the variance is intensity * total / photons
  variance_b = ((noisy - clean) ** 2).sum((1, 2))
  counted_b = np.asarray(clean.sum((1, 2)) ** 2 / variance_b)
  low, high = np.broadcast_to(photons, 2)
  assert (counted_b > 0.7 * low).all() and (counted_b < 1.4 * high).all()
  assert (counted_b.max() / counted_b.min() > spread) == (low < high)
  some = scene(photons=photons).measured(x[4:6], keys[4:6])
  np.testing.assert_array_equal(some, noisy[4:6])


def test_the_odd_component_is_learnt_in_training_and_by_that_rule_alone():
  wanted_k = canonical.learn_odd_pca(objects(), M)  # flips, as in training, cannot change it
  stats = running_statistics.zeros(M, "odd_pca")
  before = abs(stats["odd_k"] @ wanted_k) / jnp.linalg.norm(stats["odd_k"])

  def step(stats):
    return running_statistics.with_odd_moments(stats, moved_objects(), jnp.ones(12), M)

  step = jax.jit(step)
  for _ in range(20):
    stats = step(stats)
  assert before < 0.95
  assert abs(stats["odd_k"] @ wanted_k) > 0.999

  # the task learns it, by that rule alone
  for arg, learns in (("smoke,method=rule_odd_pca", True), ("smoke", False)):
    task = make(small(arg)).task
    params, stats = jax.eval_shape(task.init, jax.random.key(0), batch())
    assert ("odd_k" in stats) == learns
    _, (after, _) = jax.eval_shape(task.loss, params, stats, batch(), jax.random.key(0))
    assert after.keys() == stats.keys()


@pytest.mark.parametrize(
  "changes, words",
  [
    ({"data.photons": 0.0}, "data.photons=0.0 is no number of photons"),
    ({"data.symmetries": "shfit"}, "did you mean 'shift"),
    ({"loss.target": "cannonical"}, "canonical"),
    ({"model.head": "image"}, "no phases"),
    ({"model.head": "both", "loss.target": "literal"}, "no image"),
    ({"loss.rule": "2,0"}, "loss.rule"),
    ({"data.n": 12}, "do not fit"),
    ({"data.m": 49}, "multiple"),
    ({"data.n": 60}, "2 n - 1 = 119"),
    ({"model.channels": ()}, "does not suit"),
    ({"data.name": "fashon_mnist"}, "did you mean 'fashion_mnist'"),
    ({"baselines.images": -1}, "baselines.images=-1"),
    ({"read.sampler.method": "hi0", "read.sampler.iterations": 2}, "did you mean 'hio'"),
  ],
)
def test_a_wrong_setting_is_one_sentence(changes, words):
  config = small(**{key.replace(".", "__"): value for key, value in changes.items()})
  with pytest.raises(UserError, match=words):
    task = make(config).task
    params, stats = jax.eval_shape(task.init, jax.random.key(0), batch())
    jax.eval_shape(task.loss, params, stats, batch(), jax.random.key(0))
    jax.eval_shape(task.predict, params, stats, batch(), rng.rows(jax.random.key(0), 12))


def test_refinement_finishes_what_a_proposal_began():
  x = objects()
  intensity = far_field.intensity(x, M)
  keys = rng.rows(jax.random.key(3), len(x))
  proposal = in_grid(0.75 * x + 0.25 * far_field.flip(x), M)
  before = registration.symmetric_error(to_middle(proposal), x)
  assert jnp.median(before) > 0.02
  for method, share in (("hio", 0.7), ("raar", 0.5), ("er", 0.1)):
    options = {"method": method, "iterations": 200, "restarts": 1}
    image, residual_b = refinement.refined(proposal, intensity, keys, options, True)
    after = registration.symmetric_error(image, x)
    assert (after < 0.01).mean() > share
    assert jnp.median(after / before) < 0.5
    np.testing.assert_allclose(residual_b, far_field.residual(image, intensity), atol=1e-3)


def test_a_reading_for_own_files_must_exist():
  with pytest.raises(UserError, match="did you mean 'refined_best_of_4'"):
    configs.reading(small(), "refined best of 4")
  label, config = configs.reading(small(), small().own.reading)
  assert label == "refined, best of 4"
  assert config.read.sampler.restarts == 2
  assert small().read.sampler.iterations == 0


def test_a_solver_s_unknown_option_is_one_sentence():
  for options, words in (
    ({"iteration": 3}, "unknown option 'iteration'"),
    ({"shrinkwrap": {"sigma": 2.0}}, "shrinkwrap=.'sigma"),
  ):
    config = small(baselines__methods={"hio": {"label": "HIO", "options": options}})
    with pytest.raises(UserError, match=words):
      baselines.make(config, scene())


def test_solvers_are_titled_by_their_options():
  methods = baselines.make(configs.load(FILE), scene())
  assert {"constant", "ER", "HIO", "RAAR", "ALM", "shrinkwrap 100"} < methods.keys()
  assert methods["ER"].title == "Error reduction, 1000 iterations"
  assert methods["shrinkwrap, best of 4"].title == (
    "Hybrid input-output with shrinkwrap, 1000 iterations, best of 4 restarts"
  )
  for arg in ("", "smoke"):
    titles = [
      method.title
      for method in baselines.make(configs.load(FILE, arg), scene()).values()
      if method.title
    ]
    assert len(set(titles)) == len(titles)  # a method without one is told by its label


def test_to_middle_unwraps_what_lies_over_the_edge():
  x = np.asarray(at_corner(objects(), M))
  away = np.roll(x, (-11, 30), (1, 2))
  assert registration.symmetric_error(away, objects()).max() > 0.05
  assert registration.symmetric_error(to_middle(away), objects()).max() < 1e-6
