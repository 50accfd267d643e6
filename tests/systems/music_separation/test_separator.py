"""The networks: counts of parameters, context as one convolution, instruments side by side."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from builders import ROOT
from quick import quick_jit

from jaxsig import config as configs
from jaxsig.errors import UserError
from jaxsig.experiment import checks
from jaxsig.signal.stft import stft
from jaxsig.systems.music_separation import network, task
from jaxsig.systems.music_separation.features import PLANES, phase_planes
from jaxsig.systems.music_separation.network import Separator

FRAMES, STRIDE, BINS, HIDDEN, STEMS = 5, 2, 12, 6, 3


def counted(tree: object) -> int:
  """Numbers in a tree of shapes."""
  return sum(int(np.prod(x.shape)) for x in jax.tree.leaves(tree))


def parts_of_size(inputs: str, phase: str, paper: bool):
  """(parameters, statistics) of one instrument, as shapes, by the arguments of the config."""
  arg = "network=a"
  if paper:
    arg = "network=a,paper"
  changes = {"model.inputs": inputs, "model.phase": phase, "data.stems": ("vocals",)}
  config = configs.load(ROOT / "configs" / "music_separation.py", arg, changes)
  return jax.eval_shape(task.make(config).init, jax.random.key(0), {})


# Millions for 2,049 bins of two channels, by the facts' table: there the layers that are
# initialised from the training set (mean, deviation, bias) are counted, which are statistics here.
@pytest.mark.parametrize("inputs, phase, millions, layers", [
    ("phase", "raw", 24.85, 1),
    ("phase", "differences_shifted", 47.39, 1),
    ("amplitude", "raw", 24.86, 3),
    ("amplitude_phase", "differences_shifted", 72.23, 3),
])
def test_the_published_networks_have_their_counts(inputs, phase, millions, layers):
  params, _ = parts_of_size(inputs, phase, paper=True)
  count = counted(params) + layers * 2 * 2049
  assert round(count / 1e6, 2) == millions


@pytest.mark.parametrize("inputs, count", [
    ("amplitude", 984_833),
    ("amplitude_phase", 2_624_001),
    ("amplitude_shuffled", 2_624_001),
])
def test_the_reduced_networks_have_their_counts(inputs, count):
  params, _ = parts_of_size(inputs, "differences_shifted", paper=False)
  assert counted(params) == count


def test_amplitudes_twice_have_the_capacity_of_amplitude_and_phase():
  with_phase, _ = parts_of_size("amplitude_phase", "differences_shifted", paper=False)
  without, _ = parts_of_size("amplitude_amplitude", "differences_shifted", paper=False)
  assert counted(without) == counted(with_phase)


@pytest.mark.parametrize("arg", ["paper", "paper,dsd100", "paper,network=a_phi", "musdb18_hq"])
def test_arguments_go_together_and_reach_the_ablations(arg):
  config = configs.load(ROOT / "configs" / "music_separation.py", arg, {})
  checks.require_runnable(config)
  for name in config.ablations:
    one = configs.override(config, configs.changes(config.ablations[name]))
    checks.require_runnable(one)
    is_paper = "paper" in arg
    assert (one.model.hidden == 500) == is_paper
    assert one.model.joint_channels == is_paper
  if "network" not in arg:
    assert config.model.hidden == 24
  if "dsd100" in arg or "musdb18" in arg:
    assert len(config.report.primary) == 4


@pytest.mark.parametrize("changes, words", [
    ({"model.heard": "own"}, "hears the mixture alone"),
    ({"data.frame": 36, "data.hop": 9, "model.input_bins": 10}, "no multiple of 8"),
])
def test_what_the_local_network_cannot_do_is_told(changes, words):
  config = configs.load(ROOT / "configs" / "music_separation.py", "smoke", changes)
  with pytest.raises(UserError, match=words):
    checks.require_runnable(config)


@pytest.fixture(scope="module")
def made():
  """(network, parameters of all instruments, two inputs)."""
  separator = Separator(HIDDEN, FRAMES, STRIDE, BINS)
  draw = np.random.default_rng(0)
  inputs = [jnp.asarray(draw.standard_normal((2, 20, n)), jnp.float32) for n in (BINS, 2 * BINS)]
  init = quick_jit(network.init_instruments, static_argnums=(0, 3))
  params = init(separator, jax.random.key(1), inputs, STEMS)
  return separator, params, inputs


def stacked(x_b_n_f: jax.Array) -> jax.Array:
  """Frames with those around them, side by side: [b, n - (frames - 1) stride, frames f]."""
  size = x_b_n_f.shape[1] - (FRAMES - 1) * STRIDE
  parts = [x_b_n_f[:, k * STRIDE:k * STRIDE + size] for k in range(FRAMES)]
  return jnp.concatenate(parts, -1)


def test_context_as_a_convolution_is_a_dense_layer_on_stacked_frames(made):
  separator, params, inputs = made
  out_j_b_n_o = network.apply_instruments(separator, params, inputs, own_inputs=False)
  for j in range(STEMS):
    one = jax.tree.map(lambda x, j=j: x[j], params)["params"]
    features = []
    for i, x_b_n_f in enumerate(inputs):
      layers = one[f"branch_{i}"]
      kernel = layers["context"]["kernel"].reshape(-1, HIDDEN)
      first = jax.nn.relu(stacked(x_b_n_f) @ kernel + layers["context"]["bias"])
      features.append(jax.nn.relu(first @ layers["dense"]["kernel"] + layers["dense"]["bias"]))
    joined = jnp.concatenate(features, -1)
    wanted_b_n_o = joined @ one["out"]["kernel"] + one["out"]["bias"]
    np.testing.assert_allclose(out_j_b_n_o[j], wanted_b_n_o, atol=2e-6)


def test_instruments_together_are_instruments_apart(made):
  """Values and gradients of the one program are those of a network each."""
  separator, params, inputs = made

  def error(one):
    return jnp.sum(jnp.sin(separator.apply(one, inputs)))

  def error_of_all(every):
    out = network.apply_instruments(separator, every, inputs, own_inputs=False)
    return jnp.sum(jnp.sin(out))

  together = quick_jit(jax.grad(error_of_all))(params)
  apart_of = quick_jit(jax.grad(error))
  for j in range(STEMS):
    apart = apart_of(jax.tree.map(lambda x, j=j: x[j], params))
    for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(apart), strict=True):
      np.testing.assert_allclose(a[j], b, atol=2e-5)
      assert np.abs(b).max() > 0   # no part of the network is unused


def test_each_instrument_starts_elsewhere(made):
  _, params, _ = made
  kernel_j = params["params"]["out"]["kernel"]
  assert np.abs(kernel_j[0] - kernel_j[1]).max() > 0.1


def test_own_inputs_go_to_their_instrument(made):
  separator, params, inputs = made
  each = [jnp.stack([x, 2 * x, 3 * x]) for x in inputs]
  out_j_b_n_o = network.apply_instruments(separator, params, each, own_inputs=True)
  third = jax.tree.map(lambda x: x[2], params)
  wanted_b_n_o = separator.apply(third, [3 * x for x in inputs])
  np.testing.assert_allclose(out_j_b_n_o[2], wanted_b_n_o, atol=2e-6)


# Forms of the phase

N_FFT, HOP = 64, 16


def tone(k: int) -> jax.Array:
  """The spectrogram [n, f] of a tone in the middle of bin k."""
  turn_t = k * np.arange(10 * N_FFT) / N_FFT
  return stft(jnp.asarray(np.cos(2 * np.pi * turn_t + 0.3)), N_FFT, HOP, pad=False)


@pytest.mark.parametrize("form, planes", PLANES.items())
def test_forms_have_their_planes_and_finite_gradients(form, planes):
  noise = np.random.default_rng(0).standard_normal((5, 20))
  stft_n_f = jnp.asarray(noise + 1j * noise[::-1], jnp.complex64).at[2].set(0)
  assert phase_planes(stft_n_f, form, 38, 19, 0.1).shape == (5, planes * 20)

  def total(gain):
    return jnp.sum(phase_planes(gain * stft_n_f, form, 38, 19, 0.1))

  assert np.isfinite(jax.grad(total)(1.0))


@pytest.mark.parametrize("k", [9, 11])
def test_a_tone_has_no_shifted_differences_and_pi_with_the_wrong_sign(k):
  stft_n_f = tone(k)
  for form in ("time_shifted", "frequency_shifted"):
    planes_n_f = phase_planes(stft_n_f, form, N_FFT, HOP, 0.0)
    np.testing.assert_allclose(planes_n_f[1:, k], 0, atol=1e-4)
  wrong_n_f = phase_planes(stft_n_f, "time_wrong_sign", N_FFT, HOP, 0.0)
  np.testing.assert_allclose(np.abs(wrong_n_f[1:, k]), np.pi, atol=1e-4)
  raw_n_f = phase_planes(stft_n_f, "time", N_FFT, HOP, 0.0)
  np.testing.assert_allclose(np.abs(raw_n_f[1:, k]), np.pi / 2, atol=1e-4)


def test_both_differences_are_the_two_side_by_side():
  stft_n_f = tone(5)
  both = phase_planes(stft_n_f, "differences_shifted", N_FFT, HOP, 0.1)
  for i, form in enumerate(("time_shifted", "frequency_shifted")):
    one = phase_planes(stft_n_f, form, N_FFT, HOP, 0.1)
    np.testing.assert_array_equal(np.split(both, 2, -1)[i], one)
  four = phase_planes(stft_n_f, "cosine_sine", N_FFT, HOP, 0.0)
  cosine, sine = np.split(four, 4, -1)[:2]
  angle = phase_planes(stft_n_f, "time_shifted", N_FFT, HOP, 0.0)
  np.testing.assert_allclose(np.arctan2(sine, cosine)[1:, 3:8], angle[1:, 3:8], atol=1e-4)


def test_what_is_quiet_is_gated():
  stft_n_f = tone(5) * 1e-3
  loud = phase_planes(stft_n_f, "raw", N_FFT, HOP, 0.0)
  gated = phase_planes(stft_n_f, "raw", N_FFT, HOP, 10.0)
  assert np.abs(loud).max() > 1
  assert np.abs(gated).max() < 1e-3


def test_the_lowest_bins_alone_have_the_same_phases():
  stft_n_f = tone(5)
  whole = phase_planes(stft_n_f, "time_shifted", N_FFT, HOP, 0.0)
  low = phase_planes(stft_n_f[:, :10], "time_shifted", N_FFT, HOP, 0.0)
  np.testing.assert_array_equal(low, whole[:, :10])


def test_an_unknown_form_is_refused():
  with pytest.raises(ValueError, match="unknown form of phase 'both'"):
    phase_planes(tone(5), "both", N_FFT, HOP, 0.0)
