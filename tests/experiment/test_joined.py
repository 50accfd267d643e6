"""What one report will join is checked before the first training."""
import pytest
from builders import ROOT, TOY_CONFIG, toy
from ml_collections import ConfigDict

import jaxsig
from jaxsig.errors import UserError
from jaxsig.experiment import lists, sweep
from jaxsig.experiment.joined import require_joinable

pytestmark = pytest.mark.quick

OTHER = {"data": {"duration_s": 20.0}}
QUIET = {"baselines": {"run": False}}


@pytest.mark.parametrize(
  ("ablation", "sentence"),
  [
    (OTHER, "'other'.* differs from the experiment itself in data.duration_s"),
    ({"data": {"simulate_seed": 1}}, "in data.simulate_seed.*baselines.run=False"),
    ({**OTHER, "split": {"folds": (0, 1)}}, "set report.axis to the setting that differs"),
  ],
)
def test_an_ablation_on_other_data_is_told_before_the_training(ablation, sentence, tmp_path):
  config = toy(ablations={"other": ablation})
  with pytest.raises(UserError, match=sentence):
    jaxsig.train(config, tmp_path / "w")
  assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
  ("changes", "ablation"),
  [
    ({}, {**OTHER, **QUIET}),
    ({"baselines.run": False}, OTHER),
    ({"report.axis": "data.duration_s"}, OTHER),
    ({}, {**OTHER, "split": {"folds": (1,)}}),    # other members
    ({}, {**OTHER, "split": {"kind": "mixed"}}),  # its names say that it leaks
    ({}, {**OTHER, "split": {"kind": "all"}}),    # it has no rows
    ({}, {"train": {"steps": 1}}),
  ],
)
def test_what_a_report_can_join_is_run(changes, ablation):
  config = toy(**changes)
  require_joinable({"a": config, "b": toy(**{**changes, **_flat(ablation)})})


def _flat(changes):
  return {f"{section}.{key}": v for section, inner in changes.items() for key, v in inner.items()}


@pytest.mark.parametrize(
  ("changes", "sentence"),
  [
    ({"report.axis": "data.name"}, "report.axis is 'data.name'.* a has 'toy' there"),
    ({"report.axis": "split.folds", "split.folds": ()}, "name a setting of numbers"),
    ({"system": "toy_system"}, "a and b are of different systems, toy_network and toy_system"),
  ],
)
def test_what_no_report_takes_is_told(changes, sentence):
  other = toy(**changes)
  first = toy()
  if "report.axis" in changes:
    first = other
  with pytest.raises(UserError, match=sentence):
    require_joinable({"a": first, "b": other})


def test_a_list_is_checked_as_a_whole(tmp_path):
  one = {"config": str(TOY_CONFIG), "arg": "", "overrides": {}}
  other = {**one, "overrides": OTHER}
  listing = {"data_dir": "", "cache_dir": "", "experiments": {"a": one, "b": other}}
  with pytest.raises(UserError, match="'b' differs from the experiment 'a' in data.duration_s"):
    sweep.sweep(ConfigDict(listing), tmp_path / "w")
  assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
  ("file", "arg"),
  [
    ("phase_axes", "photons"),
    ("phase_axes", "grid"),
    ("phase_axes", "unseen"),
    ("phase_axes", "complex"),
    ("phase_retrieval", ""),
    ("cnn_notes", ""),
    ("cnn_notes_batch", ""),
    ("respdiff_bidmc", "smoke"),
    ("blood_pressure", ""),
    ("blood_pressure", "null"),
    ("blood_pressure", "full"),
    ("blood_pressure_camera", ""),
    ("blood_pressure_axes", "seconds"),
    ("blood_pressure_axes", "beats"),
    ("blood_pressure_axes", "window"),
    ("blood_pressure_axes", "derivatives,released"),
    ("blood_pressure_axes", "readings"),
    ("blood_pressure_axes", "subjects"),
    ("blood_pressure_axes", "change"),
  ],
)
def test_the_lists_of_this_repository_can_be_joined(file, arg, tmp_path):
  listing = jaxsig.load_config(ROOT / "configs" / "sweeps" / f"{file}.py", arg)
  made = {}
  for name in lists.in_order(listing):
    made[name] = sweep._config_of(listing.experiments[name], listing, tmp_path)
  require_joinable(sweep._called(made))
