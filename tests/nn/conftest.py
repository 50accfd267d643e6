"""What the tests of networks' parts share."""

import jax
import pytest


@pytest.fixture(scope="module")
def quick_compilation():
  """Compiles without XLA's optimisations: a test's programs run once."""
  jax.config.update("jax_disable_most_optimizations", True)
  yield
  jax.config.update("jax_disable_most_optimizations", False)
