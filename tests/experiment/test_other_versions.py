"""Workdirs whose config lacks settings that this version has."""
import json

import numpy as np
import pytest

from jaxsig import config as configs
from jaxsig.errors import UserError
from jaxsig.experiment.workdir import require_same_config
from jaxsig.prediction import model as models


def of_another_version(workdir, *missing):
  """Removes settings from a workdir's config; returns the config of this version."""
  path = workdir / "config.json"
  plain = json.loads(path.read_text())
  config = configs.from_plain(plain)
  for key in missing:
    section, name = key.split(".")
    del plain[section][name]
  path.write_text(json.dumps(plain))
  return config


@pytest.mark.parametrize("missing", [("split.block_s",), ("optim.ema", "split.salt")])
def test_settings_that_a_workdir_does_not_have_are_told_as_such(toy_folds_copy, missing):
  config = of_another_version(toy_folds_copy, *missing)
  with pytest.raises(UserError, match=f"another version.*{', '.join(missing)}.*another --workdir"):
    require_same_config(config, toy_folds_copy)


def test_another_value_is_told_with_them(toy_folds_copy):
  config = of_another_version(toy_folds_copy, "split.block_s")
  changed = configs.override(config, {"train.steps": 9})
  with pytest.raises(UserError, match="differs in split.block_s, train.steps: use another"):
    require_same_config(changed, toy_folds_copy)


def test_its_model_is_read_as_it_is(toy_folds_copy):
  of_another_version(toy_folds_copy, "split.block_s")
  result = models.open_model(toy_folds_copy).predict(np.zeros((200, 2), np.float32))
  assert result.amplitudes
