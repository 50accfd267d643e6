"""The classical network of the notes: LeNet-5 (LeCun et al. 1998) with its connection table, or with one that is learnt."""
from typing import NamedTuple

import flax.linen as nn
import jax

from jaxsig.systems.cnn_notes.feature_maps import activation
from jaxsig.systems.cnn_notes.layers import LearntCombination, MapConv, Pooling


class Seen(NamedTuple):
  """What a network makes of images."""
  u_b_k: jax.Array                # the last layer before its activation: logits, where there is none
  alpha_i_j: jax.Array | None     # the combinations of the second convolution, where they are learnt
  maps: dict                      # {layer: [b, y, x, j]} after the activation


class ClassicalNetwork(nn.Module):
  """C1, S2, C3, S4, C5, F6 and outputs: [b, y, x, 1] -> Seen. On 32 x 32 images C5 sees all of its 5 x 5 maps, so it is a dense layer.

  Args:
    maps: of C1 and of C3.
    kernel: side of the kernels.
    block: side of the blocks of sub-sampling.
    hidden: units of C5 and of F6.
    classes: outputs.
    table: connections of C3; of no use where these are learnt.
    combination: how connections of C3 are learnt, by the name of `signal.simplex.combination`; "" for the table.
    shared, keep, threshold: of `LearntCombination`.
    pooling: "trainable", "average" or "max".
    activation: f by name.
    dropout: share of the units of C5 and F6 that training leaves out.
  """
  maps: tuple
  kernel: int
  block: int
  hidden: tuple
  classes: int
  table: str | tuple
  combination: str
  shared: bool
  pooling: str
  activation: str
  dropout: float = 0.0
  keep: int = 0
  threshold: float = 0.0

  @nn.compact
  def __call__(self, x_b_y_x_i: jax.Array, temperature: jax.Array | float = 1.0, train: bool = False) -> Seen:
    f = lambda u: activation(self.activation, u)
    pool = lambda x, name: Pooling(self.pooling, self.block, self.activation, name=name)(x)
    maps, alpha_i_j = {}, None
    maps["c1"] = f(MapConv(self.maps[0], self.kernel, name="c1")(x_b_y_x_i))
    maps["s2"] = pool(maps["c1"], "s2")
    if self.combination:
      layer = LearntCombination(self.maps[1], self.kernel, self.combination, self.shared, self.keep, self.threshold, name="c3")
      u_b_y_x_j, alpha_i_j = layer(maps["s2"], temperature)
    else:
      u_b_y_x_j = MapConv(self.maps[1], self.kernel, self.table, name="c3")(maps["s2"])
    maps["c3"] = f(u_b_y_x_j)
    maps["s4"] = pool(maps["c3"], "s4")
    x_b_c = maps["s4"].reshape(len(x_b_y_x_i), -1)
    for name, units in zip(("c5", "f6"), self.hidden, strict=True):
      x_b_c = nn.Dropout(self.dropout, deterministic=not train)(f(nn.Dense(units, name=name)(x_b_c)))
    return Seen(nn.Dense(self.classes, name="output")(x_b_c), alpha_i_j, maps)
