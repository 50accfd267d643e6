"""The network that a config describes, checked before anything is computed."""
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig.config import require_known
from jaxsig.errors import UserError
from jaxsig.system import Params
from jaxsig.systems.cnn_notes import simplex
from jaxsig.systems.cnn_notes.feature_maps import ACTIVATIONS
from jaxsig.systems.cnn_notes.layers import POOLINGS
from jaxsig.systems.cnn_notes.losses import LOSSES
from jaxsig.systems.cnn_notes.network import ClassicalNetwork

CLASSES = 10


def check(config: ConfigDict) -> None:
  """Raises UserError for an unknown name, or settings that do not go together."""
  model = config.model
  penalty = config.loss.penalty
  pruning = config.read.pruning
  choices = (
      ("loss.name", config.loss.name, LOSSES),
      ("model.pooling", model.pooling, POOLINGS),
      ("model.activation", model.activation, ACTIVATIONS),
      ("loss.penalty.name", penalty.name, simplex.PENALTIES),
      ("model.combination", model.combination or "softmax", simplex.KINDS),
  )
  for key, value, known in choices:
    require_known(key, value, known)

  needs_combination = penalty.name != "none" or pruning.keep or pruning.threshold
  if needs_combination and not model.combination:
    raise UserError(
        "loss.penalty, read.pruning.keep and read.pruning.threshold are of learnt connections: "
        "set model.combination, or leave them out")


def network(config: ConfigDict) -> ClassicalNetwork:
  """The network of `config.model`, pruned as `config.read.pruning` says.

  A first hidden width of 0 becomes the one that brings the network nearest to `model.parameters`
  parameters.

  Raises:
    UserError: `model.parameters` are too few for any width.
  """
  wide = config.model.hidden[0]
  if wide == 0:
    wide = _width_for(config)
  return _of_width(config, wide)


def _of_width(config: ConfigDict, wide: int) -> ClassicalNetwork:
  model = config.model
  return ClassicalNetwork(
      maps=tuple(model.maps),
      kernel=model.kernel,
      block=model.block,
      hidden=(wide, model.hidden[1]),
      classes=CLASSES,
      table=model.table,
      combination=model.combination,
      shared=model.shared,
      pooling=model.pooling,
      activation=model.activation,
      dropout=model.dropout,
      keep=config.read.pruning.keep,
      threshold=config.read.pruning.threshold,
  )


def _width_for(config: ConfigDict) -> int:
  """The first hidden width for `model.parameters`, which grow by the same number with each unit."""
  wanted = config.model.parameters
  with_one = _parameters_of_width(config, 1)
  with_two = _parameters_of_width(config, 2)
  if wanted < with_one:
    raise UserError(
        f"model.parameters={wanted} are fewer than the {with_one} that the network has with a "
        "single unit in C5: allow it more")
  return 1 + round((wanted - with_one) / (with_two - with_one))


def _parameters_of_width(config: ConfigDict, wide: int) -> int:
  side = config.data.size // config.data.shrink + 2 * config.model.margin
  images = jnp.zeros((1, side, side, 1))
  init = _of_width(config, wide).init
  return parameters(jax.eval_shape(init, jax.random.key(0), images))


def parameters(params: Params) -> int:
  """The number of parameters."""
  return sum(x.size for x in jax.tree.leaves(params))
