"""The only user of orbax: a checkpoint folder for each member, with its latest two steps.

A checkpoint is written atomically.
"""
import contextlib
import logging
import pathlib
from collections.abc import Iterator, Mapping

import jax
import numpy as np
import orbax.checkpoint as ocp

from jaxsig.engine.mesh import PyTree
from jaxsig.errors import OtherNetwork, UserError
from jaxsig.system import Plain

_KEPT = 2   # steps

# Orbax logs every save at length, and every failure before it raises: that is told in one sentence.
logging.getLogger("absl").setLevel(logging.CRITICAL)


@contextlib.contextmanager
def _manager(folder: pathlib.Path, read_only: bool = False) -> Iterator[ocp.CheckpointManager]:
  if read_only:
    options = ocp.CheckpointManagerOptions(
      max_to_keep=None,
      enable_async_checkpointing=False,
      create=False,
      read_only=True,
    )
  else:
    options = ocp.CheckpointManagerOptions(
      max_to_keep=_KEPT,
      enable_async_checkpointing=False,
      create=True,
      read_only=False,
    )
  manager = ocp.CheckpointManager(folder.resolve(), options=options)
  try:
    yield manager
  finally:
    manager.close()


def steps(folder: pathlib.Path) -> list[int]:
  """Returns the finished steps in a member's checkpoint folder, ascending.

  Half-written ones have another name and do not count.
  """
  if not folder.is_dir():
    return []

  finished = []
  for path in folder.iterdir():
    if path.name.isdigit() and (path / "_CHECKPOINT_METADATA").exists():
      finished.append(int(path.name))
  return sorted(finished)


def save(folder: pathlib.Path, step: int, state: PyTree, meta: Plain) -> None:
  """Saves one member's state.

  Args:
    folder: the member's checkpoint folder.
    step: steps done.
    state: pytree of arrays without member axis, the same on every process.
    meta: JSON values: config and data fingerprints.

  Raises:
    UserError: it could not be saved; the sentence names the last good step, which stays.
  """
  stored_meta = {**meta, "layout": _layout(state)}
  args = ocp.args.Composite(
    state=ocp.args.StandardSave(state),
    meta=ocp.args.JsonSave(stored_meta),
  )
  try:
    with _manager(folder) as manager:
      saved = manager.save(step, args=args, force=True)
      if not saved:
        raise OSError("a checkpoint of this or a later step is there already")
  except Exception as error:
    # Orbax and tensorstore raise many kinds. To the user all mean that this save did not happen.
    finished = steps(folder)
    remaining = "no earlier checkpoint exists"
    if finished:
      remaining = f"the checkpoint of step {finished[-1]} is intact"
    raise UserError(
      f"could not save step {step} to {folder}: {_reason(error)}; {remaining}: "
      "free space or fix the folder, then give the same command again"
    ) from error


def forget_after(folder: pathlib.Path, step: int) -> None:
  """Deletes checkpoints later than `step`, from which a group of members continues together."""
  is_last = all(finished <= step for finished in steps(folder))
  if is_last:
    return
  with _manager(folder) as manager:
    for stored in list(manager.all_steps()):
      if stored > step:
        manager.delete(stored)


def restore(
    folder: pathlib.Path,
    step: int,
    like: PyTree,
    meta: Plain | None = None,
) -> PyTree:
  """Restores a member's state as host arrays, on any number of devices.

  Args:
    folder: the member's checkpoint folder.
    step: which one.
    like: arrays of the state's shapes and types.
    meta: fingerprints that must not differ from those of the checkpoint.

  Raises:
    UserError: no such step, a damaged checkpoint, other shapes, or other fingerprints.
  """
  stored_meta = check_meta(folder, step, meta or {})
  _check_layout(folder, step, like, stored_meta)
  target = _zeros_like(like)
  args = ocp.args.Composite(state=ocp.args.StandardRestore(target))
  try:
    with _manager(folder, read_only=True) as manager:
      restored = manager.restore(step, args=args)
    return restored.state
  except Exception as error:
    raise _damaged(folder, step, error) from error


def restore_some(
    folder: pathlib.Path,
    step: int,
    like: Mapping[str, PyTree],
) -> dict[str, PyTree]:
  """Restores only the named parts of a state as host arrays.

  Args:
    folder: the member's checkpoint folder.
    step: which one.
    like: e.g. {"ema": ..., "stats": ...}, arrays of their shapes and types.

  Raises:
    UserError: no such step, a damaged checkpoint, or other shapes.
  """
  _check_layout(folder, step, like, read_meta(folder, step))
  target = _zeros_like(like)
  path = folder / str(step) / "state"
  try:
    with ocp.PyTreeCheckpointer() as reader:
      args = ocp.args.PyTreeRestore(
        item=target,
        restore_args=ocp.checkpoint_utils.construct_restore_args(target),
        partial_restore=True,
      )
      return reader.restore(path.resolve(), args=args)
  except Exception as error:
    raise _damaged(folder, step, error) from error


def read_meta(folder: pathlib.Path, step: int) -> Plain:
  """Returns the JSON values saved beside a state.

  Raises:
    UserError: no such step, or a damaged checkpoint.
  """
  if step not in steps(folder):
    raise UserError(
      f"no checkpoint of step {step} in {folder}: train first, or name another --workdir"
    )
  args = ocp.args.Composite(meta=ocp.args.JsonRestore())
  try:
    with _manager(folder, read_only=True) as manager:
      restored = manager.restore(step, args=args)
    meta = restored.meta
    if not isinstance(meta, dict) or not isinstance(meta.get("layout"), dict):
      raise ValueError("its JSON values are not those of a checkpoint")
    return meta
  except Exception as error:
    raise _damaged(folder, step, error) from error


def check_meta(folder: pathlib.Path, step: int, meta: Plain) -> Plain:
  """Returns what `read_meta` does.

  Raises:
    UserError: as there, or where one of the fingerprints in `meta` differs.
  """
  stored = read_meta(folder, step)
  for key in sorted(meta.keys() & stored.keys()):
    if meta[key] != stored[key]:
      raise UserError(
        f"the checkpoint {folder}/{step} was made with another {key} "
        f"({stored[key]}, not {meta[key]}): "
        "use another --workdir, or the settings and data of this one"
      )
  return stored


def _layout(tree: PyTree) -> dict[str, str]:
  """{path: "float32[3, 4]"} of every leaf."""
  layout = {}
  for path, x in jax.tree_util.tree_leaves_with_path(tree):
    name = jax.tree_util.keystr(path, simple=True, separator="/")
    layout[name] = f"{np.dtype(x.dtype)}{list(x.shape)}"
  return layout


def _check_layout(folder: pathlib.Path, step: int, like: PyTree, meta: Plain) -> None:
  """Compares types and shapes by name before orbax reads: it casts other types silently."""
  stored = meta["layout"]
  for name, wanted in sorted(_layout(like).items()):
    if stored.get(name) != wanted:
      raise OtherNetwork(
        f"the checkpoint {folder}/{step} does not fit this network: "
        f"{name} is {stored.get(name, 'absent')} there, not {wanted}; "
        "use the config that made it"
      )


def _zeros_like(tree: PyTree) -> PyTree:
  return jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), tree)


def _damaged(folder: pathlib.Path, step: int, error: Exception) -> UserError:
  remedy = "delete this step's folder and train again"
  if any(finished < step for finished in steps(folder)):
    remedy = "delete this step's folder to continue from the one before"
  return UserError(
    f"the checkpoint {folder}/{step} cannot be restored ({_reason(error)}): "
    f"it is damaged or of another network; {remedy}"
  )


def _reason(error: Exception) -> str:
  """The first line of an error, or its type where it says nothing."""
  lines = str(error).strip().splitlines()
  if not lines:
    return type(error).__name__
  return lines[0][:200]
