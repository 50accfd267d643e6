"""The network for a minute at a time: every part is alive, and its rate axis is logarithmic."""
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_models_respdiff import normal, started

from jaxsig.systems.respiration.network_long import (
  ABOVE,
  BELOW,
  RespDiffLong,
  SpectralRateHead,
  log_spectra,
)
from jaxsig.systems.respiration.rates import RATE_BPM_R

pytestmark = pytest.mark.usefixtures("quick_compilation")

SMALL = {
    "channels": 4,
    "fine_kernels": (1, 3),
    "coarse_kernels": (3, 5),
    "dilations": (2,),
    "hidden": 3,
    "layers": 1,
    "width": 6,
    "denoiser_dilations": (2,),
    "waves": 3,
}
BINS = len(RATE_BPM_R)
RATIO = RATE_BPM_R[1] / RATE_BPM_R[0]
# Spectra know no offset, and a softmax no level.
WITHOUT_GRADIENT = ("['rate_head']['waves']['bias']", "['rate_head']['out']['bias']")


@pytest.fixture(scope="module")
def network():
  """(network, parameters, inputs, the compiled call)."""
  module = RespDiffLong(**SMALL)
  args = (normal(1, 3, 60, 6), normal(2, 3, 60), np.arange(3) * 7)
  params, apply = started(module, *args)
  return module, params, args, apply


def test_no_leaf_of_the_gradient_is_zero_but_what_spectra_and_a_softmax_cannot_see(network):
  module, params, args, _ = network
  label_b_r = np.eye(BINS)[[20, 60, 100]]
  target_b_t = normal(3, 3, 60)

  @jax.jit
  @jax.grad
  def gradient(params):
    out, logits = module.apply(params, *args)
    cross_entropy_b = -jnp.sum(label_b_r * jax.nn.log_softmax(logits), -1)
    return jnp.mean((out - target_b_t) ** 2) + jnp.mean(cross_entropy_b)

  for path, leaf in jax.tree_util.tree_leaves_with_path(gradient(params)):
    name = jax.tree_util.keystr(path)
    by_output = np.reshape(leaf, (-1, leaf.shape[-1]))   # so that half of a leaf cannot be dead
    alive = np.abs(by_output).max(0) > 1e-6
    assert alive.all() or name.endswith(WITHOUT_GRADIENT), name


def test_a_waveform_and_logits_come_out(network):
  _, params, args, apply = network
  out, logits = apply(params, *args)
  assert out.shape == (3, 60)
  assert logits.shape == (3, BINS)


@pytest.mark.parametrize("p, cell", [(1, "tanh"), (2, "linear")])
def test_outputs_have_their_shapes_whatever_the_cell_or_the_number_of_ppg_samples(p, cell):
  module = RespDiffLong(**SMALL | {"cell": cell})
  inputs = (np.zeros((2, 75, p)), np.zeros((2, 75)), np.zeros(2))

  def run(key, args):
    outputs, _ = module.init_with_output(key, *args)
    return outputs

  out, logits = jax.eval_shape(run, jax.random.key(0), inputs)
  assert out.shape == (2, 75)
  assert logits.shape == (2, BINS)


def test_all_of_the_ppg_reaches_both_outputs(network):
  module, params, (ppg, y, step), _ = network

  @jax.jit
  @jax.jacrev
  def slopes(ppg):
    out, logits = module.apply(params, ppg, y, step)
    return jnp.stack([(out**2).sum(), (logits**2).sum()])

  assert (np.abs(slopes(ppg)) > 0).all()


def test_y_and_the_step_reach_the_waveform_alone(network):
  _, params, (ppg, y, step), apply = network
  out, logits = apply(params, ppg, y, step)
  for changed_y, changed_step in ((y, step + 1), (y + np.float32(0.1), step)):
    changed_out, changed_logits = apply(params, ppg, changed_y, changed_step)
    assert (np.abs(changed_out - out).max(-1) > 1e-4).all()
    np.testing.assert_array_equal(changed_logits, logits)


def test_a_condition_made_once_serves_every_step(network):
  module, params, (ppg, y, step), _ = network
  step_s_b = np.stack([step, step + 3.5]).astype(np.float32)

  @jax.jit
  def both_ways(params, ppg, y, step_s_b):
    condition = module.apply(params, ppg, method="encode")
    logits = module.apply(params, condition, method="rate_logits")
    parts = []
    wholes = []
    for step_b in step_s_b:
      parts.append(module.apply(params, condition, y, step_b, method="denoise"))
      wholes.append(module.apply(params, ppg, y, step_b))
    return parts, logits, wholes

  parts, logits, wholes = both_ways(params, ppg, y, step_s_b)
  for part, (whole, _) in zip(parts, wholes, strict=True):
    np.testing.assert_allclose(part, whole, atol=1e-5)
  np.testing.assert_allclose(logits, wholes[0][1], atol=1e-4)


def test_members_may_be_vmapped(network):
  module, params, args, apply = network
  params_m = jax.tree.map(lambda leaf: np.stack([leaf, leaf[::-1]]), params)
  together = jax.jit(jax.vmap(module.apply, (0, None, None, None)))(params_m, *args)
  for m in range(2):
    alone = apply(jax.tree.map(lambda leaf, m=m: leaf[m], params_m), *args)
    for output_m, output in zip(together, alone, strict=True):
      np.testing.assert_allclose(output_m[m], output, atol=1e-4)


# The logarithmic rate axis


def sines(bins, n: int = 300, rate_hz: float = 5.0) -> np.ndarray:
  """One sine [b, t, 1] for each bin of the grid; outside of 0..127 beyond it."""
  frequency_hz_b = RATE_BPM_R[0] / 60 * RATIO ** np.asarray(bins, float)
  t_s = np.arange(n) / rate_hz
  phase_b_t = 2 * np.pi * frequency_hz_b[:, None] * t_s + 0.7
  return np.sin(phase_b_t)[..., None].astype(np.float32)


def spectra(x_b_t_k: np.ndarray, rate_hz: float = 5.0) -> np.ndarray:
  return np.asarray(log_spectra(x_b_t_k, rate_hz))


def test_log_spectra_find_a_sine_in_its_bin():
  bins = np.array([-10, 0, 30, 64, 127, 150])
  log_power = spectra(sines(bins))[..., 0]
  assert log_power.shape == (len(bins), BELOW + BINS + ABOVE)
  # Below 6/min a minute holds too few cycles for the sine's own negative frequency not to push the
  # peak by a bin or two.
  most_off = [3, 2, 0, 0, 0, 0]
  assert (np.abs(np.argmax(log_power, -1) - BELOW - bins) <= most_off).all()


def test_a_sine_does_not_leak_to_its_harmonics():
  bins = (60, 80)
  for log_power_r, r in zip(spectra(sines(bins))[..., 0], bins, strict=True):
    floor = np.log(1e-3)
    assert log_power_r[BELOW + r] > 2
    assert log_power_r[BELOW + r + 24:].max() < floor + np.log(1.2)
    assert log_power_r[:BELOW + r - 32].max() < floor + np.log(2)


def test_log_spectra_do_not_hear_loudness_or_an_offset_and_keep_read_outs_apart():
  x = np.concatenate([sines([40, 90]), normal(5, 2, 300, 1)], -1)
  log_power = spectra(x)
  np.testing.assert_allclose(spectra(0.1 * x), log_power, atol=5e-3)
  np.testing.assert_allclose(spectra(30 * x + 7), log_power, atol=5e-3)
  first = spectra(x[..., :1])
  np.testing.assert_allclose(first[..., 0], log_power[..., 0], atol=1e-5)
  assert np.isfinite(spectra(0 * x)).all()


@pytest.mark.parametrize("k", [-20, 7, 25])
def test_a_faster_recording_shifts_the_spectra_by_the_bins_of_its_ratio(k):
  """The same samples, taken k bins' ratio as fast: exactly the spectra of before, k bins higher."""
  steady = sines([55])
  with_harmonic = sines([70]) + 0.3 * sines([70 + 32])
  x = np.concatenate([steady, with_harmonic], -1)
  before = spectra(x)[0]
  after = spectra(x, 5.0 * RATIO**k)[0]

  low = max(0, k)
  high = min(0, k) + len(before)
  np.testing.assert_allclose(after[low:high], before[low - k:high - k], atol=0.05)
  assert np.abs(after[:-1] - before[1:]).max() > 1   # one bin is far more than the tolerance

  slow_bin = np.argmax(spectra(sines([60]))[0, :, 0])
  fast_bin = np.argmax(spectra(sines([60 + k]))[0, :, 0])   # and a minute of a faster sine
  assert fast_bin - slow_bin == k


def test_the_head_answers_a_shifted_pattern_by_shifted_logits():
  head = SpectralRateHead(5.0, waves=2, width=4)
  x = np.concatenate([sines([55]), sines([70])], -1)
  params, _ = started(head, x)
  faster_head = head.clone(rate_hz=5.0 * RATIO**12)

  @jax.jit
  def logits(params, x):
    return head.apply(params, x)[0], faster_head.apply(params, x)[0]

  slow, fast = map(np.asarray, logits(params, x))
  np.testing.assert_allclose(fast[47:87], slow[35:75], atol=0.01 * np.ptp(slow))
  assert np.abs(fast[47:87] - slow[47:87]).max() > 0.2 * np.ptp(slow)


def test_a_logit_belongs_to_the_rate_of_its_place_on_the_grid():
  """With convolutions that hand on what they get, the largest logit is that of the sine's bin."""
  head = SpectralRateHead(5.0, waves=1, width=1)
  bins = [10, 64, 120]
  shapes = jax.eval_shape(head.init, jax.random.key(0), sines(bins))["params"]
  params = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), shapes)
  params["waves"]["kernel"][:] = 1
  params["out"]["kernel"][:] = 1
  params["conv_0"]["kernel"][4] = 1
  logits_b_r = jax.jit(head.apply)({"params": params}, sines(bins))
  assert list(np.argmax(logits_b_r, -1)) == bins
