"""Every setting of every config is given values outside: all are told, none ends in a traceback."""
import collections
import math
import re

import numpy as np
import pytest
from builders import ROOT, TOY_CONFIG, small
from ml_collections import ConfigDict

import jaxsig
from jaxsig import config as configs
from jaxsig import system as systems
from jaxsig.errors import UserError
from jaxsig.experiment import checks, shared_settings, sweep
from jaxsig.setting_rules import rule_of

pytestmark = pytest.mark.quick

CONFIGS = [path for path in sorted((ROOT / "configs").glob("*.py")) if path.stem != "base"]
ABSURD = (
  -0.5,
  -(10**30),
  1e30,
  math.nan,
  math.inf,
  "nonsense",
  "(",
  None,
  (0, 0),
  (-1,),
  (math.nan,),
  ("nonsense", "nonsense"),
  {"nonsense": 1},
  {1, 2},
  b"text",
  np.array([math.nan]),
)
METHODS = ("er", "quick_shrinkwrap_100")
# Any text will do, and numbers become text.
TEXTS = re.compile(
  r"(.*\.)?(data_dir|cache_dir|init_from|title|timing|label|dataset|mask|signal)|read\.method"
)
# What may be after all.
FINE = {
  "trainable": ("nonsense",),
  "process.options.shift": (-0.5,),
  "data.photons": (math.inf,),
  "data.snr_min_db": (-0.5,),
  "own.calibration": ("",),
}


def rules_of(config) -> dict:
  return {**shared_settings.SETTINGS, **systems.rules_of(config).settings}


def pattern_of(key: str) -> str:
  """A key with the name of a baseline, a reading or an ablation left open."""
  return re.sub(r"^(baselines\.methods|readings|ablations)\.\w+", r"\1.*", key)


ON_A_COUNT = {"text": "sparse", "better": "a", "worse": "b", "metric": "connections"}


def own_key(key: str) -> str:
  """The key of a config that one of a reading or an ablation changes."""
  key = re.sub(r"^ablations\.\w+\.", "", key)
  return re.sub(r"^readings\.\w+\.(?!label$)", "read.", key)


def loaded():
  """(name, config) of all, made small."""
  for path in CONFIGS:
    config = configs.load(path, "smoke")
    if "methods" in config.baselines:   # two of many that are alike
      methods = {name: config.baselines.methods[name] for name in METHODS}
      config = configs.override(config, {"baselines.methods": methods})
    yield path.stem, config
  yield "toy", configs.load(TOY_CONFIG)


def is_fine(key: str, value: object) -> bool:
  is_text = TEXTS.fullmatch(own_key(key))
  if is_text and isinstance(value, str):
    return True
  if (is_text or key == "trainable") and isinstance(value, (int, float)):
    return True
  return any(value is one or value == one for one in FINE.get(pattern_of(own_key(key)), ()))


def outcome(config, key: str, value: object) -> str:
  try:
    changed = configs.override(config, {key: value})
    checks.require_settings(changed)
    checks.require_runnable(changed)
  except UserError as error:
    assert "\n" not in str(error)
    return "told"
  except Exception as error:
    return f"{type(error).__name__} of {key}={value!r}"
  return "accepted"


def test_every_setting_has_a_rule():
  missing = []
  for name, config in loaded():
    rules = rules_of(config)
    for key, value in configs.flat(config).items():
      is_checked = configs.section_of(key) in configs.NAMED or value == {}
      if not is_checked and rule_of(key, rules) is None:
        missing.append(f"{name}: {key}")
  assert not missing


def test_values_outside_are_told():
  walked = set()
  tried = []   # rules whose examples were given once
  outcomes = collections.Counter()
  accepted = []
  for _, config in loaded():
    rules = rules_of(config)
    for key, default in configs.flat(config).items():
      is_walked = (config.system, pattern_of(key)) in walked   # by another config of this system
      if is_walked or default == {}:
        continue
      walked.add((config.system, pattern_of(key)))
      values = list(ABSURD)
      rule = rule_of(own_key(key), rules)
      if rule is not None and rule not in tried:
        values += rule.outside
        tried.append(rule)
      for value in values:
        if is_fine(key, value):
          continue
        result = outcome(config, key, value)
        outcomes[result] += 1
        if result == "accepted":
          accepted.append((key, value))
  assert not accepted
  assert set(outcomes) == {"told"}
  assert len(walked) > 300 and outcomes["told"] > 5000


@pytest.mark.parametrize(
  ("file", "changes", "sentence"),
  [
    ("respdiff", {"run.feed": "nonsense"}, "set it to one of 'auto', 'resident', 'tfdata'"),
    ("respdiff", {"optim.learning_rate": -0.003}, "set it to a number above 0 and at most 100"),
    ("respdiff", {"optim.ema": 1.5}, "set it to a number from 0 to 1"),
    ("cnn_notes", {"model.dropout": 1.5}, "set it to a number at least 0 and below 1"),
    ("respdiff", {"split.seeds": (0, 0)}, "1 or more different values"),
    ("respdiff", {"split.seeds": (2**40,)}, "each a whole number from 0 to 4294967295"),
    ("respdiff", {"split.folds": (7,)}, "names fold 7, but split.kind=kfold has 3"),
    ("cnn_notes", {"split.folds": (7,)}, "names fold 7, but split.kind=given has 1"),
    ("respdiff", {"split.n_folds": 1}, "needs split.n_folds above 1"),
    ("respdiff", {"split.inner_folds": 1}, "leaves nobody to train on"),
    ("respdiff", {"split.kind": "personal"}, "needs split.adapt_s above 0"),
    ("respdiff", {"data.window_s": 0.0}, "data.window_s is 0.0: set it to a number above 0"),
    ("respdiff", {"data.stride_s": 20.0}, "longer than data.window_s"),
    ("respdiff", {"data.window_s": 0.5, "data.stride_s": 0.5}, "no bin of 0.5 s lies in"),
    ("respdiff", {"data.window_s": 15.03}, "no whole number of samples"),
    ("respdiff", {"data.resp_low_pass_hz": 6.0}, "is not below half of"),
    ("respdiff", {"data.resp_low_pass_hz": 0.1, "data.resp_high_pass_hz": 0.5}, "12 a minute"),
    ("respdiff", {"data.resp_low_pass_hz": 2.0, "data.resp_high_pass_hz": 1.5}, "30 a minute"),
    ("respdiff", {"data.resp_low_pass_hz": 0.3, "data.resp_high_pass_hz": 0.3}, "is not below"),
    ("respdiff", {"data.resp_low_pass_hz": 0.3, "data.resp_high_pass_hz": 0.4}, "nothing is left"),
    ("respdiff", {"data.resp_low_pass_hz": 0.0, "data.resp_high_pass_hz": 0.6}, "30 a minute"),
    ("respdiff", {"data.ppg_low_pass_hz": 0.01}, "data.ppg_low_pass_hz=0.01 takes away"),
    ("phase_retrieval", {"data.photons": 1.0}, "data.photons=1.0 leaves some images without"),
    ("phase_retrieval", {"data.photons": 24.0}, "train on 25 or more"),
    ("phase_retrieval", {"data.m": 16, "data.n": 28}, r"at least n = 28 \(from 2 n - 1 = 55 on"),
    ("respdiff", {"data.ppg_range": (1.0, -1.0)}, r"a tuple \(low, high\)"),
    ("respdiff", {"data.name": "foo"}, "set it to one of 'bidmc', 'capnobase'"),
    ("respdiff", {"model.channels": 6}, "no multiple of 4"),
    ("respdiff", {"model.fine_kernels": (3,)}, "give both as many"),
    ("respdiff", {"model.cell": "linear", "model.scan_form": "fused"}, "no matrix for its state"),
    ("respdiff", {"process.options": {"shift": -3.0}}, "has no option process.options.shift"),
    ("respdiff", {"optim.name": "gauss_newton"}, "needs optim.mu"),
    ("respdiff", {"optim.schedule": "milestones"}, "needs optim.milestones"),
    ("respdiff", {"optim.milestones": (0.9, 0.7)}, "ascending"),
    ("respdiff", {"read.sampler": {"name": "ddim"}}, "has no read.sampler.steps"),
    ("respdiff", {"report.axis": "train.step"}, "did you mean 'train.steps'"),
    ("respdiff", {"report.primary": "foo"}, "asks for the metric 'foo'"),
    ("respdiff", {"report.against": "foo"}, "asks for the metric 'foo'"),
    ("respdiff", {"report.against": "rr_bpm_win64_annotators_count"}, "does not show: put it into"),
    ("cnn_notes", {"report.claims": (ON_A_COUNT,)}, "neither more nor less is better"),
    ("respdiff", {"own.reading": "fast"}, "no reading 'fast'"),
    ("respdiff", {"init_from": "nowhere"}, "neither a shipped model nor a workdir"),
    ("respdiff", {"data_dir": "nowhere"}, "the data folder nowhere is missing"),
    ("respdiff_60s", {"model.rate_hz": 6.0}, "is not data.rate_hz=5"),
    ("cnn_notes", {"data.family": "nonsense"}, "'fashion_mnist', 'mnist', 'kmnist'"),
    ("cnn_notes", {"model.kernel": 15}, "too small for two layers"),
    ("cnn_notes", {"model.hidden": (120, 0)}, "F6 needs a unit"),
    ("cnn_notes", {"data.shrink": 3}, "does not divide data.size=28"),
    ("phase_retrieval", {"model.channels": (4, 12)}, "no multiple of 8"),
    ("phase_retrieval", {"data.n": 10}, "do not fit a frame of data.n=10"),
    ("phase_retrieval", {"baselines.methods.er.label": "HIO"}, "another's"),
  ],
)
def test_settings_that_cannot_be_used_are_told_before_anything_is_made(
  file, changes, sentence, tmp_path
):
  config = small(f"{file}.py", **changes)
  with pytest.raises(UserError, match=sentence):
    jaxsig.train(config, tmp_path / "w")
  assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("value", [{"a.b": {}}, {"a": {"sampler.steps": 1}}, {1: {}}, 5, {"a": 5}])
def test_changes_by_name_that_are_none_are_told(value):
  with pytest.raises(UserError):
    checks.require_settings(small(readings=value))


@pytest.mark.parametrize(
  ("changes", "sentence"),
  [
    ({"readings": {"a": {"sampler": {"steps": 0}}}}, "the reading 'a': config.read.sampler.steps"),
    ({"ablations": {"a": {"model": {"hidden": 0}}}}, "the ablation 'a': config.model.hidden is 0"),
    ({"ablations": {"a/b": {"model": {"hidden": 1}}}}, "names a folder"),
  ],
)
def test_what_a_reading_or_an_ablation_changes_is_checked(changes, sentence):
  with pytest.raises(UserError, match=sentence):
    checks.require_settings(small(**changes))


def test_pythons_own_kinds_of_values_are_taken():
  config = jaxsig.load_config(
    ROOT / "configs" / "respdiff.py",
    train__steps=np.int64(5),
    optim__learning_rate=np.float32(0.5),
    split__seeds=np.arange(2),
    split__folds=[0, 1],
    data_dir=ROOT,
  )
  assert (config.train.steps, config.optim.learning_rate, config.split.seeds) == (5, 0.5, (0, 1))
  assert type(config.train.steps) is int and config.data_dir == str(ROOT)
  checks.require_settings(config)


@pytest.mark.parametrize("path, arg", [(5, ""), (b"x", ""), (TOY_CONFIG, 5), (TOY_CONFIG, ["a"])])
def test_what_names_no_config_is_told(path, arg):
  with pytest.raises(UserError):
    jaxsig.load_config(path, arg)


def test_a_list_is_checked_before_its_first_training(tmp_path):
  good = {"config": str(TOY_CONFIG), "arg": "", "overrides": {"train": {"steps": 2}}}
  bad = {**good, "overrides": {"train": {"batch_size": 0}}}
  listing = {"data_dir": "", "cache_dir": "", "experiments": {"a": good, "b": bad}}
  with pytest.raises(UserError, match="the experiment b: config.train.batch_size is 0"):
    sweep.sweep(ConfigDict(listing), tmp_path / "w")
  assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
  "broken",
  [{"arg": 3}, {"overrides": ()}, {"config": None}, {"candidates": {"a": {}}}, {"overrides": None}],
)
def test_a_list_with_a_broken_entry_is_told(broken, tmp_path):
  entry = {"config": str(TOY_CONFIG), "arg": "", "overrides": {}, **broken}
  listing = {"data_dir": "", "cache_dir": "", "experiments": {"one": entry}}
  with pytest.raises(UserError, match="the experiment one of this list has no"):
    sweep.sweep(ConfigDict(listing), tmp_path / "w")
