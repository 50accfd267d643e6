"""What members start from: first parameters, a base, or their own checkpoints.

A base has never seen a member's test groups.
"""
import pathlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsig import config as configs
from jaxsig.data import split_file
from jaxsig.data.splits import Member, groups_of
from jaxsig.engine import checkpoint, mesh, weights
from jaxsig.engine.run import Run, checkpoints_of, example, shapes
from jaxsig.errors import OtherNetwork, UserError
from jaxsig.stored_files import read_json
from jaxsig.system import Params, Plain, Stats

MOST_KEYS = 6   # in a sentence


class Source(NamedTuple):
  """Where trained parameters lie: a folder of checkpoints, or of a shipped model.

  Attributes:
    folder: of them.
    is_shipped: whether it is a model's.
    meta: what they must have been made with; None: they were made elsewhere.
    seen: groups that they were trained on or validated by, their own bases included.
  """
  folder: pathlib.Path
  is_shipped: bool
  meta: Plain | None
  seen: tuple[str, ...] = ()


def start_state(run: Run, group: Sequence[Member], step: int, init: Callable, keys: jax.Array,
                sharding: jax.sharding.Sharding) -> Params:
  """The state of members [m, ...] at `step`.

  At step 0 with first parameters or those of their bases, else from their checkpoints.

  Args:
    init: (keys_m, batch, base or None) -> state, see `train.make_steps`.
    keys: [m].
    sharding: of the member axis.
  """
  stacked = jax.tree.map(lambda x: np.stack([x] * len(group)), example(run))
  if not step:
    base = None
    if run.config.init_from:
      base = _base_params(run, group)
    return jax.jit(init, out_shardings=sharding)(keys, stacked, base)

  like = jax.eval_shape(init, keys, stacked, None)
  one = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), like)
  states = []
  for member in group:
    folder = checkpoints_of(run, member)
    checkpoint.forget_after(folder, step)
    states.append(checkpoint.restore(folder, step, one, run.meta))
  return mesh.put(jax.tree.map(lambda *leaves: np.stack(leaves), *states), sharding)


def _base_params(run: Run, group: Sequence[Member]) -> Params:
  """Parameters [m, ...] of the bases of members."""
  bases = []
  for member in group:
    params, _ = _read(run, base_of(run, member))
    bases.append(params)
  return jax.tree.map(lambda *leaves: np.stack(leaves), *bases)


def restored(run: Run, member: Member) -> tuple[Params, Stats]:
  """The averaged parameters and the statistics of a trained member, as host arrays."""
  return _read(run, source_of(run, member))


def _read(run: Run, source: Source) -> tuple[Params, Stats]:
  """The parameters and statistics of a source.

  Raises:
    UserError: they are damaged, or of another network; the settings that differ are named.
  """
  try:
    return _read_as_is(run, source)
  except OtherNetwork as error:
    keys = _differing_network(run.config, source)
    if source.meta is not None or not keys:
      raise
    raise UserError(
        f"config.init_from {run.config.init_from} has another network than this config, which "
        f"differs in {', '.join(keys)}: take its settings, or start from another") from error


def _differing_network(config: ConfigDict, source: Source) -> list[str]:
  """The settings of the network in which a base differs; where none does, those of its data."""
  folder = source.folder
  if not source.is_shipped:
    folder = folder.parents[2]   # of workdir/members/NAME/checkpoints
  stored = {}
  if (folder / "config.json").is_file():
    stored = read_json(folder / "config.json")
  keys = configs.differing(config, stored, training=True)
  for sections in (("system",), ("model", "process"), ("data",)):
    own = [key for key in keys if configs.section_of(key) in sections]
    if own:
      return own[:MOST_KEYS]
  return []


def _read_as_is(run: Run, source: Source) -> tuple[Params, Stats]:
  params, stats = shapes(run)
  if source.is_shipped:
    state = weights.read(source.folder, {"params": params, "stats": stats})
    return state["params"], state["stats"]
  last = max(checkpoint.steps(source.folder), default=0)
  state = checkpoint.restore_some(source.folder, last, {"ema": params, "stats": stats})
  return state["ema"], state["stats"]


def source_of(run: Run, member: Member) -> Source:
  """Where a member's trained parameters lie.

  A member without training segments, or of no steps, was trained elsewhere: `config.init_from`
  names a workdir or a shipped model.
  """
  if member.trained_on and run.config.train.steps:
    return Source(checkpoints_of(run, member), False, run.meta)
  return base_of(run, member)


def base_of(run: Run, member: Member) -> Source:
  """The base in `config.init_from` that has seen none of a member's test groups.

  It is of the member's seed, where there is one.

  Raises:
    UserError: no such base; the group that it has seen is named.
  """
  name = run.config.init_from
  if weights.is_model(name):
    return _shipped_base(weights.find(name), member)
  return _workdir_base(pathlib.Path(name), member)


def _shipped_base(folder: pathlib.Path, member: Member) -> Source:
  seen = tuple(weights.about_of(folder)["trained_on"])
  seen_and_tested = sorted(set(seen) & set(groups_of(member.test)))
  if seen_and_tested:
    raise UserError(
        f"the model {folder.name} was trained on {seen_and_tested[0]}: test it on others")
  return Source(folder, True, None, seen)


def require_base(name: str) -> None:
  """Raises UserError where `config.init_from` names something, but nothing that was trained."""
  if not name or weights.is_model(name):
    return
  path = pathlib.Path(name) / split_file.FILE
  if not path.is_file():
    raise UserError(
        f"config.init_from {name} is neither a shipped model nor a workdir with a {path.name}: "
        "name the workdir of a finished training")


def _workdir_base(workdir: pathlib.Path, member: Member) -> Source:
  require_base(str(workdir))
  tested = set(groups_of(member.test))
  unseen = []
  for base, seen in split_file.read_split(workdir):
    if not tested & set(seen):
      unseen.append((base, seen))
  if not unseen:
    raise UserError(
        f"every member of {workdir} has trained on a test group of {member.name} "
        f"({', '.join(sorted(tested))}): train the base with the same split")

  of_seed = [(base, seen) for base, seen in unseen if base.seed == member.seed]
  chosen, seen = (of_seed or unseen)[0]
  folder = workdir / "members" / chosen.name / "checkpoints"
  return Source(folder, False, None, seen)


def require_same_data(run: Run, members: Sequence[Member]) -> None:
  """Raises UserError where a member's checkpoints were made with other settings or data."""
  for member in members:
    folder = checkpoints_of(run, member)
    steps = checkpoint.steps(folder)
    if steps:
      checkpoint.check_meta(folder, steps[-1], run.meta)


def seen_groups(run: Run, member: Member) -> tuple[str, ...]:
  """All groups that a member was or will be trained on or validated by, its bases' included."""
  seen = set(groups_of(member.trained_on + member.val))
  if run.config.init_from:
    seen |= set(base_of(run, member).seen)
  return tuple(sorted(seen))


def last_step(run: Run, member: Member) -> int:
  """The step of a member's last checkpoint; 0 of a shipped model.

  Raises:
    UserError: it was not trained, or with other settings.
  """
  source = source_of(run, member)
  if source.is_shipped:
    return 0
  steps = checkpoint.steps(source.folder)
  if not steps:
    raise UserError(
        f"member {member.name} has no checkpoint in {source.folder}: run --mode=train with this "
        "--workdir first")
  checkpoint.check_meta(source.folder, steps[-1], source.meta or {})
  return steps[-1]
