"""One training read in several ways, others' trainings on other patients, and the order of a sweep: what each costs and gives."""
import json

import ml_collections
import numpy as np
import pytest
from builders import ROOT
from fake_bidmc import records, write_bidmc

from jaxsig import config as configs
from jaxsig.engine import checkpoint, train
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate, sweep

TINY = {"model.fine_kernels": (3,), "model.coarse_kernels": (3,), "model.dilations": (1,), "model.hidden": 4, "model.head": (4,),
        "train.steps": 2, "train.val_windows": 0, "train.tensorboard": False, "loss.spectral": "none", "run_controls": False}
VARIANTS = {"one step": {"sampler": {"steps": 1}}, "shuffled": {"eval": {"shuffle": ("ppg_b_t_p",)}}}
LEARNT = ["respdiff", "respdiff, one step", "respdiff, shuffled"]
RIVALS = ["constant", "band_pass", "riiv", "riav", "rifv", "smart_fusion"]


def tiny(**changes):
  return configs.load(ROOT / "configs/respdiff.py", "smoke", {**TINY, **{k.replace("__", "."): v for k, v in changes.items()}})


@pytest.fixture(scope="module")
def same_code():
  """The commit stays the same, as others' edits while the tests run would change it."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(evaluate, "commit_of_code", lambda: "c0")
    yield


@pytest.fixture(scope="module")
def workdir(tmp_path_factory, same_code):
  """A training with two variants, evaluated."""
  folder = tmp_path_factory.mktemp("v") / "w"
  sweep.experiment(tiny(variants=VARIANTS), folder)
  return folder


def stored(workdir, method, member="fold0_seed0"):
  """{record: its stored predictions}."""
  return {p.stem: dict(np.load(p, allow_pickle=False)) for p in (workdir / "predictions" / member / method).glob("*.npz")}


def times(folder, pattern="*"):
  return {p: p.stat().st_mtime_ns for p in folder.rglob(pattern) if p.is_file()}


# Variants

def test_one_training_makes_the_rows_of_all_variants_and_of_each_rival_once(workdir):
  assert [p.name for p in (workdir / "members").iterdir()] == ["fold0_seed0"] and not (workdir / "controls").exists()
  assert checkpoint.steps(workdir / "members/fold0_seed0/checkpoints") == [2]
  rows = evaluate.read_rows(workdir / "rows.jsonl")
  assert list(dict.fromkeys(r["method"] for r in rows)) == LEARNT + RIVALS   # the plain reading first: tables compare with it
  assert {(r["step"], r["member"], r["config"]) for r in rows} == {(2, "fold0_seed0", configs.fingerprint(tiny(variants=VARIANTS)))}
  keys = [(r["method"], r["metric"], r["record"], r["unit"]) for r in rows]
  assert len(set(keys)) == len(keys)
  per = {m: sorted(k[1:] for k in keys if k[0] == m) for m in LEARNT + RIVALS}
  assert per[LEARNT[0]] and all(per[m] == per[LEARNT[0]] for m in [*LEARNT, "constant", "band_pass"])
  assert json.loads((workdir / "config.json").read_text())["methods"] == LEARNT


def test_each_method_tells_its_time(workdir):
  told = json.loads((workdir / "timing.json").read_text())
  assert sorted(told) == sorted(LEARNT + RIVALS) and all(0 < seconds < 600 for seconds in told.values())
  assert json.loads((workdir / "members/fold0_seed0/timing.json").read_text()).keys() == told.keys()


def test_a_variant_is_what_its_settings_say_and_the_plain_reading_is_untouched(workdir, tmp_path, same_code):
  plain, one_step, shuffled = (stored(workdir, m) for m in LEARNT)
  assert plain.keys() == one_step.keys() == shuffled.keys() and plain
  for name, record in plain.items():
    for other in (one_step[name], shuffled[name]):
      assert record["resp_t"].shape == other["resp_t"].shape and np.abs(record["resp_t"] - other["resp_t"]).max() > 1e-3
  config = tiny(sampler__steps=1)   # the checkpoint is as good for a workdir that asks for the variant's settings alone
  run, [member] = sweep.open_run(config, tmp_path / "alone")
  (tmp_path / "alone/members").symlink_to(workdir / "members")
  ids = train.window_ids(run.prepared, member.test)
  mine = [r for r in run.prepared.records if r.group in member.test]
  for record in evaluate.predict_records(run, *evaluate.restore_ema(run, member, 2), mine, ids):
    np.testing.assert_allclose(record.predictions["resp_t"], one_step[record.id]["resp_t"], atol=1e-5)


def test_shuffling_tells_each_window_of_another_ones_ppg_and_leaves_the_rest(small, tmp_path):
  run, [member] = sweep.open_run(small(eval__shuffle=("ppg_b_t_p",)), tmp_path / "w")
  seen = lambda params, stats, batch, keys_b: {k: batch[k] for k in ("ppg_b_t_p", "resp_b_t", "start_s_b")}
  ids = train.window_ids(run.prepared, member.test)
  run = run._replace(task=run.task._replace(predict=lambda *args: {f"{k}_b": v for k, v in seen(*args).items()}))
  out = evaluate.predict_records(run, {}, {}, [r for r in run.prepared.records if r.group in member.test], ids)
  together = {k: np.concatenate([r.predictions[f"{k}_b"] for r in out]) for k in ("ppg_b_t_p", "resp_b_t", "start_s_b")}
  own = {k: run.prepared.windows.arrays[k][ids] for k in together}
  np.testing.assert_array_equal(together["resp_b_t"], own["resp_b_t"])
  np.testing.assert_array_equal(together["start_s_b"], own["start_s_b"])
  moved = (together["ppg_b_t_p"] != own["ppg_b_t_p"]).any((1, 2))
  assert moved.mean() > 0.9
  rows = lambda x: sorted(map(bytes, np.ascontiguousarray(x)))
  assert rows(together["ppg_b_t_p"]) == rows(own["ppg_b_t_p"])   # a permutation


def test_what_is_evaluated_is_not_evaluated_again(workdir, same_code, monkeypatch):
  before = {**times(workdir / "members"), **times(workdir / "predictions")}
  rows = (workdir / "rows.jsonl").read_text()
  monkeypatch.setattr(evaluate, "_member_rows", lambda *args: pytest.fail("evaluated again"))
  sweep.experiment(tiny(variants=VARIANTS), workdir)
  assert {**times(workdir / "members"), **times(workdir / "predictions")} == before
  assert (workdir / "rows.jsonl").read_text() == rows
  assert sorted(json.loads((workdir / "timing.json").read_text())) == sorted(LEARNT + RIVALS)


@pytest.mark.parametrize("changes, say", [
  ({"optim": {"learning_rate": 0.5}}, r"'odd' changes optim.learning_rate.*controls"),
  ({"sampler": {"steps": 1}, "model": {"hidden": 9}}, r"'odd' changes model.hidden"), ({"data": {"warps": (2.0,)}}, "data.warps"),
  ({"split": {"folds": (1,)}}, "split.folds"), ({"train": {"steps": 3}}, "train.steps"),
  ({"sampler": {"stepz": 1}}, r"sampler.stepz.*did you mean 'sampler.steps'"),
  ({"eval": {"shuffle": ("ppg",)}}, r"eval.shuffle names 'ppg'.*did you mean 'ppg_b_t_p'")])
def test_a_variant_that_needs_a_training_or_does_not_exist_is_refused_before_any(changes, say, tmp_path):
  with pytest.raises(UserError, match=say) as caught:
    sweep.experiment(tiny(variants={"odd": changes}), tmp_path / "w")
  assert "\n" not in str(caught.value) and not (tmp_path / "w/members").exists()


# A model that was trained elsewhere

@pytest.fixture
def elsewhere(workdir, tmp_path):
  """(overrides) -> config that tests the workdir's model on two recordings of other patients."""
  write_bidmc(tmp_path / "data", records(2, duration_s=70))

  def make(**changes):
    return tiny(**{"split__kind": "external", "split__folds": (), "split__val_groups": 0, "init_from": str(workdir),
                   "data_dir": str(tmp_path / "data"), "data__source": "real", "run_rivals": False, **changes})

  return make


def test_an_external_split_tests_the_bases_parameters_on_other_patients(workdir, elsewhere, tmp_path, same_code):
  folder, base = tmp_path / "e", times(workdir)
  sweep.experiment(elsewhere(), folder)
  assert not list(folder.rglob("checkpoints")) and times(workdir) == base   # nothing is trained, the base stays as it is
  rows = evaluate.read_rows(folder / "rows.jsonl")
  assert {r["group"] for r in rows} == {"s01000"} and {r["record"] for r in rows} == {"bidmc01", "bidmc02"}
  assert {(r["method"], r["step"], r["member"], r["source"]) for r in rows} == {("respdiff", 2, "fold0_seed0", "bidmc")}
  assert list(json.loads((folder / "timing.json").read_text())) == ["respdiff"]   # run_rivals=False
  run, [member] = sweep.open_run(tiny(variants=VARIANTS), workdir)
  ema, stats = evaluate.restore_ema(run, member, 2)
  there, [other] = sweep.open_run(elsewhere(), folder)
  ids = train.window_ids(there.prepared, other.test)
  expected = evaluate.predict_records(there, ema, stats, there.prepared.records, ids)
  found = stored(folder, "respdiff")
  assert len(expected) == 2
  for record in expected:
    np.testing.assert_allclose(found[record.id]["resp_t"], record.predictions["resp_t"], atol=1e-5)


def test_an_external_split_refuses_what_the_base_has_seen_and_a_base_that_is_none(workdir, elsewhere, tmp_path, same_code):
  with pytest.raises(UserError, match="has trained on a test patient"):
    sweep.experiment(elsewhere(data__source="simulated", data_dir=""), tmp_path / "same")
  with pytest.raises(UserError, match=r"split\.json|model"):
    sweep.experiment(elsewhere(init_from=str(tmp_path / "none")), tmp_path / "none_there")


# Sweeps

def listing(**experiments):
  return ml_collections.ConfigDict({"data_dir": "", "cache_dir": "", "lead": "ours", "experiments": {
      name: {"config": "configs/respdiff.py", "arg": "smoke", "overrides": {"init_from": base} if base else {}}
      for name, base in experiments.items()}})


def test_a_sweep_begins_with_what_others_start_from_then_what_leads_the_report(monkeypatch, tmp_path):
  many = listing(zeta="", ours="@pretrain", alpha="@pretrain", pretrain="", elsewhere="runs/x")
  assert [name for name, _ in sweep._in_order(many)] == ["pretrain", "ours", "alpha", "elsewhere", "zeta"]
  del many["lead"]
  assert [name for name, _ in sweep._in_order(many)] == ["pretrain", "alpha", "elsewhere", "ours", "zeta"]
  started = {}

  def experiment(config, workdir):
    started[workdir.name] = config.init_from
    workdir.mkdir(parents=True)
    (workdir / "rows.jsonl").write_text("" if workdir.name == "pretrain" else "{}\n")
    (workdir / "config.json").write_text(json.dumps({"name": workdir.name}))
    return [workdir]

  monkeypatch.setattr(sweep, "experiment", experiment)
  monkeypatch.chdir(ROOT)
  found = sweep.sweep(listing(ours="@pretrain", pretrain="", other="runs/x"), tmp_path)
  assert started == {"pretrain": "", "ours": str(tmp_path / "pretrain"), "other": "runs/x"}
  assert [w.name for w in found] == ["ours", "other"]   # who held nobody out has no rows to report
  assert json.loads((tmp_path / "config.json").read_text()) == {"name": "ours"}
