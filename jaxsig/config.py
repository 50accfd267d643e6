"""Configs: reading them, dotted overrides, and the identity of trainings and rows.

What depends on a key follows from its section:

| section | role |
|---|---|
| system, init_from, trainable, | what a training depends on |
| data, split, model, loss, augment, process, optim, train | |
| read, readings, baselines | how trained models are read, and what they are compared with: |
| | rows depend on it, trainings do not |
| own | how a user's own file is read |
| report | how rows are shown |
| run, ablations, data_dir, cache_dir | places, logging, sizes of calls, further trainings: |
| | no number of this one depends on them, but for rounding |

A section that is not listed is one that a training depends on.
"""
import contextlib
import difflib
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import traceback
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from jaxsig import paths
from jaxsig.errors import UserError

READING = ("read", "readings", "baselines")
WITHOUT_INFLUENCE = ("own", "report", "run", "ablations", "data_dir", "cache_dir")
# sections whose keys are names, not known beforehand: an override replaces them as a whole
NAMED = ("readings", "ablations")


def nearest(name: str, known: Iterable[str]) -> str:
  """The tail of an error sentence: the closest known name, or all of them."""
  known = sorted(known)
  if not known:
    return "; none are known"
  close = difflib.get_close_matches(name, known, 1, 0.5)
  if close:
    return f"; did you mean {close[0]!r}?"
  quoted = [repr(one) if "," in one else one for one in known]
  return f"; known are {', '.join(quoted)}"


def require_known(what: str, name: object, known: Iterable[str]) -> None:
  """Raises UserError where a name is none of those that are known; `what` is its key."""
  if name not in known:
    raise UserError(f"unknown {what} {name!r}{nearest(name, known)}")


def empty_sweep(lead: str) -> ConfigDict:
  """A sweep without experiments yet; `lead` names the one whose report settings hold for all."""
  sweep = ConfigDict()
  sweep.data_dir = ""
  sweep.cache_dir = ""
  sweep.lead = lead
  sweep.experiments = ConfigDict()
  return sweep


def load(
    path: str | pathlib.Path,
    arg: str = "",
    overrides: Mapping[str, Any] | None = None,
) -> ConfigDict:
  """The locked config that a file's `get_config(arg)` gives, with dotted keys replaced.

  Raises:
    UserError: a file that cannot be read or fails, an unknown key, or a value of another type.
  """
  if not isinstance(path, (str, os.PathLike)):
    raise UserError(f"{path!r} is no config file: name one, such as 'configs/respdiff.py'")
  if arg is not None and not isinstance(arg, str):
    raise UserError(f"the argument of a config is text, such as 'smoke', not {arg!r}")
  module = module_of(path)
  if not hasattr(module, "get_config"):
    raise UserError(
        f"the config {path} has no function get_config: name a file as those of configs/")
  arguments = []
  if arg:
    arguments.append(arg)
  with _told(module.__file__):
    config = module.get_config(*arguments)
  if not isinstance(config, ConfigDict):
    raise UserError(f"get_config of {path} gives {type(config).__name__}: return a ConfigDict")
  config = ConfigDict(_plain(config))
  require_data(config)
  return override(config, overrides or {})


def require_data(config: ConfigDict) -> None:
  """Raises UserError where a setting is no data, as a function is: no config.json can hold it."""
  for key, value in flat(config).items():
    if not _is_data(value):
      raise UserError(
          f"config.{key} is of type {type(value).__name__}, which no file of settings can hold: "
          "give a number, a text, or a list of them, and name code by a text")


def _is_data(value: Any) -> bool:
  if isinstance(value, (list, tuple)):
    return all(_is_data(inner) for inner in value)
  if isinstance(value, Mapping):
    return all(isinstance(key, str) and _is_data(inner) for key, inner in value.items())
  return value is None or isinstance(value, (bool, int, float, str))


@contextlib.contextmanager
def _told(path: str | pathlib.Path) -> Iterator[None]:
  """Turns what a config file raises into one sentence with the file's own line."""
  try:
    yield
  except UserError:
    raise
  except (Exception, SystemExit) as error:   # a user's code may raise anything
    line = getattr(error, "lineno", None)
    for frame in traceback.extract_tb(error.__traceback__):
      if frame.filename == str(path):
        line = frame.lineno
    message = " ".join(str(getattr(error, "msg", error)).split())
    where = ""
    if line:
      where = f" (line {line})"
    raise UserError(
        f"the config {path} cannot be read: {type(error).__name__}: {message}{where}") from error


def module_of(path: str | pathlib.Path) -> types.ModuleType:
  """The module of a config file, from which another one may start."""
  path = config_file(path)
  name = f"jaxsig_config_{path.stem}"
  loader = importlib.machinery.SourceFileLoader(name, str(path))   # whatever its suffix
  spec = importlib.util.spec_from_file_location(name, path, loader=loader)
  module = importlib.util.module_from_spec(spec)
  with _told(path):
    loader.exec_module(module)
  return module


def config_file(path: str | pathlib.Path) -> pathlib.Path:
  """The file below the current folder, or else below the checkout.

  Raises:
    UserError: there is none.
  """
  path = paths.place(path, "--config")
  in_checkout = pathlib.Path(__file__).parent.parent / path
  for candidate in (path, in_checkout):
    if paths.kind_of(candidate) == "file":
      return paths.source(candidate, "--config")
  remedy = "name one of the repository's configs/, as in --config=configs/respdiff.py"
  if paths.kind_of(path) == "folder":
    raise UserError(f"the config {path} is a folder: {remedy}")
  raise UserError(f"no config file {path}: {remedy}")


def override(config: ConfigDict, overrides: Mapping[str, Any]) -> ConfigDict:
  """A locked copy of a config with dotted keys replaced.

  Raises:
    UserError: a key that does not exist; its nearest neighbour is named.
  """
  changed = ConfigDict(config.to_dict())
  for key, value in overrides.items():
    *parents, last = key.split(".")
    node = changed
    for name in parents:
      node = _child(node, name, key, config)
    _child(node, last, key, config)
    _set(node, last, value, key)
  return changed.lock()


def _plain(value: Any) -> Any:
  """A value with numpy's numbers and arrays as Python's, and with paths as text."""
  if isinstance(value, ConfigDict):
    value = value.to_dict()
  if isinstance(value, Mapping):
    return {key: _plain(inner) for key, inner in value.items()}
  if isinstance(value, (list, tuple)):
    return tuple(_plain(inner) for inner in value)
  if isinstance(value, os.PathLike):
    return os.fspath(value)
  if hasattr(value, "tolist"):
    return _plain(value.tolist())
  return value


def _set(node: ConfigDict, name: str, given: Any, key: str) -> None:
  value = _plain(given)
  old = node[name]
  if isinstance(value, dict):
    _require_whole(old, value, key)
    value = _section(value, key)
  is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
  if isinstance(old, str) and is_number:   # such as run.members_per_program: "auto" or a count
    value = str(value)
  try:
    if isinstance(value, bool) and isinstance(old, (int, float)) and not isinstance(old, bool):
      raise TypeError   # a bool is an int to Python
    node[name] = value
  except (TypeError, ValueError, OverflowError):
    if isinstance(old, ConfigDict):
      raise UserError(
          f"the config key {key!r} is a section with {', '.join(old)}: change one of them, "
          f"as in {key}.{next(iter(old), 'NAME')}, not the whole to {given!r}") from None
    raise UserError(
        f"the config key {key!r} holds {old!r}: give it a value of that type, "
        f"not {given!r}") from None


def _require_whole(old: Any, value: dict, key: str) -> None:
  """A whole section is not replaced by some of its settings: the others would be gone."""
  if "." in key or key in NAMED or not isinstance(old, ConfigDict):
    return
  missing = [name for name in old if name not in value]
  if missing:
    example = next(iter(value), next(iter(old)))
    raise UserError(
        f"the config key {key!r} is a section, and {value!r} would replace all of it: change it "
        f"setting by setting, as in {key}.{example} (in Python {key}__{example}=...)")


def _section(value: dict, key: str) -> ConfigDict:
  for name, inner in value.items():
    if not isinstance(name, str) or "." in name:
      raise UserError(f"the config key {key!r} is given {value!r}: its keys are names without dots")
    if isinstance(inner, dict):
      _section(inner, key)
  return ConfigDict(value)


def _child(node: Any, name: str, key: str, config: ConfigDict) -> Any:
  if not isinstance(node, ConfigDict) or name not in node:
    raise UserError(f"unknown config key {key!r}{nearest_key(key, config)}")
  return node[name]


def nearest_key(key: str, config: ConfigDict) -> str:
  """The tail of an error sentence: the closest key of the same section, or all of that section.

  Where there is no such section, the closest of all, or the sections.
  """
  known = list(flat(config))
  section = section_of(key)
  inside = [one for one in known if one.startswith(section + ".")]
  if inside:
    return nearest(key, inside)
  if difflib.get_close_matches(key, known, 1, 0.5):
    return nearest(key, known)
  return nearest(section, config)


def flat(config: ConfigDict | Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
  """{dotted key: value} of a config; tuples become lists, as in JSON."""
  if isinstance(config, ConfigDict):
    config = config.to_dict()
  values = {}
  for key, value in config.items():
    if isinstance(value, Mapping) and value:
      values.update(flat(value, f"{prefix}{key}."))
    elif isinstance(value, tuple):
      values[prefix + key] = list(value)
    else:
      values[prefix + key] = value
  return values


def changes(overrides: ConfigDict | Mapping[str, Any]) -> dict[str, Any]:
  """{dotted key: value} of nested overrides; those of `NAMED` sections are not taken apart."""
  if isinstance(overrides, ConfigDict):
    overrides = overrides.to_dict()
  nested = {key: value for key, value in overrides.items() if key not in NAMED}
  whole = {key: value for key, value in overrides.items() if key in NAMED}
  return {**flat(nested), **whole}


def readings(config: ConfigDict) -> dict[str, ConfigDict]:
  """{label: config} of the ways to read a trained model: "", the plain one, then `config.readings`.

  A reading is a label and changes of `config.read`, so that it never needs a training of its own.

  Raises:
    UserError: a reading changes what `config.read` does not have.
  """
  every = {"": config}
  for name, changed in config.readings.items():
    overrides = {f"read.{key}": value for key, value in flat(changed).items() if key != "label"}
    try:
      own = override(config, overrides)
    except UserError as error:
      raise UserError(f"the reading {name!r} changes what config.read does not have: {error}; "
                      "what needs a training of its own is an ablation") from None
    label = changed.get("label", name)
    if not label or label in every:
      raise UserError(
          f"the reading {name!r} has the label {label!r}, which is empty or another reading's: "
          "give it a label of its own")
    every[label] = own
  return every


def reading(config: ConfigDict, name: str) -> tuple[str, ConfigDict]:
  """(label, config) of one of `config.readings` by its name; ("", config) of no name."""
  if not name:
    return "", config
  if name not in config.readings:
    raise UserError(f"there is no reading {name!r} in this config{nearest(name, config.readings)}")
  label = config.readings[name].get("label", name)
  return label, readings(config)[label]


def section_of(key: str) -> str:
  """The section of a dotted key."""
  return key.partition(".")[0]


def essential(config: ConfigDict | Mapping[str, Any], training: bool = False) -> dict[str, Any]:
  """{dotted key: plain JSON value} of all that rows, or only what a `training`, depend on."""
  without = WITHOUT_INFLUENCE
  if training:
    without = WITHOUT_INFLUENCE + READING
  values = {key: value for key, value in flat(config).items() if section_of(key) not in without}
  return json.loads(json.dumps(values, sort_keys=True))


def differing(
    a: ConfigDict | Mapping[str, Any],
    b: ConfigDict | Mapping[str, Any],
    training: bool = False,
) -> list[str]:
  """The dotted keys in which two configs would give other rows, or other `training`s."""
  a, b = essential(a, training), essential(b, training)
  absent = object()
  return sorted(key for key in a.keys() | b.keys() if a.get(key, absent) != b.get(key, absent))


def fingerprint(config: ConfigDict | Mapping[str, Any], training: bool = False) -> str:
  """Twelve hex digits of all that rows depend on, or only that a `training` depends on."""
  text = json.dumps(essential(config, training), sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:12]


def from_plain(settings: Mapping[str, Any]) -> ConfigDict:
  """The locked config of a config.json: JSON's lists are tuples again."""
  return ConfigDict(_with_tuples(settings)).lock()


def _with_tuples(value: Any) -> Any:
  if isinstance(value, Mapping):
    return {key: _with_tuples(inner) for key, inner in value.items()}
  if isinstance(value, list):
    return tuple(_with_tuples(inner) for inner in value)
  return value
