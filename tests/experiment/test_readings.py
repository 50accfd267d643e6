"""One training read in several ways: what each reading costs, gives and may not change."""
import dataclasses
import json
import shutil

import jax
import numpy as np
import pytest
from builders import checkpoints, toy

from jaxsig import config as configs
from jaxsig.engine import checkpoint
from jaxsig.engine.start import restored
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate, sweep
from jaxsig.experiment.predictor import Predictor, RecordWindows, predict_records
from jaxsig.report.rows import read_rows
from jaxsig.system import Batch, Params, Stats

pytestmark = pytest.mark.quick

MEMBER = "fold0_seed0"
SHUFFLED = {"label": "shuffled", "shuffle": ("mix_b_s_c",)}
READINGS = {"one_sample": {"label": "one sample", "sampler": {"samples": 1}}, "shuffled": SHUFFLED}
LEARNT = ["network", "network, one sample", "network, shuffled"]
METHODS = [*LEARNT, "mean"]   # the plain reading first: tables compare with it


@pytest.fixture(scope="module")
def same_code():
  """The commit stays the same: edits while the tests run would change it."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(evaluate, "version_of_code", lambda system: "c0")
    yield


@pytest.fixture(scope="module")
def workdir(tmp_path_factory, same_code):
  """A training with two readings, evaluated."""
  folder = tmp_path_factory.mktemp("readings") / "w"
  sweep.experiment(toy(readings=READINGS), folder)
  return folder


def stored(workdir, method):
  """{record: its stored predictions}."""
  predictions = {}
  for path in (workdir / "predictions" / MEMBER / method).glob("*.npz"):
    with np.load(path, allow_pickle=False) as arrays:
      predictions[path.stem] = arrays["sources_k_c_t"]
  return predictions


def times(folder):
  """{file: when it was written}."""
  return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def predicted(run, member, params, stats):
  """The member's test records with predictions."""
  return list(evaluate._predict(run, params, stats, member.test))


# What they make

def test_one_training_serves_all_readings(workdir):
  assert [path.name for path in (workdir / "members").iterdir()] == [MEMBER]
  assert not (workdir / "ablations").exists()
  assert checkpoint.steps(checkpoints(workdir)) == [4, 8]
  assert json.loads((workdir / "about.json").read_text())["methods"] == LEARNT


def test_rows_are_of_all_readings_and_of_each_baseline_once(workdir):
  rows = read_rows(workdir / "rows.jsonl")
  assert list(dict.fromkeys(row.method for row in rows)) == METHODS
  stamps = {(row.stamp.step, row.stamp.member, row.stamp.config) for row in rows}
  assert stamps == {(8, MEMBER, configs.fingerprint(toy(readings=READINGS)))}

  places = {method: [] for method in METHODS}
  for row in rows:
    places[row.method].append((row.key, row.record, row.unit))
  assert places["network"]
  for of_method in places.values():
    assert len(set(of_method)) == len(of_method)
    assert sorted(of_method) == sorted(places["network"])


def test_each_method_tells_its_time(workdir):
  seconds = json.loads((workdir / "timing.json").read_text())
  assert sorted(seconds) == sorted(METHODS)
  assert all(0 < value < 600 for value in seconds.values())
  of_member = json.loads((workdir / "members" / MEMBER / "timing.json").read_text())
  assert of_member.keys() == seconds.keys()


def test_a_reading_differs_from_the_plain_one(workdir):
  plain = stored(workdir, "network")
  assert plain
  for method in LEARNT[1:]:
    other = stored(workdir, method)
    assert other.keys() == plain.keys()
    for name, x in plain.items():
      assert other[name].shape == x.shape
      assert np.abs(other[name] - x).max() > 1e-3


def test_a_reading_is_what_its_settings_say(workdir, tmp_path, same_code):
  """The checkpoint is as good for a workdir that asks for the reading's settings alone."""
  run, [member] = sweep.open_run(toy(read__sampler__samples=1), tmp_path / "alone")
  (tmp_path / "alone" / "members").symlink_to(workdir / "members")
  of_reading = stored(workdir, "network, one sample")
  records = predicted(run, member, *restored(run, member))
  assert len(records) == len(of_reading) > 0
  for record in records:
    sources = record.predictions["sources_k_c_t"]
    np.testing.assert_allclose(sources, of_reading[record.id], atol=1e-5)


def test_what_is_evaluated_is_not_evaluated_again(workdir, same_code, monkeypatch):
  before = {**times(workdir / "members"), **times(workdir / "predictions")}
  rows = (workdir / "rows.jsonl").read_text()
  monkeypatch.setattr(evaluate, "_evaluate_member", lambda *args: pytest.fail("evaluated again"))
  sweep.experiment(toy(readings=READINGS), workdir)
  assert {**times(workdir / "members"), **times(workdir / "predictions")} == before
  assert (workdir / "rows.jsonl").read_text() == rows
  assert sorted(json.loads((workdir / "timing.json").read_text())) == sorted(METHODS)


def test_other_readings_are_evaluated_without_another_training(workdir, tmp_path, same_code):
  folder = shutil.copytree(workdir, tmp_path / "w")
  trained = times(checkpoints(folder))
  sweep.experiment(toy(readings={"shuffled": SHUFFLED}), folder)
  rows = read_rows(folder / "rows.jsonl")
  assert list(dict.fromkeys(row.method for row in rows)) == ["network", "network, shuffled", "mean"]
  assert times(checkpoints(folder)) == trained


# A control: arrays of another window

def seen(params: Params, stats: Stats, batch: Batch, keys_b: jax.Array) -> dict[str, jax.Array]:
  """Instead of a network: what it would see."""
  return {name: batch[name] for name in ("mix_b_s_c", "valid_b_s", "target_b_k")}


def test_shuffling_gives_each_window_another_ones_array_and_leaves_the_rest(workdir, tmp_path):
  run, [member] = sweep.open_run(toy(read__shuffle=("mix_b_s_c",)), tmp_path / "w")
  task = run.system.task._replace(predict=seen, finish=None)
  run = run._replace(system=run.system._replace(task=task))
  together = {}
  for record in predicted(run, member, {}, {}):
    for name in ("mix_b_s_c", "target_b_k", "start_s_b"):
      together.setdefault(name, []).append(record.predictions[name])
  together = {name: np.concatenate(parts) for name, parts in together.items()}

  windows = run.prepared.windows
  ids = windows.ids_of(member.test)
  plain = windows.take(ids)
  np.testing.assert_array_equal(together["target_b_k"], plain["target_b_k"])
  np.testing.assert_array_equal(together["start_s_b"], windows.spans.start_s_b[ids])
  moved_b = (together["mix_b_s_c"] != plain["mix_b_s_c"]).any((1, 2))
  assert moved_b.mean() > 0.9
  shuffled = sorted(x.tobytes() for x in together["mix_b_s_c"])
  assert shuffled == sorted(x.tobytes() for x in plain["mix_b_s_c"])   # a permutation


# What is refused

@pytest.mark.parametrize(("changes", "words"), [
  ({"optim": {"learning_rate": 0.5}}, "read.optim.learning_rate.*an ablation"),
  ({"sampler": {"samples": 1}, "model": {"hidden": 9}}, "read.model.hidden"),
  ({"data": {"duration_s": 2.0}}, "read.data.duration_s"),
  ({"split": {"folds": (1,)}}, "read.split.folds"),
  ({"train": {"steps": 3}}, "read.train.steps"),
])
def test_a_reading_that_needs_a_training_is_refused_before_any(changes, words, tmp_path):
  sentence = refused(tmp_path / "w", readings={"odd": changes})
  assert_words(sentence, f"'odd' changes what config.read does not have.*{words}")


@pytest.mark.parametrize(("changes", "words"), [
  ({"sampler": {"samplez": 1}}, r"read.sampler.samplez.*did you mean 'read.sampler.samples'"),
  ({"shuffle": ("mix_b_s",)}, r"read.shuffle names 'mix_b_s'.*did you mean 'mix_b_s_c'"),
])
def test_a_reading_of_what_does_not_exist_is_refused_before_any(changes, words, tmp_path):
  assert_words(refused(tmp_path / "w", readings={"odd": changes}), words)


def test_an_own_reading_must_be_one_of_the_readings(tmp_path):
  sentence = refused(tmp_path / "w", readings=READINGS, own__reading="one_sampel")
  assert_words(sentence, "no reading 'one_sampel'.*did you mean 'one_sample'")


def refused(workdir, **changes):
  """The sentence that a user gets; nothing is trained."""
  with pytest.raises(UserError) as caught:
    sweep.experiment(toy(**changes), workdir)
  assert not (workdir / "members").exists()
  return str(caught.value)


def assert_words(sentence, pattern):
  assert "\n" not in sentence
  with pytest.raises(UserError, match=pattern):
    raise UserError(sentence)


# A model that was trained elsewhere

@pytest.fixture
def elsewhere(workdir, tmp_path):
  """(changes) -> config that tests the workdir's model on two takes of others."""
  folder = tmp_path / "data"
  folder.mkdir()
  draw = np.random.default_rng(0)
  for name in ("h0", "h1"):
    np.save(folder / f"{name}.toy.npy", draw.standard_normal((200, 2)).astype(np.float32))
  external = {
    "split__kind": "external",
    "split__folds": (),
    "split__val_groups": 0,
    "init_from": str(workdir),
    "data_dir": str(folder),
    "data__source": "real",
    "baselines__run": False,
  }

  def make(**changes):
    return toy(**{**external, **changes})

  return make


def test_an_external_split_tests_the_bases_parameters_on_other_groups(
    workdir, elsewhere, tmp_path, same_code):
  folder = tmp_path / "e"
  base = times(workdir)
  sweep.experiment(elsewhere(), folder)
  assert not list(folder.rglob("checkpoints"))   # nothing is trained
  assert times(workdir) == base                  # the base stays as it is

  rows = read_rows(folder / "rows.jsonl")
  assert {row.group for row in rows} == {"h0.toy", "h1.toy"}
  assert {row.method for row in rows} == {"network"}
  assert {(row.stamp.step, row.stamp.member) for row in rows} == {(8, MEMBER)}
  assert {row.stamp.source for row in rows} == {"toy"}
  assert list(json.loads((folder / "timing.json").read_text())) == ["network"]   # no baselines

  run, [member] = sweep.open_run(toy(readings=READINGS), workdir)
  params, stats = restored(run, member)
  there, _ = sweep.open_run(elsewhere(), folder)
  windows = there.prepared.windows
  chosen = []
  for i, record in enumerate(there.prepared.records):
    chosen.append(RecordWindows(record, np.flatnonzero(windows.record_b == i)))
  predictor = Predictor(there.system.task, params, stats, size=16, seed=0)
  stored_there = stored(folder, "network")
  expected = list(predict_records(predictor, there.system.task, windows, chosen, there.config))
  assert len(expected) == 2
  for record in expected:
    sources = record.predictions["sources_k_c_t"]
    np.testing.assert_allclose(stored_there[record.id], sources, atol=1e-5)


def test_an_external_split_refuses_what_the_base_has_seen(elsewhere, tmp_path, same_code):
  seen_before = elsewhere(data__source="simulated", data_dir="")
  with pytest.raises(UserError, match="has trained on a test group"):
    sweep.experiment(seen_before, tmp_path / "same")


def test_an_external_split_refuses_a_base_that_is_none(elsewhere, tmp_path, same_code):
  with pytest.raises(UserError, match=r"split\.json|model"):
    sweep.experiment(elsewhere(init_from=str(tmp_path / "none")), tmp_path / "none_there")


# Members beside each other

def test_rows_that_are_gone_are_made_again_alike(workdir, tmp_path, same_code):
  folder = shutil.copytree(workdir, tmp_path / "w")
  before = read_rows(folder / "rows.jsonl")
  for path in folder.rglob("rows.jsonl"):
    path.unlink()
  sweep.experiment(toy(readings=READINGS), folder)
  again = read_rows(folder / "rows.jsonl")
  assert [dataclasses.replace(row, stamp=None) for row in again] == [
    dataclasses.replace(row, stamp=None) for row in before]
