"""The only user of orbax: one checkpoint folder a member, the latest two steps kept, written whole or not at all."""
import contextlib
import logging
import pathlib
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from jaxsig.errors import UserError

logging.getLogger("absl").setLevel(logging.ERROR)  # orbax logs every save at length


@contextlib.contextmanager
def _manager(folder: pathlib.Path, read_only: bool = False):
  options = ocp.CheckpointManagerOptions(max_to_keep=None if read_only else 2, enable_async_checkpointing=False,
                                         create=not read_only, read_only=read_only)
  manager = ocp.CheckpointManager(folder.resolve(), options=options)
  try:
    yield manager
  finally:
    manager.close()


def steps(folder: pathlib.Path) -> list[int]:
  """The finished steps in a member's checkpoint folder, ascending; half-written ones have another name and do not count."""
  if not folder.is_dir():
    return []
  return sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit() and (p / "_CHECKPOINT_METADATA").exists())


def save(folder: pathlib.Path, step: int, state: Any, meta: dict) -> None:
  """Saves one member's state; an error names the last good step, which stays.

  Args:
    folder: the member's checkpoint folder.
    step: steps done.
    state: pytree of arrays without member axis, the same on every process.
    meta: JSON values: config and data fingerprints.
  """
  try:
    with _manager(folder) as manager:
      args = ocp.args.Composite(state=ocp.args.StandardSave(state), meta=ocp.args.JsonSave({**meta, "layout": _layout(state)}))
      if not manager.save(step, args=args, force=True):
        raise OSError("a checkpoint of this or a later step is there already")
  except Exception as error:  # orbax and tensorstore raise many kinds; to the user all mean that this save did not happen
    good = steps(folder)
    kept = f"the checkpoint of step {good[-1]} is intact" if good else "no earlier checkpoint exists"
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    raise UserError(f"could not save step {step} to {folder}: {reason}; {kept}: free space or fix the folder, "
                    "then give the same command again") from error


def forget_after(folder: pathlib.Path, step: int) -> None:
  """Deletes checkpoints later than `step`, from which a group of members continues together."""
  if not any(s > step for s in steps(folder)):
    return
  with _manager(folder) as manager:
    for s in [s for s in manager.all_steps() if s > step]:
      manager.delete(s)


def restore(folder: pathlib.Path, step: int, like: Any, meta: dict | None = None) -> Any:
  """Restores a member's state as host arrays of the shapes and types of `like`, on any number of devices.

  Raises:
    UserError: no such step, a damaged checkpoint, other shapes, or fingerprints that differ from `meta`.
  """
  found = check_meta(folder, step, meta or {})
  _same_layout(folder, step, like, found)
  target = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), like)
  try:
    with _manager(folder, read_only=True) as manager:
      return manager.restore(step, args=ocp.args.Composite(state=ocp.args.StandardRestore(target))).state
  except Exception as error:
    raise UserError(_damaged(folder, step, error)) from error


def _layout(tree: Any) -> dict[str, str]:
  """{path: "float32[3, 4]"} of every leaf."""
  return {jax.tree_util.keystr(path, simple=True, separator="/"): f"{np.dtype(x.dtype)}{list(x.shape)}"
          for path, x in jax.tree_util.tree_leaves_with_path(tree)}


def _same_layout(folder: pathlib.Path, step: int, like: Any, meta: dict) -> None:
  # compared by name before orbax reads: it casts other number types silently
  want, have = _layout(like), meta["layout"]
  differing = sorted(k for k in want if want[k] != have.get(k, "nothing"))
  if differing:
    name = differing[0]
    raise UserError(f"the checkpoint {folder}/{step} does not fit this network: {name} is {have.get(name, 'absent')} there, "
                    f"not {want[name]}; use the config that made it")


def restore_some(folder: pathlib.Path, step: int, like: dict) -> dict:
  """Restores only the named parts of a state, e.g. {"ema": ..., "stats": ...}, as host arrays."""
  _same_layout(folder, step, like, read_meta(folder, step))
  item = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), like)
  try:
    with ocp.PyTreeCheckpointer() as reader:
      kind = ocp.checkpoint_utils.construct_restore_args(item)
      return reader.restore((folder / str(step) / "state").resolve(),
                            args=ocp.args.PyTreeRestore(item=item, restore_args=kind, partial_restore=True))
  except Exception as error:
    raise UserError(_damaged(folder, step, error)) from error


def read_meta(folder: pathlib.Path, step: int) -> dict:
  """The JSON values saved beside a state."""
  if step not in steps(folder):
    raise UserError(f"no checkpoint of step {step} in {folder}: train first, or name another --workdir")
  try:
    with _manager(folder, read_only=True) as manager:
      return manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore())).meta
  except Exception as error:
    raise UserError(_damaged(folder, step, error)) from error


def check_meta(folder: pathlib.Path, step: int, meta: dict) -> dict:
  """What `read_meta` gives; UserError where one of the fingerprints in `meta` is another there."""
  found = read_meta(folder, step)
  for key in sorted(meta.keys() & found.keys()):
    if meta[key] != found[key]:
      raise UserError(f"the checkpoint {folder}/{step} was made with another {key} ({found[key]}, not {meta[key]}): "
                      "use another --workdir, or the settings and data of this one")
  return found


def _damaged(folder: pathlib.Path, step: int, error: Exception) -> str:
  reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
  return (f"the checkpoint {folder}/{step} cannot be restored ({reason}): it is damaged or of another network; "
          "delete this step's folder to continue from the one before")
