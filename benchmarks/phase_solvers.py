"""Times batched HIO with shrinkwrap against loops over images with SciPy's transforms, in one run.

  python -m benchmarks.phase_solvers [images]       a minute on one core; 16 images by default

All take the same 200 iterations from the same starts and supports, with the residual and a new
support every 20, and none stops early. The loops keep one image in the cache, update in place and
use one thread; the last one is written as scripts usually are: full plane, double precision, a new
array for every step. Candidates take turns and medians over rounds count; read the ratios, which
are to the faster of the single-precision and double-precision loops of rfft2.
"""
import sys
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.fft
import scipy.ndimage

from benchmarks.timing import header, interleaved, row
from jaxsig.engine import mesh
from jaxsig.systems.phase_retrieval import projections, solvers

M = 96
OBJECT = 28   # pixels to a side of an object
ITERATIONS = 200
EVERY = 20
BETA = 0.9
ROUNDS = 7
GROUPS = (1, 4, 16, 64)
SHRINKWRAP = solvers.Shrinkwrap()

Loop = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
"""(magnitude [m, m], support [m, m], start [m, m]) -> the residual at the end."""


def objects(images: int) -> np.ndarray:
  """Textured blobs of up to 28 pixels in the corner, [b, m, m] float32."""
  rng = np.random.default_rng(0)
  noise = rng.normal(size=(images, OBJECT, OBJECT))
  smooth = scipy.ndimage.gaussian_filter(noise, (0, 2, 2)) * 4
  blobs = np.maximum(smooth + 0.3, 0)

  margin = (0, M - OBJECT)
  padded = np.pad(blobs, ((0, 0), margin, margin))
  return padded.astype(np.float32)


def sigma_px(iteration: int) -> float:
  """Width of shrinkwrap's blur after an iteration."""
  redrawings = iteration / EVERY - 1
  decayed = SHRINKWRAP.sigma_px * SHRINKWRAP.decay ** redrawings
  return max(decayed, SHRINKWRAP.least_sigma_px)


def loop_in_place(
    magnitude_v_u: np.ndarray,
    support_y_x: np.ndarray,
    x_y_x: np.ndarray,
) -> float:
  """HIO with shrinkwrap of a real image by rfft2, in the precision of its start."""
  dtype = x_y_x.dtype.type
  half = M // 2 + 1
  magnitude_v_u = magnitude_v_u[:, :half].astype(dtype)
  x_y_x = x_y_x.copy()

  is_own_mirror = np.arange(half) % (M // 2) == 0
  weight_v_u = np.where(is_own_mirror, 1, 2).astype(dtype)
  norm_squared = np.sum(weight_v_u * magnitude_v_u ** 2)
  square_v_u = np.fft.fftfreq(M)[:, None] ** 2 + np.fft.rfftfreq(M) ** 2
  square_v_u = square_v_u.astype(dtype)

  scale_v_u = np.empty_like(magnitude_v_u)
  step_y_x = np.empty_like(x_y_x)
  residual = np.inf
  for i in range(1, ITERATIONS + 1):
    f_v_u = scipy.fft.rfft2(x_y_x, workers=1)
    np.abs(f_v_u, out=scale_v_u)
    np.maximum(scale_v_u, 1e-12, out=scale_v_u)
    np.divide(magnitude_v_u, scale_v_u, out=scale_v_u)
    f_v_u *= scale_v_u
    p_y_x = scipy.fft.irfft2(f_v_u, (M, M), workers=1, overwrite_x=True)

    inside_y_x = support_y_x & (p_y_x >= 0)
    np.multiply(p_y_x, dtype(BETA), out=step_y_x)
    x_y_x -= step_y_x
    np.copyto(x_y_x, p_y_x, where=inside_y_x)

    if i % EVERY == 0:
      image_y_x = np.where(inside_y_x, p_y_x, 0)
      f_v_u = scipy.fft.rfft2(image_y_x, workers=1)
      error_v_u = np.abs(f_v_u) - magnitude_v_u
      residual = np.sqrt(np.sum(weight_v_u * error_v_u ** 2) / norm_squared)

      exponent = dtype(-2 * (np.pi * sigma_px(i)) ** 2)
      f_v_u *= np.exp(exponent * square_v_u)
      blurred_y_x = scipy.fft.irfft2(f_v_u, (M, M), workers=1)
      support_y_x = blurred_y_x >= SHRINKWRAP.threshold * blurred_y_x.max()
  return float(residual)


def loop_of_scripts(
    magnitude_v_u: np.ndarray,
    support_y_x: np.ndarray,
    x_y_x: np.ndarray,
) -> float:
  """The same by fft2 on the full plane, without a thought for speed."""
  residual = np.inf
  for i in range(1, ITERATIONS + 1):
    phase_v_u = np.angle(scipy.fft.fft2(x_y_x))
    p_y_x = scipy.fft.ifft2(magnitude_v_u * np.exp(1j * phase_v_u)).real
    inside_y_x = support_y_x & (p_y_x >= 0)
    x_y_x = np.where(inside_y_x, p_y_x, x_y_x - BETA * p_y_x)

    if i % EVERY == 0:
      image_y_x = np.where(inside_y_x, p_y_x, 0)
      error_v_u = np.abs(scipy.fft.fft2(image_y_x)) - magnitude_v_u
      residual = np.linalg.norm(error_v_u) / np.linalg.norm(magnitude_v_u)
      blurred_y_x = scipy.ndimage.gaussian_filter(image_y_x, sigma_px(i), mode="wrap")
      support_y_x = blurred_y_x >= SHRINKWRAP.threshold * blurred_y_x.max()
  return float(residual)


def candidates(images: int) -> dict[str, Callable[[], np.ndarray]]:
  """Functions that return the residuals [b] at the end, by name."""
  magnitude = np.abs(np.fft.fft2(objects(images))).astype(np.float32)
  start = np.random.default_rng(1).normal(size=magnitude.shape).astype(np.float32)
  support = np.array(jax.vmap(projections.autocorrelation_support)(magnitude))

  keys_b = jax.random.split(jax.random.key(0), images)
  on_device = jax.device_put((magnitude, support, start))

  def batched(group: int) -> Callable[[], np.ndarray]:
    def run() -> np.ndarray:
      magnitude_b_v_u, support_b_y_x, start_b_y_x = on_device
      solution = solvers.solve(
          magnitude_b_v_u,
          keys_b,
          support_b_y_x,
          start=start_b_y_x,
          group=group,
          iterations=ITERATIONS,
          every=EVERY,
          beta=BETA,
          final_er=0,
          tolerance=0.0,
          shrinkwrap=SHRINKWRAP,
      )
      return np.asarray(solution.residual_b_r[:, 0])

    return run

  def looped(loop: Loop, dtype: type[np.floating]) -> Callable[[], np.ndarray]:
    def run() -> np.ndarray:
      residuals = []
      for one_magnitude, one_support, one_start in zip(magnitude, support, start):
        residual = loop(one_magnitude.astype(dtype), one_support, one_start.astype(dtype))
        residuals.append(residual)
      return np.array(residuals)

    return run

  runs = {
      "SciPy rfft2, single": looped(loop_in_place, np.float32),
      "SciPy rfft2, double": looped(loop_in_place, np.float64),
      "SciPy fft2, as in scripts": looped(loop_of_scripts, np.float64),
  }
  for group in GROUPS:
    group = min(group, images)
    runs[f"jaxsig, {group} at once"] = batched(group)
  return runs


def main(images: int = 16) -> None:
  """Prints seconds per image, ratios, and the median residual.

  The residuals must be alike: only rounding makes the candidates differ.
  """
  mesh.start()
  runs = candidates(images)
  taken = interleaved(runs, ROUNDS)

  wall_s_of_loops = [spent.wall_s for name, spent in taken.items() if "rfft2" in name]
  base_s = min(wall_s_of_loops)
  print(f"{images} images of {M} x {M}, {ITERATIONS} iterations, {jax.default_backend()}")
  header(
      "solver",
      "ms per image",
      "processor ms per image",
      "microseconds per iteration",
      "times as fast",
      "median residual",
  )
  for name, spent in taken.items():
    residual_b = runs[name]()
    row(
        name,
        1e3 * spent.wall_s / images,
        1e3 * spent.processor_s / images,
        1e6 * spent.wall_s / images / ITERATIONS,
        base_s / spent.wall_s,
        float(jnp.median(residual_b)),
    )


if __name__ == "__main__":
  main(*map(int, sys.argv[1:]))
