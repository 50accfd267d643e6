"""Times the symmetric error by FFT against the loop over places that defines it, in one run.

  python -m benchmarks.symmetric_error [rounds]          ten seconds on one core

One 42 x 42 truth in a 96 x 96 reconstruction has 55 x 55 places, as it is and flipped. The loop is
NumPy in float64; jaxsig computes the same error in float32 and float64, one image a call and many.
Read the ratios.
"""
import sys
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from benchmarks.timing import header, interleaved, row
from jaxsig.engine import mesh
from jaxsig.systems.phase_retrieval import registration

N = 42
M = 96
MANY = 64
ROUNDS = 25
LOOP = "loop, one image"


class Candidate(NamedTuple):
  """A way to compute the error."""
  run: Callable[[], np.ndarray]   # blocks until its result is there
  images: int                     # in a call


def brute_force(recon_y_x: np.ndarray, truth_y_x: np.ndarray) -> float:
  """|A|^2 - max |<A, B>|^2 / |B|^2 over all patches B and both orientations of A, over |A|^2."""
  twin_y_x = truth_y_x[::-1, ::-1].conj()
  places = range(M - N + 1)
  best = 0.0
  for y in places:
    for x in places:
      patch_y_x = recon_y_x[y:y + N, x:x + N]
      energy = np.vdot(patch_y_x, patch_y_x).real
      for oriented_y_x in (truth_y_x, twin_y_x):
        product = abs(np.vdot(oriented_y_x, patch_y_x))
        best = max(best, product ** 2 / energy)

  truth_energy = np.vdot(truth_y_x, truth_y_x).real
  return 1 - best / truth_energy


def candidates(real: bool) -> dict[str, Candidate]:
  """The loop and the FFTs, by name.

  Raises:
    AssertionError: results disagree.
  """
  rng = np.random.default_rng(0)
  recon_b_y_x = _random_images(rng, M, real)
  truth_b_y_x = _random_images(rng, N, real)

  def loop() -> np.ndarray:
    return np.array([brute_force(recon_b_y_x[0], truth_b_y_x[0])])

  expected = loop()[0]
  by_name = {LOOP: Candidate(loop, 1)}
  for bits in (64, 32):
    tolerance = 1e-5
    if bits == 64:
      tolerance = 1e-9

    for images in (1, MANY):
      run = _by_fft(recon_b_y_x[:images], truth_b_y_x[:images], bits)
      np.testing.assert_allclose(run()[0], expected, rtol=tolerance)

      name = f"FFT, float{bits}, one image"
      if images == MANY:
        name = f"FFT, float{bits}, {MANY} images"
      by_name[name] = Candidate(run, images)
  return by_name


def _random_images(rng: np.random.Generator, side: int, real: bool) -> np.ndarray:
  """Normal pixels [MANY, side, side], real or complex."""
  shape = (MANY, side, side)
  images = rng.standard_normal(shape)
  if real:
    return images
  return images + 1j * rng.standard_normal(shape)


def _by_fft(
    recon_b_y_x: np.ndarray,
    truth_b_y_x: np.ndarray,
    bits: int,
) -> Callable[[], np.ndarray]:
  """The compiled error in float32 or float64, so that no call has to switch the precision."""
  dtype = f"f{bits // 8}"
  if np.iscomplexobj(recon_b_y_x):
    dtype = f"c{bits // 4}"

  with jax.enable_x64(bits == 64):
    recon = jax.device_put(recon_b_y_x.astype(dtype))
    truth = jax.device_put(truth_b_y_x.astype(dtype))
    compiled = registration.symmetric_error.lower(recon, truth).compile()

  def run() -> np.ndarray:
    return np.asarray(compiled(recon, truth))

  return run


def main(rounds: int = ROUNDS) -> None:
  """Prints tables for real and complex content: time an image, and the ratio to the loop."""
  mesh.start()
  for real in (True, False):
    content = "complex"
    if real:
      content = "real"
    print(f"\n{content}, n = {N}, m = {M}, {jax.default_backend()}")

    by_name = candidates(real)
    runs = {name: candidate.run for name, candidate in by_name.items()}
    taken = interleaved(runs, rounds)

    seconds_per_image = {}
    for name, candidate in by_name.items():
      seconds_per_image[name] = taken[name].wall_s / candidate.images

    header("candidate", "ms an image", "times faster")
    for name, seconds in seconds_per_image.items():
      row(name, 1e3 * seconds, seconds_per_image[LOOP] / seconds)


if __name__ == "__main__":
  main(*map(int, sys.argv[1:]))
