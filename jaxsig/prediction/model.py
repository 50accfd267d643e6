"""Models to predict with: the shipped ones (`jaxsig/pretrained/<name>/`), or a workdir's member."""
import dataclasses
import functools
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig import paths
from jaxsig import system as systems
from jaxsig.data.cache import prepare
from jaxsig.data.splits import Member
from jaxsig.engine import checkpoint, mesh, weights
from jaxsig.engine.run import Run, checkpoints_of, folder_of, make_run, shapes
from jaxsig.engine.start import restored
from jaxsig.errors import UserError
from jaxsig.experiment import checks
from jaxsig.experiment.evaluate import CALIBRATION
from jaxsig.experiment.readings import method_name
from jaxsig.experiment.workdir import (
  config_in,
  holds_config,
  read_config,
  read_members,
  require_same_config,
)
from jaxsig.stored_files import AGAIN, read_json
from jaxsig.system import Params, Plain, Stats, System

# of the machine that trained: no business of others
PLACES = ("data_dir", "cache_dir", "init_from")
# what a trained model no longer depends on
FREE = ("split", "optim", "train", "init_from", "trainable", *configs.READING)


@dataclasses.dataclass(frozen=True)
class Model:
  """A trained model: `predict` whatever its system reads."""
  name: str
  config: ConfigDict
  system: System
  params: Params
  stats: Stats
  # what was learnt on validation records of the error of its predictions
  calibration: Plain | None = None
  # hash of the config that made it, as reports have it
  made_by: str = ""
  # of groups that were held out, see `report.evidence.figures_of`
  figures: Plain | None = None

  def predict(self, source: Any, rate_hz: float | None = None) -> Any:
    """Predicts a file or an array of the user's own.

    Args:
      source: a path or an array, as the system's `own.read` says.
      rate_hz: its sampling rate in Hz, where the file does not say it.

    Returns:
      The system's typed result: see its `own_file.py`.

    Raises:
      jaxsig.errors.UserError: it cannot be read or is too short.
    """
    from jaxsig.prediction import own_file
    told = own_file.predict(source, rate_hz, self)
    return self.system.own.result(told)

  @property
  def parameters(self) -> int:
    """The number of trained parameters."""
    return sum(np.size(x) for x in jax.tree.leaves(self.params))

  def __repr__(self) -> str:
    return f"<Model {self.name}: system {self.config.system}, {self.parameters:,} parameters>"


def save(
    folder: pathlib.Path,
    name: str,
    model: Model,
    card: str,
    trained_on: Sequence[str] = (),
) -> pathlib.Path:
  """Writes a model to `folder`/`name` and returns that folder.

  Numbers are float32, or float16 where that would be over 2 MiB.

  Args:
    folder: of all models.
    name: of this one.
    model: the places of the machine that trained it are left blank.
    card: Markdown.
    trained_on: the groups that it has seen, on which it is never evaluated.

  Raises:
    UserError: the model is too large to ship even in half precision, or the folder cannot be
      written.
  """
  out = pathlib.Path(folder) / name
  settings = {**model.config.to_dict(), **dict.fromkeys(PLACES, "")}
  about = {
      "trained_on": sorted(trained_on),
      "calibration": model.calibration,
      "figures": model.figures,
  }
  weights.write(out, {"params": model.params, "stats": model.stats}, settings, card, about)
  return out


def load(name_or_path: str | pathlib.Path) -> Model:
  """Loads a shipped model by its name, or a folder that `save` has written.

  Raises:
    UserError: no such model, or one that is damaged or does not fit the network of its own config.
  """
  folder = weights.find(name_or_path)
  return _loaded(folder, (folder / "params.npz").stat().st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _loaded(folder: pathlib.Path, changed_ns: int) -> Model:
  """Loads each file once: a task made anew would be compiled anew."""
  del changed_ns
  config = config_in(folder / "config.json", weights.WHOLE_AGAIN)
  system = systems.make(config)
  config = with_own_keys(config, system)
  params, stats = shapes(simulated_run(config, system))
  tree = weights.read(folder, {"params": params, "stats": stats})
  about = weights.about_of(folder)
  return Model(
      name=folder.name,
      config=config,
      system=system,
      params=tree["params"],
      stats=tree["stats"],
      calibration=about.get("calibration"),
      figures=about.get("figures"),
  )


def open_model(model: str | pathlib.Path, config: ConfigDict | None = None) -> Model:
  """A workdir's first member, or a shipped model by name or folder.

  Args:
    model: which one.
    config: of a workdir, the one that made it. A shipped model is used with it (read otherwise), as
      long as network and signals are the same.

  Raises:
    UserError: neither, a workdir without a finished checkpoint, or another config.
  """
  if not isinstance(model, (str, os.PathLike)):
    raise UserError(
        f"{model!r} is no model: give the name of a shipped one, the workdir of a training, or "
        "what jaxsig.open_model returns")
  path = paths.source(model, "the model")
  mesh.cache_programs()
  mesh.open_devices()
  if config is not None:
    checks.require_experiment(config)
  if _is_workdir(path):
    return from_workdir(path, config)
  loaded = load(path)
  if config is None:
    return loaded
  _require_settings(config)
  system = systems.make(config)
  keys = [key for key in configs.differing(config, loaded.config) if not _is_free(key, system)]
  if keys:
    raise UserError(
        f"the model {loaded.name} was made by another config, which differs in "
        f"{', '.join(keys[:5])}: leave --config out, or name the --workdir of a training with "
        "yours")
  _, config = configs.reading(config, _own_reading(config))
  config = with_own_keys(config, system)
  return dataclasses.replace(loaded, config=config, system=systems.make(config))


def _require_settings(config: ConfigDict) -> None:
  """Checks a config by which a model reads; its ablations are other trainings."""
  checks.require_settings(configs.override(config, {"ablations": {}}))


def config_of(model: str | os.PathLike) -> ConfigDict:
  """The config of a workdir, or of a shipped model by name or folder, with all keys of `own`.

  Raises:
    UserError: there is no such model.
  """
  path = paths.source(model, "the model")
  if _is_workdir(path):
    config = read_config(path)
  else:
    config = config_in(weights.find(path) / "config.json", weights.WHOLE_AGAIN)
  return with_own_keys(config, systems.make(config))


def overridden(
    model: str | os.PathLike,
    config: ConfigDict | None,
    overrides: Mapping[str, Any],
) -> ConfigDict:
  """The model's config, or the one given for it, with dotted keys replaced."""
  if config is None:
    config = config_of(model)
  checks.require_experiment(config)
  return configs.override(with_own_keys(config, systems.make(config)), overrides)


def with_own_keys(config: ConfigDict, system: System) -> ConfigDict:
  """The config with all keys of its section `own` that its system reads.

  A config that was stored before a key existed gets that key's default.
  """
  own = config.get("own")
  if system.own is None or own is None:
    return config
  missing = {key: value for key, value in system.own.options.items() if key not in own}
  if not missing:
    return config
  completed = ConfigDict(config.to_dict())
  completed.own.update(missing)
  return completed.lock()


def _is_workdir(path: pathlib.Path) -> bool:
  if paths.kind_of(path) != "folder":
    return False
  has_parameters = (path / "params.npz").is_file()
  has_config = (path / "config.json").is_file()
  return (path / "split.json").is_file() or (has_config and not has_parameters)


def _is_free(key: str, system: System) -> bool:
  """Whether a trained model may be used with another value of a key."""
  section, _, name = key.partition(".")
  if section == "data":
    always = name == "source" or name.startswith("simulate_")
    free = ()
    if system.own is not None:
      free = system.own.free
    return always or name in free
  return section in FREE


def from_workdir(workdir: pathlib.Path, config: ConfigDict | None = None) -> Model:
  """The last checkpoint of the first member of a workdir, by `config` or its own."""
  member = read_members(workdir)[0]
  if config is None:
    config = read_config(workdir)
  else:
    _require_settings(config)
  require_same_config(config, workdir)
  if not holds_config(workdir):
    _require_made_by(config, workdir, member)
  made_by = configs.fingerprint(config)
  label, config = configs.reading(config, _own_reading(config))
  system = systems.make(config)
  config = with_own_keys(config, system)
  run = simulated_run(config, system, workdir)
  if not checkpoint.steps(checkpoints_of(run, member)):
    raise UserError(
        f"{workdir} holds no checkpoint of {member.name}: run --mode=train with this --workdir "
        "first")
  params, stats = restored(run._replace(meta={}), member)
  calibration = _calibration(run, member, method_name(config, label))
  return Model(workdir.name, config, system, params, stats, calibration, made_by)


def _require_made_by(config: ConfigDict, workdir: pathlib.Path, member: Member) -> None:
  """Raises UserError where a member's checkpoint, if it has one, was made by another config."""
  folder = workdir / "members" / member.name / "checkpoints"
  steps = checkpoint.steps(folder)
  if steps:
    checkpoint.check_meta(folder, steps[-1], {"config": configs.fingerprint(config, training=True)})


def _own_reading(config: ConfigDict) -> str:
  """The reading for a user's own file; none where the config says nothing of such files."""
  own = config.get("own")
  if own is None:
    return ""
  return own.get("reading", "")


def _calibration(run: Run, member: Member, method: str) -> Plain | None:
  path = folder_of(run, member) / CALIBRATION
  if not path.exists():   # it was not evaluated
    return None
  calibration = read_json(path).get(method)
  if not isinstance(calibration, dict | None):
    raise UserError(f"{path} is broken (of {method!r} it says {calibration!r}): {AGAIN}")
  return calibration


def simulated_run(
    config: ConfigDict,
    system: System,
    workdir: pathlib.Path = pathlib.Path(),
) -> Run:
  """A run on one simulated record, to shape parameters by."""
  simulated = next(iter(system.data.simulate(0, 1, config.data)))
  return make_run(config, workdir, system, prepare(system.data, config, [simulated]))
