"""The published networks: their numbers of parameters, and the same outputs as in Keras."""
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsig.systems.blood_pressure import keras_layers
from jaxsig.systems.blood_pressure.network import PressureNetwork
from jaxsig.systems.blood_pressure.network_alexnet import AlexNet
from jaxsig.systems.blood_pressure.network_lstm import PRESETS, Lstm
from jaxsig.systems.blood_pressure.network_resnet import ResNet50
from jaxsig.systems.blood_pressure.network_spectro_temporal import SpectroTemporal, spectrogram_db

pytestmark = pytest.mark.usefixtures("quick_compilation")

SAMPLES = 875


def counts(trunk, channels=1):
  """(all numbers of a network, those of them that are running statistics)."""
  network = PressureNetwork(trunk, outputs=1)

  def init(key):
    return network.init(key, jnp.zeros((2, SAMPLES, channels)), jnp.zeros(2))

  shapes = jax.eval_shape(init, jax.random.key(0))
  size = lambda tree: sum(x.size for x in jax.tree.leaves(tree))
  return size(shapes), size(shapes.get("batch_stats", {}))


@pytest.mark.parametrize(
    ("trunk", "channels", "expected"),
    [
        (AlexNet(), 1, (54_607_234, 2_752)),
        (ResNet50(), 1, (16_070_786, 53_120)),
        (SpectroTemporal(), 1, (274_387, 2_180)),
        (SpectroTemporal(), 3, (790_043, 6_280)),
        (Lstm(*PRESETS["released"]), 1, (198_466, 0)),
        (Lstm(*PRESETS["main"]), 1, (987_138, 0)),
        (Lstm(*PRESETS["paper"]), 1, (297_282, 0)),
    ],
    ids=["alexnet", "resnet50", "spectro_temporal", "three_channels", "lstm", "main", "paper"],
)
def test_a_network_has_the_published_number_of_parameters(trunk, channels, expected):
  assert counts(trunk, channels) == expected


def test_the_resnet_of_the_released_code_overwrites_derivatives():
  x = jax.random.normal(jax.random.key(0), (2, SAMPLES, 3))
  trunk = ResNet50((4, 4, 4, 4), (1, 1, 1, 1), first_channel_only=True)
  variables = trunk.init(jax.random.key(1), x, False)
  alone = trunk.apply(variables, x[..., :1], False)
  np.testing.assert_array_equal(trunk.apply(variables, x, False), alone)


def test_a_spectrogram_has_frames_of_64_samples_and_a_floor():
  time = np.arange(SAMPLES)
  tone = 1e5 * np.sin(2 * np.pi * 10 / 64 * time)[None].astype(np.float32)
  level_db = np.asarray(spectrogram_db(tone))
  assert level_db.shape == (1, 13, 33)
  assert (level_db[0].argmax(-1) == 10).all()
  assert level_db.min() == pytest.approx(level_db.max() - 80, abs=1e-3)
  assert np.asarray(spectrogram_db(np.zeros((1, SAMPLES)))).min() == pytest.approx(-50)


# Keras

@pytest.fixture(scope="module")
def keras():
  return pytest.importorskip("keras")


def random_like(tree, seed):
  """Arrays of the shapes of a tree; positive ones for variances."""
  draw = np.random.default_rng(seed)

  def make(path, x):
    value = 0.2 * draw.standard_normal(x.shape)
    if "var" in str(path[-1]) or "scale" in str(path[-1]):
      value = 0.5 + np.abs(value)
    return jnp.asarray(value, jnp.float32)

  return jax.tree_util.tree_map_with_path(make, tree)


class Copy:
  """Keras layers that take the weights of ours by the names of ours."""

  def __init__(self, keras, variables):
    self.layers = keras.layers
    self.params = variables["params"]
    self.stats = variables.get("batch_stats", {})
    self.waiting = []

  def at(self, path, tree):
    for name in path:
      tree = tree[name]
    return tree

  def conv(self, x, path, filters, kernel, stride=1, padding="same"):
    layer = self.layers.Conv1D(filters, kernel, strides=stride, padding=padding)
    own = self.at(path, self.params)
    self.waiting.append((layer, [own["kernel"], own["bias"]]))
    return layer(x)

  def norm(self, x, path):
    layer = self.layers.BatchNormalization(epsilon=1e-3)
    own, stats = self.at(path, self.params), self.at(path, self.stats)
    self.waiting.append((layer, [own["scale"], own["bias"], stats["mean"], stats["var"]]))
    return layer(x)

  def dense(self, x, path, units, activation=None):
    layer = self.layers.Dense(units, activation=activation)
    own = self.at(path, self.params)
    self.waiting.append((layer, [own["kernel"], own["bias"]]))
    return layer(x)

  def lstm(self, x, path, units, sequences):
    layer = self.layers.Bidirectional(self.layers.LSTM(units, return_sequences=sequences))
    own = self.at(path, self.params)
    names = ("kernel", "recurrent_kernel", "bias")
    weights = [own[f"{way}_{name}"] for way in ("forward", "backward") for name in names]
    self.waiting.append((layer, weights))
    return layer(x)

  def gru(self, x, path, units):
    layer = self.layers.GRU(units, reset_after=True)
    own = self.at(path, self.params)
    self.waiting.append((layer, [own["kernel"], own["recurrent_kernel"], own["bias"]]))
    return layer(x)

  def relu(self, x):
    return self.layers.ReLU()(x)

  def finish(self):
    for layer, weights in self.waiting:
      layer.set_weights([np.asarray(weight) for weight in weights])


def keras_lstm(own, x):
  y = own.relu(own.conv(x, ["trunk", "conv"], 8, 5))
  y = own.lstm(y, ["trunk", "lstm_1"], 6, True)
  y = own.lstm(y, ["trunk", "lstm_2"], 4, False)
  return own.dense(y, ["trunk", "dense_1"], 10, "relu")


def keras_alexnet(own, x):
  y = x
  for number, (filters, kernel, stride) in enumerate(((6, 7, 3), (8, 3, 1)), 1):
    y = own.conv(y, ["trunk", f"conv_{number}"], filters, kernel, stride)
    y = own.layers.MaxPooling1D(3, 2)(y)
    y = own.norm(own.relu(y), ["trunk", f"norm_{number}"])
  for number, filters in ((3, 10), (4, 10)):
    y = own.relu(own.conv(y, ["trunk", f"conv_{number}"], filters, 3))
    y = own.norm(y, ["trunk", f"norm_{number}"])
  y = own.layers.MaxPooling1D(3, 2)(own.conv(y, ["trunk", "conv_5"], 8, 3))
  y = own.norm(own.relu(y), ["trunk", "norm_5"])
  y = own.layers.Flatten()(y)
  y = own.dense(y, ["trunk", "dense_1"], 16, "relu")
  return own.dense(y, ["trunk", "dense_2"], 16, "relu")


def keras_resnet(own, x):
  y = own.layers.ZeroPadding1D(3)(x)
  y = own.conv(y, ["trunk", "conv_1"], 4, 7, 2, "valid")
  y = own.relu(own.norm(y, ["trunk", "norm_1"]))
  y = own.layers.MaxPooling1D(3, 3)(y)
  for stage, (width, depth) in enumerate(((4, 2), (6, 1), (6, 1), (8, 1)), 1):
    for block in range(1, depth + 1):
      path = ["trunk", f"stage_{stage}_block_{block}"]
      stride = 2 if block == 1 and stage > 1 else 1
      shortcut = y
      if block == 1:
        shortcut = own.conv(y, [*path, "conv_0"], 4 * width, 1, stride, "valid")
        shortcut = own.norm(shortcut, [*path, "norm_0"])
      z = own.conv(y, [*path, "conv_1"], width, 1, stride, "valid")
      z = own.relu(own.norm(z, [*path, "norm_1"]))
      z = own.relu(own.norm(own.conv(z, [*path, "conv_2"], width, 3), [*path, "norm_2"]))
      z = own.norm(own.conv(z, [*path, "conv_3"], 4 * width, 1), [*path, "norm_3"])
      y = own.relu(own.layers.Add()([shortcut, z]))
  y = own.layers.AveragePooling1D(2, 2)(y)
  return own.layers.Flatten()(y)


def keras_spectro_temporal(own, x, keras):
  y = own.norm(x, ["trunk", "norm_input_0"])
  shortcut = x
  for number, filters in enumerate((4, 6), 1):
    path = ["trunk", f"channel_0_block_{number}"]
    for k, kernel in enumerate((8, 5, 5), 1):
      y = own.norm(own.conv(y, [*path, f"conv_{k}"], filters, kernel), [*path, f"norm_{k}"])
      if k < 3:
        y = own.relu(y)
    beside = own.norm(own.conv(shortcut, [*path, "conv_0"], filters, 1), [*path, "norm_0"])
    y = own.relu(own.layers.Add()([y, beside]))
    y = shortcut = own.layers.AveragePooling1D(2, 1)(y)
  y = own.norm(y, ["trunk", "norm_temporal"])
  in_time = own.norm(own.gru(y, ["trunk", "gru"], 5), ["trunk", "norm_gru"])

  def level(x):   # in Keras's own operations
    frames = keras.ops.reshape(x[:, :832, 0], (-1, 13, 64))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)
    real, imaginary = keras.ops.rfft(frames * hann.astype(np.float32))
    size = keras.ops.sqrt(real**2 + imaginary**2)
    db = 10 * keras.ops.log10(keras.ops.maximum(size, 1e-5))
    return keras.ops.maximum(db, keras.ops.max(db, axis=(1, 2), keepdims=True) - 80)

  flat = own.layers.Flatten()(own.layers.Lambda(level)(x))
  y = own.dense(flat, ["trunk", "dense_spectral_0"], 32, "relu")
  y = own.norm(own.norm(y, ["trunk", "norm_spectral_0"]), ["trunk", "norm_spectral"])
  y = own.layers.Concatenate()([in_time, y])
  y = own.dense(y, ["trunk", "dense_1"], 32, "relu")
  return own.dense(y, ["trunk", "dense_2"], 32, "relu")


SMALL = {
    "lstm": (Lstm(8, "SAME", (6, 4), (10,)), keras_lstm),
    "alexnet": (AlexNet((6, 8, 10, 10, 8), 16), keras_alexnet),
    "resnet50": (ResNet50((4, 6, 6, 8), (2, 1, 1, 1)), keras_resnet),
    "spectro_temporal": (SpectroTemporal((4, 6), 5), keras_spectro_temporal),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_network_says_what_it_says_in_keras(name, keras):
  """The published layers with fewer channels, weights copied across: the same outputs to 1e-4."""
  trunk, build = SMALL[name]
  network = PressureNetwork(trunk, outputs=1)
  x = jax.random.normal(jax.random.key(0), (3, SAMPLES, 1))
  rate = jnp.full(3, 80.0)
  shapes = jax.eval_shape(network.init, jax.random.key(1), x, rate)
  variables = random_like(shapes, 7)
  own = Copy(keras, variables)
  given = keras.Input((SAMPLES, 1))
  extra = (keras,) if name == "spectro_temporal" else ()
  features = build(own, given, *extra)
  model = keras.Model(given, own.dense(features, ["heads"], 2))
  own.finish()

  expected = np.asarray(model(np.asarray(x), training=False))
  found = np.asarray(network.apply(variables, x, rate)[..., 0])
  assert np.abs(expected).max() > 0.05
  np.testing.assert_allclose(found, expected, atol=1e-4 * max(1, np.abs(expected).max()))


def test_batch_normalisation_learns_as_in_keras(keras):
  x = np.asarray(jax.random.normal(jax.random.key(0), (4, 20, 3))) * 2 + 1
  layer = keras.layers.BatchNormalization(epsilon=1e-3)
  expected = np.asarray(layer(x, training=True))

  class Norm(nn.Module):
    @nn.compact
    def __call__(self, x):
      return keras_layers.batch_norm(True, "norm")(x)

  variables = Norm().init(jax.random.key(0), x)
  found, changed = Norm().apply(variables, x, mutable=["batch_stats"])
  np.testing.assert_allclose(found, expected, atol=1e-4)
  mean = changed["batch_stats"]["norm"]["mean"]
  np.testing.assert_allclose(mean, np.asarray(layer.moving_mean), atol=1e-5)


def test_the_forget_gate_of_an_lstm_is_open_at_the_start():
  layer = keras_layers.BiLstm(4)
  params = layer.init(jax.random.key(0), jnp.zeros((1, 5, 3)))["params"]
  np.testing.assert_array_equal(params["forward_bias"], [0] * 4 + [1] * 4 + [0] * 8)
  recurrent = np.asarray(params["forward_recurrent_kernel"])
  np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(4), atol=1e-5)
