"""AlexNet in one dimension (Schrumpf et al., Sensors 21:6022, 2021): 54,607,234 parameters."""
import flax.linen as nn
import jax

from jaxsig.systems.blood_pressure.keras_layers import batch_norm, conv, dense, max_pool

FILTERS = (96, 256, 384, 384, 256)
DENSE = 4096
DROPOUT = 0.5


class AlexNet(nn.Module):
  """Windows [b, t, c] to features [b, dense].

  Attributes:
    filters: of the five convolutions; the published ones by default.
    dense: width of the two dense layers.
  """
  filters: tuple[int, ...] = FILTERS
  dense: int = DENSE

  @nn.compact
  def __call__(self, x_b_t_c: jax.Array, train: bool) -> jax.Array:
    first, second, third, fourth, fifth = self.filters
    y = conv(first, 7, "conv_1", stride=3)(x_b_t_c)
    y = batch_norm(train, "norm_1")(nn.relu(max_pool(y, 3, 2)))
    y = conv(second, 3, "conv_2")(y)
    y = batch_norm(train, "norm_2")(nn.relu(max_pool(y, 3, 2)))
    y = batch_norm(train, "norm_3")(nn.relu(conv(third, 3, "conv_3")(y)))
    y = batch_norm(train, "norm_4")(nn.relu(conv(fourth, 3, "conv_4")(y)))
    y = conv(fifth, 3, "conv_5")(y)
    y = batch_norm(train, "norm_5")(nn.relu(max_pool(y, 3, 2)))

    features = y.reshape(len(y), -1)
    for layer in (1, 2):
      features = nn.relu(dense(self.dense, f"dense_{layer}")(features))
      features = nn.Dropout(DROPOUT, deterministic=not train)(features)
    return features
