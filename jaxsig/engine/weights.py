"""Trained parameters as plain files: a folder with four of them for each model.

  params.npz    the arrays
  config.json   the config that made them
  about.json    the groups they have seen in training, what validation groups have taught of their
                error, and figures of groups that were held out
  card.md       what a reader should know of the model
"""
import json
import os
import pathlib
import shutil
from collections.abc import Mapping

import jax
import numpy as np

from jaxsig.config import nearest
from jaxsig.engine.mesh import PyTree
from jaxsig.errors import OtherNetwork, UserError
from jaxsig.stored_files import read_arrays, read_json
from jaxsig.system import Plain
from jaxsig.unfinished import make_aside

FILES = ("params.npz", "config.json", "about.json", "card.md")
WHOLE_AGAIN = "install jaxsig again, or export the model again"
HOME = pathlib.Path(__file__).parent.parent / "pretrained"
LARGEST_BYTES = 2 * 2**20
_LARGEST_ARRAYS_BYTES = 0.99 * LARGEST_BYTES   # the archive adds a header for each array


def find(name_or_path: str | pathlib.Path) -> pathlib.Path:
  """Returns the folder of a shipped model, or of one that `write` has written.

  Raises:
    UserError: there is none; the sentence names the model whose name is nearest.
  """
  for folder in _places(name_or_path):
    if _has_params(folder):
      return folder

  name = str(name_or_path)
  shipped = sorted(path.parent.name for path in HOME.glob("*/params.npz"))
  if not shipped:
    raise UserError(
      f"the shipped model {name} is missing from {HOME}: "
      "install jaxsig again, or name the --workdir of a training"
    )
  raise UserError(
    f"there is no model {name!r}{nearest(name, shipped)}, or name the workdir of a training"
  )


def is_model(name_or_path: str | pathlib.Path) -> bool:
  """Returns whether it is the name of a shipped model, or a folder that `write` has written."""
  return any(_has_params(folder) for folder in _places(name_or_path))


def _places(name_or_path: str | pathlib.Path) -> tuple[pathlib.Path, ...]:
  name = str(name_or_path)
  if not name:
    return ()
  return HOME / name, pathlib.Path(name)


def _has_params(folder: pathlib.Path) -> bool:
  return (folder / "params.npz").is_file()


def write(folder: pathlib.Path, tree: PyTree, settings: Plain, card: str, about: Plain) -> None:
  """Writes a model: float32, or float16 where that would be over 2 MiB.

  Args:
    folder: of this model.
    tree: pytree of arrays.
    settings: the config as plain JSON values.
    card: Markdown.
    about: {"trained_on": the groups that it has seen, ...}, plain JSON values.

  Raises:
    UserError: it is too large even in half precision, not finite, or the folder cannot be written.
  """
  arrays = _small_enough(_by_path(tree))
  _check_finite(arrays, folder.name)
  try:
    folder.mkdir(parents=True, exist_ok=True)
    aside = make_aside(folder)
    try:
      np.savez(aside / "params.npz", **arrays)
      (aside / "config.json").write_text(json.dumps(settings, indent=1) + "\n")
      (aside / "about.json").write_text(json.dumps(about, indent=1) + "\n")
      (aside / "card.md").write_text(card)
      for name in FILES:
        os.replace(aside / name, folder / name)
    finally:
      shutil.rmtree(aside, ignore_errors=True)
  except OSError as error:
    raise UserError(
      f"the folder {folder} cannot be written ({error.strerror}): name another with --output"
    ) from error


def _small_enough(leaves: Mapping[str, PyTree]) -> dict[str, np.ndarray]:
  """The leaves as arrays, floats in half precision where all are too large else."""
  arrays = {path: np.asarray(x) for path, x in leaves.items()}
  if _total_bytes(arrays) <= _LARGEST_ARRAYS_BYTES:
    return arrays

  for path, x in arrays.items():
    if x.dtype.kind == "f":
      arrays[path] = x.astype(np.float16)
  size = _total_bytes(arrays)
  if size > _LARGEST_ARRAYS_BYTES:
    raise UserError(
      f"a model of {size / 2**20:.1f} MiB in half precision is too large to ship "
      f"({LARGEST_BYTES / 2**20:g} MiB): train a smaller network"
    )
  return arrays


def _total_bytes(arrays: Mapping[str, np.ndarray]) -> int:
  return sum(x.nbytes for x in arrays.values())


def _check_finite(arrays: Mapping[str, np.ndarray], model: str) -> None:
  for path, x in arrays.items():
    if not np.isfinite(x).all():
      raise UserError(
        f"{path} of {model} is not finite (as {x.dtype}): "
        "train it again with a lower --config.optim.learning_rate"
      )


def about_of(folder: pathlib.Path) -> Plain:
  """Returns what about.json of a model says: the groups that it was trained on, and more.

  Raises:
    UserError: it is damaged.
  """
  path = folder / "about.json"
  if not path.is_file():
    return {"trained_on": []}
  return read_json(path, WHOLE_AGAIN, needs=("trained_on",))


def read(folder: pathlib.Path, like: PyTree) -> PyTree:
  """Returns the arrays of a model in the form and the types of `like`.

  Raises:
    UserError: they are damaged or of another layout.
  """
  stored = read_arrays(folder / "params.npz", WHOLE_AGAIN)
  wanted = _by_path(like)
  _check_layout(folder, wanted, stored)
  leaves = []
  for name, x in wanted.items():
    leaves.append(stored[name].astype(x.dtype))
  return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _by_path(tree: PyTree) -> dict[str, PyTree]:
  """{path with slashes: leaf} in the order of the leaves."""
  leaves = {}
  for path, x in jax.tree_util.tree_leaves_with_path(tree):
    name = jax.tree_util.keystr(path, simple=True, separator="/")
    leaves[name] = x
  return leaves


def _check_layout(
    folder: pathlib.Path,
    wanted: Mapping[str, PyTree],
    stored: Mapping[str, np.ndarray],
) -> None:
  for name in sorted(wanted.keys() | stored.keys()):
    wanted_shape = _shape_in(wanted, name)
    stored_shape = _shape_in(stored, name)
    if stored_shape != wanted_shape:
      raise OtherNetwork(
        f"the model in {folder} does not fit the network of its config: "
        f"{name} is {stored_shape} there, not {wanted_shape}; "
        "install jaxsig again, or export it again"
      )


def _shape_in(leaves: Mapping[str, PyTree], name: str) -> list[int] | str:
  if name not in leaves:
    return "absent"
  return list(leaves[name].shape)
