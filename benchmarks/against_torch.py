"""Training steps of a network here and of the same one in PyTorch, timed in turn."""
from collections.abc import Callable

import jax
import numpy as np
import optax
import torch

from benchmarks.timing import header, interleaved, row

TOLERANCE = 1e-4   # of the outputs, relative to the largest


def must_agree(ours: np.ndarray, theirs: np.ndarray, params: dict) -> None:
  """Ends the program where two networks with the same weights give other outputs."""
  difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
  print(f"outputs differ by {difference:.1e} of the largest; {sum(p.size for p in jax.tree.leaves(params)):,} parameters", flush=True)
  if not difference < TOLERANCE:
    raise SystemExit("the networks are not the same: nothing is timed")


def our_training(loss: Callable, params: dict, x: np.ndarray, y: np.ndarray, rate: float, steps: int) -> Callable:
  """() -> the loss before the last of `steps` further steps of Adam; `loss` is of (params, x, y)."""
  tx = optax.adam(rate)

  def step(state, x, y):
    params, opt = state
    value, gradient = jax.value_and_grad(loss)(params, x, y)
    updates, opt = tx.update(gradient, opt)
    return (optax.apply_updates(params, updates), opt), value

  step, held = jax.jit(step, donate_argnums=0), {"state": jax.tree.map(jax.numpy.array, (params, tx.init(params)))}

  def run():
    for _ in range(steps):
      held["state"], value = step(held["state"], x, y)
    return float(value)
  return run


def their_training(loss: Callable, network: torch.nn.Module, x: np.ndarray, y: np.ndarray, rate: float, steps: int,
                   threads: int) -> Callable:
  """The same in PyTorch, pinned to so many threads; `loss` is of (network, x, y)."""
  optimiser, x, y = torch.optim.Adam(network.parameters(), rate), torch.tensor(x), torch.tensor(y)

  def run():
    torch.set_num_threads(threads)
    for _ in range(steps):
      optimiser.zero_grad()
      value = loss(network, x, y)
      value.backward()
      optimiser.step()
    return value.item()
  return run


def compare(title: str, training: dict[str, Callable], images: int, rounds: int) -> None:
  """Prints images a second and ratios to the first of {name: function that trains on so many images}."""
  taken = interleaved(training, rounds)
  first = next(iter(taken.values()))
  header(title, "median s", "images/s", "processor s", "x jaxsig", "x jaxsig, processor")
  for name, t in taken.items():
    row(name, t.wall_s, images / t.wall_s, t.processor_s, t.wall_s / first.wall_s, t.processor_s / first.processor_s)
