"""Models to predict with: the shipped ones (`jaxsig/pretrained/<name>/`: params.npz, config.json, card.md), or a workdir's member."""
import functools
import json
import pathlib
from typing import Any, NamedTuple

import jax
import ml_collections

from jaxsig import config as configs
from jaxsig.data.cache import Prepared
from jaxsig.data.records import stack_windows
from jaxsig.data.splits import Member
from jaxsig.engine import checkpoint, train, weights
from jaxsig.errors import UserError
from jaxsig.experiment import evaluate
from jaxsig.experiment.sweep import same_config
from jaxsig.system import Data, Task, make, make_data

PLACES = ("data_dir", "cache_dir", "init_from")   # of the machine that trained: no business of others
# What a trained model may be used with otherwise than it was trained.
FREE = (*configs.EVALUATION, "split", "optim", "train", "init_from", "trainable", "data.causal", "data.stride_s", "data.source",
        "data.warps", "data.skip_broken", "data.simulate_")


class Model(NamedTuple):
  """All that predicting takes."""
  name: str
  config: Any
  task: Task
  data: Data
  params: Any
  stats: Any
  calibration: dict | None = None   # what its task has learnt on validation records of the error of its predictions


def save(folder: str | pathlib.Path, name: str, params: Any, config: Any, card: str, stats: Any = None,
         trained_on: tuple[str, ...] = ()) -> pathlib.Path:
  """Writes a model to `folder`/`name`: float32, or float16 where that would be over 2 MiB; returns that folder.

  Args:
    folder: of all models.
    name: of this one.
    params: pytree of arrays.
    config: the experiment's; the places of the machine that trained are left blank.
    card: Markdown.
    stats: pytree of arrays, where the network has running statistics.
    trained_on: the patients that it has seen, on whom it is never evaluated.

  Raises:
    UserError: the model is too large to ship even in half precision, or the folder cannot be written.
  """
  out = pathlib.Path(folder) / name
  settings = {**config.to_dict(), **dict.fromkeys(PLACES, ""), "trained_on": sorted(trained_on)}
  weights.write(out, {"params": params, "stats": stats or {}}, settings, card)
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
  """Once a file: a task made anew would be compiled anew."""
  del changed_ns
  config = as_config(weights.settings_of(folder))
  task, data = make(config), make_data(config)
  params, stats = jax.eval_shape(task.init, jax.random.key(0), example(data, config))
  tree = weights.read(folder, {"params": params, "stats": stats})
  return Model(folder.name, config, task, data, tree["params"], tree["stats"])


def as_config(settings: dict) -> ml_collections.ConfigDict:
  """The locked config of a config.json: JSON's lists are tuples again, a workdir's notes on its data left out."""
  tuples = lambda x: {k: tuples(v) for k, v in x.items()} if isinstance(x, dict) else tuple(map(tuples, x)) if isinstance(x, list) else x
  return ml_collections.ConfigDict(tuples({k: v for k, v in settings.items() if k not in configs.NOTES})).lock()


def open_model(model: str | pathlib.Path, config: Any = None) -> Model:
  """A workdir's first member, or a shipped model by name or folder.

  Args:
    model: which one.
    config: of a workdir, the one that made it. A shipped model is used with it (with another stride or sampler, or causally), as
      long as network and signals are the same.

  Raises:
    UserError: neither, a workdir without a finished checkpoint, or another config.
  """
  path = pathlib.Path(model)
  if (path / "config.json").is_file() and not (path / "params.npz").is_file():
    return from_workdir(path, config)
  found = load(model)
  if config is None:
    return found
  if keys := [k for k in configs.differing(config, found.config) if not k.startswith(FREE)]:
    raise UserError(f"the model {found.name} was made by another config, which differs in {', '.join(keys[:5])}: leave --config out, "
                    "or name the --workdir of a training with yours")
  return found._replace(config=config, task=make(config), data=make_data(config))


def from_workdir(workdir: pathlib.Path, config: Any = None) -> Model:
  """The last checkpoint of the first member of a workdir; without `config`, by the one that the workdir holds."""
  member = first_member(workdir)
  if config is None:
    try:
      config = as_config(json.loads((workdir / "config.json").read_text()))
    except (OSError, ValueError):
      raise UserError(f"{workdir}/config.json is missing or broken: name the config that trained it with --config") from None
  same_config(config, workdir)
  variant, config = evaluate.for_own_files(config)
  task, data = make(config), make_data(config)
  run = train.make_run(config, workdir, task, _simulated(data, config))
  step = max(checkpoint.steps(train.folder_of(run, member) / "checkpoints"), default=0)
  if not step:
    raise UserError(f"{workdir} holds no checkpoint of {member.name}: run --mode=train with this --workdir first")
  found = train.folder_of(run, member) / evaluate.CALIBRATION
  calibration = json.loads(found.read_text()).get(evaluate.method_name(task.method, variant)) if found.is_file() else None
  return Model(workdir.name, config, task, data, *evaluate.restore_ema(run, member, step), calibration)


def first_member(workdir: pathlib.Path) -> Member:
  """The first member that a workdir's split lists."""
  try:
    first = json.loads((workdir / "split.json").read_text())["members"][0]
  except (OSError, ValueError, LookupError):
    raise UserError(f"{workdir} holds no trained model (its split.json is missing or broken): name the --workdir of a training") from None
  return Member(first["member"], first["fold"], first["seed"], *(tuple(first[k]) for k in ("train", "val", "test")))


def _simulated(data: Data, config: Any) -> Prepared:
  """A simulated record and its windows, to shape parameters by."""
  records = data.simulate(0, 1, config.data)
  return Prepared(records, stack_windows(records, [data.prepare(r, config.data) for r in records]), "", "simulated")


def example(data: Data, config: Any) -> dict:
  """A batch of two windows of a simulated record."""
  return train.example(train.make_run(config, pathlib.Path(), None, _simulated(data, config)))
