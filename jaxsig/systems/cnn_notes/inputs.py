"""Images as the network sees them: framed, standardised by what was trained on, and augmented."""
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from jaxsig import rng
from jaxsig.system import Stats

LEAST_VARIANCE = 1e-6   # is added: images of one grey do not blow up


def framed(image_b_y_x: jax.Array, margin: int) -> jax.Array:
  """[b, y, x, 1] from 0 to 1, with `margin` dark pixels about each image.

  What lies at an image's edge then lies within the reach of a whole kernel.

  Args:
    image_b_y_x: 255 for white.
    margin: in pixels.
  """
  x_b_y_x = jnp.asarray(image_b_y_x, jnp.float32) / 255
  about = (margin, margin)
  return jnp.pad(x_b_y_x, [(0, 0), about, about])[..., None]


def first_sums() -> dict[str, jax.Array]:
  """The running sums before any image was trained on."""
  return {"sum": jnp.zeros(()), "square": jnp.zeros(()), "count": jnp.zeros(())}


def counted(stats: Stats, x_b_y_x_i: jax.Array, weight_b: jax.Array) -> dict[str, jax.Array]:
  """The running sums of pixels {sum, square, count} with a batch of trained images added.

  Networks of tanh want inputs of mean 0 and variance 1 (LeCun et al. 1998).

  Args:
    stats: with the sums so far.
    x_b_y_x_i: framed images.
    weight_b: 0 for padding rows.
  """
  mean_b = jnp.mean(x_b_y_x_i, (1, 2, 3))
  mean_square_b = jnp.mean(x_b_y_x_i**2, (1, 2, 3))
  return {
      "sum": stats["sum"] + jnp.sum(weight_b * mean_b),
      "square": stats["square"] + jnp.sum(weight_b * mean_square_b),
      "count": stats["count"] + jnp.sum(weight_b),
  }


def standardised(stats: Stats, x_b_y_x_i: jax.Array) -> jax.Array:
  """Framed images with the mean and variance of the trained ones taken away."""
  count = jnp.maximum(stats["count"], 1)
  mean = stats["sum"] / count
  variance = stats["square"] / count - mean**2
  scale = jax.lax.rsqrt(jnp.maximum(variance, 0) + LEAST_VARIANCE)
  return (x_b_y_x_i - mean) * scale


def network_input(stats: Stats, batch: Mapping[str, jax.Array], margin: int) -> jax.Array:
  """[b, y, x, 1] framed and standardised images of a batch."""
  return standardised(stats, framed(batch["image_b_y_x"], margin))


def augmented(x_b_y_x_i: jax.Array, key: jax.Array, flip: bool, shift_px: int) -> jax.Array:
  """Images mirrored by chance and shifted, each by a key of its own.

  Args:
    x_b_y_x_i: [b, y, x, i].
    key: of the batch.
    flip: mirrors each image left to right with probability 1/2.
    shift_px: the largest shift in each direction; what leaves at one edge comes back at the other.
  """
  keys_b = rng.rows(key, len(x_b_y_x_i))
  if flip:
    is_mirrored_b = jax.vmap(_coin)(keys_b)
    mirrored = x_b_y_x_i[:, :, ::-1]
    x_b_y_x_i = jnp.where(is_mirrored_b[:, None, None, None], mirrored, x_b_y_x_i)
  if not shift_px:
    return x_b_y_x_i

  def shift_of(key: jax.Array) -> jax.Array:
    return jax.random.randint(rng.stream(key, "shift"), (2,), -shift_px, shift_px + 1)

  shift_b_2 = jax.vmap(shift_of)(keys_b)
  return jax.vmap(_rolled)(x_b_y_x_i, shift_b_2)


def _coin(key: jax.Array) -> jax.Array:
  return jax.random.bernoulli(rng.stream(key, "flip"))


def _rolled(x_y_x_i: jax.Array, shift_2: jax.Array) -> jax.Array:
  return jnp.roll(x_y_x_i, shift_2, (0, 1))
