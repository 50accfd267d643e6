"""Times three ways to sub-sample: sums over blocks by reshape, by window reduction, by convolution.

  python -m benchmarks.sub_sampling [rounds]          half a minute on two cores

These are the ways that the notes discuss (the convolution is with ones). The maps are those of
LeNet-5's S2 and S4 with n = 2, and one with n = 3; forwards, and forwards with the gradient. All
ways must agree before anything is timed. They take turns, and the median over rounds counts. Read
the ratios.
"""
import sys
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import header, interleaved, row
from jaxsig.engine import mesh
from jaxsig.systems.cnn_notes.feature_maps import SUB_SAMPLERS, block_sum

REPEATS = 20   # calls of a timing
ROUNDS = 15


class Case(NamedTuple):
  """Maps to sub-sample."""
  name: str
  shape: tuple[int, int, int, int]   # [b, y, x, i]
  n: int


CASES = (
    Case("S2", (100, 28, 28, 6), 2),
    Case("S4", (100, 10, 10, 16), 2),
    Case("n = 3", (100, 27, 27, 6), 3),
)


def program(n: int, way: str, gradient: bool) -> Callable[[jax.Array], jax.Array]:
  """Compiled sums over blocks, or the gradient of the sum of their squares."""
  def sums(x: jax.Array) -> jax.Array:
    return block_sum(x, n, way=way)

  def total(x: jax.Array) -> jax.Array:
    return jnp.sum(sums(x) ** 2)

  if gradient:
    return jax.jit(jax.grad(total))
  return jax.jit(sums)


def runs_of(case: Case, gradient: bool) -> dict[str, Callable[[], None]]:
  """{way: function that returns when REPEATS results are there}; raises where ways disagree."""
  values = np.random.default_rng(0).normal(size=case.shape)
  x = jnp.asarray(values, jnp.float32)
  programs = {}
  for way in SUB_SAMPLERS:
    programs[way] = program(case.n, way, gradient)

  reference = programs["reshape"](x)
  for compiled in programs.values():
    np.testing.assert_allclose(compiled(x), reference, atol=1e-4)

  def repeated(compiled: Callable[[jax.Array], jax.Array]) -> Callable[[], None]:
    def run() -> None:
      for _ in range(REPEATS):
        out = compiled(x)
      out.block_until_ready()

    return run

  runs = {}
  for way, compiled in programs.items():
    runs[way] = repeated(compiled)
  return runs


def main(rounds: int) -> None:
  """Prints a row a case: milliseconds of a call, and their ratios to those of the reshape."""
  mesh.start()
  ratios = [f"{way} / reshape" for way in SUB_SAMPLERS[1:]]
  header(f"sums over blocks, {jax.default_backend()}", *SUB_SAMPLERS, *ratios)
  for case in CASES:
    for gradient in (False, True):
      _print_row(case, gradient, rounds)


def _print_row(case: Case, gradient: bool, rounds: int) -> None:
  timings = interleaved(runs_of(case, gradient), rounds)
  times_ms = []
  for way in SUB_SAMPLERS:
    times_ms.append(1e3 * timings[way].wall_s / REPEATS)

  reshape_ms = times_ms[0]
  ratios = [time_ms / reshape_ms for time_ms in times_ms[1:]]
  sides = " x ".join(map(str, case.shape))
  name = f"{case.name}, {sides}"
  if gradient:
    name = f"{name}, with gradient"
  row(f"{name}, ms", *times_ms, *ratios)


if __name__ == "__main__":
  if len(sys.argv) > 1:
    main(int(sys.argv[1]))
  else:
    main(ROUNDS)
