"""Configs: the string argument of `get_config`, dotted overrides, fingerprints; an unknown key names its nearest neighbour."""
import difflib
import hashlib
import importlib.util
import json
import pathlib
from typing import Any

import ml_collections

from jaxsig.errors import UserError

# What may differ between two calls on one workdir: where things lie, and how the same numbers are computed or shown.
RUNTIME = ("data_dir", "cache_dir", "report", "train.log_steps", "train.ckpt_steps", "train.members_per_program", "train.feed",
           "train.prefetch", "eval.batch_size", "controls", "run_controls")
# What no training depends on: a variant of an evaluation may change it.
EVALUATION = ("sampler", "score", "eval", "solvers", "variants", "predict_variant", "run_rivals", "method")
# How a user's own file is read: no training and no row depends on it, so comparisons and fingerprints see only these values.
OWN_FILE = {"data.intensity_dataset": "", "data.intensity_mask": "", "data.intensity_centred": "auto"}
NOTES = ("data_card", "methods", "trained_on")   # in a config.json beside the config itself


def nearest(name: str, known: Any) -> str:
  """The tail of an error sentence: the closest known name, or all of them."""
  close = difflib.get_close_matches(name, list(known), 1, 0.5)
  return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(map(_quoted, sorted(known)))}"


def _quoted(name: str) -> str:
  return repr(name) if "," in name else name


def parse_arg(arg: str, **defaults: Any) -> ml_collections.ConfigDict:
  """Parses `smoke,seed=3` of `--config=file.py:smoke,seed=3` against typed defaults; a bare name of a bool sets it."""
  out = ml_collections.ConfigDict(defaults)
  for part in filter(None, (arg or "").split(",")):
    key, _, value = part.partition("=")
    if key not in defaults:
      raise UserError(f"unknown config argument {key!r}{nearest(key, defaults)}")
    out[key] = _typed(key, value or "true", defaults[key])
  return out


def _typed(key: str, text: str, default: Any) -> Any:
  if isinstance(default, bool):
    if text.lower() not in ("true", "false", "1", "0"):
      raise UserError(f"config argument {key!r} is a yes or no: write {key} or {key}=false, not {key}={text}")
    return text.lower() in ("true", "1")
  try:
    return type(default)(text)
  except ValueError:
    raise UserError(f"config argument {key!r} takes a value like {default!r}, not {text!r}") from None


def load(path: str | pathlib.Path, arg: str = "", overrides: dict | None = None) -> ml_collections.ConfigDict:
  """Loads `get_config(arg)` from a config file and applies dotted overrides; the result is locked."""
  return override(module_of(path).get_config(arg), overrides or {})


def module_of(path: str | pathlib.Path) -> Any:
  """The module of a config file, from which another one may start."""
  path = pathlib.Path(path)
  if not path.is_file():
    raise UserError(f"no config file {path}: name one of configs/")
  spec = importlib.util.spec_from_file_location(f"jaxsig_config_{path.stem}", path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def override(config: ml_collections.ConfigDict, overrides: dict) -> ml_collections.ConfigDict:
  """A locked copy of `config` with dotted keys replaced, each of which must exist."""
  config = ml_collections.ConfigDict(config.to_dict())
  for key, value in overrides.items():
    *parents, last = key.split(".")
    node = config
    for name in parents + [last]:
      if not isinstance(node, ml_collections.ConfigDict) or name not in node:
        raise UserError(f"unknown config key {key!r}{nearest(key, flat(config))}")
      parent, node = node, node[name]
    parent[last] = value
  return config.lock()


def flat(config: Any, prefix: str = "") -> dict[str, Any]:
  """{dotted key: value} of a ConfigDict or dict; tuples become lists, as in JSON."""
  items = config.to_dict() if isinstance(config, ml_collections.ConfigDict) else config
  out = {}
  for key, value in items.items():
    if isinstance(value, dict) and value:
      out.update(flat(value, f"{prefix}{key}."))
    else:
      out[prefix + key] = list(value) if isinstance(value, tuple) else value
  return out


def changes(overrides: Any) -> dict[str, Any]:
  """`flat`, but for `variants`, which are replaced as a whole: their names are not known beforehand."""
  items = overrides.to_dict() if isinstance(overrides, ml_collections.ConfigDict) else dict(overrides)
  variants = {"variants": items.pop("variants")} if "variants" in items else {}
  return {**flat(items), **variants}


def _essential(config: Any, without: tuple[str, ...] = RUNTIME) -> dict[str, Any]:
  return {k: OWN_FILE.get(k, v) for k, v in flat(config).items() if not under(k, without)}


def under(key: str, names: tuple[str, ...]) -> bool:
  """Whether a dotted key is one of `names` or lies below one."""
  return any(key == name or key.startswith(name + ".") for name in names)


def differing(a: Any, b: Any, training: bool = False) -> list[str]:
  """The dotted keys in which two configs would give other results, or other `training`s."""
  without = RUNTIME + EVALUATION if training else RUNTIME
  a, b = _essential(a, without), json.loads(json.dumps(_essential(b, without)))
  a = json.loads(json.dumps(a))
  return sorted(k for k in a.keys() | b.keys() if a.get(k, "absent") != b.get(k, "absent"))


def fingerprint(config: Any, training: bool = False) -> str:
  """Twelve hex digits of everything in the config that a result depends on, or only a `training`."""
  essential = _essential(config, RUNTIME + EVALUATION if training else RUNTIME)
  return hashlib.sha256(json.dumps(essential, sort_keys=True).encode()).hexdigest()[:12]
