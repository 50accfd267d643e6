"""Times HIO with shrinkwrap, batched here, against loops over images with SciPy's transforms, in one run.

  python -m benchmarks.phase_solvers [images]       a minute on one core; 16 images by default

All take the same 200 iterations from the same starts and supports, with a look at the residual and a new support every 20, and
none stops early. The loops keep one image in the cache, update in place and use one thread; the last one is written as scripts
usually are: full plane, double precision, a new array for every step. Candidates take turns and medians over rounds count; read
the ratios, which are to the faster of the single-precision and double-precision loops of rfft2.
"""
import sys

import jax
import jax.numpy as jnp
import numpy as np
import scipy.fft
import scipy.ndimage

from benchmarks.timing import header, interleaved, row
from jaxsig.engine import mesh
from jaxsig.systems.phase_retrieval import projections as phase_projections
from jaxsig.systems.phase_retrieval import solvers as phase_solvers

M, ITERATIONS, EVERY, BETA, ROUNDS = 96, 200, 20, 0.9, 7
GROUPS = (1, 4, 16, 64)
SHRINKWRAP = phase_solvers.Shrinkwrap()


def objects(images: int) -> np.ndarray:
  """[b, m, m] float32: textured blobs of up to 28 pixels in the corner."""
  rng = np.random.default_rng(0)
  smooth = scipy.ndimage.gaussian_filter(rng.normal(size=(images, 28, 28)), (0, 2, 2)) * 4
  return np.pad(np.maximum(smooth + 0.3, 0), ((0, 0), (0, M - 28), (0, M - 28))).astype(np.float32)


def loop_in_place(magnitude_v_u: np.ndarray, support_y_x: np.ndarray, x_y_x: np.ndarray) -> float:
  """HIO with shrinkwrap of a real image by rfft2, in the precision of its start; the residual at the end."""
  dtype = x_y_x.dtype.type
  magnitude_v_u, x_y_x = magnitude_v_u[:, :M // 2 + 1].astype(dtype), x_y_x.copy()
  weight_v_u = np.where(np.arange(M // 2 + 1) % (M // 2) == 0, 1, 2).astype(dtype)
  square_v_u = (np.fft.fftfreq(M)[:, None] ** 2 + np.fft.rfftfreq(M) ** 2).astype(dtype)
  scale_v_u, step_y_x, residual = np.empty_like(magnitude_v_u), np.empty_like(x_y_x), np.inf
  for i in range(1, ITERATIONS + 1):
    f_v_u = scipy.fft.rfft2(x_y_x, workers=1)
    np.maximum(np.abs(f_v_u, out=scale_v_u), 1e-12, out=scale_v_u)
    f_v_u *= np.divide(magnitude_v_u, scale_v_u, out=scale_v_u)
    p_y_x = scipy.fft.irfft2(f_v_u, (M, M), workers=1, overwrite_x=True)
    inside_y_x = support_y_x & (p_y_x >= 0)
    x_y_x -= np.multiply(p_y_x, dtype(BETA), out=step_y_x)
    np.copyto(x_y_x, p_y_x, where=inside_y_x)
    if i % EVERY == 0:
      f_v_u = scipy.fft.rfft2(np.where(inside_y_x, p_y_x, 0), workers=1)
      residual = np.sqrt(np.sum(weight_v_u * (np.abs(f_v_u) - magnitude_v_u) ** 2) / np.sum(weight_v_u * magnitude_v_u ** 2))
      f_v_u *= np.exp(dtype(-2 * (np.pi * sigma_px(i)) ** 2) * square_v_u)
      blurred_y_x = scipy.fft.irfft2(f_v_u, (M, M), workers=1)
      support_y_x = blurred_y_x >= SHRINKWRAP.threshold * blurred_y_x.max()
  return float(residual)


def loop_of_scripts(magnitude_v_u: np.ndarray, support_y_x: np.ndarray, x_y_x: np.ndarray) -> float:
  """The same by fft2 on the full plane, without a thought for speed."""
  residual = np.inf
  for i in range(1, ITERATIONS + 1):
    p_y_x = scipy.fft.ifft2(magnitude_v_u * np.exp(1j * np.angle(scipy.fft.fft2(x_y_x)))).real
    inside_y_x = support_y_x & (p_y_x >= 0)
    x_y_x = np.where(inside_y_x, p_y_x, x_y_x - BETA * p_y_x)
    if i % EVERY == 0:
      image_y_x = np.where(inside_y_x, p_y_x, 0)
      residual = np.linalg.norm(np.abs(scipy.fft.fft2(image_y_x)) - magnitude_v_u) / np.linalg.norm(magnitude_v_u)
      blurred_y_x = scipy.ndimage.gaussian_filter(image_y_x, sigma_px(i), mode="wrap")
      support_y_x = blurred_y_x >= SHRINKWRAP.threshold * blurred_y_x.max()
  return float(residual)


def sigma_px(iteration: int) -> float:
  return max(SHRINKWRAP.sigma_px * SHRINKWRAP.decay ** (iteration / EVERY - 1), SHRINKWRAP.least_sigma_px)


def candidates(images: int) -> dict:
  """{name: function that returns the residuals [b] at the end}."""
  magnitude = np.abs(np.fft.fft2(objects(images))).astype(np.float32)
  start = np.random.default_rng(1).normal(size=magnitude.shape).astype(np.float32)
  support = np.array(jax.vmap(phase_projections.autocorrelation_support)(magnitude))
  keys_b, ours = jax.random.split(jax.random.key(0), images), jax.device_put((magnitude, support, start))

  def batched(group):
    solution = phase_solvers.solve(ours[0], keys_b, ours[1], start=ours[2], group=group, iterations=ITERATIONS, every=EVERY, beta=BETA,
                                   final_er=0, tolerance=0.0, shrinkwrap=SHRINKWRAP)
    return np.asarray(solution.residual_b_r[:, 0])

  def looped(loop, dtype):
    return np.array([loop(m.astype(dtype), s, x.astype(dtype)) for m, s, x in zip(magnitude, support, start)])

  groups = dict.fromkeys(min(g, images) for g in GROUPS)
  return {"SciPy rfft2, single": lambda: looped(loop_in_place, np.float32),
          "SciPy rfft2, double": lambda: looped(loop_in_place, np.float64),
          "SciPy fft2, as in scripts": lambda: looped(loop_of_scripts, np.float64),
          **{f"jaxsig, {g} at once": lambda g=g: batched(g) for g in groups}}


def main(images: int = 16) -> None:
  """Prints seconds per image and ratios, and the median residual, which must be alike: rounding alone parts the candidates."""
  mesh.start()
  runs = candidates(images)
  taken = interleaved(runs, ROUNDS)
  base = min((taken[name] for name in taken if "rfft2" in name), key=lambda t: t.wall_s)
  print(f"{images} images of {M} x {M}, {ITERATIONS} iterations, {jax.default_backend()}")
  header("solver", "ms per image", "processor ms per image", "microseconds per iteration", "times as fast", "median residual")
  for name, spent in taken.items():
    row(name, 1e3 * spent.wall_s / images, 1e3 * spent.processor_s / images, 1e6 * spent.wall_s / images / ITERATIONS,
        base.wall_s / spent.wall_s, float(jnp.median(runs[name]())))


if __name__ == "__main__":
  main(*map(int, sys.argv[1:]))
