"""Times the scan forms of jaxsig's recurrent layers against each other and against PyTorch's, in
one run.

  python -m benchmarks.recurrent          a few minutes on two cores; `gru` or `linear` behind it:
  that cell only

Every candidate runs once a round, the rounds follow each other, and the median over rounds counts:
a busy machine slows all alike, so read the ratios. PyTorch gets one thread (two collapse on a busy
machine) and JAX what it takes; "processor" is the time over all threads. The rows of PyTorch are
left out where it is not installed.
"""
import importlib.util
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import Taken, header, interleaved, row
from jaxsig.engine import mesh
from jaxsig.nn.recurrent import CELLS, BiRNN


class Size(NamedTuple):
  """The shape of a batch [b, t, c] and of the layers that read it."""
  b: int
  t: int
  c: int
  hidden: int
  layers: int


SIZES = {
    "60 s at 5 Hz, hidden 64": Size(32, 300, 48, 64, 2),
    "a sampler's batch": Size(128, 300, 48, 64, 2),
    "60 s at 5 Hz, hidden 128": Size(32, 300, 64, 128, 2),
    "RespDiff's first layer": Size(16, 150, 384, 1024, 1),
}
TORCH = {"tanh": "RNN", "gru": "GRU", "lstm": "LSTM"}
ROUNDS = 7

Run = Callable[[], object]   # blocks until its result is there


def forms(cell: str) -> tuple[str, ...]:
  """The scan forms that a cell has; ratios are to the first, which was "auto" before there was
  "fused"."""
  if CELLS[cell].linear:
    return "hoisted", "plain", "associative"
  return "hoisted", "plain", "fused"


def jax_candidates(cell: str, scan_form: str, size: Size) -> dict[str, Run]:
  """{"forward": run, "step": run} of one scan form; a step is the loss and all its gradients."""
  network = BiRNN(size.hidden, size.layers, cell, scan_form)
  x = np.random.default_rng(0).normal(size=(size.b, size.t, size.c)).astype(np.float32)
  shapes = jax.eval_shape(network.init, jax.random.key(1), x)

  def draw(leaf):
    uniform = np.random.default_rng(leaf.size).uniform(-1, 1, leaf.shape)
    return uniform.astype(np.float32) / size.hidden**0.5

  params, x = jax.device_put((jax.tree.map(draw, shapes), x))

  def loss(params, x):
    return jnp.mean(network.apply(params, x) ** 2)

  forward = jax.jit(network.apply)
  step = jax.jit(jax.value_and_grad(loss, (0, 1)))
  return {
      "forward": lambda: jax.block_until_ready(forward(params, x)),
      "step": lambda: jax.block_until_ready(step(params, x)),
  }


def torch_candidates(cell: str, size: Size) -> dict[str, Run]:
  """The same two functions for PyTorch's layer of the same kind, on one thread."""
  import torch
  torch.set_num_threads(1)
  layer = getattr(torch.nn, TORCH[cell])
  network = layer(size.c, size.hidden, size.layers, bidirectional=True, batch_first=True)
  x = torch.randn(size.b, size.t, size.c, requires_grad=True)

  def forward():
    with torch.no_grad():
      network(x)

  def step():
    output, _ = network(x)
    output.square().mean().backward()

  return {"forward": forward, "step": step}


def all_candidates(cell: str, size: Size) -> dict[tuple[str, str], Run]:
  """{(form, "forward" | "step"): run} of every scan form that the cell has, and of PyTorch."""
  candidates = {}
  for form in forms(cell):
    for what, run in jax_candidates(cell, form, size).items():
      candidates[form, what] = run

  has_torch = importlib.util.find_spec("torch") is not None
  if cell in TORCH and has_torch:
    for what, run in torch_candidates(cell, size).items():
      candidates["torch", what] = run
  return candidates


def cells_of(spent: Taken, hoisted: Taken) -> list[float]:
  """Milliseconds of wall and processor time, and the ratio to the hoisted form."""
  return [1e3 * spent.wall_s, 1e3 * spent.processor_s, spent.wall_s / hoisted.wall_s]


def main(cells: Sequence[str]) -> None:
  """Prints one table a size, with every form of every cell against the cell's hoisted form."""
  mesh.start()
  for title, size in SIZES.items():
    backend = jax.default_backend()
    print(f"\n{title}: b, t, c, hidden, layers = {tuple(size)}, {backend}")
    columns = []
    for what in ("forward", "step"):
      columns += [f"{what} ms", f"{what} processor", f"{what} x hoisted"]
    header("cell", "form", *columns)

    for cell in cells:
      taken = interleaved(all_candidates(cell, size), ROUNDS)
      measured_forms = dict.fromkeys(form for form, _ in taken)
      for form in measured_forms:
        forward = cells_of(taken[form, "forward"], taken["hoisted", "forward"])
        step = cells_of(taken[form, "step"], taken["hoisted", "step"])
        row(cell, form, *forward, *step)


if __name__ == "__main__":
  main(sys.argv[1:] or list(CELLS))
