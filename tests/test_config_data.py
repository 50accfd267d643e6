"""A setting is data: what a config.json can hold."""
import pytest
from builders import ROOT, toy

import jaxsig
from jaxsig import config as configs
from jaxsig.errors import UserError


@pytest.mark.parametrize("code", [
  "lambda x: x", "print", "b'x'", "{1, 2}", "1j", "object()", "int", "range(3)", "(1, lambda: 0)",
  "{'a': {'b': print}}", "[{3: 4}]", "__import__('datetime').date(2020, 1, 1)",
])
def test_a_value_that_is_no_data_is_told_when_it_is_loaded(tmp_path, code):
  path = tmp_path / "mine.py"
  path.write_text(
    "from jaxsig.config import module_of\n"
    "def get_config(arg=''):\n"
    f"  config = module_of('{ROOT}/configs/respdiff.py').get_config('smoke')\n"
    f"  config.data.mine = {code}\n"
    "  return config\n")
  with pytest.raises(UserError, match=r"^config\.data\.mine\S* is of type \w+, which no file of"):
    configs.load(path)


def test_a_config_of_python_is_checked_too(tmp_path):
  config = toy().unlock()
  config.data.mine = print
  with pytest.raises(UserError, match="config.data.mine is of type builtin_function_or_method"):
    jaxsig.train(config, tmp_path / "w")
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [None, True, 1, 2.5, "x", (1, (2.0, "y")), {"a": {"b": ()}}])
def test_what_json_can_hold_is_data(value):
  config = toy().unlock()
  config.data.mine = value
  configs.require_data(config)
