"""A classical solver that starts from a network's proposal."""
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from jaxsig.systems.phase_retrieval import projections, solvers
from jaxsig.systems.phase_retrieval.scene import to_middle

# Chosen on validation images: how a proposal's support is drawn, and HIO from there on, where
# little blur is enough.
PROPOSED = solvers.Shrinkwrap(sigma_px=1.0, threshold=0.12)
FROM_PROPOSAL = {
    "hio": {
        "beta": 0.8,
        "shrinkwrap": solvers.Shrinkwrap(
            sigma_px=0.8,
            least_sigma_px=0.8,
            decay=1.0,
            threshold=0.07,
        ),
    },
}


def refined(
    image_b_y_x: jax.Array,
    intensity_b_v_u: jax.Array,
    keys_b: jax.Array,
    options: Mapping[str, object],
    real: bool,
    seen_v_u: jax.Array | None = None,
) -> tuple[jax.Array, jax.Array]:
  """Images [b, m, m] in the middle of the grid, and residuals [b]: the restart with the least.

  All restarts are given the proposal's support, which HIO then redraws (shrinkwrap) and the others
  keep; the first also starts from its image.

  Args:
    image_b_y_x: [b, m, m] the proposals.
    intensity_b_v_u: [b, m, m].
    keys_b: [b] random keys.
    options: "method" (HIO by default), "iterations" and "restarts" of `solvers.Options`.
    real: the objects are real, and then not negative.
    seen_v_u: [m, m], 0 where nothing is measured.

  Raises:
    UserError: an unknown method.
  """
  support_b_y_x = jax.vmap(_proposed_support)(image_b_y_x)
  tuned = FROM_PROPOSAL.get(options.get("method", "hio"), {})
  solution = solvers.solve(
      jnp.sqrt(intensity_b_v_u),
      keys_b,
      support_b_y_x,
      seen_v_u,
      start=image_b_y_x,
      **{**tuned, **options, "real": real, "positivity": real},
  )
  image, residual_b = solvers.best(solution)
  return to_middle(image), residual_b


def _proposed_support(image_y_x: jax.Array) -> jax.Array:
  return projections.shrunk_support(image_y_x, PROPOSED.sigma_px, PROPOSED.threshold)
