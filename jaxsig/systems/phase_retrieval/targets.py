"""Training targets of phase retrieval: which of the objects that share an intensity."""
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxsig.systems.phase_retrieval import canonical

TARGETS = ("as_is", "centred", "literal", "canonical")


class Target(NamedTuple):
  """What the network should find for a batch of objects."""
  image_b_y_x: jax.Array    # [b, n, n]
  omega_b_v_u: jax.Array    # [b, m, m] phases of that image about `centre_b_2`
  centre_b_2: jax.Array     # [b, 2] row and column of the n-frame


def target_of(
    kind: str,
    rule: str,
    x_b_y_x: jax.Array,
    m: int,
    weights_k: jax.Array | None = None,
) -> Target:
  """The equivalent of each object [b, n, n] that a network is to find.

  Args:
    kind: which equivalent.
      "as_is": the object as it lies in its frame.
      "literal": the phases by the steps of Tayal et al. (2020) as they are written, with the image
        of "as_is".
      "centred": the object moved to the middle of its frame.
      "canonical": the canonical object.
    rule: how "canonical" decides the flip: see `canonical.canonicalise`.
    x_b_y_x: [b, n, n].
    m: size of the grid.
    weights_k: of the rule "odd_pca".
  """
  b = len(x_b_y_x)
  n = x_b_y_x.shape[-1]

  if kind == "as_is":
    centre = jnp.full((b, 2), (n - 1) / 2)
    omega = canonical.phases_about(x_b_y_x, centre, m)
    return Target(x_b_y_x, omega, centre)

  if kind == "literal":
    centre = jnp.full((b, 2), 0.0)
    omega = canonical.literal(x_b_y_x, m)
    return Target(x_b_y_x, omega, centre)

  representative = canonical.canonicalise(x_b_y_x, m, rule, weights_k)
  omega = representative.omega_v_u
  centre = canonical.centre_of(n, representative.odd)

  if kind == "canonical":
    image = canonical.canonicalise_image(x_b_y_x, m, rule, weights_k)
    return Target(image, omega, centre)

  # "centred": undo the flip of the canonical phases.
  was_flipped = representative.flipped[:, None, None]
  unflipped_omega = jnp.where(was_flipped, jnp.conj(omega), omega)
  return Target(canonical.at_middle(x_b_y_x), unflipped_omega, centre)
