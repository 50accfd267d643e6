"""The only maker of random keys: by name and step, never a threaded split. A key's meaning is read off its path."""
import zlib

import jax
import jax.numpy as jnp


def root(seed: int, *names: str) -> jax.Array:
  """The key of a seed and a path of names, e.g. `root(0, "fold3", "train")`."""
  key = jax.random.key(seed)
  for name in names:
    key = stream(key, name)
  return key


def stream(key: jax.Array, name: str) -> jax.Array:
  """The sub-key of a purpose; equal names give equal keys on every machine."""
  return jax.random.fold_in(key, zlib.crc32(name.encode()))


def at_step(key: jax.Array, step: jax.Array | int) -> jax.Array:
  """The sub-key of a step (traceable)."""
  return jax.random.fold_in(key, step)


def rows(key: jax.Array, n: int) -> jax.Array:
  """One key a row of a batch, [n]: padding rows cannot move the others' draws."""
  return jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(n))


def of_windows(key: jax.Array, id_b_2: jax.Array) -> jax.Array:
  """One key a window by its own id (record hash, index), so that no batch mate has a say; uint32 [b, 2] -> keys [b]."""
  both = jax.vmap(jax.random.fold_in, (None, 0))(key, id_b_2[:, 0])
  return jax.vmap(jax.random.fold_in)(both, id_b_2[:, 1])
