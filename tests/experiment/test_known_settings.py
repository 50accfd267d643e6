"""Settings of a user's own config file that nothing reads."""
import pytest
from builders import TOY_CONFIG, small, toy
from ml_collections import ConfigDict
from test_setting_walk import loaded

import jaxsig
from jaxsig import config as configs
from jaxsig.errors import UserError
from jaxsig.experiment import checks

pytestmark = pytest.mark.quick


def with_key(config: ConfigDict, key: str, value: object) -> ConfigDict:
  """The config as a file of a user's own makes it."""
  config = ConfigDict(config.to_dict())
  *parents, last = key.split(".")
  node = config
  for name in parents:
    if name not in node:
      node[name] = ConfigDict()
    node = node[name]
  node[last] = value
  return config.lock()


@pytest.mark.parametrize(
  ("file", "key", "meant"),
  [
    ("respdiff", "data.windw_s", "data.window_s"),
    ("respdiff", "optim.learnig_rate", "optim.learning_rate"),
    ("respdiff", "model.hiden", "model.hidden"),
    ("respdiff", "train.step", "train.steps"),
    ("respdiff", "report.metric", "report.metrics"),
    ("respdiff", "run.predict_batch", "run.predict_batch_size"),
    ("respdiff", "initfrom", "init_from"),
    ("respdiff", "own.polarty", "own.polarity"),
    ("cnn_notes", "augment.shift", ""),
    ("cnn_notes", "dat.size", ""),
    ("phase_retrieval", "data.photon", "data.photons"),
    ("phase_retrieval", "read.sampler.iteration", "read.sampler.iterations"),
  ],
)
def test_a_misspelt_setting_is_told(file, key, meant, tmp_path):
  config = with_key(small(f"{file}.py"), key, 1)
  with pytest.raises(UserError, match=f"nothing reads config.{key}: .*{meant}"):
    jaxsig.train(config, tmp_path / "w")
  assert not (tmp_path / "w").exists()


def test_the_configs_of_this_repository_have_no_such_setting():
  for _, config in loaded():
    checks.require_known(config)


@pytest.mark.parametrize("key", ["data.mine", "mine.too"])
def test_a_system_without_a_table_may_read_any(key, monkeypatch):
  import toy_network
  monkeypatch.delattr(toy_network, "SETTINGS")
  checks.require_known(with_key(toy(), key, 1))


def test_a_stored_model_may_have_settings_of_another_version():
  checks.require_settings(with_key(small(), "data.of_old", 1))


def test_names_that_are_free_stay_free():
  config = toy(readings={"cold": {"sampler": {"temperature": 0.0}}})
  checks.require_known(configs.override(config, {"report.strata": {"mine": ("a",)}}))


@pytest.mark.parametrize(
  ("changes", "example"),
  [
    ({"train": {"steps": 3}}, r"train.steps \(in Python train__steps"),
    ({"optim": {"name": "sgd", "ema": 0.5}}, "optim.name"),
    ({"data": {}}, "data."),
    ({"data": {"name": "toy"}}, "data.name"),
    ({"report": {"primary": "energy"}}, "report.primary"),
    ({"split": {"seeds": (0, 1)}}, "split.seeds"),
  ],
)
def test_a_section_is_changed_setting_by_setting(changes, example):
  with pytest.raises(UserError, match=f"is a section, .* would replace all of it.*as in {example}"):
    jaxsig.load_config(TOY_CONFIG, **changes)


def test_sections_of_names_are_replaced():
  config = jaxsig.load_config(TOY_CONFIG, readings={"a": {"seed": 1}}, report__strata={"b": ()})
  assert list(config.readings) == ["a"] and list(config.report.strata) == ["b"]
  assert jaxsig.load_config(TOY_CONFIG, train={"steps": 3, "batch_size": 2}).train.steps == 3
