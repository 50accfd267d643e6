"""What the training loop costs: a member axis of one, and real input against one repeated batch.

  python -m benchmarks.loop                                       configs/respdiff.py, some minutes
  python -m benchmarks.loop configs/phase_retrieval.py [rounds]   another config

On simulated records; ratios of medians over interleaved rounds of 15 steps. Both feeds are as
`train` has them: one stream for all steps.
"""
import importlib.util
import itertools
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from benchmarks.timing import header, interleaved, row
from jaxsig import config as configs
from jaxsig import rng
from jaxsig.data import feeds
from jaxsig.data.splits import Member
from jaxsig.engine import mesh, optim, train
from jaxsig.engine.mesh import PyTree
from jaxsig.engine.run import Run
from jaxsig.experiment import sweep
from jaxsig.system import Batch

CONFIG = "configs/respdiff.py"
ROUNDS = 7
STEPS = 15        # a round
ENDLESS = 10**9   # steps of a stream
FEW_RECORDINGS = {   # of a config that simulates recordings
  "data.simulate_groups": 24,
  "data.simulate_duration_s": 120.0,
}


class PlainState(NamedTuple):
  """The state of a training as anybody would write it."""
  params: PyTree
  stats: PyTree
  average: PyTree
  opt: PyTree


class PlainSteps(NamedTuple):
  """A training without members and mesh."""
  init: Callable[[jax.Array, Batch], PlainState]
  step: Callable[[PlainState, Batch, jax.Array], tuple[PlainState, jax.Array]]


def open_first(path: str, folder: str) -> tuple[Run, Member]:
  """Returns the run of a config (`path.py:arg`) on simulated records, and its first member."""
  file, _, arg = path.partition(":")
  config = configs.load(file, arg, {"data.source": "simulated"})
  if "simulate_duration_s" in config.data:
    config = configs.override(config, FEW_RECORDINGS)
  opened = sweep.open_run(config, pathlib.Path(folder))
  return opened.run, opened.members[0]


def plain_steps(run: Run) -> PlainSteps:
  """Returns the same training as anybody would write it."""
  task = run.system.task
  decay = run.config.optim.ema
  optimiser = optim.make(run.config.optim, run.config.train.steps)
  loss_of = jax.value_and_grad(task.loss, has_aux=True)

  def init(key: jax.Array, batch: Batch) -> PlainState:
    params, stats = task.init(key, batch)
    return PlainState(params, stats, params, optimiser.init(params))

  def step(
      state: PlainState,
      batch: Batch,
      key: jax.Array,
  ) -> tuple[PlainState, jax.Array]:
    (loss, (stats, _)), grads = loss_of(state.params, state.stats, batch, key)
    updates, opt = optimiser.update(grads, state.opt, state.params)
    params = optax.apply_updates(state.params, updates)
    average = jax.tree.map(lambda a, p: decay * a + (1 - decay) * p, state.average, params)
    return PlainState(params, stats, average, opt), loss

  return PlainSteps(jax.jit(init), jax.jit(step, donate_argnums=0))


def stepper(
    state: PyTree,
    advance: Callable[[PyTree, PyTree], tuple[PyTree, PyTree]],
    inputs: Iterator[PyTree],
) -> Callable[[], None]:
  """Returns a function that trains STEPS steps further, each on the next input."""
  state = jax.tree.map(jnp.copy, state)   # donated: no two may share a buffer

  def go() -> None:
    nonlocal state
    for step_inputs in itertools.islice(inputs, STEPS):
      state, out = advance(state, step_inputs)
    jax.block_until_ready(out)

  return go


def candidates(run: Run, member: Member) -> dict[str, Callable[[], None]]:
  """Returns {name: function that trains STEPS steps}.

  "plain" and "member" run on one batch again and again; "resident" and "tfdata", where there is
  TensorFlow, are fed as a training is.
  """
  where = mesh.make(1)
  sharding = mesh.by_batch(where)
  windows = run.prepared.windows
  order = _order(run, member)
  resident = feeds.resident(windows, order)
  constants = mesh.put(resident.constants, mesh.replicated(where))
  keys = mesh.put(train.member_keys([member]), mesh.by_member(where))
  first_inputs = next(resident.steps(0, 1))
  batch = mesh.put(resident.take(resident.constants, first_inputs), sharding)

  steps = train.make_steps(run, 1)
  state = jax.jit(steps.init)(keys, batch, None)
  member_step = jax.jit(steps.step, donate_argnums=0)

  def advance_member(state: PyTree, _: int) -> tuple[PyTree, PyTree]:
    return member_step(state, batch, keys)

  def gather_and_step(
      state: PyTree,
      constants: Batch,
      inputs: Batch,
      keys: jax.Array,
  ) -> tuple[PyTree, PyTree]:
    return steps.step(state, resident.take(constants, inputs), keys)

  fed_step = jax.jit(gather_and_step, donate_argnums=0)

  def advance_resident(state: PyTree, inputs: Batch) -> tuple[PyTree, PyTree]:
    return fed_step(state, constants, mesh.put(inputs, sharding), keys)

  functions = {
    "plain": _plain(run, batch),
    "member": stepper(state, advance_member, itertools.count()),
    "resident": stepper(state, advance_resident, resident.steps(0, ENDLESS)),
  }
  if importlib.util.find_spec("tensorflow") is None:
    print("no TensorFlow here: the streaming feed is left out")
    return functions

  lead = (1, order.padded_size)
  block = mesh.local_block(sharding, lead)
  stream = feeds.tfdata(windows, order, block, run.config.run.prefetch)

  def advance_stream(state: PyTree, inputs: Batch) -> tuple[PyTree, PyTree]:
    return member_step(state, mesh.put_local(inputs, sharding, lead), keys)

  functions["tfdata"] = stepper(state, advance_stream, stream.steps(0, ENDLESS))
  return functions


def _order(run: Run, member: Member) -> feeds.Order:
  size = run.config.train.batch_size
  return feeds.Order(
    seeds=(member.seed,),
    names=(member.name,),
    ids=(run.prepared.windows.ids_of(member.trained_on),),
    batch_size=size,
    padded_size=size,
  )


def _plain(run: Run, batch: Batch) -> Callable[[], None]:
  """The plain training on the one member's batch."""
  steps = plain_steps(run)
  key = rng.root(0, "bench")
  one_batch = jax.tree.map(lambda x: x[0], batch)

  def advance(state: PlainState, i: int) -> tuple[PlainState, jax.Array]:
    return steps.step(state, one_batch, rng.at_step(key, i))

  return stepper(steps.init(key, one_batch), advance, itertools.count())


def main(path: str, rounds: int) -> None:
  """Prints milliseconds a step, and the ratios.

  They are of time to a plain step's, and of speed to that with one repeated batch.
  """
  mesh.start()
  with tempfile.TemporaryDirectory() as folder:
    run, member = open_first(path, folder)
    taken = interleaved(candidates(run, member), rounds)

  header(f"{path}, {rounds} rounds of {STEPS} steps", "wall", "processor")
  for name, seconds in taken.items():
    wall_s = seconds.wall_s / STEPS
    processor_s = seconds.processor_s / STEPS
    row(f"{name}, ms a step", 1e3 * wall_s, 1e3 * processor_s)

  plain = taken["plain"]
  one = taken["member"]
  row(
    "a member axis of one, in time of a plain step",
    one.wall_s / plain.wall_s,
    one.processor_s / plain.processor_s,
  )
  for name in ("resident", "tfdata"):
    if name in taken:
      row(
        f"{name} input, in speed with one repeated batch",
        one.wall_s / taken[name].wall_s,
        one.processor_s / taken[name].processor_s,
      )


if __name__ == "__main__":
  path = CONFIG
  rounds = ROUNDS
  if len(sys.argv) > 1:
    path = sys.argv[1]
  if len(sys.argv) > 2:
    rounds = int(sys.argv[2])
  main(path, rounds)
