"""What the tests of predicting and exporting build: untrained models of small networks."""
import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsig import system as systems
from jaxsig.engine.run import shapes
from jaxsig.prediction.model import Model, simulated_run


def untrained(config: ConfigDict, name: str = "tiny") -> Model:
  """Returns a model of the config's network whose parameters are random; nothing is compiled."""
  system = systems.make(config)
  draw = np.random.default_rng(0)

  def random_like(x):
    return (0.1 * draw.standard_normal(x.shape)).astype(x.dtype)

  params, stats = shapes(simulated_run(config, system))
  stats = jax.tree.map(lambda x: np.ones(x.shape, x.dtype), stats)
  return Model(name, config, system, jax.tree.map(random_like, params), stats)
