"""The three ways to sub-sample that the notes discuss: sums over blocks by reshape, by window reduction, by convolution with ones.

  python -m benchmarks.sub_sampling [rounds]          half a minute on two cores

Maps of LeNet-5's S2 and S4, n = 2, and one with n = 3; forwards, and forwards with the gradient. All must agree before anything is
timed; they take turns, and the median over rounds counts. Read the ratios.
"""
import sys
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import header, interleaved, row
from jaxsig.engine import mesh
from jaxsig.systems.cnn_notes.feature_maps import SUB_SAMPLERS, block_sum

CASES = (("S2", (100, 28, 28, 6), 2), ("S4", (100, 10, 10, 16), 2), ("n = 3", (100, 27, 27, 6), 3))
REPEATS, ROUNDS = 20, 15


def runs_of(shape: tuple, n: int, gradient: bool) -> dict[str, Callable]:
  """{way: function that blocks until REPEATS results are there}; raises where ways disagree."""
  x = jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)
  def program(way):
    total = lambda x: jnp.sum(block_sum(x, n, way=way) ** 2)
    return jax.jit(jax.grad(total) if gradient else lambda x: block_sum(x, n, way=way))
  programs = {way: program(way) for way in SUB_SAMPLERS}
  for compiled in programs.values():
    np.testing.assert_allclose(compiled(x), programs["reshape"](x), atol=1e-4)
  def run(compiled):
    for _ in range(REPEATS):
      out = compiled(x)
    out.block_until_ready()
  return {way: lambda compiled=compiled: run(compiled) for way, compiled in programs.items()}


def main(rounds: int) -> None:
  """Prints a table a case: time of a call, and over that of the reshape."""
  mesh.start()
  header(f"sums over blocks, {jax.default_backend()}", *SUB_SAMPLERS, *(f"{way} / reshape" for way in SUB_SAMPLERS[1:]))
  for name, shape, n in CASES:
    for gradient in (False, True):
      taken = interleaved(runs_of(shape, n, gradient), rounds)
      ms = [1e3 * taken[way].wall_s / REPEATS for way in SUB_SAMPLERS]
      row(f"{name}, {' x '.join(map(str, shape))}{', with gradient' * gradient}, ms", *ms, *(t / ms[0] for t in ms[1:]))


if __name__ == "__main__":
  main(*map(int, sys.argv[1:]) if sys.argv[1:] else [ROUNDS])
