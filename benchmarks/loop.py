"""What the house costs: a member axis of one against a plain step, and real input against one repeated batch.

  python benchmarks/loop.py            ratios of medians over interleaved rounds, a minute or two
"""
import functools
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import jax
import jax.numpy as jnp
import optax

from jaxsig import config as configs
from jaxsig import mesh, optim, rng, sweep, train
from jaxsig.data import feeds

CONFIG = pathlib.Path(__file__).parent.parent / "configs" / "respdiff.py"
ROUNDS, STEPS = 7, 15


def interleaved(runs: dict[str, Callable[[], None]]) -> dict[str, float]:
  """Seconds a step (median over rounds) of each, taken in turn so that a busy machine hurts all alike."""
  seconds = {name: [] for name in runs}
  for _ in range(ROUNDS):
    for name, run in runs.items():
      begin = time.perf_counter()
      run()
      seconds[name].append((time.perf_counter() - begin) / STEPS)
  return {name: statistics.median(s) for name, s in seconds.items()}


def plain_step(run: train.Run) -> tuple[Callable, Callable]:
  """(init, step) of the same training as anybody would write it: no members, no mesh."""
  tx = optim.make(run.config.optim, run.config.train.steps)

  def init(key, batch):
    params, _ = run.task.init(key, batch)
    return params, params, tx.init(params)

  @functools.partial(jax.jit, donate_argnums=0)
  def step(state, batch, key):
    params, average, opt = state
    (loss, _), grads = jax.value_and_grad(run.task.loss, has_aux=True)(params, {}, batch, key)
    updates, opt = tx.update(grads, opt, params)
    params = optax.apply_updates(params, updates)
    average = jax.tree.map(lambda a, p: 0.995 * a + 0.005 * p, average, params)
    return (params, average, opt), loss

  return init, step


def main() -> None:
  """Prints the ratios; above 1 the house is the slower."""
  with tempfile.TemporaryDirectory() as folder:
    small = configs.load(CONFIG, "", {"data.simulate_patients": 24, "data.simulate_duration_s": 120.0, "run_controls": False})
    run, [member] = sweep.open_run(small, pathlib.Path(folder))
  where = mesh.make(1)
  order = feeds.Order((0,), (member.name,), (train.window_ids(run.prepared, member.train),), small.train.batch_size, small.train.batch_size)
  arrays = run.prepared.windows.arrays
  resident = feeds.resident(arrays, order)
  constants = mesh.put(resident.constants, mesh.replicated(where))
  inputs = next(resident.steps(0, 1))
  batch = mesh.put(resident.take(arrays, inputs), mesh.by_batch(where))
  keys = mesh.put(train.member_keys([member]), mesh.by_member(where))
  init, step, _ = train.make_steps(run, 1)
  member_step = jax.jit(step, donate_argnums=0)
  fed_step = jax.jit(lambda s, c, x, k: step(s, resident.take(c, x), k), donate_argnums=0)
  plain_init, plain = plain_step(run)
  one = jax.tree.map(lambda x: x[0], batch)
  states = {"plain": plain_init(jax.random.key(0), one),
            **{name: init(keys, batch, None) for name in ("member", "resident", "tfdata")}}
  states = jax.tree.map(jnp.copy, states)   # donated: no two may share a buffer

  def repeat(name, advance):
    def go():
      for i in range(STEPS):
        states[name], out = advance(states[name], i)
      jax.block_until_ready(out)
    go()   # compiles
    return go

  def stream(name, feed, advance):
    def go():
      for x in feed.steps(0, STEPS):
        states[name], out = advance(states[name], mesh.put(x, mesh.by_batch(where)))
      jax.block_until_ready(out)
    go()
    return go

  key = rng.root(0, "bench")
  runs = {"plain": repeat("plain", lambda s, i: plain(s, one, rng.at_step(key, i))),
          "member": repeat("member", lambda s, i: member_step(s, batch, keys)),
          "resident": stream("resident", resident, lambda s, x: fed_step(s, constants, x, keys))}
  try:
    import tensorflow  # noqa: F401
  except ImportError:
    print("no TensorFlow here: the streaming feed is left out")
  else:
    streaming = feeds.tfdata(arrays, order, mesh.local_block(mesh.by_batch(where), (1, small.train.batch_size)))
    runs["tfdata"] = stream("tfdata", streaming, lambda s, x: member_step(s, x, keys))
  median = interleaved(runs)
  for name, seconds in median.items():
    print(f"{name:10} {1e3 * seconds:7.2f} ms a step")
  print(f"m = 1 against a plain step: {median['member'] / median['plain']:.3f} of its time")
  for name in ("resident", "tfdata"):
    if name in median:
      print(f"{name} input against one repeated batch: {median['member'] / median[name]:.3f} of its speed")


if __name__ == "__main__":
  main()
