"""Splits, order, stitching, cache: what the whole evaluation stands on."""
import ml_collections
import numpy as np
import pytest
from builders import ROOT

from jaxsig import config as configs
from jaxsig.data import cache, splits
from jaxsig.data import records as core
from jaxsig.errors import UserError
from jaxsig.system import make_data

PATIENTS = [f"s{i:05d}" for i in range(40)]


def settings(**changes):
  return ml_collections.ConfigDict(
      {"kind": "kfold", "n_folds": 5, "folds": (), "seeds": (0,), "val_groups": 3, "salt": 0, "inner_folds": 0, **changes})


def test_folds_cover_every_patient_once_and_never_share_one():
  members = splits.members(PATIENTS + PATIENTS[:7], settings())
  assert sorted(p for m in members for p in m.test) == PATIENTS
  for m in members:
    assert sorted(m.train + m.val + m.test) == PATIENTS and len(m.val) == 3


def test_a_fold_does_not_move_when_patients_are_added():
  before = {p: m.fold for m in splits.members(PATIENTS[:25], settings()) for p in m.test}
  after = {p: m.fold for m in splits.members(PATIENTS, settings()) for p in m.test}
  assert all(after[p] == fold for p, fold in before.items())
  moved = {p: m.fold for m in splits.members(PATIENTS, settings(salt=1)) for p in m.test}
  assert moved != after


def test_leave_one_patient_out_and_seeds_make_members():
  members = splits.members(PATIENTS, settings(kind="lopo", seeds=(0, 1)))
  assert len(members) == 80 and len({m.name for m in members}) == 80 and all(len(m.test) == 1 for m in members)
  [everyone] = splits.members(PATIENTS, settings(kind="all"))
  assert not everyone.test and len(everyone.train) == 37


def test_an_external_split_tests_everybody_and_trains_on_nobody():
  members = splits.members(PATIENTS + PATIENTS[:7], settings(kind="external", seeds=(0, 1), folds=(3,), val_groups=3))
  assert [(m.name, m.fold, m.seed) for m in members] == [("fold0_seed0", 0, 0), ("fold0_seed1", 0, 1)]
  assert all(m.train == m.val == () and m.test == tuple(PATIENTS) for m in members)
  assert splits.records_of(members[0].test, PATIENTS[:2] * 2) == [0, 1, 2, 3]
  [one] = splits.members(["alone"], settings(kind="external"))   # too few for any other kind
  assert one.test == ("alone",)
  with pytest.raises(UserError, match="too few"):
    splits.members(["alone"], settings(kind="all"))


def test_a_data_set_s_own_split_is_kept():
  given = [f"{part}_{i}" for part in ("train", "test") for i in range(6)]
  [member] = splits.members(given, settings(kind="given", val_groups=2))
  assert member.test == tuple(g for g in sorted(given) if g.startswith("test")) and len(member.val) == 2 and len(member.train) == 4
  with pytest.raises(UserError, match="begins with test"):
    splits.members(PATIENTS, settings(kind="given"))


def test_leaks_and_impossible_splits_are_named():
  member = splits.members(PATIENTS, settings())[0]
  for broken in (member._replace(val=member.test[:1]), member._replace(train=member.train + member.val[:1])):
    with pytest.raises(UserError, match=r"patient s\d+ is in both"):
      splits.check(broken)
  with pytest.raises(UserError, match="too few"):
    splits.members(PATIENTS[:2], settings(kind="lopo"))
  with pytest.raises(UserError, match="fold 7"):
    splits.members(PATIENTS, settings(folds=(7,)))
  with pytest.raises(UserError, match="'blocked'"):
    splits.members(PATIENTS, settings(kind="blocked"))


def test_stitching_is_exact_where_windows_agree_and_keeps_what_has_no_time():
  rate_hz, window_s = 10.0, 4.0
  whole_t = np.sin(np.arange(200) / 7).astype(np.float32)
  for stride_s in (4.0, 2.0, 1.0):
    start_s = np.arange(0, 20 - window_s + 1e-9, stride_s)
    cut = np.stack([whole_t[int(s * rate_hz):int(s * rate_hz) + 40] for s in start_s])
    out = core.stitch({"x_b_t": cut, "x_b_s_t": np.stack([cut, -cut], 1), "rate_bpm_b": start_s}, start_s, window_s)
    n = out["x_t"].shape[-1]
    np.testing.assert_allclose(out["x_t"], whole_t[:n], atol=1e-6)
    np.testing.assert_allclose(out["x_s_t"], [whole_t[:n], -whole_t[:n]], atol=1e-6)
    assert out["rate_hz"] == rate_hz and out["rate_bpm_b"] is not None and "rate_bpm_b" in out
    np.testing.assert_array_equal(out["rate_bpm_b"], start_s)


def test_stitching_fades_from_one_window_to_the_next_and_leaves_gaps():
  out = core.stitch({"x_b_t": np.stack([np.zeros(8), np.ones(8)])}, np.array([0.0, 0.4]), 0.8)["x_t"]
  assert (np.diff(out) >= 0).all() and out[0] == 0 and out[-1] == 1 and 0 < out[5] < out[6] < 1
  gap = core.stitch({"x_b_t": np.ones((2, 4))}, np.array([0.0, 0.8]), 0.4)["x_t"]
  assert np.isnan(gap[4:8]).all() and np.isfinite(gap[:4]).all() and np.isfinite(gap[8:]).all()


def test_padding_is_masked():
  ids, mask = core.pad_rows(np.array([4, 5]), 5)
  assert list(ids) == [4, 5, 4, 4, 4] and list(mask) == [1, 1, 0, 0, 0]


def experiment(tmp_path, **overrides):
  path = ROOT / "configs" / "respdiff.py"
  return configs.load(path, "smoke", {"cache_dir": str(tmp_path / "cache"), **overrides})


def test_the_cache_gives_what_was_put_in_and_follows_the_settings(tmp_path):
  config = experiment(tmp_path)
  data = make_data(config)
  fresh = cache.load(data, configs.override(config, {"cache_dir": ""}))
  first, second = cache.load(data, config), cache.load(data, config)
  assert fresh.fingerprint == first.fingerprint == second.fingerprint
  for name, array in fresh.windows.arrays.items():
    np.testing.assert_array_equal(second.windows.arrays[name], array)
  for a, b in zip(fresh.records, second.records, strict=True):
    assert a.id == b.id and a.group == b.group and a.info == b.info
    for name, array in {**a.signals, **a.annotations}.items():
      np.testing.assert_array_equal({**b.signals, **b.annotations}[name], array)
    np.testing.assert_array_equal(a.prepared["resp_t"], b.prepared["resp_t"])
  other = cache.load(data, configs.override(config, {"data.simulate_seed": 9}))
  assert other.fingerprint != first.fingerprint
  assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_cache_folder_that_is_a_file_is_named(tmp_path):
  (tmp_path / "cache").write_text("mine")
  config = experiment(tmp_path)
  with pytest.raises(UserError, match="cache"):
    cache.load(make_data(config), config)


def test_auto_takes_the_simulator_only_where_no_folder_is_named(tmp_path):
  config = experiment(tmp_path)
  data = make_data(config)
  assert cache.source_of(data, config) == "simulated"
  (tmp_path / "d").mkdir()
  with pytest.raises(UserError, match="is empty"):
    cache.source_of(data, configs.override(config, {"data_dir": str(tmp_path / "d")}))
  (tmp_path / "d" / "notes.txt").write_text("nothing here")
  with pytest.raises(UserError, match="holds nothing of bidmc"):
    cache.source_of(data, configs.override(config, {"data_dir": str(tmp_path / "d")}))
  assert cache.source_of(data, configs.override(config, {"data_dir": str(tmp_path / "d"), "data.source": "simulated"})) == "simulated"


def test_an_inner_split_tests_training_patients_and_leaves_the_test_patients_out():
  outer, inner = (splits.members(PATIENTS, settings(inner_folds=n)) for n in (0, 3))
  for whole, part in zip(outer, inner, strict=True):
    assert part.name == whole.name.replace("_seed", "_inner_seed") and part.test
    assert not set(whole.test) & {*part.train, *part.val, *part.test}
    assert {*part.train, *part.val, *part.test} == {*whole.train, *whole.val}
