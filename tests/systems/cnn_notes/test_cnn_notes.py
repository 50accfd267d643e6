"""The system: losses, learnt connections, curvature, and the program from a folder to a table and a user's own image."""
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from builders import ROOT

from jaxsig import config as configs
from jaxsig.data.images import image_classes, simulate_glyphs
from jaxsig.engine import train
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate, sweep
from jaxsig.predict import model as shipped
from jaxsig.predict import own_file as infer
from jaxsig.system import make
from jaxsig.systems.cnn_notes import task as system

FILE = ROOT / "configs" / "cnn_notes.py"
METHODS = sorted(configs.module_of(FILE).METHODS)


def small(arg="smoke", **overrides):
  dotted = {key.replace("__", "."): value for key, value in overrides.items()}
  return configs.load(FILE, arg, {"run_controls": False, "train.tensorboard": False, **dotted})


@functools.lru_cache
def batch(n=20):
  config = small()
  [record, *_] = image_classes.simulate(3, 120, config.data)
  windows = image_classes.prepare(record, config.data)
  return {**{k: x[:n] for k, x in windows.items()}, "mask_b": np.ones(n, np.float32)}


def started(config, key=0):
  task = make(config)
  return task, *jax.jit(task.init)(jax.random.key(key), batch())


@pytest.mark.parametrize("method", ["", *METHODS])
def test_every_leaf_learns_and_the_loss_falls(method):
  task, params, stats = started(small("smoke" + f",method={method}" * bool(method)))
  step = jax.jit(jax.value_and_grad(lambda p: task.loss(p, stats, batch(), jax.random.key(2))[0]))
  first, gradient = step(params)
  assert all(float(jnp.abs(g).max()) > 0 for g in jax.tree.leaves(gradient))
  for _ in range(15):
    value, gradient = step(params)
    norm = jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(gradient)))
    params = jax.tree.map(lambda p, g: p - 0.1 * g / norm, params, gradient)
  assert float(value) < float(first)


@pytest.mark.parametrize("method", ["", *METHODS])
def test_all_methods_have_as_many_parameters_as_lenet(method):
  task = make(configs.load(FILE, f"method={method}" if method else ""))
  params, _ = jax.eval_shape(task.init, jax.random.key(0), batch())
  assert sum(x.size for x in jax.tree.leaves(params)) == pytest.approx(60_850, rel=0.005)


def test_padding_counts_neither_in_the_loss_nor_in_the_statistics():
  task, params, stats = started(small())
  padded = {k: np.concatenate([x, x[:5]]) for k, x in batch().items()}
  padded["image_b_y_x"][20:] = 255
  padded["mask_b"][20:] = 0
  (a, (of_a, _)), (b, (of_b, _)) = (task.loss(params, stats, x, jax.random.key(0)) for x in (batch(), padded))
  assert float(a) == pytest.approx(float(b), rel=1e-6)
  assert of_a["sum"] == pytest.approx(of_b["sum"]) and of_b["count"] == 20


def test_squared_error_and_cross_entropy_are_their_formulas():
  u, label = jnp.array([[2.0, -1.0, 0.5]]), jnp.array([1])
  seen = system.Seen(u, None, {})
  network = system.ClassicalNetwork((6, 16), 5, 2, (1, 84), 3, "lecun", "", False, "trainable", "scaled_tanh")
  y = 1.7159 * np.tanh(2 * np.asarray(u[0]) / 3)
  for target in (1.0, 0.8):
    found = system._error(network, configs.load(FILE, "", {"loss.target": target}).loss, seen, label)
    assert float(found[0]) == pytest.approx(0.5 * ((y - target * np.array([-1, 1, -1])) ** 2).sum(), rel=1e-6)
  entropy = system._error(network, configs.load(FILE, "", {"loss.name": "cross_entropy"}).loss, seen, label)
  assert float(entropy[0]) == pytest.approx(np.log(np.exp(u[0]).sum()) + 1, rel=1e-6)


def test_inputs_are_standardised_by_what_was_trained_on():
  task, params, stats = started(small())
  for _ in range(3):
    _, (stats, _) = task.loss(params, stats, batch(), jax.random.key(0))
  x = system._standardised(stats, system._framed(batch()["image_b_y_x"], 2))
  assert float(x.mean()) == pytest.approx(0, abs=1e-4) and float(x.std()) == pytest.approx(1, abs=1e-3)


def test_augmentation_moves_each_image_by_its_own_key_and_keeps_what_is_in_it():
  x = system._framed(batch()["image_b_y_x"], 2)
  moved = system.augmented(x, jax.random.key(1), True, 2)
  np.testing.assert_allclose(np.sort(moved.reshape(20, -1)), np.sort(x.reshape(20, -1)))
  assert (jnp.abs(moved - x).max((1, 2, 3)) > 0.1).sum() > 15
  np.testing.assert_array_equal(system.augmented(x[:4], jax.random.key(1), True, 2), moved[:4])
  np.testing.assert_array_equal(system.augmented(x, jax.random.key(1), False, 0), x)
  mirrored = system.augmented(x, jax.random.key(1), True, 0)
  same = jnp.abs(mirrored - x).max((1, 2, 3)) < 1e-6
  assert 3 < same.sum() < 17
  np.testing.assert_array_equal(mirrored[~same], x[~same][:, :, ::-1])


def test_the_penalty_of_the_notes_changes_nothing_and_entropy_does():
  def trained(penalty, weight):
    config = small("smoke,method=dense", loss__penalty__name=penalty, loss__penalty__weight=weight, loss__penalty__ramp=0.0)
    task, params, stats = started(config)
    step = jax.jit(lambda p, s: jax.value_and_grad(task.loss, has_aux=True)(p, s, batch(), jax.random.key(0)))
    for _ in range(5):
      (_, (stats, _)), gradient = step(params, stats)
      params = jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient)
    return stats["alpha_s_i_j"][3]
  plain = trained("none", 0.0)
  np.testing.assert_allclose(trained("l1_notes", 5.0), plain, atol=2e-6)
  assert jnp.abs(trained("entropy", 0.5) - plain).max() > 0.01


def test_combinations_are_annealed_and_remembered():
  config = small("smoke,method=dense", loss__last_temperature=0.1)
  task, params, stats = started(config)
  sharpness = []
  for step in range(8):
    _, (stats, _) = task.loss(params, stats, batch(), jax.random.key(0))
    sharpness.append(float(stats["alpha_s_i_j"][step].max(0).mean()))
  assert np.isfinite(stats["alpha_s_i_j"]).all() and (np.diff(sharpness) > 0).all()   # the same scores, ever colder
  assert float(system._temperature(config, 8)) == pytest.approx(0.1)


def test_leaving_connections_out_is_a_reading_that_training_knows_nothing_of():
  config = small("smoke,method=dense")
  task, params, stats = started(config)
  pruned = make(configs.override(config, {"sampler.keep": 2}))
  for a, b in zip(jax.tree.leaves(task.loss(params, stats, batch(), jax.random.key(0))),
                  jax.tree.leaves(pruned.loss(params, stats, batch(), jax.random.key(0))), strict=True):
    np.testing.assert_array_equal(a, b)
  keys = jax.random.split(jax.random.key(0), 20)
  whole, fewer = (t.predict(params, stats, batch(), keys) for t in (task, pruned))
  assert set(np.asarray(whole["connections_b"])) == {96} and set(np.asarray(fewer["connections_b"])) == {32}
  assert jnp.abs(whole["output_b_k"] - fewer["output_b_k"]).max() > 1e-3


def test_curvature_is_like_the_parameters_and_never_negative():
  for name in ("squared", "cross_entropy"):
    task, params, stats = started(small("smoke,method=dense", loss__name=name))
    found = jax.jit(task.curvature)(params, stats, batch(), jax.random.key(0))
    jax.tree.map(lambda h, p: np.testing.assert_equal(h.shape, p.shape), found, params)
    assert all(float(h.min()) >= 0 and float(h.max()) > 0 for h in jax.tree.leaves(found))


@pytest.mark.parametrize("changes, words", [
    ({"loss.name": "squard"}, "did you mean 'squared'"), ({"model.pooling": "mean"}, "model.pooling"),
    ({"model.combination": "softmx"}, "softmax"), ({"model.activation": "tanh"}, "scaled_tanh"),
    ({"loss.penalty.name": "entropy"}, "of learnt connections"), ({"sampler.keep": 2}, "of learnt connections"),
    ({"model.parameters": 100}, "allow it more"), ({"model.maps": (6, 15)}, "16 output maps")])
def test_a_wrong_setting_is_one_sentence(changes, words):
  with pytest.raises(UserError, match=words):
    make(small(**{k.replace(".", "__"): v for k, v in changes.items()}))


def test_from_the_simulator_to_rows_a_table_and_an_own_image(tmp_path):
  config = small("smoke,method=entmax", variants={"keep 2": {"sampler": {"keep": 2}}})
  run, members = sweep.open_run(config, tmp_path / "w")
  train.train(run, members)
  rows = evaluate.evaluate(run, members)
  assert {"constant", "nearest class mean", run.task.method, f"{run.task.method}, keep 2"} < {r["method"] for r in rows}
  stored = np.load(tmp_path / "w" / "predictions" / members[0].name / run.task.method / "test_000.npz")
  [record] = [r for r in run.prepared.records if r.id == "test_000"]
  right_b = stored["output_b_k"].argmax(1) == record.annotations["label_t"]
  mine = {(r["metric"], r["unit"]): r["value"] for r in rows if r["method"] == run.task.method}
  assert len(right_b) == 100 and mine["accuracy_top1", "images 50-99"] == right_b[50:].mean()
  np.testing.assert_allclose(stored["probability_b_k"].sum(1), 1, rtol=1e-5)
  kept = {r["value"] for r in rows if r["method"].endswith("keep 2") and r["metric"] == "connections"}
  assert kept == {32.0} and 32 < mine["connections", "images 0-49"] < 96
  sweep.tell([tmp_path / "w"], tmp_path / "w" / "report")
  check_own_image(tmp_path, record.signals["image_t_y_x"][0])


def test_seeds_in_one_program_learn_what_they_learn_alone(tmp_path):
  learnt = {}
  for count in (1, 2):
    config = small("smoke,method=gauss_newton", split__seeds=(0, 1), train__members_per_program=str(count), optim__curvature_steps=3)
    run, members = sweep.open_run(config, tmp_path / str(count))
    train.train(run, members)
    learnt[count] = [evaluate.restore_ema(run, m, config.train.steps)[0] for m in members]
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5), learnt[1], learnt[2])
  assert any(np.abs(a - b).max() > 1e-2 for a, b in zip(*map(jax.tree.leaves, learnt[1]), strict=True))   # seeds differ


def check_own_image(folder, image_y_x):
  from PIL import Image
  Image.fromarray(image_y_x).save(folder / "mine.png")
  model = shipped.from_workdir(folder / "w")
  infer.run(model, folder / "mine.png", None, folder / "out")
  said = json.loads((folder / "out" / "mine.json").read_text())
  [one] = said["images"]
  assert one["class"] == max(one["probabilities"], key=one["probabilities"].get) and sum(one["probabilities"].values()) == pytest.approx(1)
  assert [*one["probabilities"]] == list(simulate_glyphs.CLASSES)   # of what it was trained on, not of the family
  found = infer.results(infer.predict(np.stack([image_y_x] * 2), None, model))
  np.testing.assert_allclose(found["probability_b_k"][1], [*one["probabilities"].values()], rtol=1e-4)
  assert found["maps_c1_b_y_x_j"].shape == (2, 28, 28, 6) and found["answer_b"][0] == found["probability_b_k"][0].argmax()
  assert (folder / "out" / "mine.png").is_file() and (folder / "out" / "mine.csv").is_file()
