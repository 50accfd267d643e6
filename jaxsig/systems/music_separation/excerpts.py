"""Short excerpts of windows for a training step, and songs made of others' stems, all by key."""
from typing import NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig import rng
from jaxsig.systems.music_separation import spectra


class Augmentation(NamedTuple):
  """How excerpts are changed.

  Attributes:
    mixed: share of excerpts whose stems come from several songs.
    gains: lowest and highest factor of a stem; both 1 for none.
    swap: whether a stem's channels are swapped, half of the time.
  """
  mixed: float
  gains: tuple[float, float]
  swap: bool


def augmentation_of(config: ConfigDict) -> Augmentation:
  """What `config.augment` says."""
  augment = config.augment
  return Augmentation(augment.mixed, tuple(augment.gains), augment.swap)


def excerpt(key: jax.Array, x_b_t_j_c: jax.Array, samples: int) -> jax.Array:
  """So many samples [b, t, j, c] of each window, from a random place on."""
  last = x_b_t_j_c.shape[1] - samples
  keys_b = rng.rows(key, len(x_b_t_j_c))

  def place(one: jax.Array) -> jax.Array:
    return jax.random.randint(one, (), 0, last + 1)

  first_b = jax.vmap(place)(keys_b)
  return spectra.parts_of(x_b_t_j_c, first_b, samples, 0)


def augmented(key: jax.Array, x_b_t_j_c: jax.Array, how: Augmentation) -> jax.Array:
  """Stems [b, t, j, c] exchanged between excerpts, with gains, and channels swapped."""
  x_b_t_j_c = _mixed(rng.stream(key, "mixed"), x_b_t_j_c, how.mixed)
  x_b_t_j_c = _with_gains(rng.stream(key, "gains"), x_b_t_j_c, how.gains)
  if how.swap:
    x_b_t_j_c = _swapped(rng.stream(key, "swap"), x_b_t_j_c)
  return x_b_t_j_c


def _mixed(key: jax.Array, x_b_t_j_c: jax.Array, share: float) -> jax.Array:
  """Some excerpts with each stem of another excerpt."""
  if share == 0:
    return x_b_t_j_c
  b, _, stems, _ = x_b_t_j_c.shape
  shares_b = jax.random.uniform(rng.stream(key, "which"), (b,))
  is_mixed_b = shares_b < share
  parts = []
  for j in range(stems):
    order_b = jax.random.permutation(rng.stream(key, f"stem {j}"), b)
    stem_b_t_c = x_b_t_j_c[:, :, j]
    parts.append(jnp.where(is_mixed_b[:, None, None], stem_b_t_c[order_b], stem_b_t_c))
  return jnp.stack(parts, 2)


def _with_gains(key: jax.Array, x_b_t_j_c: jax.Array, gains: tuple[float, float]) -> jax.Array:
  """Stems times factors that are drawn uniformly in decibels."""
  if gains[0] == gains[1] == 1:
    return x_b_t_j_c
  b, _, stems, _ = x_b_t_j_c.shape
  low, high = jnp.log(gains[0]), jnp.log(gains[1])
  log_gain_b_j = jax.random.uniform(key, (b, stems), minval=low, maxval=high)
  return x_b_t_j_c * jnp.exp(log_gain_b_j)[:, None, :, None]


def _swapped(key: jax.Array, x_b_t_j_c: jax.Array) -> jax.Array:
  """Stems of which half have their channels swapped."""
  b, _, stems, _ = x_b_t_j_c.shape
  is_swapped_b_j = jax.random.bernoulli(key, 0.5, (b, stems))
  return jnp.where(is_swapped_b_j[:, None, :, None], x_b_t_j_c[..., ::-1], x_b_t_j_c)
