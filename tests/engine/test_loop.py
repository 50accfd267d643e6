"""The loop and its promises: members, feeds, what is compiled, and what a training starts from."""
import logging
import re
from collections import Counter

import jax
import numpy as np
import pytest
from builders import (
  FOLDS,
  assert_close,
  assert_same,
  checkpoints,
  final_state,
  scalars,
  small,
  smallest,
  toy,
)

import jaxsig
from jaxsig.data import feeds
from jaxsig.data.splits import groups_of
from jaxsig.engine import checkpoint, optim, train
from jaxsig.errors import OtherNetwork, UserError
from jaxsig.experiment import evaluate, sweep

FOLD_NAMES = ("fold0_seed0", "fold1_seed0", "fold2_seed0")


# Members

def assert_members_alike(together, apart, names=FOLD_NAMES):
  """Members that shared a program are as those one after another, and differ from each other."""
  kernels = []
  for name in names:
    shared = final_state(together.run.workdir, name)
    assert_close(shared, final_state(apart.run.workdir, name))
    kernel = next(path for path in shared.arrays if "params" in path and "kernel" in path)
    kernels.append(shared.arrays[kernel])
  assert not np.allclose(kernels[0], kernels[1])   # members are different trainings


@pytest.mark.quick
def test_members_in_one_program_equal_one_after_another(toy_folds, toy_trained):
  together = toy_trained("together", **FOLDS, run__members_per_program="3")
  assert len(together.members) == 3
  assert_members_alike(together, toy_folds)


def test_members_of_a_convolutional_network_equal_one_after_another(tmp_path, quick_compilation):
  """Its convolutions, scans and norms under vmap."""
  opened = []
  for members in ("2", "1"):
    config = smallest(split__folds=(0, 1), run__members_per_program=members)
    opened.append(sweep.open_run(config, tmp_path / members))
    train.train(*opened[-1])
  assert_members_alike(*opened, FOLD_NAMES[:2])


@pytest.mark.quick
def test_members_of_other_group_sizes_continue_where_they_were(toy_trained, tmp_path):
  toy_trained("two", **FOLDS, run__members_per_program="2")
  before = [final_state(tmp_path / "two", name) for name in FOLD_NAMES]
  toy_trained("two", **FOLDS, run__members_per_program="3")   # finished members are not touched
  for state, name in zip(before, FOLD_NAMES, strict=True):
    assert_same(state, final_state(tmp_path / "two", name))


@pytest.mark.quick
def test_a_member_that_was_ahead_joins_the_others_again(toy_folds_copy, toy_folds):
  """One member is at step 8, the others at 4: they go on together, to the same numbers."""
  for name in FOLD_NAMES[1:]:
    checkpoint.forget_after(checkpoints(toy_folds_copy, name), 4)
  again = sweep.open_run(toy(**FOLDS, run__members_per_program="3"), toy_folds_copy)
  train.train(again.run, again.members)
  assert_members_alike(again, toy_folds)


@pytest.mark.quick
def test_how_many_members_share_a_program(toy_folds, tmp_path):
  run = toy_folds.run

  def per_program(wanted, m, run=run):
    config = toy(run__members_per_program=wanted)
    return train.members_per_program(run._replace(config=config), m)

  assert per_program("2", 3) == 2
  assert per_program("5", 3) == 3
  assert per_program("auto", 3) == 3   # no convolutions here
  for wrong in ("0", "many", "-1"):
    with pytest.raises(UserError, match="run.members_per_program"):
      per_program(wrong, 3)


def test_convolutions_on_a_cpu_are_trained_one_member_at_a_time(tmp_path):
  run = sweep.open_run(small(**FOLDS), tmp_path / "w").run
  assert train.members_per_program(run, 3) == 1


# Batches

@pytest.mark.quick
def test_every_batch_holds_only_the_members_own_training_groups(toy_folds):
  windows = toy_folds.run.prepared.windows
  for member in toy_folds.members:
    ids = windows.ids_of(member.trained_on, augmented=True)
    order = feeds.Order((0,), (member.name,), (ids,), batch_size=8, padded_size=8)
    seen = set()
    for step in range(100):
      ids_m_b, _ = order.at(step)
      for record in windows.record_b[ids_m_b.ravel()]:
        seen.add(windows.records[record].group)
    assert seen == set(groups_of(member.train))
    assert not seen & set(groups_of(member.test))
    assert not seen & set(groups_of(member.val))


@pytest.mark.quick
def test_the_guard_against_leaks_is_itself_guarded(tmp_path):
  run, [member] = sweep.open_run(toy(), tmp_path / "w")
  leaky = member._replace(train=member.train + member.test[:1])
  with pytest.raises(UserError, match=member.test[0].group):
    train.train(run, [leaky])
  with pytest.raises(UserError, match=member.test[0].group):
    evaluate.evaluate(run, [leaky])


# What is compiled

COMPILING = re.compile(r"Compiling (?:jit\()?(\w+)\)? ")   # the first words of what jax logs


@pytest.mark.quick
@pytest.mark.parametrize(("members", "wrapped"), [
  ("1", {"over_one_member": 2}),
  ("3", {"init": 1, "val": 1}),
])
def test_a_training_with_checkpoints_and_validation_compiles_each_program_once(
    toy_trained, caplog, members, wrapped):
  changes = {"split__folds": (0, 1, 2)[:int(members)], "run__members_per_program": members}
  jax.clear_caches()
  with caplog.at_level(logging.WARNING), jax.log_compiles():
    toy_trained("w", **changes, train__steps=20)
  compiled = Counter()
  for record in caplog.records:
    match = COMPILING.match(record.getMessage())
    if match:
      compiled[match[1]] += 1
  caplog.clear()
  expected = {"train_step": 1, "member_state": 1, **wrapped}
  assert {name: compiled[name] for name in expected} == expected


# Numbers that are not finite, and the moving average

@pytest.mark.quick
def test_what_is_not_finite_is_told_and_not_saved(toy_trained, tmp_path):
  with pytest.raises(UserError, match="fold0_seed0 is not finite"):
    growing = {"optim__learning_rate": 100.0, "optim__weight_decay": 100.0}
    toy_trained("w", **growing, train__steps=20, run__ckpt_steps=20)
  assert not checkpoint.steps(checkpoints(tmp_path / "w"))


@pytest.mark.quick
def test_the_moving_average_moves_as_its_formula():
  average = {"x": np.float32(1.0)}
  expected = 1.0
  for step in range(5):
    average = optim.ema(average, {"x": np.float32(step)}, 0.9, np.int32(step))
    decay = min(0.9, (1 + step) / (10 + step))
    expected = expected * decay + step * (1 - decay)
  np.testing.assert_allclose(average["x"], expected, rtol=1e-6)


# What a training starts from

@pytest.mark.quick
def test_fine_tuning_starts_from_a_member_that_never_saw_the_test_groups(toy_folds, toy_trained):
  base = toy_folds.run.workdir
  tuned = toy_trained("tuned", **FOLDS, init_from=str(base), trainable="decoder", train__steps=4)
  for member in tuned.members:
    before = final_state(base, member.name).arrays
    after = final_state(tuned.run.workdir, member.name).arrays
    moved = set()
    for path, x in after.items():
      averaged = path.replace("['params']", "['ema']", 1)
      if path.startswith("['params']") and not np.array_equal(x, before[averaged]):
        moved.add(path)
    assert moved
    assert all("decoder" in path for path in moved)


@pytest.mark.quick
def test_a_base_that_saw_all_test_groups_is_refused(toy_folds, toy_trained):
  with pytest.raises(UserError, match=r"has trained on a test group of fold\d_seed0 \(.*g\d"):
    toy_trained("other", split__salt=5, split__folds=(), init_from=str(toy_folds.run.workdir))


@pytest.mark.quick
def test_a_shipped_base_of_another_network_is_told_by_its_settings(tmp_path):
  with pytest.raises(UserError, match="init_from respdiff_60s .*differs in model"):
    jaxsig.train(smallest(init_from="respdiff_60s"), tmp_path / "w")


@pytest.mark.quick
def test_a_base_of_another_network_is_told_by_its_settings(toy_folds, toy_trained, monkeypatch):
  def of_another(*_):
    raise OtherNetwork("it does not fit this network")

  monkeypatch.setattr(checkpoint, "restore_some", of_another)
  base = str(toy_folds.run.workdir)
  changes = {**FOLDS, "init_from": base, "data__duration_s": 20.0}
  with pytest.raises(UserError, match="another network.*differs in data.duration_s: take its"):
    toy_trained("wider", **changes)
  with pytest.raises(UserError, match="does not fit this network"):   # no setting differs
    toy_trained("wide", **{**FOLDS, "init_from": base})


@pytest.mark.quick
@pytest.mark.parametrize("size", [257, 10_000, 10**6])
def test_a_batch_of_the_same_windows_again_and_again_is_refused(toy_trained, size):
  with pytest.raises(UserError, match=f"batch_size is {size}, and .* has 160 windows.* to 256 or"):
    toy_trained(f"large_{size}", train__batch_size=size)


@pytest.mark.quick
def test_a_model_trained_on_everybody_is_not_scored(toy_trained, capsys):
  opened = toy_trained("all", split__kind="all")
  assert evaluate.evaluate(opened.run, opened.members) == []
  sweep.report([opened.run.workdir], opened.run.workdir / "report")
  assert "nothing to report" in capsys.readouterr().out


@pytest.mark.quick
def test_scalars_are_those_of_the_logged_steps(toy_folds):
  """Validation at its own steps and in the end."""
  of_step = scalars(toy_folds.run.workdir)
  assert list(of_step) == [2, 4, 6, 8]
  assert [step for step, values in of_step.items() if "val_loss" in values] == [4, 8]
  assert all({"loss", "rmse", "grad_norm"} <= values.keys() for values in of_step.values())
