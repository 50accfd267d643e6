"""Trained parameters as plain files: `<name>/params.npz` beside the config.json that made them and the patients they have seen."""
import json
import os
import pathlib
import zipfile
from typing import Any

import jax
import numpy as np

from jaxsig.config import nearest
from jaxsig.errors import UserError

DEFAULT = "respdiff_60s"
HOME = pathlib.Path(__file__).parent.parent / "pretrained"
LARGEST_BYTES = 2 * 2**20


def find(name_or_path: str | pathlib.Path) -> pathlib.Path:
  """The folder of a shipped model."""
  if is_model(name_or_path):
    return next(f for f in _places(name_or_path) if (f / "params.npz").is_file())
  known = sorted(p.parent.name for p in HOME.glob("*/params.npz"))
  if str(name_or_path) == DEFAULT:
    raise UserError(f"the shipped model {DEFAULT} is missing from {HOME}: install jaxsig again, or name the --workdir of a training")
  raise UserError(f"there is no model {str(name_or_path)!r}{nearest(str(name_or_path), known) if known else '; none is shipped'}, "
                  "or name the workdir of a training")


def is_model(name_or_path: str | pathlib.Path) -> bool:
  """Whether it is the name of a shipped model, or a folder that `write` has written."""
  return any((folder / "params.npz").is_file() for folder in _places(name_or_path))


def _places(name_or_path: str | pathlib.Path) -> tuple[pathlib.Path, ...]:
  return (HOME / str(name_or_path), pathlib.Path(name_or_path)) if str(name_or_path) else ()


def write(folder: pathlib.Path, tree: Any, settings: dict, card: str) -> None:
  """Writes a model: float32, or float16 where that would be over 2 MiB.

  Args:
    folder: of this model.
    tree: pytree of arrays.
    settings: plain JSON values: the config and its NOTES.
    card: Markdown.

  Raises:
    UserError: it is too large even in half precision, not finite, or the folder cannot be written.
  """
  flat = {key: np.asarray(x) for key, x in _flat(tree).items()}
  if sum(x.nbytes for x in flat.values()) > 0.99 * LARGEST_BYTES:   # the archive adds a header an array
    flat = {key: x.astype(np.float16) if x.dtype.kind == "f" else x for key, x in flat.items()}
  if (size := sum(x.nbytes for x in flat.values())) > 0.99 * LARGEST_BYTES:
    raise UserError(f"a model of {size / 2**20:.1f} MiB in half precision is too large to ship ({LARGEST_BYTES / 2**20:g} MiB): "
                    "train a smaller network")
  bad = [key for key, x in flat.items() if not np.isfinite(x).all()]
  if bad:
    raise UserError(f"{bad[0]} of {folder.name} is not finite (as {flat[bad[0]].dtype}): "
                    "train it again with a lower --config.optim.learning_rate")
  try:
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / "params.tmp"
    with aside.open("wb") as file:
      np.savez(file, **flat)
    (folder / "config.json").write_text(json.dumps(settings, indent=1) + "\n")
    (folder / "card.md").write_text(card)
    os.replace(aside, folder / "params.npz")
  except OSError as error:
    raise UserError(f"the folder {folder} cannot be written ({error.strerror}): name another with --output") from error


def settings_of(folder: pathlib.Path) -> dict:
  """The config.json of a model; UserError where it is damaged."""
  try:
    return json.loads((folder / "config.json").read_text())
  except (OSError, ValueError) as error:
    raise _damaged(folder, error) from error


def read(folder: pathlib.Path, like: Any) -> Any:
  """The arrays of a model in the form of `like`; UserError where they are damaged or of another layout."""
  try:
    with (folder / "params.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
      have = {key: stored[key] for key in stored.files}
  except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
    raise _damaged(folder, error) from error
  _same_layout(folder, _flat(like), have)
  return jax.tree.unflatten(jax.tree.structure(like), [have[key].astype(x.dtype) for key, x in _flat(like).items()])


def _damaged(folder: pathlib.Path, error: Exception) -> UserError:
  return UserError(f"the model in {folder} cannot be read ({str(error).splitlines()[0][:200]}): it is damaged; "
                   "install jaxsig again, or export it again")


def _flat(tree: Any) -> dict[str, Any]:
  return {jax.tree_util.keystr(path, simple=True, separator="/"): x for path, x in jax.tree_util.tree_leaves_with_path(tree)}


def _same_layout(folder: pathlib.Path, like: dict, have: dict) -> None:
  want, found = ({key: list(x.shape) for key, x in tree.items()} for tree in (like, have))
  differing = sorted(key for key in want.keys() | found.keys() if want.get(key) != found.get(key))
  if differing:
    name = differing[0]
    raise UserError(f"the model in {folder} does not fit the network of its config: {name} is {found.get(name, 'absent')} there, "
                    f"not {want.get(name, 'absent')}; install jaxsig again, or export it again")
