"""Models to predict with: the shipped ones (`jaxsig/pretrained/<name>/`: params.npz, config.json, card.md), or a workdir's member."""
import json
import os
import pathlib
import zipfile
from typing import Any, NamedTuple

import jax
import ml_collections
import numpy as np

from jaxsig import checkpoint, evaluate, train
from jaxsig import config as configs
from jaxsig.data.cache import Prepared
from jaxsig.data.core import stack_windows
from jaxsig.data.splits import Member
from jaxsig.errors import UserError
from jaxsig.sweep import same_config
from jaxsig.task import Data, Task, make, make_data

DEFAULT = "respdiff_60s"
HOME = pathlib.Path(__file__).parent / "pretrained"
LARGEST_BYTES = 2 * 2**20
PLACES = ("data_dir", "cache_dir")   # of the machine that trained: no business of others
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


def save(folder: str | pathlib.Path, name: str, params: Any, config: Any, card: str, stats: Any = None) -> pathlib.Path:
  """Writes a model to `folder`/`name`: float32, or float16 where that would be over 2 MiB; returns that folder.

  Args:
    folder: of all models.
    name: of this one.
    params: pytree of arrays.
    config: the experiment's; `data_dir` and `cache_dir` are left blank.
    card: Markdown.
    stats: pytree of arrays, where the network has running statistics.

  Raises:
    UserError: the model is too large to ship even in half precision, or the folder cannot be written.
  """
  out = pathlib.Path(folder) / name
  flat = {key: np.asarray(x) for key, x in _flat({"params": params, "stats": stats or {}}).items()}
  if sum(x.nbytes for x in flat.values()) > 0.99 * LARGEST_BYTES:   # the archive adds a header an array
    flat = {key: x.astype(np.float16) if x.dtype.kind == "f" else x for key, x in flat.items()}
  if (size := sum(x.nbytes for x in flat.values())) > 0.99 * LARGEST_BYTES:
    raise UserError(f"a model of {size / 2**20:.1f} MiB in half precision is too large to ship ({LARGEST_BYTES / 2**20:g} MiB): "
                    "train a smaller network")
  bad = [key for key, x in flat.items() if not np.isfinite(x).all()]
  if bad:
    raise UserError(f"{bad[0]} of {name} is not finite (as {flat[bad[0]].dtype}): train it again with a lower --config.optim.learning_rate")
  settings = {**config.to_dict(), **dict.fromkeys(PLACES, "")}
  try:
    out.mkdir(parents=True, exist_ok=True)
    aside = out / "params.tmp"
    with aside.open("wb") as file:
      np.savez(file, **flat)
    (out / "config.json").write_text(json.dumps(settings, indent=1) + "\n")
    (out / "card.md").write_text(card)
    os.replace(aside, out / "params.npz")
  except OSError as error:
    raise UserError(f"the folder {out} cannot be written ({error.strerror}): name another with --output") from error
  return out


def load(name_or_path: str | pathlib.Path) -> Model:
  """Loads a shipped model by its name, or a folder that `save` has written.

  Raises:
    UserError: no such model, or one that is damaged or does not fit the network of its own config.
  """
  folder = find(name_or_path)
  settings, flat = _read(folder)
  config = as_config(settings)
  task, data = make(config), make_data(config)
  params, stats = jax.eval_shape(task.init, jax.random.key(0), example(data, config))
  like = {"params": params, "stats": stats}
  _same_layout(folder, _flat(like), flat)
  leaves = [flat[key].astype(x.dtype) for key, x in _flat(like).items()]
  tree = jax.tree.unflatten(jax.tree.structure(like), leaves)
  return Model(folder.name, config, task, data, tree["params"], tree["stats"])


def find(name_or_path: str | pathlib.Path) -> pathlib.Path:
  """The folder of a shipped model."""
  for folder in (HOME / str(name_or_path), pathlib.Path(name_or_path)):
    if (folder / "params.npz").is_file():
      return folder
  known = sorted(p.parent.name for p in HOME.glob("*/params.npz"))
  if str(name_or_path) == DEFAULT:
    raise UserError(f"the shipped model {DEFAULT} is missing from {HOME}: install jaxsig again, or name the --workdir of a training")
  raise UserError(f"there is no model {str(name_or_path)!r}{configs.nearest(str(name_or_path), known) if known else '; none is shipped'}, "
                  "or name the workdir of a training")


def as_config(settings: dict) -> ml_collections.ConfigDict:
  """The locked config of a config.json: JSON's lists are tuples again, a workdir's notes on its data left out."""
  tuples = lambda x: {k: tuples(v) for k, v in x.items()} if isinstance(x, dict) else tuple(map(tuples, x)) if isinstance(x, list) else x
  return ml_collections.ConfigDict(tuples({k: v for k, v in settings.items() if k not in ("data_card", "methods")})).lock()


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
  task, data = make(config), make_data(config)
  run = train.make_run(config, workdir, task, _simulated(data, config))
  step = max(checkpoint.steps(train.folder_of(run, member) / "checkpoints"), default=0)
  if not step:
    raise UserError(f"{workdir} holds no checkpoint of {member.name}: run --mode=train with this --workdir first")
  return Model(workdir.name, config, task, data, *evaluate.restore_ema(run, member, step))


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


def _flat(tree: Any) -> dict[str, Any]:
  return {jax.tree_util.keystr(path, simple=True, separator="/"): x for path, x in jax.tree_util.tree_leaves_with_path(tree)}


def _read(folder: pathlib.Path) -> tuple[dict, dict[str, np.ndarray]]:
  try:
    settings = json.loads((folder / "config.json").read_text())
    with (folder / "params.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
      return settings, {key: stored[key] for key in stored.files}
  except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
    raise UserError(f"the model in {folder} cannot be read ({str(error).splitlines()[0][:200]}): it is damaged; "
                    "install jaxsig again, or export it again") from error


def _same_layout(folder: pathlib.Path, like: dict, have: dict) -> None:
  want, found = ({key: list(x.shape) for key, x in tree.items()} for tree in (like, have))
  differing = sorted(key for key in want.keys() | found.keys() if want.get(key) != found.get(key))
  if differing:
    name = differing[0]
    raise UserError(f"the model in {folder} does not fit the network of its config: {name} is {found.get(name, 'absent')} there, "
                    f"not {want.get(name, 'absent')}; install jaxsig again, or export it again")
