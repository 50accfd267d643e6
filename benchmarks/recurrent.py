"""Times the scan forms of jaxsig's recurrent layers against each other and against PyTorch's, in one run.

  python -m benchmarks.recurrent          a few minutes on two cores; `gru` or `linear` behind it: that cell only

Every candidate runs once a round, the rounds follow each other, and the median over rounds counts: a busy machine slows
all alike, so read the ratios. PyTorch gets one thread (two collapse on a busy machine) and JAX what it takes; "processor" is the time
over all threads. The rows of PyTorch are left out where it is not installed.
"""
import importlib.util
import sys

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import header, interleaved, row
from jaxsig.engine import mesh
from jaxsig.nn.recurrent import CELLS, BiRNN

SIZES = {  # (b, t, c, hidden, layers)
  "60 s at 5 Hz, hidden 64": (32, 300, 48, 64, 2),
  "a sampler's batch": (128, 300, 48, 64, 2),
  "60 s at 5 Hz, hidden 128": (32, 300, 64, 128, 2),
  "RespDiff's first layer": (16, 150, 384, 1024, 1),
}
TORCH = {"tanh": "RNN", "gru": "GRU", "lstm": "LSTM"}
ROUNDS = 7


def forms(cell: str) -> tuple:
  """The scan forms that a cell has; ratios are to the first, which was "auto" before there was "fused"."""
  return ("hoisted", "plain", "associative") if CELLS[cell].linear else ("hoisted", "plain", "fused")


def jax_candidates(cell: str, scan_form: str, size: tuple) -> dict:
  """{"forward" | "step": function that blocks until its result is there}; a step is the loss and all its gradients."""
  b, t, c, hidden, layers = size
  network = BiRNN(hidden, layers, cell, scan_form)
  x = np.random.default_rng(0).normal(size=(b, t, c)).astype(np.float32)
  shapes = jax.eval_shape(network.init, jax.random.key(1), x)
  spread = lambda leaf: np.random.default_rng(leaf.size).uniform(-1, 1, leaf.shape).astype(np.float32) / hidden**0.5
  params, x = jax.device_put((jax.tree.map(spread, shapes), x))
  forward = jax.jit(network.apply)
  step = jax.jit(jax.value_and_grad(lambda params, x: jnp.mean(network.apply(params, x) ** 2), (0, 1)))
  return {"forward": lambda: jax.block_until_ready(forward(params, x)),
          "step": lambda: jax.block_until_ready(step(params, x))}


def torch_candidates(cell: str, size: tuple) -> dict:
  """The same two functions for PyTorch's layer of the same kind, on one thread."""
  import torch
  torch.set_num_threads(1)
  b, t, c, hidden, layers = size
  network = getattr(torch.nn, TORCH[cell])(c, hidden, layers, bidirectional=True, batch_first=True)
  x = torch.randn(b, t, c, requires_grad=True)

  def forward():
    with torch.no_grad():
      network(x)

  return {"forward": forward, "step": lambda: network(x)[0].square().mean().backward()}


def all_candidates(cell: str, size: tuple) -> dict:
  """{(form, "forward" | "step"): function} of every scan form that the cell has, and of PyTorch."""
  out = {(form, what): run for form in forms(cell) for what, run in jax_candidates(cell, form, size).items()}
  if cell in TORCH and importlib.util.find_spec("torch"):
    out |= {("torch", what): run for what, run in torch_candidates(cell, size).items()}
  return out


def main(cells: list) -> None:
  """Prints one table a size, with every form of every cell against the cell's hoisted form."""
  mesh.start()
  for title, size in SIZES.items():
    print(f"\n{title}: b, t, c, hidden, layers = {size}, {jax.default_backend()}")
    header("cell", "form", *(f"{what} {kind}" for what in ("forward", "step") for kind in ("ms", "processor", "x hoisted")))
    for cell in cells:
      taken = interleaved(all_candidates(cell, size), ROUNDS)
      for form in dict.fromkeys(form for form, _ in taken):
        spent = [(taken[form, what], taken["hoisted", what]) for what in ("forward", "step")]
        row(cell, form, *(x for one, base in spent for x in (1e3 * one.wall_s, 1e3 * one.processor_s, one.wall_s / base.wall_s)))


if __name__ == "__main__":
  main(sys.argv[1:] or list(CELLS))
