"""The system: losses, learnt connections, curvature, and from a folder to a table and an own image.

Programs are shared and compiled without optimisation, which takes half of the time.
"""
import functools
import json
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from builders import ROOT
from ml_collections import ConfigDict
from PIL import Image

from jaxsig import config as configs
from jaxsig.data.images import image_classes, simulate_glyphs
from jaxsig.engine import start, train
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate, sweep
from jaxsig.prediction import model as models
from jaxsig.prediction import own_file
from jaxsig.system import Batch, Params, Stats, Task, make
from jaxsig.systems.cnn_notes import task as cnn_task
from jaxsig.systems.cnn_notes.own_file import Classes

FILE = ROOT / "configs" / "cnn_notes.py"
METHODS = ["", *sorted(configs.module_of(FILE).METHODS)]
LEARNT_BY = ("model", "loss", "augment")   # sections on which a loss depends here
IMAGES = 20


@pytest.fixture(scope="module", autouse=True)
def programs_are_not_optimised():
  """Compiling takes most of the time here."""
  jax.config.update("jax_disable_most_optimizations", True)
  yield
  jax.config.update("jax_disable_most_optimizations", False)


class Started(NamedTuple):
  """A task at its first parameters, with its loss and gradient compiled."""
  task: Task
  params: Params
  stats: Stats
  step: Callable   # (params, stats, batch) -> ((loss, (stats, scalars)), gradient)


def small(method: str = "", **overrides: object) -> ConfigDict:
  """The smoke config of a method."""
  arg = "smoke"
  if method:
    arg += f",method={method}"
  dotted = {key.replace("__", "."): value for key, value in overrides.items()}
  return configs.load(FILE, arg, {"run.tensorboard": False, **dotted})


def key_of(config: ConfigDict, sections: tuple[str, ...]) -> str:
  """What tells configs apart in some sections."""
  plain = {name: config[name].to_dict() for name in sections}
  return json.dumps(plain, sort_keys=True)


@functools.cache
def batch() -> Batch:
  """Twenty simulated digits."""
  config = small()
  [record, *_] = image_classes.simulate(3, 120, config.data)
  spans = image_classes.DATA.spans(record, config.data).at(slice(0, IMAGES))
  windows = image_classes.DATA.cut(record, spans, config.data)
  return {**windows, "mask_b": np.ones(IMAGES, np.float32)}


FIRST = {}     # {what the parameters depend on: (params, stats)}
STARTED = {}   # {what the loss depends on: Started}


def started(config: ConfigDict) -> Started:
  """The task of a config at its first parameters; each program is compiled once."""
  system = make(config)
  network = key_of(config, ("model",))
  if network not in FIRST:
    FIRST[network] = jax.jit(system.task.init)(jax.random.key(0), batch())

  learnt_by = key_of(config, LEARNT_BY)
  if learnt_by not in STARTED:
    step = jax.jit(jax.value_and_grad(system.task.loss, has_aux=True))

    def with_key(params: Params, stats: Stats, batch: Batch) -> tuple:
      return step(params, stats, batch, jax.random.key(2))

    STARTED[learnt_by] = Started(system.task, *FIRST[network], with_key)
  return STARTED[learnt_by]._replace(task=system.task)


@pytest.mark.parametrize("method", METHODS)
def test_every_leaf_learns_and_the_loss_falls(method):
  one = started(small(method))
  params = one.params
  (first, _), gradient = one.step(params, one.stats, batch())
  assert all(float(jnp.abs(g).max()) > 0 for g in jax.tree.leaves(gradient))

  for _ in range(15):
    (value, _), gradient = one.step(params, one.stats, batch())
    squares = [np.sum(np.square(g)) for g in jax.tree.leaves(gradient)]
    rate = 0.1 / np.sqrt(sum(squares))
    params = jax.tree.map(lambda p, g: np.asarray(p - rate * g), params, gradient)
  assert float(value) < float(first)


def test_the_data_set_is_that_of_images_in_classes():
  assert make(small()).data is image_classes.DATA


@pytest.mark.parametrize("method", METHODS)
def test_all_methods_have_as_many_parameters_as_lenet(method):
  arg = ""
  if method:
    arg = f"method={method}"
  system = make(configs.load(FILE, arg))
  params, _ = jax.eval_shape(system.task.init, jax.random.key(0), batch())
  assert sum(x.size for x in jax.tree.leaves(params)) == pytest.approx(60_850, rel=0.005)


def test_padding_counts_neither_in_the_loss_nor_in_the_statistics():
  one = started(small())
  padded = {name: x.copy() for name, x in batch().items()}
  padded["image_b_y_x"][15:] = 255
  padded["mask_b"][15:] = 0
  otherwise = {name: x.copy() for name, x in padded.items()}
  otherwise["image_b_y_x"][15:] = 0
  otherwise["label_b"][15:] = 3

  (a, (stats_a, _)), gradient_a = one.step(one.params, one.stats, padded)
  (b, (stats_b, _)), gradient_b = one.step(one.params, one.stats, otherwise)
  assert float(a) == pytest.approx(float(b), rel=1e-6)
  assert stats_a["sum"] == pytest.approx(stats_b["sum"])
  assert stats_b["count"] == 15
  for g, h in zip(jax.tree.leaves(gradient_a), jax.tree.leaves(gradient_b), strict=True):
    np.testing.assert_allclose(g, h, rtol=1e-5, atol=1e-6)

  few = {name: x[:15] for name, x in batch().items()}
  system_loss = jax.jit(one.task.loss)
  c, (stats_c, _) = system_loss(one.params, one.stats, few, jax.random.key(2))
  assert float(a) == pytest.approx(float(c), rel=1e-6)
  assert stats_a["sum"] == pytest.approx(stats_c["sum"])


def combinations_after(method: str) -> jax.Array:
  """The combinations of maps after some steps with the method's penalty in full."""
  one = started(small(method))
  params = one.params
  stats = {**one.stats, "step": jnp.asarray(4.0)}   # the penalty has grown over half of 8 steps
  for _ in range(4):
    (_, (stats, _)), gradient = one.step(params, stats, batch())
    params = jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient)
  return stats["alpha_s_i_j"][-1]


def test_the_penalty_of_the_notes_changes_nothing_and_entropy_does():
  plain_i_j = combinations_after("dense")
  np.testing.assert_allclose(combinations_after("l1_notes"), plain_i_j, atol=2e-6)
  # its weight is 0.01, that of the notes' penalty is 5
  assert jnp.abs(combinations_after("entropy") - plain_i_j).max() > 2e-4


def test_combinations_are_annealed_and_remembered():
  config = small("dense", loss__last_temperature=0.1)
  one = started(config)
  stats = one.stats
  sharpness = []
  for step in range(8):
    (_, (stats, _)), _ = one.step(one.params, stats, batch())
    sharpness.append(float(stats["alpha_s_i_j"][step].max(0).mean()))
  assert np.isfinite(stats["alpha_s_i_j"]).all()
  assert (np.diff(sharpness) > 0).all()   # the same scores, ever colder
  assert float(cnn_task.temperature(config, jnp.asarray(8))) == pytest.approx(0.1)


def test_leaving_connections_out_is_a_reading_that_training_knows_nothing_of():
  config = small("dense")
  one = started(config)
  pruned = make(configs.override(config, {"read.pruning.keep": 2})).task
  arguments = (one.params, one.stats, batch(), jax.random.key(0))
  loss_of_whole = jax.make_jaxpr(one.task.loss)(*arguments)
  loss_of_pruned = jax.make_jaxpr(pruned.loss)(*arguments)
  assert str(loss_of_pruned) == str(loss_of_whole)

  keys_b = jax.random.split(jax.random.key(0), IMAGES)
  whole = jax.jit(one.task.predict)(one.params, one.stats, batch(), keys_b)
  fewer = jax.jit(pruned.predict)(one.params, one.stats, batch(), keys_b)
  assert set(np.asarray(whole["connections_b"])) == {96}
  assert set(np.asarray(fewer["connections_b"])) == {32}
  assert jnp.abs(whole["output_b_k"] - fewer["output_b_k"]).max() > 1e-3


@pytest.mark.parametrize("method", ["dense", "cross_entropy"])
def test_curvature_is_like_the_parameters_and_never_negative(method):
  one = started(small(method))
  curvature = jax.jit(one.task.extras["curvature"])
  diagonal = curvature(one.params, one.stats, batch(), jax.random.key(0))
  jax.tree.map(lambda h, p: np.testing.assert_equal(h.shape, p.shape), diagonal, one.params)
  for h in jax.tree.leaves(diagonal):
    assert float(h.min()) >= 0
    assert float(h.max()) > 0


@pytest.mark.parametrize("changes, words", [
    ({"loss__name": "squard"}, "did you mean 'squared'"),
    ({"model__pooling": "mean"}, "model.pooling"),
    ({"model__combination": "softmx"}, "softmax"),
    ({"model__activation": "tanh"}, "scaled_tanh"),
    ({"loss__penalty__name": "entropy"}, "of learnt connections"),
    ({"read__pruning__keep": 2}, "of learnt connections"),
    ({"model__parameters": 100}, "allow it more"),
    ({"model__maps": (6, 15)}, "16 output maps"),
    ({"data__name": "image_clases"}, "did you mean 'image_classes'"),
])
def test_a_wrong_setting_is_one_sentence(changes, words):
  with pytest.raises(UserError, match=words):
    make(small(**changes))


class Evaluated(NamedTuple):
  """A tiny training with its rows."""
  opened: sweep.Opened
  rows: list
  method: str


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory) -> Evaluated:
  """A network with learnt connections, read with all of them and with two to a map."""
  keep_2 = {"label": "keep 2", "pruning": {"keep": 2}}
  config = small("entmax", readings={"keep_2": keep_2})
  opened = sweep.open_run(config, tmp_path_factory.mktemp("cnn") / "w")
  train.train(*opened)
  return Evaluated(opened, evaluate.evaluate(*opened), config.read.method)


def own_rows(evaluated: Evaluated, method: str) -> dict:
  """{(metric, unit): value} of a method."""
  rows = [row for row in evaluated.rows if row.method == method]
  return {(row.metric, row.unit): row.value for row in rows}


def test_rows_are_of_the_system_its_reading_and_the_baselines(evaluated):
  methods = {row.method for row in evaluated.rows}
  assert methods > {
      "constant",
      "nearest class mean",
      evaluated.method,
      f"{evaluated.method}, keep 2",
  }
  assert {row.metric for row in evaluated.rows} == {
      "accuracy_top1", "nll_nats", "brier", "connections", "parameters"}


def test_accuracy_is_that_of_the_stored_answers(evaluated):
  run, [member] = evaluated.opened
  folder = run.workdir / "predictions" / member.name / evaluated.method
  stored = np.load(folder / "test_000.npz", allow_pickle=False)
  assert set(stored.files) == {"probability_b_k", "label_b", "class_k"}
  np.testing.assert_allclose(stored["probability_b_k"].sum(1), 1, rtol=1e-5)

  [record] = [one for one in run.prepared.records if one.id == "test_000"]
  np.testing.assert_array_equal(stored["label_b"], record.annotations["label_t"])
  is_right_b = stored["probability_b_k"].argmax(1) == stored["label_b"]
  values = own_rows(evaluated, evaluated.method)
  assert len(is_right_b) == 100
  assert values["accuracy_top1", "images 50-99"] == is_right_b[50:].mean()


def test_connections_are_counted_as_the_network_is_read(evaluated):
  values = own_rows(evaluated, evaluated.method)
  assert 32 < values["connections", "images 0-49"] < 96
  fewer = own_rows(evaluated, f"{evaluated.method}, keep 2")
  assert {x for (metric, _), x in fewer.items() if metric == "connections"} == {32.0}


def test_what_the_network_shows_is_of_the_first_test_images(evaluated):
  run, [member] = evaluated.opened
  shown = np.load(run.workdir / "members" / member.name / "shown.npz", allow_pickle=False)
  assert shown["kernels_c1_1_k_y_x"].shape == (1, 6, 5, 5)
  assert shown["maps_c1_b_j_y_x"].shape == (4, 6, 28, 28)
  assert shown["kernels_c3_i_j_y_x"].shape == (6, 16, 5, 5)
  assert np.isfinite(shown["alpha_s_i_j"]).all()   # each moment was reached
  np.testing.assert_array_equal(shown["alpha_at_s"], np.arange(1, 9))

  params, stats = start.restored(run, member)
  ids = run.prepared.windows.ids_of(member.test)[:4]
  first = {**run.prepared.windows.take(ids), "mask_b": np.ones(4, np.float32)}
  expected = jax.jit(run.system.task.extras["show"])(params, stats, first)
  np.testing.assert_allclose(shown["maps_s4_b_j_y_x"], expected["maps_s4_b_j_y_x"], atol=1e-5)


def test_a_report_is_written(evaluated):
  workdir = evaluated.opened.run.workdir
  sweep.report([workdir], workdir / "report")
  page = (workdir / "report" / "index.html").read_text()
  assert evaluated.method in page
  assert "SIMULATED" in page
  for figure in ("confusion", "shown"):
    assert (workdir / "report" / f"{figure}.png").is_file()


def test_an_own_image_gets_the_classes_that_the_model_was_trained_on(evaluated, tmp_path):
  run = evaluated.opened.run
  [record] = [one for one in run.prepared.records if one.id == "test_000"]
  image_y_x = record.signals["image_t_y_x"][0]
  Image.fromarray(image_y_x).save(tmp_path / "mine.png")
  model = models.from_workdir(run.workdir)
  own_file.run(model, tmp_path / "mine.png", None, tmp_path / "out")

  summary = json.loads((tmp_path / "out" / "mine_classes.json").read_text())
  assert {"record", "model", "config", "commit", "answer_b"} < set(summary)
  [image] = summary["images"]
  probabilities = image["probabilities"]
  assert [*probabilities] == list(simulate_glyphs.CLASSES)   # not those of the family
  assert image["class"] == max(probabilities, key=probabilities.get)
  assert sum(probabilities.values()) == pytest.approx(1)
  assert (tmp_path / "out" / "mine_classes.png").is_file()
  assert (tmp_path / "out" / "mine_classes.csv").is_file()

  classes = model.predict(np.stack([image_y_x] * 2))
  assert isinstance(classes, Classes)
  np.testing.assert_allclose(classes.probabilities[1], [*probabilities.values()], rtol=1e-4)
  assert classes.maps["c1"].shape == (2, 28, 28, 6)
  assert [*classes.maps] == ["c1", "s2", "c3", "s4"]
  assert classes.answers == (image["class"],) * 2
  assert classes.answer_probabilities[0] == classes.probabilities[0].max()


TINY = {   # a network whose curvature compiles and runs quickly
    "data__shrink": 2,
    "model__maps": (2, 3),
    "model__table": "all",
    "model__hidden": (8, 8),
}


def test_seeds_in_one_program_learn_what_they_learn_alone(tmp_path):
  learnt = {}
  for count in (1, 2):
    config = small(
        "gauss_newton",
        split__seeds=(0, 1),
        run__members_per_program=str(count),
        optim__curvature_steps=3,
        train__steps=4,
        run__val_windows=0,
        **TINY,
    )
    run, members = sweep.open_run(config, tmp_path / str(count))
    train.train(run, members)
    learnt[count] = [start.restored(run, member)[0] for member in members]

  alone = jax.tree.leaves(learnt[1])
  together = jax.tree.leaves(learnt[2])
  for a, b in zip(alone, together, strict=True):
    np.testing.assert_allclose(a, b, atol=2e-5)
  seeds = zip(*map(jax.tree.leaves, learnt[1]), strict=True)
  assert any(np.abs(a - b).max() > 1e-2 for a, b in seeds)   # seeds differ
