"""What the tests of respiration share."""
import jax
import pytest


@pytest.fixture(scope="module")
def quick_compilation():
  """Compiles without XLA's optimisations: a test's programs run once, so compiling is what
  costs."""
  jax.config.update("jax_disable_most_optimizations", True)
  yield
  jax.config.update("jax_disable_most_optimizations", False)
