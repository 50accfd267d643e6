"""The classical network of the notes: LeNet-5, with its connection table or with a learnt one.

LeCun et al., Gradient-based learning applied to document recognition (1998).
"""
from typing import NamedTuple

import flax.linen as nn
import jax

from jaxsig.systems.cnn_notes.feature_maps import activation
from jaxsig.systems.cnn_notes.layers import LearntCombination, MapConv, Pooling, Table
from jaxsig.systems.cnn_notes.simplex import Scalar


class Seen(NamedTuple):
  """What a network makes of images."""
  u_b_k: jax.Array                # outputs before their activation: logits, where there is none
  alpha_i_j: jax.Array | None     # combinations of the second convolution, where they are learnt
  maps: dict[str, jax.Array]      # {layer: [b, y, x, j]} after the activation


class ClassicalNetwork(nn.Module):
  """LeNet-5's layers C1, S2, C3, S4, C5, F6 and outputs: [b, y, x, 1] -> Seen.

  On 32 x 32 images C5 sees all of its 5 x 5 maps, so it is a dense layer.

  Attributes:
    maps: numbers of maps of C1 and of C3.
    kernel: side of the kernels.
    block: side of the blocks of sub-sampling.
    hidden: units of C5 and of F6.
    classes: outputs.
    table: connections of C3; ignored where these are learnt.
    combination: how connections of C3 are learnt, by the name of `simplex.combination`; "" for the
      table.
    shared: see `LearntCombination`, as for `keep` and `threshold`.
    pooling: "trainable", "average" or "max".
    activation: f by name.
    dropout: share of the units of C5 and F6 that training leaves out.
    keep: how many of its strongest connections a map of C3 keeps; 0 for all.
    threshold: only connections whose weight is larger.
  """
  maps: tuple[int, int]
  kernel: int
  block: int
  hidden: tuple[int, int]
  classes: int
  table: str | Table
  combination: str
  shared: bool
  pooling: str
  activation: str
  dropout: float = 0.0
  keep: int = 0
  threshold: float = 0.0

  @nn.compact
  def __call__(
      self,
      x_b_y_x_i: jax.Array,
      temperature: Scalar = 1.0,
      train: bool = False,
  ) -> Seen:
    maps = {}
    u_b_y_x_j = MapConv(self.maps[0], self.kernel, name="c1")(x_b_y_x_i)
    maps["c1"] = self._activated(u_b_y_x_j)
    maps["s2"] = self._pooled(maps["c1"], "s2")

    u_b_y_x_j, alpha_i_j = self._second_convolution(maps["s2"], temperature)
    maps["c3"] = self._activated(u_b_y_x_j)
    maps["s4"] = self._pooled(maps["c3"], "s4")

    x_b_c = maps["s4"].reshape(len(x_b_y_x_i), -1)
    for name, units in zip(("c5", "f6"), self.hidden, strict=True):
      u_b_c = nn.Dense(units, name=name)(x_b_c)
      dropout = nn.Dropout(self.dropout, deterministic=not train)
      x_b_c = dropout(self._activated(u_b_c))

    u_b_k = nn.Dense(self.classes, name="output")(x_b_c)
    return Seen(u_b_k, alpha_i_j, maps)

  def _second_convolution(
      self,
      x_b_y_x_i: jax.Array,
      temperature: Scalar,
  ) -> tuple[jax.Array, jax.Array | None]:
    """C3's total input, and its combinations where they are learnt."""
    outputs = self.maps[1]
    if not self.combination:
      layer = MapConv(outputs, self.kernel, self.table, name="c3")
      return layer(x_b_y_x_i), None

    layer = LearntCombination(
        features=outputs,
        kernel=self.kernel,
        kind=self.combination,
        shared=self.shared,
        keep=self.keep,
        threshold=self.threshold,
        name="c3",
    )
    return layer(x_b_y_x_i, temperature)

  def _activated(self, u: jax.Array) -> jax.Array:
    return activation(self.activation, u)

  def _pooled(self, x_b_y_x_j: jax.Array, name: str) -> jax.Array:
    return Pooling(self.pooling, self.block, self.activation, name=name)(x_b_y_x_j)
