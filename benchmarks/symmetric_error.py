"""Times the symmetric error by FFT against the loop over places that defines it, in one run.

  python -m benchmarks.symmetric_error [rounds]          ten seconds on one core

One 42 x 42 truth in a 96 x 96 reconstruction has 55 x 55 places, as it is and flipped. The loop is NumPy in float64; jaxsig's is the
same error in float32 and float64, one image a call and many. Read the ratios.
"""
import sys
from collections.abc import Callable

import jax
import numpy as np

from benchmarks.timing import header, interleaved, row
from jaxsig.engine import mesh
from jaxsig.systems.phase_retrieval import registration

N, M, MANY, ROUNDS = 42, 96, 64, 25


def brute_force(recon_y_x: np.ndarray, truth_y_x: np.ndarray) -> float:
  """|A|^2 - max |<A, B>|^2 / |B|^2 over all patches B and both orientations of A, relative to |A|^2."""
  best, places = 0.0, range(M - N + 1)
  for y in places:
    for x in places:
      patch = recon_y_x[y:y + N, x:x + N]
      energy = np.vdot(patch, patch).real
      for truth in (truth_y_x, truth_y_x[::-1, ::-1].conj()):
        best = max(best, abs(np.vdot(truth, patch)) ** 2 / energy)
  return 1 - best / np.vdot(truth_y_x, truth_y_x).real


def candidates(real: bool) -> tuple[dict[str, Callable], dict[str, int]]:
  """({name: function that blocks until its result is there}, {name: images a call}); raises where results disagree."""
  rng = np.random.default_rng(0)
  draw = lambda *shape: rng.standard_normal(shape) + (0 if real else 1j * rng.standard_normal(shape))
  recon, truth = draw(MANY, M, M), draw(MANY, N, N)
  runs, images = {"loop, one image": lambda: brute_force(recon[0], truth[0])}, {"loop, one image": 1}
  for bits in (64, 32):
    with jax.enable_x64(bits == 64):
      dtype = np.dtype(f"f{bits // 8}" if real else f"c{bits // 4}")
      for count, name in ((1, f"FFT, float{bits}, one image"), (MANY, f"FFT, float{bits}, {MANY} images")):
        args = jax.device_put((recon[:count].astype(dtype), truth[:count].astype(dtype)))
        compiled = registration.symmetric_error.lower(*args).compile()   # so that no call has to switch the precision
        runs[name], images[name] = lambda compiled=compiled, args=args: np.asarray(compiled(*args)), count
        np.testing.assert_allclose(runs[name]()[0], runs["loop, one image"](), rtol=1e-9 if bits == 64 else 1e-5)
  return runs, images


def main(rounds: int) -> None:
  """Prints a table for real and one for complex content: time an image, and how many times faster than the loop."""
  mesh.start()
  for real in (True, False):
    print(f"\n{'real' if real else 'complex'}, n = {N}, m = {M}, {jax.default_backend()}")
    runs, images = candidates(real)
    taken = interleaved(runs, rounds)
    spent = {name: taken[name].wall_s / images[name] for name in runs}
    header("candidate", "ms an image", "times faster")
    for name, seconds in spent.items():
      row(name, 1e3 * seconds, spent["loop, one image"] / seconds)


if __name__ == "__main__":
  main(*map(int, sys.argv[1:]) if sys.argv[1:] else [ROUNDS])
