"""What a network of phase retrieval is trained to find: which of the objects that share an intensity."""
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxsig.systems.phase_retrieval import canonical

TARGETS = ("as_is", "centred", "literal", "canonical")


class Target(NamedTuple):
  """What the network should find of a batch of objects."""
  image_b_y_x: jax.Array    # [b, n, n]
  omega_b_v_u: jax.Array    # [b, m, m] phases of that image about `centre_b_2`
  centre_b_2: jax.Array     # [b, 2] row and column of the n-frame


def target_of(kind: str, rule: str, x_b_y_x: jax.Array, m: int, weights_k: jax.Array | None = None) -> Target:
  """The equivalent of each object [b, n, n] that a network is to find.

  Args:
    kind: "as_is", as the object lies in its frame; "centred", moved to the middle; "canonical"; or "literal", the phases by the
      steps of Tayal et al. (2020) as they are written, whose image is that of "as_is".
    rule: by which "canonical" is flipped: see `canonical.canonicalise`; and its `weights_k`.
    x_b_y_x: [b, n, n].
    m: size of the grid.
    weights_k: of the rule "odd_pca".
  """
  n, b = x_b_y_x.shape[-1], len(x_b_y_x)
  if kind in ("as_is", "literal"):
    centre = jnp.full((b, 2), (n - 1) / 2 if kind == "as_is" else 0.0)
    omega = canonical.phases_about(x_b_y_x, centre, m) if kind == "as_is" else canonical.literal(x_b_y_x, m)
    return Target(x_b_y_x, omega, centre)
  found = canonical.canonicalise(x_b_y_x, m, rule, weights_k)
  centre = canonical.centre_of(n, found.odd)
  if kind == "canonical":
    return Target(canonical.canonicalise_image(x_b_y_x, m, rule, weights_k), found.omega_v_u, centre)
  lying = jnp.where(found.flipped[:, None, None], jnp.conj(found.omega_v_u), found.omega_v_u)
  return Target(canonical.at_middle(x_b_y_x), lying, centre)
