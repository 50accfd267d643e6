"""Networks of blood pressure: a trunk that makes features of windows, and linear heads."""
import flax.linen as nn
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsig.systems.blood_pressure.keras_layers import dense
from jaxsig.systems.blood_pressure.network_alexnet import AlexNet
from jaxsig.systems.blood_pressure.network_lstm import PRESETS, Lstm
from jaxsig.systems.blood_pressure.network_resnet import ResNet50, SmallResNet
from jaxsig.systems.blood_pressure.network_spectro_temporal import SpectroTemporal

NETWORKS = ("ours", "small_resnet", "lstm", "alexnet", "resnet50", "spectro_temporal")
TYPICAL_BPM, SPREAD_BPM = 80.0, 20.0   # pulse rates, by which the input is scaled


class PressureNetwork(nn.Module):
  """Windows to outputs for both targets.

  Attributes:
    trunk: windows [b, t, c] to features [b, f].
    outputs: for each target.
    uses_rate: whether the pulse rate joins the features.
    relu_heads: the outputs are never negative, as in published code; such a head may die.
    hidden: width of a dense layer after the trunk; 0 for none.
    is_relative: features of a known window are taken away from those of the window, as the outputs
      are changes from its pressure.
  """
  trunk: nn.Module
  outputs: int
  uses_rate: bool = False
  relu_heads: bool = False
  hidden: int = 0
  is_relative: bool = False

  @nn.compact
  def __call__(
      self,
      x_b_t_c: jax.Array,
      rate_bpm_b: jax.Array,
      known_b_t_c: jax.Array | None = None,
      train: bool = False,
  ) -> jax.Array:
    """[b, p, q] outputs."""
    features = self.trunk(x_b_t_c, train)
    if self.is_relative:
      features = features - self.trunk(known_b_t_c, train)
    if self.uses_rate:
      rate_b = (rate_bpm_b - TYPICAL_BPM) / SPREAD_BPM
      features = jnp.concatenate([features, rate_b[:, None]], -1)
    if self.hidden:
      features = nn.silu(dense(self.hidden, "hidden")(features))
    output = dense(2 * self.outputs, "heads")(features)
    if self.relu_heads:
      output = nn.relu(output)
    return output.reshape(len(x_b_t_c), 2, self.outputs)


def trunk_of(config: ConfigDict) -> nn.Module:
  """The trunk of `config.model`, by its `network` and the sizes that belong to it."""
  name = config.network
  if name in ("ours", "small_resnet"):
    return SmallResNet(tuple(config.channels), config.kernel)
  if name == "lstm":
    filters, padding, units, widths = PRESETS[config.preset]
    units = tuple(max(1, int(width * config.width)) for width in units)
    return Lstm(filters, padding, units, widths, config.stride)
  if name == "alexnet":
    return AlexNet(tuple(config.filters), config.dense)
  if name == "resnet50":
    return ResNet50(tuple(config.filters), first_channel_only=config.first_channel_only)
  return SpectroTemporal(pool_stride=config.stride)
