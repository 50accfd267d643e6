"""Training steps of a network here and of the same one in PyTorch, timed in turn."""
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from benchmarks.timing import header, interleaved, row
from jaxsig.system import Params

TOLERANCE = 1e-4   # of the outputs, relative to the largest


def must_agree(ours: np.ndarray, theirs: np.ndarray, params: Params) -> None:
  """Ends the program where two networks with the same weights give other outputs."""
  difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
  count = sum(leaf.size for leaf in jax.tree.leaves(params))
  print(f"outputs differ by {difference:.1e} of the largest; {count:,} parameters", flush=True)
  if not difference < TOLERANCE:
    raise SystemExit("the networks are not the same: nothing is timed")


def our_training(
    loss: Callable[[Params, jax.Array, jax.Array], jax.Array],
    params: Params,
    x: np.ndarray,
    y: np.ndarray,
    rate: float,
    steps: int,
) -> Callable[[], float]:
  """() -> the loss before the last of `steps` further steps of Adam.

  Args:
    loss: of (params, x, y).
    params: at the start.
    x: inputs of the one batch.
    y: targets of the one batch.
    rate: learning rate.
    steps: of each call.
  """
  optimiser = optax.adam(rate)

  def step(state, x, y):
    params, optimiser_state = state
    value, gradient = jax.value_and_grad(loss)(params, x, y)
    updates, optimiser_state = optimiser.update(gradient, optimiser_state, params)
    params = optax.apply_updates(params, updates)
    return (params, optimiser_state), value

  compiled_step = jax.jit(step, donate_argnums=0)
  state = jax.tree.map(jnp.array, (params, optimiser.init(params)))

  def run() -> float:
    nonlocal state
    for _ in range(steps):
      state, value = compiled_step(state, x, y)
    return float(value)

  return run


def their_training(
    loss: Callable[[torch.nn.Module, torch.Tensor, torch.Tensor], torch.Tensor],
    network: torch.nn.Module,
    x: np.ndarray,
    y: np.ndarray,
    rate: float,
    steps: int,
    threads: int,
) -> Callable[[], float]:
  """The same in PyTorch, pinned to so many threads; `loss` is of (network, x, y)."""
  optimiser = torch.optim.Adam(network.parameters(), rate)
  x = torch.tensor(x)
  y = torch.tensor(y)

  def run() -> float:
    torch.set_num_threads(threads)
    for _ in range(steps):
      optimiser.zero_grad()
      value = loss(network, x, y)
      value.backward()
      optimiser.step()
    return value.item()

  return run


def compare(
    title: str,
    training: Mapping[str, Callable[[], float]],
    images: int,
    rounds: int,
) -> None:
  """Prints images a second and ratios to the first candidate.

  Args:
    title: of the table.
    training: {name: function that trains on so many images}.
    images: of each call.
    rounds: of timing.
  """
  taken = interleaved(training, rounds)
  first = next(iter(taken.values()))
  header(title, "median s", "images/s", "processor s", "x jaxsig", "x jaxsig, processor")
  for name, spent in taken.items():
    row(
        name,
        spent.wall_s,
        images / spent.wall_s,
        spent.processor_s,
        spent.wall_s / first.wall_s,
        spent.processor_s / first.processor_s,
    )
