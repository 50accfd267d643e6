"""Checks of the settings that every system shares, before anything is read or written."""
import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig.errors import UserError
from jaxsig.report.settings import read_settings


class Range(NamedTuple):
  """What a number may be, both ends included; a whole number where `whole`."""
  low: float
  high: float = math.inf
  whole: bool = True


RANGES = {
    "data.simulate_groups": Range(0),
    "data.simulate_seed": Range(0),
    "split.n_folds": Range(0),
    "split.val_groups": Range(0),
    "split.inner_folds": Range(0),
    "split.adapt_s": Range(0, whole=False),
    "split.guard_s": Range(0, whole=False),
    "optim.learning_rate": Range(0, whole=False),
    "optim.warmup_steps": Range(0),
    "optim.clip_norm": Range(0, whole=False),
    "optim.weight_decay": Range(0, whole=False),
    "optim.ema": Range(0, 1, whole=False),
    "train.steps": Range(0),
    "train.batch_size": Range(1),
    "read.seed": Range(0),
    "report.timing_s": Range(0, whole=False),
    "run.log_steps": Range(1),
    "run.ckpt_steps": Range(1),
    "run.val_steps": Range(1),
    "run.val_windows": Range(0),
    "run.predict_batch_size": Range(1),
}
SECTIONS = (
    "data",
    "split",
    "optim",
    "train",
    "read",
    "readings",
    "baselines",
    "own",
    "report",
    "run",
)


def require_experiment(config: ConfigDict) -> None:
  """Raises UserError where it is not the config of one experiment, but a sweep's list."""
  if not isinstance(config, ConfigDict):
    raise UserError(
        f"a config is wanted, not {config!r}: give what jaxsig.load_config('configs/FILE.py') "
        "returns")
  if "experiments" in config and "system" not in config:
    raise UserError(
        "this config lists the experiments of a sweep: run it with --mode=sweep, or name one of "
        "the configs that it lists")
  if not isinstance(config.get("system"), str):
    raise UserError(
        "the config names no system: start it from configs/base.py and set config.system")


def require_list(listing: ConfigDict) -> None:
  """Raises UserError where a config is not the list of a sweep."""
  if not isinstance(listing.get("experiments"), ConfigDict):
    raise UserError(
        "--mode=sweep takes a list of experiments, a file of configs/sweeps/, and this config has "
        "none: run it with --mode=train")


def require_settings(config: ConfigDict) -> None:
  """Checks the settings that every system shares.

  Raises:
    UserError: a setting that is missing or that no training, evaluation or report can use.
  """
  require_experiment(config)
  for section in SECTIONS:
    if not isinstance(config.get(section), ConfigDict):
      raise UserError(
          f"the config has no section {section!r}: start it from configs/base.py, as the files of "
          "configs/ do")
  values = configs.flat(config)
  for key, allowed in RANGES.items():
    _require_number(key, values, allowed)
  _require_seeds(values)
  _require_folds(values)
  _require_base(values)
  _require_expression(values)
  _require_changes(config)
  read_settings(config.report)


def _value(key: str, values: Mapping[str, object]) -> object:
  if key not in values:
    raise UserError(f"the config has no {key}: start it from configs/base.py")
  return values[key]


def _require_number(key: str, values: Mapping[str, object], allowed: Range) -> None:
  value = _value(key, values)
  kind = "a number"
  types = (int, float)
  if allowed.whole:
    kind = "a whole number"
    types = (int,)
  bounds = f"{allowed.low:g} or more"
  if math.isfinite(allowed.high):
    bounds = f"from {allowed.low:g} to {allowed.high:g}"

  is_number = isinstance(value, types) and not isinstance(value, bool)
  if not is_number or not allowed.low <= value <= allowed.high:
    raise UserError(f"config.{key} is {value!r}: set it to {kind}, {bounds}")


def _require_seeds(values: Mapping[str, object]) -> None:
  seeds = _value("split.seeds", values)
  if not isinstance(seeds, list) or not seeds:
    raise UserError(
        f"config.split.seeds is {seeds!r}, by which nothing is trained: name at least one seed, "
        "as in (0,)")
  for seed in seeds:
    is_whole = isinstance(seed, int) and not isinstance(seed, bool)
    if not is_whole or seed < 0:
      raise UserError(
          f"config.split.seeds holds {seed!r}: seeds are whole numbers from 0, as in (0, 1)")


def _require_folds(values: Mapping[str, object]) -> None:
  if _value("split.kind", values) == "kfold" and values["split.n_folds"] < 1:
    raise UserError(
        "split.kind=kfold needs split.n_folds above 1: into how many parts the groups are dealt")


def _require_base(values: Mapping[str, object]) -> None:
  """A config without training needs trained parameters from elsewhere."""
  if _value("init_from", values):
    return
  remedy = "this needs config.init_from, the workdir of a training or a shipped model"
  if not values["train.steps"]:
    raise UserError(f"train.steps=0 trains nothing: {remedy}, or set train.steps above 0")
  if values["split.kind"] == "external":
    raise UserError(f"split.kind=external trains nothing: {remedy}")


def _require_expression(values: Mapping[str, object]) -> None:
  expression = _value("trainable", values)
  try:
    re.compile(expression)
  except (re.error, TypeError) as error:
    raise UserError(
        f"config.trainable {expression!r} is no regular expression ({error}): write one that "
        "matches the paths of parameters, or leave it empty") from None


def _require_changes(config: ConfigDict) -> None:
  """Readings and ablations are changes by name."""
  for section, example in (("readings", "{'label': 'fast', 'seed': 1}"),
                           ("ablations", "{'train': {'steps': 100}}")):
    named = config.get(section, {})
    for name in named:
      if not isinstance(named[name], (Mapping, ConfigDict)):
        raise UserError(
            f"config.{section} {name!r} holds {named[name]!r}: give the settings that it changes, "
            f"as in {example}")
  for name in config.readings:
    label = config.readings[name].get("label", name)
    if not isinstance(label, str):
      raise UserError(f"the reading {name!r} has the label {label!r}: give it a label of text")
