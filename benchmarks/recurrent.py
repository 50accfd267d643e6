"""Times the scan forms of jaxsig's recurrent layers against each other and against PyTorch's, in one run.

  python -m benchmarks.recurrent          under two minutes on two cores; `gru` or `linear` behind it: that cell only

Every candidate runs once a round, the rounds follow each other, and the median over rounds counts: a busy machine slows
all alike, so read the ratios. PyTorch gets one thread (two collapse on a busy machine) and JAX what it takes; cpu_ms is
the processor time over all threads. The rows of PyTorch are left out where it is not installed.
"""
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxsig.models.recurrent import CELLS, BiRNN

SIZES = {  # (b, t, c, hidden, layers)
  "60 s at 5 Hz, hidden 128": (16, 300, 64, 128, 2),
  "RespDiff's first layer": (16, 60, 384, 1024, 1),
}
TORCH = {"tanh": "RNN", "gru": "GRU", "lstm": "LSTM"}
ROUNDS = 7


def jax_candidates(cell: str, scan_form: str, size: tuple) -> dict:
  """{"forward" | "step": function that blocks until its result is there}; a step is the loss and all its gradients."""
  b, t, c, hidden, layers = size
  network = BiRNN(hidden, layers, cell, scan_form)
  x = jax.random.normal(jax.random.key(0), (b, t, c))
  shapes = jax.eval_shape(network.init, jax.random.key(1), x)
  params = jax.tree.map(lambda leaf: jax.random.uniform(jax.random.key(2), leaf.shape, minval=-1) / hidden**0.5, shapes)
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


def timed(candidates: dict) -> dict:
  """{name: (wall ms, processor ms)} of {name: function}: medians over interleaved rounds, after one warm-up."""
  taken = {name: [] for name in candidates}
  for function in candidates.values():
    function()
  for _ in range(ROUNDS):
    for name, function in candidates.items():
      taken[name].append(_once(function))
  return {name: tuple(map(statistics.median, zip(*pairs, strict=True))) for name, pairs in taken.items()}


def _once(function: Callable) -> tuple:
  wall, processor = time.perf_counter(), time.process_time()
  function()
  return 1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - processor)


def all_candidates(cell: str, size: tuple) -> dict:
  """{(form, "forward" | "step"): function} of every scan form that the cell has, and of PyTorch."""
  forms = ("hoisted", "plain", "associative") if CELLS[cell].linear else ("hoisted", "plain")
  out = {(form, what): run for form in forms for what, run in jax_candidates(cell, form, size).items()}
  if cell in TORCH and importlib.util.find_spec("torch"):
    out |= {("torch", what): run for what, run in torch_candidates(cell, size).items()}
  return out


def main(cells: list) -> None:
  """Prints one table a size, with every form of every cell against the cell's hoisted form."""
  for title, size in SIZES.items():
    print(f"\n{title}: b, t, c, hidden, layers = {size}, {jax.default_backend()}\n")
    print("| cell | form | forward ms | cpu_ms | x hoisted | step ms | cpu_ms | x hoisted |\n|---|---|" + "---:|" * 6)
    for cell in cells:
      ms = timed(all_candidates(cell, size))
      for form in dict.fromkeys(form for form, _ in ms):
        shown = [f"{ms[form, what][0]:.1f} | {ms[form, what][1]:.1f} | {ms[form, what][0] / ms['hoisted', what][0]:.2f}"
                 for what in ("forward", "step")]
        print(f"| {cell} | {form} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
  main(sys.argv[1:] or list(CELLS))
