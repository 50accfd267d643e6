"""Random keys by name and step, the only maker of keys.

A key is never the rest of a threaded split: its meaning is read off its path.
"""
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
  number = zlib.crc32(name.encode())
  return jax.random.fold_in(key, number)


def at_step(key: jax.Array, step: jax.Array | int) -> jax.Array:
  """The sub-key of a step (traceable)."""
  return jax.random.fold_in(key, step)


def rows(key: jax.Array, n: int) -> jax.Array:
  """One key a row of a batch, [n]: padding rows cannot move the others' draws."""
  row_b = jnp.arange(n)
  return _fold_in_each(key, row_b)


def of_windows(key: jax.Array, id_b_2: jax.Array) -> jax.Array:
  """One key a window, [b], by its own id, so that no batch mate has a say.

  Args:
    key: of all windows.
    id_b_2: uint32 [b, 2]: hash of the record's id, index of the window in the record.
  """
  record_b = id_b_2[:, 0]
  index_b = id_b_2[:, 1]
  keys_b = _fold_in_each(key, record_b)
  fold_in = jax.vmap(jax.random.fold_in)
  return fold_in(keys_b, index_b)


def _fold_in_each(key: jax.Array, number_b: jax.Array) -> jax.Array:
  """One key with each of some numbers folded in, [b]."""
  fold_in = jax.vmap(
      jax.random.fold_in,
      in_axes=(None, 0),
  )
  return fold_in(key, number_b)
