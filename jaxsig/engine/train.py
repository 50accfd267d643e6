"""The training loop over members: it restarts where it was, and knows no system by name."""
import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsig import rng
from jaxsig.data import cache, feeds
from jaxsig.data.splits import Member, check
from jaxsig.engine import checkpoint, mesh, optim
from jaxsig.engine.log import Progress, Scalars
from jaxsig.engine.run import Run, checkpoints_of, folder_of, shapes
from jaxsig.engine.start import start_state
from jaxsig.errors import Interrupted, UserError
from jaxsig.system import Batch, Params

SMALL_BATCH = 256   # it may repeat the windows of a member that has fewer


class Steps(NamedTuple):
  """The functions of a training over m members.

  Every leaf of a state {params, stats, ema, opt, step} has a leading axis m.
  """
  init: Callable   # (keys_m, batch_m_b, base parameters or None) -> state
  step: Callable   # (state, batch_m_b, keys_m) -> (state, {name: scalar_m})
  val: Callable    # (state, batch_m_b, keys_m) -> loss_m


class Program(NamedTuple):
  """Compiled functions that all groups of as many members share.

  Attributes:
    mesh: the devices that they run on.
    steps: before compilation.
    train_step: (state, constants, inputs, keys) -> (state, scalars).
    val_loss: (state, batch, keys) -> loss_m.
    member_state: (state, i) -> the state of member i.
  """
  mesh: jax.sharding.Mesh
  steps: Steps
  train_step: Callable
  val_loss: Callable
  member_state: Callable


class Inputs(NamedTuple):
  """What one group of members is fed, and its random keys."""
  feed: feeds.Feed
  constants: Batch
  keys: jax.Array
  val_batch: Batch | None


def train(run: Run, members: Sequence[Member]) -> None:
  """Trains every member that is not finished, in groups that share a compiled program."""
  members = [member for member in members if member.trained_on]   # others were trained elsewhere
  size = members_per_program(run, len(members))
  programs = {}   # {number of members: Program}, so that each is compiled once
  with _stop_signal() as stop:
    for first in range(0, len(members), size):
      for group, step in _continued(run, members[first:first + size]):
        if step == run.config.train.steps:
          continue
        m = len(group)
        if m not in programs:
          programs[m] = make_program(run, m)
        _train_group(run, programs[m], group, step, stop)
  if stop["asked"]:   # in the last step, or where nothing was left to train
    raise Interrupted("stopped after the training, which is saved")


def members_per_program(run: Run, m: int) -> int:
  """How many members share a call.

  "auto" is all of them on an accelerator, and one at a time for convolutions on a CPU.

  Raises:
    UserError: `run.members_per_program` is neither "auto" nor a count.
  """
  wanted = str(run.config.run.members_per_program)
  if wanted != "auto":
    if not wanted.isdigit() or not int(wanted):
      raise UserError(f"run.members_per_program is \"auto\" or a count, not {wanted!r}")
    return min(int(wanted), m)

  params, _ = shapes(run)
  convolutional = any(x.ndim >= 3 for x in jax.tree.leaves(params))
  if jax.default_backend() == "cpu" and convolutional:
    return 1
  return max(m, 1)


def _continued(run: Run, group: Sequence[Member]) -> Iterator[tuple[Sequence[Member], int]]:
  """The group with the step from which it goes on together.

  Each member alone, where that would lose more than an interval between checkpoints.
  """
  saved = [checkpoint.steps(checkpoints_of(run, member)) for member in group]
  common = max(set.intersection(*({0, *steps} for steps in saved)))
  last = [max(steps, default=0) for steps in saved]
  if all(step - common <= run.config.run.ckpt_steps for step in last):
    yield group, common
    return
  for member, step in zip(group, last, strict=True):
    yield [member], step


def member_keys(group: Sequence[Member]) -> jax.Array:
  """One root key a member [m], by its own name and seed: a group's make-up does not matter."""
  return jnp.stack([rng.root(member.seed, member.name, "train") for member in group])


def make_steps(run: Run, m: int) -> Steps:
  """The functions of a training over m members."""
  task = run.system.task
  config = run.config
  transformation = optim.make(config.optim, config.train.steps, config.trainable)
  curvature_of = task.extras.get("curvature")

  def init(key: jax.Array, batch: Batch, base: Params | None) -> Mapping[str, Any]:
    params, stats = task.init(rng.stream(key, "init"), batch)
    if base is not None:
      params = base
    return {
        "params": params,
        "stats": stats,
        "ema": params,
        "opt": transformation.init(params),
        "step": jnp.zeros((), jnp.int32),
    }

  def step(state: Mapping[str, Any], batch: Batch, key: jax.Array) -> tuple:
    key = rng.at_step(rng.stream(key, "loss"), state["step"])
    loss_of = jax.value_and_grad(task.loss, has_aux=True)
    (loss, (stats, scalars)), grads = loss_of(state["params"], state["stats"], batch, key)

    curvature = None
    if curvature_of is not None:
      def curvature() -> Params:
        return curvature_of(state["params"], state["stats"], batch, rng.stream(key, "curvature"))
    updates, opt = transformation.update(grads, state["opt"], state["params"], curvature=curvature)

    params = jax.tree.map(jnp.add, state["params"], updates)
    ema = optim.ema(state["ema"], params, config.optim.ema, state["step"])
    squared_norm = sum(jnp.sum(jnp.square(g)) for g in jax.tree.leaves(grads))
    new_state = {
        "params": params,
        "stats": stats,
        "ema": ema,
        "opt": opt,
        "step": state["step"] + 1,
    }
    return new_state, {"loss": loss, **scalars, "grad_norm": jnp.sqrt(squared_norm)}

  def val(state: Mapping[str, Any], batch: Batch, key: jax.Array) -> jax.Array:
    loss, _ = task.loss(state["ema"], state["stats"], batch, rng.stream(key, "val"))
    return loss

  return Steps(mesh.over_members(init, m), mesh.over_members(step, m), mesh.over_members(val, m))


def make_program(run: Run, m: int) -> Program:
  """The functions that groups of m members share."""
  where = mesh.make(m)
  steps = make_steps(run, m)
  take = feeds.taker(run.config.run.feed, run.prepared.windows)

  def train_step(state: Any, constants: Batch, inputs: Batch, keys: jax.Array) -> tuple:
    return steps.step(state, take(constants, inputs), keys)

  def member_state(state: Any, i: jax.Array) -> Any:
    return jax.tree.map(lambda x: x[i], state)

  return Program(
      mesh=where,
      steps=steps,
      train_step=jax.jit(train_step, donate_argnums=0),
      val_loss=jax.jit(steps.val),
      member_state=jax.jit(member_state, out_shardings=mesh.replicated(where)),
  )


def _inputs(run: Run, group: Sequence[Member], where: jax.sharding.Mesh) -> Inputs:
  """What a group of members is fed."""
  feed = _feed(run, group, where)
  return Inputs(
      feed=feed,
      constants=mesh.put(feed.constants, mesh.replicated(where)),
      keys=mesh.put(member_keys(group), mesh.by_member(where)),
      val_batch=_val_batch(run, group, where),
  )


def _feed(run: Run, group: Sequence[Member], where: jax.sharding.Mesh) -> feeds.Feed:
  windows = run.prepared.windows
  batch_size = run.config.train.batch_size
  padded_size = mesh.padded(batch_size, where)
  ids = []
  for member in group:
    own_ids = windows.ids_of(member.trained_on, augmented=True)
    if not len(own_ids):
      raise UserError(
          f"member {member.name} has no window to train on: its segments are shorter than one "
          "window")
    _require_batch(batch_size, len(own_ids), member.name)
    if run.config.train.get("groups_alike", False):
      own_ids = feeds.groups_alike(windows, own_ids)
    ids.append(own_ids)
  order = feeds.Order(
      seeds=tuple(member.seed for member in group),
      names=tuple(member.name for member in group),
      ids=tuple(ids),
      batch_size=batch_size,
      padded_size=padded_size,
  )
  if feeds.choose(run.config.run.feed, windows) == "resident":
    return feeds.resident(windows, order)
  if run.config.cache_dir:
    _keep_on_disk(run)
  block = mesh.local_block(mesh.by_batch(where), (len(group), padded_size))
  return feeds.tfdata(windows, order, block, run.config.run.prefetch)


def _keep_on_disk(run: Run) -> None:
  """Cuts all windows into the cache, so that a stream need not cut them again in each epoch."""
  windows = run.prepared.windows
  folder = cache.windows_folder(run.system.data, run.config, run.prepared)
  with Progress("cutting windows", len(windows), show=mesh.is_main()) as progress:
    windows.store(folder, progress.update)


def _require_batch(batch_size: int, n: int, name: str) -> None:
  """Raises UserError where a large batch would be the same windows again and again."""
  if batch_size > max(n, SMALL_BATCH):
    raise UserError(
        f"config.train.batch_size is {batch_size}, and member {name} has {n} windows to train on: "
        f"set it to {max(n, SMALL_BATCH)} or less")


def _val_batch(run: Run, group: Sequence[Member], where: jax.sharding.Mesh) -> Batch | None:
  """A few windows of each member's validation groups, evenly spread; None where one has none."""
  windows = run.prepared.windows
  wanted = run.config.run.val_windows
  size = mesh.padded(wanted, where)
  batches = []
  for member in group:
    ids = windows.ids_of(member.val)
    if not size or not len(ids):
      return None
    few = np.unique(np.linspace(0, len(ids) - 1, wanted).astype(int))
    padded_ids, mask_b = feeds.pad_rows(ids[few], size)
    batches.append({**windows.take(padded_ids), "mask_b": mask_b})
  stacked = {name: np.stack([batch[name] for batch in batches]) for name in batches[0]}
  return mesh.put(stacked, mesh.by_batch(where))


def _train_group(
    run: Run,
    program: Program,
    group: Sequence[Member],
    start: int,
    stop: Mapping[str, bool],
) -> None:
  """Trains members that share a program from `start` to the end, saving on the way."""
  for member in group:
    check(member, run.config.split.guard_s)
  inputs = _inputs(run, group, program.mesh)
  by_member = mesh.by_member(program.mesh)
  state = start_state(run, group, start, program.steps.init, inputs.keys, by_member)
  last = run.config.train.steps

  with _Recorder(run, group, program, inputs, start) as recorder:
    for step, fed in enumerate(inputs.feed.steps(start, last), start + 1):
      batch = _on_devices(run, program, inputs, fed)
      with recorder.progress.compiling("the training step"):
        state, scalars = program.train_step(state, inputs.constants, batch, inputs.keys)
      ending = mesh.stopping(stop["asked"], step) and step < last
      saving = step % run.config.run.ckpt_steps == 0 or step == last or ending
      if saving or step % run.config.run.log_steps == 0:
        recorder.record(step, scalars, state)
      if saving:
        _save(run, group, step, state, program.member_state)
      if ending:
        raise Interrupted(f"stopped and saved at step {step} of {last} ({group[0].name})")


def _on_devices(run: Run, program: Program, inputs: Inputs, fed: Batch) -> Batch:
  sharding = mesh.by_batch(program.mesh)
  if not inputs.feed.local:
    return mesh.put(fed, sharding)
  m = len(inputs.keys)
  lead = (m, mesh.padded(run.config.train.batch_size, program.mesh))
  return mesh.put_local(fed, sharding, lead)


class _Recorder:
  """Writes scalars of the members and the progress line; stops at a loss that is not finite."""

  def __init__(
      self,
      run: Run,
      group: Sequence[Member],
      program: Program,
      inputs: Inputs,
      start: int,
  ):
    self._config = run.config
    self._group = group
    self._program = program
    self._inputs = inputs
    self._closing = contextlib.ExitStack()
    self._writers = []
    if mesh.is_main():
      for member in group:
        folder = folder_of(run, member)
        self._writers.append(Scalars(folder, start, self._config.run.tensorboard))
    what = f"training {group[0].name}"
    if len(group) > 1:
      what += f" and {len(group) - 1} more"
    self.progress = Progress(what, self._config.train.steps, start, show=mesh.is_main())

  def __enter__(self) -> "_Recorder":
    for file in (self.progress, *self._writers):
      self._closing.callback(file.close)
    return self

  def __exit__(self, *error: object) -> None:
    self._closing.close()

  def record(self, step: int, scalars: Batch, state: Any) -> None:
    """Writes one line a member, with the validation loss where it is time."""
    values = mesh.fetch(scalars, self._program.mesh)
    _require_finite(values, self._group, step)
    time_to_validate = step % self._config.run.val_steps == 0 or step == self._config.train.steps
    if self._inputs.val_batch is not None and time_to_validate:
      loss_m = self._program.val_loss(state, self._inputs.val_batch, self._inputs.keys)
      values["val_loss"] = mesh.fetch(loss_m, self._program.mesh)
    for i, writer in enumerate(self._writers):
      writer.write(step, {name: float(x_m[i]) for name, x_m in values.items()})
    self.progress.update(step, f"loss {np.mean(values['loss']):.4f}")


def _require_finite(values: Batch, group: Sequence[Member], step: int) -> None:
  for i, member in enumerate(group):
    for name, x_m in values.items():
      if not np.isfinite(x_m[i]):
        raise UserError(
            f"{name} of member {member.name} is not finite at step {step}: nothing was saved "
            "after the last checkpoint; lower --config.optim.learning_rate or set "
            "--config.optim.clip_norm, in a new --workdir")


def _save(run: Run, group: Sequence[Member], step: int, state: Any, member_state: Callable) -> None:
  for i, member in enumerate(group):
    folder = checkpoints_of(run, member)
    if step not in checkpoint.steps(folder):
      checkpoint.save(folder, step, member_state(state, i), {**run.meta, "member": member.name})


@contextlib.contextmanager
def _stop_signal() -> Iterator[Mapping[str, bool]]:
  """While training, SIGTERM and Ctrl-C ask the loop to save and stop."""
  stop = {"asked": False}
  # there the distributed service listens, so that all processes stop at one step
  if jax.process_count() > 1:
    yield stop
    return

  def ask(*_: object) -> None:
    stop["asked"] = True

  old = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
  try:
    yield stop
  finally:
    for number, handler in old.items():
      signal.signal(number, handler)
