"""Every setting of every config is given values outside: all are told, none ends in a traceback."""
import collections
import math
import re

import numpy as np
import pytest
from builders import ROOT, TOY_CONFIG

from jaxsig import config as configs
from jaxsig import system as systems
from jaxsig.errors import UserError
from jaxsig.experiment import checks, shared_settings
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
# Any text will do, and numbers become text.
TEXTS = re.compile(
  r"(.*\.)?(data_dir|cache_dir|init_from|title|timing|label|dataset|mask)|read\.method"
)
# What may be after all.
FINE = {
  "trainable": ("nonsense",),
  "process.options.shift": (-0.5,),
  "data.photons": (math.inf,),
}


def rules_of(config) -> dict:
  return {**shared_settings.SETTINGS, **systems.rules_of(config).settings}


def pattern_of(key: str) -> str:
  """A key with the name of a baseline, a reading or an ablation left open."""
  return re.sub(r"^(baselines\.methods|readings|ablations)\.\w+", r"\1.*", key)


def own_key(key: str) -> str:
  """The key of a config that one of a reading or an ablation changes."""
  key = re.sub(r"^ablations\.\w+\.", "", key)
  return re.sub(r"^readings\.\w+\.(?!label$)", "read.", key)


def loaded():
  """(name, config) of all, made small."""
  for path in CONFIGS:
    yield path.stem, configs.load(path, "smoke")
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
  outcomes = collections.Counter()
  accepted = []
  for _, config in loaded():
    rules = rules_of(config)
    for key, default in configs.flat(config).items():
      is_walked = (config.system, pattern_of(key)) in walked   # by another config of this system
      if is_walked or default == {}:
        continue
      walked.add((config.system, pattern_of(key)))
      rule = rule_of(own_key(key), rules)
      values = [*ABSURD, *(rule.outside if rule else ())]
      for value in values:
        if is_fine(key, value):
          continue
        result = outcome(config, key, value)
        outcomes[result] += 1
        if result == "accepted":
          accepted.append((key, value))
  assert not accepted
  assert set(outcomes) == {"told"}
  assert len(walked) > 300 and outcomes["told"] > 6000
