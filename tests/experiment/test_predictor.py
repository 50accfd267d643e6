"""Predictions depend on the window alone: not on its batch, its mates or the records around it."""
import jax
import numpy as np
import pytest
from builders import smallest

from jaxsig.engine.start import restored
from jaxsig.engine.train import train
from jaxsig.experiment import sweep
from jaxsig.experiment.predictor import (
  Predictor,
  RecordWindows,
  predict_records,
  predict_windows,
)
from jaxsig.rng import root


def predictions(run, params, stats, ids, size):
  """[b, t] the waveform of some windows, in batches of `size`."""
  windows = run.prepared.windows
  predictor = Predictor(run.system.task, params, stats, size, seed=0)
  outputs = predict_windows(predictor, windows.take(ids), windows.name_b_2[ids], what="")
  return outputs["resp_b_t"]


def test_batch_size_and_batch_mates_do_not_move_a_prediction(tmp_path, quick_compilation):
  run, [member] = sweep.open_run(smallest(), tmp_path / "w")
  train(run, [member])
  params, stats = restored(run, member)
  ids = run.prepared.windows.ids_of(member.test)[:11]
  whole = predictions(run, params, stats, ids, 11)
  in_fours = predictions(run, params, stats, ids, 4)
  the_last = predictions(run, params, stats, ids[7:], 4)
  np.testing.assert_allclose(in_fours, whole, atol=1e-5)
  np.testing.assert_allclose(the_last, whole[7:], atol=1e-5)


def test_the_published_norm_fails_the_batch_mate_check(tmp_path, quick_compilation):
  """So the check above sees a network whose windows know of each other."""
  published = smallest(model__norm="batch_as_coded")
  run, _ = sweep.open_run(published, tmp_path / "w")
  batch = {**run.prepared.windows.take(np.arange(8)), "mask_b": np.ones(8, np.float32)}
  params, stats = jax.jit(run.system.task.init)(root(0), batch)
  whole = predictions(run, params, stats, np.arange(8), 8)
  half = predictions(run, params, stats, np.arange(4), 4)
  assert np.abs(whole[:4] - half).max() > 1e-3


# Records

@pytest.fixture(scope="module")
def chosen(toy_folds):
  """Four records, the second of which has but one window predicted."""
  windows = toy_folds.run.prepared.windows
  of_records = []
  for i, record in enumerate(toy_folds.run.prepared.records[:4]):
    ids = np.flatnonzero(windows.record_b == i)
    if i == 1:
      ids = ids[3:4]
    of_records.append(RecordWindows(record, ids))
  return of_records


def together(toy_folds, chosen, size):
  run = toy_folds.run
  params, stats = restored(run, toy_folds.members[0])
  task = run.system.task._replace(finish=None)
  predictor = Predictor(task, params, stats, size, seed=0)
  return predict_records(predictor, task, run.prepared.windows, chosen, run.config, what="")


@pytest.mark.quick
@pytest.mark.parametrize("size", [1, 7, 16, 200])
def test_records_that_share_batches_are_predicted_as_alone(toy_folds, chosen, size):
  predicted = list(together(toy_folds, chosen, size))
  assert [record.id for record in predicted] == [one.record.id for one in chosen]
  for record, one in zip(predicted, chosen, strict=True):
    [alone] = together(toy_folds, [one], 16)
    assert len(record.predictions["target_b_k"]) == len(one.ids)
    np.testing.assert_array_equal(
      record.predictions["start_s_b"], alone.predictions["start_s_b"])
    np.testing.assert_allclose(
      record.predictions["target_b_k"], alone.predictions["target_b_k"], atol=1e-6)


@pytest.mark.quick
def test_a_record_is_given_as_its_last_window_comes(toy_folds, chosen, monkeypatch):
  """Of the next one no more is cut by then than shares its batch."""
  windows = toy_folds.run.prepared.windows
  cut = []
  take = windows.take

  def noted(ids):
    cut.extend(windows.record_b[ids].tolist())
    return take(ids)

  first, second = chosen[0], chosen[2]
  records = together(toy_folds, [first, second], 4)
  monkeypatch.setattr(windows, "take", noted)
  next(records)
  assert cut.count(0) == len(first.ids)
  assert cut.count(2) < 4
  next(records)
  assert cut.count(2) == len(second.ids)
