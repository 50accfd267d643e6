"""What the house costs: a member axis of one against a plain step, and real input against one repeated batch.

  python -m benchmarks.loop                                       configs/respdiff.py, some minutes
  python -m benchmarks.loop configs/phase_retrieval.py [rounds]   another config

On simulated records; ratios of medians over interleaved rounds of 15 steps. Both feeds are as `train` has them: one stream for all steps.
"""
import functools
import itertools
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks.timing import header, interleaved, row
from jaxsig import config as configs
from jaxsig import rng
from jaxsig.data import feeds
from jaxsig.data.splits import Member
from jaxsig.engine import mesh, optim, train
from jaxsig.experiment import sweep

RECORDINGS = {"data.simulate_patients": 24, "data.simulate_duration_s": 120.0}   # few, of a config that simulates recordings
ROUNDS, STEPS = 7, 15
ENDLESS = 10**9   # steps of a stream


def opened(path: str, folder: str) -> tuple[train.Run, Member]:
  """The run of a config on simulated records, and its first member."""
  file, _, arg = path.partition(":")
  config = configs.load(file, arg, {"data.source": "simulated", "run_controls": False})
  if "simulate_duration_s" in config.data:
    config = configs.override(config, RECORDINGS)
  run, [member, *_] = sweep.open_run(config, pathlib.Path(folder))
  return run, member


def plain_step(run: train.Run) -> tuple[Callable, Callable]:
  """(init, step) of the same training as anybody would write it: no members, no mesh."""
  tx, decay = optim.make(run.config.optim, run.config.train.steps), run.config.optim.ema

  def init(key, batch):
    params, stats = run.task.init(key, batch)
    return params, stats, params, tx.init(params)

  @functools.partial(jax.jit, donate_argnums=0)
  def step(state, batch, key):
    params, stats, average, opt = state
    (loss, (stats, _)), grads = jax.value_and_grad(run.task.loss, has_aux=True)(params, stats, batch, key)
    updates, opt = tx.update(grads, opt, params)
    params = optax.apply_updates(params, updates)
    average = jax.tree.map(lambda a, p: decay * a + (1 - decay) * p, average, params)
    return (params, stats, average, opt), loss

  return init, step


def stepper(state: Any, advance: Callable, inputs: Iterator) -> Callable:
  """() -> trains STEPS steps further, each on the next input."""
  held = {"state": jax.tree.map(jnp.copy, state)}   # donated: no two may share a buffer

  def go():
    for x in itertools.islice(inputs, STEPS):
      held["state"], out = advance(held["state"], x)
    jax.block_until_ready(out)

  return go


def candidates(run: train.Run, member: Member) -> dict[str, Callable]:
  """{name: function that trains STEPS steps}: two on one batch again and again, and two that are fed as a training is."""
  where, size = mesh.make(1), run.config.train.batch_size
  order = feeds.Order((member.seed,), (member.name,), (train.window_ids(run.prepared, member.train),), size, size)
  arrays, put = run.prepared.windows.arrays, mesh.by_batch(where)
  resident = feeds.resident(arrays, order)
  constants = mesh.put(resident.constants, mesh.replicated(where))
  batch = mesh.put(resident.take(arrays, next(resident.steps(0, 1))), put)
  keys = mesh.put(train.member_keys([member]), mesh.by_member(where))
  init, step, _ = train.make_steps(run, 1)
  member_step = jax.jit(step, donate_argnums=0)
  fed_step = jax.jit(lambda s, c, x, k: step(s, resident.take(c, x), k), donate_argnums=0)
  plain_init, plain = plain_step(run)
  one, key = jax.tree.map(lambda x: x[0], batch), rng.root(0, "bench")
  state = jax.jit(init)(keys, batch, None)
  found = {
      "plain": stepper(jax.jit(plain_init)(key, one), lambda s, i: plain(s, one, rng.at_step(key, i)), itertools.count()),
      "member": stepper(state, lambda s, _: member_step(s, batch, keys), itertools.count()),
      "resident": stepper(state, lambda s, x: fed_step(s, constants, mesh.put(x, put), keys), resident.steps(0, ENDLESS))}
  try:
    import tensorflow  # noqa: F401
  except ImportError:
    print("no TensorFlow here: the streaming feed is left out")
    return found
  stream = feeds.tfdata(arrays, order, mesh.local_block(put, (1, size)), run.config.train.prefetch)
  return {**found, "tfdata": stepper(state, lambda s, x: member_step(s, mesh.put_local(x, put, (1, size)), keys), stream.steps(0, ENDLESS))}


def main(path: str, rounds: int) -> None:
  """Prints milliseconds a step, and the ratios: of time to a plain step's, of speed to that with one repeated batch."""
  mesh.start()
  with tempfile.TemporaryDirectory() as folder:
    taken = interleaved(candidates(*opened(path, folder)), rounds)
  header(f"{path}, {rounds} rounds of {STEPS} steps", "wall", "processor")
  for name, seconds in taken.items():
    row(f"{name}, ms a step", 1e3 * seconds.wall_s / STEPS, 1e3 * seconds.processor_s / STEPS)
  one = taken["member"]
  row("a member axis of one, in time of a plain step", one.wall_s / taken["plain"].wall_s, one.processor_s / taken["plain"].processor_s)
  for name in [name for name in ("resident", "tfdata") if name in taken]:
    row(f"{name} input, in speed with one repeated batch", one.wall_s / taken[name].wall_s, one.processor_s / taken[name].processor_s)


if __name__ == "__main__":
  main(sys.argv[1] if len(sys.argv) > 1 else "configs/respdiff.py", int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS)
