"""Convolution and stacked bidirectional LSTMs (Schrumpf et al. 2021)."""
import flax.linen as nn
import jax

from jaxsig.systems.blood_pressure.keras_layers import BiLstm, conv, dense

# name: (filters of the convolution, its padding, units of the LSTMs, widths of the dense layers)
PRESETS = {
    "released": (32, "SAME", (64, 64, 32), (128,)),                     # 198,466 parameters
    "main": (64, "CAUSAL", (128, 128, 64), (512, 256, 128)),            # 987,138
    "paper": (32, "SAME", (64, 64, 64, 32), (128,)),                    # 297,282
}


class Lstm(nn.Module):
  """Windows [b, t, c] to features: the last output of the last LSTM through dense layers.

  Attributes:
    filters: of the convolution of 5 samples.
    padding: "SAME", or "CAUSAL".
    units: of each direction of each LSTM.
    dense: widths of the dense layers.
    stride: of the convolution; above 1 the LSTMs have so many steps less (not the paper's).
    scan_form: see `recurrent.resolve`.
  """
  filters: int = 32
  padding: str = "SAME"
  units: tuple[int, ...] = (64, 64, 32)
  dense: tuple[int, ...] = (128,)
  stride: int = 1
  scan_form: str = "auto"

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array, train: bool) -> jax.Array:
    del train
    y = nn.relu(conv(self.filters, 5, "conv", self.stride, self.padding)(x_b_t_c))
    for layer, units in enumerate(self.units, 1):
      is_last = layer == len(self.units)
      y = BiLstm(units, is_last, self.scan_form, name=f"lstm_{layer}")(y)
    for layer, width in enumerate(self.dense, 1):
      y = nn.relu(dense(width, f"dense_{layer}")(y))
    return y
