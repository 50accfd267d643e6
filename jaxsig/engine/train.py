"""The loop, over members: it knows no system by name, and restarts where it was."""
import contextlib
import json
import pathlib
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig import rng
from jaxsig.config import fingerprint
from jaxsig.data import feeds
from jaxsig.data.cache import Prepared
from jaxsig.data.splits import Member, check, records_of
from jaxsig.engine import checkpoint, mesh, optim
from jaxsig.engine.log import Progress, Scalars
from jaxsig.errors import UserError
from jaxsig.system import Task


class Interrupted(Exception):
  """SIGTERM or Ctrl-C: everything is saved, and the same command continues."""


class Run(NamedTuple):
  """What every part of a training reads."""
  config: Any
  workdir: pathlib.Path
  task: Task
  prepared: Prepared
  meta: dict              # fingerprints that every checkpoint carries


def make_run(config: Any, workdir: pathlib.Path, task: Task, prepared: Prepared) -> Run:
  """Joins config, task and data with the fingerprints of both."""
  return Run(config, workdir, task, prepared, {"config": fingerprint(config, training=True), "data": prepared.fingerprint})


def folder_of(run: Run, member: Member) -> pathlib.Path:
  """Where a member's checkpoints and scalars lie."""
  return run.workdir / "members" / member.name


def train(run: Run, members: list[Member]) -> None:
  """Trains every member that is not finished, in groups that share a compiled program; one group ends before the next begins."""
  members = [m for m in members if m.train]   # one without patients to train on was trained elsewhere
  with _stop_signal() as stop:
    size = members_per_program(run, len(members))
    for first in range(0, len(members), size):
      for group, step in _continued(run, members[first:first + size]):
        if step < run.config.train.steps:
          _train_group(run, group, step, stop)


def members_per_program(run: Run, m: int) -> int:
  """How many members share a call; "auto": all on an accelerator, one at a time for convolutions on CPU."""
  wanted = run.config.train.members_per_program
  if wanted != "auto":
    if not str(wanted).isdigit() or not int(wanted):
      raise UserError(f"train.members_per_program is \"auto\" or a count, not {wanted!r}")
    return min(int(wanted), m)
  params, _ = jax.eval_shape(run.task.init, jax.random.key(0), example(run))
  convolutional = any(x.ndim >= 3 for x in jax.tree.leaves(params))
  return 1 if jax.default_backend() == "cpu" and convolutional else m


def _continued(run: Run, group: list[Member]) -> list[tuple[list[Member], int]]:
  """The group with the step from which it goes on together; alone each, where that would lose more than an interval."""
  steps = [checkpoint.steps(folder_of(run, m) / "checkpoints") for m in group]
  common = max(set.intersection(*({0, *s} for s in steps)))
  if all(max(s, default=0) - common <= run.config.train.ckpt_steps for s in steps):
    return [(group, common)]
  return [([m], max(s, default=0)) for m, s in zip(group, steps, strict=True)]


def example(run: Run) -> dict:
  """A batch of two windows, to shape the parameters by."""
  batch = {k: np.asarray(a[:2]) for k, a in run.prepared.windows.arrays.items()}
  return {**batch, "mask_b": np.ones(2, np.float32)}


def window_ids(prepared: Prepared, groups: tuple[str, ...], warped: bool = False) -> np.ndarray:
  """Ids of all windows of these patients; those that were warped in time are for training only (`warped`)."""
  mine_b = np.isin(prepared.windows.record_b, records_of(groups, prepared.groups))
  return np.flatnonzero(mine_b if warped else mine_b & (prepared.windows.arrays["warp_b"] == 1))


def member_keys(group: list[Member]) -> jax.Array:
  """One root key a member [m], by its own name and seed, so that a group's make-up does not matter."""
  return jnp.stack([rng.root(m.seed, m.name, "train") for m in group])


def make_steps(run: Run, m: int) -> tuple[Callable, Callable, Callable]:
  """(init, step, val) over m members: init(keys_m, batch) -> state; step(state, constants, inputs, keys_m) -> (state, scalars_m);
  val(state, batch_m_b, keys_m) -> loss_m. The state is {params, stats, ema, opt, step}, every leaf with leading axis m."""
  task, config = run.task, run.config
  tx = optim.make(config.optim, config.train.steps, config.trainable)

  def init(key, batch, start):
    params, stats = task.init(rng.stream(key, "init"), batch)
    params = params if start is None else start
    return {"params": params, "stats": stats, "ema": params, "opt": tx.init(params), "step": jnp.zeros((), jnp.int32)}

  def step(state, batch, key):
    key = rng.at_step(rng.stream(key, "loss"), state["step"])
    loss_of = jax.value_and_grad(task.loss, has_aux=True)
    (loss, (stats, scalars)), grads = loss_of(state["params"], state["stats"], batch, key)
    curvature = lambda: task.curvature(state["params"], state["stats"], batch, rng.stream(key, "curvature"))
    updates, opt = tx.update(grads, state["opt"], state["params"], curvature=curvature if task.curvature else None)
    params = jax.tree.map(jnp.add, state["params"], updates)
    ema = optim.ema(state["ema"], params, config.optim.ema, state["step"])
    norm = jnp.sqrt(sum(jnp.sum(jnp.square(g)) for g in jax.tree.leaves(grads)))
    return ({"params": params, "stats": stats, "ema": ema, "opt": opt, "step": state["step"] + 1},
            {"loss": loss, **scalars, "grad_norm": norm})

  def val(state, batch, key):
    return task.loss(state["ema"], state["stats"], batch, rng.stream(key, "val"))[0]

  return tuple(mesh.over_members(f, m) for f in (init, step, val))


def _feed(run: Run, group: list[Member], where: jax.sharding.Mesh) -> feeds.Feed:
  config, arrays = run.config.train, run.prepared.windows.arrays
  size = mesh.padded(config.batch_size, where)
  ids = tuple(window_ids(run.prepared, m.train, warped=True) for m in group)
  order = feeds.Order(tuple(m.seed for m in group), tuple(m.name for m in group), ids, config.batch_size, size)
  if feeds.choose(config.feed, arrays) == "resident":
    return feeds.resident(arrays, order)
  block = mesh.local_block(mesh.by_batch(where), (len(group), size))
  return feeds.tfdata(arrays, order, block, config.prefetch)


def _val_batch(run: Run, group: list[Member], where: jax.sharding.Mesh) -> dict | None:
  """The same few windows of each member's validation patients, evenly spread; None where a member has none."""
  size = mesh.padded(run.config.train.val_windows, where)
  ids = [window_ids(run.prepared, m.val) for m in group]
  if not size or any(not len(i) for i in ids):
    return None
  few = [i[np.unique(np.linspace(0, len(i) - 1, run.config.train.val_windows).astype(int))] for i in ids]
  padded = [feeds.pad_rows(i, size) for i in few]
  ids, mask = (np.stack(x) for x in zip(*padded, strict=True))
  batch = {k: np.asarray(a[ids]) for k, a in run.prepared.windows.arrays.items()}
  return mesh.put({**batch, "mask_b": mask}, mesh.by_batch(where))


def _train_group(run: Run, group: list[Member], start: int, stop: dict) -> None:
  """Trains members that share a program from `start` to the end, saving on the way."""
  config, m = run.config.train, len(group)
  where = mesh.make(m)
  for member in group:
    check(member)
  feed, val_batch = _feed(run, group, where), _val_batch(run, group, where)
  init, step_fn, val_fn = make_steps(run, m)
  members = mesh.by_member(where)
  keys = mesh.put(member_keys(group), members)
  state = _start_state(run, group, start, init, keys, members)
  constants = mesh.put(feed.constants, mesh.replicated(where))
  train_step = jax.jit(lambda s, c, x, k: step_fn(s, feed.take(c, x), k), donate_argnums=0)
  val_loss = jax.jit(val_fn)
  take = jax.jit(lambda s, i: jax.tree.map(lambda x: x[i], s), out_shardings=mesh.replicated(where))
  put = mesh.by_batch(where)
  lead = (m, mesh.padded(config.batch_size, where))
  scalars = [Scalars(folder_of(run, x), start, config.tensorboard) for x in group] if mesh.is_main() else []
  bar = Progress(f"training {group[0].name}" + (f" and {m - 1} more" if m > 1 else ""), config.steps, start, show=mesh.is_main())
  with contextlib.ExitStack() as closing:
    for open_file in (bar, *scalars):
      closing.callback(open_file.close)
    for step, inputs in enumerate(feed.steps(start, config.steps), start + 1):
      inputs = mesh.put_local(inputs, put, lead) if feed.local else mesh.put(inputs, put)
      state, out = train_step(state, constants, inputs, keys)
      last = step == config.steps
      ending = mesh.stopping(stop["asked"], step)
      if step % config.log_steps == 0 or step % config.ckpt_steps == 0 or last or ending:
        values = _finite(mesh.fetch(out, where), group, step)
        if val_batch is not None and (step % config.val_steps == 0 or last):
          values["val_loss"] = mesh.fetch(val_loss(state, val_batch, keys), where)
        for i, writer in enumerate(scalars):
          writer.write(step, {k: float(v[i]) for k, v in values.items()})
        bar.update(step, f"loss {np.mean(values['loss']):.4f}")
      if step % config.ckpt_steps == 0 or last or ending:
        _save_group(run, group, step, state, take)
      if ending and not last:
        raise Interrupted(f"stopped and saved at step {step} of {config.steps} ({group[0].name})")


def _finite(values: dict, group: list[Member], step: int) -> dict:
  for i, member in enumerate(group):
    bad = [k for k, v in values.items() if not np.isfinite(v[i])]
    if bad:
      raise UserError(f"{bad[0]} of member {member.name} is not finite at step {step}: nothing was saved after the last checkpoint; "
                      "lower --config.optim.learning_rate or set --config.optim.clip_norm, in a new --workdir")
  return values


def _start_state(run: Run, group: list[Member], start: int, init: Callable, keys: jax.Array, members: Any) -> Any:
  batch = jax.tree.map(lambda x: np.stack([x] * len(group)), example(run))
  if not start:
    base = _base_params(run, group) if run.config.init_from else None
    return jax.jit(init, out_shardings=members)(keys, batch, base)
  like = jax.eval_shape(init, keys, batch, None)
  one = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), like)
  for member in group:
    checkpoint.forget_after(folder_of(run, member) / "checkpoints", start)
  states = [checkpoint.restore(folder_of(run, m) / "checkpoints", start, one, run.meta) for m in group]
  return mesh.put(jax.tree.map(lambda *x: np.stack(x), *states), members)


def _base_params(run: Run, group: list[Member]) -> Any:
  """Each member starts from the base member whose patients exclude its own test patients (`config.init_from`)."""
  params, _ = jax.eval_shape(run.task.init, jax.random.key(0), example(run))
  out = []
  for folder in (base_of(run, member) for member in group):
    latest = max(checkpoint.steps(folder), default=0)
    out.append(checkpoint.restore_some(folder, latest, {"ema": params})["ema"])
  return jax.tree.map(lambda *x: np.stack(x), *out)


def base_of(run: Run, member: Member) -> pathlib.Path:
  """The checkpoints of the member of `config.init_from` that has seen none of this member's test patients, best of its seed."""
  base = pathlib.Path(run.config.init_from)
  if not (base / "split.json").is_file():
    raise UserError(f"config.init_from {base} is no workdir with a split.json: name the workdir of a finished training")
  candidates = json.loads((base / "split.json").read_text())["members"]
  fit = [c for c in candidates if not set(member.test) & ({*c["train"]} | {*c["val"]})]
  if not fit:
    raise UserError(f"every member of {base} has trained on a test patient of {member.name} ({', '.join(member.test)}): "
                    "train the base with the same split")
  same = [c for c in fit if c["seed"] == member.seed] or fit
  return base / "members" / same[0]["member"] / "checkpoints"


def _save_group(run: Run, group: list[Member], step: int, state: Any, take: Callable) -> None:
  for i, member in enumerate(group):
    folder = folder_of(run, member) / "checkpoints"
    if step not in checkpoint.steps(folder):
      checkpoint.save(folder, step, take(state, i), {**run.meta, "member": member.name})


class _stop_signal:
  """While training, SIGTERM and Ctrl-C ask the loop to save and stop; the old handlers come back after."""

  def __enter__(self) -> dict:
    self._asked = {"asked": False}
    self._old = {}
    if jax.process_count() > 1:  # there the distributed service listens, so that all processes stop at one step
      return self._asked
    for s in (signal.SIGTERM, signal.SIGINT):
      self._old[s] = signal.signal(s, lambda *_: self._asked.update(asked=True))
    return self._asked

  def __exit__(self, *_: Any) -> None:
    for s, handler in self._old.items():
      signal.signal(s, handler)
