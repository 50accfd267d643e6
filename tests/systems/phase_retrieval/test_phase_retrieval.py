"""The system: targets that the measurement can tell, losses that agree, and the program from a folder to a table."""
import functools
import json
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from builders import ROOT

from jaxsig import config as configs
from jaxsig import rng
from jaxsig.data.images import fashion_mnist
from jaxsig.engine import train
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate, sweep
from jaxsig.predict import model as shipped
from jaxsig.predict import own_file as infer
from jaxsig.system import make
from jaxsig.systems.phase_retrieval import baselines as classical
from jaxsig.systems.phase_retrieval import canonical, far_field, registration, solved
from jaxsig.systems.phase_retrieval import task as system
from jaxsig.systems.phase_retrieval.network import CircularConv, heads

FILE = ROOT / "configs" / "phase_retrieval.py"


def small(arg="smoke", **overrides):
  dotted = {key.replace("__", "."): value for key, value in overrides.items()}
  return configs.load(FILE, arg, {"run_controls": False, "train.tensorboard": False, **dotted})


@functools.lru_cache
def batch(n=12):
  config = small()
  [record, *_] = fashion_mnist.simulate(3, 80, config.data)
  windows = fashion_mnist.prepare(record, config.data)
  return {**{k: x[:n] for k, x in windows.items()}, "mask_b": np.ones(n, np.float32)}


def scene(variant="shift_flip", photons=np.inf):
  return system.Scene(21, 48, *system.VARIANTS[variant], photons, False)


def objects():
  return scene().objects(batch()["image_b_y_x"])


@pytest.mark.parametrize("variant, moves", [("none", False), ("flip", True), ("shift", True), ("shift_flip", True)])
def test_a_variant_moves_objects_and_never_their_intensity(variant, moves):
  x, ids = objects(), batch()["id_b"]
  moved = scene(variant).moved(x, ids)
  assert moves == bool(jnp.abs(moved - x).max() > 0.1)
  np.testing.assert_allclose(far_field.intensity(moved, 48), far_field.intensity(x, 48), atol=2e-3)
  np.testing.assert_array_equal(scene(variant).moved(x[5:7], ids[5:7]), moved[5:7])   # by the image's number, not its place


@pytest.mark.parametrize("kind, same", [("canonical", True), ("centred", False), ("as_is", False), ("literal", False)])
def test_only_exact_canonical_targets_are_those_of_the_orbit(kind, same):
  x = objects()
  moved = scene().moved(x, batch()["id_b"])
  a, b = (system.target_of(kind, "both", y, 48) for y in (x, moved))
  difference_b = jnp.abs(a.omega_b_v_u - b.omega_b_v_u).max((1, 2))
  images_b = jnp.abs(a.image_b_y_x - b.image_b_y_x).max((1, 2))
  if same:
    assert images_b.max() < 1e-5
  else:
    assert (difference_b > 0.1).sum() >= 3 and (kind == "literal" or (images_b > 0.1).sum() >= 3)


@pytest.mark.parametrize("kind", ["canonical", "centred", "as_is"])
def test_a_target_s_phases_are_those_of_its_image(kind):
  x = scene().moved(objects(), batch()["id_b"])
  target = system.target_of(kind, "both", x, 48)
  magnitude = jnp.sqrt(far_field.intensity(x, 48))
  image = system.image_about(target.omega_b_v_u, magnitude, target.centre_b_2, True)
  np.testing.assert_allclose(image[:, :21, :21], target.image_b_y_x, atol=2e-4)


def make_out(seed=0):
  return jax.random.normal(jax.random.key(seed), (12, 48, 48, 2))


def error(name, out, head="phase", kind="canonical"):
  x = scene().moved(objects(), batch()["id_b"])
  intensity = far_field.intensity(x, 48)
  network = make_network(head)
  return system._error(network, scene(), name, out, intensity, x, system.target_of(kind, "both", x, 48))


def make_network(head):
  return system.MagnitudeUNet(channels=(4, 8), global_width=8, head=head)


def test_weighted_phase_error_is_the_relative_error_of_the_image():
  # Parseval: of unit phases that are Hermitian, so that the image is real; those of a network are not, and lose their other part
  other = jnp.fft.fftshift(system.target_of("canonical", "both", objects()[::-1], 48).omega_b_v_u, (1, 2))
  out = jnp.stack([other.real, other.imag], -1)
  weighted, image = error("weighted", out), error("image", out)
  assert weighted.min() > 0.05
  inside = jnp.abs(weighted - image) / weighted
  assert jnp.median(inside) < 0.02   # the Nyquist bins alone are not Hermitian about a half pixel


def test_two_heads_add_their_errors_and_their_images_are_averaged():
  out = jax.random.normal(jax.random.key(4), (12, 48, 48, 3))
  for name, of_image in (("weighted", "image"), ("group", "group")):
    np.testing.assert_allclose(error(name, out, "both"), error(name, out[..., :2]) + error(of_image, out[..., 2:], "image"), rtol=1e-5)
  intensity = far_field.intensity(objects(), 48)
  images = [system._image_of(head, scene(), "canonical", maps, intensity) for head, maps in heads("both", out).items()]
  network = types.SimpleNamespace(head="both", apply=lambda params, features: out)
  stats = {"count": jnp.zeros(()), "sum_v_u_c": jnp.zeros((48, 48, 2)), "square_v_u_c": jnp.zeros((48, 48, 2))}
  got = system.reconstruct(network, scene(), "canonical", {}, stats, intensity)
  mean = sum(images) / 2
  mean = mean * jnp.sign(mean.sum((1, 2), keepdims=True))
  np.testing.assert_allclose(got, classical.to_middle(jnp.maximum(mean, 0)), atol=1e-5)


def test_a_network_may_find_the_negative_of_an_object():
  intensity, whole = far_field.intensity(objects(), 48), jnp.zeros((12, 48, 48, 1))
  maps = whole.at[:, 13:34, 13:34, 0].set(objects()) - 0.01
  stats = {"count": jnp.zeros(()), "sum_v_u_c": jnp.zeros((48, 48, 2)), "square_v_u_c": jnp.zeros((48, 48, 2))}
  found, negative = (system.reconstruct(types.SimpleNamespace(head="image", apply=lambda params, features, s=sign: s * maps), scene(),
                                        "as_is", {}, stats, intensity) for sign in (1, -1))
  np.testing.assert_array_equal(found, negative)
  assert found.min() == 0 and registration.symmetric_error(found, objects()).max() < 0.05


def test_group_loss_does_not_know_which_equivalent_it_is_shown():
  out = jax.random.uniform(jax.random.key(0), (12, 48, 48, 1))
  network, x, ids = make_network("image"), objects(), batch()["id_b"]
  moved, intensity = scene().moved(x, ids), far_field.intensity(x, 48)
  values = [system._error(network, scene(), name, out, intensity, y, system.target_of("as_is", "both", y, 48))
            for name in ("group", "image") for y in (x, moved)]
  np.testing.assert_allclose(values[0], values[1], rtol=1e-4)
  assert (jnp.abs(values[2] - values[3]) > 1e-3).sum() >= 3
  assert (values[0] <= values[2] + 1e-5).all()


def test_convolutions_are_circular():
  layer, x = CircularConv(8), jax.random.normal(jax.random.key(0), (1, 6, 8, 3))
  params = layer.init(jax.random.key(1), x)
  rolled = layer.apply(params, jnp.roll(x, (2, -3), (1, 2)))
  np.testing.assert_allclose(rolled, jnp.roll(layer.apply(params, x), (2, -3), (1, 2)), atol=1e-5)
  spike = jnp.zeros_like(x).at[0, 0, 0].set(1.0)
  assert layer.apply(params, spike)[0, -1, -1].std() > 0.01   # the corner opposite is a neighbour


@pytest.mark.parametrize("method", ["", *sorted(configs.module_of(FILE).METHODS)])
def test_every_leaf_learns_and_the_loss_falls(method):
  config = small("smoke" + f",method={method}" * bool(method))
  task = make(config)
  data = jax.tree.map(jnp.asarray, batch())
  params, stats = jax.jit(task.init)(jax.random.key(0), data)
  params = jax.tree.map(lambda x: x + 0.01 * jax.random.normal(jax.random.key(1), x.shape), params)   # zero layers would hide others
  step = jax.jit(jax.value_and_grad(lambda p: task.loss(p, stats, data, jax.random.key(2))[0]))
  first, gradient = step(params)
  assert all(float(jnp.abs(g).max()) > 0 for g in jax.tree.leaves(gradient))
  for _ in range(15):
    value, gradient = step(params)
    norm = jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(gradient)))
    params = jax.tree.map(lambda p, g: p - 0.05 * g / norm, params, gradient)
  assert float(value) < float(first)


def test_prediction_scales_with_the_intensity_and_forgets_its_batch():
  config = small()
  task, data = make(config), jax.tree.map(jnp.asarray, batch())
  params, _ = jax.jit(task.init)(jax.random.key(0), data)
  _, (stats, _) = jax.jit(task.loss)(params, task.init(jax.random.key(0), data)[1], data, jax.random.key(0))
  keys = rng.rows(jax.random.key(5), 12)
  out = jax.jit(task.predict)(params, stats, data, keys)
  few = jax.jit(task.predict)(params, stats, {k: x[3:6] for k, x in data.items()}, keys[3:6])
  np.testing.assert_allclose(few["image_b_v_u"], out["image_b_v_u"][3:6], atol=1e-5)
  assert out["image_b_v_u"].min() >= 0
  intensity = far_field.intensity(objects(), 48)
  for head in ("phase", "image"):
    network = make_network(head)
    params, stats = system._init(network, scene(), "both", jax.random.key(1), data)
    one, hundred = (system.reconstruct(network, scene(), "canonical", params, stats, s * intensity) for s in (1, 100))
    np.testing.assert_allclose(hundred, 10 * one, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("photons, spread", [(1e4, 1.5), ((1e3, 1e6), 10)])
def test_each_image_has_its_own_number_of_photons(photons, spread):
  x = objects()
  clean, keys = far_field.intensity(x, 48), rng.rows(jax.random.key(3), len(x))
  noisy = scene(photons=photons).measured(x, keys)
  counted_b = np.asarray(clean.sum((1, 2)) ** 2 / ((noisy - clean) ** 2).sum((1, 2)))   # as the variance is intensity * total / photons
  low, high = np.broadcast_to(photons, 2)
  assert (counted_b > 0.7 * low).all() and (counted_b < 1.4 * high).all()
  assert (counted_b.max() / counted_b.min() > spread) == (low < high)
  np.testing.assert_array_equal(scene(photons=photons).measured(x[4:6], keys[4:6]), noisy[4:6])


def test_the_odd_component_is_learnt_in_training_and_by_that_rule_alone():
  config, data = small("smoke,method=rule_odd_pca"), jax.tree.map(jnp.asarray, batch())
  task = make(config)
  params, stats = jax.jit(task.init)(jax.random.key(0), data)
  step = jax.jit(lambda stats: task.loss(params, stats, data, jax.random.key(2))[1][0])
  wanted_k = canonical.learn_odd_pca(objects(), 48)   # flips of the objects, as in training, cannot change it
  before = abs(stats["odd_k"] @ wanted_k) / jnp.linalg.norm(stats["odd_k"])
  for _ in range(20):
    stats = step(stats)
  assert before < 0.95 and abs(stats["odd_k"] @ wanted_k) > 0.999
  assert "odd_k" not in jax.eval_shape(make(small()).init, jax.random.key(0), data)[1]


@pytest.mark.parametrize("changes, words", [
    ({"data.photons": 0.0}, "data.photons=0.0 is no number of photons"),
    ({"data.variant": "shfit"}, "did you mean 'shift"), ({"loss.target": "cannonical"}, "canonical"),
    ({"model.head": "image"}, "no phases"),
    ({"model.head": "both", "loss.target": "literal"}, "no image"), ({"loss.rule": "2,0"}, "loss.rule"), ({"data.n": 12}, "do not fit"),
    ({"data.m": 49}, "multiple"), ({"data.n": 60}, "2 n - 1 = 119"), ({"model.channels": ()}, "does not suit")])
def test_a_wrong_setting_is_one_sentence(changes, words):
  config = small(**{k.replace(".", "__"): v for k, v in changes.items()})
  with pytest.raises(UserError, match=words):
    make(config).loss({}, {}, batch(), jax.random.key(0))


def test_refinement_finishes_what_a_proposal_began():
  x = objects()
  intensity, keys = far_field.intensity(x, 48), rng.rows(jax.random.key(3), len(x))
  proposal = system._in_grid(0.75 * x + 0.25 * far_field.flip(x), 48)
  before = registration.symmetric_error(classical.to_middle(proposal), x)
  assert jnp.median(before) > 0.02
  for method, share in (("hio", 0.7), ("raar", 0.5), ("er", 0.1)):
    image, residual_b = classical.refined(proposal, intensity, keys, dict(method=method, iterations=200, restarts=1), True)
    after = registration.symmetric_error(image, x)
    assert (after < 0.01).mean() > share and jnp.median(after / before) < 0.5
    np.testing.assert_allclose(residual_b, far_field.residual(image, intensity), atol=1e-3)


def test_a_variant_for_own_files_must_exist(tmp_path):
  with pytest.raises(UserError, match="did you mean 'refined, best of 4'"):
    sweep.open_run(small(predict_variant="refined best of 4"), tmp_path / "w")
  name, config = evaluate.for_own_files(small())
  assert name == "refined, best of 4" and config.sampler.restarts == 2 and small().sampler.iterations == 0


def test_a_solver_s_unknown_option_is_one_sentence():
  for given in ({"iteration": 3}, {"shrinkwrap": {"sigma": 2.0}}):
    with pytest.raises(UserError, match="(unknown option 'iteration'|shrinkwrap=.'sigma)"):
      classical.methods({"images": 1, "methods": {"HIO": given}}, 48, True, None, None)


def test_to_middle_unwraps_what_lies_over_the_edge():
  x = np.asarray(system._at_corner(objects(), 48))
  away = np.roll(x, (-11, 30), (1, 2))
  assert registration.symmetric_error(away, objects()).max() > 0.05
  assert registration.symmetric_error(classical.to_middle(away), objects()).max() < 1e-6


def check_own_intensity(folder, capsys):
  """A file of another grid, with a beam stop, centred as detectors have it."""
  x = objects()[:2]
  intensity, hidden = np.fft.fftshift(far_field.intensity(x, 64), (1, 2)), np.s_[31:34, 31:34]
  intensity[:, *hidden] = 0
  mask = np.ones((64, 64), np.uint8)
  mask[hidden] = 0
  np.save(folder / "mine.npy", intensity)
  np.save(folder / "mask.npy", mask)
  model = shipped.from_workdir(folder / "w")
  model = model._replace(config=configs.override(model.config, {"data.intensity_mask": str(folder / "mask.npy")}))
  infer.run(model, folder / "mine.npy", None, folder / "out")
  image, said = np.load(folder / "out" / "mine_image.npy"), json.loads((folder / "out" / "mine.json").read_text())
  assert image.shape == (2, 64, 64) and (folder / "out" / "mine_image.png").is_file()
  assert len(said["residual_b"]) == 2 and all(0 < p < 1 for p in said["solved_probability_b"])
  assert "not determined" in said["notes"][-1] and said["model"] == "w"
  unshifted = np.fft.ifftshift(intensity, (1, 2)), np.fft.ifftshift(mask)
  np.testing.assert_allclose(said["residual_b"], residual_seen(image, *unshifted), rtol=0.02)
  assert "residual" in capsys.readouterr().out


def residual_seen(image, intensity, mask):
  difference = mask * (np.abs(np.fft.fft2(image)) - np.sqrt(intensity))
  return np.linalg.norm(difference, axis=(1, 2)) / np.linalg.norm(mask * np.sqrt(intensity), axis=(1, 2))


def test_from_the_simulator_to_rows_and_a_table(tmp_path, capsys):
  config = small()
  run, members = sweep.open_run(config, tmp_path / "w")
  train.train(run, members)
  rows = evaluate.evaluate(run, members)
  methods = {r["method"] for r in rows}
  assert {"constant", "HIO", "shrinkwrap", run.task.method, f"{run.task.method}, refined, best of 4"} < methods
  test_images = {r["group"] for r in rows}
  assert len(test_images) == 20 and all(g.startswith("test_") for g in test_images)
  by = {(r["method"], r["metric"], r["group"]): r["value"] for r in rows}
  stored = np.load(tmp_path / "w" / "predictions" / members[0].name / run.task.method / "test_000.npz")
  [record] = [r for r in run.prepared.records if r.id == "test_000"]
  truth = scene().objects(record.signals["image_t_y_x"])
  error_b = registration.symmetric_error(stored["image_b_v_u"], truth)
  got_b = [by[run.task.method, "nmse_symmetric", f"test_000_{i}"] for i in range(20)]
  np.testing.assert_allclose(got_b, error_b, rtol=1e-4)
  assert len({k[2] for k in by if k[0] == "HIO"}) == 4
  sweep.tell([tmp_path / "w"], tmp_path / "w" / "report")
  assert all((tmp_path / "w" / "report" / f"{name}.png").is_file() for name in ("pictures", "reliability"))
  curve = json.loads((tmp_path / "w" / "members" / members[0].name / "calibration.json").read_text())["HIO"]
  row = next(r for r in rows if r["method"] == "HIO" and "probability" in r)
  assert row["probability"] == pytest.approx(solved.probability(curve, by["HIO", "fourier_residual", row["group"]]), rel=1e-5)
  brier = (row["probability"] - row["value"]) ** 2
  assert by["HIO", "solved_brier", row["group"]] == pytest.approx(brier, rel=1e-5)
  check_own_intensity(tmp_path, capsys)
  page = (tmp_path / "w" / "report" / "table.md").read_text()
  assert "images" in page and "patients" not in page.partition("Provenance")[0]
