"""A system from outside, `config.system = "toy_system"`, through all that jaxsig does."""

import json
import pathlib

import numpy as np
import pytest
import toy_system
from builders import ROOT
from toy_system import LENGTHS_S, RATE_HZ

import jaxsig
from jaxsig import config as configs
from jaxsig import main
from jaxsig.data.records import Segment
from jaxsig.data.splits import Member, check, groups_of
from jaxsig.engine import checkpoint, mesh
from jaxsig.engine.train import train
from jaxsig.errors import UserError
from jaxsig.experiment import sweep
from jaxsig.experiment.evaluate import evaluate
from jaxsig.experiment.workdir import version_of_code
from jaxsig.prediction import export
from jaxsig.report.rows import read_rows

CONFIG = ROOT / "tests" / "toy_config.py"


def config(**changes):
  return configs.load(CONFIG, "", {key.replace("__", "."): value for key, value in changes.items()})


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
  """A whole run through the command line."""
  folder = tmp_path_factory.mktemp("toy") / "w"
  assert main.main(["jaxsig", f"--config={CONFIG}", f"--workdir={folder}"]) == 0
  return folder


def rows_of(folder, metric, method="linear"):
  return [
    row for row in read_rows(folder / "rows.jsonl") if row.metric == metric and row.method == method
  ]


def test_it_learns_two_targets_on_windows_of_unequal_length(workdir):
  for metric in ("amplitude_units", "level_units"):
    error = np.mean([abs(row.result) for row in rows_of(workdir, metric)])
    mean_error = np.mean([abs(row.result) for row in rows_of(workdir, metric, "mean")])
    assert error < 0.5 * mean_error
  lengths_s = {round(row.end_s - row.start_s, 3) for row in rows_of(workdir, "level_units")}
  assert lengths_s == set(LENGTHS_S)


def test_the_finish_makes_sources_of_several_channels_and_is_scored_by_target(workdir):
  assert {row.target for row in rows_of(workdir, "energy")} == {"moving", "steady"}
  stored = list((workdir / "predictions").glob("*/linear/*.npz"))
  assert stored
  with np.load(stored[0], allow_pickle=False) as arrays:
    assert arrays.files == ["sources_k_c_t"]  # what Protocol.keep says, and no more
    assert arrays["sources_k_c_t"].shape == (2, 2, 30 * RATE_HZ)


def test_the_report_speaks_its_words_has_both_primaries_its_tolerances_and_its_figure(workdir):
  page = (workdir / "report" / "index.html").read_text()
  for said in ("Amplitude", "Level", "What was separated", "players", "notes", "takes"):
    assert said in page, said
  assert "patient" not in page and "recording" not in page
  table = (workdir / "report" / "table.md").read_text()
  assert "within 0.1" in table and "within 0.2" in table and "within 0.5" in table
  assert (workdir / "report" / "sources.png").is_file()


def test_records_are_aggregated_by_their_median(workdir):
  """Closed form: the mean of a record's units, the median of a group's records."""
  rows = rows_of(workdir, "level_units")
  by_record = {}
  for row in rows:
    by_record.setdefault((row.group, row.record), []).append(abs(row.result))
  by_group = {}
  for (group, _), errors in by_record.items():
    by_group.setdefault(group, []).append(np.mean(errors))
  expected = np.mean([np.median(means) for means in by_group.values()])
  text = (workdir / "report" / "table.json").read_text()
  assert f"{expected:.10f}"[:9] in text


def test_an_interrupted_training_continues_to_the_same_numbers(workdir, tmp_path, monkeypatch):
  words = ["jaxsig", f"--config={CONFIG}", f"--workdir={tmp_path / 'w'}"]
  with monkeypatch.context() as patch:
    patch.setattr(mesh, "stopping", lambda asked, step: step == 130)
    assert main.main(words) == main.EXIT_INTERRUPTED
  checkpoints = tmp_path / "w" / "members" / "fold0_seed0" / "checkpoints"
  assert checkpoint.steps(checkpoints)[-1] == 130
  assert not (tmp_path / "w" / "rows.jsonl").exists()

  assert main.main(words) == 0
  estimates = [row.estimate for row in rows_of(tmp_path / "w", "level_units")]
  assert estimates == [row.estimate for row in rows_of(workdir, "level_units")]


def test_members_of_all_folds_share_one_program(tmp_path, workdir):
  folds = config(split__folds=(), run__members_per_program="3")
  run, members = sweep.open_run(folds, tmp_path / "w")
  assert len(members) == 3
  train(run, members)
  rows = [
    row
    for row in evaluate(run, members)
    if row.stamp.member == "fold0_seed0" and row.method == "linear"
  ]
  alone = {
    (row.key, row.record, row.unit): row
    for row in read_rows(workdir / "rows.jsonl")
    if row.method == "linear"
  }
  for row in rows:
    if row.metric == "level_units":
      np.testing.assert_allclose(
        row.estimate, alone[row.key, row.record, row.unit].estimate, atol=1e-4
      )


def test_a_users_own_take_is_judged_by_its_own_rule(workdir, tmp_path, capsys):
  time_s = np.arange(400) / RATE_HZ
  take_t_c = np.stack([np.sin(2 * np.pi * 3 * time_s)] * 2, -1).astype(np.float32)
  take_t_c[200:280] = np.nan
  np.save(tmp_path / "mine.npy", take_t_c)
  words = [
    "jaxsig",
    "--mode=predict",
    f"--workdir={workdir}",
    f"--input={tmp_path / 'mine.npy'}",
    f"--output={tmp_path / 'out'}",
  ]
  assert main.main(words) == 0
  said = capsys.readouterr().out
  assert "gain 1" in said and "notes heard" in said
  assert (tmp_path / "out" / "mine.json").is_file()
  model = jaxsig.open_model(workdir)
  toy = model.predict(take_t_c)
  assert toy.sources.shape == (2, 2, 400) and repr(toy).startswith("<Toy")
  assert None in toy.amplitudes or len(toy.amplitudes) > 0
  with pytest.raises(UserError, match="two axes"):
    model.predict(take_t_c[:, 0])


def test_a_take_without_any_signal_is_answered_and_a_short_one_refused(workdir):
  model = jaxsig.open_model(workdir)
  silent = model.predict(np.full((200, 2), np.nan, np.float32))
  assert silent.sources.shape == (2, 2, 200)
  assert np.isnan(silent.sources[0]).all()
  with pytest.raises(UserError, match="lasts 0.5 s, which is too short"):
    model.predict(np.ones((10, 2), np.float32))


def test_rows_are_made_anew_when_the_system_changes(workdir, monkeypatch):
  before = read_rows(workdir / "rows.jsonl")[0].stamp.commit
  assert "toy_system" in before
  monkeypatch.setattr(toy_system, "__file__", str(CONFIG))  # another text
  assert version_of_code("toy_system") != before


@pytest.mark.parametrize(
  "changes, word",
  [
    ({"read__method": "mean"}, "is a baseline too"),
    ({"read__method": "../elsewhere"}, "names a folder"),
    ({"readings": {"a": {"label": ""}}}, "a label of its own"),
    ({"readings": {"a": {"label": "x"}, "b": {"label": "x"}}}, "a label of its own"),
  ],
)
def test_names_of_methods_are_their_own(changes, word, tmp_path):
  with pytest.raises(UserError, match=word):
    sweep.open_run(config(**changes), tmp_path / "w")


def test_it_is_exported_with_its_figures(workdir, tmp_path, capsys):
  out = tmp_path / "models" / "toy"
  words = [
    "jaxsig",
    "--mode=export",
    f"--workdir={workdir}",
    f"--output={out}",
    f"--workdirs={workdir}",
  ]
  assert main.main(words) == 0, capsys.readouterr().err
  card = (out / "card.md").read_text()
  assert "Players trained on" in card and "amplitude_units" in card
  again = jaxsig.open_model(out)
  take_t_c = np.ones((200, 2), np.float32)
  np.testing.assert_array_equal(
    again.predict(take_t_c).sources, jaxsig.open_model(workdir).predict(take_t_c).sources
  )


def test_members_adapt_to_a_test_groups_own_beginning(workdir, tmp_path):
  """From a base that never saw the group, tested a guard interval later."""
  personal = config(
    split__kind="personal",
    split__n_folds=3,
    split__adapt_s=10.0,
    split__guard_s=5.0,
    split__val_groups=0,
    init_from=str(workdir),
    train__steps=20,
  )
  run, members = sweep.open_run(personal, tmp_path / "p")
  [member] = members
  assert {segment.to_s for segment in member.adapt} == {10.0}
  assert min(segment.from_s for segment in member.test if segment.record.endswith("_0")) == 15.0
  assert groups_of(member.adapt) == groups_of(member.test)
  train(run, members)
  rows = evaluate(run, members)
  assert all(row.start_s >= 15.0 for row in rows if row.record.endswith("_0"))
  assert any(row.start_s < 15.0 for row in rows if row.record.endswith("_1"))


def test_a_base_that_saw_the_group_is_refused(workdir, tmp_path):
  seen = config(
    split__kind="personal",
    split__n_folds=3,
    split__folds=(1,),
    split__adapt_s=10.0,
    init_from=str(workdir),
    train__steps=20,
  )
  with pytest.raises(UserError, match=r"trained on a test group of fold1_seed0 \(.*g\d"):
    sweep.open_run(seen, tmp_path / "p")
  assert not (tmp_path / "p").exists()  # nothing is written before it is checked


def test_a_bases_own_base_counts_as_seen(workdir, tmp_path):
  """A personalised member has seen its own group, and all that its base was trained on."""
  personal = config(
    split__kind="personal",
    split__n_folds=3,
    split__adapt_s=10.0,
    split__val_groups=0,
    init_from=str(workdir),
    train__steps=20,
  )
  run, [member] = sweep.open_run(personal, tmp_path / "p")
  train(run, [member])
  [plain] = json.loads((tmp_path / "p" / "split.json").read_text())["members"]
  everybody = {record.group for record in run.prepared.records}
  assert set(plain["seen"]) == everybody
  grandchild = config(split__folds=(1,), init_from=str(tmp_path / "p"))
  with pytest.raises(UserError, match="has trained on a test group"):
    sweep.open_run(grandchild, tmp_path / "g")

  export.export(tmp_path / "p", tmp_path / "models" / "personal", [])
  about = json.loads((tmp_path / "models" / "personal" / "about.json").read_text())
  assert set(about["trained_on"]) == everybody
  with pytest.raises(UserError, match="was trained on g"):
    sweep.open_run(config(init_from=str(tmp_path / "models" / "personal")), tmp_path / "h")


def test_a_refused_command_changes_nothing_in_a_workdir(workdir):
  files = [workdir / name for name in ("config.json", "split.json", "about.json")]
  before = [path.read_text() for path in files]
  with pytest.raises(UserError, match="differs in data.simulate_groups"):
    sweep.open_run(config(data__simulate_groups=9), workdir)
  assert [path.read_text() for path in files] == before


def test_other_data_under_the_same_settings_is_refused_before_anything_is_written(
  workdir, monkeypatch
):
  before = (workdir / "split.json").read_text()
  simulate = toy_system.simulate
  monkeypatch.setattr(toy_system, "simulate", lambda seed, n, config: simulate(seed + 1, n, config))
  with pytest.raises(UserError, match="another data"):
    sweep.open_run(config(), workdir)
  assert (workdir / "split.json").read_text() == before


@pytest.mark.parametrize("changes, word", [
  ({"run__feed": "nosuch"}, "run.feed is 'nosuch'"),
  ({"run__members_per_program": "0"}, "run.members_per_program"),
])
def test_how_members_are_fed_is_checked_before_anything_is_written(changes, word, tmp_path):
  with pytest.raises(UserError, match=word):
    sweep.open_run(config(**changes), tmp_path / "w")
  assert not (tmp_path / "w").exists()


def test_a_mistake_does_not_tie_a_workdir(tmp_path):
  with pytest.raises(UserError, match="nosuch"):
    sweep.open_run(config(optim__name="nosuch"), tmp_path / "w")
  sweep.open_run(config(), tmp_path / "w")


@pytest.mark.parametrize("key", ["guard_s", "adapt_s", "val_groups", "inner_folds", "n_folds"])
def test_negative_settings_of_a_split_are_named(key, tmp_path):
  value = -1.0 if key.endswith("_s") else -1
  with pytest.raises(UserError, match=rf"split\.{key}.*-1"):
    sweep.open_run(config(**{f"split__{key}": value}), tmp_path / "w")


def test_a_joined_report_does_not_overwrite_a_training(workdir, tmp_path):
  sweep.open_run(config(), tmp_path / "other")
  with pytest.raises(UserError, match="is the workdir of a training"):
    sweep.copy_config([workdir], tmp_path / "other")


def test_a_broken_guard_names_the_group():
  adapt = (Segment("g1", "g1_0", 0.0, 10.0),)
  good = Member("m", 0, 0, (), (), (Segment("g1", "g1_0", 15.0),), adapt)
  check(good, guard_s=5.0)
  with pytest.raises(UserError, match="g1: member m adapts until 10 s"):
    check(good, guard_s=6.0)
  with pytest.raises(UserError, match="g2 is in both train and test"):
    check(good._replace(train=(Segment("g2", "r"),), test=(Segment("g2", "r"),), adapt=()))


def test_a_split_that_leaks_on_purpose_says_so_everywhere(tmp_path):
  mixed = config(split__kind="mixed", split__block_s=3.0)
  folder = tmp_path / "m"
  sweep.report(sweep.experiment(mixed, folder), folder / "report")
  rows = read_rows(folder / "rows.jsonl")
  assert rows and all(row.stamp.leaks for row in rows)
  shared = set(groups_of(sweep.open_run(mixed, folder).members[0].train)) & {
    row.group for row in rows
  }
  assert shared  # it does leak
  page = (folder / "report" / "index.html").read_text()
  table = (folder / "report" / "table.md").read_text()
  for line in table.splitlines():
    if line.startswith("| linear"):
      assert "LEAKS" in line
  assert "LEAKS" in page.split("</h1>")[0] or "LEAKS" in page.split("<table")[0]


def test_mistakes_of_a_system_from_outside_are_told(tmp_path):
  with pytest.raises(UserError, match="unknown system 'toy_sistem'"):
    sweep.open_run(config(system="toy_sistem"), tmp_path / "a")
  with pytest.raises(UserError, match="has no function make"):
    sweep.open_run(config(system="builders"), tmp_path / "b")
  with pytest.raises(UserError, match="did you mean 'level_units'"):
    sweep.open_run(config(report__primary=("level_unitz",)), tmp_path / "c")


def test_a_setting_of_another_type_is_told():
  with pytest.raises(UserError, match="config key 'train.steps' holds 200"):
    config(train__steps="many")


def test_no_file_of_the_package_knows_it():
  for path in (ROOT / "jaxsig").rglob("*.py"):
    assert "toy" not in pathlib.Path(path).read_text().lower().replace("toyota", ""), path


def test_its_config_is_plain_json_in_the_workdir(workdir):
  settings = json.loads((workdir / "config.json").read_text())
  assert settings["system"] == "toy_system" and settings["report"]["primary"] == [
    "amplitude_units",
    "level_units",
  ]
