"""Arguments of configs: `smoke,seed=3` of `--config=file.py:smoke,seed=3`."""
from collections.abc import Iterable
from typing import Any

from ml_collections import ConfigDict

from jaxsig.config import require_known
from jaxsig.errors import UserError


def parse_arg(arg: str, **defaults: Any) -> ConfigDict:
  """Parses `smoke,seed=3` of `--config=file.py:smoke,seed=3` against typed defaults.

  A bare name sets a bool.

  Raises:
    UserError: an unknown name, or a value of another type.
  """
  parsed = ConfigDict(defaults)
  for part in (arg or "").split(","):
    if not part:
      continue
    key, _, value = part.partition("=")
    require_known("config argument", key, defaults)
    parsed[key] = _typed(key, value or "true", defaults[key])
  return parsed


def asked_of(arg: ConfigDict, names: Iterable[str], default: str, what: str) -> str:
  """The one of several names that the argument of a config asks for.

  Args:
    arg: by `parse_arg`, with a bool of each name.
    names: of which one can be asked for.
    default: where none is.
    what: beginning of the sentence on several, such as "axes.py draws one axis at a time".

  Raises:
    UserError: there are several.
  """
  asked = [name for name in names if arg[name]]
  if len(asked) > 1:
    raise UserError(f"{what}, not {' and '.join(asked)}: call it once for each")
  if not asked:
    return default
  return asked[0]


def _typed(key: str, text: str, default: Any) -> Any:
  """The value of an argument's text, of the type of its default."""
  if isinstance(default, bool):
    if text.lower() not in ("true", "false", "1", "0"):
      raise UserError(
          f"config argument {key!r} is a yes or no: write {key} or {key}=false, not {key}={text}")
    return text.lower() in ("true", "1")
  try:
    return type(default)(text)
  except ValueError:
    raise UserError(
        f"config argument {key!r} takes a value like {default!r}, not {text!r}") from None
